package shard

import "gongji/engine/ledger"

// want is a demand on an account of another shard (or a touch of the resolver).
type want struct {
	account ledger.AccountID
	demand  int64
}

// span is a command's relatives in its home shard's arena, in binding or set order.
type span struct {
	command int32
	at      uint32
	count   uint8
}

// Shard owns the pages of its number. In each phase of a batch one goroutine claims it and runs its methods; it changes hands only between phases. The
// exception is what the resolver does while the shards are parked.
type Shard struct {
	number    uint8
	plan      plan
	touches   []want   // written by the executor before the plan is summed
	outbox    [][]want // by owner; read by the owner after the barrier
	spans     []span   // own settlements with relatives, in log order
	relatives []ledger.AccountID
	commands  []int32        // own commands, in log order
	existing  ledger.IDEntry // of Identify
	At        int            // index of the command being looked at, -1: none; who runs the shard, and the leader behind the phase
	Posted    int64          // sum of the legs of the last Post, in fen; the leader behind the phase
	drawAt    uint32         // where this shard's part of Effects.Draws begins: the place of relatives[0]
}

// New makes shard number of count.
func New(number, count int) *Shard {
	return &Shard{number: uint8(number), plan: newPlan(), outbox: make([][]want, count)}
}

// Identify claims the message ids of the parts this shard owns, in log order: the first command of an id owns it, whatever its outcome.
func (s *Shard) Identify(w *Work) {
	mask := len(w.Shards) - 1
	for i := range w.Commands {
		if i%ledger.AheadMax == 0 {
			w.IDs.Ahead(w.Commands[i:min(i+ledger.AheadMax, len(w.Commands))], int(s.number), len(w.Shards))
		}
		cmd := &w.Commands[i]
		if cmd.ID.IsZero() || w.IDs.Part(cmd.ID)&mask != int(s.number) || w.Status[i] == Deferred {
			continue
		}
		s.At = i
		if w.IDs.Claim(cmd, ledger.At(w.Context.Sequence, i), &s.existing) && ledger.Identify(true, s.existing, cmd, &w.Effects.List[i]) {
			w.Status[i] = Done
		}
	}
}

// Plan notes what the own patients may ask of every account.
func (s *Shard) Plan(w *Work) {
	s.plan.reset()
	s.spans, s.relatives, s.commands = s.spans[:0], s.relatives[:0], s.commands[:0]
	for i := range s.outbox {
		s.outbox[i] = s.outbox[i][:0]
	}
	for i := range w.Commands {
		if w.Home[i] != s.number || w.Status[i] == Done {
			continue
		}
		s.At = i
		s.commands = append(s.commands, int32(i))
		if w.Static[i] != 0 {
			continue
		}
		b := &w.Bills[i]
		own := ledger.Account(ledger.KindPersonal, b.Patient)
		if w.Commands[i].Kind == ledger.KindCredit {
			s.plan.get(w.State, own).inflow = true
			continue
		}
		e := s.plan.open(own, b.Opening)
		if b.Own {
			e.demand = saturated(e.demand, b.Payable)
		}
		if b.Payable > 0 && b.Relatives {
			s.planRelatives(w, int32(i), b)
		}
	}
}

func (s *Shard) planRelatives(w *Work, i int32, b *ledger.Bill) {
	at := len(s.relatives)
	s.relatives = ledger.Relatives(w.State, &w.Context, b.Patient, s.relatives)
	n := len(s.relatives) - at
	if n == 0 {
		return
	}
	s.spans = append(s.spans, span{command: i, at: uint32(at), count: uint8(n)})
	for _, a := range s.relatives[at:] {
		o := w.OwnerOf(a)
		s.outbox[o] = append(s.outbox[o], want{account: a, demand: b.Payable})
	}
}

// RoomForDraws sizes the effects' arena of drawn orders: each shard has a part as long as its relatives, so that the drawn order of a span lies
// where the span lies, and no shard asks another for room. The leader calls it after the plan and before Decide; the arena is the effects' own,
// and what the resolver draws is appended behind it.
func (w *Work) RoomForDraws() {
	n := 0
	for _, s := range w.Shards {
		s.drawAt = uint32(n)
		n += len(s.relatives)
	}
	w.Effects.ReserveDraws(n)
}

// Sum adds up what others want of the own accounts. After it the plan is read-only but for running and blocked.
func (s *Shard) Sum(w *Work) {
	for _, from := range w.Shards {
		for i, d := range from.outbox[s.number] {
			e := s.plan.get(w.State, d.account)
			if coverageShortDefect && i == 0 {
				d.demand = 0
			}
			e.demand, e.others = saturated(e.demand, d.demand), true
		}
	}
	for _, d := range s.touches {
		e := s.plan.get(w.State, d.account)
		e.demand, e.touched = saturated(e.demand, d.demand), true
	}
	s.touches = s.touches[:0]
}

// Post moves the legs on the own accounts, in log order, and notes the own patients' balances.
func (s *Shard) Post(w *Work) {
	posted := int64(0)
	for i := range w.Commands {
		f := &w.Effects.List[i]
		s.At = i
		position := ledger.At(w.Context.Sequence, i)
		legs := w.Effects.LegsOf(f)
		for j := range legs {
			if w.OwnerOf(legs[j].Account) == s.number {
				ledger.PostLeg(w.State, &legs[j], position)
				posted += legs[j].Amount
			}
		}
		if needsBalc(f) && owner(w.State.Persons, f.Patient, len(w.Shards)) == s.number {
			ledger.PostBalc(w.State, f, position)
		}
	}
	s.Posted = posted
}

func needsBalc(f *ledger.Effect) bool {
	return (f.Kind == ledger.KindSettlement || f.Kind.IsReversal()) && (f.Outcome == ledger.Accepted || f.Outcome == ledger.AmountChanged)
}
