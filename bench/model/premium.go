package model

import "fmt"

// Numbers of s.4.
const (
	KindPremium       = 28
	KindPremiumRefund = 29

	premiumTries = 8
)

// Premium is kind 28.
type Premium struct {
	Message
	Payer   Key // psn key
	Insured Key // psn key
	Type    uint8
	Year    uint32
	Amount  int64
}

// PremiumRefund is kind 29.
type PremiumRefund struct {
	Message
	Payer   Key
	Premium uint64 // position
}

// Kind is 28.
func (Premium) Kind() int { return KindPremium }

// Kind is 29.
func (PremiumRefund) Kind() int { return KindPremiumRefund }

// premiumState is an accepted premium.
type premiumState struct {
	position uint64
	payer    *PersonState
	insured  *PersonState
	sort     uint8
	year     uint32
	amount   int64
	refunded bool
	areas    areas
}

func premiumMark(p *premiumState, n int) Key {
	return K("premium", be32(p.insured.Number), string([]byte{p.sort}), be32(p.year), be32(uint32(n)))
}

func refundMark(premium uint64) Key { return K("refund", be64(premium)) }

func (m *Model) premium(now moment, c Premium) Result {
	if c.Amount < 1 || c.Amount > AmountMax {
		return Result{Outcome: AmountRange}
	}
	payer, insured := m.byPsn[c.Payer], m.byPsn[c.Insured]
	if payer == nil {
		return Result{Outcome: UnknownPerson}
	}
	if insured == nil {
		return Result{Outcome: UnknownUser}
	}
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	if now.policy.PremiumTypes&c.Type == 0 { // types 1 and 2 are their own bits
		return Result{Outcome: PremiumNotAllowed}
	}
	if !season(now.policy, now.today) {
		return Result{Outcome: PremiumSeason}
	}
	bound := false
	for _, b := range m.bindings {
		bound = bound || b.State == Active && b.Authorizer == payer.Number && b.Beneficiary == insured.Number
	}
	if !bound {
		return Result{Outcome: NotBound}
	}
	if !payer.mayLend(now.today) {
		return Result{Outcome: AuthorizerNotEligible}
	}
	if how := insured.inAny(now.today); how == dead || how == moved {
		return Result{Outcome: StatusForbids}
	}
	earlier := 0
	for _, p := range m.premiums {
		if p.insured != insured || p.sort != c.Type || p.year != c.Year {
			continue
		}
		if !p.refunded {
			return Result{Outcome: PremiumPaid}
		}
		earlier++
	}
	if earlier >= premiumTries {
		return Result{Outcome: PremiumLimit}
	}
	if m.balances[payer.account()] < c.Amount {
		return Result{Outcome: ShortOfFunds}
	}
	p := &premiumState{position: now.position(), payer: payer, insured: insured, sort: c.Type, year: c.Year, amount: c.Amount}
	m.premiums = append(m.premiums, p)
	m.ids[premiumMark(p, earlier)] = IDEntry{Position: p.position, Tag: TagMark}
	legs := []Leg{m.post(now, payer.account(), -c.Amount)}
	m.markAreas(now, insured, legs)
	p.areas = areasOf(insured, legs)
	m.balances[AccountID(AccountPremium, uint64(c.Type))] += c.Amount
	return Result{Outcome: Accepted, Legs: legs, Area: insured.Area}
}

// season says whether today is in the policy's season, by walking it day for day in a leap year.
func season(p *Policy, today int32) bool {
	if p.PremiumFrom == 0 {
		return true
	}
	_, month, dayOfMonth := civil(today)
	for m, d := p.PremiumFrom/100, p.PremiumFrom%100; ; {
		if m == uint32(month) && d == uint32(dayOfMonth) {
			return true
		}
		if m*100+d == p.PremiumUntil {
			return false
		}
		if d++; !leapYearHas(m, d) {
			m, d = m%12+1, 1
		}
	}
}

func (m *Model) premiumRefund(now moment, c PremiumRefund) Result {
	for _, p := range m.premiums {
		if p.position != c.Premium {
			continue
		}
		if p.payer.Psn != c.Payer {
			return Result{Outcome: WrongPerson}
		}
		if p.refunded {
			return Result{Outcome: PremiumRefunded}
		}
		p.refunded = true
		m.ids[refundMark(p.position)] = IDEntry{Position: now.position(), Tag: TagMark}
		legs := []Leg{m.post(now, p.payer.account(), p.amount)}
		m.returnAreas(now, p.areas, legs)
		m.balances[AccountID(AccountPremium, uint64(p.sort))] -= p.amount
		return Result{Outcome: Accepted, Original: p.position, Legs: legs, Area: p.areas.patient}
	}
	return Result{Outcome: UnknownPremium}
}

// checkPremiums: premium payable holds exactly the premiums that stand, and of each insured, type and year at most one stands (R25).
func (m *Model) checkPremiums() error {
	type key struct {
		insured uint32
		sort    uint8
		year    uint32
	}
	owed, stands := map[uint8]int64{}, map[key]bool{}
	for _, p := range m.premiums {
		if p.refunded {
			continue
		}
		k := key{p.insured.Number, p.sort, p.year}
		if stands[k] {
			return fmt.Errorf("person %d: two premiums of type %d stand for %d", k.insured, k.sort, k.year)
		}
		stands[k] = true
		owed[p.sort] += p.amount
	}
	for sort := uint8(1); sort <= 2; sort++ {
		if m.balances[AccountID(AccountPremium, uint64(sort))] != owed[sort] {
			return fmt.Errorf("premium payable %d is not the %d fen that stand", sort, owed[sort])
		}
	}
	return nil
}
