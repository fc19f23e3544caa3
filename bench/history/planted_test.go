package history

import (
	"os"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"gongji/wal"
)

// lying is a door that does a wrong to some calls.
type lying struct {
	submitDoor
	wrong func(l *lying, m *machine, c *Call) (Answer, bool)

	mu    sync.Mutex
	calls int
	seen  map[int]Answer // Look, by family
	late  []func()       // unbindings to be sent later
	done  int            // wrongs
}

func (l *lying) do(m *machine, c *Call, cut bool) (Answer, fate, error) {
	l.mu.Lock()
	l.calls++
	a, wrong := l.wrong(l, m, c)
	if wrong {
		l.done++
	}
	l.mu.Unlock()
	if wrong {
		return a, answered, nil
	}
	a, f, err := l.submitDoor.do(m, c, cut)
	if c.Kind == Look && err == nil {
		l.mu.Lock()
		if l.calls%3 == 0 || l.seen[c.Family].Outcome == Unknown {
			l.seen[c.Family] = a
		}
		l.mu.Unlock()
	}
	return a, f, err
}

// staleRead answers now and then what was seen some time before.
func staleRead(l *lying, _ *machine, c *Call) (Answer, bool) {
	a := l.seen[c.Family]
	a.Sequence = 0
	return a, c.Kind == Look && a.Outcome == Accepted && l.calls%10 == 0
}

// twice executes now and then a settlement a second time, under an id that nobody knows.
func twice(l *lying, m *machine, c *Call) (Answer, bool) {
	if c.Kind == Settle && l.calls%20 == 0 {
		again := *c
		again.ID += 500_000
		if _, _, err := l.submitDoor.do(m, &again, false); err == nil {
			l.done++
		}
	}
	return Answer{}, false
}

// lateUnbind says unbound at once and unbinds some calls later.
func lateUnbind(l *lying, m *machine, c *Call) (Answer, bool) {
	if len(l.late) > 0 && l.calls%40 == 0 {
		for _, f := range l.late {
			f()
		}
		l.late = nil
	}
	if c.Kind != Unbind || c.ID%2 == 0 {
		return Answer{}, false
	}
	later := *c
	l.late = append(l.late, func() { _, _, _ = l.submitDoor.do(m, &later, true) })
	return Answer{Outcome: Accepted}, true
}

// early is a log whose commits say durable at once, and become so some records later.
type early struct{ wal.Log }

func (l early) Append(payload []byte) (wal.Commit, error) {
	c, err := l.Log.Append(payload)
	if err != nil {
		return nil, err
	}
	return earlyCommit{c}, nil
}

type earlyCommit struct{ wal.Commit }

func (earlyCommit) Wait() error { return nil }

// TestSeesPlanted is the test of T7: a history in which somebody was lied to must be found Illegal.
func TestSeesPlanted(t *testing.T) {
	for i, c := range []struct {
		name  string
		wrong func(*lying, *machine, *Call) (Answer, bool)
		faults
		log func(wal.Log) wal.Log
	}{
		{"stale-read", staleRead, faults{}, nil},
		{"executed-twice", twice, faults{}, nil},
		{"late-unbind", lateUnbind, faults{}, nil},
		{"told-before-durable", func(*lying, *machine, *Call) (Answer, bool) { return Answer{}, false }, faults{crashes: 10}, func(l wal.Log) wal.Log { return early{l} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &lying{wrong: c.wrong, seen: map[int]Answer{}}
			w := newWorld(t, "T7", "sees-"+c.name, uint64(91+i), plan{shards: 2, families: 6, never: true, log: c.log}, c.faults, 1_600, l)
			w.planted = true
			defer w.end()
			v, err := Check(w.run(), familyLimit, t.TempDir())
			must(t, err)
			p := w.begun.Word("ops", v.Calls).Word("result", v.Result)
			if v.Result != porcupine.Illegal {
				t.Errorf("history with %s is %s", c.name, v.Result)
			}
			if _, err := os.Stat(v.Picture); err != nil {
				t.Error(err)
			}
			if c.log == nil {
				p.Fault("planted", int64(l.done))
			} else {
				p.Fault("crash", int64(w.crashes))
			}
			p.Print(t)
		})
	}
}

