package model

// redoOf undoes a reversal, which may be still to come.
func (g *Generator) redoOf(cancel Command, institution string, psn Key) ReversalByMessage {
	return ReversalByMessage{Message: g.newMessage(), Institution: institution, OriginalID: message(cancel).ID, OriginalKind: 2, Psn: psn}
}

// followReversal redoes what has been cancelled and cancels what has been redone, up to the limit and beyond; sometimes somebody has spent the
// money meanwhile, or the bureau has frozen it.
func (g *Generator) followReversal(c Command, result Result) {
	s := g.model.records[g.now.position()].about
	if s == nil {
		return
	}
	if g.model.records[g.now.position()].redo {
		g.followRedo(c, s)
		return
	}
	again := len(s.acts) > 1 // then mostly on to the limit
	if message(c).ID == (Key{}) {
		return
	}
	redo := g.redoOf(c, s.institution.Code, s.patient.Psn)
	for _, t := range s.takes {
		if family := g.model.familyOf(t.account); family != nil && family.Closed { // rare: always on through its creator
			g.soon = append(g.soon, redo)
			return
		}
	}
	if result.Number > 0 && g.chance(75) {
		g.redoLines(s, redo)
		return
	}
	if !g.chance(32) && !(again && g.chance(72)) || !result.Void && g.chance(25) { // some wait for the close of their day
		return
	}
	if g.mixed && len(s.takes) > 0 && g.chance(20) {
		if p := g.giver(s); p != nil && !p.Frozen {
			g.ordered = append(g.ordered, Freeze{Message: g.newMessage(), Psn: p.Psn, Frozen: true, Reason: 1, Operators: [2]Key{{1}, {2}}}, redo,
				Freeze{Message: g.newMessage(), Psn: p.Psn, Reason: 1, Operators: [2]Key{{1}, {2}}})
			return
		}
	}
	if !again && len(s.takes) > 0 && g.chance(50) {
		if p := g.giver(s); p != nil {
			g.soon = append(g.soon, AccountDebit{Message: g.newMessage(), Psn: p.Psn, Amount: max(1, g.model.balances[p.account()]), Reason: 1, First: Key{1}, Second: Key{2}})
		}
	}
	switch g.rng.IntN(40) {
	case 0:
		redo.Psn = g.psn(g.someone())
	case 1:
		redo.Institution = g.someInstitution()
	}
	g.soon = append(g.soon, redo)
}

// redoLines redoes a settlement of a visit, often when something has become of its lines.
func (g *Generator) redoLines(s *settled, redo ReversalByMessage) {
	if c := g.disturbLines(s); c != nil && g.chance(45) {
		if g.mixed {
			g.ordered = append(g.ordered, c, redo)
			return
		}
		g.soon = append(g.soon, c)
	}
	g.soon = append(g.soon, redo)
}

// disturbLines does something to the lines that a redo is about to settle again; nil if it cannot.
func (g *Generator) disturbLines(s *settled) Command {
	v := g.model.visitAt(s.visit)
	if v == nil || len(v.taken(0)) == 0 {
		return nil
	}
	head := VisitHead{Message: g.newMessage(), Institution: s.institution.Code, Psn: s.patient.Psn, Visit: v.Opened}
	line := choose(g.rng, v.taken(0)).FeeLine
	switch dice := g.rng.IntN(5); {
	case !g.mixed || dice == 0:
		if bill, found := g.billOf(v); found {
			return bill
		}
	case dice == 1:
		return LinesRemove{VisitHead: head, Mode: 0}
	case dice == 2:
		return LinesRemove{VisitHead: head, Mode: 2, Serials: []uint64{line.Serial}}
	case line.Returns == 0:
		return LinesAdd{VisitHead: head, Lines: []FeeLine{{Serial: 1 + g.rng.Uint64N(1_000), Batch: line.Batch, Returns: line.Serial, Count: -1}}}
	}
	return nil
}

// followRedo cancels again, or redoes again what has just been redone.
func (g *Generator) followRedo(c Command, s *settled) {
	redo := c.(ReversalByMessage)
	if g.chance(12) {
		redo.Message = g.newMessage()
		g.soon = append(g.soon, redo)
	}
	if message(c).ID != (Key{}) && g.chance(3) { // a redo is no cancel
		g.soon = append(g.soon, g.redoOf(c, redo.Institution, redo.Psn))
	}
	if g.chance(30) || len(s.acts) > 2 && g.chance(75) {
		if original := g.sentAt(s.position); original != nil && g.chance(50) {
			g.soon = append(g.soon, ReversalByMessage{Message: g.newMessage(), Institution: s.institution.Code, OriginalID: message(original).ID, OriginalKind: 1, Psn: s.patient.Psn})
			return
		}
		g.soon = append(g.soon, ReversalByID{Message: Message{ID: g.key()}, Settlement: s.position, Institution: s.institution.Code, Psn: s.patient.Psn})
	}
}

// sentAt is the recent command of a position; nil: it had no message id, or is long past.
func (g *Generator) sentAt(position uint64) Command {
	for i := len(g.sent) - 1; i >= max(0, len(g.sent)-recentSent); i-- {
		if g.sent[i].position == position {
			return g.sent[i].command
		}
	}
	return nil
}

// giver is who would pay the last leg of a settlement again; nil: an open family.
func (g *Generator) giver(s *settled) *PersonState { return g.model.giverOf(s.takes[len(s.takes)-1]) }
