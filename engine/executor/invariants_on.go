//go:build invariants

package executor

import (
	"fmt"

	"gongji/engine/ledger"
)

// dear invariants walk over all accounts.
const dear = true

const (
	heldEveryBatch = 4_096 // accounts: a state of so many is walked behind every batch, in some 10 us
	heldEvery      = 256   // batches between two walks over a larger one
)

// mustHold is P1 and P2 of the whole state: everything held adds up to nothing, and no account with a floor is below it.
func mustHold(b *Batch, s *ledger.State) {
	if s.Persons.Len()+s.Families.Len()+s.Institutions.Len() > heldEveryBatch && b.Sequence%heldEvery != 0 {
		return
	}
	if t := s.Totals(); t.Sum() != 0 {
		panic(fmt.Sprintf("BUG: behind batch %d the books add up to %d fen: %+v (P1)", b.Sequence, t.Sum(), t))
	}
	for i := uint32(0); i < s.Persons.Len(); i++ {
		if p := s.Persons.At(i); p.Balance < 0 {
			panic(fmt.Sprintf("BUG: behind batch %d person %d is at %d fen (P2)", b.Sequence, i, p.Balance))
		}
	}
	for i := uint32(0); i < s.Families.Len(); i++ {
		if f := s.Families.At(i); f.Balance < 0 {
			panic(fmt.Sprintf("BUG: behind batch %d family %d is at %d fen (P2)", b.Sequence, i, f.Balance))
		}
	}
}
