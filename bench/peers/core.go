package peers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// coreWorkers and coreGroup are those of `gongji bench core`.
const (
	coreWorkers = 32
	coreGroup   = 512
	coreWarm    = time.Second
)

// legsMax is the most accounts that a settlement of this world touches: a family.
const legsMax = 4

// Legs counts settlements by accounts touched.
type Legs [legsMax + 1]uint64

// coreKeys are what the front door would compute from numbers; here they are computed before, for all persons.
type coreKeys struct{ person, pseudonym []ledger.Key }

// openCore opens the ledger in this process. Its server has stopped.
func openCore(place *ledgerPlace) (*engine.Engine, error) {
	return engine.Open(engine.Options{Dir: place.dir, KeyFile: place.key})
}

func newCoreKeys(e *engine.Engine, w *World) *coreKeys {
	n := w.Persons()
	k := &coreKeys{make([]ledger.Key, n), make([]ledger.Key, n)}
	var wg sync.WaitGroup
	parts := runtime.GOMAXPROCS(0)
	for p := range parts {
		wg.Go(func() {
			var buf []byte
			for i := n * p / parts; i < n*(p+1)/parts; i++ {
				buf = AppendPsnNo(buf[:0], i)
				k.person[i] = ledger.K(buf)
				buf = AppendCertno(buf[:0], i)
				k.pseudonym[i] = e.Pseudonym("01", buf)
			}
		})
	}
	wg.Wait()
	return k
}

// coreWorker submits groups of commands in process and waits for them: the bills of a walk, then their credits.
type coreWorker struct {
	engine  *engine.Engine
	keys    *coreKeys
	walk    *Walk
	run     string
	number  int
	request *sequencer.Request

	settled   atomic.Uint64
	legs      Legs
	relatives uint64
	credits   uint64
	latencies result.Histogram // of whole groups, settlements each
	buf       []Credit
	id, code  []byte
}

// core drives the engine in a closed loop, every batch synced before its answers.
func core(ctx context.Context, e *engine.Engine, keys *coreKeys, w *World, runID string, number, seconds int) (result.Run, Legs, error) {
	workers := make([]*coreWorker, coreWorkers)
	errs := make([]error, coreWorkers)
	var stop, measuring atomic.Bool
	var wg sync.WaitGroup
	for i := range workers {
		workers[i] = &coreWorker{engine: e, keys: keys, walk: w.NewWalk(w.seed+uint64(number), i, coreWorkers), run: runID, number: i,
			request: sequencer.NewRequest(), latencies: result.NewHistogram()}
		wg.Go(func() {
			for errs[i] == nil && !stop.Load() {
				errs[i] = workers[i].once(&measuring)
			}
		})
	}
	pause(ctx, coreWarm)
	start, cpu := time.Now(), cpuSeconds()
	measuring.Store(true)
	pause(ctx, time.Duration(seconds)*time.Second)
	measuring.Store(false)
	r := result.Run{Seconds: time.Since(start).Seconds(), CPU: cpuSeconds() - cpu}
	stop.Store(true)
	wg.Wait()
	var legs Legs
	h := result.NewHistogram()
	r.Mix = &result.Mix{Calls: map[string]uint64{}}
	total, postings, relatives := uint64(0), uint64(0), uint64(0)
	for _, c := range workers {
		r.Count += c.settled.Load()
		h.Merge(c.latencies)
		relatives += c.relatives
		r.Mix.Calls["credit"] += c.credits
		for n, count := range c.legs {
			legs[n] += count
			total += count
			postings += uint64(n) * count
		}
	}
	r.Rate = float64(r.Count) / r.Seconds
	n := float64(max(1, total))
	r.Mix.Postings, r.Mix.Relatives, r.Mix.AllCash = float64(postings)/n, float64(relatives)/n, float64(legs[0])/n
	var err error
	r.Latency, err = h.Latency(true)
	return r, legs, errors.Join(append(errs, err, ctx.Err())...)
}

// pause waits, unless somebody interrupts.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (c *coreWorker) once(measuring *atomic.Bool) error {
	r := c.request
	bills := 0
	for c.buf = c.walk.AppendCredits(c.buf[:0]); bills+len(c.buf) < coreGroup; bills++ {
		c.appendBill(r)
	}
	for _, x := range c.buf {
		cmd := ledger.Command{Kind: ledger.KindCredit, Person: c.keys.person[x.Person], Amount: x.Fen, Source: 1}
		r.Commands = command.Append(r.Commands, &cmd, &command.Details{})
		r.Count++
	}
	inside, start := measuring.Load(), time.Now()
	if err := c.engine.Do(r); err != nil {
		return err
	}
	if inside && measuring.Load() {
		c.latencies.Record(time.Since(start))
		c.settled.Add(uint64(bills))
	}
	for i := range r.Results {
		f := &r.Results[i].Effect
		if f.Outcome != ledger.Accepted {
			return fmt.Errorf("command kind %d: outcome %d", f.Kind, f.Outcome)
		}
		if f.Kind == ledger.KindSettlement {
			c.legs[f.LegCount]++
			if f.Mulaid > 0 {
				c.relatives++
			}
		}
	}
	c.credits += uint64(len(c.buf))
	r.Reset()
	return nil
}

func (c *coreWorker) appendBill(r *sequencer.Request) {
	c.id = AppendMsgid(c.id[:0], c.run, c.number, c.walk.step)
	b := c.walk.Next()
	c.code = AppendCode(c.code[:0], b.Institution)
	cmd := ledger.Command{Kind: ledger.KindSettlement, CredType: ledger.CredentialCertificate, Person: c.keys.person[b.Patient], Other: c.keys.pseudonym[b.Patient],
		Institution: ledger.NewCode(c.code), UsedFlag: 1}
	cmd.ID = ledger.K(c.code, c.id)
	cmd.Bill.Medfee, cmd.Bill.Inscp = b.Fen, b.Fen
	r.Commands = command.Append(r.Commands, &cmd, &command.Details{MedType: 41, Insutype: 310, Message: c.id, Caller: c.code})
	r.Count++
}

// countLegs reads the journal behind a position and counts settlements by accounts touched, at most about limit of them.
func countLegs(e *engine.Engine, after ledger.Position, limit uint64) (legs Legs, next ledger.Position, err error) {
	seen := uint64(0)
	for {
		feed, err := e.Events(after, 1, func(f *ledger.Effect, _ *ledger.Effects) bool {
			if f.Kind == ledger.KindSettlement && f.Outcome == ledger.Accepted {
				legs[min(int(f.LegCount), legsMax)]++
				seen++
			}
			return false
		})
		if err != nil || !feed.More || seen >= limit {
			return legs, feed.Next, err
		}
		after = feed.Next
	}
}

// balanced reports what the ledger's accounts add up to, in fen: 0.
func balanced(e *engine.Engine) (sum int64, err error) {
	err = e.Ask(func(v engine.View) { sum = v.State.Totals().Sum() })
	return sum, err
}

// cpuSeconds is the processor time this process has used.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
