package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"gongji/wal"
)

const keyBytes = 8

// key is a record's key: its sequence, big endian. Key 0 holds the base.
func key(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, keyBytes), sequence)
}

// Log is a wal.Log in a Pebble store.
type Log struct {
	options  Options
	store    string // Pebble's directory
	identity wal.Identity
	db       *pebble.DB
	release  func() error // gives up the directory's lock
	marker   *marker

	// The appender's own.
	last    wal.Position
	staged  [wal.AppendsOutstandingMax]*commit
	batches [wal.AppendsOutstandingMax]*pebble.Batch

	committed atomic.Uint64
	marked    atomic.Uint64
	base      atomic.Pointer[wal.Position] // the record before the first kept one
	failure   atomic.Pointer[error]        // the first one, for ever
	closed    atomic.Bool
	broken    atomic.Bool // Pebble panicked: its locks may be held, do not close it

	positionMu sync.Mutex
	at         wal.Position // committed, with its link

	truncateMu sync.Mutex
}

var _ wal.Log = (*Log)(nil)

// Append stages payload as the next record; see wal.Log. The payload is copied
// once, into the Pebble batch, and hashed there.
func (l *Log) Append(payload []byte) (wal.Commit, error) {
	if len(payload) > wal.RecordBytesMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", wal.ErrTooLarge, len(payload), wal.RecordBytesMax)
	}
	if l.closed.Load() {
		return nil, fmt.Errorf("%w: %w", wal.ErrNotCommitted, wal.ErrClosed)
	}
	sequence := l.last.Sequence + 1
	slot := sequence % wal.AppendsOutstandingMax
	if oldest := l.staged[slot]; oldest != nil {
		_ = oldest.Wait() // a failure is seen just below
	}
	if err := l.failed(); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrNotCommitted, sequence, err)
	}
	batch := l.batches[slot]
	batch.Reset()
	op := batch.SetDeferred(keyBytes, wal.EncodedBytes(len(payload)))
	binary.BigEndian.PutUint64(op.Key, sequence)
	link := wal.PutRecord(op.Value, &l.identity, sequence, l.last.Link, payload)
	if err := op.Finish(); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrNotCommitted, sequence, l.fail(err))
	}
	c := &commit{log: l, batch: batch, at: wal.Position{Sequence: sequence, Link: link}}
	// From here on the record may reach the disk, so a failure is unknown.
	if err := l.apply(batch); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrUnknown, sequence, l.fail(err))
	}
	l.staged[slot] = c
	l.last = c.at
	return c, nil
}

// apply hands the batch to Pebble without waiting for the sync. Pebble panics
// when its log writer has failed; that is an error like any other here.
func (l *Log) apply(batch *pebble.Batch) (err error) {
	defer func() {
		if r := recover(); r != nil {
			l.broken.Store(true)
			err = fmt.Errorf("pebble commit in %s: %v", l.store, r)
		}
	}()
	return l.db.ApplyNoSyncWait(batch, pebble.Sync)
}

// applyAndWait commits a small batch of our own, not a record.
func (l *Log) applyAndWait(batch *pebble.Batch) error {
	if err := l.apply(batch); err != nil {
		return l.fail(err)
	}
	if err := batch.SyncWait(); err != nil {
		return l.fail(fmt.Errorf("sync of the log in %s: %w", l.store, err))
	}
	return batch.Close()
}

// commit is one staged record. Whoever waits first collects Pebble's answer.
type commit struct {
	log *Log
	at  wal.Position

	mu      sync.Mutex
	batch   *pebble.Batch // nil once settled: the slot uses it again
	settled bool
	err     error
}

func (c *commit) Sequence() uint64 { return c.at.Sequence }
func (c *commit) Link() wal.Link   { return c.at.Link }

// Wait blocks until the record is durable. Pebble's log writer answers in
// order and keeps its first error, and an older WAL file is closed and synced
// before a newer one is made; so nil here means all earlier records as well.
func (c *commit) Wait() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		return c.err
	}
	err := c.batch.SyncWait()
	if err != nil {
		err = c.log.fail(fmt.Errorf("sync of the log in %s: %w", c.log.store, err))
	} else {
		err = c.log.failed()
	}
	if err != nil {
		c.err = fmt.Errorf("%w: record %d: %w", wal.ErrUnknown, c.at.Sequence, err)
	} else {
		c.log.advance(c.at)
	}
	c.batch, c.settled = nil, true
	return c.err
}

// advance records that everything up to at is durable.
func (l *Log) advance(at wal.Position) {
	l.positionMu.Lock()
	if at.Sequence > l.at.Sequence {
		l.at = at
		l.committed.Store(at.Sequence)
	}
	l.positionMu.Unlock()
	l.marker.signal()
}

func (l *Log) position() wal.Position {
	l.positionMu.Lock()
	defer l.positionMu.Unlock()
	return l.at
}

// Last is the highest staged sequence; the appender's goroutine only.
func (l *Log) Last() uint64 { return l.last.Sequence }

// Committed is the highest sequence known durable.
func (l *Log) Committed() uint64 { return l.committed.Load() }

// Mark is the sequence durably in the mark file.
func (l *Log) Mark() uint64 { return l.marked.Load() }

// fail latches the first failure, tells OnFatal, and returns that failure.
func (l *Log) fail(err error) error {
	first := fmt.Errorf("%w: %w", wal.ErrLatched, err)
	if l.failure.CompareAndSwap(nil, &first) {
		l.options.OnFatal(first)
	}
	return *l.failure.Load()
}

func (l *Log) failed() error {
	if first := l.failure.Load(); first != nil {
		return *first
	}
	return nil
}

// Close waits for staged records, writes the last mark and releases the
// directory. The appender calls it, once, with no other call running.
func (l *Log) Close() error {
	if !l.closed.CompareAndSwap(false, true) {
		return wal.ErrClosed
	}
	var errs []error
	for _, c := range l.staged {
		if c != nil {
			_ = c.Wait() // its failure is latched
		}
	}
	close(l.marker.stop)
	<-l.marker.done
	errs = append(errs, l.failed(), l.closeStore(), l.marker.file.Close(), l.release())
	if err := l.failed(); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// closeStore closes Pebble. After a panic inside it that could block for ever.
func (l *Log) closeStore() (err error) {
	if l.broken.Load() {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("close %s: %v", l.store, r)
		}
	}()
	for _, batch := range l.batches {
		err = errors.Join(err, batch.Close())
	}
	return errors.Join(err, l.db.Close())
}
