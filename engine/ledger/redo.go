package ledger

// UndoChain follows what was done about the settlement at a position: cancelled, redone, cancelled again. It gives the position of the last of it,
// the settlement's own if nothing was, and the number of steps. Even: the settlement is alive (DESIGN.md 4, the undo chain).
func UndoChain(ids interface{ Find(Key) (IDEntry, bool) }, settlement Position) (end Position, steps int) {
	end = settlement
	for steps <= 2*RedosMax { // a redo beyond the limit is refused, so there is no mark behind
		e, found := ids.Find(UndoKey(end))
		if !found {
			break
		}
		end = e.Position
		steps++
	}
	return end, steps
}

// redo undoes the reversal at a position: its settlement lives again and takes exactly the same legs from the same accounts, all or nothing (R11).
func redo[F Funds](m *Money, c *Context, cmd *Command, cancel *Effect, at Position, institution uint32, position Position, funds F, f *Effect, fx *Effects) {
	if f.Outcome = mayRedo(m, c, cmd, cancel, institution); f.Outcome != 0 {
		return
	}
	settlement := cancel.First
	end, steps := UndoChain(m.IDs, settlement)
	switch {
	case end != at:
		f.Outcome = AlreadyReversed
		return
	case steps > 2*RedosMax:
		f.Outcome = CancelFinal
		return
	}
	if f.Outcome = m.State.checkUnsettled(c, settlement, cancel); f.Outcome != 0 {
		return
	}
	first, legs, _ := m.original(c, settlement, position, fx)
	var buf [legsMax + sweepLegs]Leg
	again := m.State.again(legs, buf[:0])
	if f.Outcome = canGive(m.State, funds, again); f.Outcome != 0 {
		return
	}
	m.IDs.Insert(IDEntry{Key: UndoKey(at), Position: position, Tag: TagMark})
	f.Outcome, f.First, f.Source = Accepted, settlement, uint8(OriginalReversal)
	f.Patient, f.Institution, f.Own, f.Mulaid, f.Area = cancel.Patient, cancel.Institution, cancel.Own, cancel.Mulaid, cancel.Area
	f.Void = m.isOpen(cancel)
	m.State.settleAgain(c, &first, settlement, cancel, f)
	fx.setLegs(f, again)
}

// mayRedo checks what needs neither ids nor balances.
func mayRedo(m *Money, c *Context, cmd *Command, cancel *Effect, institution uint32) Outcome {
	switch {
	case !c.HasPolicy || c.Policy.CancelReversible == 0 || cancel.Outcome == VisitUndone:
		return CancelFinal
	case cancel.Outcome != Accepted: // a tombstone made, or nothing undone
		return NothingToUndo
	case cancel.IsRedo():
		return WrongOriginalKind
	case cancel.Institution != institution:
		return UnknownSettlement
	case m.State.Persons.At(cancel.Patient).Key != cmd.Person:
		return WrongPerson
	}
	return 0
}

// again appends the legs of a settlement as a redo debits them. What a family gave that has been dissolved since went on to its creator, and
// comes back the same way (R24).
func (s *State) again(legs, dst []Leg) []Leg {
	for _, l := range legs {
		if creator, closed := s.ClosedBy(l.Account); closed {
			dst = append(dst, Leg{Account: creator, Amount: l.Amount}, Leg{Account: l.Account, Amount: -l.Amount})
		}
		dst = append(dst, Leg{Account: l.Account, Amount: l.Amount, Area: l.Area}) // the areas of then (R18)
	}
	return dst
}

// canGive demands that no account that gives is frozen (R21), and that each has all that the legs take of it together: a creator may give for
// himself and for his family.
func canGive[F Funds](s *State, funds F, legs []Leg) Outcome {
	for _, l := range legs {
		if l.Amount < 0 && s.isFrozen(l.Account) {
			return AccountIsFrozen
		}
	}
	for i, l := range legs {
		rest := funds.Available(l.Account)
		for _, k := range legs[:i+1] {
			if k.Account == l.Account {
				rest += k.Amount
			}
		}
		if rest < 0 {
			return ShortOfFunds
		}
	}
	return 0
}

// isFrozen reports a frozen personal or family account.
func (s *State) isFrozen(a AccountID) bool {
	if a.Kind() == KindFamily {
		return s.Families.At(a.Number()).Frozen != 0
	}
	return s.shared(a.Number()).Flags&AccountFrozen != 0
}
