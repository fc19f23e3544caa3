//go:build defect_wall_clock

package engine

const active = 3
