package model

import "slices"

// createdBy gives the open family a person created, or nil.
func (m *Model) createdBy(p *PersonState) *FamilyState {
	for _, f := range m.families {
		if f.Creator == p.Number && !f.Closed {
			return f
		}
	}
	return nil
}

// familyOf gives the family of a family account, or nil.
func (m *Model) familyOf(account uint64) *FamilyState {
	if account>>56 != AccountFamily {
		return nil
	}
	return m.families[account&(1<<56-1)]
}

// invitedTo tells whether a person has a pending membership of a family like this.
func (m *Model) invitedTo(p *PersonState, like func(family uint32) bool) bool {
	return slices.ContainsFunc(m.bindings, func(b *BindingState) bool {
		return b.pending() && b.Allocated && b.Beneficiary == p.Number && like(b.Family)
	})
}

func (m *Model) familyMoney() bool {
	return slices.ContainsFunc(m.families, func(f *FamilyState) bool { return m.balances[f.account()] != 0 })
}

func (m *Model) familyOpen(now moment, c FamilyOpen) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	p := m.byPsn[c.Creator]
	if p == nil {
		return Result{Outcome: UnknownPerson}
	}
	if !slices.Contains(now.policy.Channels, c.Channel) {
		return Result{Outcome: ChannelNotAllowed}
	}
	if now.policy.Strategy != allocated {
		return Result{Outcome: NotAllowed}
	}
	if !p.HasAccount {
		return Result{Outcome: NoAccount}
	}
	if !p.mayAuthorize(now.today) {
		return Result{Outcome: AuthorizerNotEligible}
	}
	if p.InFamily || m.invitedTo(p, func(uint32) bool { return true }) {
		return Result{Outcome: InOtherFamily}
	}
	f := &FamilyState{Number: uint32(len(m.families)), Creator: p.Number}
	m.families = append(m.families, f)
	m.balances[f.account()] = 0
	p.InFamily, p.Family = true, f.Number // the creator is inside his family (Q16)
	return Result{Outcome: Accepted, Number: f.Number}
}

func (m *Model) allocation(now moment, c Allocation) Result {
	if c.Amount < 1 || c.Amount > AmountMax {
		return Result{Outcome: AmountRange}
	}
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	p := m.byPsn[c.Creator]
	if p == nil {
		return Result{Outcome: UnknownPerson}
	}
	if !slices.Contains(now.policy.Channels, c.Channel) {
		return Result{Outcome: ChannelNotAllowed}
	}
	if now.policy.Strategy != allocated {
		return Result{Outcome: NotAllowed}
	}
	family := m.createdBy(p)
	if family == nil {
		return Result{Outcome: UnknownFamily}
	}
	if p.Frozen {
		return Result{Outcome: AccountFrozen}
	}
	if !p.mayAuthorize(now.today) {
		return Result{Outcome: StatusForbids}
	}
	if now.policy.AllocMax > 0 && c.Amount > now.policy.AllocMax {
		return Result{Outcome: AllocationAmount}
	}
	year, _, _ := civil(now.today)
	had := family.Count
	if family.Year != year {
		had = 0
	}
	if now.policy.AllocTimes > 0 && had >= now.policy.AllocTimes {
		return Result{Outcome: AllocationTimes}
	}
	if m.balances[p.account()] < c.Amount {
		return Result{Outcome: ShortOfFunds}
	}
	if family.Year != year {
		family.Year, family.Count, family.Sum = year, 0, 0
	}
	family.Count++
	family.Sum += c.Amount
	out := m.post(now, p.account(), -c.Amount)
	in := m.post(now, family.account(), c.Amount)
	return Result{Outcome: Accepted, Number: family.Number, Legs: []Leg{out, in}}
}

func (m *Model) familyDissolution(now moment, c FamilyDissolution) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	p := m.byPsn[c.Creator]
	if p == nil {
		return Result{Outcome: UnknownPerson}
	}
	if !slices.Contains(now.policy.Channels, c.Channel) {
		return Result{Outcome: ChannelNotAllowed}
	}
	family := m.createdBy(p)
	if family == nil || family.Number != c.Family {
		return Result{Outcome: UnknownFamily}
	}
	if family.Frozen {
		return Result{Outcome: AccountFrozen}
	}
	for _, b := range m.memberships(family) {
		if b.State == Active && now.today < unbindable(now, b) {
			return Result{Outcome: Locked}
		}
	}
	return Result{Outcome: Accepted, Number: family.Number, Legs: m.dissolve(now, family)}
}

// memberships are the living ones.
func (m *Model) memberships(family *FamilyState) (living []*BindingState) {
	for _, b := range m.bindings {
		if b.living() && b.Allocated && b.Family == family.Number {
			living = append(living, b)
		}
	}
	return living
}

// afterLeaving dissolves the family of a membership that has just ended if it was the last.
func (m *Model) afterLeaving(now moment, b *BindingState) []Leg {
	if !b.Allocated {
		return nil
	}
	family := m.families[b.Family]
	if family.Closed || family.Frozen || len(m.memberships(family)) > 0 {
		return nil
	}
	return m.dissolve(now, family)
}

// dissolve is s.11.2.
func (m *Model) dissolve(now moment, family *FamilyState) []Leg {
	for _, b := range m.memberships(family) {
		m.end(now, b)
	}
	family.Closed = true
	creator := m.persons[family.Creator]
	creator.InFamily, creator.Family = false, 0
	rest := m.balances[family.account()]
	if rest == 0 {
		return nil
	}
	return []Leg{m.post(now, family.account(), -rest), m.post(now, creator.account(), rest)}
}

// familyPays is the family account's half of s.11.4.
func (m *Model) familyPays(now moment, patient *PersonState) bool {
	if !patient.InFamily {
		return false
	}
	family := m.families[patient.Family]
	creator := m.persons[family.Creator]
	if family.Frozen {
		return false
	}
	if creator == patient {
		return true
	}
	if !near(now.policy, creator, patient) {
		return false
	}
	for _, b := range m.memberships(family) {
		if b.State == Active && b.Beneficiary == patient.Number && !relationAllowed(now.policy, b.Relation) {
			return false
		}
	}
	return now.policy.PausedUsable || creator.mayAuthorize(now.today)
}
