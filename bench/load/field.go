package load

import (
	"math/rand/v2"
	"runtime"
	"sync"
)

// field is a workload's world with the streams that work on it.
type field struct {
	shape   *Workload
	world   *World
	streams []*Stream
	run     *creditRun // nil: none beside the tills
}

// newField makes both from the seed, and raises opening balances to what the streams need. The same seed gives the same field.
func newField(shape *Workload, persons, workers int, seed uint64) *field {
	f := &field{shape: shape, world: shape.world(persons, seed), streams: make([]*Stream, workers)}
	b, draw := shape.bills(seed), shape.pick(f.world, seed)
	b.name(f.world.Institutions)
	slots := f.world.Persons / 2
	if shape.slots != nil {
		slots = shape.slots(f.world.Persons)
	}
	slots = max(slots/workers, slotsMin)
	each(workers, func(i int) {
		rng := rand.New(rand.NewPCG(seed, uint64(i)+2))
		s := newStream(f.world, shape, b, f.world.table(slots, shape, b, draw, rng), seed, uint64(i))
		s.extra.reverses = shape.mixed
		if shape.season {
			s.extra.premiums = f.world.premiumsOf(i, workers)
		}
		if shape.mixed {
			s.extra.pairs = f.world.pairsOf(i, workers, rng)
		}
		f.streams[i] = s
	})
	need := make([]int64, f.world.Persons)
	for _, s := range f.streams {
		f.world.settle(s.slots, f.shape, b, need)
	}
	if !shape.thin {
		f.world.raise(need)
	}
	if shape.runs {
		f.run = newCreditRun(f.world, seed)
	}
	return f
}

// raise gives each account at least what it needs not to run dry.
func (w *World) raise(need []int64) {
	for i := range need {
		if w.has(i, isOwner) {
			w.opening[i] = max(w.opening[i], need[i])
		}
	}
}

// each runs f for 0 to n-1, on all cores.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for k := range cores {
		wg.Go(func() {
			for i := k; i < n; i += cores {
				f(i)
			}
		})
	}
	wg.Wait()
}
