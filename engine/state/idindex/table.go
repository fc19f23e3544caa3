package idindex

import (
	"errors"
	"math/bits"
)

// ErrTableFull says that more than BatchIDsMax ids were inserted between two calls of Advance. The entry was not taken.
var ErrTableFull = errors.New("idindex: more ids than BatchIDsMax between two calls of Advance")

// table holds entries that are not yet in a run. Entries lie in arrival order, so an insert writes at the end of a part instead of
// missing the cache somewhere. Beside them an open-addressing index in groups of eight slots: looking for an absent key reads one word
// of tags and its branches are predictable, and an insert writes to the same 24 bytes. No pointers.
type table struct {
	parts      []part
	partShift  uint // 64 - partBits; 64 for one part (a Go shift by 64 gives 0)
	partBits   uint
	groupShift uint
}

// part is one cut of the table, owned by one goroutine during a batch. The padding keeps two owners off one cache line pair.
type part struct {
	groups  []group  // a power of two of them
	entries []record // length is the number held, capacity is fixed
	_       [80]byte
}

// group is eight slots. Tags and positions lie together, since an insert touches both at random.
type group struct {
	tags      uint64    // one byte a slot; 0 is an empty slot
	positions [8]uint16 // of a slot: index into entries; stale where the slot is empty
}

// groupBytes is the size of a group.
const groupBytes = 24

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
	groups := adviseHuge(make([]group, o.Parts<<groupBits))
	entries := adviseHuge(make([]record, o.Parts*capacity))
	for i := range t.parts {
		p := &t.parts[i]
		p.groups = groups[i<<groupBits : (i+1)<<groupBits]
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

// at is the position in the slot that the lowest bit of marks stands for.
func (g *group) at(marks uint64) uint16 { return g.positions[bits.TrailingZeros64(marks)/8&7] }

// put fills the first of the empty slots; false if there is none.
func (g *group) put(empty, tag uint64, position int) bool {
	if empty == 0 {
		return false
	}
	at := bits.TrailingZeros64(empty) / 8 & 7
	g.tags |= tag << (8 * at)
	g.positions[at] = uint16(position)
	return true
}

// groupOf is the first group of a key within its part.
func (t *table) groupOf(hi uint64) uint64 { return hi << t.partBits >> t.groupShift }

// find looks for a key; only the owner of its part may call it while the table is active.
func (t *table) find(hi, lo uint64) *record {
	p := &t.parts[hi>>t.partShift]
	tags := tagOf(lo) * bytesLow
	for g := t.groupOf(hi); ; g++ {
		g &= uint64(len(p.groups) - 1)
		group := &p.groups[g]
		for match := zeroBytes(group.tags ^ tags); match != 0; match &= match - 1 {
			if at := int(group.at(match)); at < len(p.entries) { // a wrong mark may lead to a stale position
				if r := &p.entries[at]; r.lo == lo && r.hi == hi {
					return r
				}
			}
		}
		if zeroBytes(group.tags) != 0 {
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
		if group := &p.groups[g]; group.put(zeroBytes(group.tags), tagOf(r.lo), n) {
			return nil
		}
	}
}

// claim returns the entry of a key, or inserts it and returns nil: find and insert in one walk. Only the owner of its part may call it.
func (t *table) claim(hi, lo, position, digest uint64) (*record, error) {
	p := &t.parts[hi>>t.partShift]
	tag := tagOf(lo)
	for g := t.groupOf(hi); ; g++ {
		g &= uint64(len(p.groups) - 1)
		group := &p.groups[g]
		for match := zeroBytes(group.tags ^ tag*bytesLow); match != 0; match &= match - 1 {
			if at := int(group.at(match)); at < len(p.entries) { // a wrong mark may lead to a stale position
				if e := &p.entries[at]; e.lo == lo && e.hi == hi {
					return e, nil
				}
			}
		}
		empty := zeroBytes(group.tags)
		if empty == 0 {
			continue
		}
		n := len(p.entries)
		if n == cap(p.entries) {
			return nil, ErrTableFull
		}
		p.entries = p.entries[:n+1]
		p.entries[n] = record{hi: hi, lo: lo, position: position, digest: digest}
		group.put(empty, tag, n)
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

// ahead loads what claim and insert of a key will look at and write to: the group's lines, and that of the next entry.
func (t *table) ahead(hi uint64) uint64 {
	p := &t.parts[hi>>t.partShift]
	g := &p.groups[t.groupOf(hi)&uint64(len(p.groups)-1)]
	sum := g.tags + uint64(g.positions[7])
	if n := len(p.entries); n < cap(p.entries) {
		sum += p.entries[:n+1][n].digest
	}
	return sum
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
	return int64(len(t.parts)) * int64(groupBytes*len(p.groups)+entryBytes*cap(p.entries))
}
