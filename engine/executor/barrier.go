package executor

import (
	"runtime"
	"sync/atomic"
)

// barrier lets one leader and whoever helps him walk through the phases of a batch. In each phase every shard is run once, by who claims it; the
// leader claims too, and waits only for shards that somebody else has begun. So a helper that gets no core costs nothing, and the shards
// change hands only between phases.
type barrier struct {
	claims atomic.Uint64 // number of the open phase << claimBits | next shard to claim
	done   atomic.Int32  // shards run in the open phase
	shards uint64
	phase  uint32 // what the open phase does; written by the leader before it opens, read by who has claimed
}

const (
	claimBits = 8 // shard.ShardsMax is 64
	claimMask = 1<<claimBits - 1
)

// open lets shards be claimed for a phase; what the leader wrote before is there to read.
func (b *barrier) open(phase uint32) {
	b.phase = phase
	b.done.Store(0)
	b.claims.Store((b.claims.Load()>>claimBits + 1) << claimBits)
}

// claim takes the next shard of the open phase; false if there is none.
func (b *barrier) claim() (number int, ok bool) {
	for {
		c := b.claims.Load()
		if c&claimMask >= b.shards {
			return 0, false
		}
		if b.claims.CompareAndSwap(c, c+1) {
			return int(c & claimMask), true
		}
	}
}

// finish says that a claimed shard has been run; what was written is the leader's to read after gather.
func (b *barrier) finish() { b.done.Add(1) }

// gather waits until all shards of the phase have been run. A phase takes microseconds, so it yields instead of sleeping.
func (b *barrier) gather() {
	for b.done.Load() != int32(b.shards) {
		runtime.Gosched()
	}
}

// helpYields is how often a helper that finds nothing to claim lets others run before it goes to sleep until the next batch: longer than the
// leader's own work between two phases when cores are free, and next to nothing when they are not.
const helpYields = 64

// help runs shards until nothing has been there to claim for a while.
func (b *barrier) help(run func(phase uint32, number int)) {
	for idle := 0; idle < helpYields; {
		number, ok := b.claim()
		if !ok {
			idle++
			runtime.Gosched()
			continue
		}
		run(b.phase, number)
		b.finish()
		idle = 0
	}
}
