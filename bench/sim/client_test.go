package sim

import (
	"errors"
	"fmt"

	"gongji/bench/model"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// order is one command of a client and what he knows of it.
type order struct {
	command  model.Command
	raw      []byte
	kind     ledger.Kind
	id       ledger.Key
	attempts int
	answered bool
	final    verdict
}

// verdict is what an answer says for good of a command with an id: where it was executed, or that its id was not its own to use (P4, P6).
type verdict struct {
	position ledger.Position // of the execution; 0: it was refused for its id
	outcome  ledger.Outcome
}

// call is one request of a client: one command, or several together. It waits until due, then its unanswered commands are sent again.
type call struct {
	client  int
	number  uint64
	class   sequencer.Class
	orders  []*order
	due     int  // step at which waiting ends
	unknown bool // at least one time-out or loss
}

func (c *call) open() (open []*order) {
	for _, o := range c.orders {
		if !o.answered {
			open = append(open, o)
		}
	}
	return open
}

// message is on the wire, to the ledger or back; it arrives at the step it says.
type message struct {
	at      int
	call    *call
	orders  []*order           // of the request
	results []sequencer.Result // of the answer
	refused error
	back    bool
}

// delivery is a request that the ledger has admitted.
type delivery struct {
	call    *call
	orders  []*order
	request *sequencer.Request
}

// callsPerClient is how many answers a client waits for at most on the average: without a bound a slow ledger meets ever more repeats.
const callsPerClient = 6

// newCall lets a client send something new, and some follow-up of his own.
func (w *world) newCall() {
	if len(w.waiting) >= callsPerClient*w.clients {
		return
	}
	money := w.r.IntN(100) < 75
	c := &call{client: w.r.IntN(w.clients), number: w.calls, class: sequencer.Structural}
	n := 1
	switch {
	case w.r.IntN(10) == 0:
		c.class, n = sequencer.Bulk, 1+w.r.IntN(12)
	case money:
		if c.class = sequencer.Till; w.r.IntN(6) == 0 {
			n = 1 + w.r.IntN(5)
		}
	}
	for range n {
		c.orders = append(c.orders, w.order(w.observer.model.Propose(max(w.observer.timeMS, w.machine.clock.wall), money)))
	}
	if s, ok := c.orders[0].command.(model.Settlement); ok && n == 1 && s.ID != (model.Key{}) && w.r.IntN(100) < w.ahead { // P8: the reversal overtakes, or races
		w.send(w.reversal(s, c.client))
	}
	w.calls++
	w.send(c)
}

func (w *world) order(c model.Command) *order {
	c = model.Digested(c)
	o := &order{command: c, raw: w.observer.learn(c)}
	o.kind, o.id = command.Peek(o.raw)
	return o
}

// reversal is a 2601 for a settlement.
func (w *world) reversal(s model.Settlement, client int) *call {
	w.calls++
	r := model.ReversalByMessage{Message: model.Message{ID: model.K("sim", fmt.Sprint(w.calls))}, Institution: s.Institution, OriginalID: s.ID, OriginalKind: 1, Psn: s.Psn}
	return &call{client: client, number: w.calls, class: sequencer.Till, orders: []*order{w.order(r)}}
}

// send puts the open commands of a call on the wire, now and then twice, and starts waiting.
func (w *world) send(c *call) {
	orders := c.open()
	if len(orders) == 0 {
		orders = c.orders
	}
	for _, o := range orders {
		o.attempts++
	}
	copies := 1
	if w.r.IntN(100) < w.duplicate {
		copies = 2 + w.r.IntN(2)
	}
	for range copies {
		if w.r.IntN(100) >= w.lose {
			w.wire = append(w.wire, &message{at: w.step + w.r.IntN(w.delay+1), call: c, orders: orders})
		}
	}
	c.due = w.step + w.patience + w.r.IntN(w.patience)
	w.waiting = append(w.waiting, c)
}

func (w *world) deliverSome(most int) error {
	for range most {
		if more, err := w.deliver(); err != nil || !more {
			return err
		}
	}
	return nil
}

// deliver lets one message arrive, any of those that are due: so messages overtake one another.
func (w *world) deliver() (bool, error) {
	var due []int
	for i, m := range w.wire {
		if m.at <= w.step {
			due = append(due, i)
		}
	}
	if len(due) == 0 {
		return false, nil
	}
	i := due[w.r.IntN(len(due))]
	if i != due[0] {
		w.stats.overtaken++
	}
	m := w.wire[i]
	w.wire = append(w.wire[:i], w.wire[i+1:]...)
	if m.back {
		return true, w.receive(m)
	}
	return true, w.admit(m)
}

// admit is the edge of the ledger.
func (w *world) admit(m *message) error {
	r := sequencer.NewRequest()
	r.Class, r.Count = m.call.class, len(m.orders)
	for _, o := range m.orders {
		r.Commands = append(r.Commands, o.raw...)
	}
	switch err := w.machine.stepper.Engine().Submit(r); {
	case err == nil:
		w.admitted = append(w.admitted, &delivery{m.call, m.orders, r})
		for _, o := range m.orders {
			w.observer.admitted[string(o.raw)]++
		}
	case errors.Is(err, sequencer.ErrClock), errors.Is(err, sequencer.ErrBusy):
		w.stats.refused++
		w.reply(&message{call: m.call, orders: m.orders, refused: err})
	case errors.Is(err, engine.ErrFailed): // nobody is answered any more
	default:
		return fmt.Errorf("admission: %w", err)
	}
	return nil
}

// answers collects what the ledger has answered and puts it on the wire.
func (w *world) answers() error {
	left := w.admitted[:0]
	for _, d := range w.admitted {
		select {
		case <-d.request.Done():
			if err := d.request.Err; err != nil && !errors.Is(err, sequencer.ErrClock) {
				return fmt.Errorf("answer: %w", err)
			}
			if hook := w.machine.defect.answer; hook != nil && hook(d.request.Results) {
				w.planted++
			}
			w.reply(&message{call: d.call, orders: d.orders, results: d.request.Results, refused: d.request.Err})
		default:
			left = append(left, d)
		}
	}
	w.admitted = left
	return nil
}

func (w *world) reply(m *message) {
	m.back = true
	if w.r.IntN(100) < w.lose {
		w.stats.lost++
		return
	}
	m.at = w.step + w.r.IntN(w.delay+1)
	w.wire = append(w.wire, m)
}

// receive is a client who gets an answer.
func (w *world) receive(m *message) error {
	for i := range m.results {
		if err := w.learn(m.orders[i], &m.results[i]); err != nil {
			return fmt.Errorf("answer to client %d, call %d: %w", m.call.client, m.call.number, err)
		}
	}
	if m.refused != nil || w.r.IntN(100) >= w.again || len(m.results) == 0 {
		return nil
	}
	for _, o := range m.orders { // he asks once more although he knows
		if o.id.IsZero() {
			return nil
		}
	}
	w.wire = append(w.wire, &message{at: w.step + w.r.IntN(4*w.delay+1), call: m.call, orders: m.orders})
	return nil
}

// learn holds an answer against the journal and against what the client was told before (P3, P4, P6).
func (w *world) learn(o *order, r *sequencer.Result) error {
	f := &r.Effect
	w.note(uint64(r.Position), uint64(f.Outcome), uint64(f.Own), uint64(f.Mulaid), uint64(f.Balc))
	w.stats.answers++
	w.told = max(w.told, r.Position.Sequence())
	if err := w.written(r.Position, f); err != nil {
		return err
	}
	v := verdict{r.Position, f.Outcome}
	switch f.Outcome {
	case ledger.Repeated:
		first, _, found := w.machine.stepper.Journal().Original(f.First)
		if !found {
			return fmt.Errorf("repeated, but nothing was at %x", f.First)
		}
		v = verdict{f.First, first.Outcome}
		w.stats.repeated++
	case ledger.IDReused, ledger.Blocked:
		v.position = 0
	}
	if o.id.IsZero() {
		o.answered = true
		return nil
	}
	if r, ok := o.command.(model.ReversalByMessage); ok && r.OriginalID == r.ID { // it made its own id a tombstone
		o.answered = true
		return nil
	}
	key := string(o.raw)
	if before, known := w.book[key]; known && before != v {
		return fmt.Errorf("id %x: was told %+v, now %+v", o.id, before, v)
	}
	w.book[key] = v
	o.answered, o.final = true, v
	return nil
}

// written: what is answered is what the journal says.
func (w *world) written(p ledger.Position, f *ledger.Effect) error {
	kept, legs, found := w.machine.stepper.Journal().Original(p)
	if !found {
		return fmt.Errorf("answered %x, of which the journal knows nothing", p)
	}
	if kept.Kind != f.Kind || kept.Outcome != f.Outcome || kept.First != f.First || kept.Own != f.Own || kept.Mulaid != f.Mulaid || kept.Cash != f.Cash ||
		kept.Balc != f.Balc || kept.Number != f.Number || kept.Patient != f.Patient || len(legs) != int(f.LegCount) {
		return fmt.Errorf("answered %+v at %x, the journal says %+v", *f, p, kept)
	}
	return nil
}

// timeouts: who has waited long enough asks again with the same id, or gives up on what has none; a settlement of unknown outcome is also
// reversed by message, which is what tills do (P24, P8).
func (w *world) timeouts() {
	waiting := w.waiting
	w.waiting = nil
	for _, c := range waiting {
		switch {
		case len(c.open()) == 0:
		case c.due > w.step:
			w.waiting = append(w.waiting, c)
		default:
			w.timeout(c)
		}
	}
}

func (w *world) timeout(c *call) {
	w.stats.unknown++
	c.unknown = true
	kept := c.orders[:0:0]
	for _, o := range c.orders {
		if !o.id.IsZero() || o.answered {
			kept = append(kept, o)
		}
	}
	if c.orders = kept; len(c.open()) == 0 {
		return
	}
	w.send(c)
	if s, ok := c.open()[0].command.(model.Settlement); ok && len(w.waiting) < 2*callsPerClient*w.clients && w.r.IntN(100) < w.reverse {
		for range 1 + w.r.IntN(2) { // before, after, twice: the wire decides
			w.send(w.reversal(s, c.client))
		}
	}
}
