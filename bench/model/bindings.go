package model

import "slices"

// The bits of Steps.
const (
	stepDataConsent = 1
	stepApplication = 2
	stepFace        = 4
)

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
	if o := m.steps(now, c, authorizer, user); o != Accepted {
		return Result{Outcome: o}
	}
	if o := m.room(now, authorizer, user); o != Accepted {
		return Result{Outcome: o}
	}
	if needsLetter(now.policy, authorizer) {
		authorizer.Signed = true
	}
	if needsAnswers(now.policy, authorizer) {
		authorizer.ReadAnswers = true
	}
	b := m.addBinding(now, c, authorizer, user)
	return Result{Outcome: Accepted, Number: b.Number, State: b.State}
}

// steps is kind 12 up to questions_missing.
func (m *Model) steps(now moment, c Binding, authorizer, user *PersonState) int {
	p := now.policy
	if o := useChannel(p, c.Channel, c.Steps); o != Accepted {
		return o
	}
	if c.Login == 0 || c.Login > 4 || !slices.Contains(p.Logins[c.Login-1], c.Channel) {
		return LoginNotAllowed
	}
	if o := judge(now, c.Relation, authorizer, user); o != Accepted {
		return o
	}
	if slices.Contains(p.Evouchers, c.Channel) && !authorizer.Evoucher {
		return EvoucherNotActive
	}
	if p.DataConsentRequired && c.Steps&stepDataConsent == 0 {
		return DataConsentMissing
	}
	if needsLetter(p, authorizer) && c.Commitment != p.Commitment {
		return CommitmentMissing
	}
	if needsAnswers(p, authorizer) && c.Questions != p.Questions {
		return QuestionsMissing
	}
	return Accepted
}

// useChannel is channel_not_allowed and application_missing.
func useChannel(p *Policy, channel, steps uint8) int {
	if !slices.Contains(p.Channels, channel) {
		return ChannelNotAllowed
	}
	if slices.Contains(p.Counters, channel) && steps&stepApplication == 0 {
		return ApplicationMissing
	}
	return Accepted
}

func needsLetter(p *Policy, authorizer *PersonState) bool {
	return p.Commitment != (Key{}) && (p.CommitmentEachTime || !authorizer.Signed)
}

func needsAnswers(p *Policy, authorizer *PersonState) bool {
	return p.Questions != (Key{}) && !authorizer.ReadAnswers
}

// judge is what is asked again before a pending binding becomes active.
func judge(now moment, relation uint8, authorizer, user *PersonState) int {
	if !relationAllowed(now.policy, relation) {
		return RelationNotAllowed
	}
	if !authorizer.mayAuthorize(now.today) {
		return AuthorizerNotEligible
	}
	if !user.insured(now.today, now.policy) {
		return UserNotNormal
	}
	if !near(now.policy, authorizer, user) {
		return OutsideTerritory
	}
	return Accepted
}

func relationAllowed(p *Policy, relation uint8) bool {
	return relation < 32 && p.AllowedRelations&(1<<relation) != 0
}

// room is kind 12 from unknown_family on.
func (m *Model) room(now moment, authorizer, user *PersonState) int {
	limit := now.policy.MaxAuthorizers
	if now.policy.Strategy == allocated {
		limit = 0
		family := m.createdBy(authorizer)
		if family == nil {
			return UnknownFamily
		}
		if user.InFamily && user.Family == family.Number {
			return DuplicateBinding
		}
		if user.InFamily || m.invitedTo(user, func(f uint32) bool { return f != family.Number }) {
			return InOtherFamily
		}
	}
	if limit == 0 {
		limit = authorizersLimit
	}
	living := m.authorizersOf(user)
	for _, b := range living {
		if b.Authorizer == authorizer.Number {
			return DuplicateBinding
		}
	}
	if uint32(len(living)) >= limit {
		return TooManyAuthorizers
	}
	if most := int(now.policy.MaxFamilies); now.policy.Strategy != allocated && most > 0 {
		of := len(living) + 1
		if len(m.membersOf(user)) > 0 {
			of++
		}
		if of > most || len(m.authorizersOf(authorizer))+1 > most {
			return InOtherFamily
		}
	}
	return Accepted
}

// authorizersOf gives the living bindings of a user of both kinds (Q17), membersOf those of an authorizer.
func (m *Model) authorizersOf(user *PersonState) (living []*BindingState) {
	for _, b := range m.bindings {
		if b.living() && b.Beneficiary == user.Number {
			living = append(living, b)
		}
	}
	return living
}

