package command

import "gongji/engine/ledger"

func structural(c *codec, cmd *ledger.Command, d *Details) {
	m := cmd.More
	switch cmd.Kind {
	case ledger.KindGenesis:
		c.fixed(m.Ledger[:])
	case ledger.KindPolicy:
		policy(c, &m.Policy)
		c.text(&d.Text, ProfileMax)
	case ledger.KindDayKey:
		c.day(&cmd.Day)
		c.fixed(m.Hash[:])
		c.text(&m.Sealed, ledger.SealedKeyMax)
	case ledger.KindDayKeyPublish:
		c.day(&cmd.Day)
		c.fixed(m.Key[:])
	case ledger.KindPerson:
		person(c, cmd, d)
	case ledger.KindEnrolment:
		c.key(&cmd.Person)
		if !c.writing {
			m.Enrolments = append(m.Enrolments, ledger.Enrolment{})
		}
		enrolment(c, &m.Enrolments[0])
	case ledger.KindInstitutionAdd:
		c.code(&cmd.Institution)
		c.u8(&cmd.InstitutionOf)
		number(c, &cmd.Area, typeMax)
		c.u8(&d.Level)
		c.text(&d.Text, NameMax)
	case ledger.KindRunOpen:
		c.key(&cmd.Other)
		c.u8(&cmd.Source)
		number(c, &cmd.Period, 1<<32-1)
		c.fen(&cmd.Count)
		c.fen(&cmd.Amount)
		c.text(&d.Text, RunIDMax)
	case ledger.KindRunClose:
		c.key(&cmd.Other)
	default:
		relation(c, cmd)
	}
}

func person(c *codec, cmd *ledger.Command, d *Details) {
	c.key(&cmd.Person)
	c.key(&cmd.Other)
	c.day(&cmd.Birth)
	number(c, &cmd.Area, typeMax)
	number(c, &cmd.Has, 3)
	number(c, &d.CertType, typeMax)
	c.u8(&d.Sex)
	c.text(&d.Text, PsnNoMax)
	m := cmd.More
	n := uint64(len(m.Enrolments))
	c.uint(&n, enrolmentsLimit)
	for i := 0; i < int(n) && !c.bad; i++ {
		if !c.writing {
			m.Enrolments = append(m.Enrolments, ledger.Enrolment{})
		}
		enrolment(c, &m.Enrolments[i])
	}
}

func enrolment(c *codec, e *ledger.Enrolment) {
	number(c, &e.Insutype, 1<<16-1)
	c.u8(&e.Status)
	c.bad = c.bad || e.Status > statusMax
	number(c, &e.Area, typeMax)
	c.day(&e.Begin)
	c.day(&e.End)
}
