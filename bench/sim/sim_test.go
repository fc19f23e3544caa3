package sim

import (
	"flag"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	flagSeed  = flag.Uint64("sim.seed", 1, "first seed")
	flagSeeds = flag.Int("sim.seeds", 0, "number of seeds; 0: seedsDefault")
	flagSteps = flag.Int("sim.steps", 500, "steps of the safety phase of each seed")
)

// seedsDefault is what CI runs.
const seedsDefault = 200

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSim(t *testing.T) {
	seeds := *flagSeeds
	if seeds == 0 {
		seeds = seedsDefault
	}
	start := time.Now()
	var all stats
	for i := range seeds {
		_, s, err := run(*flagSeed+uint64(i), *flagSteps, defect{})
		if err != nil {
			t.Errorf("%v", err)
		}
		all.add(s)
	}
	t.Logf("T3 sim seeds=%d..%d steps=%d %+v time=%v", *flagSeed, *flagSeed+uint64(seeds)-1, *flagSteps, all, time.Since(start))
}

func (s *stats) add(o stats) {
	s.crashes += o.crashes
	s.cut += o.cut
	s.stops += o.stops
	s.injected += o.injected
	s.halts += o.halts
	s.answers += o.answers
	s.repeated += o.repeated
	s.refused += o.refused
	s.lost += o.lost
	s.overtaken += o.overtaken
	s.unknown += o.unknown
	s.resolved += o.resolved
	s.commands += o.commands
	s.simulatedMS += o.simulatedMS
}
