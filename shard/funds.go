package shard

import (
	"fmt"

	"gongji/engine/ledger"
)

// Funds are the balances as the resolver must see them: running where that is exact, without end where the account is covered. Only while
// the shards are parked.
type Funds struct{ Work *Work }

// Available is the balance at the contested command's place in the log; for a covered account as much as anybody may ask.
func (f Funds) Available(a ledger.AccountID) int64 {
	if e := f.entry(a); !e.covered() {
		return e.running
	}
	return ledger.FundingMax
}

// Moved takes the legs of a decided command into account.
func (f Funds) Moved(legs []ledger.Leg) {
	for _, l := range legs {
		f.entry(l.Account).running += l.Amount
	}
}

func (f Funds) entry(a ledger.AccountID) *entry {
	e := f.Work.Shards[f.Work.OwnerOf(a)].plan.find(a)
	if e == nil {
		panic(fmt.Sprintf("BUG: account %x was not planned in batch %d", uint64(a), f.Work.Context.Sequence))
	}
	return e
}
