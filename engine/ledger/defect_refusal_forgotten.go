//go:build defect_refusal_forgotten

package ledger

const active = 2
