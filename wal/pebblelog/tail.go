package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	pebblewal "github.com/cockroachdb/pebble/v2/wal"

	"gongji/wal"
)

// Pebble says nothing about what it drops at the end of its write-ahead log, so
// the newest WAL file is read here as well. It consists of 32 KiB blocks of
// chunks: crc 4, length 2, type 1, low half of the log number 4, ...
const (
	blockSize     = 32 << 10
	chunkHeader   = 11 // to the end of the log number
	chunkTypeMax  = 12 // record.walSyncLastChunkEncoding
	chunkTypeMin  = 1
	trailerType   = 5      // record.recyclableFullChunkEncoding, with checksum and length 0
	tornName      = "torn" // directory of the copies
	tornCopiesMax = 4      // x 16 MiB; the oldest gives way, a crash loop must not fill the disk
)

// tail is what the newest WAL file that holds anything looks like at its end.
type tail struct {
	file    string
	number  uint32
	offset  int64  // end of the last whole record
	last    uint64 // highest sequence seen in the WAL files, 0 if none
	dropped int64  // bytes behind it that this log wrote, as far as can be told
	damaged bool   // Pebble's reader is sure of damage, or an older file has no clean end
}

// scanTail reads the WAL files. It does not judge; Pebble and the mark do.
func scanTail(fs vfs.FS, store string) (tail, error) {
	var found tail
	logs, err := pebblewal.Scan(pebblewal.Dir{FS: fs, Dirname: store})
	if err != nil {
		return found, fmt.Errorf("list %s: %w", store, err)
	}
	// Empty files follow when a crash came between making and writing one.
	for len(logs) > 0 {
		size, err := logs[len(logs)-1].PhysicalSize()
		if err != nil {
			return found, fmt.Errorf("size of log %v: %w", logs[len(logs)-1], err)
		}
		if size > 0 {
			break
		}
		logs = logs[:len(logs)-1]
	}
	for i, log := range logs {
		_, found.file = log.SegmentLocation(0)
		found.number = uint32(log.Num)
		clean, err := found.readRecords(log)
		if err != nil {
			return found, fmt.Errorf("read %s: %w", found.file, err)
		}
		if !clean && i < len(logs)-1 {
			found.damaged = true
			return found, nil
		}
	}
	if len(logs) == 0 || found.damaged {
		return found, nil
	}
	return found, found.measure(fs)
}

// readRecords reads one WAL file up to where it stops making sense.
func (t *tail) readRecords(log pebblewal.LogicalLog) (clean bool, err error) {
	reader := log.OpenForRead()
	defer func() { err = errors.Join(err, reader.Close()) }()
	var buf []byte
	for {
		r, offset, err := reader.NextRecord()
		t.offset = offset.Physical
		if err == nil {
			buf, err = readAll(buf[:0], r)
		}
		switch {
		case err == nil:
			t.last = max(t.last, lastSequence(buf))
		case errors.Is(err, io.EOF):
			return true, nil
		case errors.Is(err, record.ErrUnexpectedEOF):
			return false, nil
		case errors.Is(err, record.ErrInvalidChunk), errors.Is(err, record.ErrZeroedChunk):
			t.damaged = true
			return false, nil
		default:
			return false, err
		}
	}
}

// measure counts the bytes behind the last whole record that this log wrote, as
// far as can be told. Pebble reuses WAL files without clearing them, so behind
// the end there can be an older log's blocks: they begin with a chunk that has
// its lower number, and a file that was reused ends with an older end mark.
func (t *tail) measure(fs vfs.FS) error {
	file, err := fs.Open(t.file)
	if err != nil {
		return err
	}
	reused, err := t.isReused(file)
	block := make([]byte, blockSize)
	for at := t.offset; err == nil; at += blockSize - at%blockSize {
		var n int
		n, err = file.ReadAt(block[:blockSize-at%blockSize], at)
		kind := t.classify(block[:n])
		if kind == chunkTrailer || kind == chunkOlder {
			break
		}
		if kind == chunkOurs || !reused {
			t.dropped += int64(len(trimZeros(block[:n])))
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, file.Close())
}

// isReused says whether the file ends with an older log's end mark.
func (t *tail) isReused(file vfs.File) (bool, error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	end := make([]byte, chunkHeader)
	if info.Size()-chunkHeader <= t.offset {
		return false, nil
	}
	if _, err := file.ReadAt(end, info.Size()-chunkHeader); err != nil {
		return false, err
	}
	number := binary.LittleEndian.Uint32(end[7:])
	return binary.LittleEndian.Uint64(end)<<8 == trailerType<<56 && number > 0 && number <= t.number, nil
}

type chunkKind int

const (
	chunkOther   chunkKind = iota // zeros, garbage, or too short to say
	chunkOurs                     // carries this file's log number
	chunkOlder                    // a chunk of an older log in a reused file
	chunkTrailer                  // Pebble's end mark: the log number plus one
)

func (t *tail) classify(block []byte) chunkKind {
	if len(block) < chunkHeader || block[6] < chunkTypeMin || block[6] > chunkTypeMax {
		return chunkOther
	}
	number := binary.LittleEndian.Uint32(block[7:])
	switch {
	case number == t.number && binary.LittleEndian.Uint32(block) != 0: // a trailer has checksum 0
		return chunkOurs
	case number == t.number+1 && binary.LittleEndian.Uint32(block) == 0:
		return chunkTrailer
	case number < t.number && number > 0:
		return chunkOlder
	}
	return chunkOther
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

// lastSequence is the highest record key set by one Pebble batch.
func lastSequence(repr []byte) (last uint64) {
	if len(repr) < batchrepr.HeaderLen {
		return 0
	}
	for r := batchrepr.Read(repr); ; {
		_, k, value, ok, err := r.Next()
		if !ok || err != nil {
			return last
		}
		if len(value) >= wal.HeaderBytes {
			if sequence, err := sequenceOf(k); err == nil {
				last = max(last, sequence)
			}
		}
	}
}

func readAll(buf []byte, r io.Reader) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// saveTail copies the newest WAL file before the store is opened for writing,
// which deletes it. A link would not do: Pebble reuses WAL files in place.
func saveTail(fs vfs.FS, dir string, found tail, last uint64) error {
	torn := fs.PathJoin(dir, tornName)
	if err := makeDir(fs, torn); err != nil {
		return fmt.Errorf("keep torn tail: %w", err)
	}
	old, err := fs.List(torn)
	if err != nil {
		return fmt.Errorf("keep torn tail: %w", err)
	}
	slices.Sort(old)
	for len(old) >= tornCopiesMax {
		if err := fs.Remove(fs.PathJoin(torn, old[0])); err != nil {
			return fmt.Errorf("keep torn tail: %w", err)
		}
		old = old[1:]
	}
	name := fmt.Sprintf("%020d-%s", last, fs.PathBase(found.file))
	if err := copySynced(fs, found.file, fs.PathJoin(torn, name)); err != nil {
		return fmt.Errorf("keep torn tail: %w", err)
	}
	return syncDir(fs, torn)
}

func copySynced(fs vfs.FS, from, to string) error {
	src, err := fs.Open(from)
	if err != nil {
		return err
	}
	dst, err := fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return errors.Join(err, src.Close())
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close(), src.Close())
}
