package executor

import (
	"runtime"
	"sync/atomic"
)

// barrier lets one leader and its workers walk through the phases of a batch together. Workers are woken once a batch; within it they
// wait by yielding, as a phase takes microseconds.
type barrier struct {
	phase   atomic.Uint32 // raised by the leader: the phase that may run
	arrived atomic.Int32  // workers done with it
	workers int32
}

// await blocks a worker until the leader has opened phase p.
func (b *barrier) await(p uint32) {
	for b.phase.Load() != p {
		runtime.Gosched()
	}
}

// arrive says that a worker has finished the open phase.
func (b *barrier) arrive() { b.arrived.Add(1) }

// gather blocks the leader until all workers have finished the open phase; what they wrote is his to read.
func (b *barrier) gather() {
	for b.arrived.Load() != b.workers {
		runtime.Gosched()
	}
	b.arrived.Store(0)
}

// open lets the workers into a phase; what the leader wrote before is theirs to read.
func (b *barrier) open(p uint32) { b.phase.Store(p) }
