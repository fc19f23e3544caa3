package state

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// storedValue is one key of a store.
type storedValue struct{ key, value []byte }

// stored are the identity, the records and the pages of a store, in the order of their keys.
func stored(t testing.TB, db *pebble.DB) (out []storedValue) {
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if p := it.Key()[0]; p == PrefixMeta || p == PrefixTables {
			out = append(out, storedValue{bytes.Clone(it.Key()), bytes.Clone(it.Value())})
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		t.Fatal(err)
	}
	return out
}

// damagedStore is a store with two checkpoints whose values can be damaged and mended.
type damagedStore struct {
	*node
	values []storedValue
	newest []byte // key of the record that is loaded
}

func newDamagedStore(t testing.TB) *damagedStore {
	n := openNode(t, newWorld(t, 23, 30, 20), testOptions(vfs.NewMem()), smallShifts)
	for n.sequence < 30 {
		n.step()
		if n.sequence%10 == 0 {
			n.checkpoint()
		}
	}
	return &damagedStore{node: n, values: stored(t, n.store.db), newest: recordKey(n.store.number)}
}

// damage is what is done to a value. ways: 0 its bytes from at on are overwritten, 1 it is cut there, 2 bytes are put in there, 3 the value becomes patch, 4 the key is removed.
// summed: the sum is made right again, so that what lies behind it is reached.
func damage(v storedValue, way uint8, at uint16, patch []byte, summed bool) (value []byte, gone bool) {
	body := bytes.Clone(v.value)
	if summed {
		body = body[:len(body)-sumBytes]
	}
	cut := int(at) % (len(body) + 1)
	switch way % 5 {
	case 0:
		copy(body[cut:], patch)
	case 1:
		body = body[:cut]
	case 2:
		body = append(body[:cut:cut], append(bytes.Clone(patch), body[cut:]...)...)
	case 3:
		body = bytes.Clone(patch)
	case 4:
		return nil, true
	}
	if summed {
		body = appendSum(body, v.key, body)
	}
	return body, false
}

