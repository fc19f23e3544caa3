//go:build !defect_reply_early && !defect_query_early && !defect_wall_clock

package engine

const active = 0
