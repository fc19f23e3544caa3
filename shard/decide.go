package shard

import "gongji/engine/ledger"

// Decide settles the own patients' commands in log order where the outcome cannot depend on anything another shard or the resolver does;
// the rest is contested.
func (s *Shard) Decide(w *Work) {
	next := 0 // in spans
	for _, i := range s.commands {
		s.At = int(i)
		var sp span
		if next < len(s.spans) && s.spans[next].command == i {
			sp = s.spans[next]
			next++
		}
		f := &w.Effects.List[i]
		switch {
		case w.Status[i] == Deferred:
			s.contest(w, i)
		case w.Static[i] != 0:
			f.Outcome, w.Status[i] = w.Static[i], Done
		case w.Commands[i].Kind == ledger.KindCredit:
			s.credit(w, i, f)
		case !s.settle(w, i, f, sp):
			*f = ledger.Effect{Kind: f.Kind}
			s.contest(w, i)
		default:
			w.Status[i] = Done
		}
	}
}

// contest leaves a command to the resolver. If the exact balance of the holder was still of use, it is not any more.
func (s *Shard) contest(w *Work, i int32) {
	if w.Status[i] == Open {
		w.Status[i] = Contested
	}
	if w.Static[i] != 0 {
		return
	}
	if e := s.plan.find(ledger.Account(ledger.KindPersonal, w.Bills[i].Patient)); e != nil && !e.covered() {
		e.blocked = true
	}
}

func (s *Shard) credit(w *Work, i int32, f *ledger.Effect) {
	account := ledger.Account(ledger.KindPersonal, w.Bills[i].Patient)
	cmd := &w.Commands[i]
	e := s.plan.find(account)
	if !e.covered() {
		if e.blocked || !e.exact() {
			s.contest(w, i)
			return
		}
		e.running += cmd.Amount
	}
	ledger.AcceptCredit(cmd, f)
	s.leg(w, i, f, account, cmd.Amount)
	w.Status[i] = Done
}

// settle decides a settlement with the relatives of a span, or returns false.
func (s *Shard) settle(w *Work, i int32, f *ledger.Effect, sp span) bool {
	cmd, b := &w.Commands[i], &w.Bills[i]
	c := &w.Context
	f.Patient, f.Institution = b.Patient, b.Institution
	account := ledger.Account(ledger.KindPersonal, b.Patient)
	e := s.plan.find(account)
	rest := b.Payable
	if rest > 0 && b.Own {
		own, known := s.ownPart(c, e, rest)
		if !known {
			return false
		}
		f.Own = own
		rest -= own
	}
	var payer ledger.AccountID
	drawn := rest > 0 && sp.count > 0 && c.Policy.Strategy == ledger.Random
	if rest > 0 && sp.count > 0 {
		a, known := s.firstPayer(w, i, sp)
		if !known {
			return false
		}
		if payer = a; a != 0 {
			f.Mulaid = rest
		}
	}
	if !ledger.FinishSettlement(cmd, b, f) {
		return true
	}
	if drawn {
		f.DrawAt, f.DrawCount = s.drawAt+sp.at, sp.count
	}
	if f.Own > 0 {
		if !e.covered() {
			e.running -= f.Own
		}
		s.leg(w, i, f, account, -f.Own)
	}
	if f.Mulaid > 0 {
		s.leg(w, i, f, payer, -f.Mulaid)
		ledger.MarkAreas(w.State, b.Area, w.Effects.LegsOf(f)[f.LegCount-1:])
	}
	return true
}

// ownPart is what the own account gives, if that can be known here.
func (s *Shard) ownPart(c *ledger.Context, e *entry, rest int64) (int64, bool) {
	switch {
	case c.Policy.SelfFirst == 0:
		return 0, false
	case e.covered():
		return rest, true
	case e.empty():
		return 0, true
	case e.exact() && !e.blocked:
		return min(e.running, rest), true
	}
	return 0, false
}

// firstPayer is the first relative in turn that holds anything, if he can give all of it; 0 if none holds anything. What it draws stays in the
// room of the span in the effects.
func (s *Shard) firstPayer(w *Work, i int32, sp span) (ledger.AccountID, bool) {
	relatives := s.relatives[sp.at : sp.at+uint32(sp.count)]
	if w.Context.Policy.Strategy == ledger.Random {
		if w.Context.DayKey == nil {
			return 0, false
		}
		drawn := w.Effects.Draws[s.drawAt+sp.at:][:sp.count]
		ledger.Draw(w.Context.DayKey, ledger.At(w.Context.Sequence, int(i)), relatives, drawn)
		for k := range drawn {
			relatives[k] = drawn[k].Account()
		}
	}
	for _, a := range relatives {
		e := w.Shards[w.OwnerOf(a)].plan.find(a)
		if e.covered() {
			return a, true
		}
		if !e.empty() {
			return 0, false
		}
	}
	return 0, true
}

func (s *Shard) leg(w *Work, i int32, f *ledger.Effect, a ledger.AccountID, amount int64) {
	f.LegAt = LegsReserved * uint32(i)
	w.Effects.Legs[f.LegAt+uint32(f.LegCount)] = ledger.Leg{Account: a, Amount: amount}
	f.LegCount++
}
