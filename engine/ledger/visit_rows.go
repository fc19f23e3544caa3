package ledger

// mix spreads a number over 64 bits (the finalizer of splitmix64): positions and serials run on by one, and an index looks at both ends.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func visitHash(opened Position) uint64 { return mix(uint64(opened)) }

func lineHash(visit uint32, serial uint64) uint64 {
	return mix(serial ^ mix(uint64(visit)+0x9E3779B97F4A7C15))
}

func (s *State) hashOfVisit(n uint32) uint64 { return visitHash(s.Visits.At(n).Opened) }

func (s *State) hashOfLine(n uint32) uint64 {
	l := s.FeeLines.At(n)
	return lineHash(l.Visit, l.Serial)
}

func (s *State) hashOfPatient(n uint32) uint64 { return personHash(s.Visits.At(n).Patient) }

// NewestVisit is a person's newest visit that has a row, + 1 (0: none); Visit.NextVisit leads to older ones.
func (s *State) NewestVisit(person uint32) uint32 {
	n, found := s.byPatient.find(personHash(person), func(n uint32) bool { return s.Visits.At(n).Patient == person })
	if !found {
		return 0
	}
	return n + 1
}

func (s *State) reindexVisits() {
	s.byOpened, s.bySerial, s.byPatient = index{}, index{}, index{}
	for i := uint32(0); i < s.Visits.Len(); i++ {
		if s.Visits.At(i).Opened != 0 {
			s.byOpened.insert(s.hashOfVisit(i), i, s.hashOfVisit)
			if s.Visits.At(i).PrevVisit == 0 {
				s.byPatient.insert(s.hashOfPatient(i), i, s.hashOfPatient)
			}
		}
	}
	for i := uint32(0); i < s.FeeLines.Len(); i++ {
		if s.FeeLines.At(i).Serial != 0 {
			s.bySerial.insert(s.hashOfLine(i), i, s.hashOfLine)
		}
	}
}

// FindVisit looks a visit up by the position of its VisitOpen; false if it is not held on a day of ledger time. The number is good until the
// next structural command. Executor's goroutine.
func (s *State) FindVisit(opened Position, day int32) (number uint32, found bool) {
	number, found = s.byOpened.find(visitHash(opened), func(n uint32) bool { return s.Visits.At(n).Opened == opened })
	return number, found && day < s.Visits.At(number).Gone
}

func (s *State) findLine(visit uint32, serial uint64) (uint32, bool) {
	return s.bySerial.find(lineHash(visit, serial), func(n uint32) bool {
		l := s.FeeLines.At(n)
		return l.Visit == visit && l.Serial == serial
	})
}

// takeVisit puts a visit into a free row or a new one, and first into its patient's chain.
func (s *State) takeVisit(v Visit) {
	rows := &s.Scalars.Mut(0).Visits
	v.NextVisit = s.NewestVisit(v.Patient)
	n := rows.FreeVisit
	if n == 0 {
		n = s.Visits.Append(v) + 1
	} else {
		rows.FreeVisit = s.Visits.At(n - 1).NextVisit
		*s.Visits.Mut(n - 1) = v
	}
	rows.Visits++
	if v.NextVisit != 0 {
		s.Visits.Mut(v.NextVisit - 1).PrevVisit = n
		s.byPatient.replace(personHash(v.Patient), v.NextVisit-1, n-1)
	} else {
		s.byPatient.insert(personHash(v.Patient), n-1, s.hashOfPatient)
	}
	s.byOpened.insert(visitHash(v.Opened), n-1, s.hashOfVisit)
}

// freeVisit gives the row of a visit without lines back.
func (s *State) freeVisit(n uint32) {
	v := *s.Visits.At(n)
	s.byOpened.remove(visitHash(v.Opened), n, s.hashOfVisit)
	switch {
	case v.PrevVisit != 0:
		s.Visits.Mut(v.PrevVisit - 1).NextVisit = v.NextVisit
	case v.NextVisit != 0:
		s.byPatient.replace(personHash(v.Patient), n, v.NextVisit-1)
	default:
		s.byPatient.remove(personHash(v.Patient), n, s.hashOfPatient)
	}
	if v.NextVisit != 0 {
		s.Visits.Mut(v.NextVisit - 1).PrevVisit = v.PrevVisit
	}
	rows := &s.Scalars.Mut(0).Visits
	*s.Visits.Mut(n) = Visit{NextVisit: rows.FreeVisit}
	rows.FreeVisit = n + 1
	rows.Visits--
}

// putLine puts a judged line into a free row or a new one, and first into its visit's chain.
func (s *State) putLine(visit uint32, l *LineInput, position Position) {
	row := FeeLine{Serial: l.Serial, Batch: l.Batch, Text: l.Text, At: position, Count: l.Count, Amount: int32(l.Amount), Fulamt: int32(l.Fulamt),
		Overlmt: int32(l.Overlmt), Preselfpay: int32(l.Preselfpay), Visit: visit, Next: s.Visits.At(visit).Lines}
	if l.Init != 0 {
		of, _ := s.findLine(visit, l.Init)
		row.Init = of + 1
		r := s.FeeLines.Mut(of)
		r.Returned, r.ReturnedAmount = r.Returned-row.Count, r.ReturnedAmount-row.Amount
	}
	rows := &s.Scalars.Mut(0).Visits
	n := rows.FreeLine
	if n == 0 {
		n = s.FeeLines.Append(row) + 1
	} else {
		rows.FreeLine = s.FeeLines.At(n - 1).Next
		*s.FeeLines.Mut(n - 1) = row
	}
	rows.Lines++
	if row.Next != 0 {
		s.FeeLines.Mut(row.Next - 1).Prev = n
	}
	v := s.Visits.Mut(visit)
	v.Lines = n
	v.LineCount++
	s.bySerial.insert(lineHash(visit, row.Serial), n-1, s.hashOfLine)
}

// freeLine takes a line out of its visit and gives its row back. What it returned is the caller's to give back.
func (s *State) freeLine(n uint32) {
	l := *s.FeeLines.At(n)
	s.bySerial.remove(lineHash(l.Visit, l.Serial), n, s.hashOfLine)
	v := s.Visits.Mut(l.Visit)
	if v.LineCount--; l.Prev == 0 {
		v.Lines = l.Next
	} else {
		s.FeeLines.Mut(l.Prev - 1).Next = l.Next
	}
	if l.Next != 0 {
		s.FeeLines.Mut(l.Next - 1).Prev = l.Prev
	}
	rows := &s.Scalars.Mut(0).Visits
	*s.FeeLines.Mut(n) = FeeLine{Next: rows.FreeLine}
	rows.FreeLine = n + 1
	rows.Lines--
}

// sweepVisits looks at the next sweepRows rows round the table and frees those that are gone, at most sweepLines lines: a large visit takes several
// commands. No outcome depends on it but visits_full.
func (s *State) sweepVisits(day int32) {
	lines := 0
	for range min(sweepRows, s.Visits.Len()) {
		hand := s.Scalars.At(0).Visits.Hand
		if hand >= s.Visits.Len() {
			hand = 0
		}
		if v := s.Visits.At(hand); v.Opened != 0 && day >= v.Gone {
			for v.Lines != 0 && lines < sweepLines {
				s.freeLine(v.Lines - 1)
				v = s.Visits.At(hand)
				lines++
			}
			if v.Lines != 0 {
				s.Scalars.Mut(0).Visits.Hand = hand
				return
			}
			s.freeVisit(hand)
		}
		s.Scalars.Mut(0).Visits.Hand = hand + 1
	}
}
