package history

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/wal/memlog"
)

// Sizes of a history.
const (
	clients  = 16
	hot      = 4   // families that most calls of a time go to
	hotCalls = 600 // how long they stay hot
	// familyLimit is how long the checker may take for one family; it needs milliseconds.
	familyLimit = 30 * time.Second
)

// faults are what a run does to its callers and its machine.
type faults struct {
	cut     int   // per thousand calls: the line breaks when the request has left
	crashes int   // power cuts, evenly over the run
	keep    int   // of staged records that a power cut may leave
	gate    *gate // commits wait for it; nil: none
}

// world is one run: a ledger, its callers and what they were told.
type world struct {
	plan
	faults
	t       *testing.T
	seed    uint64
	total   int64
	doors   []door
	clock   wallClock
	keys    *engine.Keys
	machine atomic.Pointer[machine]
	now     atomic.Int64   // orders calls and answers
	taken   atomic.Int64   // calls begun
	stop    atomic.Bool    // something is wrong
	enough  atomic.Bool    // who looks on has seen enough
	ended   sync.WaitGroup // machines that are being ended
	crashes int            // so far; the crashing client's
	family  []*family
	person  map[uint32]place
	callers []*caller
	told    sync.Mutex // one error is enough of a run
	begun   *proof.Line
	dropped int  // calls to a machine without power
	planted bool // something is wrong on purpose: calls may fail
}

// family is what callers know of one: their own messages.
type family struct {
	mu    sync.Mutex
	next  int
	calls []Call // messages under way or answered
	late  []Call // settlements whose reversal has been sent before them
	bound []Call // unbindings that somebody may send, each with a number and its authorizer
}

// caller is one client with his own randomness and his own book.
type caller struct {
	w      *world
	number int
	r      *rand.Rand
	door   door
	events []Event
	on     []*machine // where each event was sent
	free   int
	copies int
}

// newWorld starts a ledger with its families; test and name begin its line.
func newWorld(t *testing.T, test, name string, seed uint64, p plan, f faults, total int, doors ...door) *world {
	seed = proof.Seed(seed)
	t.Helper()
	w := &world{begun: proof.New(test, name).Seed(seed), plan: p, faults: f, t: t, seed: seed, total: int64(total), doors: doors, person: map[uint32]place{}}
	var err error
	w.keys, err = keysOf(seed)
	must(t, err)
	m, err := w.start(memlog.NewDisk(), vfs.NewCrashableMem())
	must(t, err)
	w.machine.Store(m)
	w.populate(m.engine)
	for range p.families {
		w.family = append(w.family, &family{})
	}
	if total > 0 {
		w.prelude()
	}
	return w
}

// run lets the callers call until the history is as long as planned, and returns it with the legs of each settlement.
func (w *world) run() []Event {
	w.t.Helper()
	var working sync.WaitGroup
	w.gate.open(clients)
	for i := range clients {
		c := &caller{w: w, number: i, r: rand.New(rand.NewPCG(w.seed, uint64(i)+100)), door: w.doors[i%len(w.doors)]}
		w.callers = append(w.callers, c)
		working.Go(func() {
			defer w.gate.done()
			c.work()
		})
		if i == 0 {
			w.gate.sawOne()
		}
	}
	working.Wait()
	return w.history()
}

// prelude makes sure that every outcome comes at least once, in family 0.
func (w *world) prelude() {
	c := &caller{w: w, r: rand.New(rand.NewPCG(w.seed, 99)), door: w.doors[0]}
	w.callers = append(w.callers, c)
	f := w.family[0]
	call := func(x Call) (Call, Answer) {
		a, _ := c.call(x, false)
		c.learn(&x, &a)
		return x, a
	}
	call(f.message(Call{Kind: Settle, Member: 3, Amount: 1, Refuse: true}))
	late := f.message(Call{Kind: Settle, Amount: 1})
	call(f.message(Call{Kind: Reverse, About: late.ID}))
	call(late)
	done, _ := call(f.message(Call{Kind: Settle, Amount: 5}))
	call(f.message(Call{Kind: Reverse, About: done.ID}))
	call(f.message(Call{Kind: Reverse, About: done.ID}))
	_, bound := call(f.message(Call{Kind: Bind, Other: 3}))
	call(f.message(Call{Kind: Bind, Other: 3}))
	call(f.message(Call{Kind: Unbind, Binding: bound.Binding}))
	call(f.message(Call{Kind: Unbind, Binding: bound.Binding}))
}

