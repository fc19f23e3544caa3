package executor

import (
	"fmt"

	"gongji/engine/ledger"
)

// mustBalance is P1 of a batch, always on: all that was posted in it adds up to nothing. That each entry does is PostSums' to see; this also finds a leg that
// no shard posted, or two did. posted is in fen.
func mustBalance(b *Batch, posted int64, s *ledger.State) {
	if posted != 0 {
		panic(fmt.Sprintf("BUG: the postings of batch %d add up to %d fen (P1)", b.Sequence, posted))
	}
	if dear {
		mustHold(b, s)
	}
}
