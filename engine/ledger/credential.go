package ledger

// CredentialType is mdtrt_cert_type.
type CredentialType uint8

// Types of credentials. 0 is not told, and taken for a certificate.
const (
	CredentialEvoucher    CredentialType = 1 // resolved before the log to the pseudonym of its holder's certificate (R27)
	CredentialCertificate CredentialType = 2
	CredentialCard        CredentialType = 3 // registered by 27
)

// States of a card.
const (
	CardActive    = 1
	CardLost      = 2
	CardCancelled = 3 // for good
)

// CredentialsMax is what an index can number.
const CredentialsMax = 1<<27 - 1

// Credential is a registered card (R27): Key is the keyed pseudonym of number and card_sn, so a number with another card_sn is another card.
type Credential struct {
	Key    Key
	Person uint32
	Next   uint32 // the person's next older card, + 1
	Type   CredentialType
	State  uint8
	_      [6]uint8
}

// FindCredential looks a card up.
func (s *State) FindCredential(key Key) (uint32, bool) {
	return s.byCard.find(key.hash(), func(n uint32) bool { return s.Credentials.At(n).Key == key })
}

func (s *State) indexCredential(i uint32) {
	s.byCard.insert(s.Credentials.At(i).Key.hash(), i, func(n uint32) uint64 { return s.Credentials.At(n).Key.hash() })
}

// NewestCard is a person's newest registered card, + 1 (0: none); Credential.Next leads to older ones.
func (s *State) NewestCard(person uint32) uint32 {
	n, found := s.byHolder.find(personHash(person), func(n uint32) bool { return s.Credentials.At(n).Person == person })
	if !found {
		return 0
	}
	return n + 1
}

// chainCard makes a card the newest of its holder: the one that is found by his number.
func (s *State) chainCard(n uint32) {
	card := s.Credentials.At(n)
	hash := personHash(card.Person)
	if card.Next != 0 {
		s.byHolder.replace(hash, card.Next-1, n)
		return
	}
	s.byHolder.insert(hash, n, func(n uint32) uint64 { return personHash(s.Credentials.At(n).Person) })
}

// registerCredential is command 27: a new card, or a new state of one.
func (s *State) registerCredential(cmd *Command, f *Effect) Outcome {
	person, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	n, found := s.FindCredential(cmd.Other)
	if !found {
		return s.addCredential(cmd, person, f)
	}
	switch card := s.Credentials.At(n); {
	case card.Person != person:
		return CredentialOfOther
	case card.State == cmd.More.State:
		return CredentialExists
	case card.State == CardCancelled:
		return CredentialInactive
	}
	s.Credentials.Mut(n).State = cmd.More.State
	f.Number = n
	return Accepted
}

func (s *State) addCredential(cmd *Command, person uint32, f *Effect) Outcome {
	switch {
	case cmd.More.State != CardActive:
		return UnknownCredential
	case s.Credentials.Len() >= CredentialsMax:
		return LedgerFull
	}
	f.Number = s.Credentials.Append(Credential{Key: cmd.Other, Person: person, Next: s.NewestCard(person), Type: cmd.CredType, State: CardActive})
	s.indexCredential(f.Number)
	s.chainCard(f.Number)
	return Accepted
}

// checkCredential says whether the patient presents a credential of his own (I1 to I4, R27); 0: he does.
func (s *State) checkCredential(credential CredentialType, key Key, patient uint32) Outcome {
	p := s.Persons.At(patient)
	if credential == CredentialCard {
		n, found := s.FindCredential(key)
		if !found {
			return UnknownCredential
		}
		switch card := s.Credentials.At(n); {
		case card.Person != patient:
			return s.strangers(patient, card.Person)
		case card.State != CardActive:
			return CredentialInactive
		}
		return 0
	}
	if key != p.Pseudonym {
		holder, found := s.FindPseudonym(key)
		if !found {
			return UnknownCredential
		}
		return s.strangers(patient, holder)
	}
	if credential == CredentialEvoucher && s.shared(patient).Flags&EvoucherActive == 0 {
		return CredentialInactive
	}
	return 0
}

// strangers tells a relative's credential from anybody else's: money can be shared, identity cannot (I1).
func (s *State) strangers(patient, holder uint32) Outcome {
	p := s.Persons.At(patient)
	for n := p.Draws; n != 0; n = s.Bindings.At(n - 1).NextDraw {
		if s.Bindings.At(n-1).Authorizer == holder {
			return RelativesCredential
		}
	}
	for n := s.Persons.At(holder).Draws; n != 0; n = s.Bindings.At(n - 1).NextDraw {
		if s.Bindings.At(n-1).Authorizer == patient {
			return RelativesCredential
		}
	}
	return WrongCredential
}
