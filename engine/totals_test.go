package engine_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"gongji/bench/model"
	"gongji/engine"
	"gongji/engine/state"
)

// hostile gives batches of the model's generator, whose clock the engine is to use.
func hostile(seed uint64, n int) (batches []model.Batch, clock *steppedClock) {
	g := model.NewGenerator(seed)
	for _, s := range g.Setup() {
		batches = append(batches, s.Batch)
	}
	for range n {
		batches = append(batches, g.MoneyBatch(80).Batch)
	}
	return batches, &steppedClock{wall: batches[0].TimeMS}
}

func play(t *testing.T, e *engine.Engine, clock *steppedClock, b model.Batch) {
	t.Helper()
	clock.wall = b.TimeMS
	must(t, e.Housekeep())
	send(t, e, withoutDayKeys(b))
}

// atRest walks the tables themselves, on the executor's goroutine: what a snapshot of this moment must give.
func atRest(t *testing.T, e *engine.Engine) (w engine.Totals) {
	t.Helper()
	must(t, e.Ask(func(v engine.View) {
		w.Sequence, w.TimeMS, w.Sums, w.StateHash = v.Sequence, v.TimeMS, v.State.Totals(), state.Hash(v.State)
	}))
	return w
}

// compare leaves the chains to Verify and bench/trail.
func compare(t *testing.T, got, want engine.Totals) {
	t.Helper()
	got.EffectChain, got.LogChain = want.EffectChain, want.LogChain
	if got != want {
		t.Fatalf("totals %+v, want %+v", got, want)
	}
}

// TestTotalsAtCheckpoints: the newest sequence and each kept checkpoint answer with what was held then, also after a crash, and a replay from
// zero finds the same; no other sequence answers.
func TestTotalsAtCheckpoints(t *testing.T) {
	batches, clock := hostile(11, 30)
	p := place{t, t.TempDir()}
	var ended atomic.Uint64
	tune := func(o *engine.Options) {
		o.Clock, o.CheckpointBytes = clock, 20_000
		o.Report = func(event string, _ map[string]any) {
			if event == "checkpoint" {
				ended.Add(1)
			}
		}
	}
	e := p.open(tune)
	held := map[uint64]engine.Totals{}
	var last engine.Totals
	for _, b := range batches {
		play(t, e, clock, b)
		must(t, e.EndCheckpoint())
		last = atRest(t, e)
		held[last.Sequence] = last
		got, err := e.Totals(engine.AskLimit, 0)
		must(t, err)
		compare(t, got, last)
		last.LogChain = got.LogChain
		held[last.Sequence] = last
	}
	if last.Sums.Personal == 0 || last.Sums.Institution == 0 || last.Sums.Sum() != 0 || ended.Load() < 3 {
		t.Fatalf("vacuous: %+v after %d checkpoints", last.Sums, ended.Load())
	}
	copied := p.options()
	copied.Dir = filepath.Join(p.dir, "copy", "ledger")
	must(t, e.Checkpoint(copied.Dir))
	if v := verify(t, copied, digestOf(t, e)); v.Checkpoints < 2 || v.Totals != last.Sums {
		t.Errorf("verified %d checkpoints, totals %+v, live were %+v", v.Checkpoints, v.Totals, last.Sums)
	}
	must(t, e.Crash())
	e = p.open(tune)
	answered, compared := 0, 0
	for s := uint64(1); s <= last.Sequence; s++ {
		got, err := e.Totals(engine.AskLimit, s)
		if errors.Is(err, engine.ErrSequence) && s != last.Sequence {
			continue
		}
		must(t, err)
		answered++
		if want, known := held[s]; known { // checkpoints also lie at the engine's own batches
			if got.LogChain != want.LogChain {
				t.Errorf("log chain at %d: the checkpoint says %x, told was %x", s, got.LogChain, want.LogChain)
			}
			compare(t, got, want)
			compared++
		}
	}
	if _, err := e.Totals(engine.AskLimit, last.Sequence+1); !errors.Is(err, engine.ErrSequence) {
		t.Errorf("totals of the future: %v", err)
	}
	if answered < 3 || answered > 4 || compared < 2 { // a crash may leave the checkpoint that was about to be deleted
		t.Errorf("%d sequences answered, %d compared; want the newest and two or three checkpoints", answered, compared)
	}
	must(t, e.Close())
}

