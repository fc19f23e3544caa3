package state

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// groups are the groups of keys in the store, by their ends: those that lie in its files, and those that can be read.
func (n *node) groups() (filed, read map[string]bool) {
	n.t.Helper()
	n.must(n.store.db.Flush())
	filed, read = map[string]bool{}, map[string]bool{}
	levels, err := n.store.db.SSTables()
	n.must(err)
	for _, level := range levels {
		for i := range level {
			first, last := level[i].Smallest.UserKey, level[i].Largest.UserKey
			if end := groupEnd(first); bytes.Compare(last, end) > 0 {
				n.t.Errorf("a file from %x to %x reaches beyond its group, which ends at %x", first, last, end)
			}
			filed[string(groupEnd(first))] = true
		}
	}
	it, err := n.store.db.NewIter(nil)
	n.must(err)
	for ok := it.First(); ok; ok = it.Next() {
		read[string(groupEnd(it.Key()))] = true
	}
	n.must(it.Close())
	return filed, read
}

// TestReclaim: the room of superseded pages and of merged runs is taken back with the next checkpoint, that of live ones never; the store loads and goes on
// as if nothing had been taken.
func TestReclaim(t *testing.T) {
	w := newWorld(t, 24, 60, 20)
	fs := vfs.NewMem()
	n := openNode(t, w, testOptions(fs), smallShifts)
	for n.sequence < 50 {
		n.step()
		n.checkpoint()
	}
	_, index := n.ids.Stats()
	n.must(n.ids.Close()) // nobody deletes any more
	n.must(n.store.db.Flush())
	left := n.store.grave.exhume()
	n.must(n.store.reclaim(left))
	filed, read := n.groups()
	for g := range filed {
		if !read[g] {
			t.Errorf("the group before %x is deleted and still on the disk", g)
		}
	}
	if n.store.number < 50 || index.RunsDeleted < 20 || len(read) < 10 {
		t.Fatalf("vacuous: %d checkpoints, %d runs deleted, %d groups", n.store.number, index.RunsDeleted, len(read))
	}
	if len(left) > 60 { // each checkpoint deletes some ten groups of pages
		t.Errorf("%d ranges wait behind the last checkpoint", len(left))
	}
	n.must(n.store.Close())
	n = openNode(t, w, testOptions(fs), smallShifts)
	n.check()
	n.replay()
	n.close()
}
