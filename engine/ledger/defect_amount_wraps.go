//go:build defect_amount_wraps

package ledger

const active = 9
