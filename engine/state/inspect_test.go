package state

import (
	"errors"
	"maps"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// contents are all files of the store's directory.
func contents(t *testing.T, fs *vfs.MemFS) map[string]string {
	t.Helper()
	names, err := fs.List("state")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		b, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin("state", name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(b)
	}
	return all
}

// TestInspect (P18): a store is loaded without changing a byte, and is writable afterwards as if it had been opened so: its orphans are gone and
// the next checkpoint builds on what was loaded. One that is in use is not told to be damaged.
func TestInspect(t *testing.T) {
	w := newWorld(t, 12, 60, 20)
	fs := vfs.NewMem()
	n := openNode(t, w, testOptions(fs), smallShifts)
	for range 40 {
		n.step()
	}
	n.checkpoint()
	number := n.store.kept[0].Number + 1
	key := appendPageKey(nil, number, n.store.kept[0].tables[0].id, 0)
	page := []byte("a page of a checkpoint that never was")
	n.must(n.store.db.Set(key, appendSum(page, key, page), pebble.NoSync))
	if _, _, _, err := Inspect("state", n.store.o, LoadOptions{Shifts: smallShifts}); err == nil || Damaged(err) {
		t.Errorf("a store in use: %v", err)
	}
	o := n.store.o
	n.close()

	before := contents(t, fs)
	s, st, loaded, err := Inspect("state", o, LoadOptions{Shifts: smallShifts})
	if err != nil || loaded.Sequence != 40 || Hash(st) != loaded.StateHash || len(s.orphans) != 1 {
		t.Fatalf("inspected %d with %d orphans: %v", loaded.Sequence, len(s.orphans), err)
	}
	if !maps.Equal(before, contents(t, fs)) {
		t.Error("inspecting has changed a file")
	}
	if err := s.Writable(); err != nil {
		t.Fatal(err)
	}
	if err := s.scan(func(_, _ []byte, at pageAt) error {
		if at.version == number {
			t.Errorf("page %+v is still there", at)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n = openNode(t, w, testOptions(fs), smallShifts)
	if n.sequence != 40 {
		t.Fatalf("loaded %d", n.sequence)
	}
	n.step()
	n.checkpoint()
	n.close()
}

// TestInspectDamaged: what of a store cannot be opened is damage; what is not there is not.
func TestInspectDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		remove  string // files whose names begin so
		damaged bool
	}{"tables": {"0", true}, "marker": {"marker.manifest", true}, "format marker": {"marker.format", true}, "manifest": {"MANIFEST", true}, "all": {"", false}} {
		w := newWorld(t, 13, 20, 20)
		fs := vfs.NewMem()
		n := openNode(t, w, testOptions(fs), smallShifts)
		for range 20 {
			n.step()
		}
		n.checkpoint()
		o := n.store.o
		n.close()
		for file := range contents(t, fs) {
			if len(file) >= len(c.remove) && file[:len(c.remove)] == c.remove {
				if err := fs.Remove("state/" + file); err != nil {
					t.Fatal(err)
				}
			}
		}
		before := contents(t, fs)
		s, _, loaded, err := Inspect("state", o, LoadOptions{Shifts: smallShifts})
		if Damaged(err) != c.damaged || errors.Is(err, ErrForeign) || !c.damaged && (err != nil || loaded.Sequence != 0) {
			t.Errorf("without %s: loaded %d, %v", name, loaded.Sequence, err)
		}
		if after := contents(t, fs); c.damaged && len(after) != len(before) {
			t.Errorf("without %s: %d files, before %d", name, len(after), len(before))
		}
		if err == nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
