package state

import (
	"fmt"
	"sync"

	"gongji/engine/ledger"
)

// loader fills a table from stored rows. Rows of different pages may be put by different goroutines at once if the table has all its pages from
// the start (loaderOf); otherwise one goroutine at a time.
type loader struct {
	put  func(first uint32, rows []byte) // in any order
	rows func(page int) []byte           // what was put into a page, only rows that exist
	done func()                          // gives the rows to the table
}

// loaderOf makes a loader of count rows. It holds pages pages from the start and more as rows come for them: a record's count alone cannot ask for memory.
func loaderOf[T any](t *ledger.Table[T], count uint32, pages, size int) loader {
	shift := t.Shift()
	loaded := make([][]T, pages)
	var room sync.Mutex // a table gives room to one goroutine at a time
	newPage := func(number int) []T {
		room.Lock()
		defer room.Unlock()
		return t.NewPage(number)
	}
	return loader{
		put: func(first uint32, rows []byte) {
			if uint64(first)+uint64(len(rows)/size) > uint64(count) {
				panic(fmt.Sprintf("BUG: rows %d+%d of a table of %d", first, len(rows)/size, count))
			}
			for len(rows) > 0 {
				if n := int(first>>shift) + 1; n > len(loaded) {
					loaded = append(loaded, make([][]T, n-len(loaded))...)
				}
				p := &loaded[first>>shift]
				if *p == nil {
					*p = newPage(int(first >> shift))
				}
				n := copy(bytesOf((*p)[first&(1<<shift-1):]), rows)
				rows = rows[n:]
				first += uint32(n / size)
			}
		},
		rows: func(page int) []byte { return bytesOf(loaded[page][:rowsIn(count, shift, page)]) },
		done: func() { t.Load(count, loaded) },
	}
}
