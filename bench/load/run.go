package load

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// Plan of a run in process.
type Plan struct {
	Workers  int // goroutines that submit and wait
	Group    int // commands in a request
	Duration time.Duration
	Warm     time.Duration
	Mix      Mix
	Seed     uint64
}

// Result of a run.
type Result struct {
	Seconds                                                float64
	CPU                                                    float64 // s, of the whole process
	Settlements, Accepted, Commands, Legs, Relatives, Cash uint64
	Contested, Serial, Batches                             uint64
	MoneyBefore, MoneyAfter                                int64 // fen in personal accounts
	Refused                                                map[ledger.Outcome]int
}

// Run drives an engine in a closed loop and counts what was answered inside the measured time.
func Run(e *engine.Engine, w World, p Plan) (Result, error) {
	var stop, measuring atomic.Bool
	var wg sync.WaitGroup
	errs := make(chan error, p.Workers)
	counts := make([]counter, p.Workers)
	for i := range p.Workers {
		wg.Go(func() {
			if err := work(e, w.NewStream(p.Mix, p.Seed, uint64(i)), p.Group, &stop, &measuring, &counts[i]); err != nil {
				errs <- err
				stop.Store(true)
			}
		})
	}
	time.Sleep(p.Warm)
	var r Result
	r.MoneyBefore = personal(e)
	before := snapshot(e)
	start, cpu := time.Now(), cpuSeconds()
	measuring.Store(true)
	time.Sleep(p.Duration)
	measuring.Store(false)
	r.Seconds, r.CPU = time.Since(start).Seconds(), cpuSeconds()-cpu
	after := snapshot(e)
	stop.Store(true)
	wg.Wait()
	r.MoneyAfter = personal(e)
	r.Refused = map[ledger.Outcome]int{}
	for i := range counts {
		r.Settlements += counts[i].settlements
		for o, n := range counts[i].refused {
			r.Refused[o] += n
		}
	}
	r.Accepted, r.Commands, r.Legs = after[0]-before[0], after[1]-before[1], after[2]-before[2]
	r.Relatives, r.Cash, r.Contested, r.Serial, r.Batches = after[3]-before[3], after[4]-before[4], after[5]-before[5], after[6]-before[6], after[7]-before[7]
	select {
	case err := <-errs:
		return r, err
	default:
		return r, nil
	}
}

type counter struct {
	settlements uint64
	refused     map[ledger.Outcome]int
	_           [40]byte // a cache line of its own
}

func snapshot(e *engine.Engine) [8]uint64 {
	s := e.Stats()
	return [8]uint64{s.Settlements.Load(), s.Commands.Load(), s.Legs.Load(), s.Relatives.Load(), s.Cash.Load(), s.Contested.Load(), s.Serial.Load(), s.Batches.Load()}
}

func personal(e *engine.Engine) (sum int64) {
	_ = e.Ask(func(v engine.View) { sum = v.State.Totals().Personal })
	return sum
}

func work(e *engine.Engine, s *Stream, group int, stop, measuring *atomic.Bool, c *counter) error {
	r := sequencer.NewRequest()
	c.refused = map[ledger.Outcome]int{}
	for !stop.Load() {
		settlements := uint64(0)
		for range group {
			var settled bool
			if r.Commands, settled = s.Append(r.Commands); settled {
				settlements++
			}
			r.Count++
		}
		if err := e.Do(r); err != nil {
			return err
		}
		for i := range r.Results {
			if o := r.Results[i].Effect.Outcome; o != ledger.Accepted {
				c.refused[o]++
			}
		}
		if measuring.Load() {
			c.settlements += settlements
		}
		r.Reset()
	}
	return nil
}

// Print writes what a run did, and whether it was stationary.
func (r Result) Print(w io.Writer) {
	n := float64(max(1, r.Accepted))
	fmt.Fprintf(w, "settlements/s %.0f  (%.1f s, %.2f us CPU a settlement, %d batches of %.0f commands)\n", float64(r.Settlements)/r.Seconds, r.Seconds, 1e6*r.CPU/float64(max(1, r.Settlements)), r.Batches, float64(r.Commands)/float64(max(1, r.Batches)))
	fmt.Fprintf(w, "postings a settlement %.2f  using authorizers %.1f %%  all cash %.1f %%  contested %.2f %%  serial %.2f %%\n",
		float64(r.Legs)/n, 100*float64(r.Relatives)/n, 100*float64(r.Cash)/n, 100*float64(r.Contested)/float64(max(1, r.Commands)), 100*float64(r.Serial)/float64(max(1, r.Commands)))
	drift := 100 * (float64(r.MoneyAfter)/float64(max(1, r.MoneyBefore)) - 1)
	fmt.Fprintf(w, "money in personal accounts %+.2f %%  refused %v\n", drift, r.Refused)
}

// cpuSeconds is the CPU time the process has used: it tells more than the clock on a shared machine.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
