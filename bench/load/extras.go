package load

import (
	"fmt"
	"math/rand/v2"

	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// extras is what some workloads do besides settling and crediting.
type extras struct {
	keep *[]settled // where bills that are asked about later are noted

	premiums []premium // pays for others' insurance, in turn
	next     int
	paid     int // settlements since the last one

	reverses bool
	undo     []settled // to be undone by the next request
	undoing  []settled // by the request under way
	settles  int       // since the last one was taken

	pairs  [][2]uint32 // who may share with whom and does not yet: authorizer, user
	bound  []uint32    // bindings made by the last structural turn
	askers []uint32    // the authorizers of them
	at     int
}

// premium of one insured person, paid by one payer, a year's in each round.
type premium struct {
	payer, insured uint32
	year           uint16 // the last one paid
	owed           bool
}

const (
	// premiumFen is a year's premium of resident insurance: assumed, the bulletins give none.
	premiumFen = 400_00
	// premiumEvery: in the season one call in eleven is a premium (assumed).
	premiumEvery = 10
	// yearsMax is the last year a premium can be for.
	yearsMax = 9_999
	// reversalEvery: two bills in a hundred are undone (assumed).
	reversalEvery = 50
	// bindingsEach of a structural request.
	bindingsEach = 16
)

// due reports whether something has to go out between two settlements; append sends it.
func (x *extras) due() bool {
	return len(x.undo) > 0 || len(x.premiums) > 0 && x.paid >= premiumEvery
}

func (x *extras) append(s *Stream, r *sequencer.Request) {
	if n := len(x.undo); n > 0 {
		x.reverse(s, r, x.undo[n-1])
		x.undo = x.undo[:n-1]
		return
	}
	x.paid = 0
	x.pay(s, r)
}

// pay gives the payer back what the premium of last round took, and pays this round's.
func (x *extras) pay(s *Stream, r *sequencer.Request) {
	number := x.next
	p := &x.premiums[number]
	if x.next++; x.next == len(x.premiums) {
		x.next = 0
	}
	if p.year == yearsMax {
		return
	}
	if p.owed {
		p.owed = false
		r.Commands = s.credits.append(r.Commands, int(p.payer), premiumFen)
		r.Count++
		s.pending = append(s.pending, pending{kind: CallCredit, amount: premiumFen})
	}
	p.year++
	cmd := ledger.Command{Kind: ledger.KindPremium, ID: s.fresh(), Person: personKey(int(p.payer)), Other: personKey(int(p.insured)), Source: 1, Period: uint32(p.year), Amount: premiumFen}
	s.appendSlow(r, &cmd, &command.Details{Message: s.message()}, pending{kind: CallPremium, slot: int32(number), amount: premiumFen})
}

// fresh takes a message id.
func (s *Stream) fresh() ledger.Key {
	s.n++
	return messageKey(s.id, s.n)
}

// message is the text of the id taken last.
func (s *Stream) message() []byte {
	text := make([]byte, messageBytes)
	putMessage(text, s.id, s.n)
	return text
}

// reverse undoes a bill by its id or by its message, in turn.
func (x *extras) reverse(s *Stream, r *sequencer.Request, what settled) {
	slot := &s.slots[what.slot]
	cmd := ledger.Command{Kind: ledger.KindReversalByID, ID: s.fresh(), Person: personKey(int(slot.patient)), Institution: code(int(slot.institution)), Settlement: what.position}
	if what.n%2 == 0 {
		cmd.Kind, cmd.Settlement = ledger.KindReversalByMessage, 0
		cmd.Other, cmd.Original = messageKey(s.id, what.n), ledger.OriginalSettlement
	}
	x.undoing = append(x.undoing, what)
	s.appendSlow(r, &cmd, &command.Details{Message: s.message()}, pending{kind: CallReversal, slot: int32(len(x.undoing) - 1)})
}

// settled notes a bill for later.
func (x *extras) settled(s *Stream, r *sequencer.Result, p *pending) {
	f := &r.Effect
	what := settled{slot: p.slot, n: uint64(p.amount), position: r.Position, own: f.Own, mulaid: f.Mulaid}
	if x.reverses {
		if x.settles++; x.settles >= reversalEvery {
			x.settles = 0
			x.undo = append(x.undo, what)
			return
		}
	}
	if x.keep != nil && s.shape.keeps() {
		*x.keep = append(*x.keep, what)
	}
}

// answered takes in an accepted answer to anything but a settlement or credit.
func (x *extras) answered(s *Stream, r *sequencer.Result, p *pending) error {
	f := &r.Effect
	switch p.kind {
	case CallReversal:
		what := &x.undoing[p.slot]
		if f.Own != what.own || f.Mulaid != what.mulaid || f.First != what.position {
			return fmt.Errorf("a reversal gave back %d and %d fen of a bill that took %d and %d", f.Own, f.Mulaid, what.own, what.mulaid)
		}
		cell := &s.slots[s.slots[what.slot].cell]
		cell.own -= int32(f.Own)
		cell.lent -= int32(f.Mulaid)
		s.one.Returned += f.Own + f.Mulaid
	case CallPremium:
		if f.Funding != p.amount {
			return fmt.Errorf("a premium of %d fen was booked as %d", p.amount, f.Funding)
		}
		s.one.Paid += f.Funding
		x.premiums[p.slot].owed = true
	case CallBinding:
		x.bound = append(x.bound, f.Number)
	case CallUnbinding:
		for _, item := range r.Items {
			if item.Outcome != ledger.Accepted {
				s.one.refuse(item.Outcome)
			}
		}
	}
	return nil
}

// bind lets authorizers share with users who have nobody yet; unbind ends that again.
func (x *extras) bind(s *Stream, r *sequencer.Request) {
	s.pending, x.bound, x.askers = s.pending[:0], x.bound[:0], x.askers[:0]
	r.Class = sequencer.Structural
	cmd := bindingCommand()
	for range min(bindingsEach, len(x.pairs)) {
		p := x.pairs[x.at]
		x.at = (x.at + 1) % len(x.pairs)
		cmd.ID, cmd.Person, cmd.Other = s.fresh(), personKey(int(p[0])), pseudonym(int(p[1]))
		s.appendSlow(r, &cmd, &command.Details{Message: s.message()}, pending{kind: CallBinding})
		x.askers = append(x.askers, p[0])
	}
}

func (x *extras) unbind(s *Stream, r *sequencer.Request) {
	s.pending = s.pending[:0]
	r.Class = sequencer.Structural
	cmd := ledger.Command{Kind: ledger.KindUnbinding, Channel: 1, Steps: ledger.StepDataConsent, More: &ledger.More{Bindings: make([]uint32, 1)}}
	for i, number := range x.bound {
		cmd.ID, cmd.Person, cmd.More.Bindings[0] = s.fresh(), personKey(int(x.askers[i])), number
		s.appendSlow(r, &cmd, &command.Details{Message: s.message()}, pending{kind: CallUnbinding})
	}
	x.bound = x.bound[:0]
}

// premiumsOf are the premiums of a worker: each bound user is insured by his first authorizer, and belongs to one worker.
func (w *World) premiumsOf(worker, workers int) (out []premium) {
	for i := worker; i < w.Persons; i += workers {
		if a := w.authorizers(i); len(a) > 0 {
			out = append(out, premium{payer: a[0], insured: uint32(i), owed: true})
		}
	}
	return out
}

// pairsOf are people of a worker who share nothing yet: an owner and a resident who draws on nobody, and so is no patient. Strangers, as the ledger does not know who is related.
func (w *World) pairsOf(worker, workers int, rng *rand.Rand) (out [][2]uint32) {
	const pairsMax = 1_024
	for i := worker; i < w.Persons && len(out) < pairsMax; i += workers {
		if w.has(i, isPaused|isEmployee|isOwner) || len(w.authorizers(i)) > 0 {
			continue
		}
		for range pickTries {
			if a := rng.IntN(w.Persons); a != i && w.has(a, isOwner) && !w.has(a, isPaused) {
				out = append(out, [2]uint32{uint32(a), uint32(i)})
				break
			}
		}
	}
	return out
}
