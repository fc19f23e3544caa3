package model

import "slices"

// recentVisits are those among which most commands choose: few, so that they meet.
const recentVisits = 12

// someVisit is one that is held and fits, mostly one of the newest; nil if there is none.
func (g *Generator) someVisit(fits func(*VisitState) bool) *VisitState {
	visits := g.model.visits
	if len(visits) > recentVisits && g.chance(85) {
		visits = visits[len(visits)-recentVisits:]
	}
	for range 12 {
		if len(visits) == 0 {
			return nil
		}
		if v := choose(g.rng, visits); fits(v) {
			return v
		}
	}
	return nil
}

func (g *Generator) takingLines(v *VisitState) bool {
	return v.openForLines(g.now.today) && v.Final == 0
}

// head names a visit, or something like one.
func (g *Generator) head(fits func(*VisitState) bool) (VisitHead, *VisitState) {
	h := VisitHead{Message: g.newMessage(), Institution: g.someInstitution(), Psn: g.someone().Psn, Visit: Position(g.now.sequence, len(g.batch)), Text: g.rng.Uint64N(3)}
	v := g.someVisit(func(v *VisitState) bool { return fits(v) || g.chance(12) })
	if v == nil {
		return h, nil
	}
	h.Institution, h.Psn, h.Visit = g.model.institutions[v.Institution].Code, g.model.persons[v.Patient].Psn, v.Opened
	switch g.rng.IntN(40) {
	case 0:
		h.Institution = g.someInstitution()
	case 1:
		h.Institution = "nowhere"
	case 2:
		h.Psn = g.psn(g.someone())
	case 3:
		h.Visit++
	}
	return h, v
}

func (g *Generator) makeVisit(kind int) Command {
	today := g.now.today
	switch kind {
	case KindVisitOpen:
		return g.makeVisitOpen()
	case KindVisitCancel:
		h, _ := g.head(func(v *VisitState) bool { return v.stateOn(today) == visitOpen })
		return VisitCancel{h}
	case KindVisitChange:
		h, _ := g.head(g.takingLines)
		return VisitChange{h, choose(g.rng, []uint32{0, 11, 14, 21})}
	case KindLinesAdd:
		h, v := g.head(g.takingLines)
		return g.linesFor(h, v)
	case KindLinesRemove:
		h, v := g.head(func(v *VisitState) bool {
			lines := v.taken(0)
			return g.takingLines(v) && len(lines) > 0 && (g.chance(25) || slices.ContainsFunc(lines, func(l *LineState) bool { return l.Returns != 0 }))
		})
		return g.removalOf(h, v)
	case KindDischarge:
		h, _ := g.head(func(v *VisitState) bool { return v.Kind == stay && v.State == visitOpen })
		return Discharge{h, today - g.rng.Int32N(2)}
	}
	h, _ := g.head(func(v *VisitState) bool { return v.State == visitDischarged })
	return DischargeCancel{h}
}

func (g *Generator) makeVisitOpen() VisitOpen {
	patient, institution := g.someone(), g.someInstitution()
	again := (*VisitState)(nil)
	if v := g.someVisit(func(v *VisitState) bool { return v.openForLines(g.now.today) }); v != nil && g.chance(30) { // one more
		patient, institution, again = g.model.persons[v.Patient], g.model.institutions[v.Institution].Code, v
	}
	for i := 0; again == nil && i < 40 && patient.Died == 0 && g.chance(85); i++ { // somebody who died, now and then
		if p := g.someone(); p.Died != 0 {
			patient = p
		}
	}
	c := VisitOpen{Message: g.newMessage(), Institution: institution, Psn: patient.Psn, VisitKind: uint8(1 + g.rng.IntN(2)), Insutype: 310,
		CredentialType: 2, Credential: patient.Pseudonym, Text: g.rng.Uint64N(3)}
	if g.chance(70) {
		c.Number = 1 + g.rng.Uint64N(1_000_000)
	}
	if again != nil && again.Number != 0 && g.chance(60) { // the same once more
		c.VisitKind, c.Number = again.Kind, again.Number
	}
	if c.VisitKind == stay {
		c.MedType = 21
	}
	if g.chance(40) {
		c.First = g.now.today - 10 + g.rng.Int32N(12)
	}
	switch g.rng.IntN(50) {
	case 0:
		c.Institution = "nowhere"
	case 1:
		c.Psn = g.key()
	case 2:
		c.Credential = g.kin(patient).Pseudonym
	case 3:
		c.Credential = g.key()
	case 4:
		c.CredentialType = 1
	case 5, 6, 7:
		if len(g.model.cards) > 0 {
			card := g.someCard()
			c.Psn, c.CredentialType, c.Credential = g.model.persons[card.Person].Psn, 3, card.Key
		}
	}
	return c
}

