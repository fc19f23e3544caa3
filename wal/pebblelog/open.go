package pebblelog

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

const (
	storeName    = "segments" // the segments' directory inside the log's
	creatingName = "creating" // a store that is not finished yet
	lockName     = "LOCK"
)

// ErrNotExist: the directory holds no log, and Create was not set.
var ErrNotExist = errors.New("pebblelog: no log here")

// ErrReadOnly: the log was opened with Options.ReadOnly.
var ErrReadOnly = errors.New("pebblelog: opened read-only")

// Open opens the log in dir. It first judges what is there without changing a
// byte: a *wal.CorruptionError, wal.ErrForeign, wal.ErrFormat or wal.ErrLocked
// leaves the directory as it was (but for an empty LOCK file). Only then does
// it make durable what the log holds and begin a new segment, unless
// Options.ReadOnly ends the matter there.
func Open(dir string, options Options) (*Log, error) {
	o := options.withDefaults(dir)
	s := &starter{dir: dir, store: o.FS.PathJoin(dir, storeName), o: o}
	if _, err := o.FS.Stat(dir); err != nil {
		if !oserror.IsNotExist(err) || !o.Create || o.ReadOnly {
			return nil, fmt.Errorf("%w: %s: %w", ErrNotExist, dir, err)
		}
		if err := makeDir(o.FS, dir); err != nil {
			return nil, fmt.Errorf("create %s: %w", dir, err)
		}
	}
	lock, err := s.lock()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", wal.ErrLocked, dir, err)
	}
	l, err := s.start()
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l.release = lock.Close
	if !o.ReadOnly {
		go l.runMarker()
		l.marker.signal()
	}
	return l, nil
}

// starter is one start of a log.
type starter struct {
	dir, store string
	o          Options
	mark       mark
	base, last wal.Position
	segments   []segment // ascending, those with kept records
	leftovers  []uint64  // segments below the base
	tail       tail
	told       sync.Once // OnFatal has been called
}

type noLock struct{}

func (noLock) Close() error { return nil }

// lock takes the directory's lock. A reader makes no LOCK file: where there is
// none, or the disk cannot be written, nobody can be writing.
func (s *starter) lock() (io.Closer, error) {
	path := s.o.FS.PathJoin(s.dir, lockName)
	if s.o.ReadOnly {
		if _, err := s.o.FS.Stat(path); oserror.IsNotExist(err) {
			return noLock{}, nil
		}
	}
	lock, err := s.o.FS.Lock(path)
	if s.o.ReadOnly && errors.Is(err, syscall.EROFS) {
		return noLock{}, nil
	}
	return lock, err
}

func (s *starter) start() (*Log, error) {
	there, err := s.exists()
	if err != nil {
		return nil, err
	}
	if !there {
		if err := s.create(); err != nil {
			return nil, err
		}
	}
	if err := s.readMark(); err != nil {
		return nil, err
	}
	if err := s.inspect(); err != nil {
		return nil, err
	}
	// What is there is good.
	if err := s.o.Judged(); err != nil {
		return nil, err
	}
	if s.tail.dropped > 0 && !s.o.ReadOnly {
		path := s.path(s.segments[len(s.segments)-1].number)
		if err := saveTail(s.o.FS, s.dir, path, s.last.Sequence); err != nil {
			return nil, err
		}
	}
	if s.tail.dropped > 0 {
		s.o.OnTornTail(s.tail.dropped, s.last.Sequence)
	}
	l := s.log()
	if s.o.ReadOnly {
		return l, nil
	}
	if err := s.write(l); err != nil {
		if l.writer != nil {
			err = errors.Join(err, l.writer.close())
		}
		return nil, err
	}
	return l, nil
}

