package pebblelog

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

const (
	storeName    = "pebble"   // Pebble's directory inside the log's
	creatingName = "creating" // a store that is not finished yet
	lockName     = "LOCK"
)

// ErrNotExist: the directory holds no log, and Create was not set.
var ErrNotExist = errors.New("pebblelog: no log here")

// Open opens the log in dir. It first judges what is there without changing a
// byte: a *wal.CorruptionError, wal.ErrForeign, wal.ErrFormat or wal.ErrLocked
// leaves the directory as it was (but for an empty LOCK file). Only then does
// it open for writing, which makes what the log holds durable.
func Open(dir string, options Options) (*Log, error) {
	o := options.withDefaults(dir)
	s := &starter{dir: dir, store: o.FS.PathJoin(dir, storeName), o: o}
	if _, err := o.FS.Stat(dir); err != nil {
		if !oserror.IsNotExist(err) || !o.Create {
			return nil, fmt.Errorf("%w: %s: %w", ErrNotExist, dir, err)
		}
		if err := makeDir(o.FS, dir); err != nil {
			return nil, fmt.Errorf("create %s: %w", dir, err)
		}
	}
	lock, err := o.FS.Lock(o.FS.PathJoin(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", wal.ErrLocked, dir, err)
	}
	l, err := s.start()
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l.release = lock.Close
	go l.runMarker()
	l.marker.signal()
	return l, nil
}

// starter is one start of a log.
type starter struct {
	dir, store string
	o          Options
	mark       mark
	base, last wal.Position
	told       sync.Once // OnFatal has been called
}

func (s *starter) start() (*Log, error) {
	fs := s.o.FS
	if _, err := fs.Stat(s.store); oserror.IsNotExist(err) {
		if err := s.create(); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("stat %s: %w", s.store, err)
	}
	if err := s.readMark(); err != nil {
		return nil, err
	}
	found, err := scanTail(fs, s.store)
	if err != nil {
		return nil, err
	}
	if err := s.inspect(found); err != nil {
		return nil, err
	}
	// What is there is good. From here on the disk is changed.
	if found.dropped > 0 {
		if err := saveTail(fs, s.dir, found, s.last.Sequence); err != nil {
			return nil, err
		}
		s.o.OnTornTail(found.dropped, s.last.Sequence)
	}
	return s.open()
}

// readMark loads the mark the log is measured by.
func (s *starter) readMark() error {
	if s.o.NewMark {
		return nil
	}
	m, err := readMark(s.o.FS, s.o.MarkPath, &s.o.Identity)
	if errors.Is(err, errNoMark) {
		return &wal.CorruptionError{File: s.o.MarkPath, Offset: 0, Expected: "a mark beside the log", Found: "no file"}
	}
	s.mark = m
	return err
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
	if !s.o.Create {
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

// createStore opens, closes and opens again: the first WAL file of a new store
// is written in the old format, whose damage Pebble cannot see (F3).
func (s *starter) createStore(path string) error {
	if err := s.o.FS.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if err := s.withStore(path, func(*pebble.DB) error { return nil }); err != nil {
		return err
	}
	return s.withStore(path, func(db *pebble.DB) error {
		batch := db.NewBatch()
		err := batch.Set(key(0), encodeBase(&s.o.Identity, wal.Position{}), nil)
		if err != nil {
			return errors.Join(err, batch.Close())
		}
		if err := db.ApplyNoSyncWait(batch, pebble.Sync); err != nil {
			return err
		}
		return errors.Join(batch.SyncWait(), batch.Close())
	})
}

func (s *starter) withStore(path string, do func(*pebble.DB) error) error {
	fs := &failFS{FS: s.o.FS, store: path, fail: s.refuse}
	db, err := openStore(path, pebbleOptions(fs, s.logger(s.refuse), s.o.memTableBytes))
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// openStore opens a Pebble store. Pebble panics in places where a write fails
// while it opens, or where a damaged manifest makes no sense; to us that is an
// error of Open like any other.
func openStore(path string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			if cause, ok := r.(error); ok {
				err = fmt.Errorf("pebble panicked: %w", cause)
			} else {
				err = fmt.Errorf("pebble panicked: %v", r)
			}
		}
	}()
	return pebble.Open(path, o)
}

func (s *starter) logger(fail func(error)) exitLogger { return exitLogger{fail: fail, exit: s.o.Exit} }

// refuse is what a failed write or a Fatalf of Pebble leads to before there is a log.
func (s *starter) refuse(err error) {
	s.told.Do(func() { s.o.OnFatal(fmt.Errorf("%w: %w", wal.ErrLatched, err)) })
}

// open opens the store for writing and assembles the log.
func (s *starter) open() (*Log, error) {
	l := &Log{options: s.o, store: s.store, identity: s.o.Identity, last: s.last, at: s.last}
	fs := &failFS{FS: s.o.FS, store: s.store, fail: func(err error) { l.fail(err) }}
	db, err := openStore(s.store, pebbleOptions(fs, s.logger(func(err error) { l.fail(err) }), s.o.memTableBytes))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.store, err)
	}
	l.db = db
	if err := s.sameAsInspected(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if s.o.NewMark {
		if err := createMark(s.o.FS, s.o.MarkPath, &s.o.Identity, s.last); err != nil {
			return nil, errors.Join(fmt.Errorf("create mark: %w", err), db.Close())
		}
		s.mark = mark{generation: 2, at: s.last}
	}
	if l.marker, err = openMarker(s.o.FS, s.o.MarkPath, s.o.Identity, s.mark); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	l.base.Store(&s.base)
	l.committed.Store(s.last.Sequence)
	l.marked.Store(s.mark.at.Sequence)
	for i := range l.batches {
		l.batches[i] = db.NewBatch(pebble.WithMaxRetainedSizeBytes(batchRetainedBytes))
	}
	return l, nil
}

// sameAsInspected compares the end of the store that was opened for writing
// with the end that the read-only look has verified.
func (s *starter) sameAsInspected(db *pebble.DB) error {
	iter, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	var end uint64
	if iter.Last() {
		end, err = sequenceOf(iter.Key())
	}
	if err = errors.Join(err, iter.Close()); err != nil {
		return err
	}
	if want := s.last.Sequence; end != want && !(end == 0 && want == s.base.Sequence) {
		return &wal.CorruptionError{File: s.store, Sequence: min(end, want) + 1, Offset: -1,
			Expected: fmt.Sprintf("log end %d as verified", want), Found: fmt.Sprintf("log end %d", end)}
	}
	return nil
}

var _ vfs.FS = (*failFS)(nil)
