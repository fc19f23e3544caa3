package idindex

import (
	"encoding/binary"
	"sort"

	"github.com/cockroachdb/pebble/v2"
)

// runMeta is what the manifest says about a run. Immutable.
type runMeta struct {
	number       uint64 // never reused
	count        uint64 // entries
	lines        uint64 // filter lines stored
	blockEntries uint32
	minHi, minLo uint64
	maxHi, maxLo uint64
}

func (m *runMeta) blocks() uint32 {
	per := uint64(m.blockEntries)
	return uint32((m.count + per - 1) / per)
}

// entriesIn is the number of entries of a block: full but for the last.
func (m *runMeta) entriesIn(block uint32) int {
	return int(min(uint64(m.blockEntries), m.count-uint64(block)*uint64(m.blockEntries)))
}

// inRange tells whether the key lies between the run's first and last key.
func (m *runMeta) inRange(hi, lo uint64) bool {
	if hi < m.minHi || (hi == m.minHi && lo < m.minLo) {
		return false
	}
	return hi < m.maxHi || (hi == m.maxHi && lo <= m.maxLo)
}

// run is a written run with its fences. Immutable; the filter, which may be dropped, is beside it.
type run struct {
	runMeta
	fences []uint64 // high key half of the first entry of each block
}

// candidates are the blocks [first, last] that can hold a key with this high half. It is one block, but for keys whose high half
// equals a fence. The key is in the run's range.
func (r *run) candidates(hi uint64) (first, last uint32) {
	n := len(r.fences)
	above := sort.Search(n, func(i int) bool { return r.fences[i] > hi }) // first fence above
	equal := above
	for equal > 0 && r.fences[equal-1] == hi {
		equal--
	}
	return uint32(max(equal-1, 0)), uint32(max(above-1, 0))
}

// sizeClassBase is the size of the smallest class: an idle ledger's checkpoints seal a few ids each, and those runs must not pull the
// large ones into their merges.
const sizeClassBase = 4096

// sizeClass puts runs into classes by powers of fanIn, so that fanIn runs of a class merge into a run of the next.
func sizeClass(count uint64, fanIn int) int {
	class := 0
	for limit := uint64(sizeClassBase * fanIn); count >= limit && class < 63; limit *= uint64(fanIn) {
		class++
		if limit > entriesMax {
			break
		}
	}
	return class
}

// runsNeeded is the number of runs that may exist with nothing to merge, plus one merge in progress.
func runsNeeded(fanIn int) int {
	return (fanIn-1)*(sizeClass(entriesMax, fanIn)+1) + fanIn
}

// loadFences reads the fences of a run from the store.
func loadFences(db *pebble.DB, prefix byte, m *runMeta) ([]uint64, error) {
	var fences []uint64
	var raw, key []byte
	for chunk := uint32(0); len(fences) < int(m.blocks()); chunk++ {
		n := min(chunkFences, int(m.blocks())-len(fences))
		key = appendStoreKey(key[:0], prefix, m.number, kindFence, chunk)
		var err error
		if raw, err = getChecked(db, raw[:0], key, 8*n); err != nil {
			return nil, err
		}
		if fences == nil { // only now is it known that the run is there
			fences = make([]uint64, 0, m.blocks())
		}
		for i := range n {
			fence := binary.LittleEndian.Uint64(raw[8*i:])
			if len(fences) > 0 && fence < fences[len(fences)-1] {
				return nil, corruption(key, "fence below the one before", fences[len(fences)-1], fence)
			}
			fences = append(fences, fence)
		}
	}
	return fences, nil
}

// loadFilter reads the filter of a run from the store.
func loadFilter(db *pebble.DB, prefix byte, m *runMeta) (filter, error) {
	f := adviseHuge(make(filter, 0, m.lines))
	var raw, key []byte
	for chunk := uint32(0); uint64(len(f)) < m.lines; chunk++ {
		n := min(chunkFilterLines, int(m.lines)-len(f))
		key = appendStoreKey(key[:0], prefix, m.number, kindFilter, chunk)
		var err error
		if raw, err = getChecked(db, raw[:0], key, lineBytes*n); err != nil {
			return nil, err
		}
		for i := range n {
			f = append(f, readLine(raw[lineBytes*i:]))
		}
	}
	return f, nil
}
