package state

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/ledger"
	"gongji/engine/state/idindex"
)

// LoadOptions of a start.
type LoadOptions struct {
	// Shifts are the page sizes to use; they may differ from those the checkpoint was written with. Zero: ledger.DefaultShifts.
	Shifts ledger.Shifts
	// SkipHash leaves out the comparison of the state hash; the sums of pages are always checked.
	SkipHash bool
	// Workers is how many goroutines read pages; 0: one a core. What is loaded and what is refused does not depend on it.
	Workers int

	spanBytes int // of rows that one goroutine reads at a time; 0: spanBytesDefault
}

func (o *LoadOptions) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// Loaded is where a load ended. Sequence 0: nothing durable was found, the log is replayed from its beginning.
type Loaded struct {
	Info
	PageBytes int64 // what the checkpoint wrote
	manifest  []byte
}

// Load reads the newest checkpoint. It deletes what no kept checkpoint names: the pages that a crash left behind. Once, before the first
// Begin, by the executor's goroutine. The state is the caller's.
func (s *Store) Load(o LoadOptions) (*ledger.State, Loaded, error) {
	if s.loaded {
		return nil, Loaded{}, fmt.Errorf("%w: second Load", ErrOrder)
	}
	if err := s.readRecords(); err != nil {
		return nil, Loaded{}, err
	}
	if len(s.kept) == 0 {
		if err := s.scan(s.deleteOrphan); err != nil {
			return nil, Loaded{}, err
		}
		s.loaded = true
		return newState(o), Loaded{}, nil
	}
	r := s.kept[len(s.kept)-1]
	st, err := s.load(r, o, s.deleteOrphan)
	if err != nil {
		return nil, Loaded{}, err
	}
	s.durable.Store(r.Sequence)
	s.loaded = true
	return st, Loaded{Info: r.Info, PageBytes: r.written(), manifest: r.manifest}, nil
}

// ReadKept reads the tables of a kept checkpoint, for comparing and for questions about its sequence. It changes nothing. Executor's goroutine,
// between batches; it takes as long as Load.
func (s *Store) ReadKept(number uint64, o LoadOptions) (*ledger.State, Info, error) {
	for _, r := range s.kept {
		if r.Number == number {
			st, err := s.load(r, o, nil)
			return st, r.Info, err
		}
	}
	return nil, Info{}, fmt.Errorf("%w: checkpoint %d is not kept", ErrOrder, number)
}

// newState is an empty state that asks for huge pages under what is looked into at random.
func newState(o LoadOptions) *ledger.State {
	st := ledger.NewState(shiftsOf(o))
	st.Advise(idindex.AdviseHuge[ledger.Person], idindex.AdviseHuge[ledger.Binding], idindex.AdviseHuge[uint32])
	return st
}

func shiftsOf(o LoadOptions) ledger.Shifts {
	if o.Shifts == (ledger.Shifts{}) {
		return ledger.DefaultShifts
	}
	return o.Shifts
}

// load reads the tables of r and checks them; other is shown the pages of no interest, one at a time.
func (s *Store) load(r *record, o LoadOptions, other pageVisitor) (*ledger.State, error) {
	st := newState(o)
	h, err := s.loadTables(st, r, o, other)
	if err != nil {
		return nil, err
	}
	if h != r.StateHash && !o.SkipHash {
		return nil, corrupt(recordKey(r.Number), "state hash %x of sequence %d, expected %x", h, r.Sequence, r.StateHash)
	}
	if t := reindex(st, o.workers()); t != r.Totals || t.Sum() != 0 {
		return nil, corrupt(recordKey(r.Number), "totals %+v of sequence %d, expected %+v and a sum of 0", t, r.Sequence, r.Totals)
	}
	return st, nil
}

// reindex builds the indexes and sums the accounts, on several goroutines: nobody writes meanwhile.
func reindex(st *ledger.State, workers int) (t ledger.Totals) {
	st.ReindexFew()
	jobs := append(st.ReindexMany(), func() { t = st.Totals() })
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(workers, len(jobs)) {
		all.Go(func() {
			for i := next.Add(1); int(i) <= len(jobs); i = next.Add(1) {
				jobs[i-1]()
			}
		})
	}
	all.Wait()
	return t
}

// readRecords reads the kept records, oldest first.
func (s *Store) readRecords() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: recordKey(0), UpperBound: []byte{PrefixMeta, metaCheckpoint + 1}})
	if err != nil {
		return fmt.Errorf("state: read records: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		var r *record
		if r, err = readRecord(it.Key(), it.Value()); err != nil {
			break
		}
		s.number = max(s.number, r.Number)
		s.kept = append(s.kept, r)
	}
	if err := errors.Join(err, it.Error(), it.Close()); err != nil {
		return fmt.Errorf("state: read records: %w", err)
	}
	return nil
}

// pageAt is the place of a page.
type pageAt struct {
	version uint64
	table   uint8
	page    uint32
}

type pageVisitor func(key, value []byte, at pageAt) error

// scan shows all pages in the order in which they lie.
func (s *Store) scan(visit pageVisitor) error {
	return s.scanSpan([]byte{PrefixTables}, []byte{PrefixTables + 1}, visit)
}

// scanSpan shows the pages whose keys lie in [lower, upper).
func (s *Store) scanSpan(lower, upper []byte, visit pageVisitor) (err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("state: read pages: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		if len(it.Key()) != pageKeyBytes {
			return corrupt(it.Key(), "key of %d bytes", len(it.Key()))
		}
		if err := visit(it.Key(), it.Value(), splitPageKey(it.Key())); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("state: read pages: %w", err)
	}
	return nil
}

// deleteOrphan deletes a page that no kept checkpoint names, and keeps its checkpoint's number from being used again.
func (s *Store) deleteOrphan(key, _ []byte, at pageAt) error {
	s.number = max(s.number, at.version)
	for _, r := range s.kept {
		if r.names(at) {
			return nil
		}
	}
	if s.o.ReadOnly {
		s.orphans = append(s.orphans, slices.Clone(key))
		return nil
	}
	if err := s.db.Delete(key, pebble.NoSync); err != nil {
		return fmt.Errorf("state: delete page %x: %w", key, err)
	}
	return nil
}

// names reports whether a page is part of the checkpoint.
func (r *record) names(at pageAt) bool {
	if at.table == 0 || at.table > tablesMax {
		return false
	}
	v := r.tables[at.table-1].versions
	return int64(at.page) < int64(len(v)) && v[at.page] == at.version
}
