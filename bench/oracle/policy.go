package oracle

import (
	"fmt"

	"gongji/bench/model"
	"gongji/engine/ledger"
)

// ComparePolicies reports the first difference between the accepted policies of model and ledger.
func ComparePolicies(m *model.Model, s *ledger.State) error {
	want := m.Policies()
	if int(s.Policies.Len()) != len(want) {
		return fmt.Errorf("%d policies, model has %d", s.Policies.Len(), len(want))
	}
	for i, p := range want {
		row := Policy(p)
		row.At = ledger.Position(p.At)
		if got := *s.Policies.At(uint32(i)); got != row || int(p.Number) != i {
			return fmt.Errorf("policy %d is %+v, model says %+v", i, got, row)
		}
	}
	return nil
}

func mask(channels []uint8) (bits uint32) {
	for _, c := range channels {
		bits |= 1 << c
	}
	return bits
}

// Policy is the ledger's row of a policy of the model, without its position. A number too large for its field becomes the largest there is.
func Policy(c model.Policy) ledger.Policy {
	p := ledger.Policy{
		EffectiveFrom: c.EffectiveFromMS, Version: c.Version, Hash: c.Hash,
		Strategy: ledger.Strategy(c.Strategy), Parts: c.PayableParts, Places: c.PayablePlaces, Categories: c.Categories,
		Relations: u16(c.AllowedRelations), MaxAuthorizers: u16(c.MaxAuthorizers), MaxFamilies: u8(c.MaxFamilies), MinBindMonths: u8(c.MinBindMonths),
		DayCloseMinutes: u16(c.DayCloseMinutes), ConsentDays: u16(c.ConsentDays), FaceFromAge: u8(c.FaceFromAge),
		PasswordTries: u8(c.PasswordTries), LockMinutes: u16(c.LockMinutes), Commitment: ledger.Key(c.Commitment), Questions: ledger.Key(c.Questions),
		PremiumTypes: c.PremiumTypes, PremiumFrom: u16(c.PremiumFrom), PremiumUntil: u16(c.PremiumUntil), AllocMax: c.AllocMax, AllocTimes: c.AllocTimes,
		RegistrationDays: u16(c.RegistrationDays), RegistrationKeep: u16(c.RegistrationKeep), StayKeep: u16(c.StayKeep), OpenVisits: u16(c.OpenVisits),
		VisitLines: c.VisitLines, VisitRows: c.VisitRows,
		Territory: ledger.Territory(c.Territory), Province: c.Province,
		Channels: mask(c.Channels), Counters: mask(c.Counters), Evouchers: mask(c.Evouchers),
		SelfFirst: bit(c.SelfFirst), RequireNormalUser: bit(c.RequireNormalUser), UserMayUnbind: bit(c.UserMayUnbind), FlagOneOwnOnly: bit(c.Flag1OwnOnly),
		CancelReversible: bit(c.CancelReversible), ConsentRequired: bit(c.ConsentRequired), CommitmentEachTime: bit(c.CommitmentEachTime),
		DataConsentRequired: bit(c.DataConsentRequired), OfflineReview: bit(c.OfflineReview), PausedMoneyUsable: bit(c.PausedUsable),
	}
	copy(p.Name[:], c.Name)
	for i, channels := range c.Logins {
		p.Logins[i] = mask(channels)
	}
	for _, n := range c.AgreedProvinces {
		p.Provinces[n/64%2] |= 1 << (n % 64)
	}
	return p
}

func u16(n uint32) uint16 { return uint16(min(n, 1<<16-1)) }

func u8(n uint32) uint8 { return uint8(min(n, 1<<8-1)) }