// history joins what all callers were told. A call that a crash left open cannot take effect after it.
func (w *world) history() (events []Event) {
	reader := w.machine.Load().engine.NewReader()
	for _, c := range w.callers {
		for i, e := range c.events {
			if at := c.on[i].cutAt.Load(); e.To == Never && at != 0 {
				if e.From > at {
					w.dropped++
					continue // sent to a machine without power
				}
				e.To = at
			}
			if e.Answer.At != 0 && !w.planted {
				e.Answer.Legs, e.Answer.HasLegs = w.legs(reader, ledger.Position(e.Answer.At)), true
			}
			events = append(events, e)
		}
	}
	return events
}

// legs are those of a settlement, as the journal has them.
func (w *world) legs(r *engine.Reader, at ledger.Position) (legs []Leg) {
	w.t.Helper()
	e, err := r.Entry(at)
	if err != nil {
		w.t.Errorf("an answered settlement is lost: %v", err)
		return nil
	}
	for _, l := range e.Legs {
		legs = append(legs, Leg{w.person[l.Account.Number()].member, -l.Amount})
	}
	return legs
}

// end closes the last machine and waits for all others.
func (w *world) end() {
	w.t.Helper()
	m := w.machine.Load()
	w.close(m, m.engine.Close)
	w.ended.Wait()
}

func (c *caller) work() {
	w := c.w
	for range w.total / clients {
		if w.stop.Load() || w.enough.Load() {
			return
		}
		n := w.taken.Add(1)
		if every := w.total / int64(w.faults.crashes+1); w.faults.crashes > 0 && n%every == 0 && n/every <= int64(w.faults.crashes) {
			w.gate.enter()
			w.crash(rand.New(rand.NewPCG(w.seed, uint64(n))), c.r.IntN(w.keep+1), c.r.IntN(80))
			w.gate.leave()
		}
		f := c.r.IntN(w.families)
		if c.r.IntN(100) < 80 {
			f = (int(n)/hotCalls*hot + c.r.IntN(hot)) % w.families
		}
		c.turn(f)
	}
}

// turn is one call and what follows from it.
func (c *caller) turn(f int) {
	call := c.choose(f)
	a, known := c.call(call, c.r.IntN(1000) < c.w.faults.cut)
	if known || !call.Kind.Moves() {
		c.learn(&call, &a)
		return
	}
	switch c.r.IntN(3) { // what a till does that was not answered (P24)
	case 0:
		for range 3 {
			if a, known := c.call(call, false); known {
				c.copies++
				c.learn(&call, &a)
				return
			}
		}
	case 1:
		if call.Kind == Settle {
			c.call(c.w.family[f].message(Call{Kind: Reverse, Family: f, About: call.ID, Member: call.Member}), false)
		}
	case 2:
		if call.Kind == Settle {
			c.call(Call{Kind: Found, Family: f, About: call.ID}, false)
		}
	}
}

// call makes one call and notes it.
func (c *caller) call(call Call, cut bool) (Answer, bool) {
	w := c.w
	m := w.machine.Load()
	w.gate.enter()
	from := w.now.Add(1)
	a, fate, err := c.door.do(m, &call, cut)
	gone := m.cut.Load() // asked behind the answer: what came before the cut was durable
	to := w.now.Add(1)
	if gone {
		<-m.gone // inside the gate: nobody else is held up by who cannot call
	}
	w.gate.leave()
	switch {
	case gone:
		fate = lost
	case err != nil && w.planted:
		fate = lost
	case err != nil:
		w.fail(err)
	case fate == free:
		c.free++
		return a, false
	}
	if fate == lost {
		a, to = Answer{}, Never
	}
	c.events = append(c.events, Event{Client: c.number, Call: call, Answer: a, From: from, To: to})
	c.on = append(c.on, m)
	return a, fate == answered
}

// fail tells the first error of a run and ends it.
func (w *world) fail(err error) {
	w.told.Lock()
	defer w.told.Unlock()
	if !w.stop.Swap(true) {
		w.t.Error(err)
	}
}

// learn keeps what other calls may name.
func (c *caller) learn(call *Call, a *Answer) {
	if call.Kind != Bind || a.Outcome != Accepted {
		return
	}
	f := c.w.family[call.Family]
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bound = append(f.bound, Call{Kind: Unbind, Family: call.Family, Member: call.Member, Binding: a.Binding})
}

