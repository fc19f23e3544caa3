package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"

	"gongji/wal"
)

// ErrCancelled says that sealing was cut short; what had been sealed stays.
var ErrCancelled = errors.New("archive: sealing was cut short")

var errEnough = errors.New("enough") // ends a Read

// Sealing says how far Seal may go.
type Sealing struct {
	Through uint64          // last record that may be sealed
	Rest    bool            // also what does not fill a segment
	Cancel  <-chan struct{} // closed: stop soon (ErrCancelled); nil: never
}

// Seal puts the records behind Last into new segments, each durable under its name and read back, with its seal, before the next is begun. It changes
// nothing of the log; what is at or below Last afterwards may be truncated. A failure leaves the archive as it was before the segment that failed.
func (a *Archive) Seal(log wal.Log, s Sealing) (sealed int, err error) {
	if a.packer == nil {
		if a.packer, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
			return 0, fmt.Errorf("archive: %w", err)
		}
	}
	for {
		at := a.Last()
		end, enough, err := a.cut(log, at, &s)
		if err != nil {
			return sealed, err
		}
		if end.Sequence == at.Sequence || !enough && !s.Rest {
			return sealed, nil
		}
		h := header{number: uint64(a.Segments()) + 1, identity: a.o.Identity, before: at, after: end, previous: a.lastSeal()}
		if err := a.sealOne(log, &h, &s); err != nil {
			return sealed, fmt.Errorf("seal records %d to %d: %w", at.Sequence+1, end.Sequence, err)
		}
		sealed++
	}
}

// cut finds the last record of the next segment. enough: it is a complete one.
func (a *Archive) cut(log wal.Log, at wal.Position, s *Sealing) (end wal.Position, enough bool, err error) {
	size := int64(0)
	end = at
	err = log.Read(at.Sequence+1, func(r wal.Record) error {
		if r.Sequence > s.Through {
			return errEnough
		}
		if isClosed(s.Cancel) {
			return ErrCancelled
		}
		end = wal.Position{Sequence: r.Sequence, Link: r.Link}
		if size += int64(wal.EncodedBytes(len(r.Payload))); size >= a.o.SegmentBytes {
			enough = true
			return errEnough
		}
		return nil
	})
	if errors.Is(err, wal.ErrTruncated) {
		err = fmt.Errorf("%w: it ends at %d: %w", ErrGap, at.Sequence, err)
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return end, enough, err
}

// sealOne writes one segment under another name, syncs it, reads it back, and gives it its name.
func (a *Archive) sealOne(log wal.Log, h *header, s *Sealing) error {
	fs := a.o.FS
	if err := makeDir(fs, a.dir); err != nil {
		return err
	}
	path := a.path(h.number)
	if err := a.write(log, path+newSuffix, h, s); err != nil {
		return err
	}
	found, err := a.verify(path+newSuffix, h, nil)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if err := fs.Rename(path+newSuffix, path); err != nil {
		return err
	}
	if err := syncDir(fs, a.dir); err != nil {
		return err
	}
	a.mu.Lock()
	a.sealed = append(a.sealed, segment{*h, found})
	a.mu.Unlock()
	return nil
}

// writer is a segment on its way to the disk.
type writer struct {
	file   vfs.File
	sum    hash.Hash
	plain  []byte // records of the next frame
	packed []byte
	first  uint64 // sequence of the next frame's first record
}

func (w *writer) put(b []byte) error {
	w.sum.Write(b) // before the file may change it
	_, err := w.file.Write(b)
	return err
}

func (a *Archive) write(log wal.Log, path string, h *header, s *Sealing) (err error) {
	file, err := a.o.FS.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := &writer{file: file, sum: sha256.New(), first: h.before.Sequence + 1}
	if err = w.put(h.append(nil)); err == nil {
		err = a.writeRecords(log, w, h, s)
	}
	if err == nil {
		err = w.put(w.sum.Sum(nil))
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (a *Archive) writeRecords(log wal.Log, w *writer, h *header, s *Sealing) error {
	at := h.before
	err := log.Read(at.Sequence+1, func(r wal.Record) error {
		if r.Sequence > h.after.Sequence {
			return errEnough
		}
		if isClosed(s.Cancel) {
			return ErrCancelled
		}
		var link wal.Link
		if w.plain, link = wal.AppendRecord(w.plain, &a.o.Identity, r.Sequence, at.Link, r.Payload); link != r.Link {
			return &wal.CorruptionError{Sequence: r.Sequence, Offset: -1, Expected: fmt.Sprintf("a record behind %v", at.Link), Found: "another link in the log"}
		}
		at = wal.Position{Sequence: r.Sequence, Link: r.Link}
		if len(w.plain) < frameBytes {
			return nil
		}
		return a.flush(w, at.Sequence+1)
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil && at != h.after {
		err = fmt.Errorf("the log ended at %d", at.Sequence)
	}
	if err == nil && len(w.plain) > 0 {
		err = a.flush(w, at.Sequence+1)
	}
	return err
}

// flush writes a frame; next is the first record of the next one.
func (a *Archive) flush(w *writer, next uint64) error {
	w.packed = append(w.packed[:0], make([]byte, frameHead)...)
	w.packed = a.packer.EncodeAll(w.plain, w.packed)
	binary.LittleEndian.PutUint32(w.packed, uint32(len(w.packed)-frameHead))
	binary.LittleEndian.PutUint32(w.packed[4:], uint32(len(w.plain)))
	binary.LittleEndian.PutUint64(w.packed[8:], w.first)
	w.plain, w.first = w.plain[:0], next
	return w.put(w.packed)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// makeDir makes the archive's directory, durably.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(dir))
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
