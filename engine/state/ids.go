package state

import (
	"fmt"
	"sync"

	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/state/idindex"
)

// IDs is the id table as the rules see it (ledger.IDs, shard.IDs). Find of a key is a fact of the log, whatever is in memory: what memory
// cannot tell is read from the store, ahead of the batch by Prefetch or, where that did not see it coming, in the middle of it.
//
// During a batch, the owner of a part may call Find and Insert for keys of that part; everything else belongs to the executor's goroutine
// between batches.
type IDs struct {
	index      *idindex.Index
	parts      int
	sums       []partSum
	prefetched map[idindex.Key]fetched
	keys       []idindex.Key
	entries    []idindex.Entry
	verdicts   []idindex.Verdict
	found      []bool
	command    ledger.Command

	reading sync.Mutex // of one Fetch at a time in the middle of a batch; the fast path never takes it
	stats   IDStats
}

// IDStats count how often memory did not know.
type IDStats struct {
	Prefetched uint64 // keys read ahead of their batch
	Read       uint64 // keys read in the middle of a batch
	SealWaits  uint64 // batches that waited for the table to be sealed
}

// partSum is what was inserted into a part since the last Flush, alone on its cache line.
type partSum struct {
	sum ledger.IDSum
	_   [40]byte
}

type fetched struct {
	entry idindex.Entry
	found bool
}

// idsPerCommandMax: a command's own id, and a mark or tombstone.
const idsPerCommandMax = 2

// OpenIDs opens the id table of a loaded checkpoint. BatchIDsMax of o is at least what a full batch may insert.
func (s *Store) OpenIDs(l *Loaded, o idindex.Options) (*IDs, error) {
	o.Prefix = PrefixIDs
	o.BatchIDsMax = max(o.BatchIDsMax, idsPerCommandMax*command.BatchCommandsMax)
	if o.Parts == 0 {
		o.Parts = idindex.PartsDefault
	}
	index, err := idindex.Open(s.db, l.manifest, o)
	if err != nil {
		return nil, err
	}
	return &IDs{index: index, parts: o.Parts, sums: make([]partSum, o.Parts), prefetched: map[idindex.Key]fetched{}}, nil
}

// Two top bits of an index entry's position hold the tag.
const (
	tagShift    = 62
	positionMax = 1<<tagShift - 1
)

func pack(e *ledger.IDEntry) idindex.Entry {
	return idindex.Entry{Key: idindex.Key(e.Key), Position: packPosition(e.Position, e.Tag), Digest: e.Digest}
}

func packPosition(p ledger.Position, tag ledger.Tag) uint64 {
	if p > positionMax || tag > 3 {
		panic(fmt.Sprintf("BUG: id entry with position %d tag %d", p, tag))
	}
	return uint64(p) | uint64(tag)<<tagShift
}

func unpack(e idindex.Entry) ledger.IDEntry {
	return ledger.IDEntry{Key: ledger.Key(e.Key), Position: ledger.Position(e.Position & positionMax), Digest: e.Digest, Tag: ledger.Tag(e.Position >> tagShift)}
}

// Part is the part of a key; it does not depend on the number of shards.
func (x *IDs) Part(key ledger.Key) int { return idindex.PartOf(idindex.Key(key), x.parts) }

// Find looks a key up. It panics with *Failure if the store cannot be read.
func (x *IDs) Find(key ledger.Key) (ledger.IDEntry, bool) {
	e, verdict := x.index.Find(idindex.Key(key))
	switch verdict {
	case idindex.Present:
		return unpack(e), true
	case idindex.Absent:
		return ledger.IDEntry{}, false
	}
	if f, known := x.prefetched[idindex.Key(key)]; known {
		return unpackFound(f)
	}
	return unpackFound(x.read(idindex.Key(key)))
}

// Claim takes the message id of a command of the batch that Prefetch has just seen, or tells who has it: what was known before the batch lies
// ready, so only the batch's own inserts have to be looked at. It panics with *Failure if the table is full.
func (x *IDs) Claim(cmd *ledger.Command, p ledger.Position, existing *ledger.IDEntry) (found bool) {
	if len(x.prefetched) != 0 {
		if f, known := x.prefetched[idindex.Key(cmd.ID)]; known && f.found {
			*existing = unpack(f.entry)
			return true
		}
	}
	position, digest, found, err := x.index.Claim((*idindex.Key)(&cmd.ID), packPosition(p, ledger.TagCommand), cmd.Digest)
	if err != nil {
		panic(&Failure{err})
	}
	if found {
		*existing = unpack(idindex.Entry{Key: idindex.Key(cmd.ID), Position: position, Digest: digest})
		return true
	}
	x.sums[x.Part(cmd.ID)].sum.Add(&cmd.ID, p, cmd.Digest, ledger.TagCommand)
	return false
}

// Ahead brings into the cache what Claim of these commands' ids will touch; up to ledger.AheadMax commands, so that it is still there. Of the shards
// shards only the ids of this one's parts, lest two cores take lines from each other.
func (x *IDs) Ahead(commands []ledger.Command, number, shards int) {
	for i := range commands {
		if id := &commands[i].ID; x.Part(*id)&(shards-1) == number {
			x.index.Ahead((*idindex.Key)(id))
		}
	}
}

func unpackFound(f fetched) (ledger.IDEntry, bool) {
	if !f.found {
		return ledger.IDEntry{}, false
	}
	return unpack(f.entry), true
}

