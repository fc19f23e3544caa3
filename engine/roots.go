package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"gongji/engine/journal"
	"gongji/wal"
)

// ErrRoot says that a ledger is not the one that somebody outside kept a root of: its past was changed, or its end is gone.
var ErrRoot = errors.New("not what the root says")

// Root is what somebody outside keeps of a ledger (P22): a sequence with the log chain or the effect chain that he was told at it (Totals; both are in GET
// /v1/ledger/totals). The log chain pins every command with all its texts, the effect chain what was decided.
type Root struct {
	Sequence uint64
	Hash     [32]byte
}

// roots are compared in the order of the log.
type roots struct {
	left []Root
	held int
	last uint64 // sequence of the newest that held
}

func newRoots(list []Root) roots {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b Root) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return roots{left: sorted}
}

// compare holds the roots of a sequence against both chains.
func (r *roots) compare(sequence uint64, link wal.Link, chain journal.Link) error {
	for ; len(r.left) > 0 && r.left[0].Sequence <= sequence; r.left = r.left[1:] {
		x := &r.left[0]
		if x.Hash != link && x.Hash != chain {
			return fmt.Errorf("%w: something in batches %d to %d was changed: at %d the log chain is %x and the effect chain %x, kept was %x", ErrRoot, r.last+1, x.Sequence, x.Sequence, link, chain, x.Hash)
		}
		r.held, r.last = r.held+1, x.Sequence
	}
	return nil
}

// end: no root may lie behind the end of the log.
func (r *roots) end(sequence uint64) error {
	if len(r.left) == 0 {
		return nil
	}
	return fmt.Errorf("%w: the log ends at %d, a root was kept of %d", ErrRoot, sequence, r.left[len(r.left)-1].Sequence)
}