// message gives a call the next message id of its family.
func (f *family) message(c Call) Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.numbered(c)
}

// numbered is message of who holds mu.
func (f *family) numbered(c Call) Call {
	c.ID = f.next
	f.next++
	f.calls = append(f.calls, c)
	return c
}

// pairs are who may authorize whom: two each other, and one on to a third (P13).
var pairs = [][2]int{{0, 1}, {1, 2}, {1, 0}, {0, 3}, {1, 3}, {2, 3}}

// choose draws the next call about a family.
func (c *caller) choose(number int) Call {
	f, r := c.w.family[number], c.r
	f.mu.Lock()
	defer f.mu.Unlock()
	base := Call{Family: number, Member: r.IntN(Members)}
	amount := int64(1 + r.IntN(60_00))
	if len(f.late) > 0 && r.IntN(3) == 0 {
		i := r.IntN(len(f.late))
		late := f.late[i]
		f.late = slices.Delete(f.late, i, i+1)
		return late
	}
	switch dice := r.IntN(100); {
	case dice < 34:
		base.Kind, base.Amount, base.Refuse = Settle, amount, r.IntN(4) == 0
	case dice < 48:
		return f.reversal(r, base, amount)
	case dice < 56:
		pair := pairs[r.IntN(len(pairs))]
		base.Kind, base.Member, base.Other = Bind, pair[0], pair[1]
	case dice < 61 && len(f.bound) > 0:
		return f.numbered(f.bound[max(0, len(f.bound)-1-r.IntN(3))])
	case dice < 69:
		base.Kind, base.Member, base.Amount = Credit, r.IntN(Members-1), amount
	case dice < 76 && len(f.calls) > 0: // a copy, late or at once
		if r.IntN(4) == 0 {
			return f.calls[r.IntN(len(f.calls))]
		}
		return f.calls[max(0, len(f.calls)-1-r.IntN(20))]
	default:
		return f.question(r, base, amount, c.door)
	}
	return f.numbered(base)
}

// reversal names an earlier settlement, which may be under way or undone already, or one that has not been sent.
func (f *family) reversal(r *rand.Rand, c Call, amount int64) Call {
	for range 4 {
		if len(f.calls) == 0 {
			break
		}
		if s := f.calls[max(0, len(f.calls)-1-r.IntN(12))]; s.Kind == Settle {
			c.Kind, c.About, c.Member = Reverse, s.ID, s.Member
			return f.numbered(c)
		}
	}
	s := c
	s.Kind, s.Amount, s.ID = Settle, amount, f.next
	f.next++
	f.late = append(f.late, s)
	c.Kind, c.About = Reverse, s.ID
	return f.numbered(c)
}

func (f *family) question(r *rand.Rand, c Call, amount int64, d door) Call {
	switch dice := r.IntN(4); {
	case dice == 0 && f.next > 0:
		for range 8 {
			if s := f.calls[max(0, len(f.calls)-1-r.IntN(10))]; s.Kind == Settle {
				c.Kind, c.About = Found, s.ID
				return c
			}
		}
	case dice == 1:
		c.Kind, c.Amount = Preview, amount
		return c
	}
	if _, remote := d.(httpDoor); !remote {
		c.Kind = Look
		return c
	}
	c.Kind, c.Member = Balance, r.IntN(Members-1)
	return c
}

// judge checks a history and says on one line what it was.
func (w *world) judge(events []Event, line func(*proof.Line)) Verdict {
	t := w.t
	t.Helper()
	v, err := Check(events, familyLimit, pictures(t))
	must(t, err)
	for _, err := range []error{v.Err(), Order(events)} {
		if err != nil {
			t.Error(err)
		}
	}
	p := w.begun.AtLeast("ops", int64(v.Calls), w.total*9/10).AtLeast("families", int64(v.Families), int64(w.families*9/10)).
		Word("unknown", v.Unknowns).Word("void", w.dropped).Word("checked_ms", v.Took.Milliseconds()).Word("result", v.Result)
	for k := Settle; k <= Preview; k++ {
		if n := v.Kinds[k]; n > 0 {
			p.Word(k.String(), n)
		}
	}
	for _, o := range []Outcome{Blocked, Tombstoned, AlreadyReversed, NotBound, Duplicate, ShortOfFunds} {
		p.AtLeast(strings.ReplaceAll(o.String(), " ", "-"), int64(v.Outcomes[o]), 1)
	}
	if line != nil {
		line(p)
	}
	p.Print(t)
	return v
}
