//go:build defect_truncate_early

package state

const active = 3
