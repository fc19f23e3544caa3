package state

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/ledger"
)

const (
	// keptCheckpoints keep record and pages: the newest, from which a start loads, and the one before, for questions about its sequence
	// (totals, ReadKept).
	keptCheckpoints = 2
	// pageBatchBytes go to the store together: enough to forget the price of a commit, too little to hold up the executor's next write.
	pageBatchBytes = 1 << 20
	// pageBatchRoom is its memory, with the largest page above that. The batch must be told to keep it: above 1 MiB it would grow anew from nothing each
	// time, by doubling and copying.
	pageBatchRoom = pageBatchBytes + pageBatchBytes/2
	// flushBytes of pages are in memtables at most: after them the checkpoint waits for a flush, so that a large one cannot fill all memtables
	// and stall the executor.
	flushBytes = 64 << 20
)

// CheckpointStats tell what a checkpoint cost.
type CheckpointStats struct {
	Pages     int // written
	PageBytes int64
	Rows      int // of all tables
}

// Checkpoint is one on its way to the disk.
type Checkpoint struct {
	store  *Store
	state  *ledger.State
	ids    *IDs
	record *record
	tables []frozen
	write  [][]bool // by table and page: to be written
	kept   []*record
	stats  CheckpointStats
	done   chan struct{}
	err    error
}

// Begin takes a checkpoint of s and ids as they are after the batch at m. It freezes the tables and returns; a goroutine does the rest. Executor's
// goroutine, between batches, after the journal and the records of that batch were written. When Done is closed, the executor calls End;
// until then a second Begin is ErrBusy. ids may be nil in tests that have none.
func (s *Store) Begin(st *ledger.State, ids *IDs, m Mark) (*Checkpoint, error) {
	switch {
	case s.current != nil:
		return nil, fmt.Errorf("%w: of sequence %d", ErrBusy, s.current.record.Sequence)
	case !s.loaded:
		return nil, fmt.Errorf("%w: Begin before Load", ErrOrder)
	case m.Sequence < s.durable.Load():
		return nil, fmt.Errorf("%w: checkpoint of sequence %d after %d", ErrOrder, m.Sequence, s.durable.Load())
	}
	if err := s.FlushRecords(); err != nil {
		return nil, err
	}
	if ids != nil {
		if err := ids.begin(); err != nil {
			return nil, err
		}
	}
	s.number++
	c := &Checkpoint{store: s, state: st, ids: ids, kept: slices.Clone(s.kept), done: make(chan struct{})}
	c.record = &record{Info: Info{Mark: m, Number: s.number}}
	for _, t := range tablesOf(st) {
		c.plan(t.freeze())
	}
	s.current = c
	go c.run()
	return c, nil
}

// plan notes which pages of a table have to be written: the dirty ones, or all if the checkpoint before had pages of another size.
func (c *Checkpoint) plan(t frozen) {
	r := tableRecord{id: t.id, rowSize: uint32(t.rowSize), shift: uint8(t.shift), count: t.count, versions: make([]uint64, len(t.dirty))}
	var before []uint64
	if len(c.kept) > 0 {
		if last := &c.kept[len(c.kept)-1].tables[len(c.tables)]; last.shift == r.shift {
			before = last.versions
		}
	}
	write := make([]bool, len(t.dirty))
	for i, dirty := range t.dirty {
		if write[i] = dirty || i >= len(before); write[i] {
			r.versions[i] = c.record.Number
		} else {
			r.versions[i] = before[i]
		}
	}
	c.tables, c.write = append(c.tables, t), append(c.write, write)
	c.record.tables = append(c.record.tables, r)
	c.stats.Rows += int(t.count)
}

// Done is closed when the checkpoint is durable or has failed; of a nil checkpoint it is nil.
func (c *Checkpoint) Done() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.done
}

// End waits for Done, ends copying in the tables and tells how it went. After an error the process must end: a later checkpoint would build on
// pages that may not be there. Executor's goroutine, between batches, once.
func (c *Checkpoint) End() error {
	<-c.done
	for _, t := range tablesOf(c.state) {
		t.thaw()
	}
	c.store.current = nil
	c.store.kept = c.kept
	return c.err
}

// Info is what was written; after Done.
func (c *Checkpoint) Info() Info { return c.record.Info }

// Stats tell what it cost; after Done.
func (c *Checkpoint) Stats() CheckpointStats { return c.stats }

// run is the background: pages, hash, id manifest, record, flush; and only then deletes what is not needed any more.
func (c *Checkpoint) run() {
	defer close(c.done)
	if err := c.save(); err != nil {
		c.err = fmt.Errorf("state: checkpoint %d at sequence %d: %w", c.record.Number, c.record.Sequence, err)
		return
	}
	if err := c.tidy(); err != nil {
		c.err = fmt.Errorf("state: after checkpoint %d: %w", c.record.Number, err)
	}
}

