package wal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// The wire format of a record, all integers little endian:
//
//	 0  32  link: SHA-256 of everything behind it
//	32   4  magic "GJWL"
//	36   2  format version
//	38   2  flags, 0
//	40   8  sequence
//	48  16  ledger id
//	64  16  directory id
//	80  32  previous record's link
//	112  4  payload length in bytes
//	116  4  reserved, 0
//	120  …  payload
//
// The link stands first so that what it covers is one piece of memory: one
// SHA-256 call over header and payload, no second pass, no hash state. SHA-256
// is needed for the chain anyhow (1.35 GB/s here); being stronger than any
// checksum it takes the place of one.
const (
	// HeaderBytes is the size of a record without its payload.
	HeaderBytes = 120
	// FormatVersion of records written by this build; 0 until the first release.
	FormatVersion = 0

	recordMagic = 0x4c574a47 // "GJWL"
	linkBytes   = 32
)

// EncodedBytes is the size of a record with a payload of n bytes.
func EncodedBytes(n int) int { return HeaderBytes + n }

// AppendRecord appends the encoded record to dst and returns its link. The
// payload must not be above RecordBytesMax.
func AppendRecord(dst []byte, id *Identity, sequence uint64, previous Link, payload []byte) ([]byte, Link) {
	start := len(dst)
	need := start + EncodedBytes(len(payload))
	if cap(dst) < need {
		grown := make([]byte, start, need)
		copy(grown, dst)
		dst = grown
	}
	dst = dst[:need]
	return dst, PutRecord(dst[start:], id, sequence, previous, payload)
}

// PutRecord encodes the record into dst, which must have exactly
// EncodedBytes(len(payload)) bytes, and returns its link. This is the one copy
// of the payload that staging makes.
func PutRecord(dst []byte, id *Identity, sequence uint64, previous Link, payload []byte) Link {
	if len(dst) != EncodedBytes(len(payload)) || len(payload) > RecordBytesMax {
		panic(fmt.Sprintf("wal: PutRecord: %d bytes for a payload of %d", len(dst), len(payload)))
	}
	binary.LittleEndian.PutUint32(dst[32:], recordMagic)
	binary.LittleEndian.PutUint16(dst[36:], FormatVersion)
	binary.LittleEndian.PutUint16(dst[38:], 0)
	binary.LittleEndian.PutUint64(dst[40:], sequence)
	copy(dst[48:64], id.Ledger[:])
	copy(dst[64:80], id.Directory[:])
	copy(dst[80:112], previous[:])
	binary.LittleEndian.PutUint32(dst[112:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[116:], 0)
	copy(dst[HeaderBytes:], payload)
	link := Link(sha256.Sum256(dst[linkBytes:]))
	copy(dst[:linkBytes], link[:])
	return link
}

// Decoded is a record whose checksum and identity have been verified.
type Decoded struct {
	Record        // Payload is a part of the decoded bytes
	Previous Link // link of the record before it
}

// DecodeRecord verifies one encoded record and returns it. src must hold the
// record and nothing else. want is the sequence the place it was found at
// stands for. A wrong magic, version or reserved field is ErrFormat; another
// log's record, if whole, is ErrForeign; anything else is a *CorruptionError
// without a file name.
func DecodeRecord(src []byte, id *Identity, want uint64) (Decoded, error) {
	var d Decoded
	if len(src) < HeaderBytes {
		return d, corrupt(want, fmt.Sprintf("at least %d bytes", HeaderBytes), fmt.Sprintf("%d bytes", len(src)))
	}
	link := Link(sha256.Sum256(src[linkBytes:]))
	if link != Link(src[:linkBytes]) {
		return d, corrupt(want, "checksum "+Link(src[:linkBytes]).String(), "checksum "+link.String())
	}
	// What follows was written so by somebody: it is whole, but is it ours?
	magic := binary.LittleEndian.Uint32(src[32:])
	version, flags := binary.LittleEndian.Uint16(src[36:]), binary.LittleEndian.Uint16(src[38:])
	reserved := binary.LittleEndian.Uint32(src[116:])
	if magic != recordMagic || version != FormatVersion || flags != 0 || reserved != 0 {
		return d, fmt.Errorf("%w: record %d: magic %#x version %d flags %d reserved %d", ErrFormat, want, magic, version, flags, reserved)
	}
	length := binary.LittleEndian.Uint32(src[112:])
	if uint64(length) != uint64(len(src)-HeaderBytes) || length > RecordBytesMax {
		return d, corrupt(want, fmt.Sprintf("payload of %d bytes", length), fmt.Sprintf("%d bytes", len(src)-HeaderBytes))
	}
	found := Identity{Ledger: ID(src[48:64]), Directory: ID(src[64:80])}
	if found != *id {
		return d, foreign(fmt.Sprintf("record %d", want), id, found)
	}
	d.Sequence = binary.LittleEndian.Uint64(src[40:])
	if d.Sequence != want {
		return d, corrupt(want, fmt.Sprintf("record %d", want), fmt.Sprintf("record %d", d.Sequence))
	}
	d.Link = link
	d.Previous = Link(src[80:112])
	d.Payload = src[HeaderBytes:len(src):len(src)]
	return d, nil
}

// Glance gives the sequence and the link of an encoded record without verifying
// anything; ok is false if src is too short to be one.
func Glance(src []byte) (sequence uint64, link Link, ok bool) {
	if len(src) < HeaderBytes {
		return 0, Link{}, false
	}
	return binary.LittleEndian.Uint64(src[40:]), Link(src[:linkBytes]), true
}

// CheckIdentity returns ErrForeign, naming what, unless found is id.
func CheckIdentity(what string, id *Identity, found Identity) error {
	if found != *id {
		return foreign(what, id, found)
	}
	return nil
}

func foreign(what string, id *Identity, found Identity) error {
	return fmt.Errorf("%w: %s: expected ledger %v directory %v, found ledger %v directory %v",
		ErrForeign, what, id.Ledger, id.Directory, found.Ledger, found.Directory)
}

func corrupt(sequence uint64, expected, found string) error {
	return &CorruptionError{Sequence: sequence, Offset: -1, Expected: expected, Found: found}
}
