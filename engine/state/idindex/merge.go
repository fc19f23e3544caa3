package idindex

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// readAheadBytes is what a reader holds of its run. A reader opens a short iterator for each refill instead of keeping one: a store
// iterator pins memtables and deleted files for as long as it lives, and a large merge takes minutes.
const readAheadBytes = 128 << 10

// source is a stream of stored entries in key order.
type source struct {
	hi, lo uint64 // key of the entry at raw, if not done
	done   bool
	raw    []byte // entries not yet consumed
	buf    []byte
	refill func(dst []byte) ([]byte, error) // appends further entries; nothing appended is the end
}

// load fills an empty source and reads the key in front.
func (s *source) load() error {
	if len(s.raw) == 0 {
		var err error
		if s.buf, err = s.refill(s.buf[:0]); err != nil {
			return err
		}
		if s.raw = s.buf; len(s.raw) == 0 {
			s.done, s.hi, s.lo = true, ^uint64(0), ^uint64(0)
			return nil
		}
	}
	s.hi, s.lo = readKey(s.raw)
	return nil
}

// before orders sources by their first key; a finished one comes last.
func (s *source) before(o *source) bool {
	if s.hi != o.hi {
		return s.hi < o.hi
	}
	if s.lo != o.lo {
		return s.lo < o.lo
	}
	return !s.done && o.done
}

// runSource reads a run front to back.
func runSource(db *pebble.DB, prefix byte, m *runMeta) source {
	next, blocks := uint32(0), m.blocks()
	ahead := max(1, uint32(readAheadBytes/(int(m.blockEntries)*entryBytes)))
	return source{refill: func(dst []byte) ([]byte, error) {
		if next == blocks {
			return dst, nil
		}
		first, end := next, min(next+ahead, blocks)
		next = end
		return readBlocks(db, prefix, m, dst, first, end)
	}}
}

// readBlocks appends the entries of the blocks [first, end).
func readBlocks(db *pebble.DB, prefix byte, m *runMeta, dst []byte, first, end uint32) ([]byte, error) {
	lower := appendStoreKey(nil, prefix, m.number, kindBlock, first)
	upper := appendStoreKey(nil, prefix, m.number, kindBlock, end)
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return dst, fmt.Errorf("idindex: read run %d: %w", m.number, err)
	}
	block := first
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		key := appendStoreKey(lower[:0], prefix, m.number, kindBlock, block)
		if string(key) != string(it.Key()) {
			break
		}
		var payload []byte
		if payload, err = checkValue(key, it.Value(), m.entriesIn(block)*entryBytes); err == nil {
			dst = append(dst, payload...)
		}
		block++
	}
	if err == nil {
		err = it.Error()
	}
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	if err == nil && block != end {
		key := appendStoreKey(nil, prefix, m.number, kindBlock, block)
		err = corruption(key, "value missing, length", uint64(m.entriesIn(block)*entryBytes), 0)
	}
	return dst, err
}

// merger gives the entries of several sources in one order: a tree of losers, each inner node holding the loser of its match.
type merger struct {
	sources []source
	losers  []int32 // losers[0] is the winner
}

func newMerger(sources []source) (*merger, error) {
	m := &merger{sources: sources, losers: make([]int32, len(sources))}
	for i := range sources {
		if err := sources[i].load(); err != nil {
			return nil, err
		}
	}
	if len(sources) > 0 {
		m.losers[0] = m.build(1)
	}
	return m, nil
}

// build plays the matches below node and returns the winner. Leaf i is node len(sources)+i.
func (m *merger) build(node int) int32 {
	n := len(m.sources)
	if node >= n {
		return int32(node - n)
	}
	a, b := m.build(2*node), m.build(2*node+1)
	if m.sources[b].before(&m.sources[a]) {
		a, b = b, a
	}
	m.losers[node] = b
	return a
}

// head is the source whose first entry is next, nil at the end.
func (m *merger) head() *source {
	if len(m.sources) == 0 {
		return nil
	}
	if s := &m.sources[m.losers[0]]; !s.done {
		return s
	}
	return nil
}

// next drops the head's first entry.
func (m *merger) next() error {
	winner := m.losers[0]
	s := &m.sources[winner]
	s.raw = s.raw[entryBytes:]
	if err := s.load(); err != nil {
		return err
	}
	for node := (len(m.sources) + int(winner)) / 2; node >= 1; node /= 2 {
		if loser := m.losers[node]; m.sources[loser].before(&m.sources[winner]) {
			m.losers[node], winner = winner, loser
		}
	}
	m.losers[0] = winner
	return nil
}

// mergeStepEntries is what a merge does before the worker looks for something more urgent: about 2 ms.
const mergeStepEntries = 1 << 14

// mergeTask is a merge in progress; it is stepped, so that a seal or a smaller merge never waits for a large one.
type mergeTask struct {
	class  int
	inputs []*run
	merger *merger
	writer *runWriter
	filter int64 // bytes of the filter being built in memory, 0 if it is not
}

func newMergeTask(db *pebble.DB, o *Options, class int, inputs []*run, number uint64, keepFilter bool) (*mergeTask, error) {
	sources := make([]source, len(inputs))
	count := uint64(0)
	for i, r := range inputs {
		sources[i] = runSource(db, o.Prefix, &r.runMeta)
		count += r.count
	}
	m, err := newMerger(sources)
	if err != nil {
		return nil, err
	}
	t := &mergeTask{class: class, inputs: inputs, merger: m, writer: newRunWriter(db, o, number, count, keepFilter)}
	if keepFilter {
		t.filter = int64(filterLines(count)) * lineBytes
	}
	return t, nil
}

// step merges up to mergeStepEntries entries and tells whether that was all.
func (t *mergeTask) step() (done bool, err error) {
	for range mergeStepEntries {
		s := t.merger.head()
		if s == nil {
			return true, nil
		}
		if err := t.writer.add(s.hi, s.lo, s.raw); err != nil {
			return false, err
		}
		if err := t.merger.next(); err != nil {
			return false, err
		}
	}
	return false, nil
}
