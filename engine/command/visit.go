package command

import "gongji/engine/ledger"

// visit is the content of the commands about visits and fee lines: whose visit it is, the digest of its texts, and what the kind has.
func visit(c *codec, cmd *ledger.Command) {
	x := &cmd.More.Visit
	c.code(&cmd.Institution)
	c.key(&cmd.Person)
	c.u64(&x.Text)
	if cmd.Kind != ledger.KindVisitOpen {
		number(c, &cmd.Visit, 1<<63)
	}
	switch cmd.Kind {
	case ledger.KindVisitOpen:
		c.u8((*uint8)(&x.Kind))
		c.bad = c.bad || x.Kind < ledger.Registration || x.Kind > ledger.Stay
		c.day(&cmd.Day)
		number(c, &x.MedType, typeMax)
		number(c, &x.Insutype, typeMax)
		c.u64(&x.Number)
	case ledger.KindVisitChange:
		number(c, &x.MedType, typeMax)
	case ledger.KindLinesAdd:
		lines(c, &cmd.More.Lines)
	case ledger.KindLinesRemove:
		removal(c, cmd)
	case ledger.KindDischarge:
		c.day(&cmd.Day)
	}
}

func removal(c *codec, cmd *ledger.Command) {
	m := cmd.More
	c.u8((*uint8)(&m.Visit.Mode))
	switch m.Visit.Mode {
	case ledger.RemoveAll:
	case ledger.RemoveBatch:
		c.u64(&cmd.Batch)
	case ledger.RemoveSerials:
		list(c, &m.Serials, func(n *uint64) { serial(c, n, 1) })
	default:
		c.bad = true
	}
}

func lines(c *codec, all *[]ledger.LineInput) {
	list(c, all, func(l *ledger.LineInput) {
		serial(c, &l.Serial, 1)
		serial(c, &l.Init, 0)
		c.u64(&l.Batch)
		c.u64(&l.Text)
		c.signed(&l.Count)
		c.signed(&l.Amount)
		c.signed(&l.Fulamt)
		c.signed(&l.Overlmt)
		c.signed(&l.Preselfpay)
	})
}

func serial(c *codec, n *uint64, least uint64) {
	c.uint(n, ledger.SerialMax)
	c.bad = c.bad || *n < least
}

// list is 1 to ledger.LinesMax elements.
func list[T any](c *codec, all *[]T, one func(*T)) {
	n := uint64(len(*all))
	c.uint(&n, ledger.LinesMax)
	c.bad = c.bad || n < 1
	for i := 0; i < int(n) && !c.bad; i++ {
		if !c.writing {
			var zero T
			*all = append(*all, zero)
		}
		one(&(*all)[i])
	}
}
