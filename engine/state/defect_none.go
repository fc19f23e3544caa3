//go:build !defect_ids_not_saved && !defect_map_order && !defect_truncate_early

package state

const active = 0
