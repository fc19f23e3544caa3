package idindex

import (
	"errors"
	"math/bits"
)

// ErrTableFull says that more than BatchIDsMax ids were inserted between two calls of Advance. The entry was not taken.
var ErrTableFull = errors.New("idindex: more ids than BatchIDsMax between two calls of Advance")

// table holds entries that are not yet in a run. Entries lie in arrival order, so an insert writes at the end of a part instead of
// missing the cache somewhere. Beside them an open-addressing index: one tag byte a slot, eight in a word, so that looking for an
// absent key reads one word of 2 MiB (it stays in the L2 cache) and its branches are predictable. No pointers.
type table struct {
	parts      []part
	partShift  uint // 64 - partBits; 64 for one part (a Go shift by 64 gives 0)
	partBits   uint
	groupShift uint
}

// part is one cut of the table, owned by one goroutine during a batch. The padding keeps two owners off one cache line pair.
type part struct {
	groups    []uint64 // eight tags a word; tag 0 is an empty slot. A power of two of them
	positions []uint16 // of a slot: index into entries; stale where the slot is empty
	entries   []record // length is the number held, capacity is fixed
	_         [56]byte
}

// Every byte 0x01, every byte 0x80.
const (
	bytesLow  = 0x0101010101010101
	bytesHigh = 0x8080808080808080
)

func newTable(o *Options) *table {
	capacity := o.partCapacity()
	groupBits := max(0, bits.Len(uint(capacity+capacity/3))-3) // at most 75 % full; 38 % at the seal mark with the defaults
	t := &table{
		parts:      make([]part, o.Parts),
		partShift:  uint(64 - o.partBits()),
		partBits:   uint(o.partBits()),
		groupShift: uint(64 - groupBits),
	}
	groups := adviseHuge(make([]uint64, o.Parts<<groupBits))
	positions := adviseHuge(make([]uint16, 8*o.Parts<<groupBits))
	entries := adviseHuge(make([]record, o.Parts*capacity))
	for i := range t.parts {
		p := &t.parts[i]
		p.groups = groups[i<<groupBits : (i+1)<<groupBits]
		p.positions = positions[8*i<<groupBits : 8*(i+1)<<groupBits]
		p.entries = entries[i*capacity : i*capacity : (i+1)*capacity]
	}
	return t
}

// tagOf is the tag of a key, 1 to 255.
func tagOf(lo uint64) uint64 {
	tag := lo & 0xff
	return tag | (tag-1)>>63
}

// zeroBytes marks the zero bytes of x by their high bit. Bytes above the first marked one may be marked wrongly (if they are 1).
func zeroBytes(x uint64) uint64 { return (x - bytesLow) &^ x & bytesHigh }

// groupOf is the first group of a key within its part.
func (t *table) groupOf(hi uint64) uint64 { return hi << t.partBits >> t.groupShift }

// find looks for a key; only the owner of its part may call it while the table is active.
func (t *table) find(hi, lo uint64) *record {
	p := &t.parts[hi>>t.partShift]
	tags := tagOf(lo) * bytesLow
	for g := t.groupOf(hi); ; g++ {
		g &= uint64(len(p.groups) - 1)
		group := p.groups[g]
		for match := zeroBytes(group ^ tags); match != 0; match &= match - 1 {
			slot := g*8 + uint64(bits.TrailingZeros64(match))/8
			if at := int(p.positions[slot]); at < len(p.entries) { // a wrong mark may lead to a stale position
				if r := &p.entries[at]; r.lo == lo && r.hi == hi {
					return r
				}
			}
		}
		if zeroBytes(group) != 0 {
			return nil
		}
	}
}

// insert adds a record whose key is absent; only the owner of its part may call it.
func (t *table) insert(r record) error {
	p := &t.parts[r.hi>>t.partShift]
	n := len(p.entries)
	if n == cap(p.entries) {
		return ErrTableFull
	}
	p.entries = p.entries[:n+1]
	p.entries[n] = r
	for g := t.groupOf(r.hi); ; g++ {
		g &= uint64(len(p.groups) - 1)
		empty := zeroBytes(p.groups[g])
		if empty == 0 {
			continue
		}
		at := uint64(bits.TrailingZeros64(empty)) / 8
		p.groups[g] |= tagOf(r.lo) << (8 * at)
		p.positions[g*8+at] = uint16(n)
		return nil
	}
}

// claim returns the entry of a key, or inserts it and returns nil: find and insert in one walk. Only the owner of its part may call it.
func (t *table) claim(hi, lo, position, digest uint64) (*record, error) {
	p := &t.parts[hi>>t.partShift]
	tag := tagOf(lo)
	for g := t.groupOf(hi); ; g++ {
		g &= uint64(len(p.groups) - 1)
		group := p.groups[g]
		for match := zeroBytes(group ^ tag*bytesLow); match != 0; match &= match - 1 {
			slot := g*8 + uint64(bits.TrailingZeros64(match))/8
			if at := int(p.positions[slot]); at < len(p.entries) { // a wrong mark may lead to a stale position
				if e := &p.entries[at]; e.lo == lo && e.hi == hi {
					return e, nil
				}
			}
		}
		empty := zeroBytes(group)
		if empty == 0 {
			continue
		}
		n := len(p.entries)
		if n == cap(p.entries) {
			return nil, ErrTableFull
		}
		p.entries = p.entries[:n+1]
		p.entries[n] = record{hi: hi, lo: lo, position: position, digest: digest}
		at := uint64(bits.TrailingZeros64(empty)) / 8
		p.groups[g] |= tag << (8 * at)
		p.positions[g*8+at] = uint16(n)
		return nil, nil
	}
}

// count is the number of entries held.
func (t *table) count() int {
	n := 0
	for i := range t.parts {
		n += len(t.parts[i].entries)
	}
	return n
}

// reached tells whether any part holds mark entries.
func (t *table) reached(mark int) bool {
	for i := range t.parts {
		if len(t.parts[i].entries) >= mark {
			return true
		}
	}
	return false
}

// clear empties the table; the entries' bytes stay behind.
func (t *table) clear() {
	for i := range t.parts {
		clear(t.parts[i].groups)
		t.parts[i].entries = t.parts[i].entries[:0]
	}
}

// bytes is the memory of the table.
func (t *table) bytes() int64 {
	p := &t.parts[0]
	return int64(len(t.parts)) * int64(8*len(p.groups)+2*len(p.positions)+entryBytes*cap(p.entries))
}
