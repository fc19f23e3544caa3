package journal

import (
	"encoding/binary"
	"math/bits"
)

// Numbers are prefix varints: n bytes, little-endian, of which the lowest n bits are n-1 zeros and a one, and the rest, 7n bits, is the
// value. A first byte of zero says that the 8 bytes behind it are the value. Only the shortest form is allowed. Unlike the common varint
// it is written and read without a loop, by one 8-byte access (DESIGN.md, "Numbers").
const numberBytesMax = 9

// numberBytes is the length of a number by the length of its value in bits.
var numberBytes = func() (t [65]uint8) {
	for n := range t {
		t[n] = uint8(min((max(n, 1)+6)/7, numberBytesMax))
	}
	return t
}()

// put writes x at b[at:], of which numberBytesMax bytes must exist, and returns the place behind it. Bytes behind that place are
// overwritten with garbage.
func put(b []byte, at int, x uint64) int {
	n := numberBytes[bits.Len64(x)]
	if n > 8 {
		return putLong(b, at, x)
	}
	binary.LittleEndian.PutUint64(b[at:], (x<<1|1)<<((n-1)&63))
	return at + int(n)
}

func putLong(b []byte, at int, x uint64) int {
	b[at] = 0
	binary.LittleEndian.PutUint64(b[at+1:], x)
	return at + numberBytesMax
}

// zigzag folds the sign into the lowest bit, so that small negative numbers stay short.
func zigzag(x int64) uint64 { return uint64(x<<1) ^ uint64(x>>63) }

func unzigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

// reader reads numbers. After a mistake bad is set, the rest is empty and every number is 0.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() uint64 {
	r.b, r.bad = nil, true
	return 0
}

// number reads a number of at most most.
func (r *reader) number(most uint64) uint64 {
	if len(r.b) < 8 {
		return r.numberAtEnd(most)
	}
	raw := binary.LittleEndian.Uint64(r.b)
	n := bits.TrailingZeros8(uint8(raw)) + 1
	if n > 8 {
		return r.long(most)
	}
	x := raw << (64 - 8*n) >> (64 - 7*n)
	if n > 1 && x>>(7*(n-1)) == 0 || x > most {
		return r.fail()
	}
	r.b = r.b[n:]
	return x
}

// numberAtEnd reads a number of which fewer than 8 bytes can be read at once.
func (r *reader) numberAtEnd(most uint64) uint64 {
	if len(r.b) == 0 {
		return r.fail()
	}
	n := bits.TrailingZeros8(r.b[0]) + 1
	if n > len(r.b) {
		return r.fail()
	}
	var whole [8]byte
	copy(whole[:], r.b)
	tail := reader{b: whole[:]}
	x := tail.number(most)
	if tail.bad {
		return r.fail()
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) long(most uint64) uint64 {
	if len(r.b) < numberBytesMax {
		return r.fail()
	}
	x := binary.LittleEndian.Uint64(r.b[1:])
	if x>>56 == 0 || x > most {
		return r.fail()
	}
	r.b = r.b[numberBytesMax:]
	return x
}

// any reads a number of up to 64 bits.
func (r *reader) any() uint64 { return r.number(1<<64 - 1) }

// signed reads a zigzag number.
func (r *reader) signed() int64 { return unzigzag(r.any()) }
