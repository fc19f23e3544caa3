package wire

import (
	"fmt"
	"math/bits"

	"gongji/bench/province"
)

// Bills is the workload `national`: bills of a province's day of whoever an account can pay for, which are the employee insured and those with
// whom somebody shares (DESIGN.md says why). They are computed, so parent and children make the same ones. The patient shows the identity card.
type Bills struct {
	Seed    uint64 `json:"seed"` // of the province in the server
	Day     uint64 `json:"day"`  // seed of the bills
	Persons int    `json:"persons"`
	Count   int    `json:"count"`
	AidPPM  int    `json:"aid_ppm,omitempty"` // bills of the day that need a relative, per million; 0: as published
}

// BillsMax bounds what a process holds as request bytes: 200,000 bills are 120 MB, and make a body come back every few seconds at most.
const BillsMax = 200_000

// check refuses what cannot be made.
func (b *Bills) check() error {
	if b.Persons < 1 || b.Persons > province.MaxPersons {
		return fmt.Errorf("wire: %d persons, must be 1 to %d", b.Persons, province.MaxPersons)
	}
	if b.Count < 1 || b.Count > BillsMax {
		return fmt.Errorf("wire: %d bills, must be 1 to %d", b.Count, BillsMax)
	}
	return nil
}

func (b *Bills) province() *province.Province { return province.New(b.Seed, b.Persons) }

// drawnMax bounds how many bills of a day are looked at for each that is taken. Three of five are (TestMix); fewer would be another province.
const drawnMax = 50

// make draws the bills.
func (b *Bills) make(p *province.Province) []province.Settlement {
	day := p.Day(b.Day).WithCount(b.Count * drawnMax)
	if b.AidPPM > 0 {
		day = day.WithAidPPM(b.AidPPM)
	}
	list := make([]province.Settlement, 0, b.Count)
	for s := range day.All() {
		if s.Insutype == province.Active.Insutype() || s.NeedsAuthorizers {
			if list = append(list, s); len(list) == b.Count {
				break
			}
		}
	}
	return list
}

// mix is what the bills come to at opening balances, shares of bills.
type mix struct{ postings, relatives, allCash float64 }

func mixOf(p *province.Province, list []province.Settlement) (m mix) {
	each := 1 / float64(max(1, len(list)))
	for i := range list {
		s := &list[i]
		own := s.Payable > 0 && p.OpeningFen(s.Patient) > 0
		switch {
		case own:
			m.postings += each
		case !s.NeedsAuthorizers:
			m.allCash += each
		}
		if s.NeedsAuthorizers {
			m.postings += each
			m.relatives += each
		}
	}
	return m
}

// refill says who gets how much of what a run has taken, in fen by person: each bill's payable times its uses, the patient's own part as far as his
// opening balance went, the rest in equal parts to those who share with him; all of it scaled so that the sum is lost, to the fen.
func refill(p *province.Province, list []province.Settlement, uses []uint64, lost int64) (persons []int, fen []int64) {
	given := make([]int64, p.Persons())
	var bound []province.Binding
	for i := range list {
		s := &list[i]
		own := min(s.Payable, p.OpeningFen(s.Patient))
		given[s.Patient] += own * int64(uses[i])
		rest := (s.Payable - own) * int64(uses[i])
		if rest == 0 || !s.NeedsAuthorizers {
			continue
		}
		bound = p.AppendBindings(bound[:0], p.FamilyOf(s.Patient))
		share := rest / int64(max(1, p.Authorizers(s.Patient)))
		for _, b := range bound {
			if b.User == s.Patient {
				given[b.Authorizer] += share
			}
		}
	}
	total := int64(0)
	for _, n := range given {
		total += n
	}
	left := lost
	for i, n := range given {
		if n = scaled(n, lost, total); n > 0 {
			persons, fen = append(persons, i), append(fen, n)
			left -= n
		}
	}
	if len(fen) > 0 {
		fen[0] += left // what was rounded off, less than a fen an account
	}
	return persons, fen
}

// scaled is n * lost / total, rounded down, with 0 <= n <= total.
func scaled(n, lost, total int64) int64 {
	if n <= 0 || lost <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(n), uint64(lost))
	q, _ := bits.Div64(hi, lo, uint64(total))
	return int64(q)
}
