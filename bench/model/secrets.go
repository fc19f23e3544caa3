package model

// PasswordState is the password of a person who has one.
type PasswordState struct {
	Digest        Key
	Tries         uint32
	LockedUntilMS int64
}

// Actions of kind 26.
const (
	passwordSet    = 1
	passwordChange = 2
	passwordReset  = 3
)

// password is kind 26.
func (m *Model) password(now moment, c Password) int {
	if now.policy == nil {
		return NoPolicy
	}
	if now.policy.PasswordTries == 0 && c.Action != passwordReset {
		return PasswordsOff
	}
	p := m.byPsn[c.Psn]
	if p == nil {
		return UnknownPerson
	}
	if !p.HasAccount {
		return NoAccount
	}
	have, has := m.passwords[p.Number]
	if c.Action == passwordSet {
		if has {
			return PasswordExists
		}
		m.passwords[p.Number] = PasswordState{Digest: c.New}
		return Accepted
	}
	if !has {
		return NoPassword
	}
	if c.Action == passwordReset {
		delete(m.passwords, p.Number)
		return Accepted
	}
	if now.timeMS < have.LockedUntilMS {
		return PasswordLocked
	}
	if !m.try(now, p.Number, c.Old) {
		return WrongPassword
	}
	have = m.passwords[p.Number]
	have.Digest = c.New
	m.passwords[p.Number] = have
	return Accepted
}

// try counts one try of a password that is not locked.
func (m *Model) try(now moment, person uint32, digest Key) bool {
	have := m.passwords[person]
	have.LockedUntilMS = 0
	fits := have.Digest == digest
	if fits {
		have.Tries = 0
	} else {
		have.Tries++
	}
	if have.Tries >= now.policy.PasswordTries {
		have.Tries, have.LockedUntilMS = 0, now.timeMS+int64(now.policy.LockMinutes)*60*1000
	}
	m.passwords[person] = have
	return fits
}

// typed gives the first password of a settlement that is meant for a person.
func typed(c Settlement, p *PersonState) (Key, bool) {
	for _, pair := range c.Passwords {
		if pair.Authorizer == p.Psn {
			return pair.Digest, true
		}
	}
	return Key{}, false
}

// opened reports whether a settlement may draw on a source that belongs to p.
func (m *Model) opened(now moment, c Settlement, p, patient *PersonState, family bool) bool {
	if now.policy.PasswordTries == 0 || family && p == patient {
		return true
	}
	digest, given := typed(c, p)
	have, has := m.passwords[p.Number]
	return given && has && now.timeMS >= have.LockedUntilMS && have.Digest == digest
}

// countTries counts what a settlement that asked its relatives typed, right or wrong.
func (m *Model) countTries(now moment, c Settlement, asked []uint32) {
	if now.policy == nil || now.policy.PasswordTries == 0 {
		return
	}
	for _, number := range asked {
		digest, given := typed(c, m.persons[number])
		have, has := m.passwords[number]
		if given && has && now.timeMS >= have.LockedUntilMS {
			m.try(now, number, digest)
		}
	}
}
