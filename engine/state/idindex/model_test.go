package idindex

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand"
	randv2 "math/rand/v2"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// world is an index, its store, and what a log would hold: all entries in order, and the caller's checkpoint record in the same store
// under another prefix.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	fs      *vfs.MemFS
	db      *pebble.DB
	ix      *Index
	log     []Entry
	next    uint64
	pending int // length of the log at BeginCheckpoint, -1 if none is begun
	ops     map[string]int
	stats   Stats // summed over reopenings
}

var recordKey = []byte("Mark")

func smallOptions(rng *rand.Rand) Options {
	pick := func(values ...int) int { return values[rng.Intn(len(values))] }
	return Options{
		Capacity: pick(64, 200, 1000), Parts: pick(1, 2, 8, 64), BatchIDsMax: 300, SealPercent: pick(50, 75, 100),
		BlockEntries: pick(1, 7, 128), FanIn: pick(2, 3, 8), FilterBytesMax: int64(pick(-1, 2000, 20000, 1<<20)),
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open() {
	w.t.Helper()
	w.db = openStore(w.t, w.fs)
	var manifest []byte
	replayFrom := 0
	value, closer, err := w.db.Get(recordKey)
	if err == nil {
		replayFrom = int(binary.LittleEndian.Uint64(value))
		manifest = slices.Clone(value[8:])
		w.must(closer.Close())
	} else if !errors.Is(err, pebble.ErrNotFound) {
		w.t.Fatal(err)
	}
	w.ix, err = Open(w.db, manifest, smallOptions(w.rng))
	w.must(err)
	if n := w.ix.Stats().Entries; n != uint64(replayFrom) {
		w.t.Fatalf("restored %d entries, the manifest was of %d", n, replayFrom)
	}
	w.pending = -1
	for _, e := range w.log[replayFrom:] {
		w.must(w.ix.Insert(e))
		_, err := w.ix.Advance()
		w.must(err)
	}
}

func (w *world) close() {
	w.t.Helper()
	s := w.ix.Stats()
	w.stats.Merges += s.Merges
	w.stats.RunsDeleted += s.RunsDeleted
	w.stats.FiltersDropped += s.FiltersDropped
	w.stats.FiltersLoaded += s.FiltersLoaded
	w.stats.FetchedBlocks += s.FetchedBlocks
	w.must(w.ix.Close())
	w.must(w.db.Close())
}

func (w *world) insert(n int) {
	for range n {
		e := testEntry(w.next)
		if _, verdict := w.ix.Find(e.Key); verdict == Present {
			w.t.Fatalf("id %d is there before it was inserted", w.next)
		}
		if w.next%2 == 0 {
			w.must(w.ix.Insert(e))
		} else {
			w.claim(e)
		}
		w.log = append(w.log, e)
		w.next++
	}
	_, err := w.ix.Advance()
	w.must(err)
}

// claim takes an id, and finds it when it is claimed again.
func (w *world) claim(e Entry) {
	for again := range 2 {
		w.ix.Ahead(&e.Key)
		position, digest, found, err := w.ix.Claim(&e.Key, e.Position, e.Digest)
		w.must(err)
		if found != (again == 1) || found && (position != e.Position || digest != e.Digest) {
			w.t.Fatalf("claim %d of id %d: found %v, position %d digest %d", again, e.Position, found, position, digest)
		}
	}
}

// look checks Find, FindOlder and Fetch on known and unknown ids.
func (w *world) look(n int) {
	keys := make([]Key, n)
	want := make([]Entry, n)
	there := make([]bool, n)
	for i := range keys {
		id := w.next + uint64(w.rng.Intn(1000))
		if there[i] = len(w.log) > 0 && w.rng.Intn(2) == 0; there[i] {
			id = w.log[w.rng.Intn(len(w.log))].Position
			want[i] = testEntry(id)
		}
		keys[i] = testKey(id)
	}
	got, found := make([]Entry, n), make([]bool, n)
	all, verdicts := make([]Entry, n), make([]Verdict, n)
	w.must(w.ix.Fetch(keys, got, found))
	w.ix.FindOlder(keys, all, verdicts)
	for i := range keys {
		if found[i] != there[i] || got[i] != want[i] {
			w.t.Fatalf("fetch of key %d: %v %v, want %v %v", i, found[i], got[i], there[i], want[i])
		}
		e, verdict := w.ix.Find(keys[i])
		recent := w.ix.active.find(keys[i].halves()) != nil
		if !recent && (e != all[i] || verdict != verdicts[i]) || recent && (verdict != Present || verdicts[i] == Present) {
			w.t.Fatalf("FindOlder says %v, Find %v, recent %v", verdicts[i], verdict, recent)
		}
		if verdict == Absent && there[i] || verdict == Present && e != want[i] {
			w.t.Fatalf("find of key %d: %v %v, want %v %v", i, verdict, e, there[i], want[i])
		}
	}
}

func (w *world) finishCheckpoint(flush bool) {
	manifest, version, err := w.ix.WaitCheckpoint()
	w.must(err)
	record := binary.LittleEndian.AppendUint64(nil, uint64(w.pending))
	w.must(w.db.Set(recordKey, append(record, manifest...), pebble.NoSync))
	w.pending = -1
	if flush {
		w.must(w.db.Flush())
		w.must(w.ix.ManifestDurable(version))
	}
}

func (w *world) checkWalk() {
	w.t.Helper()
	want := slices.Clone(w.log)
	slices.SortFunc(want, func(a, b Entry) int { return slices.Compare(a.Key[:], b.Key[:]) })
	i := 0
	w.must(w.ix.Walk(func(e Entry) error {
		if i >= len(want) || e != want[i] {
			return fmt.Errorf("walk: entry %d of %d is %v", i, len(want), e)
		}
		i++
		return nil
	}))
	if s := w.ix.Stats(); i != len(want) || s.Entries != uint64(i) {
		w.t.Fatalf("walked %d, Stats says %d, want %d", i, s.Entries, len(want))
	}
}

func (w *world) step() {
	kind := []string{"insert", "insert", "insert", "look", "look", "seal", "drain", "begin", "wait", "flushless", "walk", "crash", "reopen"}[w.rng.Intn(13)]
	switch kind {
	case "insert":
		w.insert(w.rng.Intn(300))
	case "look":
		w.look(50)
	case "seal":
		_, err := w.ix.Seal()
		w.must(err)
	case "drain":
		w.ix.drain()
	case "begin":
		if w.pending >= 0 {
			return
		}
		w.pending = len(w.log)
		_, err := w.ix.BeginCheckpoint()
		w.must(err)
	case "wait", "flushless":
		if w.pending < 0 {
			return
		}
		w.finishCheckpoint(kind == "wait")
	case "walk":
		w.checkWalk()
	case "crash":
		if w.rng.Intn(3) > 0 {
			return
		}
		clone := w.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: w.rng.Intn(101), RNG: randv2.New(randv2.NewPCG(1, w.rng.Uint64()))})
		w.close()
		w.fs = clone
		w.open()
		w.checkWalk()
	case "reopen":
		if w.rng.Intn(3) > 0 {
			return
		}
		w.close()
		w.open()
	}
	if s := w.ix.Stats(); s.FilterBytes > max(0, w.ix.o.FilterBytesMax) {
		w.t.Fatalf("filters take %d bytes of %d", s.FilterBytes, w.ix.o.FilterBytesMax)
	}
	w.ops[kind]++
}

