package model

// policyNames: versions ascend within each.
var policyNames = []string{"", "hubei", "gansu", "a-name-as-long-as-can-be"}

func (g *Generator) makePolicy() Command {
	name := choose(g.rng, policyNames)
	version := uint32(0)
	for _, p := range g.model.policies {
		if p.Name == name {
			version = max(version, p.Version)
		}
	}
	p := Policy{
		Name:              name,
		Version:           version + 1 + g.rng.Uint32N(3),
		Hash:              [32]byte{uint8(g.rng.IntN(256))},
		EffectiveFromMS:   g.now.timeMS,
		Strategy:          choose(g.rng, []uint8{1, 1, 1, 2, 2, 2, 3, 3}),
		SelfFirst:         g.chance(70),
		PayableParts:      uint8(1 + g.rng.IntN(15)),
		PayablePlaces:     3,
		AllowedRelations:  relationsKnown,
		MinBindMonths:     uint32(choose(g.rng, []int{0, 1, 2, 3, 3, 12})),
		RequireNormalUser: g.chance(25),
		UserMayUnbind:     g.chance(60),
		Flag1OwnOnly:      g.chance(30),
		MaxAuthorizers:    uint32(choose(g.rng, []int{0, 0, 0, 1, 3, 8, 32})),
	}
	if g.chance(20) {
		p.PayablePlaces = uint8(g.rng.IntN(4))
	}
	if g.chance(12) {
		p.AllowedRelations = 1<<1 | 1<<4
	}
	g.fillPolicy(&p)
	g.datePolicy(&p)
	switch g.rng.IntN(16) {
	case 0:
		p.Version = version - min(version, g.rng.Uint32N(3))
	case 1, 2:
		p = choose(g.rng, Spoils).spoil(p)
	}
	if p.Strategy != allocated && g.model.familyMoney() && g.chance(80) {
		return g.clearFamilies(p)
	}
	return p
}

// datePolicy spreads the effective dates: now, soon, later, past, at once, and ties with the last one.
func (g *Generator) datePolicy(p *Policy) {
	switch g.rng.IntN(10) {
	case 0, 1, 2:
		p.EffectiveFromMS += g.rng.Int64N(6 * 60 * 60 * 1000)
	case 3, 4:
		p.EffectiveFromMS += g.rng.Int64N(20 * dayMS)
	case 5:
		p.EffectiveFromMS -= 1 + g.rng.Int64N(dayMS)
	case 6:
		p.EffectiveFromMS = 0 // at once
	}
	if len(g.model.policies) > 0 && g.chance(10) {
		p.EffectiveFromMS = g.model.policies[len(g.model.policies)-1].EffectiveFromMS
	}
}

// fillPolicy sets the knobs that belong together, so that they can stand together.
func (g *Generator) fillPolicy(p *Policy) {
	p.MaxFamilies = uint32(choose(g.rng, []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 32}))
	if p.Strategy == allocated {
		p.MaxFamilies = 1
		p.AllocMax = int64(choose(g.rng, []int{0, 0, 400, 500_000}))
		p.AllocTimes = uint32(choose(g.rng, []int{0, 0, 2, 12}))
		if g.chance(70) {
			p.MinBindMonths = 0 // else hardly any family can be dissolved
		}
	}
	p.CancelReversible, p.PausedUsable, p.DayCloseMinutes = g.chance(50), g.chance(50), g.rng.Uint32N(7*24*60+1)
	p.Categories, p.Province = uint8(g.rng.IntN(8)), choose(g.rng, []uint8{0, 42, 62})
	g.fillChannels(p)
	if g.chance(30) {
		p.ConsentRequired, p.ConsentDays, p.FaceFromAge = true, 1+g.rng.Uint32N(uint32(choose(g.rng, []int{6, 365}))), uint32(choose(g.rng, []int{0, 1, 16, 17, 120}))
	}
	if g.chance(30) {
		p.PasswordTries, p.LockMinutes = choose(g.rng, []uint32{1, 1, 2, 3, 20}), 1+g.rng.Uint32N(7*24*60)
	}
	if g.chance(60) {
		p.Commitment, p.CommitmentEachTime = g.key(), g.chance(50)
	}
	if g.chance(30) {
		p.Questions, p.DataConsentRequired = g.key(), g.chance(50)
	}
	if g.chance(90) {
		p.PremiumTypes = uint8(1 + g.rng.IntN(3))
		if g.chance(50) {
			p.PremiumFrom, p.PremiumUntil = choose(g.rng, []uint32{101, 901, 1231}), choose(g.rng, []uint32{229, 1231, 430})
		}
	}
	if g.chance(92) {
		p.visits()
		p.RegistrationDays, p.RegistrationKeep, p.StayKeep = 1+g.rng.Uint32N(4), 1+g.rng.Uint32N(6), 1+g.rng.Uint32N(12)
		p.OpenVisits, p.VisitLines = choose(g.rng, []uint32{1, 2, 3, 256}), choose(g.rng, []uint32{4, 7, 40, 100_000})
	}
	p.Territory = choose(g.rng, []uint8{0, 0, 0, 0, 0, 1, 2}) // 0 or hardly anybody may share
	if p.Territory == 2 {
		p.Province, p.AgreedProvinces = 42, choose(g.rng, [][]uint8{{11}, {43, 82}, {62, 63, 64}})
	}
}