// TestBook holds the book against histories of a few calls, each explained or not.
func TestBook(t *testing.T) {
	settle := func(id, member int, amount int64) *Call {
		return &Call{Kind: Settle, ID: id, Member: member, Amount: amount}
	}
	paid := func(own, aid, cash, balc int64, legs ...Leg) *Answer {
		return &Answer{Outcome: Accepted, Own: own, Mulaid: aid, Cash: cash, Balc: balc, HasLegs: true, Legs: legs}
	}
	type step struct {
		c *Call
		a *Answer
	}
	bind := func(id, authorizer, user int, n int64) step {
		return step{&Call{Kind: Bind, ID: id, Member: authorizer, Other: user}, &Answer{Outcome: Accepted, Binding: n}}
	}
	outcome := func(c *Call, o Outcome) step { return step{c, &Answer{Outcome: o}} }
	repeated := *paid(50_00, 0, 0, 50_00, Leg{0, 50_00})
	repeated.Repeat = true
	for name, c := range map[string]struct {
		steps []step
		fits  bool
	}{
		"own first":            {[]step{bind(0, 1, 0, 7), {settle(1, 0, 120_00), paid(100_00, 20_00, 0, 0, Leg{0, 100_00}, Leg{1, 20_00})}}, true},
		"relative first":       {[]step{bind(0, 1, 0, 7), {settle(1, 0, 120_00), paid(60_00, 60_00, 0, 40_00, Leg{1, 60_00}, Leg{0, 60_00})}}, false},
		"not bound":            {[]step{{settle(0, 0, 120_00), paid(100_00, 20_00, 0, 0, Leg{0, 100_00}, Leg{1, 20_00})}}, false},
		"passed on":            {[]step{bind(0, 0, 1, 7), bind(1, 1, 2, 8), {settle(2, 2, 101_00), paid(40_00, 61_00, 0, 0, Leg{2, 40_00}, Leg{1, 60_00}, Leg{0, 1_00})}}, false},
		"not emptied":          {[]step{bind(0, 0, 3, 7), bind(1, 1, 3, 8), {settle(2, 3, 50_00), paid(0, 50_00, 0, 0, Leg{0, 25_00}, Leg{1, 25_00})}}, false},
		"either order":         {[]step{bind(0, 0, 3, 7), bind(1, 1, 3, 8), {settle(2, 3, 110_00), paid(0, 110_00, 0, 0, Leg{1, 60_00}, Leg{0, 50_00})}}, true},
		"cash too early":       {[]step{{settle(0, 0, 50_00), paid(40_00, 0, 10_00, 60_00, Leg{0, 40_00})}}, false},
		"twice":                {[]step{{settle(0, 0, 50_00), paid(50_00, 0, 0, 50_00, Leg{0, 50_00})}, {settle(0, 0, 50_00), paid(50_00, 0, 0, 0, Leg{0, 50_00})}}, false},
		"repeat":               {[]step{{settle(0, 0, 50_00), paid(50_00, 0, 0, 50_00, Leg{0, 50_00})}, {settle(0, 0, 50_00), &repeated}}, true},
		"repeat of nothing":    {[]step{{settle(0, 0, 50_00), &repeated}}, false},
		"overtaken":            {[]step{outcome(&Call{Kind: Reverse, ID: 1, About: 0}, Tombstoned), outcome(settle(0, 0, 5), Blocked)}, true},
		"overtaken, not held":  {[]step{outcome(&Call{Kind: Reverse, ID: 1, About: 0}, Tombstoned), {settle(0, 0, 50_00), paid(50_00, 0, 0, 50_00, Leg{0, 50_00})}}, false},
		"unknown, seen":        {[]step{outcome(settle(0, 0, 5), Unknown), {&Call{Kind: Balance}, &Answer{Outcome: Accepted, Balc: 99_95}}}, true},
		"unknown, not seen":    {[]step{outcome(settle(0, 0, 5), Unknown), {&Call{Kind: Balance}, &Answer{Outcome: Accepted, Balc: 100_00}}}, true},
		"unknown, other":       {[]step{outcome(settle(0, 0, 5), Unknown), {&Call{Kind: Balance}, &Answer{Outcome: Accepted, Balc: 99_90}}}, false},
		"unknown, then undone": {[]step{outcome(settle(0, 0, 5), Unknown), outcome(&Call{Kind: Reverse, ID: 1}, Tombstoned), {&Call{Kind: Balance}, &Answer{Outcome: Accepted, Balc: 99_95}}}, false},
		"number of another":    {[]step{bind(0, 0, 3, 7), bind(1, 1, 3, 7)}, false},
		"unbound":              {[]step{bind(0, 1, 3, 7), outcome(&Call{Kind: Unbind, ID: 1, Member: 1, Binding: 7}, Accepted), {settle(2, 3, 5), paid(0, 0, 5, 0)}}, true},
		"unbound, used":        {[]step{bind(0, 1, 3, 7), outcome(&Call{Kind: Unbind, ID: 1, Member: 1, Binding: 7}, Accepted), {settle(2, 3, 5), paid(0, 5, 0, 0, Leg{1, 5})}}, false},
	} {
		var events []Event
		for i, s := range c.steps {
			e := Event{Call: *s.c, Answer: *s.a, From: int64(2 * i), To: int64(2*i + 1)}
			if s.a.Outcome == Unknown {
				e.To = Never
			}
			events = append(events, e)
		}
		v, err := Check(events, familyLimit, t.TempDir())
		must(t, err)
		if (v.Result == porcupine.Ok) != c.fits {
			t.Errorf("%s: %s", name, v.Result)
		}
	}
}

// TestOrder: an answer of an earlier state than one that somebody had before the question is found, across families (P12).
func TestOrder(t *testing.T) {
	at := func(family int, from, to int64, sequence uint64) Event {
		return Event{Call: Call{Kind: Look, Family: family}, Answer: Answer{Outcome: Accepted, Sequence: sequence}, From: from, To: to}
	}
	if err := Order([]Event{at(0, 1, 4, 9), at(1, 2, 3, 8), at(2, 5, 6, 9)}); err != nil {
		t.Error(err)
	}
	if Order([]Event{at(0, 1, 2, 9), at(1, 3, 4, 8)}) == nil {
		t.Error("a step back was not seen")
	}
}
