package state

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/wal/waltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPrefixes(t *testing.T) {
	if PrefixJournal != journal.Prefix {
		t.Errorf("journal writes under %q, the list says %q", journal.Prefix, PrefixJournal)
	}
}

// TestHash: the hash is the one of its definition after every batch, whatever the pages, and tells every batch apart.
// T20: defect_map_order.
func TestHash(t *testing.T) {
	w := newWorld(t, 1, 60, 30)
	states := map[[32]byte]bool{}
	for _, shifts := range []ledger.Shifts{{Person: 0, Institution: 0, Family: 0}, {Person: 3, Institution: 2, Family: 5}, ledger.DefaultShifts} {
		s := ledger.NewState(shifts)
		ids, effects := mapIDs{}, effectMap{}
		ref := &reference{state: s, ids: ids, effects: effects, ledger: ledger.New(s, ids, effects)}
		for i, list := range w.batches {
			ref.run(t, uint64(i+1), list)
			h := Hash(s)
			if h != w.hashes[i] {
				t.Fatalf("shifts %+v batch %d: %x, want %x", shifts, i+1, h, w.hashes[i])
			}
			states[h] = true
		}
	}
	if len(states) < 50 {
		t.Fatalf("vacuous: %d different states", len(states))
	}
}

func TestStopAndRestore(t *testing.T) {
	w := newWorld(t, 2, 120, 20)
	fs := vfs.NewMem()
	n := openNode(t, w, testOptions(fs), smallShifts)
	for range 50 {
		n.step()
	}
	n.checkpoint()
	if d := n.store.DurableSequence(); d != 50 {
		t.Errorf("durable %d", d)
	}
	for range 7 {
		n.step()
	}
	n.check()
	n.close()

	n = openNode(t, w, testOptions(fs), smallShifts)
	if n.sequence != 50 || n.store.DurableSequence() != 50 {
		t.Fatalf("loaded sequence %d", n.sequence)
	}
	n.check()
	n.replay()
	checkRecords(n)
	n.close()
}

func checkRecords(n *node) {
	n.t.Helper()
	for i := range n.state.Persons.Len() {
		r, found, err := n.store.Person(i)
		if err != nil || !found || string(r.Blob) != "blob" || r.Birth != -3000 || r.Sex != 2 || r.CertType != 1 {
			n.t.Fatalf("record of person %d: %+v %v %v", i, r, found, err)
		}
	}
	if _, found, err := n.store.Person(n.state.Persons.Len()); found || err != nil {
		n.t.Fatalf("record of nobody: %v %v", found, err)
	}
}

