package drawproof

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Label begins every message of the keyed function; the number is the draw's version.
const Label = "gongji draw 0"

// CandidatesMax is the most authorizers a patient can have (engine/ledger/DESIGN.md 4, kind 12).
const CandidatesMax = 32

// Order is the order in which n candidates, numbered from 0 in the order of their bindings, are asked in the settlement at (sequence, index).
func Order(key []byte, sequence uint64, index uint32, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	w := words{key: key, sequence: sequence, index: index}
	for i := n - 1; i > 0; i-- {
		j := w.below(uint64(i + 1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// words is the stream of 64-bit words of one draw.
type words struct {
	key      []byte
	sequence uint64
	index    uint32
	block    uint32
	left     []byte
}

func (w *words) next() uint64 {
	if len(w.left) == 0 {
		m := hmac.New(sha256.New, w.key)
		m.Write([]byte(Label))
		m.Write(binary.BigEndian.AppendUint64(nil, w.sequence))
		m.Write(binary.BigEndian.AppendUint32(nil, w.index))
		m.Write(binary.BigEndian.AppendUint32(nil, w.block))
		w.block++
		w.left = m.Sum(nil)
	}
	word := binary.BigEndian.Uint64(w.left)
	w.left = w.left[8:]
	return word
}

// below is a number below m, all equally likely.
func (w *words) below(m uint64) uint64 {
	for {
		if x := w.next(); x >= -m%m { // 2^64 mod m words are thrown away
			return x % m
		}
	}
}
