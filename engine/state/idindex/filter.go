package idindex

import (
	"encoding/binary"
	"math/bits"
)

// line is one cache line of a filter: 8 words, each key sets one bit in each word.
type line [8]uint64

// lineBytes is the size of a line.
const lineBytes = 64

// filter is a blocked Bloom filter. The line is chosen by the key's high half in *key order*, so a filter is built front to back from
// sorted keys, streamed to the store, and needs no memory while it is built. The bits come from the low half.
type filter []line

// Bits an id, by the size of the run. An absent id asks every filter, and a wrong "maybe" reads a block (some microseconds), so the
// sum of the error rates counts. Small runs are many and cheap to be exact about; the large ones hold the memory.
// Rates by calculation (TestFilterRate holds them): 28 bits 0.004 %, 20 bits 0.025 %, 12 bits 0.41 %.
const (
	filterBitsSmall  = 28
	filterBitsMiddle = 20
	filterBitsLarge  = 12

	filterSmallMax  = 4 << 20
	filterMiddleMax = 32 << 20
)

// filterLines is the size of the filter of a run of count entries, in lines.
func filterLines(count uint64) uint64 {
	perID := uint64(filterBitsLarge)
	if count <= filterSmallMax {
		perID = filterBitsSmall
	} else if count <= filterMiddleMax {
		perID = filterBitsMiddle
	}
	return (count*perID + 8*lineBytes - 1) / (8 * lineBytes)
}

// lineOf chooses the line of a key; it grows with hi.
func lineOf(hi, lines uint64) uint64 {
	line, _ := bits.Mul64(hi, lines)
	return line
}

// mayContain looks at three words before it branches: an absent key passes them in 1.5 % of cases, so the branch is foreseen and the processor runs
// ahead into the next run's filter; the other words are hardly ever wanted.
func (f filter) mayContain(hi, lo uint64) bool {
	n, _ := bits.Mul64(hi, uint64(len(f)))
	l := &f[n]
	set := l[0] >> (lo & 63)
	set &= l[1] >> (lo >> 6 & 63)
	set &= l[2] >> (lo >> 12 & 63)
	if set&1 == 0 {
		return false
	}
	set &= l[3] >> (lo >> 18 & 63)
	set &= l[4] >> (lo >> 24 & 63)
	set &= l[5] >> (lo >> 30 & 63)
	set &= l[6] >> (lo >> 36 & 63)
	set &= l[7] >> (lo >> 42 & 63)
	return set&1 != 0
}

func (l *line) add(lo uint64) {
	for i := range l {
		l[i] |= 1 << (lo >> (6 * i) & 63)
	}
}

func appendLine(dst []byte, l *line) []byte {
	for _, word := range l {
		dst = binary.LittleEndian.AppendUint64(dst, word)
	}
	return dst
}

func readLine(raw []byte) (l line) {
	for i := range l {
		l[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	return l
}
