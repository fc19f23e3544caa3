package state

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"gongji/engine/ledger"
)

// spanBytesDefault of rows are read by one goroutine at a time: long enough that reading ahead pays, short enough that the last ones end together.
const spanBytesDefault = 4 << 20

// pageLoad reads the pages of one checkpoint on several goroutines, while another hashes, in the order of the hash, what is there.
type pageLoad struct {
	store   *Store
	record  *record
	loaders []loader
	uncut   []bool // by table: its pages are those of the record, so goroutines do not meet in one
	other   pageVisitor
	spans   []span

	next atomic.Int64 // span to be read

	mu      sync.Mutex
	moved   sync.Cond // for who hashes: something below has changed
	there   [][]bool  // by table and page of the record
	missing []int     // by table
	readers int       // goroutines that read
	failed  int       // span of err
	err     error     // of the first span that cannot be read

	serial sync.Mutex // held by who shows a page to other or puts rows into pages that are cut anew
}

// span is a range of keys, [lower, upper).
type span struct {
	lower, upper []byte
	first        pageAt // the first page of the record in it
}

// loadTables reads the pages that r names into st, and gives the hash of all rows; without it if o says so. If several pages are damaged the same one is
// told whatever the number of goroutines. All have ended when it returns.
func (s *Store) loadTables(st *ledger.State, r *record, o LoadOptions, other pageVisitor) (hash [32]byte, err error) {
	tables := tablesOf(st)
	if err := r.match(tables); err != nil {
		return hash, err
	}
	p := &pageLoad{store: s, record: r, other: other, spans: spansOf(r, cmp.Or(o.spanBytes, spanBytesDefault))}
	p.moved.L = &p.mu
	uncut := true
	for i := range tables {
		t := &r.tables[i]
		same, pages := uint(t.shift) == tables[i].shift, 0
		if same {
			pages = len(t.versions)
		}
		uncut = uncut && same
		p.uncut = append(p.uncut, same)
		p.loaders = append(p.loaders, tables[i].loader(t.count, pages))
		p.there = append(p.there, make([]bool, len(t.versions)))
		p.missing = append(p.missing, len(t.versions))
	}
	var all sync.WaitGroup
	p.readers = min(o.workers(), len(p.spans))
	for range p.readers {
		all.Go(p.read)
	}
	if uncut && !o.SkipHash && !mapOrderDefect {
		hash = p.hash()
	}
	all.Wait()
	if p.err != nil {
		return hash, p.err
	}
	for i := range tables {
		if p.missing[i] != 0 {
			return hash, corrupt(recordKey(r.Number), "%d of %d pages of %s are missing", p.missing[i], len(r.tables[i].versions), tables[i].name)
		}
		p.loaders[i].done()
	}
	if !o.SkipHash && (!uncut || mapOrderDefect) {
		hash = Hash(st)
	}
	return hash, nil
}

// spansOf cuts all keys of pages into spans of about most bytes of the record's rows. They come in the order of tables and pages, so that hashing need not wait long.
func spansOf(r *record, most int) []span {
	var named []pageAt
	for i := range r.tables {
		t := &r.tables[i]
		for p, v := range t.versions {
			named = append(named, pageAt{version: v, table: t.id, page: uint32(p)})
		}
	}
	inOrder := func(a, b pageAt) int { return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.page, b.page)) }
	slices.SortFunc(named, func(a, b pageAt) int { return cmp.Or(cmp.Compare(a.version, b.version), inOrder(a, b)) })
	spans := []span{{lower: []byte{PrefixTables}}}
	for i, n := 0, 0; i < len(named); i++ {
		at := named[i]
		if i == 0 {
			spans[0].first = at
		}
		if n >= most {
			lower := appendPageKey(nil, at.version, at.table, at.page)
			spans[len(spans)-1].upper = lower
			spans, n = append(spans, span{lower: lower, first: at}), 0
		}
		t := &r.tables[at.table-1]
		n += rowsIn(t.count, uint(t.shift), int(at.page)) * int(t.rowSize)
	}
	spans[len(spans)-1].upper = []byte{PrefixTables + 1}
	slices.SortStableFunc(spans, func(a, b span) int { return inOrder(a.first, b.first) })
	return spans
}

// read is one goroutine: it takes span after span until all are taken or one cannot be read. What was taken is read to its end, so the first
// damaged span is always met.
func (p *pageLoad) read() {
	for i := 0; p.failure() == nil; {
		if i = int(p.next.Add(1) - 1); i >= len(p.spans) {
			break
		}
		if err := p.store.scanSpan(p.spans[i].lower, p.spans[i].upper, p.visit); err != nil {
			p.fail(i, err)
		}
	}
	p.mu.Lock()
	p.readers--
	p.mu.Unlock()
	p.moved.Signal()
}

func (p *pageLoad) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *pageLoad) fail(span int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || span < p.failed {
		p.failed, p.err = span, err
	}
	p.moved.Signal()
}

// visit takes one page in.
func (p *pageLoad) visit(key, value []byte, at pageAt) error {
	if !p.record.names(at) {
		if p.other == nil {
			return nil
		}
		p.serial.Lock()
		defer p.serial.Unlock()
		return p.other(key, value, at)
	}
	i := at.table - 1
	t := &p.record.tables[i]
	rows, err := checkSum(key, value)
	if err != nil {
		return err
	}
	if n := rowsIn(t.count, uint(t.shift), int(at.page)); len(rows) != n*int(t.rowSize) {
		return corrupt(key, "%d bytes for %d rows", len(rows), n)
	}
	p.put(int(i), at.page, rows)
	p.mu.Lock()
	p.there[i][at.page] = true
	p.missing[i]--
	p.mu.Unlock()
	p.moved.Signal()
	return nil
}

func (p *pageLoad) put(i int, page uint32, rows []byte) {
	if !p.uncut[i] {
		p.serial.Lock()
		defer p.serial.Unlock()
	}
	p.loaders[i].put(page<<p.record.tables[i].shift, rows)
}

// hash is Hash of the rows, each page as soon as it and those before it are there. After a failure it is nothing.
func (p *pageLoad) hash() [32]byte {
	h := newStateHash()
	for i := range p.record.tables {
		t := &p.record.tables[i]
		h.table(t.id, t.count)
		for page := range t.versions {
			if !p.await(i, page) {
				return [32]byte{}
			}
			h.rows(p.loaders[i].rows(page))
		}
	}
	return h.sum()
}

// await waits for a page; false: it will not come.
func (p *pageLoad) await(table, page int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.there[table][page] {
		if p.err != nil || p.readers == 0 {
			return false
		}
		p.moved.Wait()
	}
	return true
}
