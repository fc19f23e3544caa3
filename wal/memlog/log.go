package memlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"gongji/wal"
)

const baseBytes = 8

func decodeSequence(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// Options of a log.
type Options struct {
	Identity wal.Identity
	// OnFatal is called once with the first failure; nil does nothing.
	OnFatal func(error)
	// OnTornTail is told the bytes of an incomplete last record that are dropped.
	OnTornTail func(bytesDropped int64, lastSequence uint64)
}

// Log is a wal.Log on a Disk. It starts no goroutine and reads no clock: a
// record becomes durable inside Wait (or an Append that has to wait), all
// records staged until then with it, so one goroutine can drive everything.
type Log struct {
	disk     *Disk
	options  Options
	identity wal.Identity

	last      wal.Position // the appender's
	staged    [wal.AppendsOutstandingMax]*commit
	committed atomic.Uint64

	mu      sync.Mutex
	failure error
	closed  bool
}

var _ wal.Log = (*Log)(nil)

// Open opens the log on disk, creating it if the disk is empty. It verifies the
// whole chain and the mark.
func Open(disk *Disk, options Options) (*Log, error) {
	disk.mu.Lock()
	defer disk.mu.Unlock()
	if disk.open {
		return nil, wal.ErrLocked
	}
	l := &Log{disk: disk, options: options, identity: options.Identity}
	if !disk.created {
		disk.created, disk.base = true, encodeBase(&l.identity, wal.Position{})
	}
	chain, err := l.verify()
	if err != nil {
		return nil, err
	}
	if disk.torn > 0 && options.OnTornTail != nil {
		options.OnTornTail(int64(disk.torn), chain.At.Sequence)
	}
	disk.torn, disk.synced = 0, len(disk.records)
	disk.mark = chain.At.Sequence
	disk.open = true
	l.last = chain.At
	l.committed.Store(l.last.Sequence)
	return l, nil
}

func (l *Log) verify() (wal.Chain, error) {
	chain := wal.Chain{Identity: &l.identity}
	base, err := wal.DecodeRecord(l.disk.base, &l.identity, 0)
	if err != nil {
		return chain, err
	}
	chain.At = wal.Position{Sequence: decodeSequence(base.Payload), Link: base.Previous}
	for _, raw := range l.disk.records {
		if _, err := chain.Next(chain.At.Sequence+1, raw); err != nil {
			return chain, err
		}
	}
	if chain.At.Sequence < l.disk.mark {
		return chain, &wal.CorruptionError{Sequence: chain.At.Sequence + 1, Offset: -1,
			Expected: fmt.Sprintf("records to %d, the mark", l.disk.mark),
			Found:    fmt.Sprintf("the log ends at %d", chain.At.Sequence)}
	}
	return chain, nil
}

func encodeBase(id *wal.Identity, base wal.Position) []byte {
	raw, _ := wal.AppendRecord(nil, id, 0, base.Link, binary.LittleEndian.AppendUint64(nil, base.Sequence))
	return raw
}

// commit is one staged record.
type commit struct {
	log *Log
	at  wal.Position

	mu      sync.Mutex
	settled bool
	err     error
}

func (c *commit) Sequence() uint64 { return c.at.Sequence }
func (c *commit) Link() wal.Link   { return c.at.Link }

// Append stages payload; see wal.Log.
func (l *Log) Append(payload []byte) (wal.Commit, error) {
	if len(payload) > wal.RecordBytesMax {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", wal.ErrTooLarge, len(payload), wal.RecordBytesMax)
	}
	sequence := l.last.Sequence + 1
	slot := &l.staged[sequence%wal.AppendsOutstandingMax]
	if *slot != nil {
		_ = (*slot).Wait()
	}
	if err := l.unusable(); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrNotCommitted, sequence, err)
	}
	raw, link := wal.AppendRecord(nil, &l.identity, sequence, l.last.Link, payload)
	d := l.disk
	d.mu.Lock()
	d.appends++
	fails := d.appends == d.failAppend
	if fails {
		d.injected++
	} else {
		d.records = append(d.records, raw)
	}
	d.mu.Unlock()
	if fails {
		return nil, fmt.Errorf("%w: record %d: %w", wal.ErrNotCommitted, sequence, l.fail(ErrInjected))
	}
	l.last = wal.Position{Sequence: sequence, Link: link}
	*slot = &commit{log: l, at: l.last}
	return *slot, nil
}

// Wait makes everything staged durable; see wal.Commit.
func (c *commit) Wait() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		return c.err
	}
	if err := c.log.syncTo(c.at.Sequence); err != nil {
		c.err = fmt.Errorf("%w: record %d: %w", wal.ErrUnknown, c.at.Sequence, err)
	}
	c.settled = true
	return c.err
}