func (g *Generator) fillChannels(p *Policy) {
	for _, code := range []uint8{1, 2, 3, 6, 8, 31} {
		if g.chance(10) {
			continue
		}
		p.Channels = append(p.Channels, code)
		way := g.rng.IntN(4)
		p.Logins[way] = append(p.Logins[way], code)
		if other := g.rng.IntN(4); other != way {
			p.Logins[other] = append(p.Logins[other], code)
		}
		if g.chance(20) {
			p.Counters = append(p.Counters, code)
		}
		if g.chance(25) {
			p.Evouchers = append(p.Evouchers, code)
		}
	}
	p.OfflineReview = len(p.Counters) > 0 && g.chance(50)
}

// Spoil makes an impossible policy of a possible one.
type Spoil struct {
	Name string
	do   func(*Policy)
}

// spoil changes a copy: lists are made anew.
func (s Spoil) spoil(p Policy) Policy { s.do(&p); return p }

// Spoiled gives p with this fault.
func (s Spoil) Spoiled(p Policy) Policy { return s.spoil(p) }

// Spoils are the ways in which a policy is impossible, at least one for each clause of s.4, kind 2.
var Spoils = []Spoil{
	{"strategy 4", func(p *Policy) { p.Strategy = 4 }},
	{"strategy 0", func(p *Policy) { p.Strategy = 0 }},
	{"a part", func(p *Policy) { p.PayableParts |= 16 }},
	{"a place", func(p *Policy) { p.PayablePlaces |= 4 }},
	{"relation 3", func(p *Policy) { p.AllowedRelations |= 1 << 3 }},
	{"no relation", func(p *Policy) { p.AllowedRelations = 0 }},
	{"months", func(p *Policy) { p.MinBindMonths = 121 }},
	{"authorizers", func(p *Policy) { p.MaxAuthorizers = 33 }},
	{"families", func(p *Policy) { p.MaxFamilies = 33 }},
	{"allocated without families", func(p *Policy) { p.Strategy, p.MaxFamilies = allocated, 0 }},
	{"allocated with two families", func(p *Policy) { p.Strategy, p.MaxFamilies = allocated, 2 }},
	{"allocation amount without allocation", func(p *Policy) { p.Strategy, p.AllocMax = 1, 1 }},
	{"allocation times without allocation", func(p *Policy) { p.Strategy, p.AllocTimes = 2, 1 }},
	{"allocation amount below 0", func(p *Policy) { p.Strategy, p.MaxFamilies, p.AllocMax = allocated, 1, -1 }},
	{"allocation amount too large", func(p *Policy) { p.Strategy, p.MaxFamilies, p.AllocMax = allocated, 1, AmountMax+1 }},
	{"day close", func(p *Policy) { p.DayCloseMinutes = 7*24*60 + 1 }},
	{"channel 0", func(p *Policy) { p.Channels, p.Logins[0] = with(p.Channels, 0), with(p.Logins[0], 0) }},
	{"counter that is none", func(p *Policy) { p.Counters = with(p.Counters, 17) }},
	{"e-voucher for no channel", func(p *Policy) { p.Evouchers = with(p.Evouchers, 17) }},
	{"login for no channel", func(p *Policy) { p.Logins[3] = with(p.Logins[3], 17) }},
	{"channel without login", func(p *Policy) { p.Channels = with(p.Channels, 17) }},
	{"review without counter", func(p *Policy) { p.OfflineReview, p.Counters = true, nil }},
	{"consent without days", func(p *Policy) { p.ConsentRequired, p.ConsentDays = true, 0 }},
	{"consent days without consent", func(p *Policy) { p.ConsentRequired, p.FaceFromAge, p.ConsentDays = false, 0, 1 }},
	{"consent days", func(p *Policy) { p.ConsentRequired, p.ConsentDays = true, 366 }},
	{"face without consent", func(p *Policy) { p.ConsentRequired, p.ConsentDays, p.FaceFromAge = false, 0, 16 }},
	{"face age", func(p *Policy) { p.ConsentRequired, p.ConsentDays, p.FaceFromAge = true, 7, 121 }},
	{"tries without lock", func(p *Policy) { p.PasswordTries, p.LockMinutes = 5, 0 }},
	{"lock without tries", func(p *Policy) { p.PasswordTries, p.LockMinutes = 0, 5 }},
	{"tries", func(p *Policy) { p.PasswordTries, p.LockMinutes = 21, 5 }},
	{"lock", func(p *Policy) { p.PasswordTries, p.LockMinutes = 5, 7*24*60+1 }},
	{"no letter each time", func(p *Policy) { p.Commitment, p.CommitmentEachTime = Key{}, true }},
	{"premium type", func(p *Policy) { p.PremiumTypes = 4 }},
	{"season without premiums", func(p *Policy) { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 0, 901, 1231 }},
	{"season without end", func(p *Policy) { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 901, 0 }},
	{"season without begin", func(p *Policy) { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 0, 901 }},
	{"31 April", func(p *Policy) { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 431, 901 }},
	{"30 February", func(p *Policy) { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 901, 230 }},
	{"month 13", func(p *Policy) { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 901, 1301 }},
	{"day 0", func(p *Policy) { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 900, 1231 }},
	{"categories", func(p *Policy) { p.Categories = 8 }},
	{"territory", func(p *Policy) { p.Territory = 3 }},
	{"cross-province alone", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 2, 42, nil }},
	{"agreed within the province", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 0, 42, []uint8{43} }},
	{"agreed without home", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 2, 0, []uint8{43} }},
	{"agreed with itself", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 2, 42, []uint8{42, 43} }},
	{"agreed 10", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 2, 42, []uint8{10} }},
	{"agreed 83", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 2, 42, []uint8{43, 83} }},
	{"province 10", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 0, 10, nil }},
	{"registration days", func(p *Policy) { p.visits(); p.RegistrationDays = 367 }},
	{"registration kept", func(p *Policy) { p.visits(); p.RegistrationKeep = 3661 }},
	{"stay kept", func(p *Policy) { p.visits(); p.StayKeep = 3661 }},
	{"open visits", func(p *Policy) { p.visits(); p.OpenVisits = 257 }},
	{"lines of a visit", func(p *Policy) { p.visits(); p.VisitLines = 100_001 }},
	{"rows of visits", func(p *Policy) { p.visits(); p.VisitRows = 1 << 27 }},
	{"no registration days", func(p *Policy) { p.visits(); p.RegistrationDays = 0 }},
	{"registration not kept", func(p *Policy) { p.visits(); p.RegistrationKeep = 0 }},
	{"stay not kept", func(p *Policy) { p.visits(); p.StayKeep = 0 }},
	{"no open visits", func(p *Policy) { p.visits(); p.OpenVisits = 0 }},
	{"no lines of a visit", func(p *Policy) { p.visits(); p.VisitLines = 0 }},
	{"no rows of visits", func(p *Policy) { p.visits(); p.VisitRows = 0 }},
	{"province 83", func(p *Policy) { p.Territory, p.Province, p.AgreedProvinces = 0, 83, nil }},
}

// visits turns visits on.
func (p *Policy) visits() {
	p.RegistrationDays, p.RegistrationKeep, p.StayKeep, p.OpenVisits, p.VisitLines, p.VisitRows = 2, 4, 8, 3, 40, 1<<27-1
}

func with(list []uint8, more uint8) []uint8 { return append(append([]uint8(nil), list...), more) }
