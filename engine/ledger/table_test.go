package ledger

import "testing"

// TestPagesGoHome: a page in a block is copied out while a view is open and goes back with the first write after the last view; every view stays as it was
// taken, overlapping ones too, and what was written counts as dirty for the next Freeze.
func TestPagesGoHome(t *testing.T) {
	const pages = blockFrom + 100
	advised := 0
	x := NewTable[uint64](1)
	x.Advise(func(block []uint64) { advised += len(block) })
	for i := range uint64(2 * pages) {
		x.Append(i)
	}
	if advised < 2*(pages-blockFrom) || x.pages[blockFrom-1].home != nil || x.pages[blockFrom].home == nil {
		t.Fatalf("%d rows advised", advised)
	}
	row := uint32(2*blockFrom + 5)
	page := &x.pages[row>>1]
	home := func() bool { return &page.home[0] == &page.rows[0] }
	is := func(v *View[uint64], want uint64) {
		t.Helper()
		if got := v.Pages[row>>1][row&1]; got != want {
			t.Errorf("the view says %d, want %d", got, want)
		}
	}
	first := x.Freeze()
	*x.Mut(row) = 1
	second := x.Look()
	*x.Mut(row) = 2
	if home() {
		t.Error("written in its block under a view")
	}
	x.Thaw()
	*x.Mut(row) = 3
	is(&first, uint64(row))
	is(&second, 1)
	x.Thaw()
	if *x.At(row) != 3 || home() {
		t.Errorf("row is %d", *x.At(row))
	}
	*x.Mut(row) = 4
	if !home() || *x.At(row) != 4 || *x.At(row ^ 1) != uint64(row^1) {
		t.Errorf("at home %t, row %d, its neighbour %d", home(), *x.At(row), *x.At(row ^ 1))
	}
	third := x.Freeze()
	for i, dirty := range third.Dirty {
		if dirty != (i == int(row>>1)) {
			t.Errorf("page %d dirty %t", i, dirty)
		}
	}
	x.Thaw()
}
