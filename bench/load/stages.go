package load

import (
	"math/bits"
	"sync"
	"time"

	"gongji/bench/result"
	"gongji/engine"
)

// stages takes in what the engine tells of its batches (engine.Options.Observe). The mutex is the engine's and the sampler's: one lock a batch.
type stages struct {
	mu                sync.Mutex
	histograms        [4]result.Histogram // by stageNames, a command each
	batches, commands uint64
	contested, serial uint64
	sizes             [16]uint64 // by power of two
}

// stageNames: waiting for a batch and its append to the log; from there until it is synced and the executor free; executed; kept and answered.
var stageNames = [4]string{"queue", "log", "execute", "reply"}

func newStages() *stages {
	s := &stages{}
	for i := range s.histograms {
		s.histograms[i] = result.NewHistogram()
	}
	return s
}

func (s *stages) observe(t engine.BatchTimes) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int64(t.Commands)
	for i, d := range [...]time.Duration{t.Cut - t.Submitted, t.Durable - t.Cut, t.Executed - t.Durable, t.Answered - t.Executed} {
		s.histograms[i].RecordN(d, n)
	}
	s.batches++
	s.commands += uint64(n)
	s.contested += uint64(t.Contested)
	if t.Serial {
		s.serial += uint64(n)
	}
	s.sizes[min(bits.Len(uint(t.Commands))-1, len(s.sizes)-1)]++
}

// reset empties it: the measured part begins.
func (s *stages) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.histograms {
		s.histograms[i].Reset()
	}
	s.batches, s.commands, s.contested, s.serial = 0, 0, 0, 0
	clear(s.sizes[:])
}

// batchCounts at one moment.
type batchCounts struct{ batches, commands, contested, serial uint64 }

func (s *stages) counts() batchCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return batchCounts{s.batches, s.commands, s.contested, s.serial}
}

// report is what was observed since reset.
func (s *stages) report() ([]result.Stage, *result.Batches, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []result.Stage
	for i, name := range stageNames {
		l, err := s.histograms[i].Latency(true)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, result.Stage{Name: name, Latency: *l})
	}
	b := &result.Batches{Count: s.batches, Commands: share(s.commands, s.batches)}
	last := 0
	for i, n := range s.sizes {
		if n > 0 {
			last = i + 1
		}
	}
	b.Sizes = append(b.Sizes, s.sizes[:last]...)
	return out, b, nil
}

// share is a/b, 0 of nothing.
func share(a, b uint64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