// linesFor makes one to four lines that fit a visit, and spoils some.
func (g *Generator) linesFor(h VisitHead, v *VisitState) LinesAdd {
	c := LinesAdd{VisitHead: h}
	next := uint64(1)
	if v != nil {
		next += uint64(len(v.Lines))
	}
	for range 1 + g.rng.IntN(4) {
		l := g.chargeLine(next)
		if v != nil && v.Kind == stay && g.chance(80) {
			l.Batch = 0
		}
		if v != nil && g.chance(40) {
			g.makeReturn(&l, v, c.Lines)
		}
		c.Lines = append(c.Lines, l)
		next++
	}
	at := &c.Lines[g.rng.IntN(len(c.Lines))]
	switch g.rng.IntN(24) {
	case 0:
		at.Count = choose(g.rng, []int64{0, -at.Count, AmountMax + 1, -1 << 63})
	case 1:
		at.Amount = choose(g.rng, []int64{-at.Amount - 1, 1 << 31, -1<<63 + 5})
	case 2:
		at.Fulamt, at.Overlmt = at.Fulamt+at.Amount+1, at.Overlmt-1
	case 3:
		at.Preselfpay = choose(g.rng, []int64{-1, 1 << 62, at.Amount + 1})
	case 4:
		at.Serial = choose(g.rng, c.Lines).Serial
	case 5:
		at.Returns = uint64(900 + g.rng.IntN(3))
	case 6:
		*at = choose(g.rng, c.Lines)
	case 7, 8, 9:
		if v != nil && len(v.Lines) > 0 { // one that is there, changed or not
			*at = choose(g.rng, v.Lines).FeeLine
			if g.chance(50) {
				at.Text++
			}
		}
	}
	return c
}

func (g *Generator) chargeLine(serial uint64) FeeLine {
	l := FeeLine{Serial: serial, Batch: uint64(1 + g.rng.IntN(4)), Text: g.rng.Uint64N(4), Count: 10_000 * (1 + g.rng.Int64N(5)), Amount: g.rng.Int64N(400)}
	if g.chance(30) {
		l.Fulamt = g.rng.Int64N(l.Amount + 1)
	}
	if g.chance(30) {
		l.Preselfpay = g.rng.Int64N(l.Amount - l.Fulamt + 1)
	}
	if g.chance(20) {
		l.Overlmt = l.Amount - l.Fulamt - l.Preselfpay
	}
	return l
}

// makeReturn turns a line into the return of a charge of the visit or of this command: of a part, of all, and sometimes of more.
func (g *Generator) makeReturn(l *FeeLine, v *VisitState, earlier []FeeLine) {
	var charges []FeeLine
	for _, have := range v.Lines {
		if have.Settled == 0 || g.chance(20) {
			charges = append(charges, have.FeeLine)
		}
	}
	charges = append(charges, earlier...)
	if len(charges) == 0 {
		return
	}
	of := choose(g.rng, charges)
	l.Returns, l.Batch = of.Serial, of.Batch
	if g.chance(4) {
		l.Batch++
	}
	parts := choose(g.rng, []int64{1, 1, 2, 3})
	l.Count, l.Amount, l.Fulamt, l.Overlmt, l.Preselfpay = -max(of.Count/parts, 1), -of.Amount/parts, -of.Fulamt/parts, -of.Overlmt/parts, -of.Preselfpay/parts
}

