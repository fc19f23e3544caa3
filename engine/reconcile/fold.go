package reconcile

import (
	"errors"
	"fmt"

	"gongji/engine/ledger"
)

// Fold rebuilds every balance from the journal alone, and checks each account's and institution's chain on the way: every entry names the one before it, and a posting's
// balance after is the one before plus its amount, never below 0. It belongs to one goroutine and holds 16 bytes an account.
type Fold struct {
	accounts map[ledger.AccountID]account
	sums     map[ledger.AccountID]int64 // accounts without a chain
	undone   map[ledger.Position]struct{}
	dues     map[[2]uint32]int64        // by owing and claiming area
	newest   map[uint32]ledger.Position // by institution: its last accepted settlement or reversal
	postings uint64
}

type account struct {
	balance int64
	last    ledger.Position
}

// NewFold starts at an empty ledger.
func NewFold() *Fold {
	return &Fold{accounts: map[ledger.AccountID]account{}, sums: map[ledger.AccountID]int64{}, undone: map[ledger.Position]struct{}{},
		dues: map[[2]uint32]int64{}, newest: map[uint32]ledger.Position{}}
}

// Postings folded so far.
func (f *Fold) Postings() uint64 { return f.postings }

// Add folds the effects of the next batch.
func (f *Fold) Add(sequence uint64, fx *ledger.Effects) error {
	for i := range fx.List {
		e := &fx.List[i]
		position := ledger.At(sequence, i)
		var moved int64
		own, posted := ledger.Account(ledger.KindPersonal, e.Patient), false
		for _, l := range fx.LegsOf(e) {
			posted = posted || l.Account == own
			if l.Area != 0 {
				f.dues[[2]uint32{ledger.PoolingArea(l.Area), ledger.PoolingArea(e.Area)}] -= l.Amount
			}
			if err := f.leg(position, l); err != nil {
				return err
			}
			moved += l.Amount
		}
		if e.Chained() && !posted {
			if err := f.entry(position, e); err != nil {
				return err
			}
		}
		if err := f.counter(position, e, moved); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fold) leg(position ledger.Position, l ledger.Leg) error {
	a := f.accounts[l.Account]
	if l.Prev != a.last || l.After != a.balance+l.Amount || l.After < 0 || l.Amount == 0 {
		return fmt.Errorf("posting on account %x at position %d: %d fen to %d after position %d; the account stood at %d after position %d",
			uint64(l.Account), position, l.Amount, l.After, l.Prev, a.balance, a.last)
	}
	f.accounts[l.Account] = account{balance: l.After, last: position}
	f.postings++
	return nil
}

// entry takes a settlement or reversal that others paid into the patient's chain.
func (f *Fold) entry(position ledger.Position, e *ledger.Effect) error {
	patient := ledger.Account(ledger.KindPersonal, e.Patient)
	a := f.accounts[patient]
	if e.Prev != a.last {
		return fmt.Errorf("entry of account %x at position %d follows position %d; the last one was at %d", uint64(patient), position, e.Prev, a.last)
	}
	f.accounts[patient] = account{balance: a.balance, last: position}
	return nil
}

// counter books the other side of an entry, and refuses an entry whose sides differ.
func (f *Fold) counter(position ledger.Position, e *ledger.Effect, moved int64) error {
	if e.Outcome != ledger.Accepted {
		if moved != 0 {
			return fmt.Errorf("command at position %d was not accepted and moved %d fen", position, moved)
		}
		return nil
	}
	var other ledger.AccountID
	var want int64
	switch e.Kind {
	case ledger.KindSettlement:
		if err := f.follow(position, e); err != nil {
			return err
		}
		other, want = ledger.Account(ledger.KindInstitution, e.Institution), e.AcctPay()
	case ledger.KindReversalByID, ledger.KindReversalByMessage:
		if err := errors.Join(f.undo(position, e.First), f.follow(position, e)); err != nil {
			return err
		}
		other, want = ledger.Account(ledger.KindInstitution, e.Institution), -e.AcctPay()
	case ledger.KindPremium:
		other, want = ledger.Account(ledger.KindPremiumPayable, uint32(e.Source)), e.Funding
	case ledger.KindPremiumRefund:
		if err := f.undo(position, e.First); err != nil {
			return err
		}
		other, want = ledger.Account(ledger.KindPremiumPayable, uint32(e.Source)), -e.Funding
	case ledger.KindAccountDebit:
		other, want = ledger.Account(ledger.KindFundBank, uint32(e.Source)), e.Funding
	case ledger.KindCredit:
		other, want = ledger.Account(ledger.KindFunding, uint32(e.Source)), -e.Funding
	case ledger.KindClearing: // from an institution to the fund bank, R17
		f.sums[ledger.Account(ledger.KindInstitution, e.Institution)] -= e.Funding
		other, want = ledger.Account(ledger.KindFundBank, ledger.BankPayouts), e.Funding
		moved -= e.Funding
	default:
		if moved != 0 {
			return fmt.Errorf("entry at position %d of kind %d does not balance: %d fen", position, e.Kind, moved)
		}
		return nil
	}
	if want != -moved {
		return fmt.Errorf("entry at position %d does not balance: legs %d fen, other side %d", position, moved, want)
	}
	f.sums[other] += want
	return nil
}

// follow takes a settlement or reversal into its institution's chain.
func (f *Fold) follow(position ledger.Position, e *ledger.Effect) error {
	if last := f.newest[e.Institution]; e.InstPrev != last {
		return fmt.Errorf("entry of institution %d at position %d follows position %d; the last one was at %d", e.Institution, position, e.InstPrev, last)
	}
	f.newest[e.Institution] = position
	return nil
}

// undo notes that an entry has been given back; once is all.
func (f *Fold) undo(position, original ledger.Position) error {
	if _, twice := f.undone[original]; twice {
		return fmt.Errorf("entry at position %d undone again at %d", original, position)
	}
	f.undone[original] = struct{}{}
	return nil
}

// Compare holds the folded balances against a state.
func (f *Fold) Compare(s *ledger.State) error {
	var sum int64
	for a, b := range f.accounts {
		if got := s.Balance(a); got != b.balance {
			return fmt.Errorf("account %x holds %d fen, the journal adds to %d", uint64(a), got, b.balance)
		}
		sum += b.balance
	}
	for a, b := range f.sums {
		if got := s.Balance(a); got != b {
			return fmt.Errorf("account %x holds %d fen, the journal adds to %d", uint64(a), got, b)
		}
		sum += b
	}
	for i := range s.Institutions.Len() {
		if got := s.Institutions.At(i).Last; got != f.newest[i] {
			return fmt.Errorf("institution %d's last entry is at position %d, the journal's at %d", i, got, f.newest[i])
		}
	}
	if err := f.compareDues(s); err != nil {
		return err
	}
	if sum != 0 {
		return fmt.Errorf("the journal's accounts add to %d fen", sum)
	}
	if err := f.compareTotals(s.Totals()); err != nil {
		return err
	}
	if t := s.Totals(); t.Sum() != 0 {
		return fmt.Errorf("the accounts add to %d fen: %+v", t.Sum(), t)
	}
	return nil
}

// compareDues holds both sides of every area due against the legs that crossed.
func (f *Fold) compareDues(s *ledger.State) error {
	for p, want := range f.dues {
		if got, claim := s.Balance(ledger.DueAccount(p[0], p[1], false)), s.Balance(ledger.DueAccount(p[0], p[1], true)); got != want || claim != -want {
			return fmt.Errorf("area %d owes area %d %d fen and that claims %d, the journal adds to %d", p[0], p[1], got, claim, want)
		}
	}
	return nil
}

// compareTotals holds the sums by account kind, the trial balance, against what the postings add to.
func (f *Fold) compareTotals(held ledger.Totals) error {
	sums := map[ledger.AccountKind]int64{}
	for a, b := range f.accounts {
		sums[a.Kind()] += b.balance
	}
	for a, b := range f.sums {
		sums[a.Kind()] += b
	}
	want := ledger.Totals{Personal: sums[ledger.KindPersonal], Family: sums[ledger.KindFamily], Institution: sums[ledger.KindInstitution],
		Premium: sums[ledger.KindPremiumPayable], FundBank: sums[ledger.KindFundBank], Funding: sums[ledger.KindFunding]}
	for _, due := range f.dues {
		want.AreaOwed += due
		want.AreaClaimed -= due
	}
	if held != want {
		return fmt.Errorf("totals are %+v, the journal adds to %+v", held, want)
	}
	return nil
}
