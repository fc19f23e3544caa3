package idindex

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// small is an index with small tables on a store of its own, closed at the end of the test.
func small(t testing.TB, o Options) (*pebble.DB, *Index) {
	t.Helper()
	db := openStore(t, vfs.NewMem())
	ix, err := Open(db, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = ix.Close() // its error is the test's to look at
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, ix
}

func insertRange(t testing.TB, ix *Index, from, to uint64) {
	t.Helper()
	for id := from; id < to; id++ {
		if err := ix.Insert(testEntry(id)); err != nil {
			t.Fatal(err)
		}
		if id%64 == 63 {
			if _, err := ix.Advance(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func checkpoint(t testing.TB, ix *Index) ([]byte, uint64) {
	t.Helper()
	if _, err := ix.BeginCheckpoint(); err != nil {
		t.Fatal(err)
	}
	manifest, version, err := ix.WaitCheckpoint()
	if err != nil {
		t.Fatal(err)
	}
	return manifest, version
}

func sealAll(t testing.TB, ix *Index) {
	t.Helper()
	if _, err := ix.Seal(); err != nil {
		t.Fatal(err)
	}
	ix.drain()
}

// fetchOne asks for one id.
func fetchOne(ix *Index, id uint64) (Entry, bool, error) {
	dst, found := make([]Entry, 1), make([]bool, 1)
	err := ix.Fetch([]Key{testKey(id)}, dst, found)
	return dst[0], found[0], err
}

// TestManifestKeepsItsRuns: what a durable manifest names stays in the store until a newer one is durable, whatever is merged.
func TestManifestKeepsItsRuns(t *testing.T) {
	o := Options{Capacity: 64, Parts: 4, BatchIDsMax: 64, FanIn: 2}
	db, ix := small(t, o)
	insertRange(t, ix, 0, 300)
	first, version := checkpoint(t, ix)
	m, err := readManifest(first)
	if err != nil || version != 1 || len(m.runs) < 2 {
		t.Fatalf("manifest 1 is version %d, %+v, %v", version, m, err)
	}
	if err := ix.ManifestDurable(version); err != nil {
		t.Fatal(err)
	}
	stored := func() int {
		n := 0
		numbers, err := ix.worker.storedRuns(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range numbers {
			for i := range m.runs {
				if m.runs[i].number == number {
					n++
				}
			}
		}
		return n
	}
	insertRange(t, ix, 300, 6000)
	second, version := checkpoint(t, ix)
	ix.drain()
	if n := stored(); n != len(m.runs) {
		t.Fatalf("%d of %d runs of the durable manifest left", n, len(m.runs))
	}
	if ix.Stats().Merges == 0 || len(second) == 0 {
		t.Fatal("nothing was merged, so nothing was tested")
	}
	if err := ix.ManifestDurable(version + 1); !errors.Is(err, ErrCheckpoint) {
		t.Fatalf("a manifest never built was taken as durable: %v", err)
	}
	if err := ix.ManifestDurable(version); err != nil {
		t.Fatal(err)
	}
	ix.drain()
	if n := stored(); n == len(m.runs) {
		t.Fatalf("all %d runs of the old manifest are left after the new one was durable", n)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(db, second, o)
	if err != nil {
		t.Fatal(err)
	}
	if n := again.Stats().Entries; n != 6000 {
		t.Errorf("manifest 2 restores %d entries, want 6000", n)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNoFilters: with no filter memory every absent id in range is a Maybe that Fetch decides.
func TestNoFilters(t *testing.T) {
	_, ix := small(t, Options{Capacity: 64, Parts: 4, BatchIDsMax: 64, FilterBytesMax: -1})
	insertRange(t, ix, 0, 2000)
	sealAll(t, ix)
	maybes := 0
	for id := uint64(2000); id < 2100; id++ {
		if _, verdict := ix.Find(testKey(id)); verdict == Maybe {
			maybes++
		}
		if _, found, err := fetchOne(ix, id); found || err != nil {
			t.Fatalf("id %d: %v %v", id, found, err)
		}
	}
	for id := range uint64(2000) {
		if e, found, err := fetchOne(ix, id); !found || err != nil || e != testEntry(id) {
			t.Fatalf("id %d: %v %v %v", id, e, found, err)
		}
	}
	if s := ix.Stats(); maybes < 90 || s.FilterBytes != 0 || s.RunsWithFilter != 0 || s.FalsePositives == 0 {
		t.Errorf("%d maybes, %+v", maybes, s)
	}
}

// TestSealedIDsAreFoundAtOnce: an id is never unknown while its table is on the way into a run.
func TestSealedIDsAreFoundAtOnce(t *testing.T) {
	_, ix := small(t, Options{Capacity: 4096, Parts: 4, BatchIDsMax: 64})
	for round := range uint64(50) {
		from := round * 64
		insertRange(t, ix, from, from+64)
		if _, err := ix.Seal(); err != nil {
			t.Fatal(err)
		}
		for id := from; id < from+64; id++ {
			if _, verdict := ix.Find(testKey(id)); verdict == Absent {
				t.Fatalf("id %d is absent after Seal", id)
			}
			if e, found, err := fetchOne(ix, id); !found || err != nil || e != testEntry(id) {
				t.Fatalf("id %d: %v %v %v", id, e, found, err)
			}
		}
	}
}

// TestRunsStayBounded: a seal waits at RunsMax instead of adding to the runs, and goes on below.
func TestRunsStayBounded(t *testing.T) {
	o := Options{Capacity: 64, Parts: 4, BatchIDsMax: 64, FanIn: 2, RunsMax: runsNeeded(2)}.withDefaults()
	db, _ := small(t, o)
	w := newWorker(db, &o) // not started: the test takes its steps
	for range o.RunsMax {
		w.live = append(w.live, &liveRun{run: &run{runMeta: runMeta{count: 1}}, merging: true})
	}
	sealed := newTable(&o)
	e := testEntry(1)
	if err := sealed.insert(makeRecord(&e)); err != nil {
		t.Fatal(err)
	}
	w.nextRun = 1000
	w.jobs <- sealJob{table: sealed}
	if worked, err := w.work(); worked || err != nil || len(w.live) != o.RunsMax {
		t.Fatalf("at %d runs: worked %v, %v, now %d runs", o.RunsMax, worked, err, len(w.live))
	}
	w.live = w.live[1:]
	if worked, err := w.work(); !worked || err != nil || len(w.live) != o.RunsMax {
		t.Fatalf("below: worked %v, %v, now %d runs", worked, err, len(w.live))
	}
}

// TestTableFull: breaking BatchIDsMax is told, and nothing is lost before it.
func TestTableFull(t *testing.T) {
	_, ix := small(t, Options{Capacity: 64, Parts: 1, BatchIDsMax: 10, SealPercent: 50})
	for id := range uint64(42) {
		if err := ix.Insert(testEntry(id)); err != nil {
			t.Fatalf("id %d: %v", id, err)
		}
	}
	if err := ix.Insert(testEntry(42)); !errors.Is(err, ErrTableFull) {
		t.Fatalf("the 43rd id: %v", err)
	}
	if _, err := ix.Advance(); err != nil {
		t.Fatal(err)
	}
	if err := ix.Insert(testEntry(42)); err != nil {
		t.Fatalf("after Advance: %v", err)
	}
	if _, n := walkHash(t, ix); n != 43 {
		t.Errorf("%d entries, want 43", n)
	}
}

// TestInsertedTwice: against the contract, but found out.
func TestInsertedTwice(t *testing.T) {
	_, ix := small(t, Options{Capacity: 64, Parts: 4, BatchIDsMax: 64})
	for range 2 {
		if err := ix.Insert(testEntry(1)); err != nil {
			t.Fatal(err)
		}
	}
	sealAll(t, ix)
	if err := ix.Err(); !errors.Is(err, ErrOrder) {
		t.Fatalf("kept error is %v", err)
	}
	if _, err := ix.Advance(); !errors.Is(err, ErrOrder) {
		t.Errorf("Advance: %v", err)
	}
	if err := ix.Close(); !errors.Is(err, ErrOrder) {
		t.Errorf("Close: %v", err)
	}
}

// TestKeysThatAreNotUniform: equal high halves, neighbours and extremes are still exact.
func TestKeysThatAreNotUniform(t *testing.T) {
	_, ix := small(t, Options{Capacity: 128, Parts: 4, BatchIDsMax: 256, BlockEntries: 4, FanIn: 2, FilterBytesMax: -1})
	key := func(i int) (k Key) {
		high := []byte{0, 0, 0x7f, 0xff}[i%4]
		for j := range 14 {
			k[j] = high
		}
		k[14], k[15] = byte(i>>8), byte(i)
		if i >= 1496 { // the last four: all bytes equal
			k[14], k[15] = high, high
		}
		return k
	}
	seen := map[Key]bool{}
	for i := range 1500 {
		if k := key(i); !seen[k] {
			seen[k] = true
			if err := ix.Insert(Entry{Key: k, Position: uint64(i)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ix.Advance(); err != nil {
			t.Fatal(err)
		}
	}
	sealAll(t, ix)
	keys := make([]Key, 0, len(seen))
	for k := range seen {
		keys = append(keys, k)
	}
	dst, found := make([]Entry, len(keys)), make([]bool, len(keys))
	if err := ix.Fetch(keys, dst, found); err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if !found[i] || dst[i].Key != keys[i] {
			t.Fatalf("key %x: %v %x", keys[i], found[i], dst[i].Key)
		}
		other := keys[i]
		other[13] ^= 0x10
		if _, verdict := ix.Find(other); verdict == Present {
			t.Fatalf("key %x was never inserted", other)
		}
	}
	if _, n := walkHash(t, ix); n != len(seen) {
		t.Errorf("walked %d, want %d", n, len(seen))
	}
}

// TestPartsConcurrently: owners of parts work at the same time, between barriers; for the race detector.
func TestPartsConcurrently(t *testing.T) {
	const shards, parts, batches, batch = 4, 16, 60, 512
	_, ix := small(t, Options{Capacity: 2048, Parts: parts, BatchIDsMax: batch})
	for b := range uint64(batches) {
		failed := make([]error, shards)
		var barrier sync.WaitGroup
		for shard := range shards {
			barrier.Go(func() {
				for id := b * batch; id < (b+1)*batch && failed[shard] == nil; id++ {
					e := testEntry(id)
					if PartOf(e.Key, parts)%shards != shard {
						continue
					}
					if _, verdict := ix.Find(e.Key); verdict == Present {
						failed[shard] = fmt.Errorf("id %d is there", id)
					} else if err := ix.Insert(e); err != nil {
						failed[shard] = err
					} else if got, verdict := ix.Find(e.Key); verdict != Present || got != e {
						failed[shard] = fmt.Errorf("id %d: %v after Insert", id, verdict)
					}
				}
			})
		}
		barrier.Wait()
		if _, err := ix.Advance(); err != nil || errors.Join(failed...) != nil {
			t.Fatal(err, failed)
		}
	}
	if _, n := walkHash(t, ix); n != batches*batch {
		t.Errorf("%d entries, want %d", n, batches*batch)
	}
	if s := ix.Stats(); s.Seals == 0 || s.Merges == 0 {
		t.Errorf("nothing happened beside the shards: %+v", s)
	}
}

// TestCheckpointOutOfTurn, and what a closed index says.
func TestCheckpointOutOfTurn(t *testing.T) {
	_, ix := small(t, Options{Capacity: 64, Parts: 4, BatchIDsMax: 64})
	if _, _, err := ix.WaitCheckpoint(); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("wait before begin: %v", err)
	}
	if _, err := ix.BeginCheckpoint(); err != nil {
		t.Fatal(err)
	}
	if _, err := ix.BeginCheckpoint(); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("begun twice: %v", err)
	}
	manifest, version, err := ix.WaitCheckpoint()
	if err != nil || version != 1 {
		t.Fatalf("version %d, %v", version, err)
	}
	if m, err := readManifest(manifest); err != nil || len(m.runs) != 0 {
		t.Errorf("manifest of an empty index: %+v, %v", m, err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ix.BeginCheckpoint(); !errors.Is(err, ErrClosed) {
		t.Errorf("begun after Close: %v", err)
	}
	if err := ix.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// TestOptions: each limit is enforced.
func TestOptions(t *testing.T) {
	f := func(change func(*Options)) {
		t.Helper()
		o := Options{}
		change(&o)
		if ix, err := Open(nil, nil, o); err == nil {
			_ = ix.Close()
			t.Errorf("accepted %+v", o)
		}
	}
	f(func(o *Options) { o.Parts = 3 })
	f(func(o *Options) { o.Parts = -1 })
	f(func(o *Options) { o.Capacity = 32 })
	f(func(o *Options) { o.SealPercent = 101 })
	f(func(o *Options) { o.BatchIDsMax = -1 })
	f(func(o *Options) { o.BlockEntries = 1 << 20 })
	f(func(o *Options) { o.FanIn = 1 })
	f(func(o *Options) { o.RunsMax = 8 })
	f(func(o *Options) { o.Prefix = 0xff })
	f(func(o *Options) { o.Capacity, o.Parts = 1<<20, 8 })
}
