package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// drawn recomputes the order in which n relatives, given in the order of their bindings, are asked: engine/ledger/DESIGN.md 5, written anew
// from that page with the library's HMAC, so that the demo proves the ledger's draw and does not merely repeat it.
func drawn(key []byte, sequence uint64, index uint32, n int) []int {
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
		m.Write([]byte("gongji draw 0"))
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

// proof is the answer of GET /v1/settlements/{setl_id}/draw.
type proof struct {
	Sequence uint64   `json:"sequence"`
	Index    uint32   `json:"index"`
	Day      string   `json:"day"`
	KeyHash  string   `json:"key_hash"`
	Key      *string  `json:"key"` // nil until the day is over
	Paid     []string `json:"paid"`
}

var (
	errNotPublished = errors.New("the day key is not published")
	errKeyHash      = errors.New("the published key does not have the hash that was in the log before the day")
)

// order checks the key against the hash told before and recomputes the order of n relatives.
func (p *proof) order(hashBefore string, n int) ([]int, error) {
	if p.Key == nil {
		return nil, errNotPublished
	}
	key, err := hex.DecodeString(*p.Key)
	if err != nil {
		return nil, fmt.Errorf("day key of %s: %w", p.Day, err)
	}
	if sum := sha256.Sum256(key); hex.EncodeToString(sum[:]) != hashBefore {
		return nil, errKeyHash
	}
	return drawn(key, p.Sequence, p.Index, n), nil
}
