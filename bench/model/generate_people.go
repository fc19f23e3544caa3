package model

import (
	"crypto/sha256"
	"fmt"
)

// hot gives one of the persons that Setup made; someone gives mostly those, else one of the newest.
func (g *Generator) hot(i int) *PersonState { return g.model.persons[i%len(g.model.persons)] }

func (g *Generator) someone() *PersonState {
	persons := g.model.persons
	if g.chance(85) || len(persons) <= hotPersons+recentPersons {
		return g.hot(g.rng.IntN(hotPersons))
	}
	return choose(g.rng, persons[len(persons)-recentPersons:])
}

// kin gives another person of the same clan, sometimes the person himself.
func (g *Generator) kin(p *PersonState) *PersonState {
	first := int(p.Number) / clanSize * clanSize
	return g.model.persons[min(first+g.rng.IntN(clanSize), len(g.model.persons)-1)]
}

// psn gives a person's key, or one time in twenty-five an unknown one.
func (g *Generator) psn(p *PersonState) Key {
	if g.chance(4) {
		return g.key()
	}
	return p.Psn
}

func (g *Generator) dayKeyOf(day int32) Command {
	key := g.keyOf(day)
	return DayKey{Day: day, Hash: sha256.Sum256(key[:]), Sealed: key[:8]}
}

func (g *Generator) makeDayKey() Command {
	if _, ok := g.model.dayKeys[g.now.today]; !ok && g.chance(70) {
		return g.dayKeyOf(g.now.today)
	}
	return g.dayKeyOf(g.now.today - 1 + g.rng.Int32N(80))
}

func (g *Generator) makeDayKeyPublish() Command {
	day := g.now.today - 5 + g.rng.Int32N(8)
	if g.chance(60) { // an old one still sealed, if there is any
		for range 20 {
			past := Day(firstMS) + g.rng.Int32N(max(1, g.now.today-Day(firstMS)))
			if row, ok := g.model.dayKeys[past]; ok && !row.Published {
				day = past
				break
			}
		}
	}
	if g.chance(8) {
		return DayKeyPublish{Day: day, Key: g.keyOf(day + 1)}
	}
	return DayKeyPublish{Day: day, Key: g.keyOf(day)}
}

func (g *Generator) newPerson(account bool) Person {
	return Person{
		Message: g.newMessage(), Psn: g.key(), Pseudonym: g.key(), Birth: g.birth(), Area: 420100,
		HasAccount: account, EvoucherActive: g.chance(75),
		Enrolments: []Insurance{g.insurance(310)},
	}
}

func (g *Generator) makePerson() Command {
	p := g.newPerson(g.chance(70))
	switch g.rng.IntN(8) {
	case 0:
		p.Psn = g.someone().Psn
	case 1:
		p.Pseudonym = g.someone().Pseudonym
	case 2:
		p.Enrolments = nil
	case 3:
		p.Enrolments = append(p.Enrolments, g.insurance(390), g.insurance(310))
	}
	return p
}

// places are where people are insured: two of one prefecture, another, two counties under the province, two of one municipality, none.
var places = []uint32{420100, 420100, 420102, 420500, 429004, 429005, 500101, 500229, 0}

// insurance is mostly a normal one, open and begun; some are ended, future or in another state.
func (g *Generator) insurance(insutype uint16) Insurance {
	c := Insurance{Insutype: insutype, Status: 1, Area: choose(g.rng, places), Begin: g.now.today - g.rng.Int32N(60),
		PsnType: choose(g.rng, []uint32{11, 11, 11, 12, 1201, 21}), Flexible: uint8(g.rng.IntN(8) / 7)}
	if g.chance(3) {
		c.Area = choose(g.rng, []uint32{420500, 430100, 620100})
	}
	switch g.rng.IntN(24) {
	case 0:
		c.End = g.now.today + g.rng.Int32N(30)
	case 1:
		c.Begin = g.now.today + g.rng.Int32N(4)
	case 2:
		c.End = c.Begin - g.rng.Int32N(3) // nothing at all
	}
	return c
}

