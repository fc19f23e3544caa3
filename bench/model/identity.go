package model

// CredentialState is a registered card.
type CredentialState struct {
	Number uint32
	Key    Key
	Person uint32
	State  uint8 // 1 active, 2 lost, 3 cancelled
}

// credential is kind 27.
func (m *Model) credential(c Credential) Result {
	p := m.byPsn[c.Psn]
	if p == nil {
		return Result{Outcome: UnknownPerson}
	}
	card := m.byCard[c.Card]
	if card == nil {
		if c.State != 1 {
			return Result{Outcome: UnknownCredential}
		}
		card = &CredentialState{Number: uint32(len(m.cards)), Key: c.Card, Person: p.Number, State: 1}
		m.cards = append(m.cards, card)
		m.byCard[c.Card] = card
		return Result{Outcome: Accepted, Number: card.Number}
	}
	if card.Person != p.Number {
		return Result{Outcome: CredentialOfOther}
	}
	if card.State == c.State {
		return Result{Outcome: CredentialExists}
	}
	if card.State == 3 {
		return Result{Outcome: CredentialInactive}
	}
	card.State = c.State
	return Result{Outcome: Accepted, Number: card.Number}
}

// identity says whether a settlement or visit presents the patient's own credential.
func (m *Model) identity(credential uint8, key Key, patient *PersonState) int {
	var holder *PersonState
	active := true
	if credential == 3 {
		card := m.byCard[key]
		if card != nil {
			holder, active = m.persons[card.Person], card.State == 1
		}
	} else {
		holder = m.byPseudonym[key]
		if credential == 1 && holder != nil {
			active = holder.Evoucher
		}
	}
	switch {
	case holder == nil:
		return UnknownCredential
	case holder != patient && m.bound(holder, patient):
		return RelativesCredential
	case holder != patient:
		return WrongCredential
	case !active:
		return CredentialInactive
	}
	return Accepted
}

// bound reports an active binding between two people, in either direction.
func (m *Model) bound(a, b *PersonState) bool {
	for _, x := range m.bindings {
		if x.State == Active && (x.Authorizer == a.Number && x.Beneficiary == b.Number || x.Authorizer == b.Number && x.Beneficiary == a.Number) {
			return true
		}
	}
	return false
}

// freeze is kind 25.
func (m *Model) freeze(c Freeze) int {
	if c.Operators[0] == c.Operators[1] {
		return SameOperator
	}
	var frozen *bool
	if c.IsFamily {
		if int(c.Family) >= len(m.families) || m.families[c.Family].Closed {
			return UnknownFamily
		}
		frozen = &m.families[c.Family].Frozen
	} else {
		p := m.byPsn[c.Psn]
		if p == nil {
			return UnknownPerson
		}
		if !p.HasAccount {
			return NoAccount
		}
		frozen = &p.Frozen
	}
	if *frozen && c.Frozen {
		return AlreadyFrozen
	}
	if !*frozen && !c.Frozen {
		return NotFrozen
	}
	*frozen = c.Frozen
	return Accepted
}

// change is kind 36. It is all or nothing.
func (m *Model) change(now moment, c PersonChange) int {
	p := m.byPsn[c.Psn]
	if p == nil {
		return UnknownPerson
	}
	after := *p
	if c.OpenAccount {
		if p.HasAccount {
			return AccountExists
		}
		if p.isDead(now.today) {
			return StatusForbids
		}
		if !opensAccount(now.policy, p) {
			return CategoryNotAllowed
		}
		after.HasAccount = true
	}
	if c.Evoucher != nil {
		after.Evoucher = *c.Evoucher
	}
	if c.Area != nil {
		after.Area = *c.Area
	}
	if c.Birth != nil {
		after.Birth = *c.Birth
	}
	if after == *p {
		return NoChange
	}
	*p = after
	if c.OpenAccount {
		m.balances[p.account()] = 0
	}
	return Accepted
}
