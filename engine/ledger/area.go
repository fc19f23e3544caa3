package ledger

import "slices"

// PoolingArea is the area whose fund holds the money of people insured in a place (insuplc_admdvs, six digits by GB/T 2260): its first four
// digits, the prefecture. A municipality is one pooling area (two digits), and counties under the province itself (xx90yy: Xiantao, Qianjiang,
// Tianmen ...) are each one of their own (six digits). 0: unknown. DESIGN.md 6.
func PoolingArea(area uint32) uint32 {
	switch area / 10_000 {
	case 11, 12, 31, 50: // Beijing, Tianjin, Shanghai, Chongqing
		return area / 10_000
	}
	if area/100%100 == 90 {
		return area
	}
	return area / 100
}

// crosses reports whether money of a payer for a patient leaves his pooling area. Nobody owes for an area that is not known.
func crosses(payer, patient uint32) bool {
	return payer != patient && payer != 0 && patient != 0 && PoolingArea(payer) != PoolingArea(patient)
}

// areaOf is where the owner of a personal or family account is insured; of a family account, its creator.
func (s *State) areaOf(a AccountID) uint32 {
	n := a.Number()
	if a.Kind() == KindFamily {
		n = s.Families.At(n).Creator
	}
	return s.shared(n).Area
}

// MarkAreas records on each leg whose payer is insured in another pooling area than the patient the payer's area (R18). It reads tables that do
// not change inside a money batch.
func MarkAreas(s *State, patient uint32, legs []Leg) {
	for i := range legs {
		if payer := s.areaOf(legs[i].Account); crosses(payer, patient) {
			legs[i].Area = payer
		}
	}
}

// AreaDue is what one pooling area owes another because its people paid for theirs, as it stood at the end of a ledger day.
type AreaDue struct {
	Total    int64  // fen since the beginning, this day included
	Owing    uint32 // pooling area of the payers
	Claiming uint32 // pooling area of the patients
	Day      int32
	Before   uint32 // the row of the pair's day before, + 1; 0: this is its first
}

// pair of pooling areas, as a key.
func pair(owing, claiming uint32) uint64 { return uint64(owing)<<32 | uint64(claiming) }

// dueSide marks the claiming side of an area due in its account id.
const dueSide = 1 << 55

// DueAccount is one side of an area due (account kind 5): the owing area's debt, or the claiming area's claim, which is its negative.
func DueAccount(owing, claiming uint32, claim bool) AccountID {
	id := uint64(KindAreaDue)<<56 | uint64(owing)<<20 | uint64(claiming)
	if claim {
		id |= dueSide
	}
	return AccountID(id)
}

// dueBalance is the balance of an account of kind 5.
func (s *State) dueBalance(a AccountID) int64 {
	const areaMask = 1<<20 - 1 // area codes have six digits
	i, found := s.byPair[pair(uint32(a>>20&areaMask), uint32(a&areaMask))]
	switch {
	case !found:
		return 0
	case a&dueSide != 0:
		return -s.AreaDues.At(s.dueHeads[i]).Total
	}
	return s.AreaDues.At(s.dueHeads[i]).Total
}

// postDues posts the legs of an effect that crossed pooling areas, by the areas recorded with them. Days never fall.
func postDues(s *State, day int32, f *Effect, legs []Leg) {
	for i := range legs {
		if legs[i].Area != 0 {
			s.postDue(day, PoolingArea(legs[i].Area), PoolingArea(f.Area), -legs[i].Amount)
		}
	}
}

func (s *State) postDue(day int32, owing, claiming uint32, amount int64) {
	row := AreaDue{Owing: owing, Claiming: claiming, Day: day}
	if i, found := s.byPair[pair(owing, claiming)]; found {
		last := s.dueHeads[i]
		if s.AreaDues.At(last).Day == day {
			s.AreaDues.Mut(last).Total += amount
			return
		}
		row.Total, row.Before = s.AreaDues.At(last).Total, last+1
	}
	row.Total += amount
	s.indexDue(s.AreaDues.Append(row))
}

// indexDue makes a row the newest of its pair. Rows come in order.
func (s *State) indexDue(n uint32) {
	r := s.AreaDues.At(n)
	key := pair(r.Owing, r.Claiming)
	if i, found := s.byPair[key]; found {
		s.dueHeads[i] = n
		return
	}
	s.byPair[key] = uint32(len(s.dueHeads))
	s.dueHeads = append(s.dueHeads, n)
}

// Due is what one pooling area came to owe another over some days; below 0 if more was given back than paid.
type Due struct {
	Owing, Claiming uint32
	Amount          int64 // fen
}

// Dues are the area dues of the ledger days from to until, both included, by owing and claiming area; pairs without any in these days are left
// out. It walks the pairs, and of each the days since from. Executor's goroutine; the list is the caller's.
func (s *State) Dues(from, until int32) (dues []Due) {
	for _, n := range s.dueHeads {
		d := Due{Owing: s.AreaDues.At(n).Owing, Claiming: s.AreaDues.At(n).Claiming}
		at, posted := n+1, false
		for at != 0 && s.AreaDues.At(at-1).Day > until {
			at = s.AreaDues.At(at - 1).Before
		}
		if at != 0 {
			d.Amount = s.AreaDues.At(at - 1).Total
		}
		for at != 0 && s.AreaDues.At(at-1).Day >= from {
			at, posted = s.AreaDues.At(at-1).Before, true
		}
		if at != 0 {
			d.Amount -= s.AreaDues.At(at - 1).Total
		}
		if posted {
			dues = append(dues, d)
		}
	}
	slices.SortFunc(dues, func(a, b Due) int {
		if a.Owing != b.Owing {
			return int(a.Owing) - int(b.Owing)
		}
		return int(a.Claiming) - int(b.Claiming)
	})
	return dues
}
