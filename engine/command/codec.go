package command

import (
	"encoding/binary"

	"gongji/engine/ledger"
)

// codec walks one layout in both directions: writing appends to buf, reading consumes it. So a field cannot be written and forgotten in
// reading. Reading past the end or a value out of range sets bad, and everything after it reads as zero.
type codec struct {
	buf     []byte
	writing bool
	bad     bool
}

func (c *codec) take(n int) []byte {
	if n > len(c.buf) {
		c.bad, c.buf = true, nil
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

func (c *codec) u8(v *uint8) {
	if c.writing {
		c.buf = append(c.buf, *v)
		return
	}
	if len(c.buf) == 0 {
		c.bad, *v = true, 0
		return
	}
	*v = c.buf[0]
	c.buf = c.buf[1:]
}

func (c *codec) flag(v *bool) {
	var b uint8
	if *v {
		b = 1
	}
	c.u8(&b)
	c.bad = c.bad || b > 1
	*v = b == 1
}

func (c *codec) key(v *ledger.Key) { c.fixed(v[:]) }

func (c *codec) fixed(v []byte) {
	if c.writing {
		c.buf = append(c.buf, v...)
		return
	}
	if b := c.take(len(v)); b != nil {
		copy(v, b)
	} else {
		clear(v)
	}
}

// u64 is a hash: no varint makes it shorter.
func (c *codec) u64(v *uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], *v)
	c.fixed(b[:])
	*v = binary.LittleEndian.Uint64(b[:])
}

// uint is an unsigned varint in its shortest form: two encodings of one command cannot differ.
func (c *codec) uint(v *uint64, most uint64) {
	if c.writing {
		c.bad = c.bad || *v > most
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	if len(c.buf) > 0 && c.buf[0] < 0x80 { // most fields
		*v = uint64(c.buf[0])
		c.buf = c.buf[1:]
		if *v > most {
			c.bad = true
		}
		return
	}
	x, n := binary.Uvarint(c.buf)
	if n <= 0 || x > most || c.buf[n-1] == 0 {
		c.bad, c.buf, *v = true, nil, 0
		return
	}
	*v, c.buf = x, c.buf[n:]
}

func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64](c *codec, v *T, most uint64) {
	x := uint64(*v)
	c.uint(&x, most)
	*v = T(x)
}

// fen is an amount in two's complement: the ledger judges its range, so a negative one (10 bytes) can be written and refused.
func (c *codec) fen(v *int64) {
	x := uint64(*v)
	c.uint(&x, 1<<64-1)
	*v = int64(x)
}

// day is zig-zag coded: birth days lie before 1970.
func (c *codec) day(v *int32) {
	x := uint64(uint32(*v<<1) ^ uint32(*v>>31))
	c.uint(&x, 1<<32-1)
	*v = int32(uint32(x)>>1) ^ -int32(x&1)
}

// signed is zig-zag coded: a returned line is short too.
func (c *codec) signed(v *int64) {
	x := uint64(*v<<1) ^ uint64(*v>>63)
	c.uint(&x, 1<<64-1)
	*v = int64(x>>1) ^ -int64(x&1)
}

// text is a length and that many bytes; read, it points into the source.
func (c *codec) text(v *[]byte, most int) {
	n := uint64(len(*v))
	c.uint(&n, uint64(most))
	if c.writing {
		c.buf = append(c.buf, *v...)
		return
	}
	*v = c.take(int(n))
}

func (c *codec) code(v *ledger.Code) {
	if c.writing {
		b := v.Bytes()
		c.bad = c.bad || len(b) == 0
		c.text(&b, CodeMax)
		return
	}
	var b []byte
	c.text(&b, CodeMax)
	*v = ledger.NewCode(b)
	c.bad = c.bad || len(b) == 0
}
