//go:build defect_day_end_old

package ledger

const active = 10
