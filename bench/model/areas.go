package model

import "fmt"

// due is one posting between two pooling areas (s.4, area dues).
type due struct {
	day             int32
	owing, claiming uint32
	amount          int64
}

// areas are what a settlement or premium recorded: the patient's area and each leg's payer's, 0 where nothing crossed.
type areas struct {
	patient uint32
	payers  []uint32
}

// pool is the pooling area of a place.
func pool(area uint32) uint32 {
	text := fmt.Sprintf("%06d", area)
	switch {
	case text[:2] == "11", text[:2] == "12", text[:2] == "31", text[:2] == "50":
		return area / 10000
	case text[2:4] == "90":
		return area
	}
	return area / 100
}

// markAreas is for debits: it writes the payer's area on each leg that crosses, and posts both sides of the due.
func (m *Model) markAreas(now moment, patient *PersonState, legs []Leg) {
	for i := range legs {
		number := uint32(legs[i].Account)
		if legs[i].Account>>56 == AccountFamily {
			number = m.families[number].Creator
		}
		payer := m.persons[number].Area
		if payer == 0 || patient.Area == 0 || pool(payer) == pool(patient.Area) {
			continue
		}
		legs[i].Area = payer
		m.due(now, payer, patient.Area, -legs[i].Amount)
	}
}

func areasOf(patient *PersonState, legs []Leg) areas {
	a := areas{patient: patient.Area}
	for _, leg := range legs {
		a.payers = append(a.payers, leg.Area)
	}
	return a
}

// returnAreas is for what gives back: the areas are those of then.
func (m *Model) returnAreas(now moment, then areas, legs []Leg) {
	for i := range legs {
		if legs[i].Area = then.payers[i]; legs[i].Area != 0 {
			m.due(now, legs[i].Area, then.patient, -legs[i].Amount)
		}
	}
}

func (m *Model) due(now moment, payer, patient uint32, amount int64) {
	d := due{day: now.today, owing: pool(payer), claiming: pool(patient), amount: amount}
	m.dues = append(m.dues, d)
	owed, claimed := dueAccounts(d.owing, d.claiming)
	m.balances[owed] += amount
	m.balances[claimed] -= amount
}

// dueAccounts are the two sides: 5 << 56 | side << 55 | owing << 20 | claiming.
func dueAccounts(owing, claiming uint32) (owed, claimed uint64) {
	owed = AccountID(AccountAreaDue, uint64(owing)<<20+uint64(claiming))
	return owed, owed + 1<<55
}

// Dues adds up what areas came to owe each other over days, by (owing, claiming); pairs without a posting in these days are not there.
func (m *Model) Dues(from, until int32) map[[2]uint32]int64 {
	sums := map[[2]uint32]int64{}
	for _, d := range m.dues {
		if from <= d.day && d.day <= until {
			sums[[2]uint32{d.owing, d.claiming}] += d.amount
		}
	}
	return sums
}

// checkDues: what areas owe each other is what crossing legs moved and reversals did not give back (R18).
func (m *Model) checkDues() error {
	want := map[uint64]int64{}
	add := func(a areas, amounts []int64) {
		for i, payer := range a.payers {
			if payer != 0 {
				owed, claimed := dueAccounts(pool(payer), pool(a.patient))
				want[owed] += amounts[i]
				want[claimed] -= amounts[i]
			}
		}
	}
	for _, s := range m.settled {
		amounts := []int64{}
		for _, t := range s.takes {
			amounts = append(amounts, t.amount)
		}
		if s.alive() {
			add(s.areas, amounts)
		}
	}
	for _, p := range m.premiums {
		if !p.refunded {
			add(p.areas, []int64{p.amount})
		}
	}
	for account, balance := range m.balances {
		if account>>56 == AccountAreaDue && balance != want[account] {
			return fmt.Errorf("area due %#x is %d fen, its legs say %d", account, balance, want[account])
		}
	}
	return nil
}

// The two sides of account kind 5 in Totals.
const (
	AreaOwed    = AccountAreaDue
	AreaClaimed = -AccountAreaDue
)

// Totals are the sums by account kind; of kind 5 by side.
func (m *Model) Totals() map[int]int64 {
	totals := map[int]int64{}
	for account, balance := range m.balances {
		kind := int(account >> 56)
		if kind == AccountAreaDue && account>>55&1 == 1 {
			kind = AreaClaimed
		}
		totals[kind] += balance
	}
	return totals
}