// syncTo waits as long as the test holds the disk, then syncs.
func (l *Log) syncTo(sequence uint64) error {
	d := l.disk
	d.mu.Lock()
	for d.held && d.heldUpTo < sequence {
		d.change.Wait()
	}
	if err := l.unusable(); err != nil {
		d.mu.Unlock()
		return err
	}
	if l.committed.Load() >= sequence {
		d.mu.Unlock()
		return nil
	}
	upTo := len(d.records)
	if d.held { // only what was released
		upTo = min(upTo, int(d.heldUpTo-d.baseSequence()))
	}
	d.syncs++
	if d.syncs == d.failSync {
		d.injected++
		if d.keepOnFail {
			d.synced = upTo
		}
		d.mu.Unlock()
		return l.fail(ErrInjected)
	}
	d.synced = upTo
	d.mark = d.baseSequence() + uint64(upTo)
	l.committed.Store(d.mark)
	d.mu.Unlock()
	return nil
}

func (l *Log) fail(err error) error {
	l.mu.Lock()
	first := l.failure == nil
	if first {
		l.failure = fmt.Errorf("%w: %w", wal.ErrLatched, err)
	}
	failure := l.failure
	l.mu.Unlock()
	if first && l.options.OnFatal != nil {
		l.options.OnFatal(failure)
	}
	return failure
}

func (l *Log) unusable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil && l.closed {
		return wal.ErrClosed
	}
	return l.failure
}

// Last is the highest staged sequence.
func (l *Log) Last() uint64 { return l.last.Sequence }

// Committed is the highest durable sequence.
func (l *Log) Committed() uint64 { return l.committed.Load() }

// Mark is the mark; here it is never behind Committed.
func (l *Log) Mark() uint64 {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	return l.disk.mark
}

// kept returns the encoded records from sequence from to the committed one, at most so many.
func (l *Log) kept(from, most uint64) (raws [][]byte, before wal.Link, first uint64, err error) {
	d := l.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	base := d.baseSequence()
	if from == 0 {
		from = base + 1
	}
	committed := l.committed.Load()
	if from > committed {
		return nil, before, from, nil
	}
	if from <= base {
		return nil, before, from, fmt.Errorf("%w: record %d, kept from %d", wal.ErrTruncated, from, base+1)
	}
	i := int(from - base - 1)
	if i == 0 {
		stored, err := wal.DecodeRecord(d.base, &l.identity, 0)
		if err != nil {
			return nil, before, from, err
		}
		before = stored.Previous
	} else {
		copy(before[:], d.records[i-1])
	}
	return slices.Clone(d.records[i:min(committed-base, uint64(i)+most)]), before, from, nil
}

// Read visits committed records; see wal.Log.
func (l *Log) Read(from uint64, visit func(wal.Record) error) error {
	raws, before, first, err := l.kept(from, 1<<62)
	if err != nil {
		return err
	}
	chain := wal.Chain{Identity: &l.identity, At: wal.Position{Sequence: first - 1, Link: before}}
	for _, raw := range raws {
		record, err := chain.Next(chain.At.Sequence+1, raw)
		if err != nil {
			return err
		}
		if err := visit(record); err != nil {
			return err
		}
	}
	return nil
}

// Get returns one committed record; see wal.Log.
func (l *Log) Get(sequence uint64, dst []byte) (wal.Record, error) {
	if sequence > l.committed.Load() {
		return wal.Record{}, fmt.Errorf("%w: %d, committed to %d", wal.ErrNotFound, sequence, l.committed.Load())
	}
	if sequence == 0 {
		return wal.Record{}, fmt.Errorf("%w: record 0", wal.ErrTruncated)
	}
	raws, _, _, err := l.kept(sequence, 1)
	if err != nil {
		return wal.Record{}, err
	}
	d, err := wal.DecodeRecord(raws[0], &l.identity, sequence)
	if err != nil {
		return wal.Record{}, err
	}
	start := len(dst)
	dst = append(dst, d.Payload...)
	d.Payload = dst[start:]
	return d.Record, nil
}

// Truncate forgets records below before; see wal.Log.
func (l *Log) Truncate(before uint64) error {
	if err := l.unusable(); err != nil {
		return err
	}
	d := l.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	base, committed := d.baseSequence(), l.committed.Load()
	if before > committed+1 {
		return fmt.Errorf("%w: truncate before %d, committed to %d", wal.ErrNotFound, before, committed)
	}
	if before <= base+1 {
		return nil
	}
	n := int(before - base - 1)
	at := wal.Position{Sequence: before - 1}
	copy(at.Link[:], d.records[n-1])
	d.base = encodeBase(&l.identity, at)
	d.records = slices.Clone(d.records[n:])
	d.synced -= n
	return nil
}

// Checkpoint copies the committed log to another place on the disk, found by
// Disk.At; see wal.Log.
func (l *Log) Checkpoint(dir string) error {
	if err := l.unusable(); err != nil {
		return err
	}
	after := l.disk.Crash(0, 0)
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.disk.copies[dir] != nil {
		return fmt.Errorf("checkpoint: %s exists", dir)
	}
	l.disk.copies[dir] = after
	return nil
}

// Close waits for staged records and releases the disk.
func (l *Log) Close() error {
	for _, c := range l.staged {
		if c != nil {
			_ = c.Wait()
		}
	}
	l.mu.Lock()
	already := l.closed
	l.closed = true
	failure := l.failure
	l.mu.Unlock()
	if already {
		return wal.ErrClosed
	}
	l.disk.mu.Lock()
	l.disk.open = false
	l.disk.mu.Unlock()
	return errors.Join(failure)
}
