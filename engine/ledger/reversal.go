package ledger

// original finds an accepted or refused command of the log, also one earlier in this batch.
func (m *Money) original(c *Context, at, now Position, fx *Effects) (Effect, []Leg, bool) {
	if at.Sequence() == c.Sequence {
		if at >= now {
			return Effect{}, nil, false
		}
		e := fx.List[at.Index()]
		e.Day = c.Day
		return e, fx.LegsOf(&e), true
	}
	return m.Originals.Original(at)
}

func (m *Money) reversalByID(c *Context, cmd *Command, position Position, f *Effect, fx *Effects) {
	institution, ok := m.State.FindInstitution(&cmd.Institution)
	if !ok {
		f.Outcome = UnknownInstitution
		return
	}
	m.undo(c, cmd, cmd.Settlement, institution, position, f, fx)
}

// undo gives a settlement back to exactly the accounts it was taken from, once (P7, R12), whatever became of the bindings since.
func (m *Money) undo(c *Context, cmd *Command, at Position, institution uint32, position Position, f *Effect, fx *Effects) {
	e, legs, ok := m.original(c, at, position, fx)
	if !ok || e.Kind != KindSettlement || e.Outcome != Accepted || e.Institution != institution {
		f.Outcome = UnknownSettlement
		return
	}
	if m.State.Persons.At(e.Patient).Key != cmd.Person {
		f.Outcome = WrongPerson
		return
	}
	end, steps := UndoChain(m.IDs, at)
	if steps%2 != 0 {
		f.Outcome = AlreadyReversed
		return
	}
	m.IDs.Insert(IDEntry{Key: UndoKey(end), Position: position, Tag: TagMark})
	f.Outcome, f.First = Accepted, at
	f.Patient, f.Institution, f.Own, f.Mulaid, f.Area = e.Patient, e.Institution, e.Own, e.Mulaid, e.Area
	if steps != 0 {
		e, _, _ = m.original(c, end, position, fx) // a redo
	}
	f.Void = cmd.Kind == KindReversalByMessage && m.isOpen(&e)
	var buf [legsMax + sweepLegs]Leg
	back := buf[:0]
	for _, l := range legs {
		if reversalToPatientDefect {
			l.Account = Account(KindPersonal, f.Patient)
		}
		if reversalUnboundDefect && l.Account.Kind() == KindPersonal && l.Account.Number() != f.Patient && !m.State.isBound(l.Account.Number(), f.Patient) {
			continue
		}
		back = append(back, Leg{Account: l.Account, Amount: -l.Amount, Area: l.Area}) // the areas of then (R18)
		if creator, closed := m.State.ClosedBy(l.Account); closed {                   // R24: posted to the closed account and swept to its creator
			back = append(back, Leg{Account: l.Account, Amount: l.Amount}, Leg{Account: creator, Amount: -l.Amount})
		}
	}
	fx.setLegs(f, back)
	if e.Visit != 0 {
		m.State.unsettle(c, e.Visit, at, f)
	}
}

// isOpen reports whether what is undone by message now leaves its day, together with its undoing: its day is open and it counts there (R15).
func (m *Money) isOpen(e *Effect) bool {
	if dayEndOldDefect {
		return !e.Void
	}
	return !e.Void && e.Day > m.State.Scalars.At(0).ClosedThrough
}

func reversalByMessage[F Funds](m *Money, c *Context, cmd *Command, position Position, funds F, f *Effect, fx *Effects) {
	institution, ok := m.State.FindInstitution(&cmd.Institution)
	if !ok {
		f.Outcome = UnknownInstitution
		return
	}
	e, found := m.IDs.Find(cmd.Other)
	switch {
	case !found:
		if !overtakingForgottenDefect {
			m.IDs.Insert(IDEntry{Key: cmd.Other, Position: position, Digest: uint64(cmd.Original), Tag: TagTombstone})
		}
		i := m.State.Institutions.Mut(institution)
		i.TombstoneDay, i.Tombstones = c.Day, i.TombstonesOn(c.Day)+1
		f.Outcome = Tombstoned
		return
	case e.Tag == TagTombstone && e.Digest == uint64(cmd.Original):
		f.Outcome = AlreadyReversed
		return
	case e.Tag != TagCommand:
		f.Outcome = WrongOriginalKind
		return
	}
	o, _, ok := m.original(c, e.Position, position, fx)
	if !ok || !isOriginal(o.Kind, cmd.Original) {
		f.Outcome = WrongOriginalKind
		return
	}
	switch {
	case cmd.Original == OriginalReversal:
		redo(m, c, cmd, &o, e.Position, institution, position, funds, f, fx)
	case !o.Outcome.IsAccepted():
		f.Outcome = NothingToUndo
	case cmd.Original == OriginalVisit:
		m.State.undoVisit(c, cmd, e.Position, institution, f)
	default:
		m.undo(c, cmd, e.Position, institution, position, f, fx)
	}
}

func isOriginal(k Kind, o OriginalKind) bool {
	switch o {
	case OriginalSettlement:
		return k == KindSettlement
	case OriginalVisit:
		return k == KindVisitOpen
	}
	return k == KindReversalByID || k == KindReversalByMessage
}
