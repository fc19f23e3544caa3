package model

import "slices"

func (m *Model) binding(now moment, c Binding) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	authorizer := m.byPsn[c.Authorizer]
	if authorizer == nil {
		return Result{Outcome: UnknownPerson}
	}
	user := m.byPseudonym[c.UserPseudonym]
	if user == nil {
		return Result{Outcome: UnknownUser}
	}
	if user == authorizer {
		return Result{Outcome: SelfBinding}
	}
	if !relationAllowed(now.policy, c.Relation) {
		return Result{Outcome: RelationNotAllowed}
	}
	if !authorizer.mayAuthorize(now.today) {
		return Result{Outcome: AuthorizerNotEligible}
	}
	if slices.Contains(now.policy.Evouchers, c.Channel) && !authorizer.Evoucher {
		return Result{Outcome: EvoucherNotActive}
	}
	if !user.insured(now.today, now.policy) {
		return Result{Outcome: UserNotNormal}
	}
	if !near(now.policy, authorizer, user) {
		return Result{Outcome: OutsideTerritory}
	}
	if now.policy.Strategy == 3 {
		return m.bindAllocated(now, c, authorizer, user)
	}
	return m.bindOrdinary(now, c, authorizer, user)
}

func relationAllowed(p *Policy, relation uint8) bool {
	return relation < 32 && p.AllowedRelations&(1<<relation) != 0
}

func (m *Model) bindAllocated(now moment, c Binding, authorizer, user *PersonState) Result {
	family := m.createdBy(authorizer)
	if family == nil {
		return Result{Outcome: UnknownFamily}
	}
	if user.InFamily && user.Family == family.Number {
		return Result{Outcome: DuplicateBinding}
	}
	if user.InFamily {
		return Result{Outcome: InOtherFamily}
	}
	// Under every strategy: the pair once, and 32 active bindings of a user at most.
	if o := m.pairAndLimit(authorizer, user, authorizersLimit); o != Accepted {
		return Result{Outcome: o}
	}
	b := m.addBinding(now, c, authorizer, user)
	b.Allocated, b.Family = true, family.Number
	user.InFamily, user.Family = true, family.Number
	return Result{Outcome: Accepted, Number: b.Number}
}

func (m *Model) bindOrdinary(now moment, c Binding, authorizer, user *PersonState) Result {
	limit := now.policy.MaxAuthorizers
	if limit == 0 {
		limit = authorizersLimit
	}
	if o := m.pairAndLimit(authorizer, user, limit); o != Accepted {
		return Result{Outcome: o}
	}
	b := m.addBinding(now, c, authorizer, user)
	return Result{Outcome: Accepted, Number: b.Number}
}

// pairAndLimit looks at the user's active bindings of both kinds (Q17).
func (m *Model) pairAndLimit(authorizer, user *PersonState, limit uint32) int {
	active := uint32(0)
	for _, b := range m.bindings {
		if !b.Active || b.Beneficiary != user.Number {
			continue
		}
		active++
		if b.Authorizer == authorizer.Number {
			return DuplicateBinding
		}
	}
	if active >= limit {
		return TooManyAuthorizers
	}
	return Accepted
}

func (m *Model) addBinding(now moment, c Binding, authorizer, user *PersonState) *BindingState {
	b := &BindingState{
		Number: uint32(len(m.bindings)), Authorizer: authorizer.Number, Beneficiary: user.Number,
		Order: c.Order, SinceMS: now.timeMS, Active: true,
	}
	if b.Order == 0 {
		b.Order = orderMissing
	}
	m.bindings = append(m.bindings, b)
	return b
}

func (m *Model) unbinding(now moment, c Unbinding) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	actor := m.byPsn[c.Actor]
	if actor == nil {
		return Result{Outcome: UnknownPerson}
	}
	if actor.isDead(now.today) {
		return Result{Outcome: StatusForbids}
	}
	if c.AsUser && !now.policy.UserMayUnbind {
		return Result{Outcome: NotAllowed}
	}
	result := Result{Outcome: Accepted}
	for _, number := range c.Bindings {
		result.Items = append(result.Items, m.unbind(now, actor, c.AsUser, number))
	}
	return result
}

func (m *Model) unbind(now moment, actor *PersonState, asUser bool, number uint32) UnbindResult {
	if uint64(number) >= uint64(len(m.bindings)) {
		return UnbindResult{Binding: number, Outcome: UnknownBinding}
	}
	b := m.bindings[number]
	whose := b.Authorizer
	if asUser {
		whose = b.Beneficiary
	}
	if whose != actor.Number {
		return UnbindResult{Binding: number, Outcome: UnknownBinding}
	}
	if !b.Active {
		return UnbindResult{Binding: number, Outcome: NotBound}
	}
	earliest := AddMonths(Day(b.SinceMS), now.policy.MinBindMonths)
	if now.today < earliest {
		return UnbindResult{Binding: number, Outcome: Locked, EarliestDay: earliest}
	}
	b.Active = false
	if b.Allocated {
		m.persons[b.Beneficiary].InFamily = false
		m.persons[b.Beneficiary].Family = 0
	}
	return UnbindResult{Binding: number, Outcome: Accepted}
}
