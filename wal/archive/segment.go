package archive

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"gongji/wal"
)

// A segment is one file, all integers little-endian:
//
//	  0   4  magic "GJAR"
//	  4   2  format version
//	  6   2  flags, 0
//	  8   8  number of the segment, dense, from 1
//	 16  16  ledger id
//	 32  16  directory id
//	 48   8  first sequence
//	 56   8  last sequence
//	 64  32  link of the record before the first
//	 96  32  link of the last record
//	128  32  seal of the segment before; zero in the first
//	160   4  CRC-32C of what stands before, so that a header can be believed without reading the file
//	164   …  frames
//	 …   32  seal: SHA-256 of everything before it
//
// A frame: compressed length u32, plain length u32, first sequence u64, then one zstd frame of encoded records (package wal) end to end.
const (
	headerBytes   = 164
	sealBytes     = 32
	frameHead     = 16
	formatVersion = 0
	magic         = "GJAR"

	// frameBytes of records begin the next frame: what a Get must unpack for one record, against what a frame costs. At 256 KiB zstd has most of what there is
	// to win, and unpacking takes a fifth of a millisecond.
	frameBytes = 256 << 10
	// frameBytesMax is the largest frame: one record that began just below frameBytes.
	frameBytesMax = frameBytes + wal.HeaderBytes + wal.RecordBytesMax

	segmentSuffix = ".sealed"
	newSuffix     = ".new" // of a file that is not sealed yet
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal is a segment's, over all its bytes, and through the one before over the whole archive up to there.
type seal [sealBytes]byte

// header is what the first bytes of a segment say.
type header struct {
	number        uint64
	identity      wal.Identity
	before, after wal.Position // before: the record before the first; after: the last
	previous      seal
}

func (h *header) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, formatVersion)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, h.number)
	dst = append(dst, h.identity.Ledger[:]...)
	dst = append(dst, h.identity.Directory[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, h.before.Sequence+1)
	dst = binary.LittleEndian.AppendUint64(dst, h.after.Sequence)
	dst = append(dst, h.before.Link[:]...)
	dst = append(dst, h.after.Link[:]...)
	dst = append(dst, h.previous[:]...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// decodeHeader reads a header and checks what it can alone; damage comes without a file's name.
func decodeHeader(b []byte) (h header, err error) {
	if sum, want := crc32.Checksum(b[:headerBytes-4], castagnoli), binary.LittleEndian.Uint32(b[headerBytes-4:]); sum != want {
		return h, &wal.CorruptionError{Expected: fmt.Sprintf("header sum %08x", want), Found: fmt.Sprintf("%08x", sum)}
	}
	version, flags := binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])
	if string(b[:4]) != magic || version != formatVersion || flags != 0 {
		return h, fmt.Errorf("%w: archive segment: magic %q version %d flags %d", wal.ErrFormat, b[:4], version, flags)
	}
	h.number = binary.LittleEndian.Uint64(b[8:])
	h.identity = wal.Identity{Ledger: wal.ID(b[16:32]), Directory: wal.ID(b[32:48])}
	h.before = wal.Position{Sequence: binary.LittleEndian.Uint64(b[48:]) - 1, Link: wal.Link(b[64:96])}
	h.after = wal.Position{Sequence: binary.LittleEndian.Uint64(b[56:]), Link: wal.Link(b[96:128])}
	h.previous = seal(b[128:160])
	if h.after.Sequence <= h.before.Sequence {
		return h, fmt.Errorf("%w: archive segment of records %d to %d", wal.ErrFormat, h.before.Sequence+1, h.after.Sequence)
	}
	return h, nil
}

// frame is the head of one: a place in the file that nobody has vouched for until its records have been decoded.
type frame struct {
	offset        int64 // of the head
	packed, plain uint32
	first         uint64
}

func decodeFrame(b []byte, offset int64) (f frame, ok bool) {
	f = frame{offset: offset, packed: binary.LittleEndian.Uint32(b), plain: binary.LittleEndian.Uint32(b[4:]), first: binary.LittleEndian.Uint64(b[8:])}
	return f, f.plain >= wal.HeaderBytes && f.plain <= frameBytesMax && f.packed > 0 && f.packed <= frameBytesMax+frameBytesMax/128+1024 // what does not compress grows a little
}

// cutRecord takes the first encoded record off b; ok is false if b holds no whole one.
func cutRecord(b []byte) (record, rest []byte, ok bool) {
	if len(b) < wal.HeaderBytes {
		return nil, b, false
	}
	n := wal.HeaderBytes + int(binary.LittleEndian.Uint32(b[112:]))
	if n > len(b) {
		return nil, b, false
	}
	return b[:n:n], b[n:], true
}

func segmentName(number uint64) string { return fmt.Sprintf("%010d%s", number, segmentSuffix) }

// segmentNumber reads a file's name; whatever is not exactly a segment's is not ours.
func segmentNumber(name string) (uint64, bool) {
	digits, ours := strings.CutSuffix(name, segmentSuffix)
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ours && err == nil && number > 0 && name == segmentName(number)
}
