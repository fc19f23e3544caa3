package ledger

// PasswordAction says what command 26 does.
type PasswordAction uint8

// The actions.
const (
	PasswordSet    PasswordAction = 1
	PasswordChange PasswordAction = 2 // needs the old one
	PasswordReset  PasswordAction = 3 // by the bureau: he has none then
)

// Secret is the content of command 26: digests, never a password.
type Secret struct {
	Action   PasswordAction
	Old, New Key
}

// Password guards an authorizer's sharing (L5, K20, R23). The row stays when the password is reset; the person's flag says whether it counts.
type Password struct {
	Digest      Key
	LockedUntil int64 // ms; 0: not locked
	Person      uint32
	Tries       uint8 // wrong ones since the last right one
	_           [3]uint8
}

// PasswordsMax is how many passwords a settlement may carry: nobody types more.
const PasswordsMax = 8

// PasswordBytes of a pair: the authorizer's key and the digest.
const PasswordBytes = 32

// Passwords are the pairs (authorizer's key, digest) that a settlement carries, end to end as in its bytes.
type Passwords []byte

// Len is the number of pairs.
func (p Passwords) Len() int { return len(p) / PasswordBytes }

// Add appends a pair.
func (p Passwords) Add(authorizer, digest Key) Passwords {
	return append(append(p, authorizer[:]...), digest[:]...)
}

// of finds the first pair of an authorizer.
func (p Passwords) of(authorizer *Key) (digest Key, found bool) {
	for ; len(p) >= PasswordBytes; p = p[PasswordBytes:] {
		if Key(p[:16]) == *authorizer {
			return Key(p[16:32]), true
		}
	}
	return digest, false
}

const minuteMS = 60_000

// personHash is where indexes by the number of a person or binding look.
func personHash(person uint32) uint64 {
	h := (uint64(person) + 1) * 0x9E3779B97F4A7C15
	return h ^ h>>32
}

func (s *State) findPassword(person uint32) (uint32, bool) {
	return s.byPassword.find(personHash(person), func(n uint32) bool { return s.Passwords.At(n).Person == person })
}

func (s *State) indexPassword(i uint32) {
	s.byPassword.insert(personHash(s.Passwords.At(i).Person), i, func(n uint32) uint64 { return personHash(s.Passwords.At(n).Person) })
}

// setPassword is command 26.
func (s *State) setPassword(c *Context, cmd *Command) Outcome {
	x := &cmd.More.Secret
	if !c.HasPolicy {
		return NoPolicy
	}
	if c.Policy.PasswordTries == 0 && x.Action != PasswordReset {
		return PasswordsOff
	}
	person, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	y := s.summary(person)
	if !y.HasAccount() {
		return NoAccount
	}
	has := y.Flags&HasPassword != 0
	switch {
	case x.Action == PasswordSet && has:
		return PasswordExists
	case x.Action != PasswordSet && !has:
		return NoPassword
	case x.Action == PasswordReset:
		y.Flags &^= HasPassword
		s.setSummary(person, y)
		n, _ := s.findPassword(person)
		*s.Passwords.Mut(n) = Password{Person: person}
		return Accepted
	case x.Action == PasswordChange:
		return s.changePassword(c, person, x)
	}
	n, known := s.findPassword(person)
	if !known {
		n = s.Passwords.Append(Password{Person: person})
		s.indexPassword(n)
	}
	s.Passwords.Mut(n).Digest = x.New
	y.Flags |= HasPassword
	s.setSummary(person, y)
	return Accepted
}

// changePassword counts a wrong old password like a wrong one at a till.
func (s *State) changePassword(c *Context, person uint32, x *Secret) Outcome {
	n, _ := s.findPassword(person)
	if c.TimeMS < s.Passwords.At(n).LockedUntil {
		return PasswordLocked
	}
	fits := s.try(c, n, x.Old)
	if !fits {
		return WrongPassword
	}
	s.Passwords.Mut(n).Digest = x.New
	return Accepted
}

// try counts a try of a password that is not locked.
func (s *State) try(c *Context, n uint32, digest Key) (fits bool) {
	next := *s.Passwords.At(n)
	fits = digest == next.Digest
	next.LockedUntil = 0
	switch {
	case fits:
		next.Tries = 0
	case next.Tries+1 < c.Policy.PasswordTries:
		next.Tries++
	default:
		next.Tries, next.LockedUntil = 0, c.TimeMS+int64(c.Policy.LockMinutes)*minuteMS
	}
	if next != *s.Passwords.At(n) {
		*s.Passwords.Mut(n) = next
	}
	return fits
}

// guardian is whose password an account of a relative needs; ok is false if it needs none: the creator's own family account.
func (s *State) guardian(a AccountID, patient uint32) (person uint32, ok bool) {
	if a.Kind() == KindFamily {
		creator := s.Families.At(a.Number()).Creator
		return creator, creator != patient
	}
	return a.Number(), true
}

// opens reports whether the settlement's passwords open a relative's account. It changes nothing. A preview believes every password, so
// that nobody can try one without being counted.
func (s *State) opens(c *Context, cmd *Command, b *Bill, a AccountID) bool {
	person, guarded := s.guardian(a, b.Patient)
	if !guarded {
		return true
	}
	digest, given := cmd.Passwords.of(&s.Persons.At(person).Key)
	if !given || s.shared(person).Flags&HasPassword == 0 {
		return false
	}
	n, _ := s.findPassword(person)
	row := s.Passwords.At(n)
	return c.TimeMS >= row.LockedUntil && (b.Preview || row.Digest == digest)
}

// countTries counts the tries of a settlement that asked its relatives, whatever became of it (R23).
func (s *State) countTries(c *Context, cmd *Command, patient uint32) {
	var buf [RelativesMax]AccountID
	for _, a := range Relatives(s, c, patient, buf[:0]) {
		person, guarded := s.guardian(a, patient)
		digest, given := cmd.Passwords.of(&s.Persons.At(person).Key)
		if !guarded || !given || s.shared(person).Flags&HasPassword == 0 {
			continue
		}
		if n, _ := s.findPassword(person); c.TimeMS >= s.Passwords.At(n).LockedUntil {
			s.try(c, n, digest)
		}
	}
}

// NeedsPasswords reports whether relatives may pay only with a password (K20).
func (p *Policy) NeedsPasswords() bool { return p.PasswordTries != 0 }
