package model

const richPerson = 2 // gets the largest credits

func (g *Generator) makeCredit() Command {
	p := g.someone()
	if !p.HasAccount && g.chance(70) {
		p = g.hot(int(p.Number) + 1)
	}
	c := Credit{Message: g.newMessage(), Psn: g.psn(p), Amount: 1 + g.rng.Int64N(3000), Source: uint8(1 + g.rng.IntN(15))}
	if g.chance(50) {
		c.Period = g.periods + g.rng.Uint32N(2)
		c.Source = uint8(1 + g.rng.IntN(2))
	}
	if len(g.model.runs) > 0 && g.chance(40) {
		run := g.someRun()
		c.Run = run.Run
		if run.Done+1 == run.Count && run.Amount > run.Sum {
			c.Amount = run.Amount - run.Sum
		}
	}
	switch g.rng.IntN(60) {
	case 0:
		c.Amount = choose(g.rng, []int64{0, -1, AmountMax + 1, -AmountMax})
	case 1:
		c.Source = choose(g.rng, []uint8{0, 16, 255})
	case 2:
		c.Run = g.key()
	case 3:
		if g.model.funding() < FundingMax/2 { // one rich person; the others stay thin, and credits possible
			c.Psn, c.Amount = g.hot(richPerson).Psn, AmountMax-g.rng.Int64N(2)
		}
	}
	return c
}

// someRun is mostly one of the last eight.
func (g *Generator) someRun() *RunState {
	runs := g.model.runs
	if len(runs) > 8 && g.chance(90) {
		runs = runs[len(runs)-8:]
	}
	return choose(g.rng, runs)
}

func (g *Generator) makeRunOpen() Command {
	c := RunOpen{
		Run: K("run", string(be32(uint32(len(g.model.runs))))), Source: uint8(1 + g.rng.IntN(15)),
		Period: g.periods, Count: g.rng.Uint32N(3), Amount: 0,
	}
	c.Amount = int64(c.Count) * (1000 + g.rng.Int64N(500))
	switch g.rng.IntN(12) {
	case 0:
		c.Source = choose(g.rng, []uint8{0, 16})
	case 1:
		c.Period = 0
	case 2:
		c.Amount = choose(g.rng, []int64{-1, FundingMax + 1})
	case 3, 4:
		if len(g.model.runs) > 0 {
			c.Run = g.someRun().Run
		}
	}
	return c
}

func (g *Generator) makeRunClose() Command {
	if len(g.model.runs) == 0 || g.chance(8) {
		return RunClose{Run: g.key()}
	}
	run := g.someRun()
	if g.chance(50) { // one that fits
		for range 20 {
			r := choose(g.rng, g.model.runs)
			if !r.Closed && r.Done == r.Count && r.Sum == r.Amount {
				run = r
			}
		}
	}
	return RunClose{Run: run.Run}
}

func (g *Generator) makeAllocation() Command {
	p := g.someone()
	if f := g.openFamily(); f != nil && g.chance(95) {
		p = g.model.persons[f.Creator]
	}
	balance := g.model.balances[p.account()]
	amount := 1 + g.rng.Int64N(800)
	switch g.rng.IntN(8) {
	case 0:
		amount = balance
	case 1:
		amount = balance + 1
	case 2, 3, 4:
		amount = 1 + balance/3
	}
	if g.chance(3) {
		amount = choose(g.rng, []int64{0, -5, AmountMax + 1})
	}
	return Allocation{Message: g.newMessage(), Creator: g.psn(p), Amount: amount, Channel: g.channel()}
}

// makeSettlement aims at a payable amount that is interesting for the patient's accounts as they are at this moment.
func (g *Generator) makeSettlement() Command {
	if g.chance(18) {
		if c, found := g.billLines(); found {
			return c
		}
	}
	patient := g.someone()
	if b := g.bindingIn(Active); b != nil && g.chance(60) { // somebody who shares
		patient = g.model.persons[b.Beneficiary]
	}
	if g.chance(30) {
		patient = g.hot(0) // the crowd: many legs
	}
	if f := g.openFamily(); f != nil && g.now.policy != nil && g.now.policy.Strategy == allocated && g.chance(40) {
		if members := g.model.Members(f.Number); len(members) > 0 {
			patient = g.model.persons[choose(g.rng, members)]
		}
	}
	if other := g.rival(); other != nil && g.chance(40) {
		patient = other
	}
	return g.settlementOf(patient, g.target(patient))
}