// read asks the store in the middle of a batch. The index reads only what is fixed during a batch, and the key's own part.
func (x *IDs) read(key idindex.Key) fetched {
	x.reading.Lock()
	defer x.reading.Unlock()
	x.stats.Read++
	var dst [1]idindex.Entry
	var found [1]bool
	if err := x.index.Fetch([]idindex.Key{key}, dst[:], found[:]); err != nil {
		panic(&Failure{err})
	}
	return fetched{entry: dst[0], found: found[0]}
}

// Insert adds an entry whose key is not there. It panics with *Failure if the table is full.
func (x *IDs) Insert(e ledger.IDEntry) {
	if err := x.index.Insert(pack(&e)); err != nil {
		panic(&Failure{err})
	}
	x.sums[x.Part(e.Key)].sum.AddEntry(&e)
}

// Prefetch reads from the store what memory cannot tell about the ids of a batch's commands: their own ids, and those of originals that
// reversals name. It changes nothing that execution sees but its speed.
func (x *IDs) Prefetch(commands []byte, offsets []uint32) error {
	x.keys = x.keys[:0]
	for i, at := range offsets {
		kind, id := command.Peek(commands[at:])
		if !id.IsZero() {
			x.keys = append(x.keys, idindex.Key(id))
		}
		if !kind.AsksOriginal() {
			continue
		}
		if _, err := command.Decode(commands[at:], &x.command, nil); err != nil {
			return fmt.Errorf("prefetch of command %d: %w", i, err)
		}
		switch kind {
		case ledger.KindReversalByID:
			x.keys = append(x.keys, idindex.Key(ledger.UndoKey(x.command.Settlement)))
		case ledger.KindPremiumRefund:
			x.keys = append(x.keys, idindex.Key(ledger.RefundKey(x.command.Settlement)))
		default:
			x.keys = append(x.keys, idindex.Key(x.command.Other))
		}
	}
	return x.prefetch()
}

// PrefetchKeys is Prefetch of given keys.
func (x *IDs) PrefetchKeys(keys []ledger.Key) error {
	x.keys = x.keys[:0]
	for _, k := range keys {
		x.keys = append(x.keys, idindex.Key(k))
	}
	return x.prefetch()
}

// prefetch asks memory for x.keys, and the store where memory does not know. It leaves out what was inserted lately: whoever asks in the batch looks
// there anyway.
func (x *IDs) prefetch() error {
	clear(x.prefetched)
	n := len(x.keys)
	if cap(x.entries) < n {
		x.entries, x.verdicts, x.found = make([]idindex.Entry, n), make([]idindex.Verdict, n), make([]bool, n)
	}
	x.index.FindOlder(x.keys, x.entries[:n], x.verdicts[:n])
	unknown := x.keys[:0]
	for i, v := range x.verdicts[:n] {
		switch v {
		case idindex.Maybe:
			unknown = append(unknown, x.keys[i])
		case idindex.Present:
			x.prefetched[x.keys[i]] = fetched{entry: x.entries[i], found: true}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	entries, found := x.entries[:len(unknown)], x.found[:len(unknown)]
	if err := x.index.Fetch(unknown, entries, found); err != nil {
		return fmt.Errorf("prefetch of %d ids: %w", len(unknown), err)
	}
	x.stats.Prefetched += uint64(len(unknown))
	for i, k := range unknown {
		x.prefetched[k] = fetched{entry: entries[i], found: found[i]}
	}
	return nil
}

// Flush ends a batch: it merges the sums of what was inserted into the state's, and lets the index take over background work. An error means that
// the index is of no more use; the process must end.
func (x *IDs) Flush(st *ledger.State) error {
	var sum ledger.IDSum
	for i := range x.sums {
		sum.Merge(x.sums[i].sum)
		x.sums[i].sum = ledger.IDSum{}
	}
	if sum.Count != 0 {
		st.Scalars.Mut(0).Ids.Merge(sum)
	}
	blocked, err := x.index.Advance()
	if blocked {
		x.stats.SealWaits++
	}
	return err
}

// Verify walks all entries and compares their sum with the state's. It reads the whole table: for verify, not for serving.
func (x *IDs) Verify(st *ledger.State) error {
	var sum ledger.IDSum
	err := x.index.Walk(func(e idindex.Entry) error {
		line := unpack(e)
		sum.AddEntry(&line)
		return nil
	})
	if err != nil {
		return err
	}
	if want := st.Scalars.At(0).Ids; sum != want {
		return fmt.Errorf("id table: %d entries with sums %016x %016x, the state says %d with %016x %016x", sum.Count, sum.A, sum.B, want.Count, want.A, want.B)
	}
	return nil
}

// Stats of this adapter and of the index below it.
func (x *IDs) Stats() (IDStats, idindex.Stats) { return x.stats, x.index.Stats() }

// Err is what went wrong in the background. Any goroutine.
func (x *IDs) Err() error { return x.index.Err() }

// Close ends the background work, before the Store is closed and after its last checkpoint has ended.
func (x *IDs) Close() error { return x.index.Close() }

func (x *IDs) begin() error {
	blocked, err := x.index.BeginCheckpoint()
	if blocked {
		x.stats.SealWaits++
	}
	return err
}

func (x *IDs) wait() ([]byte, uint64, error) { return x.index.WaitCheckpoint() }

func (x *IDs) durable(version uint64) error { return x.index.ManifestDurable(version) }
