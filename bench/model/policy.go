package model

import "slices"

// Policy is kind 2. Channels are codes; a list names each once.
type Policy struct {
	Name              string
	Version           uint32
	Hash              [32]byte
	EffectiveFromMS   int64
	Strategy          uint8 // 1 random, 2 ordered, 3 allocated
	SelfFirst         bool
	PayableParts      uint8  // 1 inscp, 2 preselfpay, 4 overlmt, 8 fulamt
	PayablePlaces     uint8  // 1 institution, 2 pharmacy
	AllowedRelations  uint32 // bit r = relation code r
	MinBindMonths     uint32
	RequireNormalUser bool
	UserMayUnbind     bool
	Flag1OwnOnly      bool
	MaxAuthorizers    uint32 // 0: none given, 32 applies
	MaxFamilies       uint32
	CancelReversible  bool
	DayCloseMinutes   uint32

	Channels      []uint8
	Counters      []uint8
	Evouchers     []uint8 // where the authorizer's e-voucher must be active
	Logins        [4][]uint8
	OfflineReview bool

	ConsentRequired     bool
	ConsentDays         uint32
	FaceFromAge         uint32
	PasswordTries       uint32
	LockMinutes         uint32
	Commitment          Key
	CommitmentEachTime  bool
	Questions           Key
	DataConsentRequired bool

	PremiumTypes    uint8
	PremiumFrom     uint32 // month x 100 + day
	PremiumUntil    uint32
	AllocMax        int64
	AllocTimes      uint32
	PausedUsable    bool
	Categories      uint8
	Territory       uint8 // 0 province, 1 pooling area, 2 cross-province
	Province        uint8
	AgreedProvinces []uint8

	RegistrationDays uint32 // 0: no visits
	RegistrationKeep uint32
	StayKeep         uint32
	OpenVisits       uint32
	VisitLines       uint32
	VisitRows        uint32

	At     uint64 // position, filled in by the model
	Number uint32 // filled in by the model
}

const relationsKnown = 1<<1 | 1<<2 | 1<<4 | 1<<5 | 1<<6 | 1<<7

const allocated = 3

func (m *Model) policy(now moment, c Policy) Result {
	if impossible(&c) {
		return Result{Outcome: PolicyImpossible}
	}
	for _, earlier := range m.policies {
		if earlier.Name == c.Name && c.Version <= earlier.Version {
			return Result{Outcome: PolicyVersion}
		}
	}
	if c.EffectiveFromMS == 0 {
		c.EffectiveFromMS = now.timeMS // 0: at the batch time
	}
	if c.EffectiveFromMS < now.timeMS {
		return Result{Outcome: PolicyInPast}
	}
	if c.Strategy != allocated && m.familyMoney() {
		return Result{Outcome: FamilyMoney}
	}
	if len(m.policies) >= 65_536 {
		return Result{Outcome: LedgerFull}
	}
	c.At, c.Number = now.position(), uint32(len(m.policies))
	m.policies = append(m.policies, c)
	return Result{Outcome: Accepted, Number: c.Number}
}

// impossible is the list of s.4, kind 2, in its order.
func impossible(c *Policy) bool {
	if outsideTable(c) || c.AllowedRelations == 0 {
		return true
	}
	if c.Strategy == allocated && c.MaxFamilies != 1 {
		return true
	}
	if c.Strategy != allocated && c.AllocMax+int64(c.AllocTimes) != 0 {
		return true
	}
	if channelsImpossible(c) {
		return true
	}
	if c.ConsentRequired == (c.ConsentDays == 0) || !c.ConsentRequired && c.FaceFromAge > 0 {
		return true
	}
	if (c.PasswordTries == 0) != (c.LockMinutes == 0) {
		return true
	}
	if c.CommitmentEachTime && c.Commitment == (Key{}) {
		return true
	}
	season := c.PremiumFrom > 0 || c.PremiumUntil > 0
	if season && (c.PremiumTypes == 0 || c.PremiumFrom == 0 || c.PremiumUntil == 0) {
		return true
	}
	if visitsImpossible(c) {
		return true
	}
	if (c.Territory == 2) != (len(c.AgreedProvinces) > 0) {
		return true
	}
	return len(c.AgreedProvinces) > 0 && (c.Province == 0 || slices.Contains(c.AgreedProvinces, c.Province))
}

// outsideTable compares each knob with the table's second column.
func outsideTable(c *Policy) bool {
	if c.Strategy == 0 || c.Strategy > 3 || c.Territory > 2 {
		return true
	}
	if c.PayableParts > 15 || c.PayablePlaces > 3 || c.PremiumTypes > 3 || c.Categories > 7 {
		return true
	}
	if c.AllowedRelations&^relationsKnown != 0 || c.MaxAuthorizers > 32 || c.MaxFamilies > 32 {
		return true
	}
	if c.MinBindMonths > 120 || c.DayCloseMinutes > 7*24*60 || c.ConsentDays > 365 || c.FaceFromAge > 120 {
		return true
	}
	if c.PasswordTries > 20 || c.LockMinutes > 7*24*60 {
		return true
	}
	if c.AllocMax < 0 || c.AllocMax > AmountMax {
		return true
	}
	for _, day := range []uint32{c.PremiumFrom, c.PremiumUntil} {
		if day != 0 && !leapYearHas(day/100, day%100) {
			return true
		}
	}
	provinces := c.AgreedProvinces
	if c.Province != 0 {
		provinces = append([]uint8{c.Province}, provinces...)
	}
	return slices.ContainsFunc(provinces, func(p uint8) bool { return p < 11 || p > 82 })
}

func visitsImpossible(c *Policy) bool {
	knobs := []uint32{c.RegistrationDays, c.RegistrationKeep, c.StayKeep, c.OpenVisits, c.VisitLines, c.VisitRows}
	none := 0
	for i, most := range []uint32{366, 3660, 3660, 256, 100_000, 1<<27 - 1} {
		if knobs[i] > most {
			return true
		}
		if knobs[i] == 0 {
			none++
		}
	}
	return none != 0 && none != len(knobs)
}

func leapYearHas(month, day uint32) bool {
	switch {
	case month < 1 || month > 12 || day < 1:
		return false
	case month == 2:
		return day <= 29
	case month == 4 || month == 6 || month == 9 || month == 11:
		return day <= 30
	}
	return day <= 31
}

func channelsImpossible(c *Policy) bool {
	isChannel := func(code uint8) bool { return slices.Contains(c.Channels, code) }
	for _, code := range c.Channels {
		if code < 1 || code > 31 {
			return true
		}
		ways := 0
		for _, way := range c.Logins {
			if slices.Contains(way, code) {
				ways++
			}
		}
		if ways == 0 {
			return true
		}
	}
	for _, list := range append([][]uint8{c.Counters, c.Evouchers}, c.Logins[:]...) {
		for _, code := range list {
			if !isChannel(code) {
				return true
			}
		}
	}
	return c.OfflineReview && len(c.Counters) == 0
}

// policyAt is "in force" of kind 2: nil if none.
func (m *Model) policyAt(timeMS int64) *Policy {
	var best *Policy
	for i := range m.policies {
		p := m.policies[i]
		if p.EffectiveFromMS > timeMS {
			continue
		}
		if best == nil || p.EffectiveFromMS > best.EffectiveFromMS || p.EffectiveFromMS == best.EffectiveFromMS && p.Number > best.Number {
			best = &p
		}
	}
	return best
}
