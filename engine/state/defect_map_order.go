//go:build defect_map_order

package state

const active = 2
