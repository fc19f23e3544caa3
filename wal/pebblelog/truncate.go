package pebblelog

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

// Truncate forgets the records below before; see wal.Log. The new base is
// durable first; then segments that lie wholly below it are deleted. The newest
// segment stays.
func (l *Log) Truncate(before uint64) error {
	l.truncateMu.Lock()
	defer l.truncateMu.Unlock()
	if err := l.writable(); err != nil {
		return err
	}
	if err := l.failed(); err != nil {
		return err
	}
	if committed := l.committed.Load(); before > committed+1 {
		return fmt.Errorf("%w: truncate before %d, committed to %d", wal.ErrNotFound, before, committed)
	}
	if before <= l.base.Load().Sequence+1 {
		return nil
	}
	record, err := l.Get(before-1, nil)
	if err != nil {
		return err
	}
	base := &wal.Position{Sequence: before - 1, Link: record.Link}
	if err := writeBase(l.fs, l.store, &l.identity, *base); err != nil {
		return l.fail(err)
	}
	l.base.Store(base)
	for _, number := range l.forget(base.Sequence) {
		path := l.fs.PathJoin(l.store, segmentName(number))
		if err := l.fs.Remove(path); err != nil {
			return fmt.Errorf("remove %s, below the base: %w", path, err)
		}
	}
	return nil
}

// forget drops the segments wholly at or below base from the index.
func (l *Log) forget(base uint64) (numbers []uint64) {
	l.segmentsMu.Lock()
	defer l.segmentsMu.Unlock()
	n := 0
	for n+1 < len(l.segments) && l.segments[n+1].start.Sequence <= base {
		numbers = append(numbers, l.segments[n].number)
		n++
	}
	l.segments = append([]segment(nil), l.segments[n:]...)
	return numbers
}

// Checkpoint writes a copy into dir; see wal.Log. Segments that are complete are
// linked, the one the committed end lies in is copied up to there, and the mark
// is written last: a copy that was cut short has none and is refused.
func (l *Log) Checkpoint(dir string) error {
	l.truncateMu.Lock() // nothing is deleted meanwhile
	defer l.truncateMu.Unlock()
	if l.closed.Load() {
		return wal.ErrClosed
	}
	if err := l.failed(); err != nil {
		return err
	}
	fs := l.options.FS
	if _, err := fs.Stat(dir); err == nil {
		return fmt.Errorf("checkpoint: %s exists", dir)
	}
	at := l.position()
	store := fs.PathJoin(dir, storeName)
	for _, d := range []string{dir, store} {
		if err := makeDir(fs, d); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	if err := l.copySegments(store, at); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := createMark(fs, fs.PathJoin(dir, markName), &l.identity, at); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// copySegments makes a store with everything up to at.
func (l *Log) copySegments(store string, at wal.Position) error {
	fs := l.options.FS
	if err := writeBase(fs, store, &l.identity, *l.base.Load()); err != nil {
		return err
	}
	l.segmentsMu.Lock()
	segments := append([]segment(nil), l.segments...)
	l.segmentsMu.Unlock()
	for i, g := range segments {
		if i+1 < len(segments) && segments[i+1].start.Sequence <= at.Sequence {
			name := segmentName(g.number)
			if err := vfs.LinkOrCopy(fs, fs.PathJoin(l.store, name), fs.PathJoin(store, name)); err != nil {
				return err
			}
			continue
		}
		return l.copyTo(store, g, at)
	}
	return nil
}

// copyTo writes a segment anew, verified, up to at; it makes the names of the
// linked ones durable as well.
func (l *Log) copyTo(store string, g segment, at wal.Position) error {
	w, err := createSegment(l.options.FS, store, g.number, &l.identity, g.start, 0)
	if err != nil {
		return err
	}
	chain := wal.Chain{Identity: &l.identity, At: g.start}
	var raw []byte
	previous := g.start.Link
	err = l.readSegment(g, &chain, true, at.Sequence, func(r wal.Record) error {
		raw, previous = wal.AppendRecord(raw[:0], &l.identity, r.Sequence, previous, r.Payload)
		_, err := w.writer.WriteRecord(raw)
		return err
	})
	err = errors.Join(err, w.close())
	if err == nil && chain.At != at {
		err = fmt.Errorf("the copy ends at %d with another link than the log at %d", chain.At.Sequence, at.Sequence)
	}
	return err
}

// makeDir makes one directory and makes it durable in its parent.
func makeDir(fs vfs.FS, dir string) error {
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(dir))
}
