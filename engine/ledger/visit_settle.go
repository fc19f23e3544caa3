package ledger

// billedVisit finds the visit of a settlement. What it reads does not change inside a money batch, so shards may call it in any order.
func (s *State) billedVisit(c *Context, cmd *Command, b *Bill) (*Visit, Outcome) {
	v, o := s.visitAt(c, cmd.Visit, b.Institution, b.Patient)
	if o != 0 {
		return nil, o
	}
	b.Visit = v + 1
	return s.Visits.At(v), 0
}

// LineSums are the amounts of some lines of a visit, in fen.
type LineSums struct {
	Lines                                      uint32
	Amount, Fulamt, Overlmt, Preselfpay, Inscp int64
}

func (x *LineSums) add(l *FeeLine) {
	x.Lines++
	x.Amount += int64(l.Amount)
	x.Fulamt += int64(l.Fulamt)
	x.Overlmt += int64(l.Overlmt)
	x.Preselfpay += int64(l.Preselfpay)
	x.Inscp += l.Inscp()
}

// Inscp is the part in policy scope, in fen: what the other parts leave.
func (l *FeeLine) Inscp() int64 {
	return int64(l.Amount) - int64(l.Fulamt) - int64(l.Overlmt) - int64(l.Preselfpay)
}

// isTaken reports whether a settlement of a batch (0: all) takes a line.
func (l *FeeLine) isTaken(batch uint64) bool {
	return l.Settled == 0 && (batch == 0 || l.Batch == batch)
}

// UnsettledOf adds up the unsettled lines of a visit and charge batch (0: of all batches); settled: lines of that batch have been settled. It walks
// all lines of the visit. Executor's goroutine.
func (s *State) UnsettledOf(visit uint32, batch uint64) (sums LineSums, settled bool) {
	for n := s.Visits.At(visit).Lines; n != 0; {
		l := s.FeeLines.At(n - 1)
		n = l.Next
		if l.isTaken(batch) {
			sums.add(l)
		}
		settled = settled || batch != 0 && l.Batch == batch && l.Settled != 0
	}
	return sums, settled
}

// checkLines says whether a settlement may take the lines it names and they make its bill (DESIGN.md 12.4). It reads what earlier commands of a
// money batch may have changed: serial rule or resolver only.
func (s *State) checkLines(c *Context, cmd *Command, visit uint32) Outcome {
	v := s.Visits.At(visit)
	if !v.takesLines(c.Day) {
		return VisitClosed
	}
	if v.Final != 0 {
		return StaySettled
	}
	sums, settled := s.UnsettledOf(visit, cmd.Batch)
	b := &cmd.Bill
	switch {
	case settled:
		return BatchSettled
	case sums.Lines == 0,
		sums != LineSums{Lines: sums.Lines, Amount: b.Medfee, Fulamt: b.Fulamt, Overlmt: b.Overlmt, Preselfpay: b.Preselfpay, Inscp: b.Inscp}:
		return LinesDiffer
	}
	return 0
}

// settleLines marks what an accepted settlement took.
func (s *State) settleLines(c *Context, cmd *Command, visit uint32, position Position, f *Effect) {
	v := s.Visits.Mut(visit)
	for n := v.Lines; n != 0; n = s.FeeLines.At(n - 1).Next {
		if s.FeeLines.At(n - 1).isTaken(cmd.Batch) {
			s.FeeLines.Mut(n - 1).Settled = position
			f.Number++
		}
	}
	if v.Newest = position; v.Kind == Stay && !cmd.Interim {
		v.Final = position
	}
	v.keepFrom(c.Day)
	f.Visit = v.Opened
}

// unsettle gives the lines of a reversed settlement back to their visit, if it is held.
func (s *State) unsettle(c *Context, opened, settlement Position, f *Effect) {
	f.Visit = opened
	visit, found := s.FindVisit(opened, c.Day)
	if !found {
		return
	}
	v := s.Visits.Mut(visit)
	for n := v.Lines; n != 0; n = s.FeeLines.At(n - 1).Next {
		if s.FeeLines.At(n-1).Settled == settlement {
			s.FeeLines.Mut(n - 1).Settled = 0
			f.Number++
		}
	}
	if v.Final == settlement {
		v.Final = 0
	}
	if v.Kind == Registration {
		v.Expires = max(v.Expires, c.Day+1)
	}
	v.keepFrom(c.Day)
}
