package pebblelog

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"gongji/wal"
)

// Log is a wal.Log in segment files.
type Log struct {
	options  Options
	store    string // the segments' directory
	identity wal.Identity
	fs       *failFS
	release  func() error // gives up the directory's lock
	marker   *marker      // nil if read-only

	// The appender's own.
	last   wal.Position
	staged [wal.AppendsOutstandingMax]*commit
	writer *segmentWriter // of the newest segment; nil if read-only or failed
	buffer []byte

	segmentsMu sync.Mutex
	segments   []segment // ascending; the last one is being written

	committed atomic.Uint64
	marked    atomic.Uint64
	base      atomic.Pointer[wal.Position] // the record before the first kept one
	failure   atomic.Pointer[error]        // the first one, for ever
	closed    atomic.Bool

	positionMu sync.Mutex
	at         wal.Position // committed, with its link

	truncateMu sync.Mutex
}

var _ wal.Log = (*Log)(nil)

// Append stages payload as the next record; see wal.Log. The payload is copied
// twice: into the record, where it is hashed, and into Pebble's blocks.
func (l *Log) Append(payload []byte) (wal.Commit, error) {
	if len(payload) > wal.RecordBytesMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", wal.ErrTooLarge, len(payload), wal.RecordBytesMax)
	}
	if err := l.writable(); err != nil {
		return nil, fmt.Errorf("%w: %w", wal.ErrNotCommitted, err)
	}
	sequence := l.last.Sequence + 1
	slot := sequence % wal.AppendsOutstandingMax
	if oldest := l.staged[slot]; oldest != nil {
		_ = oldest.Wait() // a failure is seen just below
	}
	if err := l.failed(); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrNotCommitted, sequence, err)
	}
	if err := l.makeRoom(int64(wal.EncodedBytes(len(payload)))); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrNotCommitted, sequence, l.fail(err))
	}
	raw := l.stagingBuffer(wal.EncodedBytes(len(payload)))
	link := wal.PutRecord(raw, &l.identity, sequence, l.last.Link, payload)
	c := &commit{log: l, at: wal.Position{Sequence: sequence, Link: link}}
	c.done.Add(1)
	begin := l.writer.offset
	// From here on the record may reach the disk, so a failure is unknown.
	if err := l.writer.write(raw, &c.done, &c.result); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrUnknown, sequence, l.fail(err))
	}
	l.note(sequence, begin)
	l.staged[slot] = c
	l.last = c.at
	return c, nil
}

// writable says why nothing can be changed, apart from a failure.
func (l *Log) writable() error {
	switch {
	case l.closed.Load():
		return wal.ErrClosed
	case l.options.ReadOnly:
		return ErrReadOnly
	}
	return nil
}

func (l *Log) stagingBuffer(n int) []byte {
	if n > bufferRetainedBytes {
		return make([]byte, n)
	}
	if cap(l.buffer) < n {
		l.buffer = make([]byte, n, min(n+n/4, bufferRetainedBytes))
	}
	return l.buffer[:n]
}

// makeRoom begins the next segment if n more bytes would make this one too long.
// The earlier one is complete and synced before.
func (l *Log) makeRoom(n int64) error {
	l.segmentsMu.Lock()
	newest := l.segments[len(l.segments)-1]
	l.segmentsMu.Unlock()
	if l.writer.offset+n <= l.options.SegmentBytes || newest.start == l.last {
		return nil
	}
	w := l.writer
	l.writer = nil
	if err := w.close(); err != nil {
		return err
	}
	w, err := createSegment(l.fs, l.store, newest.number+1, &l.identity, l.last, l.options.SegmentBytes)
	if err != nil {
		return err
	}
	l.writer = w
	l.segmentsMu.Lock()
	l.segments = append(l.segments, segment{number: newest.number + 1, start: l.last, indexed: true})
	l.segmentsMu.Unlock()
	return nil
}

// note enters a record into the newest segment's index.
func (l *Log) note(sequence uint64, offset int64) {
	l.segmentsMu.Lock()
	l.segments[len(l.segments)-1].note(sequence, offset)
	l.segmentsMu.Unlock()
}

// commit is one staged record. Whoever waits first collects Pebble's answer.
type commit struct {
	log    *Log
	at     wal.Position
	done   sync.WaitGroup // Pebble's answer is in result
	result error

	mu      sync.Mutex
	settled bool
	err     error
}

func (c *commit) Sequence() uint64 { return c.at.Sequence }
func (c *commit) Link() wal.Link   { return c.at.Link }

// Wait blocks until the record is durable. Pebble's log writer answers in
// order and keeps its first error, and an older segment is closed and synced
// before a newer one is made; so nil here means all earlier records as well.
func (c *commit) Wait() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		return c.err
	}
	c.done.Wait()
	err := c.result
	if syncIgnoredDefect {
		err = nil
	}
	if err != nil {
		err = c.log.fail(fmt.Errorf("sync of the log in %s: %w", c.log.store, err))
	} else {
		err = c.log.failed()
	}
	if fatalReturnsDefect {
		err = nil
	}
	if err != nil {
		c.err = fmt.Errorf("%w: record %d: %w", wal.ErrUnknown, c.at.Sequence, err)
	} else {
		c.log.advance(c.at)
	}
	c.settled = true
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

// Base is the position before the first kept record.
func (l *Log) Base() wal.Position { return *l.base.Load() }

// Mark is the sequence durably in the mark file.
func (l *Log) Mark() uint64 { return l.marked.Load() }

// fail latches the first failure, tells OnFatal, and returns that failure.
func (l *Log) fail(err error) error {
	first := fmt.Errorf("%w: %w", wal.ErrLatched, err)
	if fatalReturnsDefect {
		l.options.OnFatal(first)
		return first
	}
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
	for _, c := range l.staged {
		if c != nil {
			_ = c.Wait() // its failure is latched
		}
	}
	if l.options.ReadOnly {
		return l.release()
	}
	close(l.marker.stop)
	<-l.marker.done
	var errs []error
	if l.writer != nil {
		if err := l.writer.close(); err != nil {
			errs = append(errs, l.fail(err))
		}
	}
	errs = append(errs, l.marker.file.Close(), l.release())
	if err := l.failed(); err != nil {
		return err
	}
	return errors.Join(errs...)
}
