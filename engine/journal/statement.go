package journal

import (
	"fmt"

	"gongji/engine/ledger"
)

// Line is one entry of a personal or family account: a posting, or (Amount 0) a settlement or reversal that others paid for the holder.
type Line struct {
	Position    ledger.Position
	TimeMS      int64 // of the batch
	Kind        ledger.Kind
	Outcome     ledger.Outcome
	Amount      int64  // signed fen; negative: debit
	After       int64  // fen, balance after
	Patient     uint32 // of a settlement or reversal
	Institution uint32 // of a settlement or reversal
	Redo        bool   // a reversal that took again what another had given back (R11)
}

// Statement walks an account's chain back from its entry at position from (ledger.Person.Last, ledger.Family.Last; 0: none) and
// returns up to limit lines, newest first (and the rest of the last entry, which may have two on the account), and where to go on (0: the
// beginning of the account). limit is at most StatementLinesMax.
// from must be an entry of the account; what is not is a *CorruptionError. Any goroutine.
func (j *Journal) Statement(account ledger.AccountID, from ledger.Position, limit int) ([]Line, ledger.Position, error) {
	if limit < 1 || limit > StatementLinesMax {
		return nil, 0, fmt.Errorf("statement of %d lines, allowed are 1 to %d", limit, StatementLinesMax)
	}
	var lines []Line
	var block Block
	var legs []ledger.Leg
	for at := from; ; {
		if at == 0 || len(lines) >= limit {
			return lines, at, nil
		}
		if block.Sequence != at.Sequence() {
			var err error
			if block, err = j.Block(at.Sequence()); err != nil {
				return nil, 0, err
			}
		}
		f, found, _, err := block.Effect(at.Index(), legs, nil)
		if err != nil {
			return nil, 0, &CorruptionError{Sequence: block.Sequence, Reason: "damaged", Err: err}
		}
		legs = entriesOn(&f, found, account)
		prev, ok := previous(legs, at)
		if !ok {
			return nil, 0, &CorruptionError{Sequence: block.Sequence, Reason: fmt.Sprintf("command %d is no entry of account %x that continues its chain", at.Index(), uint64(account))}
		}
		for i := len(legs) - 1; i >= 0; i-- {
			lines = append(lines, Line{Position: at, TimeMS: block.TimeMS, Kind: f.Kind, Outcome: f.Outcome, Amount: legs[i].Amount, After: legs[i].After,
				Patient: f.Patient, Institution: f.Institution, Redo: f.IsRedo()})
		}
		at = prev
	}
}

// entriesOn is what an effect is to an account: its legs there (in the place of all), or a leg of nothing if others paid for the holder; none
// if it is nothing to it.
func entriesOn(f *ledger.Effect, legs []ledger.Leg, account ledger.AccountID) []ledger.Leg {
	his := legs[:0]
	for _, l := range legs {
		if l.Account == account {
			his = append(his, l)
		}
	}
	if len(his) == 0 && f.Chained() && account == ledger.Account(ledger.KindPersonal, f.Patient) {
		his = append(his, ledger.Leg{Account: account, After: f.Balc, Prev: f.Prev})
	}
	return his
}

// previous is the entry before one, of whose legs on the account the first names it. A later one of the same entry (a reversal that comes back
// to a dissolved family) names the entry itself.
func previous(legs []ledger.Leg, at ledger.Position) (prev ledger.Position, ok bool) {
	for i := range legs {
		switch {
		case i == 0 && legs[i].Prev < at:
			prev, ok = legs[i].Prev, true
		case legs[i].Prev != at:
			return 0, false
		}
	}
	return prev, ok
}