func (m *Model) membersOf(authorizer *PersonState) (living []*BindingState) {
	for _, b := range m.bindings {
		if b.living() && b.Authorizer == authorizer.Number {
			living = append(living, b)
		}
	}
	return living
}

func (m *Model) addBinding(now moment, c Binding, authorizer, user *PersonState) *BindingState {
	b := &BindingState{
		Number: uint32(len(m.bindings)), Authorizer: authorizer.Number, Beneficiary: user.Number,
		Order: c.Order, Relation: c.Relation, Channel: c.Channel, SinceMS: now.timeMS, Face: c.Steps&stepFace != 0,
	}
	if b.Order == 0 {
		b.Order = orderMissing
	}
	if now.policy.Strategy == allocated {
		b.Allocated, b.Family = true, m.createdBy(authorizer).Number
	}
	m.bindings = append(m.bindings, b)
	switch {
	case now.policy.ConsentRequired:
		b.State, b.Expires = Invited, now.today+int32(now.policy.ConsentDays)
	case reviewed(now.policy, c.Channel):
		b.State = InReview
	default:
		m.activate(now, b)
	}
	return b
}

func reviewed(p *Policy, channel uint8) bool {
	return p.OfflineReview && slices.Contains(p.Counters, channel)
}

func (m *Model) activate(now moment, b *BindingState) {
	b.State, b.SinceMS, b.Expires = Active, now.timeMS, 0
	if b.Allocated {
		user := m.persons[b.Beneficiary]
		user.InFamily, user.Family = true, b.Family
	}
}

// expireInvitations ends what nobody answered, before the first command of a batch.
func (m *Model) expireInvitations(today int32) {
	for _, b := range m.bindings {
		if b.State == Invited && today >= b.Expires {
			b.State, b.UntilMS = Expired, int64(b.Expires)*dayMS-chinaMS
		}
	}
}

func (m *Model) unbinding(now moment, c Unbinding) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	actor := m.byPsn[c.Actor]
	if actor == nil {
		return Result{Outcome: UnknownPerson}
	}
	if o := useChannel(now.policy, c.Channel, c.Steps); o != Accepted {
		return Result{Outcome: o}
	}
	if actor.isDead(now.today) {
		return Result{Outcome: StatusForbids}
	}
	if c.AsUser && !now.policy.UserMayUnbind {
		return Result{Outcome: NotAllowed}
	}
	result := Result{Outcome: Accepted}
	for _, number := range c.Bindings {
		result.Items = append(result.Items, m.unbind(now, actor, c, number))
	}
	for _, item := range result.Items {
		if item.Outcome == Accepted {
			result.Legs = append(result.Legs, m.afterLeaving(now, m.bindings[item.Binding])...)
		}
	}
	return result
}

func (m *Model) unbind(now moment, actor *PersonState, c Unbinding, number uint32) UnbindResult {
	if uint64(number) >= uint64(len(m.bindings)) {
		return UnbindResult{Binding: number, Outcome: UnknownBinding}
	}
	b := m.bindings[number]
	whose := b.Authorizer
	if c.AsUser {
		whose = b.Beneficiary
	}
	if whose != actor.Number {
		return UnbindResult{Binding: number, Outcome: UnknownBinding}
	}
	if b.State != Active {
		return UnbindResult{Binding: number, Outcome: NotBound}
	}
	if earliest := unbindable(now, b); now.today < earliest {
		return UnbindResult{Binding: number, Outcome: Locked, EarliestDay: earliest}
	}
	if reviewed(now.policy, c.Channel) {
		b.Leaving = true
		return UnbindResult{Binding: number, Outcome: WaitsForReview}
	}
	m.end(now, b)
	return UnbindResult{Binding: number, Outcome: Accepted}
}

func unbindable(now moment, b *BindingState) int32 {
	return AddMonths(Day(b.SinceMS), now.policy.MinBindMonths)
}

// end makes a living binding an unbound one.
func (m *Model) end(now moment, b *BindingState) {
	if b.State == Active && b.Allocated {
		m.persons[b.Beneficiary].InFamily = false
		m.persons[b.Beneficiary].Family = 0
	}
	b.State, b.UntilMS, b.Leaving = Unbound, now.timeMS, false
}
