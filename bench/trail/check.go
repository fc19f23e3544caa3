package trail

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// Root is what was kept: a sequence and the chain value that the ledger told at it.
type Root struct {
	Sequence uint64
	Hash     [32]byte
}

// Finding is a place at which a trail is not what it should be: something in the batches from First to Last was changed. A nil *Finding is none.
type Finding struct {
	First, Last uint64
	Why         string
}

func (f *Finding) String() string { return fmt.Sprintf("batches %d to %d: %s", f.First, f.Last, f.Why) }

// The record of a batch in the log (wal/record.go): link 32, magic "GJWL", version u16, flags u16, sequence u64, ledger 16, directory 16, previous link 32,
// payload length u32, reserved u32, payload; little endian. The link is the SHA-256 of all behind it.
const (
	headBytes    = 120
	identityFrom = 48
	previousFrom = 80
	lengthFrom   = 112
)

var magic = []byte("GJWL\x00\x00\x00\x00")

// Records checks the records of a log from the first on against roots of the log chain. What follows the newest root is checked against itself only: whoever
// writes the log could have written it anew.
func Records(records [][]byte, list []Root) *Finding {
	var link [32]byte
	var identity []byte
	t := newTrail(list)
	for i, r := range records {
		n := uint64(i) + 1
		switch {
		case len(r) < headBytes || int(binary.LittleEndian.Uint32(r[lengthFrom:])) != len(r)-headBytes || !bytes.Equal(r[32:40], magic):
			return t.at(n, "no record")
		case sha256.Sum256(r[32:]) != [32]byte(r):
			return t.at(n, "its link is not that of its bytes")
		case binary.LittleEndian.Uint64(r[40:]) != n:
			return t.at(n, fmt.Sprintf("record %d stands in its place", binary.LittleEndian.Uint64(r[40:])))
		case link != [32]byte(r[previousFrom:]):
			return t.at(n, "it does not follow the record before it")
		case identity != nil && !bytes.Equal(identity, r[identityFrom:previousFrom]):
			return t.at(n, "it is of another log")
		}
		link, identity = [32]byte(r), r[identityFrom:previousFrom]
		if f := t.root(n, link); f != nil {
			return f
		}
	}
	return t.end(uint64(len(records)))
}

// Effects checks journal blocks from the first on against roots of the effect chain: link' = SHA-256("gongji effects 0", link, block); a block has its
// sequence in bytes 8 to 15.
func Effects(blocks [][]byte, list []Root) *Finding {
	var link [32]byte
	t := newTrail(list)
	for i, b := range blocks {
		n := uint64(i) + 1
		if len(b) < 16 {
			return t.at(n, "no block")
		}
		if s := binary.LittleEndian.Uint64(b[8:]); s != n {
			return t.at(n, fmt.Sprintf("block %d stands in its place", s))
		}
		link = sha256.Sum256(slices.Concat([]byte("gongji effects 0"), link[:], b))
		if f := t.root(n, link); f != nil {
			return f
		}
	}
	return t.end(uint64(len(blocks)))
}

// trail is a walk along the roots.
type trail struct {
	left []Root
	last uint64 // the newest root that held
}

func newTrail(list []Root) *trail {
	t := &trail{left: slices.Clone(list)}
	slices.SortFunc(t.left, func(a, b Root) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return t
}

func (t *trail) at(n uint64, why string) *Finding { return &Finding{n, n, why} }

func (t *trail) root(n uint64, link [32]byte) *Finding {
	for ; len(t.left) > 0 && t.left[0].Sequence == n; t.left = t.left[1:] {
		if t.left[0].Hash != link {
			return &Finding{t.last + 1, n, fmt.Sprintf("the chain at %d is %x, kept was %x", n, link[:8], t.left[0].Hash[:8])}
		}
		t.last = n
	}
	return nil
}

func (t *trail) end(n uint64) *Finding {
	if len(t.left) == 0 {
		return nil
	}
	return &Finding{n + 1, t.left[len(t.left)-1].Sequence, fmt.Sprintf("the trail ends at %d", n)}
}
