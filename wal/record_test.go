package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

var testIdentity = Identity{Ledger: ID{1, 2, 3}, Directory: ID{9, 8, 7}}

func encode(t testing.TB, sequence uint64, previous Link, payload []byte) ([]byte, Link) {
	t.Helper()
	return AppendRecord(nil, &testIdentity, sequence, previous, payload)
}

func TestRecordRoundTrip(t *testing.T) {
	var previous Link
	for sequence, size := range []int{0, 1, 128, 65536} {
		payload := bytes.Repeat([]byte{byte(sequence + 1)}, size)
		raw, link := encode(t, uint64(sequence+1), previous, payload)
		if len(raw) != EncodedBytes(size) {
			t.Fatalf("%d bytes encoded, want %d", len(raw), EncodedBytes(size))
		}
		d, err := DecodeRecord(raw, &testIdentity, uint64(sequence+1))
		if err != nil {
			t.Fatal(err)
		}
		if d.Link != link || d.Previous != previous || !bytes.Equal(d.Payload, payload) {
			t.Fatalf("record %d came back different", sequence+1)
		}
		previous = link
	}
}

// TestRecordBytes pins the format: a change here is a new FormatVersion.
func TestRecordBytes(t *testing.T) {
	_, link := encode(t, 7, Link{0xaa}, []byte("gongji"))
	const want = "9b43dfee19a09e3f3cc5ee21bb40d60dd753fa67c5ddb9b8bf8f5658ae7006eb"
	if got := link.String(); got != want {
		t.Fatalf("link of the golden record is %s, want %s", got, want)
	}
}

// TestRecordEveryBit flips every bit of a record: none may pass.
func TestRecordEveryBit(t *testing.T) {
	raw, _ := encode(t, 3, Link{1}, []byte("forty-one"))
	for bit := range len(raw) * 8 {
		bad := bytes.Clone(raw)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := DecodeRecord(bad, &testIdentity, 3); err == nil {
			t.Fatalf("bit %d flipped and accepted", bit)
		}
	}
	for n := range len(raw) {
		if _, err := DecodeRecord(raw[:n], &testIdentity, 3); err == nil {
			t.Fatalf("cut to %d bytes and accepted", n)
		}
	}
}

func TestRecordRefusals(t *testing.T) {
	raw, _ := encode(t, 3, Link{1}, []byte("x"))
	other := testIdentity
	other.Directory[0]++
	if _, err := DecodeRecord(raw, &other, 3); !errors.Is(err, ErrForeign) {
		t.Fatalf("foreign directory: %v", err)
	}
	other = testIdentity
	other.Ledger[15]++
	if _, err := DecodeRecord(raw, &other, 3); !errors.Is(err, ErrForeign) {
		t.Fatalf("foreign ledger: %v", err)
	}
	var corruption *CorruptionError
	if _, err := DecodeRecord(raw, &testIdentity, 4); !errors.As(err, &corruption) || corruption.Sequence != 4 {
		t.Fatalf("record 3 in the place of 4: %v", err)
	}
}

func TestChain(t *testing.T) {
	one, link := encode(t, 1, Link{}, []byte("a"))
	two, _ := encode(t, 2, link, []byte("b"))
	stranger, _ := encode(t, 2, Link{5}, []byte("b"))

	chain := Chain{Identity: &testIdentity}
	var corruption *CorruptionError
	if _, err := chain.Next(2, two); !errors.As(err, &corruption) || corruption.Sequence != 1 {
		t.Fatalf("gap: %v", err)
	}
	if _, err := chain.Next(1, one); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Next(2, stranger); !errors.As(err, &corruption) || corruption.Sequence != 2 {
		t.Fatalf("wrong link: %v", err)
	}
	if _, err := chain.Next(2, two); err != nil {
		t.Fatal(err)
	}
}

func TestPutRecordAllocs(t *testing.T) {
	payload := make([]byte, 4096)
	dst := make([]byte, EncodedBytes(len(payload)))
	if n := testing.AllocsPerRun(100, func() {
		PutRecord(dst, &testIdentity, 1, Link{}, payload)
		if _, err := DecodeRecord(dst, &testIdentity, 1); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations a record", n)
	}
}

// FuzzDecodeRecord: no input panics, and what is accepted encodes to itself.
func FuzzDecodeRecord(f *testing.F) {
	raw, _ := encode(f, 1, Link{}, []byte("payload"))
	f.Add(raw, uint64(1))
	f.Add(raw[:HeaderBytes], uint64(1))
	f.Add([]byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, src []byte, want uint64) {
		d, err := DecodeRecord(src, &testIdentity, want)
		if err != nil {
			return
		}
		again, link := AppendRecord(nil, &testIdentity, d.Sequence, d.Previous, d.Payload)
		if link != d.Link || !bytes.Equal(again, src) {
			t.Fatalf("accepted %x, which encodes to %x", src, again)
		}
	})
}

// FuzzRecordSealed gives the decoder headers with a right checksum, which a
// plain fuzzer never finds: lengths, versions and identities are then judged alone.
func FuzzRecordSealed(f *testing.F) {
	raw, _ := encode(f, 1, Link{}, []byte("payload"))
	f.Add(raw[linkBytes:])
	f.Add(raw[linkBytes : linkBytes+20])
	f.Fuzz(func(t *testing.T, body []byte) {
		src := seal(body)
		d, err := DecodeRecord(src, &testIdentity, 1)
		if err != nil {
			return
		}
		again, _ := AppendRecord(nil, &testIdentity, d.Sequence, d.Previous, d.Payload)
		if !bytes.Equal(again, src) {
			t.Fatalf("accepted %x, which encodes to %x", src, again)
		}
	})
}

func BenchmarkPutRecord(b *testing.B) {
	for _, commands := range []int{1, 64, 512, 4096} {
		b.Run(fmt.Sprintf("commands=%d", commands), func(b *testing.B) {
			payload := make([]byte, 128*commands)
			rng := rand.New(rand.NewPCG(1, 1))
			for i := range payload {
				payload[i] = byte(rng.Uint32())
			}
			dst := make([]byte, EncodedBytes(len(payload)))
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				PutRecord(dst, &testIdentity, 1, Link{}, payload)
			}
		})
	}
}
