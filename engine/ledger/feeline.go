package ledger

// charge is a charge of the visit as a line of a command meets it: a row, or an earlier line of the same command.
type charge struct {
	batch          uint64
	settled        bool
	count, amount  int64
	returned       int64 // by rows
	returnedAmount int64
}

// addLines is command 43: everything is judged before anything is written.
func (s *State) addLines(c *Context, cmd *Command, v uint32, position Position, f *Effect, fx *Effects) Outcome {
	switch row := s.Visits.At(v); {
	case !row.takesLines(c.Day):
		return VisitClosed
	case row.Final != 0:
		return StaySettled
	}
	lines := cmd.More.Lines
	var repeats [LinesMax]bool
	added, settled := uint32(0), s.settledBatches(v, lines)
	for i := range lines {
		repeat, o := s.judgeLine(v, lines, i, settled[i])
		if o != 0 {
			fx.setItem(f, Item{Binding: uint32(i), Outcome: o})
			return o
		}
		if repeats[i] = repeat; !repeat {
			added++
		}
	}
	n := &s.Scalars.At(0).Visits
	switch {
	case added == 0:
	case s.Visits.At(v).LineCount+added > c.Policy.VisitLines:
		return LinesLimit
	case uint64(n.Visits)+uint64(n.Lines)+uint64(added) > uint64(c.Policy.VisitRows):
		return VisitsFull
	}
	for i := range lines { // nothing can fail any more
		if !repeats[i] {
			s.putLine(v, &lines[i], position)
		}
	}
	f.Number = added
	return Accepted
}

// settledBatches says of which lines the visit has settled ones of the same batch, in one walk over the visit.
func (s *State) settledBatches(v uint32, lines []LineInput) (settled [LinesMax]bool) {
	for n := s.Visits.At(v).Lines; n != 0; {
		l := s.FeeLines.At(n - 1)
		n = l.Next
		if l.Settled == 0 || l.Batch == 0 {
			continue
		}
		for i := range lines {
			settled[i] = settled[i] || lines[i].Batch == l.Batch
		}
	}
	return settled
}

// judgeLine judges line i as if the lines before it were there already; settled: its batch is.
func (s *State) judgeLine(v uint32, lines []LineInput, i int, settled bool) (repeat bool, o Outcome) {
	l := &lines[i]
	if n, found := s.findLine(v, l.Serial); found {
		if s.lineIs(n, l) {
			return true, 0
		}
		return false, LineExists
	}
	for j := range lines[:i] {
		if lines[j].Serial == l.Serial {
			if lines[j] == *l {
				return true, 0
			}
			return false, LineExists
		}
	}
	if o := l.check(); o != 0 {
		return false, o
	}
	if settled {
		return false, BatchSettled
	}
	if l.Init != 0 {
		return false, s.judgeReturn(v, lines, i)
	}
	return false, 0
}

// check judges a line by itself: a return is a charge with all signs turned.
func (l *LineInput) check() Outcome {
	sign := int64(1)
	if l.Init != 0 {
		sign = -1
	}
	isIn := func(x, least, most int64) bool {
		return x >= -AmountMax && x <= AmountMax && sign*x >= least && sign*x <= most
	}
	if !isIn(l.Count, 1, AmountMax) || !isIn(l.Amount, 0, LineAmountMax) {
		return AmountRange
	}
	if !isIn(l.Fulamt, 0, LineAmountMax) || !isIn(l.Overlmt, 0, LineAmountMax) || !isIn(l.Preselfpay, 0, LineAmountMax) ||
		sign*(l.Amount-l.Fulamt-l.Overlmt-l.Preselfpay) < 0 {
		return AmountParts
	}
	return 0
}

// judgeReturn holds a return against its charge and against all other returns of it (R29).
func (s *State) judgeReturn(v uint32, lines []LineInput, i int) Outcome {
	l := &lines[i]
	of, found := s.chargeOf(v, lines[:i], l.Init)
	switch {
	case !found || of.batch != l.Batch:
		return LineUnknown
	case of.settled:
		return LineSettled
	}
	count, amount := of.returned-l.Count, of.returnedAmount-l.Amount
	for j := range lines[:i] {
		if lines[j].Init == l.Init && s.isNew(v, lines, j) {
			count, amount = count-lines[j].Count, amount-lines[j].Amount
		}
	}
	if count > of.count || amount > of.amount {
		return ReturnExceeds
	}
	return 0
}

