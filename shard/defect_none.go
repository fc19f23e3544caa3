//go:build !defect_coverage_short

package shard

const active = 0
