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

// SettledBy is the living settlement that took a line; 0: it is unsettled.
func (l *FeeLine) SettledBy() Position {
	if l.Free != 0 {
		return 0
	}
	return l.Taken
}

// isTaken reports whether a settlement of a batch (0: all) takes a line.
func (l *FeeLine) isTaken(batch uint64) bool {
	return l.SettledBy() == 0 && (batch == 0 || l.Batch == batch)
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
		settled = settled || batch != 0 && l.Batch == batch && l.SettledBy() != 0
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
			l := s.FeeLines.Mut(n - 1)
			l.Taken, l.Free = position, 0
			f.Number++
		}
	}
	if v.Newest = position; v.Kind == Stay && !cmd.Interim {
		v.Final, f.Source = position, finalBill
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
		if s.FeeLines.At(n-1).SettledBy() == settlement {
			s.FeeLines.Mut(n - 1).Free = 1
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

// finalBill is the Source of the effect of a stay's final settlement: its redo makes it final again.
const finalBill = 1

// checkUnsettled says whether a redo may settle the lines again that a cancel has given back: all of them, and none else (DESIGN.md 12.4). Serial rule
// or resolver only.
func (s *State) checkUnsettled(c *Context, settlement Position, cancel *Effect) Outcome {
	if cancel.Visit == 0 || cancel.Number == 0 { // no visit, or one that was gone before the cancel: nobody can have settled its lines since
		return 0
	}
	visit, found := s.FindVisit(cancel.Visit, c.Day)
	if !found {
		return VisitUnknown
	}
	v := s.Visits.At(visit)
	if v.Final != 0 {
		return StaySettled
	}
	again := uint32(0)
	for n := v.Lines; n != 0; {
		l := s.FeeLines.At(n - 1)
		n = l.Next
		switch {
		case l.gaveUp(settlement):
			again++
		case l.Init != 0 && s.FeeLines.At(l.Init-1).gaveUp(settlement): // returned since
			return LinesDiffer
		}
	}
	if again != cancel.Number {
		return LinesDiffer
	}
	return 0
}

// gaveUp reports an unsettled line that a settlement took last.
func (l *FeeLine) gaveUp(settlement Position) bool { return l.Taken == settlement && l.Free != 0 }

// settleAgain gives the lines of a redone settlement back to it, all that a cancel gave to their visit.
func (s *State) settleAgain(c *Context, settlement *Effect, at Position, cancel *Effect, f *Effect) {
	f.Visit, f.Number = cancel.Visit, cancel.Number
	if cancel.Number == 0 {
		return
	}
	visit, _ := s.FindVisit(cancel.Visit, c.Day)
	v := s.Visits.Mut(visit)
	for n := v.Lines; n != 0; n = s.FeeLines.At(n - 1).Next {
		if s.FeeLines.At(n - 1).gaveUp(at) {
			s.FeeLines.Mut(n - 1).Free = 0
		}
	}
	if settlement.Source == finalBill {
		v.Final = at
	}
	v.keepFrom(c.Day)
}