func (c *Checkpoint) save() error {
	w := &pageWriter{db: c.store.db, batch: c.store.db.NewBatchWithSize(pageBatchRoom, pebble.WithMaxRetainedSizeBytes(pageBatchRoom)), stats: &c.stats}
	defer w.batch.Close()
	for i := range c.tables {
		t := &c.tables[i]
		for p, write := range c.write[i] {
			if write {
				if err := w.page(c.record.Number, t.id, uint32(p), t.page(p)); err != nil {
					return err
				}
			}
		}
	}
	if err := w.commit(); err != nil {
		return err
	}
	c.record.StateHash, _ = hashFrozen(c.tables, nil)
	c.record.Totals = totalsOf(c.tables)
	if c.ids != nil {
		var err error
		if c.record.manifest, c.record.manifestVersion, err = c.ids.wait(); err != nil {
			return err
		}
		if idsNotSavedDefect {
			c.record.manifest = nil
		}
	}
	key := recordKey(c.record.Number)
	value := c.record.append(nil)
	if err := c.store.db.Set(key, appendSum(value, key, value), pebble.NoSync); err != nil {
		return err
	}
	if truncateEarlyDefect {
		c.store.durable.Store(c.record.Sequence)
	}
	// With Pebble's own log off, memtables reach the disk in the order in which they were written: when the record is there, so is everything before it.
	if err := c.store.db.Flush(); err != nil {
		return err
	}
	c.store.durable.Store(c.record.Sequence)
	c.kept = append(c.kept, c.record)
	return nil
}

// pageWriter writes pages, and waits for flushes rather than fill the memtables.
type pageWriter struct {
	db      *pebble.DB
	batch   *pebble.Batch
	key     []byte
	waiting int64 // bytes since the last flush
	stats   *CheckpointStats
}

func (w *pageWriter) page(version uint64, table uint8, page uint32, rows []byte) error {
	w.key = appendPageKey(w.key[:0], version, table, page)
	op := w.batch.SetDeferred(len(w.key), len(rows)+sumBytes)
	copy(op.Key, w.key)
	copy(op.Value, rows)
	appendSum(op.Value[:len(rows)], w.key, rows)
	if err := op.Finish(); err != nil {
		return err
	}
	w.stats.Pages++
	w.stats.PageBytes += int64(len(rows))
	if w.batch.Len() < pageBatchBytes {
		return nil
	}
	return w.commit()
}

func (w *pageWriter) commit() error {
	w.waiting += int64(w.batch.Len())
	if err := w.batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	w.batch.Reset()
	if w.waiting < flushBytes {
		return nil
	}
	w.waiting = 0
	return w.db.Flush()
}

// tidy deletes what only checkpoints name that are not kept any more. A crash in between leaves pages that no record names; Load deletes them.
func (c *Checkpoint) tidy() error {
	for len(c.kept) > keptCheckpoints {
		old := c.kept[0]
		c.kept = c.kept[1:]
		if err := c.store.forget(old, c.kept); err != nil {
			return err
		}
	}
	if c.ids == nil {
		return nil
	}
	return c.ids.durable(c.record.manifestVersion)
}

// forget deletes an old record and the pages that the kept ones do not name: a whole checkpoint's pages at once where none is named any more,
// which lets Pebble drop files without reading them.
func (s *Store) forget(old *record, kept []*record) error {
	live := map[uint64]int{}
	for _, r := range kept {
		for i := range r.tables {
			for _, v := range r.tables[i].versions {
				live[v]++
			}
		}
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.Delete(recordKey(old.Number), nil); err != nil {
		return err
	}
	gone := map[uint64]bool{}
	for i := range old.tables {
		t, next := &old.tables[i], &kept[0].tables[i]
		for p, v := range t.versions {
			switch {
			case live[v] == 0:
				gone[v] = true
			case p >= len(next.versions) || next.versions[p] != v:
				if err := b.Delete(appendPageKey(nil, v, t.id, uint32(p)), nil); err != nil {
					return err
				}
			}
		}
	}
	for v := range gone {
		if err := b.DeleteRange(appendVersionKey(nil, v), appendVersionKey(nil, v+1), nil); err != nil {
			return err
		}
	}
	return b.Commit(pebble.NoSync)
}

// Kept lists the checkpoints that are kept, oldest first. Executor's goroutine.
func (s *Store) Kept() []Info {
	var out []Info
	for _, r := range s.kept {
		out = append(out, r.Info)
	}
	return out
}