// TestNothingFlushed: a crash before the first checkpoint starts from nothing, and the log rebuilds everything.
func TestNothingFlushed(t *testing.T) {
	w := newWorld(t, 3, 40, 20)
	fs := vfs.NewCrashableMem()
	n := openNode(t, w, testOptions(waltest.NewCrashFS(fs)), smallShifts)
	for n.sequence < 40 {
		n.step()
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	n.close()
	n = openNode(t, w, testOptions(waltest.NewCrashFS(clone)), smallShifts)
	if n.sequence != 0 || n.store.DurableSequence() != 0 {
		t.Fatalf("loaded sequence %d from nothing", n.sequence)
	}
	n.check()
	n.replay()
	n.close()
}

// TestPageSizesChange: each run has other pages; dirty pages only are written when the size stays, all when it changes.
func TestPageSizesChange(t *testing.T) {
	w := newWorld(t, 4, 90, 30)
	fs := vfs.NewMem()
	for i, shifts := range []ledger.Shifts{{Person: 3, Institution: 1, Family: 2}, {Person: 5, Institution: 0, Family: 0}, {Person: 0, Institution: 3, Family: 1}, {Person: 0, Institution: 3, Family: 1}} {
		n := openNode(t, w, testOptions(fs), shifts)
		n.check()
		for range 20 {
			n.step()
		}
		n.checkpoint()
		n.check()
		kept := n.store.Kept()
		for _, k := range kept {
			st, info, err := n.store.ReadKept(k.Number, LoadOptions{Shifts: shifts})
			if err != nil || naiveHash(st) != w.hashes[info.Sequence-1] {
				t.Fatalf("round %d, kept checkpoint %d: %v", i, k.Number, err)
			}
		}
		if len(kept) != min(i+1, keptCheckpoints) {
			t.Errorf("round %d: %d kept", i, len(kept))
		}
		n.close()
	}
	n := openNode(t, w, testOptions(fs), ledger.DefaultShifts)
	n.check()
	n.replay()
	n.close()
}

// TestOnlyDirtyPages: a checkpoint without changes writes no page.
func TestOnlyDirtyPages(t *testing.T) {
	w := newWorld(t, 5, 60, 30)
	n := openNode(t, w, testOptions(vfs.NewMem()), smallShifts)
	for range 50 {
		n.step()
	}
	n.checkpoint()
	n.begin()
	c := n.current
	n.end()
	if c.Stats().Pages != 0 || c.Info().StateHash != w.hashes[49] {
		t.Errorf("a checkpoint of nothing new wrote %d pages", c.Stats().Pages)
	}
	n.close()
}

// TestSpace: superseded pages and records do not stay.
func TestSpace(t *testing.T) {
	w := newWorld(t, 6, 200, 20)
	n := openNode(t, w, testOptions(vfs.NewMem()), smallShifts)
	for n.sequence < 200 {
		n.step()
		if n.sequence%3 == 0 {
			n.checkpoint()
		}
	}
	n.checkpoint()
	found, named := 0, map[pageAt]bool{}
	for _, r := range n.store.kept {
		for i := range r.tables {
			for p, v := range r.tables[i].versions {
				named[pageAt{v, uint8(i + 1), uint32(p)}] = true
			}
		}
	}
	n.must(n.store.scan(func(_, _ []byte, at pageAt) error {
		found++
		if !named[at] {
			t.Errorf("page %+v is still there", at)
		}
		return nil
	}))
	if found != len(named) || found == 0 {
		t.Errorf("%d pages, %d named", found, len(named))
	}
	n.close()
}

func TestForeign(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open("state", testOptions(fs))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   error
	}{
		"ledger":    {func(o *Options) { o.Identity.Ledger[3]++ }, ErrForeign},
		"directory": {func(o *Options) { o.Identity.Directory[3]++ }, ErrForeign},
		"build":     {func(o *Options) { o.Build = "another" }, ErrFormat},
		"long name": {func(o *Options) { o.Build = string(make([]byte, BuildBytesMax+1)) }, ErrFormat},
		"none":      {func(*Options) {}, nil},
	} {
		o := testOptions(fs)
		c.change(&o)
		s, err := Open("state", o)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if s != nil {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCorruption damages every value that Load reads, one at a time: each must be refused, naming its key.
func TestCorruption(t *testing.T) {
	w := newWorld(t, 7, 40, 20)
	fs := vfs.NewMem()
	n := openNode(t, w, testOptions(fs), smallShifts)
	for range 40 {
		n.step()
	}
	n.checkpoint()
	type pair struct{ key, value []byte }
	var pairs []pair
	it, err := n.store.db.NewIter(nil)
	n.must(err)
	for ok := it.First(); ok; ok = it.Next() {
		if p := it.Key()[0]; p == PrefixMeta && it.Key()[1] == metaCheckpoint || p == PrefixTables {
			pairs = append(pairs, pair{append([]byte(nil), it.Key()...), append([]byte(nil), it.Value()...)})
		}
	}
	n.must(it.Close())
	if len(pairs) < 20 {
		t.Fatalf("vacuous: %d values", len(pairs))
	}
	db := n.store.db
	for i, p := range pairs {
		bad := append([]byte(nil), p.value...)
		bad[i*7%len(bad)] ^= 1 << (i % 8)
		for _, damage := range []func() error{
			func() error { return db.Set(p.key, bad, pebble.NoSync) },
			func() error { return db.Set(p.key, p.value[:len(p.value)/2], pebble.NoSync) },
			func() error { return db.Set(p.key, pairs[(i+1)%len(pairs)].value, pebble.NoSync) },
		} {
			n.must(damage())
			s := &Store{db: db, o: n.store.o, layout: n.store.layout}
			var corrupt *CorruptionError
			if _, _, err := s.Load(LoadOptions{Shifts: smallShifts}); !errors.As(err, &corrupt) || string(corrupt.Key) != string(p.key) {
				t.Fatalf("key %x damaged: %v", p.key, err)
			}
		}
		n.must(db.Set(p.key, p.value, pebble.NoSync))
	}
	page := pairs[len(pairs)-1]
	n.must(db.Delete(page.key, pebble.NoSync))
	var corrupt *CorruptionError
	if _, _, err := (&Store{db: db}).Load(LoadOptions{}); !errors.As(err, &corrupt) {
		t.Fatalf("page missing: %v", err)
	}
	n.must(db.Set(page.key, page.value, pebble.NoSync))
	if _, _, err := (&Store{db: db}).Load(LoadOptions{}); err != nil {
		t.Fatalf("after everything was put back: %v", err)
	}
	n.close()
}

// TestStateHashIsCompared: pages whose own sums agree but which are not those of the checkpoint.
func TestStateHashIsCompared(t *testing.T) {
	w := newWorld(t, 8, 30, 20)
	n := openNode(t, w, testOptions(vfs.NewMem()), smallShifts)
	for range 30 {
		n.step()
	}
	n.checkpoint()
	key := appendPageKey(nil, n.store.kept[0].tables[0].versions[0], 1, 0)
	value, closer, err := n.store.db.Get(key)
	n.must(err)
	forged := append([]byte(nil), value...)
	n.must(closer.Close())
	forged = forged[:len(forged)-sumBytes]
	forged[70] ^= 1 // a number in the first person's row, not his balance
	n.must(n.store.db.Set(key, appendSum(forged, key, forged), pebble.NoSync))
	var corrupt *CorruptionError
	if _, _, err := (&Store{db: n.store.db}).Load(LoadOptions{}); !errors.As(err, &corrupt) || corrupt.Key[0] != PrefixMeta {
		t.Fatalf("a forged page: %v", err)
	}
	if _, _, err := (&Store{db: n.store.db}).Load(LoadOptions{SkipHash: true}); err != nil {
		t.Fatalf("the check switched off: %v", err)
	}
	n.close()
}

// TestRecordIsCompared: a record whose own sum agrees but which tells another hash or other sums than its pages give.
func TestRecordIsCompared(t *testing.T) {
	w := newWorld(t, 11, 30, 20)
	n := openNode(t, w, testOptions(vfs.NewMem()), smallShifts)
	for range 30 {
		n.step()
	}
	n.checkpoint()
	good := n.store.kept[0]
	key := recordKey(good.Number)
	for name, forge := range map[string]func(*record){
		"nothing":  func(*record) {},
		"hash":     func(r *record) { r.StateHash[17] ^= 1 },
		"personal": func(r *record) { r.Totals.Personal++; r.Totals.Funding-- }, // still 0 in sum
		"family":   func(r *record) { r.Totals.Family++; r.Totals.Institution-- },
		"premium":  func(r *record) { r.Totals.Premium++; r.Totals.FundBank-- },
		"areas":    func(r *record) { r.Totals.AreaOwed++; r.Totals.AreaClaimed-- },
	} {
		forged := *good
		forge(&forged)
		value := forged.append(nil)
		n.must(n.store.db.Set(key, appendSum(value, key, value), pebble.NoSync))
		var corrupt *CorruptionError
		_, _, err := (&Store{db: n.store.db}).Load(LoadOptions{Shifts: smallShifts})
		if found := errors.As(err, &corrupt) && string(corrupt.Key) == string(key); found == (name == "nothing") {
			t.Errorf("%s forged: %v", name, err)
		}
	}
	value := good.append(nil)
	n.must(n.store.db.Set(key, appendSum(value, key, value), pebble.NoSync))
	n.close()
}

// TestSnapshot: snapshots that overlap each other and checkpoints give each the hash and the sums of its moment, and cost a checkpoint no page.
func TestSnapshot(t *testing.T) {
	w := newWorld(t, 12, 90, 20)
	fs := vfs.NewMem()
	n := openNode(t, w, testOptions(fs), smallShifts)
	type moment struct {
		at uint64
		s  *Snapshot
	}
	var open []moment
	read := func(i int) {
		t.Helper()
		m := open[i]
		open = append(open[:i], open[i+1:]...)
		hash, totals, whole := m.s.Digest(nil)
		if !whole || hash != w.hashes[m.at-1] || totals != w.totals[m.at-1] {
			t.Fatalf("snapshot of %d read at %d: %x %+v, want %x %+v", m.at, n.sequence, hash, totals, w.hashes[m.at-1], w.totals[m.at-1])
		}
		m.s.Thaw()
	}
	for n.sequence < 80 {
		n.step()
		switch n.sequence % 5 {
		case 0:
			open = append(open, moment{n.sequence, Look(n.state)})
		case 2:
			n.end()
			n.begin()
		case 4:
			if len(open) > 2 {
				read(int(n.sequence) % len(open))
			}
		}
	}
	for len(open) > 0 {
		read(0)
	}
	n.checkpoint()
	for _, k := range n.store.Kept() {
		if k.StateHash != w.hashes[k.Sequence-1] || k.Totals != w.totals[k.Sequence-1] || k.EffectChain != [32]byte(w.links[k.Sequence-1]) {
			t.Errorf("kept checkpoint of %d: %+v", k.Sequence, k)
		}
	}
	s, asked := Look(n.state), 0
	if _, _, whole := s.Digest(func() bool { asked++; return asked == 3 }); whole || asked != 3 {
		t.Errorf("a walk stopped at the third page: whole %v, asked %d times", whole, asked)
	}
	s.Thaw()
	n.close()
	n = openNode(t, w, testOptions(fs), smallShifts)
	n.check() // the last checkpoint held every page written since the one before, whatever the snapshots
	n.replay()
	n.close()
}

func TestOrder(t *testing.T) {
	w := newWorld(t, 9, 30, 20)
	s, err := Open("state", testOptions(vfs.NewMem()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(ledger.NewState(smallShifts), nil, Mark{}); !errors.Is(err, ErrOrder) {
		t.Errorf("Begin before Load: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n := openNode(t, w, testOptions(vfs.NewMem()), smallShifts)
	for range 10 {
		n.step()
	}
	n.begin()
	if _, err := n.store.Begin(n.state, n.ids, n.mark()); !errors.Is(err, ErrBusy) {
		t.Errorf("second Begin: %v", err)
	}
	n.end()
	if _, err := n.store.Begin(n.state, n.ids, Mark{Sequence: 9}); !errors.Is(err, ErrOrder) {
		t.Errorf("Begin of the past: %v", err)
	}
	if _, _, err := n.store.Load(LoadOptions{}); !errors.Is(err, ErrOrder) {
		t.Errorf("second Load: %v", err)
	}
	if (*Checkpoint)(nil).Done() != nil {
		t.Error("no checkpoint is done")
	}
	n.close()
}

// TestCopy: a copy made while batches go on loads like the store.
func TestCopy(t *testing.T) {
	w := newWorld(t, 10, 60, 20)
	fs := vfs.NewMem()
	n := openNode(t, w, testOptions(fs), smallShifts)
	for range 30 {
		n.step()
	}
	n.checkpoint()
	n.step()
	n.begin()
	n.must(n.store.Copy("copy"))
	if err := n.store.Copy("copy"); err == nil {
		t.Error("a copy was made over another")
	}
	n.replay()
	n.close()
	n.must(fs.RemoveAll("state"))
	n.must(fs.Rename("copy", "state"))
	n = openNode(t, w, testOptions(fs), smallShifts)
	if n.sequence != 30 && n.sequence != 31 {
		t.Errorf("copy loads sequence %d", n.sequence)
	}
	n.check()
	n.replay()
	n.close()
}