// create makes a new store under another name and renames it when it is whole,
// so a crash leaves either no log or a whole one. The mark is there before the
// log: a log without a mark is damage.
func (s *starter) create() error {
	fs, id := s.o.FS, &s.o.Identity
	m, err := readMark(fs, s.o.MarkPath, id)
	switch {
	case errors.Is(err, errNoMark):
	case err != nil:
		return err
	case m.at.Sequence > 0:
		return &wal.CorruptionError{File: s.store, Sequence: 1, Offset: -1,
			Expected: fmt.Sprintf("records to %d", m.at.Sequence), Found: "no log"}
	}
	if !s.o.Create || s.o.ReadOnly {
		return fmt.Errorf("%w: %s", ErrNotExist, s.dir)
	}
	path := fs.PathJoin(s.dir, creatingName)
	if err := fs.RemoveAll(path); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if err := s.createStore(path); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if err := createMark(fs, s.o.MarkPath, id, wal.Position{}); err != nil {
		return fmt.Errorf("create mark %s: %w", s.o.MarkPath, err)
	}
	if err := fs.Rename(path, s.store); err != nil {
		return fmt.Errorf("create %s: %w", s.store, err)
	}
	return syncDir(fs, s.dir)
}

// createStore makes a store with the base and one empty segment.
func (s *starter) createStore(path string) error {
	fs := &failFS{FS: s.o.FS, store: path, fail: s.refuse}
	if err := fs.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if err := writeBase(fs, path, &s.o.Identity, wal.Position{}); err != nil {
		return err
	}
	w, err := createSegment(fs, path, 1, &s.o.Identity, wal.Position{}, 0)
	if err != nil {
		return err
	}
	return w.close()
}

// refuse is what a failed write leads to before there is a log.
func (s *starter) refuse(err error) {
	s.told.Do(func() { s.o.OnFatal(fmt.Errorf("%w: %w", wal.ErrLatched, err)) })
}

// log assembles a log that can be read.
func (s *starter) log() *Log {
	l := &Log{options: s.o, store: s.store, identity: s.o.Identity, last: s.last, at: s.last, segments: s.segments}
	l.fs = &failFS{FS: s.o.FS, store: s.store, fail: func(err error) { l.fail(err) }}
	l.base.Store(&s.base)
	l.committed.Store(s.last.Sequence)
	l.marked.Store(s.mark.at.Sequence)
	return l
}

// write makes l writable: what was read becomes durable, a new segment begins
// behind it, and the mark is opened. A segment is never continued, so nothing
// is ever written behind a torn record; a segment that holds none is replaced.
func (s *starter) write(l *Log) error {
	newest := s.segments[len(s.segments)-1]
	if err := syncFile(l.fs, s.path(newest.number)); err != nil {
		return fmt.Errorf("sync %s: %w", s.path(newest.number), err)
	}
	number := newest.number
	if newest.start == s.last {
		s.segments = s.segments[:len(s.segments)-1]
	} else {
		number++
	}
	var err error
	if l.writer, err = createSegment(l.fs, s.store, number, &l.identity, s.last, s.o.SegmentBytes); err != nil {
		return err
	}
	l.segments = append(s.segments, segment{number: number, start: s.last, indexed: true})
	for _, n := range s.leftovers {
		if err := s.o.FS.Remove(s.path(n)); err != nil {
			return fmt.Errorf("remove %s, below the base: %w", s.path(n), err)
		}
	}
	if s.o.NewMark {
		if err := createMark(s.o.FS, s.o.MarkPath, &s.o.Identity, s.last); err != nil {
			return fmt.Errorf("create mark: %w", err)
		}
		s.mark = mark{generation: 2, at: s.last}
		l.marked.Store(s.last.Sequence)
	}
	l.marker, err = openMarker(s.o.FS, s.o.MarkPath, s.o.Identity, s.mark)
	return err
}

// syncFile makes durable what a process that was killed has written, and gives
// back what it had reserved.
func syncFile(fs vfs.FS, path string) error {
	file, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	return errors.Join(giveBack(file), file.Sync(), file.Close())
}

var _ vfs.FS = (*failFS)(nil)