// loadDamaged puts a damaged value in place of a good one, opens and loads as a start does, and mends it. took is what was allocated.
func (d *damagedStore) loadDamaged(v storedValue, value []byte, gone bool) (took uint64, err error) {
	d.t.Helper()
	if gone {
		d.must(d.store.db.Delete(v.key, pebble.NoSync))
	} else {
		d.must(d.store.db.Set(v.key, value, pebble.NoSync))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := &Store{db: d.store.db, o: d.store.o, layout: d.store.layout}
	s.o.ReadOnly = true // nothing is deleted, so the store can be mended
	if err = s.identifyExisting(); err == nil {
		_, _, err = s.Load(LoadOptions{Shifts: smallShifts})
	}
	runtime.ReadMemStats(&after)
	d.must(d.store.db.Set(v.key, v.value, pebble.NoSync))
	return after.TotalAlloc - before.TotalAlloc, err
}

// identifyExisting is identify without the making of a new store.
func (s *Store) identifyExisting() error {
	value, closer, err := s.db.Get(identityKey())
	if err != nil {
		return fmt.Errorf("state: read identity: %w", err)
	}
	return errors.Join(checkIdentity(value, appendIdentity(nil, &s.o, s.layout)), closer.Close())
}

// damagedLoadBytes bounds what a start may allocate for a damaged store of 200 kB; undamaged it takes below 2 MB.
const damagedLoadBytes = 64 << 20

// loadWrong says what must not be after a start from a damaged store. What only a forger with the right sums can change (the mark and the id manifest of a record, which the log and
// the id table check later) may load; a page may not, as the state hash is over all of them.
func (d *damagedStore) loadWrong(v storedValue, value []byte, gone, summed bool, took uint64, err error) string {
	same := !gone && bytes.Equal(value, v.value)
	meta := v.key[0] == PrefixMeta
	switch {
	case took > damagedLoadBytes:
		return fmt.Sprintf("%d bytes allocated", took)
	case same && err != nil:
		return "undamaged, and refused: " + err.Error()
	case same || err != nil || gone && meta: // without a record: an older start, or one from the log's beginning, and the log tells
		return ""
	case d.loadedPage(v.key), meta && !summed:
		return "damaged, and loaded"
	}
	return ""
}

// loadedPage: the key is a page that the newest record names. The others are of older checkpoints, which a start does not read.
func (d *damagedStore) loadedPage(key []byte) bool {
	return key[0] == PrefixTables && d.store.kept[len(d.store.kept)-1].names(splitPageKey(key))
}

// FuzzCheckpoint (T19): any damage to any value of a store with two checkpoints, with its sum right or not, through the loading of a real start. No panic, no memory for rows that are not there,
// and no damaged page ever becomes a state.
func FuzzCheckpoint(f *testing.F) {
	d := newDamagedStore(f)
	f.Cleanup(d.close)
	for i := range d.values {
		for way := range uint8(5) {
			f.Add(uint16(i), way, uint16(i*7), []byte{byte(i), 0xff, 1}, i%2 == 0)
		}
	}
	for i, v := range d.values { // counts and shifts of the tables in a record
		if bytes.Equal(v.key, d.newest) {
			for at := 150; at < 260; at += 10 {
				f.Add(uint16(i), uint8(0), uint16(at), []byte{0xff, 0xff, 0xff, 0xff, 0x0f}, true)
				f.Add(uint16(i), uint8(0), uint16(at), []byte{24}, true)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, way uint8, at uint16, patch []byte, summed bool) {
		d.t = t
		v := d.values[int(which)%len(d.values)]
		value, gone := damage(v, way, at, patch, summed)
		took, err := d.loadDamaged(v, value, gone)
		if wrong := d.loadWrong(v, value, gone, summed, took, err); wrong != "" {
			t.Errorf("%x, way %d at %d, summed %t: %s", v.key, way, at, summed, wrong)
		}
	})
}

// A record with the right sum that tells of four thousand million rows costs no memory: only rows that are there do.
func TestRecordAsksForNoMemory(t *testing.T) {
	d := newDamagedStore(t)
	defer d.close()
	for _, v := range d.values {
		if !bytes.Equal(v.key, d.newest) {
			continue
		}
		r, err := readRecord(v.key, v.value)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.tables {
			r.tables[i].shift, r.tables[i].count = shiftMax, 1<<32-1
			r.tables[i].versions = make([]uint64, pagesOf(1<<32-1, shiftMax))
		}
		body := r.append(nil)
		took, err := d.loadDamaged(v, appendSum(body, v.key, body), false)
		if !errors.As(err, new(*CorruptionError)) || took > damagedLoadBytes {
			t.Errorf("%d bytes allocated, %v", took, err)
		}
		return
	}
	t.Fatal("no record")
}

// FuzzCheckpointFiles (T19): any damage to the files of the state store: a start is refused or comes to the state that was there; it never panics and never loads another one.
func FuzzCheckpointFiles(f *testing.F) {
	d := newDamagedStore(f)
	d.close()
	mem := d.store.o.FS
	names, err := mem.List("state")
	if err != nil {
		f.Fatal(err)
	}
	for i := range names {
		f.Add(uint8(i), uint32(0), []byte{1, 2, 3})
		f.Add(uint8(i), uint32(100+37*i), []byte{0})
		f.Add(uint8(i), uint32(1<<31), []byte{})
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, patch []byte) {
		fs := copyOf(t, mem, names, names[int(which)%len(names)], at, patch)
		o := testOptions(fs)
		o.ReadOnly = true
		s, err := Open("state", o)
		if err != nil {
			return
		}
		st, l, err := s.Load(LoadOptions{Shifts: smallShifts})
		if err == nil && l.Sequence != 0 && (naiveHash(st) != d.w.hashes[l.Sequence-1] || l.Totals != d.w.totals[l.Sequence-1]) {
			t.Errorf("%s damaged at %d: another state of sequence %d was loaded", names[int(which)%len(names)], at, l.Sequence)
		}
		if err := s.Close(); err != nil {
			t.Logf("close: %v", err)
		}
	})
}

// copyOf copies the files of a store and damages one: at is where, beyond its end: it is cut to half.
func copyOf(t testing.TB, from vfs.FS, names []string, damaged string, at uint32, patch []byte) vfs.FS {
	to := vfs.NewMem()
	if err := to.MkdirAll("state", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text := readWhole(t, from, "state/"+name)
		if name == damaged && len(text) != 0 {
			if at >= 1<<31 {
				text = text[:len(text)/2]
			} else {
				copy(text[int(at)%len(text):], patch)
			}
		}
		out, err := to.Create("state/"+name, vfs.WriteCategoryUnspecified)
		if err == nil {
			_, err = out.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(out.Sync(), out.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func readWhole(t testing.TB, fs vfs.FS, path string) []byte {
	in, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, info.Size())
	if _, err := in.ReadAt(text, 0); err != nil && len(text) > 0 {
		t.Fatal(err)
	}
	return text
}
