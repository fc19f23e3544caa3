package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/engine/state"
	"gongji/shard"
	"gongji/wal"
)

// SlowKeeper lets the executor run ahead of the keeper: each batch is kept only after so many other goroutines have had their turn.
func SlowKeeper(o *Options, turns int) {
	o.beforeKeep = func() {
		for range turns {
			runtime.Gosched()
		}
	}
}

// Crash is Abandon, by the name that tests of restarts use.
func (e *Engine) Crash() error { return e.Abandon() }

// LookEvents is Events with a bound of effects looked at.
func (e *Engine) LookEvents(after ledger.Position, limit, looks int, want func(*ledger.Effect, *ledger.Effects) bool) (Feed, error) {
	return e.events(after, limit, looks, want)
}

// LookRows is InstitutionRows with a bound of entries passed over.
func (e *Engine) LookRows(q InstitutionQuery, skips int) (InstitutionRows, error) {
	return e.institutionRows(AskLimit, q, skips)
}

// DayAfter is the seek key behind a day of an institution.
func (e *Engine) DayAfter(institution uint32, day int32) (before ledger.Position, found bool, err error) {
	return e.core.store.InstitutionDayAfter(institution, day)
}

// SameCheckpoint is what Verify holds kept checkpoints against.
var SameCheckpoint = sameCheckpoint

// HookWalks has f told before each walk, on the goroutine of Totals' caller. Before the first call of Totals.
func (e *Engine) HookWalks(f func(sequence uint64)) { e.checkpoint.walking = f }

// Walks is how many walks the executor has not thawed yet.
func (e *Engine) Walks() (n int, err error) {
	err = e.Ask(func(View) { n = len(e.checkpoint.walks) })
	return n, err
}

// ReplayBatches runs batches of a golden file (length, day key, payload; a zero key is none) over shards and returns both digests as text.
func ReplayBatches(t *testing.T, log []byte, shards int) (digests string, commands int) {
	var c core
	if _, err := c.load(t.TempDir(), wal.Identity{}, state.Events{}); err != nil {
		t.Fatal(err)
	}
	c.executor = executor.NewSharded(executor.Store{State: c.tables, IDs: c.ids, Originals: &c}, shards, 1, 1)
	for sequence := uint64(1); len(log) > 0; sequence++ {
		n := binary.LittleEndian.Uint32(log)
		key, payload := [32]byte(log[4:36]), log[36:36+n]
		log = log[36+n:]
		if err := c.open(sequence, payload); err != nil {
			t.Fatal(err)
		}
		c.keys = dayKeys{day: ledger.DayOf(c.batch.Head.TimeMS), key: key, have: key != [32]byte{}}
		if _, err := c.run(wal.Link{}); err != nil {
			t.Fatal(err)
		}
		commands += len(c.batch.Offsets)
		digests += fmt.Sprintf("%d %x %x\n", sequence, c.chain, state.Hash(c.tables))
	}
	c.executor.Close()
	if err := errors.Join(c.ids.Close(), c.store.Close()); err != nil {
		t.Fatal(err)
	}
	return digests, commands
}

// EndCheckpoint waits for the checkpoint under way, if any, and ends it. While one is written no other begins, so how many there are is the disk's
// affair; a test that counts them asks for the end of each.
func (e *Engine) EndCheckpoint() error {
	var err error
	if ask := e.Ask(func(View) {
		if e.checkpoint.current != nil {
			err = e.finishCheckpoint()
		}
	}); ask != nil {
		return ask
	}
	return err
}

// PlantIDs puts a lens between the rules and the id table, where a test plants a panic.
func PlantIDs(o *Options, lens func(shard.IDs) shard.IDs) { o.lookupIDs = lens }

// KeepImpossible keeps a batch the effect of whose command index cannot be written.
func KeepImpossible(payload []byte, index int) error {
	var c core
	b := executor.Batch{}
	if err := b.Open(7, payload); err != nil {
		return err
	}
	fx := ledger.Effects{List: make([]ledger.Effect, len(b.Offsets)), Legs: []ledger.Leg{{Account: ledger.Account(ledger.KindFundBank, 99)}}}
	for i := range fx.List {
		fx.List[i] = ledger.Effect{Kind: ledger.KindTick, Outcome: ledger.Accepted}
	}
	fx.List[index].Kind, fx.List[index].LegCount = 127+2, 1
	return c.keep(&b, &fx)
}

// Bury closes what an engine that has failed leaves open until its process ends.
func (e *Engine) Bury() error {
	<-e.cut
	return errors.Join(e.core.ids.Close(), e.core.store.Abandon(), e.log.Close())
}

// ReadQuarantines reads a directory's side records.
func ReadQuarantines(dir string) (n int, err error) {
	id, err := readIdentity(state.DefaultFS, dir, identityName)
	if err != nil {
		return 0, err
	}
	side, _, err := readQuarantines(dir, id)
	return len(side), err
}

// SmallSegments makes an archive's segments complete at so many bytes.
func SmallSegments(o *Options, bytes int64) { o.archiveSegment = bytes }

// Sealed waits until what may be sealed now is, and the log truncated.
func (e *Engine) Sealed() error { return e.sealAndTruncate() }
