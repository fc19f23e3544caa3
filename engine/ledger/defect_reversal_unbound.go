//go:build defect_reversal_unbound

package ledger

const active = 4