// gate holds the first walk until it is opened.
type gate struct {
	first   atomic.Bool
	begun   chan uint64
	release chan struct{}
}

func newGate(e *engine.Engine) *gate {
	g := &gate{begun: make(chan uint64, 1), release: make(chan struct{})}
	e.HookWalks(func(sequence uint64) {
		if g.first.CompareAndSwap(false, true) {
			g.begun <- sequence
			<-g.release
		}
	})
	return g
}

type totalsResult struct {
	totals engine.Totals
	err    error
}

func totalsOf(e *engine.Engine) <-chan totalsResult {
	c := make(chan totalsResult, 1)
	go func() {
		got, err := e.Totals(engine.AskLimit, 0)
		c <- totalsResult{got, err}
	}()
	return c
}

// TestTillsPassAWalk: while a walk over the rows stands still, batches are executed and answered, a checkpoint begins and ends, and the walk
// still gives what was held when it began.
func TestTillsPassAWalk(t *testing.T) {
	batches, clock := hostile(12, 30)
	p := place{t, t.TempDir()}
	checkpoints := make(chan uint64, len(batches)*8)
	e := p.open(func(o *engine.Options) {
		o.Clock, o.CheckpointBytes = clock, 30_000
		o.Report = func(event string, values map[string]any) {
			if event == "checkpoint" {
				checkpoints <- values["sequence"].(uint64)
			}
		}
	})
	g := newGate(e)
	var want engine.Totals
	var walk <-chan totalsResult
	for begun := false; !begun; {
		play(t, e, clock, batches[0])
		batches = batches[1:]
		want, walk = atRest(t, e), totalsOf(e)
		select {
		case s := <-g.begun:
			if begun = true; s != want.Sequence {
				t.Fatalf("walk of %d, want %d", s, want.Sequence)
			}
		case r := <-walk: // a checkpoint lies here: no walk
			must(t, r.err)
			compare(t, r.totals, want)
		}
	}
	for _, b := range batches {
		play(t, e, clock, b)
	}
	later := atRest(t, e)
	for s := uint64(0); s <= want.Sequence; { // the test's own limit of time is the failure
		s = <-checkpoints
	}
	if later.Sequence < want.Sequence+20 || later.StateHash == want.StateHash {
		t.Fatalf("vacuous: from %d to %d", want.Sequence, later.Sequence)
	}
	close(g.release)
	r := <-walk
	must(t, r.err)
	compare(t, r.totals, want)
	got, err := e.Totals(engine.AskLimit, 0)
	must(t, err)
	compare(t, got, later)
	must(t, e.Close())
	verify(t, p.options(), digest{later.Sequence, got.EffectChain, later.StateHash})
}

// TestOneWalk: who comes while a walk stands still waits for it and then has his own, or leaves at his deadline; Close does not wait.
func TestOneWalk(t *testing.T) {
	batches, clock := hostile(13, 3)
	p := place{t, t.TempDir()}
	e := p.open(func(o *engine.Options) { o.Clock, o.CheckpointBytes = clock, 1<<40 })
	g := newGate(e)
	play(t, e, clock, batches[0])
	before := atRest(t, e)
	walk := totalsOf(e)
	<-g.begun
	if _, err := e.Totals(time.Millisecond, 0); !errors.Is(err, engine.ErrDeadline) {
		t.Errorf("a second walk beside one that stands still: %v", err)
	}
	for _, b := range batches[1:] {
		play(t, e, clock, b)
	}
	after, second := atRest(t, e), totalsOf(e)
	close(g.release)
	for name, c := range map[string]struct {
		got  <-chan totalsResult
		want engine.Totals
	}{"first": {walk, before}, "second": {second, after}} {
		r := <-c.got
		if r.err != nil {
			t.Fatalf("%s: %v", name, r.err)
		}
		compare(t, r.totals, c.want)
	}
	if before.StateHash == after.StateHash {
		t.Fatal("vacuous: nothing changed")
	}
	last := newGate(e)
	walk = totalsOf(e)
	<-last.begun
	must(t, e.Close())
	close(last.release)
	r := <-walk
	must(t, r.err)
	compare(t, r.totals, after)
}