// rival is somebody else who may draw on an account that a relative was drawn on in the last settlement, or nil.
func (g *Generator) rival() *PersonState {
	if len(g.model.settled) == 0 {
		return nil
	}
	last := g.model.settled[len(g.model.settled)-1]
	for _, b := range g.model.bindings {
		if b.State != Active || b.Beneficiary == last.patient.Number || !g.chance(70) {
			continue
		}
		for _, t := range last.takes {
			if t.account == g.model.persons[b.Authorizer].account() && t.account != last.patient.account() {
				return g.model.persons[b.Beneficiary]
			}
		}
	}
	return nil
}

// target chooses what should become payable.
func (g *Generator) target(patient *PersonState) int64 {
	own := g.model.balances[patient.account()]
	relatives := g.relativesHold(patient)
	all := min(own+relatives, AmountMax-10)
	own = min(own, AmountMax-10)
	switch g.rng.IntN(20) {
	case 0:
		return 0
	case 1:
		return all
	case 2, 3:
		return all + 1
	case 4:
		return max(all-1, 0)
	case 5:
		return own
	case 6, 7:
		return own + 1
	case 8, 9, 12, 13:
		return own + g.rng.Int64N(min(relatives, AmountMax/4)+1)
	case 10, 14, 15:
		return own + g.rng.Int64N(min(relatives, AmountMax/4)+1)*2/3
	case 11:
		if g.chance(20) {
			return AmountMax / 2
		}
	}
	return 1 + g.rng.Int64N(1500)
}

// relativesHold adds up what others hold for a patient under the policy of this batch.
func (g *Generator) relativesHold(patient *PersonState) int64 {
	if g.now.policy == nil {
		return 0
	}
	if g.now.policy.Strategy == 3 {
		if !g.model.familyPays(g.now, patient) {
			return 0
		}
		return g.model.balances[g.model.families[patient.Family].account()]
	}
	sum := int64(0)
	for _, b := range g.model.lending(g.now, patient) {
		sum += g.model.balances[g.model.persons[b.Authorizer].account()]
	}
	return sum
}

func (g *Generator) settlementOf(patient *PersonState, payable int64) Settlement {
	c := Settlement{
		Message: g.newMessage(), Institution: g.someInstitution(), Psn: patient.Psn, CredentialType: 2,
		Credential: patient.Pseudonym, AcctUsedFlag: choose(g.rng, []uint8{1, 1, 1, 2, 2, 2, 2, 2, 2, 0}),
	}
	g.fillParts(&c, payable)
	if g.chance(20) {
		c.OnShortfall = 1
	}
	if g.chance(10) {
		c.Visit = g.now.today - 20 + g.rng.Int32N(22)
	}
	g.typePasswords(&c, patient)
	if g.chance(15) {
		g.expect(&c)
	}
	switch g.rng.IntN(70) {
	case 0:
		c.Medfee = choose(g.rng, []int64{0, -1, AmountMax + 1, c.Medfee + 1})
	case 1:
		c.HospPart = choose(g.rng, []int64{-1, c.Medfee + 1, c.Medfee, AmountMax + 1})
	case 2:
		c.Fund = choose(g.rng, []int64{-1, c.Medfee + 1, c.Medfee})
	case 3:
		c.Institution = "nowhere"
	case 4:
		c.Psn = g.key()
	case 5:
		c.Credential = g.kin(patient).Pseudonym
	case 7:
		c.Credential = g.key()
	case 6:
		c.Inscp, c.Fulamt = c.Inscp-1, c.Fulamt+1
	}
	g.present(&c, patient)
	if g.Strange && g.chance(5) {
		c.AcctUsedFlag, c.OnShortfall = 3, 2
	}
	return c
}

