package sequencer

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/wal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLog keeps payloads; hold, when set, blocks each Append until something is sent.
type fakeLog struct {
	payloads [][]byte
	hold     chan struct{}
	entered  chan struct{}
	err      error
}

type fakeCommit uint64

func (c fakeCommit) Sequence() uint64 { return uint64(c) }
func (c fakeCommit) Link() wal.Link   { return wal.Link{} }
func (c fakeCommit) Wait() error      { return nil }

func (l *fakeLog) Append(p []byte) (wal.Commit, error) {
	if l.hold != nil {
		l.entered <- struct{}{}
		<-l.hold
	}
	if l.err != nil {
		return nil, l.err
	}
	l.payloads = append(l.payloads, append([]byte(nil), p...))
	return fakeCommit(len(l.payloads)), nil
}

type fakeClock struct{ wall, mono int64 }

func (c *fakeClock) Wall() int64      { return c.wall }
func (c *fakeClock) Monotonic() int64 { return c.mono }

func request(class Class, n int) *Request {
	r := NewRequest()
	r.Class, r.Count = class, n
	for range n {
		r.Commands = command.Append(r.Commands, &ledger.Command{Kind: ledger.KindTick, More: &ledger.More{}}, &command.Details{})
	}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// drain runs the sequencer to its end and plays the executor: every span gets its results, requests are finished.
func drain(t *testing.T, s *Sequencer) (batches []Batch, run error) {
	done := make(chan error, 1)
	go func() { done <- s.Run() }()
	for b := range s.Batches() {
		if b.Commit != nil {
			s.Durable()
		}
		for _, sp := range b.Spans {
			if len(sp.Request.done) > 0 {
				t.Error("a request was answered before its results were there")
			}
			for range sp.Count {
				sp.Request.Results = append(sp.Request.Results, Result{})
			}
			if sp.Request.Finished() {
				sp.Request.Finish()
			}
		}
		for _, q := range b.Queries {
			q.Query(b.Sequence)
			q.Finish()
		}
		batches = append(batches, Batch{Sequence: b.Sequence, TimeMS: b.TimeMS, Spans: append([]Span(nil), b.Spans...), Queries: append([]*Request(nil), b.Queries...)})
		s.Recycle(b)
	}
	return batches, <-done
}

// TestOrder: structural calls, tills, the share of loads, and queries behind all of it; every command in exactly one batch.
func TestOrder(t *testing.T) {
	log := &fakeLog{}
	s := New(log, &fakeClock{wall: 1000}, 0)
	query := NewRequest()
	query.Query = func(uint64) {}
	load, till, person := request(Bulk, 3000), request(Till, 5), request(Structural, 2)
	for _, r := range []*Request{query, load, till, person} {
		must(t, s.Submit(r))
	}
	s.Close()
	batches, err := drain(t, s)
	must(t, err)
	want := []struct {
		r *Request
		n int
	}{{person, 2}, {till, 5}, {load, BulkShare}, {nil, 0}, {load, 3000 - BulkShare}}
	if len(batches) != len(want) {
		t.Fatalf("%d batches, want %d", len(batches), len(want))
	}
	for i, w := range want {
		b := batches[i]
		if w.r == nil {
			if len(b.Queries) != 1 || b.Queries[0] != query || b.Sequence != 0 {
				t.Errorf("batch %d is not the query's", i)
			}
			continue
		}
		if len(b.Spans) != 1 || b.Spans[0].Request != w.r || b.Spans[0].Count != w.n {
			t.Errorf("batch %d holds %+v, want %d commands", i, b.Spans, w.n)
		}
	}
	for i, p := range log.payloads {
		if _, err := command.ReadBatch(p); err != nil {
			t.Errorf("payload %d: %v", i, err)
		}
	}
	if s.Depth() != 0 {
		t.Errorf("depth %d after all", s.Depth())
	}
}

// TestFill: while one append is under way, what arrives becomes one batch.
func TestFill(t *testing.T) {
	log := &fakeLog{hold: make(chan struct{}), entered: make(chan struct{}, 10)}
	s := New(log, &fakeClock{wall: 1000}, 0)
	type result struct {
		batches []Batch
		err     error
	}
	out := make(chan result, 1)
	go func() {
		b, err := drain(t, s)
		out <- result{b, err}
	}()
	must(t, s.Submit(request(Till, 1)))
	<-log.entered
	for range 100 {
		must(t, s.Submit(request(Till, 1)))
	}
	s.Close()
	log.hold <- struct{}{}
	<-log.entered
	log.hold <- struct{}{}
	r := <-out
	must(t, r.err)
	if len(r.batches) != 2 || len(r.batches[1].Spans) != 100 {
		t.Fatalf("%d batches, second of %d", len(r.batches), len(r.batches[1].Spans))
	}
}

// TestCollects: while a batch is being synced, what arrives waits for Durable and becomes one batch; a full batch does not wait.
func TestCollects(t *testing.T) {
	s := New(&fakeLog{}, &fakeClock{wall: 1000}, 0)
	done := make(chan error, 1)
	go func() { done <- s.Run() }()
	next := func(spans int) {
		t.Helper()
		b := <-s.Batches()
		if len(b.Spans) != spans {
			t.Errorf("a batch of %d requests, want %d", len(b.Spans), spans)
		}
		s.Recycle(b)
	}
	must(t, s.Submit(request(Till, 1)))
	next(1)
	for range 100 {
		must(t, s.Submit(request(Till, 1)))
	}
	s.Durable()
	next(100)
	must(t, s.Submit(request(Till, 7)))
	must(t, s.Submit(request(Till, BatchCommands-7)))
	next(2)
	s.Durable()
	must(t, s.Submit(request(Till, 1))) // one of two is still being synced
	s.Close()
	next(1) // nothing waits for ever behind Close
	must(t, <-done)
}

// TestCut: a batch ends at BatchCommands and a request may lie in two.
func TestCut(t *testing.T) {
	log := &fakeLog{}
	s := New(log, &fakeClock{wall: 1000}, 0)
	a, b := request(Till, BatchCommands-1), request(Till, 10)
	must(t, s.Submit(a))
	must(t, s.Submit(b))
	s.Close()
	batches, err := drain(t, s)
	must(t, err)
	if len(batches) != 2 || batches[0].Spans[1].Count != 1 || batches[1].Spans[0].Count != 9 || !b.Finished() {
		t.Fatalf("cut into %+v", batches)
	}
}

// TestLimits: every queue has its limit; what is refused is not admitted. It must catch the seeded defect "unbounded queue".
// T20: defect_queue_unbounded.
func TestLimits(t *testing.T) {
	s := New(&fakeLog{}, &fakeClock{wall: 1000}, 0)
	fill := func(class Class, most int) {
		t.Helper()
		admitted := 0
		for {
			if err := s.Submit(request(class, 1024)); err != nil {
				if !errors.Is(err, ErrBusy) {
					t.Fatal(err)
				}
				break
			}
			if admitted += 1024; admitted > most {
				t.Fatalf("class %d: %d commands wait, limit %d", class, admitted, most)
			}
		}
		if admitted != most {
			t.Errorf("class %d: refused at %d, limit %d", class, admitted, most)
		}
	}
	must(t, s.Submit(request(Structural, 1024)))
	fill(Till, QueueCommandsMax-1024)
	fill(Bulk, BulkCommandsMax)
	for _, class := range []Class{Till, Structural, Bulk} { // not one more; single calls wait in the tills' room
		if err := s.Submit(request(class, 1)); !errors.Is(err, ErrBusy) {
			t.Errorf("class %d: one command above the limit: %v", class, err)
		}
	}
	for range QueriesMax {
		q := NewRequest()
		q.Query = func(uint64) {}
		must(t, s.Submit(q))
	}
	q := NewRequest()
	q.Query = func(uint64) {}
	if err := s.Submit(q); !errors.Is(err, ErrBusy) {
		t.Errorf("query above the limit: %v", err)
	}
	if err := s.Submit(request(Till, CommandsPerRequestMax+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large request: %v", err)
	}
	s.Close()
	if err := s.Submit(request(Till, 1)); !errors.Is(err, ErrStopping) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := drain(t, s); err != nil {
		t.Fatal(err)
	}
}

// TestClock: ledger time never goes back, also across a restart; a step forward stops admission until an operator confirms.
func TestClock(t *testing.T) {
	clock := &fakeClock{}
	steps := func(last int64) func(wall, mono, want int64, ok bool) *ledgerTime {
		lt := &ledgerTime{clock: clock, last: last}
		return func(wall, mono, want int64, ok bool) *ledgerTime {
			t.Helper()
			clock.wall, clock.mono = wall, mono
			if got, gotOK := lt.now(); gotOK != ok || ok && got != want {
				t.Errorf("wall %d: %d %v, want %d %v", wall, got, gotOK, want, ok)
			}
			return lt
		}
	}
	step := steps(9_000)
	step(5_000, 0, 9_000, true) // the clock is behind the log
	step(9_500, 10, 9_500, true)
	step(9_400, 20, 9_500, true)                                      // back
	step(9_400+StepMaxMS+1, 20, 0, false)                             // forward against the monotonic clock
	lt := step(9_400+StepMaxMS+2, 21, 0, false)                       // stays
	lt.confirms.Store(true)                                           // an operator's word
	step(9_400+StepMaxMS+3, 22, 9_400+StepMaxMS+3, true)              // goes on
	steps(1_000)(1_000+StartStepMaxMS+1, 0, 0, false)                 // seven days at start
	steps(0)(1_000+StartStepMaxMS+1, 0, 1_000+StartStepMaxMS+1, true) // a new ledger has no last time
}

// TestClockHalt: while the clock waits for a word, requests are answered with ErrClock and their ids stay free.
func TestClockHalt(t *testing.T) {
	clock := &fakeClock{wall: StartStepMaxMS + 10_000}
	log := &fakeLog{}
	s := New(log, clock, 1)
	r := request(Till, 1)
	must(t, s.Submit(r))
	s.Close()
	if _, err := drain(t, s); err != nil {
		t.Fatal(err)
	}
	<-r.Done()
	if !errors.Is(r.Err, ErrClock) || len(log.payloads) != 0 {
		t.Errorf("answered %v with %d records logged", r.Err, len(log.payloads))
	}
}

// TestAppendFails: the error ends Run; nothing is admitted after it and nobody is answered.
func TestAppendFails(t *testing.T) {
	broken := errors.New("broken")
	s := New(&fakeLog{err: broken}, &fakeClock{wall: 1000}, 0)
	r := request(Till, 1)
	must(t, s.Submit(r))
	if _, err := drain(t, s); !errors.Is(err, broken) {
		t.Fatalf("Run ended with %v", err)
	}
	if err := s.Submit(request(Till, 1)); !errors.Is(err, ErrStopping) {
		t.Errorf("after the failure: %v", err)
	}
	select {
	case <-r.Done():
		t.Error("a request of the failed batch was answered")
	default:
	}
}
