package trail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
)

// errTorn says that a segment ends inside a record: a write that a crash cut off, or a cut.
var errTorn = errors.New("the segment ends inside a record")

// The chunks of a segment file (Pebble's record format with sync offsets): blocks of 32 KiB of chunks, each of a masked CRC-32C u32, length u16, type,
// log number u32 and sync offset u64, then the bytes. Types: 9 whole record, 10 its first, 11 a middle, 12 its last piece.
const (
	blockBytes = 32 << 10
	chunkHead  = 4 + 2 + 1 + 4 + 8
	whole      = 9
	first      = 10
	middle     = 11
	last       = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is how a sum is stored, so that sums of bytes that hold sums do not weaken.
func masked(sum uint32) uint32 { return (sum>>15 | sum<<17) + 0xa282ead8 }

// Log reads the records of a copied log directory (its folder "segments"), first to last. What a segment's head says of the record before it is not read:
// the chain tells that. An error names the file; records before it are given.
func Log(dir fs.FS) (records [][]byte, err error) {
	names, err := fs.Glob(dir, "*.log")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, errors.New("no segment")
	}
	for i, name := range names {
		file, err := fs.ReadFile(dir, name)
		if err != nil {
			return records, err
		}
		list, err := segment(file)
		if len(list) > 0 {
			records = append(records, list[1:]...) // the first names what came before the segment
		}
		if err != nil && !(errors.Is(err, errTorn) && i == len(names)-1) {
			return records, fmt.Errorf("%s, record %d: %w", name, len(records)+1, err)
		}
	}
	return records, nil
}

// segment reads the records of one file up to its end, to zeros or to what is no chunk.
func segment(file []byte) (records [][]byte, err error) {
	var record []byte
	open := false
	for at := 0; ; {
		if left := blockBytes - at%blockBytes; left < chunkHead {
			at += left
		}
		if at+chunkHead > len(file) {
			break
		}
		head := file[at : at+chunkHead]
		sum, n, kind := binary.LittleEndian.Uint32(head), int(binary.LittleEndian.Uint16(head[4:])), head[6]
		if sum == 0 && n == 0 { // the trailer of a closed segment, or room that was reserved
			break
		}
		if at+chunkHead+n > len(file) {
			return records, errTorn
		}
		if kind < whole || kind > last || sum != masked(crc32.Checksum(file[at+6:at+chunkHead+n], castagnoli)) {
			return records, fmt.Errorf("chunk at %d is damaged", at)
		}
		if begins := kind == whole || kind == first; begins == open {
			return records, fmt.Errorf("chunk at %d is of type %d", at, kind)
		} else if begins {
			record = nil
		}
		record = append(record, file[at+chunkHead:at+chunkHead+n]...)
		if open = kind == first || kind == middle; !open {
			records = append(records, record)
		}
		at += chunkHead + n
	}
	if open {
		return records, errTorn
	}
	return records, nil
}
