package idindex

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
)

func withChecksum(body []byte) []byte {
	return binary.LittleEndian.AppendUint64(slices.Clone(body), xxhash.Sum64(body))
}

// TestNoAllocations in the calls that execution makes.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		return // the race detector allocates
	}
	_, ix := small(t, Options{Capacity: 1 << 16, Parts: 4, BatchIDsMax: 1 << 14})
	insertRange(t, ix, 0, 10_000)
	sealAll(t, ix)
	id := uint64(10_000)
	f := func(name string, call func()) {
		t.Helper()
		if n := testing.AllocsPerRun(1000, call); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	var err error
	f("Insert", func() { err = ix.Insert(testEntry(id)); id++ })
	if err != nil {
		t.Fatal(err)
	}
	key := testKey(10_000)
	f("Ahead", func() { ix.Ahead(&key) })
	f("Claim present", func() { _, _, _, err = ix.Claim(&key, 1, 1) })
	f("Find present", func() { ix.Find(testKey(10_000)) })
	f("Find absent", func() { ix.Find(testKey(1 << 40)) })
	f("Find in a run", func() { ix.Find(testKey(5)) })
	keys, dst, verdicts := make([]Key, 100), make([]Entry, 100), make([]Verdict, 100)
	for i := range keys {
		keys[i] = testKey(uint64(i) * 200)
	}
	f("FindOlder", func() { ix.FindOlder(keys, dst, verdicts) })
	f("Advance", func() { _, err = ix.Advance() })
}

// TestFilterRate holds the error rates that the choice of bits was made for.
func TestFilterRate(t *testing.T) {
	const count, asked = 200_000, 1_000_000
	f := func(perID uint64, ppmMax int) {
		t.Helper()
		built := make(filter, count*perID/(8*lineBytes))
		for i := range uint64(count) {
			key := testKey(i)
			hi, lo := key.halves()
			built[lineOf(hi, uint64(len(built)))].add(lo)
		}
		wrong := 0
		for i := range uint64(count + asked) {
			key := testKey(i)
			may := built.mayContain(key.halves())
			if i < count && !may {
				t.Fatalf("%d bits: key %d was added and is denied", perID, i)
			}
			if i >= count && may {
				wrong++
			}
		}
		t.Logf("%d bits an id: %d wrong of %d", perID, wrong, asked)
		if ppm := wrong * 1_000_000 / asked; ppm > ppmMax || ppm == 0 {
			t.Errorf("%d bits an id: %d ppm wrong, at most %d", perID, ppm, ppmMax)
		}
	}
	f(filterBitsSmall, 80)
	f(filterBitsMiddle, 500)
	f(filterBitsLarge, 8000)
}

// TestSizeClasses: FanIn runs of a class make one of a higher class, and the number of classes is bounded.
func TestSizeClasses(t *testing.T) {
	for fanIn := 2; fanIn <= fanInMax; fanIn++ {
		for count := uint64(1); count < entriesMax; count = count*3/2 + 1 {
			class := sizeClass(count, fanIn)
			if next := sizeClass(count*uint64(fanIn), fanIn); next <= class && count >= sizeClassBase && count*uint64(fanIn) <= entriesMax {
				t.Fatalf("fan-in %d: %d entries are class %d, %d times that class %d", fanIn, count, class, fanIn, next)
			}
		}
		if class := sizeClass(entriesMax, fanIn); class > 40 || runsNeeded(fanIn) > runsMaxMax {
			t.Errorf("fan-in %d: %d classes, %d runs", fanIn, class, runsNeeded(fanIn))
		}
	}
}

// TestPartSorter against the library, with uniform keys and with keys that fall into one bucket.
func TestPartSorter(t *testing.T) {
	var s partSorter
	f := func(n int, spread uint64) {
		t.Helper()
		in := make([]record, n)
		for i := range in {
			in[i] = record{hi: splitmix(uint64(i)) % spread << 2 >> 2, lo: splitmix(uint64(i) + 1<<40), position: uint64(i)}
		}
		want := slices.Clone(in)
		slices.SortFunc(want, compareRecords)
		if got := s.sort(in, 2); !slices.Equal(got, want) {
			t.Errorf("%d records over %d keys: not sorted", n, spread)
		}
	}
	f(0, 1)
	f(1, 1)
	f(5000, 1)
	f(5000, 1000)
	f(20_000, 1<<62)
	f(300, 1<<62)
}

// TestMergerHighestKey: a source that has ended does not hide the highest key there is, whichever comes first.
func TestMergerHighestKey(t *testing.T) {
	highest := record{hi: ^uint64(0), lo: ^uint64(0)}
	once := func(dst []byte) source {
		given := false
		return source{refill: func([]byte) ([]byte, error) {
			if given {
				return nil, nil
			}
			given = true
			return dst, nil
		}}
	}
	for at := range 5 {
		sources := make([]source, 5)
		for i := range sources {
			sources[i] = once(nil)
		}
		sources[at] = once(appendRecord(nil, &highest))
		m, err := newMerger(sources)
		if err != nil || m.head() == nil {
			t.Fatalf("source %d of 5: the highest key is lost (%v)", at, err)
		}
		if err := m.next(); err != nil || m.head() != nil {
			t.Fatalf("source %d of 5: not at the end after it (%v)", at, err)
		}
	}
}
