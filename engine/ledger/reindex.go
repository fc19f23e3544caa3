package ledger

// Reindex rebuilds the indexes after tables were loaded.
func (s *State) Reindex() {
	s.ReindexFew()
	for _, job := range s.ReindexMany() {
		job()
	}
}

// ReindexFew is the part of Reindex that looks at small tables.
func (s *State) ReindexFew() {
	s.byCode, s.byCard, s.byPassword = index{}, index{}, index{}
	s.byHolder, s.byCreator = index{}, index{}
	s.reindexVisits()
	s.reindexSummaries()
	s.byRun, s.byDay = map[Key]uint32{}, map[int32]uint32{}
	s.byPair, s.dueHeads = map[uint64]uint32{}, nil
	for i := uint32(0); i < s.AreaDues.Len(); i++ {
		s.indexDue(i)
	}
	for i := uint32(0); i < s.Institutions.Len(); i++ {
		s.indexInstitution(i)
	}
	for i := uint32(0); i < s.Credentials.Len(); i++ {
		s.indexCredential(i)
		s.chainCard(i)
	}
	for i := uint32(0); i < s.Families.Len(); i++ {
		if s.Families.At(i).Until == 0 {
			s.indexFamily(i)
		}
	}
	for i := uint32(0); i < s.Passwords.Len(); i++ {
		s.indexPassword(i)
	}
	for i := uint32(0); i < s.Runs.Len(); i++ {
		s.byRun[s.Runs.At(i).Key] = i
	}
	for i := uint32(0); i < s.DayKeys.Len(); i++ {
		s.byDay[s.DayKeys.At(i).Day] = i
	}
}

// ReindexMany gives the rest of Reindex as jobs that may run at the same time, also beside readers of the tables.
func (s *State) ReindexMany() []func() {
	return []func(){
		func() { s.byKey = indexOf(s.byKey.advise, s.Persons, func(p *Person) uint64 { return p.Key.hash() }) },
		func() {
			s.byTail = index{}
			for i := uint32(0); i < s.BindingTails.Len(); i++ {
				s.indexTail(i)
			}
		},
		func() {
			s.byPseudonym = indexOf(s.byPseudonym.advise, s.Persons, func(p *Person) uint64 { return p.Pseudonym.hash() })
		},
		func() {
			s.pending = map[uint32]uint32{}
			for i := uint32(0); i < s.Bindings.Len(); i++ {
				if b := s.Bindings.At(i); b.State == Invited || b.State == InReview {
					s.pending[b.User] = i + 1 // the chain goes down in number, so the last one met is its head
				}
			}
		},
	}
}

// indexAhead slots are looked at before they are filled: the loads do not depend on one another, so their cache misses overlap.
const indexAhead = 64

// indexOf builds the index of all rows of a table, at its final size.
func indexOf[T any](advise func([]uint32), t *Table[T], hashOf func(*T) uint64) index {
	x := index{advise: advise}
	size := uint64(indexSlotsMin)
	for 4*uint64(t.Len()) > 3*size {
		size *= 2
	}
	x.take(int(size))
	var hashes [indexAhead]uint64
	for x.used < t.Len() {
		n := min(indexAhead, t.Len()-x.used)
		for i := range n {
			hashes[i] = hashOf(t.At(x.used + i))
		}
		x.look(hashes[:n])
		for i := range n {
			x.place(hashes[i], x.used+i)
		}
		x.used += n
	}
	return x
}

// look loads the slots in which the hashes begin. The sum only keeps the compiler from dropping the loads.
//
//go:noinline
func (x *index) look(hashes []uint64) (sum uint32) {
	mask := uint64(len(x.slots) - 1)
	for _, h := range hashes {
		sum += x.slots[h&mask]
	}
	return sum
}