// isNew reports whether line j is not a repeat of a row or of an earlier line.
func (s *State) isNew(v uint32, lines []LineInput, j int) bool {
	if _, found := s.findLine(v, lines[j].Serial); found {
		return false
	}
	for k := range lines[:j] {
		if lines[k].Serial == lines[j].Serial {
			return false
		}
	}
	return true
}

func (s *State) chargeOf(v uint32, earlier []LineInput, serial uint64) (of charge, found bool) {
	if n, found := s.findLine(v, serial); found {
		r := s.FeeLines.At(n)
		return charge{batch: r.Batch, settled: r.Settled != 0, count: r.Count, amount: int64(r.Amount), returned: r.Returned, returnedAmount: int64(r.ReturnedAmount)}, r.Init == 0
	}
	for j := range earlier {
		if l := &earlier[j]; l.Serial == serial {
			return charge{batch: l.Batch, count: l.Count, amount: l.Amount}, l.Init == 0
		}
	}
	return of, false
}

// lineIs reports whether a row is what a line says.
func (s *State) lineIs(n uint32, l *LineInput) bool {
	r := s.FeeLines.At(n)
	init := uint64(0)
	if r.Init != 0 {
		init = s.FeeLines.At(r.Init - 1).Serial
	}
	return LineInput{Serial: r.Serial, Init: init, Batch: r.Batch, Text: r.Text, Count: r.Count, Amount: int64(r.Amount), Fulamt: int64(r.Fulamt),
		Overlmt: int64(r.Overlmt), Preselfpay: int64(r.Preselfpay)} == *l
}

// batchOf says whether a visit has lines of a batch, and settled ones among them.
func (s *State) batchOf(v uint32, batch uint64) (has, settled bool) {
	for n := s.Visits.At(v).Lines; n != 0; {
		l := s.FeeLines.At(n - 1)
		n = l.Next
		if l.Batch == batch {
			has, settled = true, settled || l.Settled != 0
		}
	}
	return has, settled
}

// removeLines is command 44.
func (s *State) removeLines(c *Context, cmd *Command, v uint32, f *Effect, fx *Effects) Outcome {
	if !s.Visits.At(v).takesLines(c.Day) {
		return VisitClosed
	}
	switch cmd.More.Visit.Mode {
	case RemoveAll:
		f.Number = s.removeIf(v, func(l *FeeLine) bool { return l.Settled == 0 })
	case RemoveBatch:
		switch has, settled := s.batchOf(v, cmd.Batch); {
		case !has:
			return LineUnknown
		case settled:
			return LineSettled
		}
		f.Number = s.removeIf(v, func(l *FeeLine) bool { return l.Batch == cmd.Batch })
	default:
		return s.removeSerials(v, cmd.More.Serials, f, fx)
	}
	return Accepted
}

// removeIf removes lines of which a charge never stays behind without its returns, or the reverse.
func (s *State) removeIf(v uint32, goes func(*FeeLine) bool) (removed uint32) {
	for n := s.Visits.At(v).Lines; n != 0; {
		l := s.FeeLines.At(n - 1)
		next := l.Next
		if goes(l) {
			s.freeLine(n - 1)
			removed++
		}
		n = next
	}
	return removed
}

func (s *State) removeSerials(v uint32, serials []uint64, f *Effect, fx *Effects) Outcome {
	var rows [LinesMax]uint32
	for i, serial := range serials {
		n, found := s.findLine(v, serial)
		for _, earlier := range serials[:i] {
			found = found && earlier != serial
		}
		o := LineUnknown
		if found {
			if rows[i], o = n, 0; s.FeeLines.At(n).Settled != 0 {
				o = LineSettled
			}
		}
		if o != 0 {
			fx.setItem(f, Item{Binding: uint32(i), Outcome: o})
			return o
		}
	}
	list := rows[:len(serials)]
	for i, n := range list {
		left := s.FeeLines.At(n).Returned
		for _, m := range list {
			if l := s.FeeLines.At(m); l.Init == n+1 {
				left += l.Count
			}
		}
		if left != 0 {
			fx.setItem(f, Item{Binding: uint32(i), Outcome: LineReturned})
			return LineReturned
		}
	}
	for _, n := range list { // nothing can fail any more
		if l := s.FeeLines.At(n); l.Init != 0 {
			of := s.FeeLines.Mut(l.Init - 1)
			of.Returned, of.ReturnedAmount = of.Returned+l.Count, of.ReturnedAmount+l.Amount
		}
	}
	for _, n := range list {
		s.freeLine(n)
	}
	f.Number = uint32(len(list))
	return Accepted
}
