//go:build defect_self_last

package ledger

const active = 6
