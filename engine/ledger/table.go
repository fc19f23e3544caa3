package ledger

// Table holds rows without pointers, numbered from 0 without gaps, in pages of 2^shift rows.
//
// Ownership: a page belongs to one goroutine at a time (a shard during a money batch, the executor otherwise); At may be called by
// anybody between barriers while nobody writes, Mut only by the page's owner, Append, Freeze, Look and Thaw only by the executor.
// A page of a view is copied on the first Mut after the barrier, so that the view is read in peace. Views may overlap: each new one begins
// an epoch, and while any is open a page is copied once an epoch. With Advise, pages lie in blocks; one that has been copied out of its block goes back
// with the first Mut after the last view, so that no block is held for nothing but pages that nobody writes.
type Table[T any] struct {
	shift  uint
	mask   uint32
	count  uint32
	epoch  uint32
	frozen uint32 // epoch begun by the last Freeze: pages written in it or later are dirty
	views  int    // open: taken and not thawed
	pages  []page[T]
	block  []T       // room for pages to come
	advise func([]T) // told of each block before it is touched; nil: every page by itself
}

type page[T any] struct {
	rows  []T
	home  []T    // its part of a block; nil: none
	epoch uint32 // epoch of the last write
}

// NewTable makes an empty table with pages of 2^shift rows.
func NewTable[T any](shift uint) *Table[T] {
	return &Table[T]{shift: shift, mask: 1<<shift - 1, epoch: 1, frozen: 1}
}

// Len is the number of rows.
func (t *Table[T]) Len() uint32 { return t.count }

// Shift is the binary logarithm of the rows in a page.
func (t *Table[T]) Shift() uint { return t.shift }

// At reads row i; the pointer must not be written through or kept past the batch.
func (t *Table[T]) At(i uint32) *T { return &t.pages[i>>t.shift].rows[i&t.mask] }

// Mut gives row i for writing; the pointer must not be kept past the batch.
func (t *Table[T]) Mut(i uint32) *T {
	p := &t.pages[i>>t.shift]
	if p.epoch != t.epoch {
		t.touch(p)
	}
	return &p.rows[i&t.mask]
}

func (t *Table[T]) touch(p *page[T]) {
	switch {
	case t.views > 0:
		rows := make([]T, len(p.rows))
		copy(rows, p.rows)
		p.rows = rows
	case p.home != nil && &p.home[0] != &p.rows[0]:
		copy(p.home, p.rows)
		p.rows = p.home
	}
	p.epoch = t.epoch
}

// Append adds a row and returns its number.
func (t *Table[T]) Append(row T) uint32 {
	i := t.count
	if i>>t.shift == uint32(len(t.pages)) {
		rows, home := t.room()
		t.pages = append(t.pages, page[T]{rows: rows, home: home, epoch: t.epoch})
	}
	t.count++
	*t.Mut(i) = row
	return i
}

// View is a table as it was when it was taken.
type View[T any] struct {
	Count uint32
	Shift uint
	Pages [][]T  // full pages; rows past Count are zero
	Dirty []bool // written since the Freeze before
}

// Freeze takes a view for a checkpoint: what is dirty is counted from here on. Thaw ends it.
func (t *Table[T]) Freeze() View[T] {
	v := t.Look()
	t.frozen = t.epoch
	return v
}

// Look takes a view for reading only: what is dirty for the next Freeze stays so. Thaw ends it.
func (t *Table[T]) Look() View[T] {
	v := View[T]{Count: t.count, Shift: t.shift, Pages: make([][]T, len(t.pages)), Dirty: make([]bool, len(t.pages))}
	for i := range t.pages {
		v.Pages[i] = t.pages[i].rows
		v.Dirty[i] = t.pages[i].epoch >= t.frozen
	}
	t.epoch++
	t.views++
	return v
}

// Thaw ends one view, in any order: it has been read. Once a view, by the executor between batches; without any open view no page is copied.
func (t *Table[T]) Thaw() {
	if t.views == 0 {
		panic("BUG: Thaw without a view")
	}
	if t.views--; t.views == 0 {
		t.epoch++ // so that pages that were copied out come to touch again
	}
}

// Load replaces the table by pages read from a checkpoint; the table keeps them. They count as clean.
func (t *Table[T]) Load(count uint32, pages [][]T) {
	t.count = count
	t.pages = make([]page[T], len(pages))
	for i, rows := range pages {
		t.pages[i] = page[T]{rows: rows}
		if t.advise != nil && i >= blockFrom {
			t.pages[i].home = rows // from NewPage
		}
	}
}

// Pages from blockFrom on lie in blocks of an eighth of the pages before them, at most blockPagesMax: small tables need none, and of a large one only
// what is left of the last block is room for nothing (16 MiB at 64 KiB a page).
const (
	blockFrom     = 128
	blockPagesMax = 256
)

// Advise lets pages lie in blocks that advise is told of, before anything is in the table.
func (t *Table[T]) Advise(advise func([]T)) { t.advise = advise }

// NewPage is room for page number of a table being loaded.
func (t *Table[T]) NewPage(number int) []T {
	if t.advise == nil || number < blockFrom {
		return make([]T, 1<<t.shift)
	}
	n := 1 << t.shift
	if len(t.block) == 0 {
		t.block = make([]T, min(number/8, blockPagesMax)*n)
		t.advise(t.block)
	}
	rows := t.block[:n:n]
	t.block = t.block[n:]
	return rows
}

// room is a new last page, and its home if it has one.
func (t *Table[T]) room() (rows, home []T) {
	rows = t.NewPage(len(t.pages))
	if t.advise != nil && len(t.pages) >= blockFrom {
		home = rows
	}
	return rows, home
}
