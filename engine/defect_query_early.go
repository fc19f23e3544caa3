//go:build defect_query_early

package engine

const active = 2
