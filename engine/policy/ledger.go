package policy

import (
	"slices"
	"strconv"

	"gongji/engine/ledger"
)

// Ledger is what of the profile can change an outcome, ready for a policy command, effective at once: who wants another time sets
// EffectiveFrom.
func (p *Profile) Ledger() ledger.Policy {
	out := ledger.Policy{
		Hash: p.Hash(), Version: uint32(p.Version),
		Strategy: ledger.Strategy(slices.Index(strategyNames, p.SourceStrategy) + 1),
		Parts:    bits(partNames, p.PayableParts), Places: bits(placeNames, p.PayablePlaces),
		AllocMax: orZero(p.AllocMaxAmount), AllocTimes: uint32(orZero(p.AllocMaxTimes)),
		DayCloseMinutes: uint16(p.DayCloseMinutesAfter), MinBindMonths: uint8(p.MinBindMonths),
		MaxAuthorizers: uint16(orZero(p.MaxAuthorizersPerUser)), MaxFamilies: uint8(orZero(p.MaxFamiliesPerPerson)),
		ConsentDays: uint16(orZero(p.ConsentExpiryDays)), FaceFromAge: p.faceFromAge(),
		PasswordTries: uint8(orZero(p.PasswordTries)), LockMinutes: uint16(orZero(p.PasswordLockMinutes)),
		PremiumTypes: bits(premiumNames, p.PremiumTypes), PremiumFrom: monthAndDay(p.PremiumSeasonFrom), PremiumUntil: monthAndDay(p.PremiumSeasonUntil),
		RegistrationDays: uint16(orZero(p.RegistrationOpenDays)), RegistrationKeep: uint16(orZero(p.RegistrationKeepDays)), StayKeep: uint16(orZero(p.StayKeepDays)),
		OpenVisits: uint16(orZero(p.MaxOpenVisits)), VisitLines: uint32(orZero(p.MaxLinesPerVisit)), VisitRows: uint32(orZero(p.MaxVisitRows)),
		Categories: bits(categoryNames, p.AccountBearingCategories),
		Territory:  ledger.Territory(slices.Index(territoryNames, p.Territory)), Province: provinceCode(p.Province),

		SelfFirst: bit(p.SelfFirst), RequireNormalUser: bit(p.UserStatusRequired == "normal"), UserMayUnbind: bit(p.UserMayUnbind),
		FlagOneOwnOnly: bit(p.Flag1OwnOnly), CancelReversible: bit(slices.Contains(p.Reversible, "cancel")), ConsentRequired: bit(p.UserConsentRequired),
		CommitmentEachTime: bit(p.CommitmentEachTime), DataConsentRequired: bit(p.DataConsentRequired), OfflineReview: bit(p.OfflineReview),
		PausedMoneyUsable: bit(p.CreatorPausedMoneyUsable),
	}
	copy(out.Name[:], p.Name)
	for _, r := range p.AllowedRelations {
		out.Relations |= 1 << relationCodes[slices.Index(relationNames, r)]
	}
	for _, n := range p.AgreedProvinces {
		code := provinceCode(n)
		out.Provinces[code/64] |= 1 << (code % 64)
	}
	out.Commitment, out.Questions = CommitmentKey(p.CommitmentTemplate, p.CommitmentVersion), QuestionsKey(p.QAVersion)
	p.channels(&out)
	return out
}

func (p *Profile) channels(out *ledger.Policy) {
	for i := range p.Channels {
		c := &p.Channels[i]
		mask := uint32(1) << channelCode(c.Name)
		out.Channels |= mask
		if c.Kind == "counter" {
			out.Counters |= mask
		}
		if c.RequireEvoucherActive {
			out.Evouchers |= mask
		}
		for _, l := range c.Login {
			out.Logins[slices.Index(LoginNames[:], l)] |= mask
		}
	}
}

// CommitmentKey is how the ledger knows a commitment letter; zero for none.
func CommitmentKey(template, version string) ledger.Key {
	if template == NoText {
		return ledger.Key{}
	}
	return ledger.K([]byte("commitment"), []byte(template), []byte(version))
}

// QuestionsKey is how the ledger knows a version of the questions and answers; zero for none.
func QuestionsKey(version string) ledger.Key {
	if version == NoText {
		return ledger.Key{}
	}
	return ledger.K([]byte("questions"), []byte(version))
}

// faceFromAge is the youngest age in whole years that needs the face step (L4: the boundary belongs to either side).
func (p *Profile) faceFromAge() uint8 {
	if p.FaceRequiredFromAge == None {
		return 0
	}
	return uint8(p.FaceRequiredFromAge) + 1 - bit(p.FaceAgeInclusive)
}

func orZero(n int64) int64 { return max(n, 0) } // None is below

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func bits(names, set []string) (out uint8) {
	for _, v := range set {
		out |= 1 << slices.Index(names, v)
	}
	return out
}

func provinceCode(text string) uint8 {
	n, _ := strconv.ParseUint(text, 10, 7) // two digits by its pattern
	return uint8(n)
}

func monthAndDay(text string) uint16 {
	if text == NoText {
		return 0
	}
	n, _ := strconv.ParseUint(text[:2]+text[3:], 10, 16) // MM-DD by its pattern
	return uint16(n)
}
