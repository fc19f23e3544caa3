package sim

import (
	"errors"
	"fmt"

	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// sight is what somebody read: all balances of persons, families and institutions, at a sequence.
type sight struct {
	sequence uint64
	balances map[uint64]int64 // those that are not 0
}

// inSight are the kinds of account that a sight holds.
func inSight(account uint64) bool {
	k := ledger.AccountID(account).Kind()
	return k == ledger.KindPersonal || k == ledger.KindFamily || k == ledger.KindInstitution
}

// ask puts a question to the ledger, among the commands that come in. It is read by the time it is executed, if the power stays on that long.
func (w *world) ask() error {
	r := sequencer.NewRequest()
	told := w.told
	r.Query = func(sequence uint64) {
		if sequence < told { // read your own answer
			panic(fmt.Sprintf("read at %d after an answer of %d", sequence, told))
		}
		w.stats.reads++
		if durable := w.machine.stepper.Log().Committed(); sequence > durable {
			w.dirty = fmt.Errorf("a question sees batch %d, durable are %d", sequence, durable)
		}
		s := see(w.machine.stepper.View().State, sequence)
		if hook := w.machine.defect.sight; hook != nil && hook(&s) {
			w.planted++
		}
		w.observer.sights = append(w.observer.sights, s)
	}
	err := w.machine.stepper.Engine().Submit(r)
	if errors.Is(err, sequencer.ErrBusy) {
		return nil
	}
	if errors.Is(err, engine.ErrFailed) && w.machine.stepper.Failed() != nil {
		return nil
	}
	return w.tolerated(err)
}

func see(st *ledger.State, sequence uint64) sight {
	s := sight{sequence: sequence, balances: map[uint64]int64{}}
	for _, k := range []struct {
		kind ledger.AccountKind
		rows uint32
	}{{ledger.KindPersonal, st.Persons.Len()}, {ledger.KindFamily, st.Families.Len()}, {ledger.KindInstitution, st.Institutions.Len()}} {
		for n := range k.rows {
			if a := ledger.Account(k.kind, n); st.Balance(a) != 0 {
				s.balances[uint64(a)] = st.Balance(a)
			}
		}
	}
	return s
}

// looked holds what was read at this sequence, or long ago, against the model (P1, P12).
func (o *observer) looked() error {
	later := o.sights[:0]
	for _, s := range o.sights {
		if s.sequence > o.last() {
			later = append(later, s)
			continue
		}
		if s.sequence < o.last() {
			return fmt.Errorf("BUG: a read at %d is looked at after %d", s.sequence, o.last())
		}
		for account, want := range o.model.Model().Balances() {
			if got := s.balances[account]; inSight(account) && got != want {
				return fmt.Errorf("read at %d: account %x held %d, model says %d", s.sequence, account, got, want)
			}
			delete(s.balances, account)
		}
		if len(s.balances) > 0 {
			return fmt.Errorf("read at %d: accounts of which the model knows nothing: %v", s.sequence, s.balances)
		}
	}
	o.sights = later
	return nil
}

// outlived: what was read of a batch has outlived the crash, or it was never durable (P12).
func (o *observer) outlived() error {
	for _, s := range o.sights {
		if s.sequence > o.last() {
			return fmt.Errorf("read at %d, and lost: the log ends at %d", s.sequence, o.last())
		}
	}
	return nil
}
