//go:build defect_ids_not_saved

package state

const active = 1
