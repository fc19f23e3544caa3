package ledger

// Table holds rows without pointers, numbered from 0 without gaps, in pages of 2^shift rows.
//
// Ownership: a page belongs to one goroutine at a time (a shard during a money batch, the executor otherwise); At may be called by
// anybody between barriers while nobody writes, Mut only by the page's owner, Append, Freeze, Look and Thaw only by the executor.
// A page of a view is copied on the first Mut after the barrier, so that the view is read in peace. Views may overlap: each new one begins
// an epoch, and while any is open a page is copied once an epoch.
type Table[T any] struct {
	shift  uint
	mask   uint32
	count  uint32
	epoch  uint32
	frozen uint32 // epoch begun by the last Freeze: pages written in it or later are dirty
	views  int    // open: taken and not thawed
	pages  []page[T]
}

type page[T any] struct {
	rows  []T
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
	if t.views > 0 {
		rows := make([]T, len(p.rows))
		copy(rows, p.rows)
		p.rows = rows
	}
	p.epoch = t.epoch
}

// Append adds a row and returns its number.
func (t *Table[T]) Append(row T) uint32 {
	i := t.count
	if i>>t.shift == uint32(len(t.pages)) {
		t.pages = append(t.pages, page[T]{rows: make([]T, 1<<t.shift), epoch: t.epoch})
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
	t.views--
}

// Load replaces the table by pages read from a checkpoint; the table keeps them. They count as clean.
func (t *Table[T]) Load(count uint32, pages [][]T) {
	t.count = count
	t.pages = make([]page[T], len(pages))
	for i, rows := range pages {
		t.pages[i] = page[T]{rows: rows}
	}
}
