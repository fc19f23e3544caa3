package sim

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	flagSeed  = flag.Uint64("sim.seed", 1, "first seed")
	flagSeeds = flag.Int("sim.seeds", seedsDefault, "number of seeds")
	flagSteps = flag.Int("sim.steps", stepsDefault, "steps of the safety phase of each seed")
)

// What CI runs: figures in DESIGN.md.
const (
	seedsDefault = 100
	stepsDefault = 500
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// job is one seed to run.
type job struct {
	seed  uint64
	steps int
}

// keptSeeds are those of testdata/seeds.txt.
func keptSeeds(t *testing.T) (jobs []job) {
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		if strings.HasPrefix(in.Text(), "#") {
			continue
		}
		var j job
		if _, err := fmt.Sscan(in.Text(), &j.seed, &j.steps); err != nil {
			t.Fatalf("seeds.txt: %q: %v", in.Text(), err)
		}
		jobs = append(jobs, j)
	}
	if err := in.Err(); err != nil || len(jobs) == 0 {
		t.Fatalf("seeds.txt: %d seeds, %v", len(jobs), err)
	}
	return jobs
}

// TestSim is T3: P1-P9, P13, P14, P21, P24 over many seeds. Worlds share nothing, so each core runs one; each is one goroutine.
// T20: defect_reply_early, defect_ids_not_saved, defect_query_early.
func TestSim(t *testing.T) {
	jobs := keptSeeds(t)
	for i := range *flagSeeds {
		jobs = append(jobs, job{*flagSeed + uint64(i), *flagSteps})
	}
	start := time.Now()
	all := runAll(t, jobs)
	took := time.Since(start)
	t.Logf("T3 sim seeds=%d from %d steps=%d %+v simulated=%v time=%v", len(jobs), *flagSeed, *flagSteps, all, time.Duration(all.simulatedMS)*time.Millisecond, took)
	if *flagSeeds < seedsDefault || *flagSteps < stepsDefault {
		return // a replay of some seeds need not meet every fault
	}
	n := int64(len(jobs))
	if all.crashes < 3*n || 4*all.cut < n || 4*all.stops < n || 4*all.injected < n || all.halts == 0 || all.checkpoints < n || all.unknown < 10*n ||
		all.overtaken < 10*n || all.repeated < 10*n || all.resolved < n || all.refused == 0 || all.lost < n || all.reads < 10*n {
		t.Error("vacuous: a kind of fault or of question hardly came")
	}
}

func runAll(t *testing.T, jobs []job) (all stats) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	next := make(chan job)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for j := range next {
				_, s, err := run(j.seed, j.steps, defect{})
				mu.Lock()
				if err != nil {
					t.Errorf("%v\nreplay: make sim SEED=%d STEPS=%d SEEDS=1; then keep it in testdata/seeds.txt", err, j.seed, j.steps)
				}
				all.add(s)
				mu.Unlock()
			}
		})
	}
	for _, j := range jobs {
		next <- j
	}
	close(next)
	wait.Wait()
	return all
}

// TestSameSeed: a seed played twice gives the same hash of everything that happened, and another seed another one.
func TestSameSeed(t *testing.T) {
	seen := map[[32]byte]uint64{}
	for seed := uint64(1); seed <= 8; seed++ {
		var first [32]byte
		for again := range 2 {
			sum, _, err := run(seed, stepsDefault, defect{})
			if err != nil {
				t.Fatal(err)
			}
			if again == 0 {
				first = sum
			} else if sum != first {
				t.Errorf("seed %d: %x, then %x", seed, first, sum)
			}
		}
		if other, found := seen[first]; found {
			t.Errorf("seeds %d and %d are the same", other, seed)
		}
		seen[first] = seed
	}
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
	s.checkpoints += o.checkpoints
	s.commands += o.commands
	s.reads += o.reads
	s.simulatedMS += o.simulatedMS
}
