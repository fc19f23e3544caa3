package ledger

import "fmt"

// PostLeg moves one leg on its account and fills in balance after and previous position. Only the owner of the account's page may call it.
func PostLeg(s *State, l *Leg, position Position) {
	n := l.Account.Number()
	switch l.Account.Kind() {
	case KindPersonal:
		p := s.Persons.Mut(n)
		p.Balance += l.Amount
		l.After, l.Prev = p.Balance, p.Last
		p.Last = position
	case KindFamily:
		a := s.Families.Mut(n)
		a.Balance += l.Amount
		l.After, l.Prev = a.Balance, a.Last
		a.Last = position
	default:
		panic(fmt.Sprintf("BUG: leg on account %x", uint64(l.Account)))
	}
	if l.After < 0 || l.Amount == 0 || l.Prev > position { // P2 and the account's chain, always on
		panic(fmt.Sprintf("BUG: account %x at %d fen after %d at position %d, its entry before at %d", uint64(l.Account), l.After, l.Amount, position, l.Prev))
	}
}

// mustBalance is P1 of one entry, always on: its legs and what it moved on accounts without a chain add up to nothing.
func mustBalance(f *Effect, fx *Effects, moved int64, position Position) {
	legs := fx.LegsOf(f)
	for i := range legs {
		moved += legs[i].Amount
	}
	if moved != 0 {
		panic(fmt.Sprintf("BUG: the entry at position %d, kind %d outcome %d, adds up to %d fen (P1)", position, f.Kind, f.Outcome, moved))
	}
}

// PostSums moves what needs the order of the whole batch: the institution's payable and its chain, premium payable, area dues, fund bank, funding
// source and credit run. day is the ledger's; commands in log order, when nobody else uses the state. It gives what it moved, in fen, and sees to it that the
// entry balances (P1).
func PostSums(s *State, day int32, f *Effect, fx *Effects, position Position) (moved int64) {
	if f.Outcome == Accepted {
		moved = s.postSums(day, f, fx, position)
	}
	mustBalance(f, fx, moved, position)
	return moved
}

func (s *State) postSums(day int32, f *Effect, fx *Effects, position Position) (moved int64) {
	if f.Mulaid != 0 || f.Funding != 0 { // the own account never crosses, and most settlements have nothing else
		postDues(s, day, f, fx.LegsOf(f))
	}
	switch f.Kind {
	case KindSettlement:
		return s.postInstitution(f, f.AcctPay(), position)
	case KindReversalByID, KindReversalByMessage:
		if f.IsRedo() {
			return s.postInstitution(f, f.AcctPay(), position)
		}
		return s.postInstitution(f, -f.AcctPay(), position)
	case KindPremium:
		s.Scalars.Mut(0).Premium[f.Source] += f.Funding
		return f.Funding
	case KindPremiumRefund:
		s.Scalars.Mut(0).Premium[f.Source] -= f.Funding
		return -f.Funding
	case KindAccountDebit:
		s.Scalars.Mut(0).Bank[f.Source] += f.Funding
		return f.Funding
	case KindCredit:
		s.Scalars.Mut(0).Funding[f.Source] -= f.Funding
		if f.Run != 0 {
			r := s.Runs.Mut(f.Run - 1)
			r.CountDone++
			r.AmountDone += f.Funding
		}
		return -f.Funding
	}
	return 0
}

// postInstitution moves an institution's payable and makes the effect the newest of its chain.
func (s *State) postInstitution(f *Effect, amount int64, position Position) int64 {
	i := s.Institutions.Mut(f.Institution)
	i.Payable += amount
	f.InstPrev, i.Last = i.Last, position
	return amount
}

// PostBalc fills the own balance of the patient (R8) once the legs up to and including this command's are posted, and puts an effect that is
// an entry of his account without a leg into its chain. Owner of the patient only.
func PostBalc(s *State, f *Effect, position Position) {
	if f.Outcome != Accepted && f.Outcome != AmountChanged {
		return
	}
	switch f.Kind {
	case KindSettlement, KindReversalByID, KindReversalByMessage:
		f.Balc = s.Persons.At(f.Patient).Balance
		if f.Outcome == AmountChanged {
			f.Balc -= f.Own
		}
		if f.Chained() && s.Persons.At(f.Patient).Last != position { // a reversal may have come back to him from his dissolved family
			p := s.Persons.Mut(f.Patient)
			f.Prev, p.Last = p.Last, position
		}
	}
}

// StateFunds reads balances from the state: the funds of the serial rule.
type StateFunds struct{ State *State }

// Available is the account's balance.
func (f StateFunds) Available(a AccountID) int64 { return f.State.Balance(a) }
