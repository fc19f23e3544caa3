package command

import "gongji/engine/ledger"

// stepsAll are the bits of ledger.Command.Steps.
const stepsAll = ledger.StepDataConsent | ledger.StepApplication | ledger.StepFace

// relation is the content of the commands about bindings and families.
func relation(c *codec, cmd *ledger.Command) {
	m := cmd.More
	switch cmd.Kind {
	case ledger.KindBinding:
		c.key(&cmd.Person)
		c.key(&cmd.Other)
		c.u8(&cmd.Relation)
		number(c, &cmd.Order, 999)
		c.u8(&cmd.Channel)
		c.u8(&cmd.Login)
		number(c, &cmd.Steps, stepsAll)
		c.key(&m.Commitment)
		c.key(&m.Questions)
	case ledger.KindUnbinding:
		c.key(&cmd.Person)
		c.flag(&cmd.AsUser)
		c.u8(&cmd.Channel)
		number(c, &cmd.Steps, stepsAll)
		numbers(c, &m.Bindings, 1, ledger.UnbindingsMax)
	case ledger.KindBindingConsent:
		c.key(&cmd.Person)
		number(c, &cmd.Binding, 1<<32-1)
		c.flag(&cmd.Accept)
		number(c, &cmd.Steps, stepsAll)
	case ledger.KindBindingReview:
		number(c, &cmd.Binding, 1<<32-1)
		c.flag(&cmd.Accept)
	case ledger.KindBindingWithdraw:
		c.key(&cmd.Person)
		number(c, &cmd.Binding, 1<<32-1)
	case ledger.KindForcedUnbinding:
		number(c, &cmd.Binding, 1<<32-1)
		number(c, &cmd.Reason, ledger.EndReasonsMax)
		c.bad = c.bad || cmd.Reason == 0
		c.key(&cmd.Person)
		c.key(&cmd.Other)
	case ledger.KindDebitOrder:
		c.key(&cmd.Person)
		numbers(c, &m.Bindings, 0, ledger.OrderMax)
	case ledger.KindFamilyOpen:
		c.key(&cmd.Person)
		c.u8(&cmd.Channel)
	case ledger.KindFamilyDissolution:
		c.key(&cmd.Person)
		number(c, &cmd.Binding, 1<<32-1)
		c.u8(&cmd.Channel)
	}
}

// numbers is a list of binding numbers.
func numbers(c *codec, list *[]uint32, least, most uint64) {
	n := uint64(len(*list))
	c.uint(&n, most)
	c.bad = c.bad || n < least
	for i := 0; i < int(n) && !c.bad; i++ {
		if !c.writing {
			*list = append(*list, 0)
		}
		number(c, &(*list)[i], 1<<32-1)
	}
}
