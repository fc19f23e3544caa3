package idindex

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// ErrOrder says that a run's entries did not ascend: an id was inserted twice, against the contract of Insert, or a bug.
var ErrOrder = errors.New("idindex: entries of a run do not ascend")

// writeBatchBytes is the size at which a batch goes to the store: below half of any sensible memtable, above which the store would
// turn each batch into a memtable of its own.
const writeBatchBytes = 1 << 20

// writeBatchRoom is a batch's memory: the largest value above writeBatchBytes. The batch must be told to keep it; above 1 MiB it would grow anew from
// nothing each time, by doubling and copying.
const writeBatchRoom = writeBatchBytes + writeBatchBytes/4

// runWriter writes one run from ascending entries: blocks, filter and fences, front to back. Memory: one batch, one chunk, the
// fences, and the filter only if it is to stay in memory.
type runWriter struct {
	db     *pebble.DB
	prefix byte
	meta   runMeta
	batch  *pebble.Batch

	written    uint64
	block      []byte
	key        []byte
	fences     []uint64
	current    line
	lineIndex  uint64
	chunk      []byte
	chunkIndex uint32
	kept       filter // nil unless the filter stays in memory
	keep       bool
}

// newRunWriter starts run number; count is exact.
func newRunWriter(db *pebble.DB, o *Options, number, count uint64, keepFilter bool) *runWriter {
	w := &runWriter{
		db: db, prefix: o.Prefix, keep: keepFilter,
		meta:  runMeta{number: number, count: count, lines: filterLines(count), blockEntries: uint32(o.BlockEntries)},
		batch: db.NewBatchWithSize(writeBatchRoom, pebble.WithMaxRetainedSizeBytes(writeBatchRoom)),
		block: make([]byte, 0, o.BlockEntries*entryBytes+checksumBytes),
		chunk: make([]byte, 0, chunkFilterLines*lineBytes+checksumBytes),
	}
	w.fences = make([]uint64, 0, w.meta.blocks())
	if keepFilter {
		w.kept = adviseHuge(make(filter, 0, w.meta.lines))
	}
	return w
}

// add appends one entry in its stored form; hi and lo are its key.
func (w *runWriter) add(hi, lo uint64, raw []byte) error {
	if err := w.admit(hi, lo); err != nil {
		return err
	}
	w.block = append(w.block, raw[:entryBytes]...)
	return w.added()
}

// addRecord appends one entry of the recent table.
func (w *runWriter) addRecord(r *record) error {
	if err := w.admit(r.hi, r.lo); err != nil {
		return err
	}
	w.block = appendRecord(w.block, r)
	return w.added()
}

// admit checks the order and enters the key into fences and filter.
func (w *runWriter) admit(hi, lo uint64) error {
	m := &w.meta
	if w.written == 0 {
		m.minHi, m.minLo = hi, lo
	} else if hi < m.maxHi || (hi == m.maxHi && lo <= m.maxLo) {
		return fmt.Errorf("%w: run %d, entry %d of %d", ErrOrder, m.number, w.written, m.count)
	}
	m.maxHi, m.maxLo = hi, lo
	if len(w.block) == 0 {
		w.fences = append(w.fences, hi)
	}
	for index := lineOf(hi, m.lines); w.lineIndex < index; {
		if err := w.finishLine(); err != nil {
			return err
		}
	}
	w.current.add(lo)
	return nil
}

func (w *runWriter) added() error {
	w.written++
	if len(w.block) < int(w.meta.blockEntries)*entryBytes {
		return nil
	}
	return w.finishBlock()
}

func (w *runWriter) finishBlock() error {
	index := uint32(len(w.fences) - 1)
	err := w.put(kindBlock, index, w.block)
	w.block = w.block[:0]
	return err
}

func (w *runWriter) finishLine() error {
	if w.keep {
		w.kept = append(w.kept, w.current)
	}
	w.chunk = appendLine(w.chunk, &w.current)
	w.current = line{}
	w.lineIndex++
	if len(w.chunk) < chunkFilterLines*lineBytes {
		return nil
	}
	return w.finishChunk()
}

func (w *runWriter) finishChunk() error {
	err := w.put(kindFilter, w.chunkIndex, w.chunk)
	w.chunk = w.chunk[:0]
	w.chunkIndex++
	return err
}

// put checksums a payload into the batch; payload may be used again after it.
func (w *runWriter) put(kind byte, index uint32, payload []byte) error {
	w.key = appendStoreKey(w.key[:0], w.prefix, w.meta.number, kind, index)
	if err := w.batch.Set(w.key, sealValue(w.key, payload), nil); err != nil {
		return fmt.Errorf("idindex: run %d: %w", w.meta.number, err)
	}
	if w.batch.Len() < writeBatchBytes {
		return nil
	}
	return w.commit()
}

func (w *runWriter) commit() error {
	if err := w.batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("idindex: write run %d: %w", w.meta.number, err)
	}
	w.batch.Reset()
	return nil
}

// finish writes what is left and returns the run, with its filter if it was to be kept. The writer is spent.
func (w *runWriter) finish() (*run, filter, error) {
	if w.written != w.meta.count {
		return nil, nil, fmt.Errorf("%w: run %d has %d entries, announced %d", ErrOrder, w.meta.number, w.written, w.meta.count)
	}
	if len(w.block) > 0 {
		if err := w.finishBlock(); err != nil {
			return nil, nil, err
		}
	}
	for w.lineIndex < w.meta.lines {
		if err := w.finishLine(); err != nil {
			return nil, nil, err
		}
	}
	if len(w.chunk) > 0 {
		if err := w.finishChunk(); err != nil {
			return nil, nil, err
		}
	}
	if err := w.writeFences(); err != nil {
		return nil, nil, err
	}
	if err := w.commit(); err != nil {
		return nil, nil, err
	}
	err := w.batch.Close()
	return &run{runMeta: w.meta, fences: w.fences}, w.kept, err
}

func (w *runWriter) writeFences() error {
	for i, index := 0, uint32(0); i < len(w.fences); i, index = i+chunkFences, index+1 {
		w.chunk = w.chunk[:0]
		for _, fence := range w.fences[i:min(i+chunkFences, len(w.fences))] {
			w.chunk = binary.LittleEndian.AppendUint64(w.chunk, fence)
		}
		if err := w.put(kindFence, index, w.chunk); err != nil {
			return err
		}
	}
	return nil
}

// abandon frees the batch of a run that will not be finished; what was written is not named anywhere and goes at the next Open.
func (w *runWriter) abandon() {
	_ = w.batch.Close() // only returns memory: nothing of it was promised
}
