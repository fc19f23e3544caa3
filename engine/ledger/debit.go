package ledger

// Reasons of account debits (R26). The number is part of the log and the number of the fund bank's account that takes the money.
const (
	DebitCorrection  = 1 // of what was credited wrongly
	DebitEstate      = 2 // to the heirs
	DebitTransferOut = 3 // with the person to another place of insurance
	DebitCashOut     = 4 // to the person himself
)

// decideAccountDebit is command 30 (R26): money leaves an account outside settlements, by two persons, whole or not at all.
func decideAccountDebit[F Funds](s *State, cmd *Command, funds F, f *Effect, fx *Effects) {
	if cmd.Amount < 1 || cmd.Amount > AmountMax {
		f.Outcome = AmountRange
		return
	}
	if cmd.Other == cmd.Second {
		f.Outcome = SameOperator
		return
	}
	person, ok := s.FindPerson(cmd.Person)
	if !ok {
		f.Outcome = UnknownPerson
		return
	}
	if !s.shared(person).HasAccount() {
		f.Outcome = NoAccount
		return
	}
	account := Account(KindPersonal, person)
	if funds.Available(account) < cmd.Amount {
		f.Outcome = ShortOfFunds
		return
	}
	f.Outcome, f.Funding, f.Source = Accepted, cmd.Amount, cmd.Source
	fx.setLegs(f, []Leg{{Account: account, Amount: -cmd.Amount}})
}
