package strictjson

import (
	"encoding/binary"
	"math/bits"
)

// visible reads the string that is due if it stands there without white space, has 1 to max bytes and all of them are visible ASCII characters other than quote
// and backslash: nearly every id, code and amount. Otherwise it returns nil and has read nothing, and String says what the value is or is not.
func (d *Decoder) visible(max int) []byte {
	if d.failed || !d.pending || d.pos >= len(d.data) || d.data[d.pos] != '"' {
		return nil
	}
	start := d.pos + 1
	i := start
	for ; i+8 <= len(d.data); i += 8 {
		if m := unusual(binary.LittleEndian.Uint64(d.data[i:])); m != 0 {
			i += bits.TrailingZeros64(m) / 8
			return d.take(start, i, max)
		}
	}
	for ; i < len(d.data); i++ {
		if c := d.data[i]; c <= ' ' || class[c] != plain {
			return d.take(start, i, max)
		}
	}
	return nil
}

// take ends visible at the first unusual byte.
func (d *Decoder) take(start, end, max int) []byte {
	if n := end - start; n == 0 || n > max || d.data[end] != '"' {
		return nil
	}
	d.pos, d.pending = end+1, false
	return d.data[start:end:end]
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// unusual marks in eight bytes, by their highest bits, those that are no visible ASCII character, or a quote or a backslash. The lowest mark is right; those
// above it may be there by a borrow of the subtractions.
func unusual(x uint64) uint64 {
	q, b, del := x^ones*'"', x^ones*'\\', x^ones*0x7f
	return ((x-ones*0x21)&^x | (q-ones)&^q | (b-ones)&^b | (del-ones)&^del | x) & highs
}
