package model

import (
	"math"
	"slices"
)

const birthUnknown = math.MinInt32

func (m *Model) consent(now moment, c BindingConsent) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	user := m.byPsn[c.User]
	if user == nil {
		return Result{Outcome: UnknownPerson}
	}
	b := m.bindingOf(c.Binding, func(b *BindingState) bool { return b.Beneficiary == user.Number })
	if o := isIn(b, Invited); o != Accepted {
		return Result{Outcome: o}
	}
	if !c.Accept {
		b.State, b.UntilMS = Rejected, now.timeMS
		return Result{Outcome: Accepted, Number: b.Number, State: Rejected}
	}
	if o := judge(now, b.Relation, m.persons[b.Authorizer], user); o != Accepted {
		return Result{Outcome: o}
	}
	if !b.Face && c.Steps&stepFace == 0 && needsFace(now, user) {
		return Result{Outcome: FaceMissing}
	}
	if reviewed(now.policy, b.Channel) {
		b.State = InReview
	} else {
		m.activate(now, b)
	}
	return Result{Outcome: Accepted, Number: b.Number, State: b.State}
}

// bindingOf gives a binding if it is somebody's, else nil.
func (m *Model) bindingOf(number uint32, his func(*BindingState) bool) *BindingState {
	if uint64(number) >= uint64(len(m.bindings)) || !his(m.bindings[number]) {
		return nil
	}
	return m.bindings[number]
}

// isIn is unknown_binding, invitation_expired and not_pending.
func isIn(b *BindingState, states ...uint8) int {
	switch {
	case b == nil:
		return UnknownBinding
	case b.State == Expired:
		return InvitationExpired
	case !slices.Contains(states, b.State):
		return NotPending
	}
	return Accepted
}

func needsFace(now moment, user *PersonState) bool {
	if now.policy.FaceFromAge == 0 {
		return false
	}
	return user.Birth == birthUnknown || wholeYears(user.Birth, now.today) >= int(now.policy.FaceFromAge)
}

// wholeYears is s.11.5: it looks for the last birthday.
func wholeYears(birth, today int32) int {
	year, month, day := civil(birth)
	this, _, _ := civil(today)
	birthday := daysBefore(this, month) + int32(day) - 1 // 29 February of a year without one is 1 March
	if today < birthday {
		this--
	}
	return this - year
}

func (m *Model) review(now moment, c BindingReview) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	b := m.bindingOf(c.Binding, func(*BindingState) bool { return true })
	if b != nil && b.State == Active && b.Leaving {
		return m.reviewLeaving(now, c, b)
	}
	if o := isIn(b, InReview); o != Accepted {
		return Result{Outcome: o}
	}
	if !c.Accept {
		b.State, b.UntilMS = Rejected, now.timeMS
		return Result{Outcome: Accepted, Number: b.Number, State: Rejected}
	}
	if o := judge(now, b.Relation, m.persons[b.Authorizer], m.persons[b.Beneficiary]); o != Accepted {
		return Result{Outcome: o}
	}
	m.activate(now, b)
	return Result{Outcome: Accepted, Number: b.Number, State: Active}
}

func (m *Model) reviewLeaving(now moment, c BindingReview, b *BindingState) Result {
	result := Result{Outcome: Accepted, Number: b.Number, State: Active}
	if !c.Accept {
		b.Leaving = false
		return result
	}
	if now.today < unbindable(now, b) {
		return Result{Outcome: Locked}
	}
	m.end(now, b)
	result.State, result.Legs = Unbound, m.afterLeaving(now, b)
	return result
}

func (m *Model) withdraw(now moment, c BindingWithdraw) Result {
	authorizer := m.byPsn[c.Authorizer]
	if authorizer == nil {
		return Result{Outcome: UnknownPerson}
	}
	b := m.bindingOf(c.Binding, func(b *BindingState) bool { return b.Authorizer == authorizer.Number })
	if o := isIn(b, Invited, InReview); o != Accepted {
		return Result{Outcome: o}
	}
	m.end(now, b)
	return Result{Outcome: Accepted, Number: b.Number, State: Unbound}
}

func (m *Model) forcedUnbinding(now moment, c ForcedUnbinding) Result {
	if c.Officers[0] == c.Officers[1] {
		return Result{Outcome: SameOperator}
	}
	b := m.bindingOf(c.Binding, func(*BindingState) bool { return true })
	if b == nil {
		return Result{Outcome: UnknownBinding}
	}
	if !b.living() {
		return Result{Outcome: NotBound}
	}
	was := b.State
	m.end(now, b)
	result := Result{Outcome: Accepted, Number: b.Number, State: Unbound}
	if was == Active {
		result.Legs = m.afterLeaving(now, b)
	}
	return result
}

func (m *Model) debitOrder(now moment, c DebitOrder) int {
	if now.policy == nil {
		return NoPolicy
	}
	patient := m.byPsn[c.Patient]
	if patient == nil {
		return UnknownPerson
	}
	for i, n := range c.Elements {
		if slices.Contains(c.Elements[:i], n) {
			return OrderRepeats
		}
		if n == OwnElement {
			if now.policy.SelfFirst {
				return SelfNotAllowed
			}
			if !patient.HasAccount {
				return NoAccount
			}
			continue
		}
		b := m.bindingOf(n, func(b *BindingState) bool { return b.Beneficiary == patient.Number })
		if b == nil {
			return UnknownBinding
		}
		if b.State != Active {
			return NotBound
		}
	}
	for _, b := range m.bindings {
		if b.State == Active && b.Beneficiary == patient.Number && !slices.Contains(c.Elements, b.Number) {
			return OrderIncomplete
		}
	}
	patient.SelfOrder = 0
	for i, n := range c.Elements {
		if n == OwnElement {
			patient.SelfOrder = i + 1
		} else {
			m.bindings[n].Order = uint16(i + 1)
		}
	}
	return Accepted
}