func (g *Generator) removalOf(h VisitHead, v *VisitState) LinesRemove {
	c := LinesRemove{VisitHead: h, Mode: choose(g.rng, []uint8{0, 1, 1, 2, 2, 2})}
	charges := []FeeLine{}
	for _, l := range v.linesOrNone() {
		if l.Settled == 0 && len(v.returnsOf(l.Serial)) > 0 {
			charges = append(charges, l.FeeLine)
		}
	}
	some := func() FeeLine {
		if len(charges) > 0 && g.chance(40) {
			return choose(g.rng, charges)
		}
		if v == nil || len(v.Lines) == 0 || g.chance(4) {
			return FeeLine{Serial: uint64(1 + g.rng.IntN(9)), Batch: uint64(g.rng.IntN(5))}
		}
		if lines := v.taken(0); len(lines) > 0 && g.chance(85) {
			l := choose(g.rng, lines).FeeLine
			if l.Returns != 0 && g.chance(50) { // what a return hangs on
				l = v.line(l.Returns).FeeLine
			}
			return l
		}
		return choose(g.rng, v.Lines).FeeLine
	}
	switch c.Mode {
	case 1:
		c.Batch = some().Batch
	case 2:
		for range 1 + g.rng.IntN(3) {
			l := some()
			c.Serials = append(c.Serials, l.Serial)
			if v == nil || !g.chance(60) {
				continue
			}
			for _, r := range v.returnsOf(l.Serial) { // in either order
				c.Serials = append([]uint64{r.Serial}, c.Serials...)
			}
		}
	}
	return c
}

func (v *VisitState) linesOrNone() []LineState {
	if v == nil {
		return nil
	}
	return v.Lines
}

// billLines makes a settlement out of the unsettled lines of a visit; false if there is none.
func (g *Generator) billLines() (c Settlement, found bool) {
	var fit []*VisitState
	for _, v := range g.model.visits {
		if g.takingLines(v) && len(v.taken(0)) > 0 || len(v.Lines) > 0 && g.chance(2) {
			fit = append(fit, v)
		}
	}
	if len(fit) == 0 {
		return c, false
	}
	return g.billOf(choose(g.rng, fit))
}

// billOf makes a settlement out of the unsettled lines of a visit, or of its settled ones; false if it has none.
func (g *Generator) billOf(v *VisitState) (c Settlement, found bool) {
	if len(v.Lines) == 0 {
		return c, false
	}
	patient := g.model.persons[v.Patient]
	c = g.settlementOf(patient, 1)
	c.Institution, c.Psn, c.Opened, c.Expected = g.model.institutions[v.Institution].Code, patient.Psn, v.Opened, nil
	if v.Kind == registration && g.chance(85) || g.chance(10) {
		c.Batch = choose(g.rng, v.Lines).Batch
		if lines := v.taken(0); len(lines) > 0 && g.chance(85) {
			c.Batch = choose(g.rng, lines).Batch
		}
	}
	c.Interim = v.Kind == stay && g.chance(50)
	if v.Kind == stay && g.chance(60) {
		c.CredentialType, c.Credential = 0, Key{}
	}
	c.Medfee, c.Fulamt, c.Overlmt, c.Preselfpay, c.HospPart = 0, 0, 0, 0, 0
	lines := v.taken(c.Batch)
	if len(lines) == 0 { // settled ones, that the refusal is about them
		for i := range v.Lines {
			lines = append(lines, &v.Lines[i])
		}
	}
	for _, l := range lines {
		c.Medfee, c.Fulamt, c.Overlmt, c.Preselfpay = c.Medfee+l.Amount, c.Fulamt+l.Fulamt, c.Overlmt+l.Overlmt, c.Preselfpay+l.Preselfpay
	}
	c.Inscp = c.Medfee - c.Fulamt - c.Overlmt - c.Preselfpay
	if c.Fund = 0; c.Inscp > 0 && g.chance(40) {
		c.Fund = g.rng.Int64N(c.Inscp)
	}
	switch g.rng.IntN(40) {
	case 0:
		c.Medfee, c.Inscp = c.Medfee+1, c.Inscp+1
	case 1:
		c.Institution = g.someInstitution()
	case 2:
		c.Psn = g.someone().Psn
	case 3:
		c.Opened++
	case 4:
		c.Fulamt, c.Inscp = c.Fulamt+1, c.Inscp-1
	}
	if g.chance(10) {
		g.expect(&c)
	}
	return c, true
}

// followVisit sends what comes next in a visit.
func (g *Generator) followVisit(c Command, result Result) {
	if len(g.ordered) > 20 {
		return
	}
	switch c := c.(type) {
	case VisitOpen:
		if g.chance(75) {
			g.ordered = append(g.ordered, g.linesFor(VisitHead{Message: g.newMessage(), Institution: c.Institution, Psn: c.Psn, Visit: result.Visit}, g.model.visitAt(result.Visit)))
		}
	case LinesAdd:
		if bill, found := g.billLines(); found && g.chance(15) {
			g.soon = append(g.soon, bill)
		}
	}
}
