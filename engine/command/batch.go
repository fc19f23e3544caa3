package command

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A batch is one record of the log: a head, then commands end to end.
//
//	0  format  u16   FormatVersion
//	2  rule    u16   rule version, selects the code of the ledger
//	4  count   u32   commands
//	8  time    i64   ms since 1970 UTC, ledger time
//	16 sum     u32   CRC-32C of everything but itself
//
// Little-endian. The log adds identity, sequence and the chain (wal).
const (
	FormatVersion    = 0
	RuleVersion      = 0
	BatchHeadBytes   = 20
	BatchBytesMax    = 8 << 20 // half of the log's record limit
	BatchCommandsMax = 4_096   // twice what the sequencer cuts; bounds effects and id table slack in memory
	sumOffset        = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is the head of a batch and its commands' bytes.
type Batch struct {
	Rule     uint16
	Count    int
	TimeMS   int64
	Commands []byte // points into the source
}

// BeginBatch starts a batch in dst[:0]; the caller appends commands, then calls EndBatch.
func BeginBatch(dst []byte) []byte { return append(dst[:0], make([]byte, BatchHeadBytes)...) }

// EndBatch fills in the head.
func EndBatch(b []byte, count int, timeMS int64) {
	binary.LittleEndian.PutUint16(b[0:], FormatVersion)
	binary.LittleEndian.PutUint16(b[2:], RuleVersion)
	binary.LittleEndian.PutUint32(b[4:], uint32(count))
	binary.LittleEndian.PutUint64(b[8:], uint64(timeMS))
	binary.LittleEndian.PutUint32(b[sumOffset:], batchSum(b))
}

func batchSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:sumOffset], castagnoli), castagnoli, b[BatchHeadBytes:])
}

// ReadBatch checks a record's payload and opens it.
func ReadBatch(src []byte) (Batch, error) {
	if len(src) < BatchHeadBytes || len(src) > BatchBytesMax {
		return Batch{}, fmt.Errorf("%w: batch of %d bytes", ErrFormat, len(src))
	}
	format, rule := binary.LittleEndian.Uint16(src), binary.LittleEndian.Uint16(src[2:])
	if format != FormatVersion || rule != RuleVersion {
		return Batch{}, fmt.Errorf("%w: batch of format %d rule %d, this build knows format %d rule %d", ErrFormat, format, rule, FormatVersion, RuleVersion)
	}
	if want, got := binary.LittleEndian.Uint32(src[sumOffset:]), batchSum(src); want != got {
		return Batch{}, fmt.Errorf("%w: batch sum %08x, expected %08x", ErrFormat, got, want)
	}
	b := Batch{Rule: rule, Count: int(binary.LittleEndian.Uint32(src[4:])), TimeMS: int64(binary.LittleEndian.Uint64(src[8:])), Commands: src[BatchHeadBytes:]}
	if b.Count > BatchCommandsMax || b.Count*headBytes > len(b.Commands) {
		return Batch{}, fmt.Errorf("%w: %d commands in %d bytes", ErrFormat, b.Count, len(b.Commands))
	}
	return b, nil
}

// Offsets appends the start of each command to dst and checks that exactly Count commands fill the batch. It reads lengths only.
func (b *Batch) Offsets(dst []uint32) ([]uint32, error) {
	at := 0
	for range b.Count {
		if at+headBytes > len(b.Commands) {
			return dst, fmt.Errorf("%w: batch ends inside command %d", ErrFormat, len(dst))
		}
		dst = append(dst, uint32(at))
		n := int(binary.LittleEndian.Uint16(b.Commands[at:]))
		if n < headBytes {
			return dst, fmt.Errorf("%w: command of %d bytes", ErrFormat, n)
		}
		at += n
	}
	if at != len(b.Commands) {
		return dst, fmt.Errorf("%w: %d bytes after the last command", ErrFormat, len(b.Commands)-at)
	}
	return dst, nil
}
