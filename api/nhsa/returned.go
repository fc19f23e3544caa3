package nhsa

import (
	"gongji/engine"
	"gongji/engine/ledger"
)

// left is what of a charge has not been returned, in fen.
type left struct {
	serial     uint64
	row        uint32 // of the charge, + 1; 0: it comes with the same upload
	unreturned [4]int64
}

const (
	partFulamt = iota
	partOverlmt
	partPreselfpay
	partInscp
)

// meetRows gives lines that the ledger has already the parts they have there, so that a line sent again is the same line whatever the catalogue has become of,
// and returns their parts: those of their charge, not those of today's catalogue, or a charge and its return would not cancel out.
func (f *face) meetRows(m *message) fault {
	m.charges = m.charges[:0]
	returns := false
	for i := range m.more.Lines {
		if n := m.more.Lines[i].Init; n != 0 {
			returns = true
			if m.chargeOf(n) == nil {
				m.charges = append(m.charges, left{serial: n})
			}
		}
	}
	m.known = append(m.known[:0], make([]bool, len(m.lines))...)
	if x := f.ask(func(v engine.View) {
		visit, found := v.State.FindVisit(m.cmd.Visit, ledger.DayOf(v.TimeMS))
		if !found {
			return
		}
		for i := range m.more.Lines {
			if n, found := v.State.FindLine(visit, m.more.Lines[i].Serial); found {
				m.known[i] = m.takeRow(i, v.State.FeeLines.At(n))
			}
		}
		if returns {
			m.readCharges(v.State, visit)
		}
	}); x.bad() {
		return x
	}
	for i := range m.more.Lines {
		m.split(i)
	}
	return fault{}
}

// takeRow takes the parts of a row if it is the line that was sent again.
func (m *message) takeRow(i int, row *ledger.FeeLine) bool {
	in, p := &m.more.Lines[i], &m.lines[i].Parts
	if row.Text != in.Text || row.Batch != in.Batch || row.Count != in.Count || int64(row.Amount) != in.Amount {
		return false
	}
	p.Fulamt, p.Overlmt, p.Preselfpay, p.Inscp = int64(row.Fulamt), int64(row.Overlmt), int64(row.Preselfpay), row.Inscp()
	return true
}

// readCharges fills in what is left of the charges that are returned. One walk over the visit's lines, as every settlement of it makes.
func (m *message) readCharges(s *ledger.State, visit uint32) {
	for i := range m.charges {
		c := &m.charges[i]
		n, found := s.FindLine(visit, c.serial)
		if !found {
			continue
		}
		c.row = n + 1
		c.add(s.FeeLines.At(n))
	}
	s.Lines(visit, 0, int(s.Visits.At(visit).LineCount), func(l *ledger.FeeLine) {
		if l.Init == 0 {
			return
		}
		for i := range m.charges {
			if m.charges[i].row == l.Init {
				m.charges[i].add(l)
			}
		}
	})
}

func (c *left) add(l *ledger.FeeLine) {
	for i, v := range [...]int64{int64(l.Fulamt), int64(l.Overlmt), int64(l.Preselfpay), l.Inscp()} {
		c.unreturned[i] += v
	}
}

func (m *message) chargeOf(serial uint64) *left {
	for i := range m.charges {
		if m.charges[i].serial == serial {
			return &m.charges[i]
		}
	}
	return nil
}

// split gives a return its parts and notes what a charge of this upload has to give.
func (m *message) split(i int) {
	in, p := &m.more.Lines[i], &m.lines[i].Parts
	if in.Init == 0 {
		if c := m.chargeOf(in.Serial); c != nil && c.row == 0 {
			c.unreturned = [4]int64{p.Fulamt, p.Overlmt, p.Preselfpay, p.Inscp}
		}
		return
	}
	if m.known[i] {
		return
	}
	back := m.chargeOf(in.Init).take(-in.Amount)
	p.Fulamt, p.Overlmt, p.Preselfpay, p.Inscp = -back[partFulamt], -back[partOverlmt], -back[partPreselfpay], -back[partInscp]
}

// take shares an amount out over what is left of a charge, in proportion, each part rounded so that none gets more than it has and all together make
// the amount: the differences of the rounded-down shares of 0, 1, 2, 3 and 4 parts. The last return takes what is left to the fen. More than is left
// is all full self-pay: the ledger refuses it.
func (c *left) take(amount int64) (back [4]int64) {
	all := int64(0)
	for _, v := range c.unreturned {
		all += v
	}
	if amount > all || all == 0 {
		return [4]int64{partFulamt: amount}
	}
	sum, before := int64(0), int64(0)
	for i, v := range c.unreturned {
		sum += v
		upTo := sum * amount / all // two amounts of 31 bits
		back[i] = upTo - before
		before = upTo
		c.unreturned[i] -= back[i]
	}
	return back
}
