package state

import (
	"fmt"
	"reflect"
	"unsafe"

	"gongji/engine/ledger"
)

// A table of the ledger's state without its row type. The numbers are part of the format, and so is their order.
type table struct {
	id      uint8
	name    string
	row     reflect.Type
	rowSize int
	shift   uint
	count   func() uint32
	page    func(i int) []byte // live bytes of page i: only rows that exist
	freeze  func() frozen      // for a checkpoint
	look    func() frozen      // for reading only
	thaw    func()
	loader  func(count uint32) loader
}

// frozen is a table as a checkpoint or a snapshot reads it, from any goroutine until the table is thawed.
type frozen struct {
	id      uint8
	name    string
	rowSize int
	shift   uint
	count   uint32
	dirty   []bool
	page    func(i int) []byte // only rows that exist
	view    any                // ledger.View of the row type
}

// loader fills a table; put may be called in any order but not from two goroutines.
type loader struct {
	put  func(first uint32, rows []byte)
	done func() // gives the rows to the table
}

func (t *table) pages() int { return pagesOf(t.count(), t.shift) }

func pagesOf(count uint32, shift uint) int { return int((uint64(count) + 1<<shift - 1) >> shift) }

// rowsIn is how many rows page i holds.
func rowsIn(count uint32, shift uint, i int) int {
	return int(min(uint64(1)<<shift, uint64(count)-uint64(i)<<shift))
}

// tablesOf lists the tables in the order of their numbers, which is the order of the hash.
func tablesOf(s *ledger.State) []table {
	return []table{
		tableOf(1, "persons", s.Persons),
		tableOf(2, "institutions", s.Institutions),
		tableOf(3, "bindings", s.Bindings),
		tableOf(4, "families", s.Families),
		tableOf(5, "runs", s.Runs),
		tableOf(6, "policies", s.Policies),
		tableOf(7, "day keys", s.DayKeys),
		tableOf(8, "scalars", s.Scalars),
		tableOf(9, "area dues", s.AreaDues),
		tableOf(10, "credentials", s.Credentials),
		tableOf(11, "passwords", s.Passwords),
		tableOf(12, "clearings", s.Clearings),
		tableOf(13, "visits", s.Visits),
		tableOf(14, "fee lines", s.FeeLines),
		tableOf(15, "summaries", s.Summaries),
		tableOf(16, "binding tails", s.BindingTails),
	}
}

// tablesMax bounds what a record may claim.
const tablesMax = 16

func tableOf[T any](id uint8, name string, t *ledger.Table[T]) table {
	var row T
	size := int(unsafe.Sizeof(row))
	freeze := func(v ledger.View[T]) frozen {
		return frozen{id: id, name: name, rowSize: size, shift: v.Shift, count: v.Count, dirty: v.Dirty, view: v,
			page: func(i int) []byte { return bytesOf(v.Pages[i][:rowsIn(v.Count, v.Shift, i)]) }}
	}
	return table{
		id: id, name: name, row: reflect.TypeFor[T](), rowSize: size, shift: t.Shift(), count: t.Len,
		page: func(i int) []byte {
			n := rowsIn(t.Len(), t.Shift(), i)
			return bytesOf(unsafe.Slice(t.At(uint32(i)<<t.Shift()), n))
		},
		freeze: func() frozen { return freeze(t.Freeze()) },
		look:   func() frozen { return freeze(t.Look()) },
		thaw:   t.Thaw,
		loader: func(count uint32) loader { return loaderOf(t, count, size) },
	}
}

func loaderOf[T any](t *ledger.Table[T], count uint32, size int) loader {
	shift := t.Shift()
	var pages [][]T // grown by the rows that are there: a record's count alone cannot ask for memory
	return loader{
		put: func(first uint32, rows []byte) {
			if uint64(first)+uint64(len(rows)/size) > uint64(count) {
				panic(fmt.Sprintf("BUG: rows %d+%d of a table of %d", first, len(rows)/size, count))
			}
			for len(rows) > 0 {
				if n := int(first>>shift) + 1; n > len(pages) {
					pages = append(pages, make([][]T, n-len(pages))...)
				}
				if p := &pages[first>>shift]; *p == nil {
					*p = t.NewPage(int(first >> shift))
				}
				n := copy(bytesOf(pages[first>>shift][first&(1<<shift-1):]), rows)
				rows = rows[n:]
				first += uint32(n / size)
			}
		},
		done: func() { t.Load(count, pages) },
	}
}

// totalsOf sums the accounts of a frozen state.
func totalsOf(tables []frozen) (t ledger.Totals) {
	for i := range tables {
		switch v := tables[i].view.(type) {
		case ledger.View[ledger.Person]:
			eachRow(v, func(r *ledger.Person) { t.Personal += r.Balance })
		case ledger.View[ledger.Family]:
			eachRow(v, func(r *ledger.Family) { t.Family += r.Balance })
		case ledger.View[ledger.Institution]:
			eachRow(v, func(r *ledger.Institution) { t.Institution += r.Payable })
		case ledger.View[ledger.AreaDue]:
			t.AreaOwed = owed(v)
			t.AreaClaimed = -t.AreaOwed
		case ledger.View[ledger.Scalars]:
			eachRow(v, func(r *ledger.Scalars) {
				for _, p := range r.Premium {
					t.Premium += p
				}
				for _, b := range r.Bank {
					t.FundBank += b
				}
				for _, f := range r.Funding {
					t.Funding += f
				}
			})
		}
	}
	return t
}

// owed sums what stands last of each pair of areas: of its days, the newest comes last.
func owed(v ledger.View[ledger.AreaDue]) (sum int64) {
	last := map[[2]uint32]int64{}
	eachRow(v, func(r *ledger.AreaDue) {
		sum += r.Total - last[[2]uint32{r.Owing, r.Claiming}]
		last[[2]uint32{r.Owing, r.Claiming}] = r.Total
	})
	return sum
}

func eachRow[T any](v ledger.View[T], f func(*T)) {
	for i := range v.Pages {
		rows := v.Pages[i][:rowsIn(v.Count, v.Shift, i)]
		for j := range rows {
			f(&rows[j])
		}
	}
}
