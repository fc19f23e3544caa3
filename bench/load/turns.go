package load

import (
	"fmt"

	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// A turn is one request of a worker: commands, or a query that asks several things at one place of the log.
type turn uint8

const (
	turnTill turn = iota // settlements with their credits, reversals and premiums
	turnPreview
	turnRead
	turnBind
	turnUnbind
)

// queryCalls of one query: it runs on the executor's goroutine, where all tills wait for it; a preview takes some hundreds of nanoseconds.
const queryCalls = 64

// turns of a workload, for requests of group settlements.
func (shape *Workload) turns(group int) (out []turn) {
	queries := (group + queryCalls - 1) / queryCalls
	switch {
	case shape.asks:
		for range queries {
			out = append(out, turnPreview)
		}
		out = append(out, turnTill)
		for range queries {
			out = append(out, turnRead)
		}
	case shape.mixed:
		for _, structural := range [...]turn{turnBind, turnUnbind} {
			for range 4 {
				out = append(out, turnTill, turnPreview, turnRead)
			}
			out = append(out, structural)
		}
	default:
		out = []turn{turnTill}
	}
	return out
}

// settled is a bill that has been answered, for who asks about it or undoes it.
type settled struct {
	slot        int32
	n           uint64 // message
	position    ledger.Position
	own, mulaid int64
}

// ask is what a stream needs to ask.
type ask struct {
	turns  []turn
	step   int
	asked  int       // of the bills ahead or behind, in the turns so far
	group  int       // settlements of a request
	recent []settled // of the last till's turn; only with asks or mixed
	entry  *settled  // to be read from log and journal behind the query
	wrong  error
}

// next is the turn to come. It fills r, or leaves it empty and gives a query.
func (s *Stream) next(r *sequencer.Request, a *ask) (query func(engine.View)) {
	s.one = Tally{}
	t := a.turns[a.step]
	if a.step++; a.step == len(a.turns) {
		a.step = 0
	}
	switch t {
	case turnBind:
		s.extra.bind(s, r)
	case turnUnbind:
		s.extra.unbind(s, r)
	case turnPreview:
		return func(v engine.View) { s.preview(v, a) }
	case turnRead:
		return func(v engine.View) { s.read(v, a) }
	}
	if r.Count == 0 { // a till's turn, or there was nobody to bind
		a.asked, a.recent = 0, a.recent[:0]
		s.extra.keep = &a.recent
		s.fill(r, a.group)
	}
	return nil
}

// preview decides the next bills as if they came now (2101, 2206).
func (s *Stream) preview(v engine.View, a *ask) {
	n := min(queryCalls, a.group-a.asked)
	for k := range n {
		slot := &s.slots[(s.at+a.asked+k)%len(s.slots)]
		b := &s.bills.list[slot.bill]
		cmd := ledger.Command{Kind: ledger.KindSettlement, CredType: ledger.CredentialCertificate, UsedFlag: 1, Person: personKey(int(slot.patient)),
			Other: pseudonym(int(slot.patient)), Institution: code(int(slot.institution)), Bill: s.bills.inputs[slot.bill]}
		f, err := v.Preview(&cmd)
		if err == nil && f.Outcome != ledger.Accepted {
			err = fmt.Errorf("a preview was refused: %s", f.Outcome)
		}
		if err == nil {
			err = addsUp(&f, b)
		}
		if err != nil {
			a.wrong = err
			return
		}
		s.one.Calls[CallPreview]++
	}
	a.asked += n
}

// read asks for each of the bills just settled what became of it, or for the patient's balance: two in five, three in five. What is asked about one of
// them is also read whole from log and journal, behind the query.
func (s *Stream) read(v engine.View, a *ask) {
	n := min(queryCalls, len(a.recent))
	for k := range n {
		x := &a.recent[len(a.recent)-n+k]
		if k%5 < 2 {
			e, found := v.FindID(messageKey(s.id, x.n))
			if !found || e.Position != x.position || v.IsReversed(x.position) {
				a.wrong = fmt.Errorf("message %d of a settlement at %d was found %v at %d", x.n, x.position, found, e.Position)
				return
			}
			s.one.Calls[CallLookup]++
			a.entry = x
			continue
		}
		number, found := v.State.FindPerson(personKey(int(s.slots[x.slot].patient)))
		if !found || v.State.Persons.At(number).Balance < 0 {
			a.wrong = fmt.Errorf("patient of message %d: found %v", x.n, found)
			return
		}
		s.one.Calls[CallBalance]++
	}
	a.recent = a.recent[:len(a.recent)-n]
}

// readEntry checks what log and journal keep of a bill.
func (s *Stream) readEntry(entry func(ledger.Position) (engine.Entry, error), a *ask) error {
	if a.entry == nil {
		return nil
	}
	x := *a.entry
	a.entry = nil
	e, err := entry(x.position)
	if err != nil {
		return err
	}
	if e.Command.ID != messageKey(s.id, x.n) || e.Effect.Own != x.own || e.Effect.Mulaid != x.mulaid {
		return fmt.Errorf("the entry at %d is not that of message %d", x.position, x.n)
	}
	s.one.Calls[CallEntry]++
	return nil
}
