package ledger

import (
	"crypto/sha256"
	"encoding/binary"
)

// drawLabel separates the draw from every other use of a day key; the number is the draw's version.
const drawLabel = "gongji draw 0"

// stream is the keyed function of DESIGN.md 5: HMAC-SHA-256 over (label, sequence, index, block), read as 64-bit words.
type stream struct {
	inner, outer [64]byte // key pads
	message      [len(drawLabel) + 16]byte
	block        uint32
	words        [4]uint64
	left         int
}

func newStream(key *[DayKeyBytes]byte, position Position) stream {
	var s stream
	for i := range s.inner {
		var k byte
		if i < len(key) {
			k = key[i]
		}
		s.inner[i], s.outer[i] = k^0x36, k^0x5c
	}
	copy(s.message[:], drawLabel)
	binary.BigEndian.PutUint64(s.message[len(drawLabel):], position.Sequence())
	binary.BigEndian.PutUint32(s.message[len(drawLabel)+8:], uint32(position.Index()))
	return s
}

func (s *stream) next() uint64 {
	if s.left == 0 {
		s.fill()
	}
	w := s.words[4-s.left]
	s.left--
	return w
}

func (s *stream) fill() {
	binary.BigEndian.PutUint32(s.message[len(drawLabel)+12:], s.block)
	s.block++
	var in [64 + len(drawLabel) + 16]byte
	copy(in[:], s.inner[:])
	copy(in[64:], s.message[:])
	first := sha256.Sum256(in[:])
	var out [64 + 32]byte
	copy(out[:], s.outer[:])
	copy(out[64:], first[:])
	sum := sha256.Sum256(out[:])
	for i := range s.words {
		s.words[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	s.left = 4
}

// uniform is a number below m, every one equally likely: words below 2^64 mod m are thrown away.
func (s *stream) uniform(m uint64) uint64 {
	if drawBiasedDefect {
		return s.next() & 15 % m
	}
	reject := -m % m
	for {
		if w := s.next(); w >= reject {
			return w % m
		}
	}
}

// Draw fills drawn, which is as long as relatives, with the relatives, given in binding order, permuted by the draw of the command at
// position (D2, D3, P10). Anybody who holds the published day key can repeat it.
func Draw(key *[DayKeyBytes]byte, position Position, relatives []AccountID, drawn []Candidate) {
	for i, a := range relatives {
		drawn[i] = Candidate{Person: a.Number(), Rank: uint8(i)}
	}
	if len(drawn) < 2 {
		return
	}
	s := newStream(key, position)
	for i := len(drawn) - 1; i > 0; i-- {
		j := s.uniform(uint64(i + 1))
		drawn[i], drawn[j] = drawn[j], drawn[i]
	}
}
