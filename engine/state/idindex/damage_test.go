package idindex

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// damaged writes 1000 ids in one run, lets damage change the store, and returns the index.
func damaged(t *testing.T, damage func(db *pebble.DB, key []byte)) *Index {
	t.Helper()
	db, ix := small(t, Options{Capacity: 4096, Parts: 4, BatchIDsMax: 1000, BlockEntries: 10})
	insertRange(t, ix, 0, 1000)
	sealAll(t, ix)
	damage(db, appendStoreKey(nil, PrefixDefault, ix.view.runs[0].number, kindBlock, 50))
	return ix
}

func value(t *testing.T, db *pebble.DB, key []byte) []byte {
	t.Helper()
	v, closer, err := db.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	v = slices.Clone(v)
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	return v
}

// wantCorruption: fetching everything, walking and merging all end in a CorruptionError that names the value.
func wantCorruption(t *testing.T, ix *Index) {
	t.Helper()
	f := func(what string, err error) {
		t.Helper()
		var corrupt *CorruptionError
		if !errors.As(err, &corrupt) {
			t.Fatalf("%s: %v", what, err)
		}
		if len(corrupt.Key) != storeKeyBytes || corrupt.Reason == "" || corrupt.Expected == corrupt.Found {
			t.Errorf("%s: %+v", what, corrupt)
		}
	}
	keys := make([]Key, 1000)
	for i := range keys {
		keys[i] = testKey(uint64(i))
	}
	f("Fetch", ix.Fetch(keys, make([]Entry, 1000), make([]bool, 1000)))
	f("Walk", ix.Walk(func(Entry) error { return nil }))
	for round := range uint64(FanInDefault) { // further runs, until they are merged with the damaged one
		for id := 1000 + 1000*round; id < 2000+1000*round; id++ {
			if err := ix.Insert(testEntry(id)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ix.Seal(); err != nil {
			break
		}
		ix.drain()
	}
	f("Err after the merge", ix.Err())
	_, err := ix.Advance()
	f("Advance after the merge", err)
	_, err = ix.Seal()
	f("Seal after the merge", err)
}

// TestCorruptBlock: a flipped bit, a shortened value, a missing value and two exchanged values.
func TestCorruptBlock(t *testing.T) {
	set := func(db *pebble.DB, key, v []byte) {
		if err := db.Set(key, v, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	wantCorruption(t, damaged(t, func(db *pebble.DB, key []byte) {
		v := value(t, db, key)
		v[100] ^= 1
		set(db, key, v)
	}))
	wantCorruption(t, damaged(t, func(db *pebble.DB, key []byte) { set(db, key, value(t, db, key)[1:]) }))
	wantCorruption(t, damaged(t, func(db *pebble.DB, key []byte) {
		if err := db.Delete(key, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}))
	wantCorruption(t, damaged(t, func(db *pebble.DB, key []byte) {
		other := slices.Clone(key)
		other[len(other)-1]++
		a, b := value(t, db, key), value(t, db, other)
		set(db, key, b)
		set(db, other, a)
	}))
}

// TestCorruptFilterAndFences: Open says so.
func TestCorruptFilterAndFences(t *testing.T) {
	for _, kind := range []byte{kindFilter, kindFence} {
		o := Options{Capacity: 4096, Parts: 4, BatchIDsMax: 1000, BlockEntries: 10}
		db, ix := small(t, o)
		insertRange(t, ix, 0, 1000)
		manifest, _ := checkpoint(t, ix)
		ix.drain()
		key := appendStoreKey(nil, PrefixDefault, ix.view.runs[0].number, kind, 0)
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
		v := value(t, db, key)
		v[3] ^= 4
		if err := db.Set(key, v, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		_, err := Open(db, manifest, o)
		var corrupt *CorruptionError
		if !errors.As(err, &corrupt) || !bytes.Equal(corrupt.Key, key) {
			t.Errorf("kind %c: %v", kind, err)
		}
	}
}

func sampleManifest() *manifest {
	return &manifest{version: 7, nextRun: 12, runs: []runMeta{
		{number: 3, count: 1000, lines: 40, blockEntries: 128, minHi: 1, minLo: 2, maxHi: 3, maxLo: 4},
		{number: 11, count: 1, lines: 1, blockEntries: 1, minHi: 9, minLo: 9, maxHi: 9, maxLo: 9},
	}}
}

// TestCorruptManifest: every flipped byte, every shortening, and checksummed nonsense are refused.
func TestCorruptManifest(t *testing.T) {
	good := appendManifest(nil, sampleManifest())
	m, err := readManifest(good)
	if err != nil || m.version != 7 || m.nextRun != 12 || !slices.Equal(m.runs, sampleManifest().runs) {
		t.Fatalf("round trip: %+v, %v", m, err)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x20
		if _, err := readManifest(bad); !errors.Is(err, ErrManifest) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := readManifest(good[:i]); !errors.Is(err, ErrManifest) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	f := func(change func(*manifest)) {
		t.Helper()
		m := sampleManifest()
		change(m)
		if _, err := readManifest(appendManifest(nil, m)); !errors.Is(err, ErrManifest) {
			t.Errorf("accepted %+v", m)
		}
	}
	f(func(m *manifest) { m.nextRun = 11 })
	f(func(m *manifest) { m.runs[1].number = 3 })
	f(func(m *manifest) { m.runs[0].count = 0 })
	f(func(m *manifest) { m.runs[0].count = entriesMax + 1 })
	f(func(m *manifest) { m.runs[0].blockEntries = 0 })
	f(func(m *manifest) { m.runs[0].lines = 0 })
	f(func(m *manifest) { m.runs[0].lines = 1001 })
	f(func(m *manifest) { m.runs[0].maxHi = 0 })
	f(func(m *manifest) { m.runs[0].count, m.runs[0].blockEntries = 1<<39, 1 })
}

// FuzzManifest: no input panics, and what is accepted comes out again byte for byte.
func FuzzManifest(f *testing.F) {
	f.Add(appendManifest(nil, sampleManifest()))
	f.Add(appendManifest(nil, &manifest{nextRun: 1}))
	f.Add([]byte(manifestMagic))
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := readManifest(src)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatal(err)
			}
			// Once more with a checksum that is right, so that the checks behind it are reached.
			if len(src) < checksumBytes {
				return
			}
			body := src[:len(src)-checksumBytes]
			if m, err = readManifest(withChecksum(body)); err != nil {
				return
			}
			src = withChecksum(body)
		}
		if !bytes.Equal(appendManifest(nil, m), src) {
			t.Fatalf("%x is written back as %x", src, appendManifest(nil, m))
		}
	})
}
