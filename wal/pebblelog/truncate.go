package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

// The base stands at key 0 and says which record comes before the first kept
// one. It is an encoded record of sequence 0 whose "previous link" is that
// record's link and whose payload is its sequence, so it has our checksum and
// identity, and an empty log has an identity too.

func encodeBase(id *wal.Identity, base wal.Position) []byte {
	payload := binary.LittleEndian.AppendUint64(nil, base.Sequence)
	raw, _ := wal.AppendRecord(nil, id, 0, base.Link, payload)
	return raw
}

func decodeBase(id *wal.Identity, raw []byte) (wal.Position, error) {
	d, err := wal.DecodeRecord(raw, id, 0)
	if err != nil {
		return wal.Position{}, err
	}
	if len(d.Payload) != 8 {
		return wal.Position{}, fmt.Errorf("%w: base of %d bytes", wal.ErrFormat, len(d.Payload))
	}
	return wal.Position{Sequence: binary.LittleEndian.Uint64(d.Payload), Link: d.Previous}, nil
}

// sequenceOf reads a key of the store.
func sequenceOf(k []byte) (uint64, error) {
	if len(k) != keyBytes {
		return 0, fmt.Errorf("%w: key of %d bytes", wal.ErrFormat, len(k))
	}
	return binary.BigEndian.Uint64(k), nil
}

// Truncate forgets the records below before; see wal.Log. It is one range
// deletion: files that lie wholly below it are dropped unread.
func (l *Log) Truncate(before uint64) error {
	l.truncateMu.Lock()
	defer l.truncateMu.Unlock()
	if l.closed.Load() {
		return wal.ErrClosed
	}
	if err := l.failed(); err != nil {
		return err
	}
	if committed := l.committed.Load(); before > committed+1 {
		return fmt.Errorf("%w: truncate before %d, committed to %d", wal.ErrNotFound, before, committed)
	}
	old := l.base.Load()
	if before <= old.Sequence+1 {
		return nil
	}
	record, err := l.Get(before-1, nil)
	if err != nil {
		return err
	}
	base := &wal.Position{Sequence: before - 1, Link: record.Link}
	batch := l.db.NewBatch()
	err = errors.Join(batch.Set(key(0), encodeBase(&l.identity, *base), nil),
		batch.DeleteRange(key(1), key(before), nil))
	if err != nil {
		return errors.Join(err, batch.Close())
	}
	l.base.Store(base) // readers must see it no later than the deletion
	return l.applyAndWait(batch)
}

// Checkpoint writes a copy into dir; see wal.Log. Files that are complete are
// linked, the write-ahead log is copied, and the mark is written last: a copy
// that was cut short has none and is refused.
func (l *Log) Checkpoint(dir string) error {
	if l.closed.Load() {
		return wal.ErrClosed
	}
	if err := l.failed(); err != nil {
		return err
	}
	at := l.position()
	fs := l.options.FS
	if _, err := fs.Stat(dir); err == nil {
		return fmt.Errorf("checkpoint: %s exists", dir)
	}
	if err := makeDir(fs, dir); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := l.db.Checkpoint(fs.PathJoin(dir, storeName), pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := syncDir(fs, dir); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := createMark(fs, fs.PathJoin(dir, markName), &l.identity, at); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// makeDir makes one directory and makes it durable in its parent.
func makeDir(fs vfs.FS, dir string) error {
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(dir))
}
