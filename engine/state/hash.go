package state

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"gongji/engine/ledger"
)

// FormatVersion is the version of rows, pages and records. It is 0 until the first release; Build tells the builds of format 0 apart.
const FormatVersion = 0

// hashDomain separates the state hash from every other use of SHA-256.
const hashDomain = "gongji state 0"

// Hash is the state hash (design.md 3, "Two digests"): SHA-256 over the domain, the format version (u32), and for each table in order its
// number (u8), the number of rows (u32) and the rows' bytes in number order, all little-endian. It does not see pages. The state must not
// change meanwhile: executor's goroutine, between batches.
func Hash(s *ledger.State) [32]byte {
	h, tables := newStateHash(), tablesOf(s)
	if mapOrderDefect {
		tables = anyOrder(tables)
	}
	for _, t := range tables {
		h.table(t.id, t.count())
		for i := range t.pages() {
			h.rows(t.page(i))
		}
	}
	return h.sum()
}

// hashFrozen is Hash of frozen tables: any goroutine. It stops, with false, at the first page before which stop says so; nil never does.
func hashFrozen(tables []frozen, stop func() bool) (sum [32]byte, whole bool) {
	h := newStateHash()
	for i := range tables {
		t := &tables[i]
		h.table(t.id, t.count)
		for p := range pagesOf(t.count, t.shift) {
			if stop != nil && stop() {
				return sum, false
			}
			h.rows(t.page(p))
		}
	}
	return h.sum(), true
}

type stateHash struct{ h hash.Hash }

func newStateHash() stateHash {
	s := stateHash{sha256.New()}
	s.rows([]byte(hashDomain))
	s.rows(binary.LittleEndian.AppendUint32(nil, FormatVersion))
	return s
}

func (s stateHash) table(id uint8, count uint32) {
	s.rows(binary.LittleEndian.AppendUint32([]byte{id}, count))
}

func (s stateHash) rows(b []byte) { _, _ = s.h.Write(b) } // a hash never fails

func (s stateHash) sum() (out [32]byte) {
	s.h.Sum(out[:0])
	return out
}