func (g *Generator) makeEnrolment() Command {
	c := Enrolment{Message: g.newMessage(), Psn: g.psn(g.someone())}
	c.Insurance = g.insurance(choose(g.rng, []uint16{310, 310, 310, 310, 310, 310, 310, 390, 392}))
	if g.chance(12) {
		c.Status = uint8(2 + g.rng.IntN(3))
		c.Begin = g.now.today - 3 + g.rng.Int32N(8)
	}
	if g.chance(5) {
		c.Reason = uint8(1 + g.rng.IntN(reasonLast))
		c.Begin = g.now.today - 3 + g.rng.Int32N(6)
	}
	if p := g.unfit(); p != nil && g.chance(60) { // and those who cannot share any more come back
		c.Psn, c.Insurance = p.Psn, Insurance{Insutype: employee, Status: 1, Area: choose(g.rng, places[:4]), Begin: g.now.today - 1, PsnType: 11}
	}
	if p := g.model.byPsn[c.Psn]; p != nil && p.Died != 0 && g.chance(70) { // the dead rise, or the world would be empty soon
		c.Status, c.Reason = 1, reasonCorrection
	}
	if g.Strange && g.chance(10) {
		c.Status = 0
	}
	return c
}

// unfit is one of the persons of Setup who has an account and may lend nothing, or lives far away; nil: none was found.
func (g *Generator) unfit() *PersonState {
	for range 20 {
		if p := g.hot(g.rng.IntN(hotPersons)); p.HasAccount && (!p.mayAuthorize(g.now.today) || p.Area/10_000 != 42) {
			return p
		}
	}
	return nil
}

func (g *Generator) makeInstitution() Command {
	n := len(g.model.institutions)
	if g.chance(40) {
		n = g.rng.IntN(n)
	}
	return Institution{Code: fmt.Sprintf("H%011d", n), Type: uint8(1 + g.rng.IntN(5)), Area: 420100}
}

func (g *Generator) makeBinding() Command {
	user := g.someone()
	if g.chance(16) {
		user = g.hot(0) // the crowd
	}
	authorizer := g.kin(user)
	if user.Number == 0 {
		authorizer = g.someone()
	}
	for i := 0; i < 12 && !g.maySuit(authorizer, user) && g.chance(95); i++ {
		if authorizer = g.kin(user); user.Number == 0 {
			authorizer = g.someone()
		}
	}
	if g.now.policy != nil && g.now.policy.Strategy == 3 && len(g.model.families) > 0 && g.chance(70) {
		if f := g.openFamily(); f != nil {
			authorizer = g.model.persons[f.Creator]
		}
	}
	if authorizer == user && g.chance(80) {
		authorizer = g.hot(int(user.Number) + 1)
	}
	c := g.application(authorizer, user)
	if g.chance(60) {
		c.Order = uint16(1 + g.rng.IntN(4)) // ties are wanted
	}
	switch g.rng.IntN(30) {
	case 0:
		c.UserPseudonym = g.key()
	case 1:
		c.Relation = choose(g.rng, []uint8{0, 3, 8, 31, 32, 33, 255})
	case 2:
		c.Order = 999
	}
	if g.Strange && g.chance(5) {
		c.Order = 1000 + uint16(g.rng.IntN(60000))
	}
	return c
}

// maySuit reports whether somebody is of a standing and a place to be bound for a user.
func (g *Generator) maySuit(authorizer, user *PersonState) bool {
	return authorizer.mayAuthorize(g.now.today) && (g.now.policy == nil || near(g.now.policy, authorizer, user))
}

// makeUnbinding names mostly one binding that is active, then others of the same actor, ended or not, and of strangers.
func (g *Generator) makeUnbinding() Command {
	c := Unbinding{Message: g.newMessage(), AsUser: g.chance(30), Channel: g.channel(), Steps: g.steps()}
	actor := g.someone()
	bindings := g.model.bindings
	if len(bindings) == 0 {
		c.Actor, c.Bindings = g.psn(actor), []uint32{0}
		return c
	}
	first := choose(g.rng, bindings)
	for i := 0; i < 30 && first.State != Active; i++ {
		first = choose(g.rng, bindings)
	}
	if g.chance(50) && len(bindings) > 20 { // a young one, still locked if there is a lock
		first = choose(g.rng, bindings[len(bindings)-20:])
	}
	actor = g.model.persons[first.Authorizer]
	if c.AsUser {
		actor = g.model.persons[first.Beneficiary]
	}
	c.Bindings = []uint32{first.Number}
	for _, b := range bindings {
		if (!c.AsUser && b.Authorizer == actor.Number || c.AsUser && b.Beneficiary == actor.Number) && g.chance(2) {
			c.Bindings = append(c.Bindings, b.Number)
		}
	}
	c.Bindings = c.Bindings[:min(len(c.Bindings), 60)]
	switch g.rng.IntN(6) {
	case 0:
		c.Bindings = append(c.Bindings, uint32(len(bindings))+g.rng.Uint32N(3))
	case 1:
		c.Bindings = append(c.Bindings, choose(g.rng, bindings).Number)
	case 2:
		c.Bindings = append(c.Bindings, c.Bindings[0]) // twice in one list
	}
	c.Actor = g.psn(actor)
	return c
}
