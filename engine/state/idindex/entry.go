package idindex

import "encoding/binary"

// Key is the 16-byte hash of a message id. It must be uniform (a keyed cryptographic hash): parts, filters and blocks are cut by its
// bits. Keys that are not uniform stay correct and only get slower.
type Key [16]byte

// Entry is what is remembered about one id: 32 bytes, never changed, never removed. Position and Digest are opaque here.
type Entry struct {
	Key      Key
	Position uint64
	Digest   uint64
}

// entryBytes is the size of an entry in memory and in a block: 16 bytes key, 8 position, 8 digest.
const entryBytes = 32

// record is an entry with its key as two big-endian halves, so that numeric order is key order.
type record struct {
	hi, lo, position, digest uint64
}

func (k *Key) halves() (hi, lo uint64) {
	return binary.BigEndian.Uint64(k[:8]), binary.BigEndian.Uint64(k[8:])
}

func makeRecord(e *Entry) record {
	hi, lo := e.Key.halves()
	return record{hi: hi, lo: lo, position: e.Position, digest: e.Digest}
}

func (r *record) entry() Entry {
	var e Entry
	binary.BigEndian.PutUint64(e.Key[:8], r.hi)
	binary.BigEndian.PutUint64(e.Key[8:], r.lo)
	e.Position, e.Digest = r.position, r.digest
	return e
}

// less orders records by key.
func (r *record) less(o *record) bool {
	return r.hi < o.hi || (r.hi == o.hi && r.lo < o.lo)
}

// appendRecord appends the 32 stored bytes of r: the key in byte order, position and digest little-endian.
func appendRecord(dst []byte, r *record) []byte {
	dst = binary.BigEndian.AppendUint64(dst, r.hi)
	dst = binary.BigEndian.AppendUint64(dst, r.lo)
	dst = binary.LittleEndian.AppendUint64(dst, r.position)
	return binary.LittleEndian.AppendUint64(dst, r.digest)
}

// readKey reads the key halves of a stored entry; raw has at least entryBytes bytes.
func readKey(raw []byte) (hi, lo uint64) {
	_ = raw[15]
	return binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:])
}

// readEntry reads a stored entry; raw has at least entryBytes bytes.
func readEntry(raw []byte) Entry {
	_ = raw[31]
	return Entry{
		Key:      Key(raw[:16]),
		Position: binary.LittleEndian.Uint64(raw[16:]),
		Digest:   binary.LittleEndian.Uint64(raw[24:]),
	}
}