// TestModel runs random operations against the log kept beside, with crashes that lose any unsynced part of the store.
func TestModel(t *testing.T) {
	total, stats := map[string]int{}, Stats{}
	for seed := range int64(modelSeeds) {
		rng := rand.New(rand.NewSource(seed))
		w := &world{t: t, rng: rng, fs: vfs.NewCrashableMem(), ops: map[string]int{}}
		w.open()
		for range 120 {
			w.step()
		}
		w.ix.drain()
		w.checkWalk()
		w.close()
		for kind, n := range w.ops {
			total[kind] += n
		}
		stats.Merges += w.stats.Merges
		stats.RunsDeleted += w.stats.RunsDeleted
		stats.FiltersDropped += w.stats.FiltersDropped
		stats.FiltersLoaded += w.stats.FiltersLoaded
		stats.FetchedBlocks += w.stats.FetchedBlocks
	}
	t.Logf("operations %v, %+v", slices.Collect(maps.Keys(total)), stats)
	for _, kind := range []string{"insert", "look", "seal", "drain", "begin", "wait", "flushless", "walk", "crash", "reopen"} {
		if total[kind] < 3 {
			t.Errorf("%s ran %d times: the test tests nothing", kind, total[kind])
		}
	}
	if stats.Merges == 0 || stats.RunsDeleted == 0 || stats.FiltersDropped == 0 || stats.FiltersLoaded == 0 || stats.FetchedBlocks == 0 {
		t.Errorf("something never happened: %+v", stats)
	}
}

// walkHash is a hash of all entries in key order.
func walkHash(t *testing.T, ix *Index) (sum uint64, n int) {
	t.Helper()
	h := xxhash.New()
	var raw []byte
	if err := ix.Walk(func(e Entry) error {
		r := makeRecord(&e)
		raw = appendRecord(raw[:0], &r)
		n++
		_, err := h.Write(raw)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return h.Sum64(), n
}

// TestSameWalkWhateverTheTuning: the same ids under different options, with and without waiting for merges.
func TestSameWalkWhateverTheTuning(t *testing.T) {
	const ids = 20_000
	variants := []Options{
		{Capacity: 1 << 20},
		{Capacity: 200, Parts: 1, BatchIDsMax: 100, FanIn: 2, BlockEntries: 3},
		{Capacity: 1000, Parts: 4, BatchIDsMax: 100, FanIn: 3, FilterBytesMax: -1},
		{Capacity: 1000, Parts: 64, BatchIDsMax: 100, FanIn: 8, BlockEntries: 512, FilterBytesMax: 9000},
		{Capacity: 1000, Parts: 256, BatchIDsMax: 100, FanIn: 16, RunsMax: 200},
	}
	var want uint64
	for i, o := range variants {
		for _, drain := range []bool{false, true} {
			db := openStore(t, vfs.NewMem())
			ix, err := Open(db, nil, o)
			if err != nil {
				t.Fatal(err)
			}
			for id := range uint64(ids) {
				if err := ix.Insert(testEntry(id)); err != nil {
					t.Fatal(err)
				}
				if id%100 == 99 {
					if _, err := ix.Advance(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if drain {
				ix.drain()
			}
			sum, n := walkHash(t, ix)
			if want == 0 {
				want = sum
			}
			if s := ix.Stats(); i > 0 && drain && s.Merges == 0 {
				t.Errorf("variant %d never merged: %+v", i, s)
			}
			if sum != want || n != ids {
				t.Errorf("variant %d, drain %v: %d entries, hash %x, want %d, %x", i, drain, n, sum, ids, want)
			}
			if err := ix.Close(); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