// TestWalkDeadline: a walk ends at its deadline, and its view with it, without anybody asking for totals again.
func TestWalkDeadline(t *testing.T) {
	e := place{t, t.TempDir()}.open(nil)
	limit, walks := time.Millisecond, 0
	e.HookWalks(func(uint64) {
		walks++
		<-time.After(limit) // begun at the latest at the deadline: it has passed then
	})
	for ; walks == 0; limit *= 2 { // a slow machine may not come as far as the walk
		if _, err := e.Totals(limit, 0); !errors.Is(err, engine.ErrDeadline) {
			t.Fatalf("a walk past its deadline: %v", err)
		}
	}
	limit = 0
	open := 1
	for range 10_000 { // the executor looks between batches and questions, in no fixed order
		var err error
		if open, err = e.Walks(); open == 0 || err != nil {
			must(t, err)
			break
		}
	}
	if open != 0 {
		t.Errorf("%d walks are not thawed", open)
	}
	want := atRest(t, e)
	got, err := e.Totals(engine.AskLimit, 0)
	must(t, err)
	compare(t, got, want)
	must(t, e.Close())
}

// hold keeps the executor's goroutine in a question until release is called.
func hold(t *testing.T, e *engine.Engine) (release func()) {
	begun, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- e.Ask(func(engine.View) {
			close(begun)
			<-gate
		})
	}()
	<-begun
	return func() {
		t.Helper()
		close(gate)
		must(t, <-done)
	}
}

// TestAskDeadline: a question on a ledger that stands still is given up with a typed error, and never runs later, when its caller has gone.
func TestAskDeadline(t *testing.T) {
	e := place{t, t.TempDir()}.open(nil)
	release := hold(t, e)
	var ran atomic.Bool
	if err := e.AskWithin(time.Millisecond, func(engine.View) { ran.Store(true) }); !errors.Is(err, engine.ErrDeadline) {
		t.Errorf("nobody answers: %v", err)
	}
	if _, err := e.Totals(time.Millisecond, 0); !errors.Is(err, engine.ErrDeadline) {
		t.Errorf("totals: %v", err)
	}
	release()
	behind := false
	must(t, e.Ask(func(engine.View) { behind = true }))
	if !behind || ran.Load() {
		t.Errorf("asked again, ran: %v; given up, ran: %v", behind, ran.Load())
	}
	must(t, e.Close())
}

// TestSameCheckpoint: Verify sees every figure of a checkpoint's record.
func TestSameCheckpoint(t *testing.T) {
	for name, change := range map[string]func(*state.Info){
		"time": func(i *state.Info) { i.TimeMS++ }, "link": func(i *state.Info) { i.WalLink[31]++ }, "chain": func(i *state.Info) { i.EffectChain[0]++ },
		"hash": func(i *state.Info) { i.StateHash[5]++ }, "personal": func(i *state.Info) { i.Totals.Personal++ },
		"family": func(i *state.Info) { i.Totals.Family++ }, "institution": func(i *state.Info) { i.Totals.Institution++ }, "funding": func(i *state.Info) { i.Totals.Funding-- },
		"premium": func(i *state.Info) { i.Totals.Premium++ }, "areas owed": func(i *state.Info) { i.Totals.AreaOwed++ }, "areas claimed": func(i *state.Info) { i.Totals.AreaClaimed++ },
		"bank": func(i *state.Info) { i.Totals.FundBank++ },
	} {
		a := state.Info{Mark: state.Mark{Sequence: 7}, Number: 3}
		b := a
		if err := engine.SameCheckpoint(&a, &b); err != nil {
			t.Errorf("%s: equal ones: %v", name, err)
		}
		if change(&b); engine.SameCheckpoint(&a, &b) == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}
