//go:build !defect_queue_unbounded

package sequencer

const active = 0
