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
	case ledger.KindFreeze:
		freeze(c, cmd)
	case ledger.KindPassword:
		password(c, cmd)
	case ledger.KindCredential:
		c.key(&cmd.Person)
		c.key(&cmd.Other)
		c.u8((*uint8)(&cmd.CredType))
		c.u8(&m.State)
		c.bad = c.bad || cmd.CredType != ledger.CredentialCard || m.State < ledger.CardActive || m.State > ledger.CardCancelled
	case ledger.KindPersonChange:
		change(c, cmd)
	case ledger.KindVisitOpen, ledger.KindVisitCancel, ledger.KindVisitChange, ledger.KindLinesAdd, ledger.KindLinesRemove, ledger.KindDischarge, ledger.KindDischargeCancel:
		visit(c, cmd)
	default:
		relation(c, cmd)
	}
}

// freeze names an account by the person's key or by the family's number; the other is zero.
func freeze(c *codec, cmd *ledger.Command) {
	z := &cmd.More.Freeze
	c.flag(&z.IsFamily)
	c.key(&cmd.Person)
	number(c, &z.Family, 1<<32-1)
	c.flag(&z.Frozen)
	c.u8(&z.Reason)
	c.key(&z.Operators[0])
	c.key(&z.Operators[1])
	c.bad = c.bad || z.IsFamily && !cmd.Person.IsZero() || !z.IsFamily && z.Family != 0 || z.Operators[0].IsZero() || z.Operators[1].IsZero()
}

// password has digests, of which an action has those that it needs.
func password(c *codec, cmd *ledger.Command) {
	x := &cmd.More.Secret
	c.key(&cmd.Person)
	c.u8((*uint8)(&x.Action))
	switch x.Action {
	case ledger.PasswordChange:
		c.key(&x.Old)
		c.key(&x.New)
	case ledger.PasswordSet:
		c.key(&x.New)
	case ledger.PasswordReset:
	default:
		c.bad = true
	}
}

// change has the fields that its mask names.
func change(c *codec, cmd *ledger.Command) {
	x := &cmd.More.Change
	c.key(&cmd.Person)
	c.u8(&x.Mask)
	c.bad = c.bad || x.Mask == 0 || x.Mask > ledger.ChangeAll
	if x.Mask&ledger.ChangeEvoucher != 0 {
		c.flag(&x.Evoucher)
	}
	if x.Mask&ledger.ChangeArea != 0 {
		number(c, &x.Area, typeMax)
	}
	if x.Mask&ledger.ChangeBirth != 0 {
		c.day(&x.Birth)
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
	number(c, &e.PsnType, typeMax)
	c.u8(&e.Flexible)
	c.u8((*uint8)(&e.Reason))
	c.bad = c.bad || e.Flexible > 1 || e.Reason > ledger.ReasonLast
}
