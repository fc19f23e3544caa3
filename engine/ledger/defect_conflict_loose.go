//go:build defect_conflict_loose

package ledger

const active = 1
