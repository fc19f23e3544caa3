package load

import (
	"fmt"
	"math/rand/v2"

	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// Stream makes the commands of one worker: settlements of its slots, and with every so many of them a credit that brings back what one slot's bills have
// taken. What was taken it knows from the answers, so the money in the accounts stays level whatever the engine decided. It belongs to its worker, and
// lives as long as the ledger: what is owed goes on from run to run.
type Stream struct {
	world    *World
	shape    *Workload
	bills    *bills
	credits  credits
	slots    []slot
	at       int // next slot
	cycle    int
	credited bool // the credit of the next slot is out
	id       uint64
	n        uint64 // messages so far
	assume   bool   // everything payable counts as paid when it is sent; answers, if anybody tells them, put it right
	pending  []pending
	extra    extras
	one      Tally // of the request under way
}

// pending is what a command of the request under way was.
type pending struct {
	kind   Call
	slot   int32
	amount int64
}

func newStream(w *World, shape *Workload, b *bills, slots []slot, seed, worker uint64) *Stream {
	return &Stream{world: w, shape: shape, bills: b, credits: newCredits(), slots: slots, assume: shape.thin, id: splitmix(seed)*3 + splitmix(worker+1<<32)}
}

// Mix says how many settlements of a plain stream of halves need an authorizer. Parts per million.
type Mix struct{ RelativesPPM int }

// DefaultMix is that of the workload half.
var DefaultMix = Mix{RelativesPPM: halfOddPPM}

// NewStream makes a stream over a world of halves for who drives an engine without telling the answers. Streams of the same seed and worker are the
// same, messages included.
func (w *World) NewStream(mix Mix, seed, worker uint64) *Stream {
	shape := Find("half")
	b := shape.bills(seed)
	b.name(w.Institutions)
	rng := rand.New(rand.NewPCG(seed, worker))
	s := newStream(w, shape, b, w.table(max(slotsMin, min(w.Persons/2, 1<<16)), shape, b, pickHalves(w.Persons, mix.RelativesPPM), rng), seed, worker)
	s.assume = true
	return s
}

// Append makes the next command: nearly always a settlement.
func (s *Stream) Append(dst []byte) (out []byte, settlement bool) {
	s.pending = s.pending[:0]
	if out, n := s.credit(dst); n > 0 {
		return out, false
	}
	return s.settlement(dst), true
}

// assumed is what a bill is expected to take from whom. Where balances are thin it is brought back before the answers are there: else all the money would be
// on the way.
func (s *Stream) assumed(slot *slot, payable int64, cell *slot, sign int32) {
	switch {
	case s.world.has(int(slot.patient), isOwner):
		cell.own += sign * int32(payable)
	case len(s.world.authorizers(int(slot.patient))) > 0:
		cell.lent += sign * int32(payable)
	}
}

// fill makes a request of n settlements and the credits among them.
func (s *Stream) fill(r *sequencer.Request, n int) {
	s.pending, s.extra.undoing = s.pending[:0], s.extra.undoing[:0]
	for range n {
		var credits int
		r.Commands, credits = s.credit(r.Commands)
		r.Commands = s.settlement(r.Commands)
		r.Count += credits + 1
		s.extra.paid++
		for s.extra.due() {
			s.extra.append(s, r)
		}
	}
}

func (s *Stream) settlement(dst []byte) []byte {
	slot := &s.slots[s.at]
	s.n++
	s.pending = append(s.pending, pending{kind: CallSettlement, slot: int32(s.at), amount: int64(s.n)})
	b := &s.bills.list[slot.bill]
	dst = s.bills.settlement(dst, b, int(slot.patient), int(slot.institution), s.id, s.n)
	if s.assume {
		s.assumed(slot, b.payable, &s.slots[slot.cell], 1)
	}
	s.credited = false
	if s.at++; s.at == len(s.slots) {
		s.at, s.cycle = 0, s.cycle+1
	}
	return dst
}

// credit brings back what a slot's bills have taken, if its turn has come and anything is owed: to the patient what he paid, or to one of his
// authorizers, each in turn, what they did; where several shall pay, to all of them in parts. It appends n commands.
func (s *Stream) credit(dst []byte) (out []byte, n int) {
	if s.credited || (s.at+s.cycle)%s.shape.Every != 0 {
		return dst, 0
	}
	s.credited = true
	slot := &s.slots[(s.at+s.shape.distance(len(s.slots)))%len(s.slots)]
	cell := &s.slots[slot.cell]
	if cell.lent > max(cell.own, 0) {
		if to := s.world.authorizers(int(slot.patient)); len(to) > 0 {
			if k := s.cycle % len(to); !s.shape.split {
				to = to[k : k+1]
			}
			amount := int64(cell.lent)
			cell.lent = 0
			return s.bringBack(dst, to, amount)
		}
	}
	if cell.own <= 0 {
		return dst, 0
	}
	amount := int64(cell.own)
	cell.own = 0
	return s.bringBack(dst, []uint32{slot.patient}, amount)
}

// bringBack gives an amount to some in equal parts, the last one the rest.
func (s *Stream) bringBack(dst []byte, to []uint32, amount int64) (out []byte, n int) {
	for i, person := range to {
		part := amount / int64(len(to)-i)
		amount -= part
		if part == 0 {
			continue
		}
		s.pending = append(s.pending, pending{kind: CallCredit, amount: part})
		dst = s.credits.append(dst, int(person), part)
		n++
	}
	return dst, n
}

// answered looks at every answer of the request under way and counts it in one. An error is a wrong answer.
func (s *Stream) answered(results []sequencer.Result) error {
	if len(results) != len(s.pending) {
		return fmt.Errorf("%d answers to %d commands", len(results), len(s.pending))
	}
	for i := range results {
		f, p := &results[i].Effect, &s.pending[i]
		s.one.Calls[p.kind]++
		if f.Outcome != ledger.Accepted {
			s.one.refuse(f.Outcome)
			continue
		}
		var err error
		switch p.kind {
		case CallSettlement:
			err = s.paid(&results[i], p)
		case CallCredit, CallRunCredit:
			if s.one.Credited += f.Funding; f.Funding != p.amount {
				err = fmt.Errorf("a credit of %d fen was booked as %d", p.amount, f.Funding)
			}
		default:
			err = s.extra.answered(s, &results[i], p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// paid checks that the answer to a bill adds up.
func (s *Stream) paid(r *sequencer.Result, p *pending) error {
	f := &r.Effect
	slot := &s.slots[p.slot]
	if err := addsUp(f, &s.bills.list[slot.bill]); err != nil {
		return err
	}
	cell := &s.slots[slot.cell]
	if s.assume {
		s.assumed(slot, f.Payable, cell, -1)
	}
	cell.own += int32(f.Own)
	cell.lent += int32(f.Mulaid)
	s.one.settled(f)
	s.extra.settled(s, r, p)
	return nil
}

// addsUp: own + mulaid + cash is what the person bears, and accounts gave no more than they may.
func addsUp(f *ledger.Effect, b *bill) error {
	if f.Payable != b.payable || f.Own < 0 || f.Mulaid < 0 || f.Own+f.Mulaid > b.payable || f.Own+f.Mulaid+f.Cash != b.psnPart {
		return fmt.Errorf("a bill of %d fen, %d payable, was answered with payable %d, own %d, mutual aid %d, cash %d", b.psnPart, b.payable, f.Payable, f.Own, f.Mulaid, f.Cash)
	}
	return nil
}

// appendSlow encodes what is rare by the encoder itself.
func (s *Stream) appendSlow(r *sequencer.Request, cmd *ledger.Command, d *command.Details, p pending) {
	r.Commands = command.Append(r.Commands, cmd, d)
	r.Count++
	s.pending = append(s.pending, p)
}
