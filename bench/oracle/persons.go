package oracle

import (
	"fmt"

	"gongji/bench/model"
	"gongji/engine/ledger"
)

// ComparePersons reports the first difference in what is held about people beside their money: standing, freezes, cards, passwords.
func ComparePersons(m *model.Model, s *ledger.State) error {
	persons := m.Persons()
	if int(s.Persons.Len()) != len(persons) {
		return fmt.Errorf("%d persons, model has %d", s.Persons.Len(), len(persons))
	}
	for i, want := range persons {
		got := s.Summary(s.Persons.At(uint32(i)))
		flags := uint16(bit(want.HasAccount))*ledger.HasAccount | uint16(bit(want.Evoucher))*ledger.EvoucherActive | uint16(bit(want.Frozen))*ledger.AccountFrozen
		password, has := m.Password(want.Number)
		flags |= uint16(bit(has)) * ledger.HasPassword
		const mask = ledger.HasAccount | ledger.EvoucherActive | ledger.AccountFrozen | ledger.HasPassword
		if got.Flags&mask != flags || got.Died != want.Died || got.Area != want.Area || got.Birth != want.Birth {
			return fmt.Errorf("person %d is %+v, model says %+v", i, got, want)
		}
		if has && !hasPassword(s, want.Number, password) {
			return fmt.Errorf("person %d has not the password %+v", i, password)
		}
	}
	if err := compareSummaries(s); err != nil {
		return err
	}
	for i, want := range m.Families() {
		if got := s.Families.At(uint32(i)).Frozen; got != bit(want.Frozen) {
			return fmt.Errorf("family %d frozen is %d, model says %t", i, got, want.Frozen)
		}
	}
	cards := m.Credentials()
	if int(s.Credentials.Len()) != len(cards) {
		return fmt.Errorf("%d cards, model has %d", s.Credentials.Len(), len(cards))
	}
	for i, want := range cards {
		if got := s.Credentials.At(uint32(i)); got.Key != want.Key || got.Person != want.Person || got.State != want.State {
			return fmt.Errorf("card %d is %+v, model says %+v", i, got, want)
		}
	}
	return nil
}

// compareSummaries counts who has each row of summaries: the rows say so, no two are the same, and what nobody has is on the free list.
func compareSummaries(s *ledger.State) error {
	users := make([]uint32, s.Summaries.Len())
	for i := range s.Persons.Len() {
		users[s.Persons.At(i).Summary]++
	}
	rows, free := map[ledger.Summary]uint32{}, 0
	for i, n := range users {
		row := s.Summaries.At(uint32(i))
		if row.Persons != n {
			return fmt.Errorf("summary %d counts %d persons, %d have it", i, row.Persons, n)
		}
		if other, twice := rows[row.Summary]; twice && n != 0 {
			return fmt.Errorf("summaries %d and %d are the same: %+v", other, i, row)
		}
		if n == 0 {
			free++
		} else {
			rows[row.Summary] = uint32(i)
		}
	}
	for n := s.Scalars.At(0).FreeSummary; n != 0; n = s.Summaries.At(n - 1).Summary.Area {
		if free--; users[n-1] != 0 {
			return fmt.Errorf("summary %d is on the free list and %d have it", n-1, users[n-1])
		}
	}
	if free != 0 {
		return fmt.Errorf("%d summaries that nobody has are not on the free list", free)
	}
	return nil
}

func hasPassword(s *ledger.State, person uint32, want model.PasswordState) bool {
	for i := uint32(0); i < s.Passwords.Len(); i++ {
		if row := s.Passwords.At(i); row.Person == person {
			return row.Digest == want.Digest && uint32(row.Tries) == want.Tries && row.LockedUntil == want.LockedUntilMS
		}
	}
	return false
}
