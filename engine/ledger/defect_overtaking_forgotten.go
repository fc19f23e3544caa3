//go:build defect_overtaking_forgotten

package ledger

const active = 5
