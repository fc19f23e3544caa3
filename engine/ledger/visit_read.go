package ledger

// VisitsOf appends the numbers of a patient's visits that are held on a day, newest first, at most VisitsOfPersonMax. Numbers are good until the next
// structural command. Executor's goroutine.
func (s *State) VisitsOf(patient uint32, day int32, dst []uint32) []uint32 {
	for n := s.NewestVisit(patient); n != 0; {
		v := s.Visits.At(n - 1)
		if day < v.Gone {
			dst = append(dst, n-1)
		}
		n = v.NextVisit
	}
	return dst
}

// Lines calls f for at most limit lines of a visit, newest first, from a line on (0: from the newest; else what the last call gave), and gives the line
// to go on with, 0 at the end. f must not keep the row. A line with Init is a return of the line FeeLines.At(Init - 1). Executor's goroutine; a page in
// one question, as lines may have come and gone before the next.
func (s *State) Lines(visit, from uint32, limit int, f func(*FeeLine)) (next uint32) {
	if from == 0 {
		from = s.Visits.At(visit).Lines
	}
	for ; from != 0 && limit > 0; limit-- {
		l := s.FeeLines.At(from - 1)
		f(l)
		from = l.Next
	}
	return from
}

// FindLine looks a line of a visit up by its serial. Executor's goroutine.
func (s *State) FindLine(visit uint32, serial uint64) (number uint32, found bool) {
	return s.findLine(visit, serial)
}