// fillParts puts the payable amount into a part that the policy pays and adds parts, fund and hospital shares around it.
func (g *Generator) fillParts(c *Settlement, payable int64) {
	parts := []*int64{&c.Inscp, &c.Preselfpay, &c.Overlmt, &c.Fulamt}
	paid := 0
	for i := range parts {
		if g.now.policy != nil && g.now.policy.PayableParts&(1<<i) != 0 {
			paid = i
			if g.chance(60) {
				break
			}
		}
	}
	*parts[paid] = payable
	if g.chance(50) { // parts that are not payable; sometimes ones that are, which then spoil the aim
		*parts[g.rng.IntN(4)] += g.rng.Int64N(400)
	}
	if g.chance(40) { // the fund takes what it added to the first part, and sometimes a little of the next ones
		c.Fund = g.rng.Int64N(500)
		c.Inscp += c.Fund
		if g.chance(30) {
			c.Fund += g.rng.Int64N(300)
		}
	}
	c.Medfee = c.Fulamt + c.Overlmt + c.Preselfpay + c.Inscp
	if c.Medfee == 0 {
		c.Fulamt, c.Medfee = 1, 1
	}
	c.Fund = min(c.Fund, c.Medfee)
	if g.chance(12) {
		c.HospPart = g.rng.Int64N(min(c.Medfee-c.Fund, 1000) + 1)
	}
}

// expect tells the command what it would give, or a fen beside it.
func (g *Generator) expect(c *Settlement) {
	now := g.now
	now.index = uint32(len(g.batch))
	todo, outcome := g.model.plan(now, *c)
	if outcome != Accepted {
		return
	}
	c.Expected = &Expected{AcctPay: todo.own + todo.mulaid, Cash: todo.cash}
	switch g.rng.IntN(5) {
	case 0:
		c.Expected.AcctPay++
	case 1:
		c.Expected.Cash--
	}
}

func (g *Generator) someInstitution() string {
	return g.model.institutions[g.rng.IntN(min(6, len(g.model.institutions)))].Code
}

func (g *Generator) makeReversalByID() Command {
	c := ReversalByID{
		Message: g.newMessage(), Settlement: Position(g.now.sequence, len(g.batch)+g.rng.IntN(3)), // itself or one to come
		Institution: g.someInstitution(), Psn: g.someone().Psn,
	}
	if settled := g.model.settled; len(settled) > 0 && g.chance(93) {
		s := g.someSettled()
		c.Settlement, c.Institution, c.Psn = s.position, s.institution.Code, s.patient.Psn
	}
	switch g.rng.IntN(24) {
	case 0:
		c.Institution = g.someInstitution()
	case 1:
		c.Institution = "nowhere"
	case 2:
		c.Psn = g.psn(g.someone())
	case 3:
		c.Settlement -= uint64(1 + g.rng.IntN(3))
	case 4:
		c.Settlement = Position(1+g.rng.Uint64N(g.now.sequence), g.rng.IntN(50))
	}
	return c
}

// someSettled is mostly one of the last thirty, reversed or not; sometimes any.
func (g *Generator) someSettled() *settled {
	all := g.model.settled
	if len(all) > 30 && g.chance(85) {
		all = all[len(all)-30:]
	}
	return choose(g.rng, all)
}

func (g *Generator) makeReversalByMessage() Command {
	c := ReversalByMessage{
		Message: g.newMessage(), Institution: g.someInstitution(), OriginalID: g.key(), OriginalKind: 1,
		Psn: g.someone().Psn,
	}
	if g.chance(8) {
		c.OriginalKind = 2
	}
	dice := g.rng.IntN(100)
	switch {
	case dice < 5 && len(g.sent) > 0:
		g.nameVisit(&c)
	case dice < 70 && len(g.sent) > 0:
		g.nameOriginal(&c, dice < 50)
	case dice < 84 && len(g.tombs) > 0:
		c.OriginalID = choose(g.rng, g.tombs)
	case dice < 88:
		c.OriginalID = c.ID // itself
		if c.ID == (Key{}) {
			c.OriginalID = g.key()
		}
	}
	switch g.rng.IntN(30) {
	case 0:
		c.Institution = "nowhere"
	case 1:
		c.Institution = g.someInstitution()
	case 2:
		c.Psn = g.psn(g.someone())
	case 3:
		c.OriginalKind = 1 + c.OriginalKind%3
	}
	if g.Strange && g.chance(5) {
		c.OriginalKind = choose(g.rng, []uint8{0, 4})
	}
	if g.Strange && g.chance(3) {
		c.OriginalID = Key{}
	}
	return c
}

