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

	"go.uber.org/goleak"

	"gongji/bench/proof"
)

var (
	flagSeed  = flag.Uint64("sim.seed", proof.Seed(1), "first seed")
	flagSeeds = flag.Int("sim.seeds", seeds(), "number of seeds")
	flagSteps = flag.Int("sim.steps", stepsDefault, "steps of the safety phase of each seed")
)

// What plain `go test` runs, and `make proof` at full size (reliability.md 3.3). Figures in DESIGN.md.
const (
	seedsDefault = 50
	seedsFull    = 2000
	stepsDefault = 500
)

func seeds() int {
	if proof.Asked() {
		return proof.Of(seedsFull)
	}
	return seedsDefault
}

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
	line := proof.New("T3", "simulation").Word("seeds", fmt.Sprintf("%d..%d", *flagSeed, *flagSeed+uint64(*flagSeeds)-1)).Word("steps", *flagSteps)
	all, red := runAll(t, jobs)
	line.AtLeast("ran", int64(len(jobs)), int64(*flagSeeds)).Zero("red", red)
	n := int64(len(jobs))
	if *flagSeeds < seedsDefault || *flagSteps < stepsDefault {
		n = 0 // a replay of some seeds need not meet every fault
	}
	for _, f := range []struct {
		name       string
		got, least int64
	}{
		{"commands", all.commands, 100 * n}, {"answers", all.answers, 100 * n}, {"repeated", all.repeated, 10 * n}, {"unknown", all.unknown, 10 * n}, {"resolved", all.resolved, n},
		{"overtaken", all.overtaken, 10 * n}, {"reads", all.reads, 5 * n}, {"checkpoints", all.checkpoints, n}, {"refused", all.refused, n / 10}, {"halts", all.halts, n / 100},
	} {
		line.AtLeast(f.name, f.got, f.least)
	}
	line.Word("simulated-days", all.simulatedMS/86_400_000)
	for _, f := range []struct {
		kind       string
		got, least int64
	}{{"crash", all.crashes, 3 * n}, {"cut-recovery", all.cut, n / 4}, {"stop", all.stops, n / 4}, {"log", all.injected, n / 4}, {"message-lost", all.lost, n}} {
		if n > 0 {
			line.Fault(f.kind, f.got)
		}
		if f.got < f.least {
			t.Errorf("vacuous: %d faults of kind %s, at least %d were planned", f.got, f.kind, f.least)
		}
	}
	line.Print(t)
}

func runAll(t *testing.T, jobs []job) (all stats, red int64) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	next := make(chan job)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for j := range next {
				_, s, err := run(j.seed, j.steps, defect{})
				mu.Lock()
				if err != nil {
					red++
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
	return all, red
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
