package command

import "gongji/engine/ledger"

// policy is the layout of command 2; the profile's whole text follows it. Policy.At is not in it: the ledger knows where the command stands.
func policy(c *codec, p *ledger.Policy) {
	policyName(c, &p.Name)
	number(c, &p.Version, 1<<32-1)
	c.fixed(p.Hash[:])
	c.fen(&p.EffectiveFrom)
	c.fen(&p.AllocMax)
	for i := range p.Provinces {
		c.uint(&p.Provinces[i], 1<<64-1)
	}
	c.key(&p.Commitment)
	c.key(&p.Questions)
	for i := range p.Logins {
		number(c, &p.Logins[i], 1<<32-1)
	}
	for _, v := range [...]*uint32{&p.Channels, &p.Counters, &p.Evouchers, &p.AllocTimes, &p.VisitLines, &p.VisitRows} {
		number(c, v, 1<<32-1)
	}
	for _, v := range [...]*uint16{&p.Relations, &p.MaxAuthorizers, &p.ConsentDays, &p.LockMinutes, &p.DayCloseMinutes, &p.PremiumFrom, &p.PremiumUntil,
		&p.RegistrationDays, &p.RegistrationKeep, &p.StayKeep, &p.OpenVisits} {
		number(c, v, 1<<16-1)
	}
	for _, v := range [...]*uint8{(*uint8)(&p.Strategy), &p.Parts, &p.Places, &p.MinBindMonths, &p.MaxFamilies, &p.FaceFromAge, &p.PasswordTries,
		&p.PremiumTypes, &p.Categories, (*uint8)(&p.Territory), &p.Province} {
		c.u8(v)
	}
	for _, v := range [...]*uint8{&p.SelfFirst, &p.RequireNormalUser, &p.UserMayUnbind, &p.FlagOneOwnOnly, &p.CancelReversible, &p.ConsentRequired,
		&p.CommitmentEachTime, &p.DataConsentRequired, &p.OfflineReview, &p.PausedMoneyUsable} {
		c.u8(v)
		c.bad = c.bad || *v > 1
	}
}

// policyName is text of small letters, digits and "-", so that the zero-padded row and the log have one spelling each.
func policyName(c *codec, name *[ledger.NameMax]byte) {
	n := 0
	for n < len(name) && name[n] != 0 {
		n++
	}
	text := name[:n]
	c.text(&text, ledger.NameMax)
	if !c.writing {
		*name = [ledger.NameMax]byte{}
		copy(name[:], text)
	} else {
		for _, b := range name[n:] {
			c.bad = c.bad || b != 0
		}
	}
	for _, b := range text {
		c.bad = c.bad || b-'a' > 25 && b-'0' > 9 && b != '-'
	}
}