// nameVisit names the message that opened a visit, one of the last if it can be.
func (g *Generator) nameVisit(c *ReversalByMessage) {
	for i := len(g.sent) - 1; i >= max(0, len(g.sent)-200); i-- {
		if original, ok := g.sent[i].command.(VisitOpen); ok && g.chance(40) {
			c.OriginalID, c.Institution, c.Psn, c.OriginalKind = original.ID, original.Institution, original.Psn, 3
			return
		}
	}
}

// nameOriginal names a command that was sent, a settlement if it must be, with what belongs to it.
func (g *Generator) nameOriginal(c *ReversalByMessage, settlement bool) {
	for range 60 {
		old := g.recent()
		if settlement && old.command.Kind() != KindSettlement {
			continue
		}
		c.OriginalID = message(old.command).ID
		switch original := old.command.(type) {
		case Settlement:
			c.Institution, c.Psn, c.OriginalKind = original.Institution, original.Psn, 1
		case ReversalByID:
			c.Institution, c.Psn, c.OriginalKind = original.Institution, original.Psn, 2
		case ReversalByMessage:
			c.Institution, c.Psn, c.OriginalKind = original.Institution, original.Psn, 2
		case VisitOpen:
			c.Institution, c.Psn, c.OriginalKind = original.Institution, original.Psn, 3
		}
		return
	}
}

// reverseAhead sends a reversal before its settlement, which follows in this batch or much later.
func (g *Generator) reverseAhead() Command {
	if g.mixed && g.chance(10) {
		visit := g.makeVisitOpen()
		visit.Message = Message{ID: g.key()}
		g.ordered = append(g.ordered, visit)
		return ReversalByMessage{Message: g.newMessage(), Institution: visit.Institution, OriginalID: visit.ID, OriginalKind: 3, Psn: visit.Psn}
	}
	patient := g.someone()
	original := g.settlementOf(patient, g.target(patient))
	original.Message = Message{ID: g.key()}
	if g.chance(60) {
		g.soon = append(g.soon, original)
	} else {
		g.upcoming = append(g.upcoming, original)
	}
	return ReversalByMessage{
		Message: g.newMessage(), Institution: original.Institution, OriginalID: original.ID, OriginalKind: 1,
		Psn: original.Psn,
	}
}

// follow queues what should come close behind a command: reversals of a settlement, once or twice, and debits of money
// that has just come in.
func (g *Generator) follow(c Command, result Result) {
	if result.Outcome != Accepted || len(g.soon) > 8 {
		return
	}
	g.followFamily(c, result)
	switch c := c.(type) {
	case Binding:
		g.followBinding(c, result)
	case Settlement:
		if !g.chance(16) {
			return
		}
		byID := ReversalByID{Message: g.newMessage(), Settlement: g.now.position(), Institution: c.Institution, Psn: c.Psn}
		byMessage := ReversalByMessage{
			Message: g.newMessage(), Institution: c.Institution, OriginalID: c.ID, OriginalKind: 1, Psn: c.Psn,
		}
		if c.ID == (Key{}) || g.chance(50) {
			g.soon = append(g.soon, byID)
		} else {
			g.soon = append(g.soon, byMessage)
		}
		if g.chance(25) && c.ID != (Key{}) { // and once more by the other way or the same
			g.soon = append(g.soon, choose(g.rng, []Command{byID, byMessage}))
		}
	case Premium, PremiumRefund:
		g.followPremium(c)
	case VisitOpen, LinesAdd:
		g.followVisit(c, result)
	case Credit:
		if g.chance(15) {
			p := g.model.byPsn[c.Psn]
			g.soon = append(g.soon, g.settlementOf(p, g.model.balances[p.account()]%AmountMax))
		}
	}
}
