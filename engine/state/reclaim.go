package state

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// graveyard holds key ranges that have been deleted in the store, until their room on the disk is taken back. Nothing depends on it: what a crash makes
// it forget stays on the disk until a compaction comes there.
//
// Deleting only writes a tombstone. L0 is hardly ever compacted (l0Compact), so the deleted bytes stayed: one superseded checkpoint behind the other, and all inputs
// of merges of ids. Excise cuts the range's files out of the store's list at once, without reading or writing them, as no file reaches
// beyond its group (splitAtGroup). But it is durable at once, ahead of what was written before it; so a range is cut out only when its tombstone is durable: then it
// changes nothing that any crash could bring back.
type graveyard struct {
	mu   sync.Mutex
	dead []pebble.KeyRange
}

// bury notes a range that is deleted in the store. Any goroutine. The slices are kept.
func (g *graveyard) bury(lower, upper []byte) {
	g.mu.Lock()
	g.dead = append(g.dead, pebble.KeyRange{Start: lower, End: upper})
	g.mu.Unlock()
}

// exhume gives what was buried so far, adjacent ranges as one: each costs a write of the MANIFEST, which writers wait for.
func (g *graveyard) exhume() (ranges []pebble.KeyRange) {
	g.mu.Lock()
	dead := g.dead
	g.dead = nil
	g.mu.Unlock()
	slices.SortFunc(dead, func(a, b pebble.KeyRange) int { return bytes.Compare(a.Start, b.Start) })
	for _, r := range dead {
		if n := len(ranges); n > 0 && bytes.Equal(ranges[n-1].End, r.Start) {
			ranges[n-1].End = r.End
			continue
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// reclaim takes back the room of ranges whose deletion is durable. Any goroutine.
func (s *Store) reclaim(ranges []pebble.KeyRange) error {
	for _, r := range ranges {
		if err := s.db.Excise(context.Background(), r); err != nil {
			return fmt.Errorf("state: take back %x to %x: %w", r.Start, r.End, err)
		}
	}
	return nil
}
