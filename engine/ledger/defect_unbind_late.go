//go:build defect_unbind_late

package ledger

const active = 8
