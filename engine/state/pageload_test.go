package state

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/ledger"
)

// loadWays are numbers of goroutines and sizes of spans: all pages in one, a few, each page alone.
var loadWays = []LoadOptions{{Workers: 1}, {Workers: 2, spanBytes: 4 << 10}, {Workers: 3, spanBytes: 1}, {Workers: 8, spanBytes: 1}}

// reload loads the store's newest checkpoint beside the state that the node has.
func (d *damagedStore) reload(o LoadOptions) (*ledger.State, error) {
	s := &Store{db: d.store.db, o: d.store.o, layout: d.store.layout}
	s.o.ReadOnly = true // nothing is deleted, so the store can be mended
	st, _, err := s.Load(o)
	return st, err
}

// TestLoadWorkers: what is loaded does not depend on how many goroutines read, how the keys are cut between them, or on the size of pages. (P18)
func TestLoadWorkers(t *testing.T) {
	d := newDamagedStore(t)
	defer d.close()
	want := naiveHash(d.state)
	if r := d.store.kept[len(d.store.kept)-1]; len(spansOf(r, 1)) < 20 || len(spansOf(r, 4<<10)) < 3 {
		t.Fatalf("vacuous: %d spans of a page, %d of 4 KiB", len(spansOf(r, 1)), len(spansOf(r, 4<<10)))
	}
	for _, o := range loadWays {
		for _, shifts := range []ledger.Shifts{smallShifts, {Person: 5, Institution: 0, Family: 3}, {Person: 1}} {
			o.Shifts = shifts
			st, err := d.reload(o)
			if err != nil || naiveHash(st) != want || st.Totals() != d.state.Totals() {
				t.Fatalf("%+v: %v, another state than was saved", o, err)
			}
			for i := range st.Persons.Len() {
				p := st.Persons.At(i)
				byKey, _ := st.FindPerson(p.Key)
				byPseudonym, _ := st.FindPseudonym(p.Pseudonym)
				if byKey != i || byPseudonym != i {
					t.Fatalf("%+v: person %d is found as %d and %d", o, i, byKey, byPseudonym)
				}
			}
			if _, found := st.FindPerson(key("psn", -1)); found {
				t.Fatal("nobody is found")
			}
		}
	}
}

// TestLoadDamageInAnySpan: a damaged or missing page is found wherever it lies, the first of two is told whoever meets them, and all goroutines end (goleak). (P18)
func TestLoadDamageInAnySpan(t *testing.T) {
	d := newDamagedStore(t)
	defer d.close()
	record := d.store.kept[len(d.store.kept)-1]
	var pages []storedValue
	for _, v := range d.values {
		if v.key[0] == PrefixTables && record.names(splitPageKey(v.key)) {
			pages = append(pages, v)
		}
	}
	if len(pages) < 20 {
		t.Fatalf("vacuous: %d pages", len(pages))
	}
	for i, v := range pages {
		value, _ := damage(v, 0, uint16(7*i), []byte{v.value[7*i%len(v.value)] ^ 1}, false)
		d.must(d.store.db.Set(v.key, value, pebble.NoSync))
		for _, o := range loadWays {
			d.refused(o, v.key)
		}
		other := pages[(i+len(pages)/2)%len(pages)]
		d.must(d.store.db.Set(other.key, []byte("no page"), pebble.NoSync))
		for range 3 {
			d.refused(LoadOptions{Workers: 4, spanBytes: 1}, firstOf(v.key, other.key))
		}
		d.must(d.store.db.Set(other.key, other.value, pebble.NoSync))
		d.must(d.store.db.Delete(v.key, pebble.NoSync))
		for _, o := range loadWays {
			d.refused(o, d.newest)
		}
		d.must(d.store.db.Set(v.key, v.value, pebble.NoSync))
	}
	if _, err := d.reload(LoadOptions{Shifts: smallShifts}); err != nil {
		t.Errorf("mended: %v", err)
	}
}

// firstOf is the key whose page the hash comes to first: its spans are read in that order.
func firstOf(a, b []byte) []byte {
	if bytes.Compare(a[9:], b[9:]) < 0 {
		return a
	}
	return b
}

func (d *damagedStore) refused(o LoadOptions, key []byte) {
	d.t.Helper()
	o.Shifts = smallShifts
	_, err := d.reload(o)
	var damage *CorruptionError
	if !errors.As(err, &damage) || !bytes.Equal(damage.Key, key) {
		d.t.Fatalf("%s: %v, expected damage at %x", fmt.Sprintf("%+v", o), err, key)
	}
}
