package state

import (
	"errors"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

func openIDs(t *testing.T) (*Store, *IDs) {
	t.Helper()
	s, err := Open("state", testOptions(vfs.NewMem()))
	if err != nil {
		t.Fatal(err)
	}
	_, l, err := s.Load(LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := s.OpenIDs(&l, smallIndex)
	if err != nil {
		t.Fatal(err)
	}
	return s, ids
}

func closeIDs(t *testing.T, s *Store, ids *IDs) {
	t.Helper()
	if err := errors.Join(ids.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func entry(i int) ledger.IDEntry {
	return ledger.IDEntry{Key: key("id", i), Position: ledger.At(uint64(1+i), i%5), Digest: uint64(i) * 77, Tag: ledger.Tag(1 + i%3)}
}

// TestShardsShareIDs: shards find and insert in their parts at the same time, also keys that only the store knows; every entry comes back
// whole, and the sum does not depend on who inserted it.
func TestShardsShareIDs(t *testing.T) {
	const batches, perBatch, shards = 40, 60, 4
	s, ids := openIDs(t)
	st := ledger.NewState(smallShifts)
	var want ledger.IDSum
	for batch := range batches {
		var workers sync.WaitGroup
		for shard := range shards {
			workers.Go(func() {
				for i := range (batch + 1) * perBatch {
					e := entry(i)
					if ids.Part(e.Key)%shards != shard {
						continue
					}
					found, ok := ids.Find(e.Key)
					if old := i < batch*perBatch; ok != old || ok && found != e {
						t.Errorf("batch %d entry %d: %+v %v", batch, i, found, ok)
						return
					}
					if !ok {
						ids.Insert(e)
					}
				}
			})
		}
		workers.Wait()
		for i := range perBatch {
			line := entry(batch*perBatch + i)
			want.AddEntry(&line)
		}
		if err := ids.Flush(st); err != nil {
			t.Fatal(err)
		}
		if got := st.Scalars.At(0).Ids; got != want {
			t.Fatalf("batch %d: sum %+v, want %+v", batch, got, want)
		}
	}
	if err := ids.Verify(st); err != nil {
		t.Error(err)
	}
	if stats, index := ids.Stats(); stats.Read == 0 || index.Seals == 0 {
		t.Errorf("vacuous: %+v %+v", stats, index)
	}
	st.Scalars.Mut(0).Ids.B++
	if ids.Verify(st) == nil {
		t.Error("Verify accepts another sum")
	}
	closeIDs(t, s, ids)
}

// TestPrefetch reads ahead what the commands of a batch will ask: their own ids and those of the originals.
func TestPrefetch(t *testing.T) {
	s, ids := openIDs(t)
	st := ledger.NewState(smallShifts)
	for i := range 400 {
		ids.Insert(entry(i))
		if i%20 == 19 {
			if err := ids.Flush(st); err != nil {
				t.Fatal(err)
			}
		}
	}
	undone := ledger.IDEntry{Key: ledger.UndoKey(ledger.At(9, 9)), Position: ledger.At(10, 0), Tag: ledger.TagMark}
	ids.Insert(undone)
	for i := 400; i < 800; i++ {
		ids.Insert(entry(i))
		if i%20 == 19 {
			if err := ids.Flush(st); err != nil {
				t.Fatal(err)
			}
		}
	}
	var commands []byte
	var offsets []uint32
	add := func(c ledger.Command) {
		offsets = append(offsets, uint32(len(commands)))
		commands = command.Append(commands, &c, &command.Details{})
	}
	institution, person := ledger.NewCode([]byte("P1")), key("psn", 1)
	for i := range 50 {
		add(ledger.Command{Kind: ledger.KindSettlement, ID: entry(i).Key, Institution: institution, Person: person})
		add(ledger.Command{Kind: ledger.KindReversalByMessage, Other: entry(100 + i).Key, Original: ledger.OriginalSettlement, Institution: institution, Person: person})
	}
	add(ledger.Command{Kind: ledger.KindReversalByID, Settlement: ledger.At(9, 9), Institution: institution, Person: person})
	if err := ids.Prefetch(commands, offsets); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		for _, want := range []ledger.IDEntry{entry(i), entry(100 + i), undone} {
			if e, found := ids.Find(want.Key); !found || e != want {
				t.Fatalf("%+v %v, want %+v", e, found, want)
			}
		}
	}
	if stats, _ := ids.Stats(); stats.Read != 0 || stats.Prefetched < 101 {
		t.Errorf("%+v: the batch still had to read", stats)
	}
	closeIDs(t, s, ids)
}

// TestIDsUnreadable: what cannot be read is never "absent".
func TestIDsUnreadable(t *testing.T) {
	s, ids := openIDs(t)
	st := ledger.NewState(smallShifts)
	for i := range 800 {
		ids.Insert(entry(i))
		if i%20 == 19 {
			if err := ids.Flush(st); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := ids.Close(); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range 800 {
		func() {
			defer func() {
				switch r := recover().(type) {
				case nil:
				case *Failure:
					failed++
				default:
					panic(r)
				}
			}()
			if _, found := ids.Find(entry(i).Key); !found {
				t.Errorf("entry %d is said to be absent", i)
			}
		}()
	}
	if failed == 0 {
		t.Error("vacuous: nothing had to be read")
	}
	if ids.Prefetch(nil, nil) != nil || ids.PrefetchKeys([]ledger.Key{entry(0).Key}) == nil {
		t.Error("prefetch from a closed table")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
