//go:build defect_reversal_to_patient

package ledger

const active = 3
