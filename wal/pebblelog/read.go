package pebblelog

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/errors/oserror"

	"gongji/wal"
)

// Read visits the committed records from from on; see wal.Log. Records that are
// not yet durable stand in the file already and are not shown.
func (l *Log) Read(from uint64, visit func(wal.Record) error) error {
	committed := l.committed.Load() // before any byte is read, so it has them all
	base := *l.base.Load()
	first := from
	if from == 0 {
		first = base.Sequence + 1
	}
	if first > committed {
		return nil
	}
	if first <= base.Sequence {
		return l.truncated(first)
	}
	chain := wal.Chain{Identity: &l.identity, At: wal.Position{Sequence: first - 1}}
	for linked := false; chain.At.Sequence < committed; linked = true {
		g, last, found := l.find(chain.At.Sequence + 1)
		if !found { // truncated meanwhile
			return l.truncated(chain.At.Sequence + 1)
		}
		if err := l.readSegment(g, &chain, linked, min(last, committed), visit); err != nil {
			return l.vanished(err, chain.At.Sequence+1)
		}
	}
	return nil
}

// readSegment reads on in one segment up to and with record last, which it must
// hold. If chain's link is not known (linked), it is taken from the segment.
func (l *Log) readSegment(g segment, chain *wal.Chain, linked bool, last uint64, visit func(wal.Record) error) (err error) {
	at := chain.At.Sequence
	in, err := openScanner(l.options.FS, l.store, g.number, g.before(at).offset)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	if at == g.start.Sequence { // from the segment's beginning
		start, err := in.header(&l.identity)
		if err != nil && stopped(err) {
			return in.missing(at+1, err)
		} else if err != nil {
			return err
		}
		if linked && start != chain.At || start != g.start {
			return &wal.CorruptionError{File: in.path, Offset: 0, Sequence: at + 1,
				Expected: "previous link " + chain.At.Link.String(), Found: "previous link " + start.Link.String()}
		}
		chain.At = start
	} else {
		raw, err := in.seek(at)
		if err != nil {
			return err
		}
		_, chain.At.Link, _ = wal.Glance(raw)
	}
	why, err := in.walk(chain, last, nil, visit)
	if why != nil {
		return in.missing(chain.At.Sequence+1, why)
	}
	return err
}

// Get returns one committed record; see wal.Log.
func (l *Log) Get(sequence uint64, dst []byte) (wal.Record, error) {
	if committed := l.committed.Load(); sequence > committed {
		return wal.Record{}, fmt.Errorf("%w: %d, committed to %d", wal.ErrNotFound, sequence, committed)
	}
	if sequence <= l.base.Load().Sequence {
		return wal.Record{}, l.truncated(sequence)
	}
	g, _, found := l.find(sequence)
	if !found {
		return wal.Record{}, l.truncated(sequence)
	}
	r, err := l.getFrom(g, sequence, dst)
	return r, l.vanished(err, sequence)
}

func (l *Log) getFrom(g segment, sequence uint64, dst []byte) (r wal.Record, err error) {
	if !g.indexed {
		if g, err = l.indexSegment(g); err != nil {
			return r, err
		}
	}
	in, err := openScanner(l.options.FS, l.store, g.number, g.before(sequence).offset)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	raw, err := in.seek(sequence)
	if err != nil {
		return r, err
	}
	d, err := wal.DecodeRecord(raw, &l.identity, sequence)
	if err != nil {
		return r, in.locate(err)
	}
	start := len(dst)
	dst = append(dst, d.Payload...)
	d.Payload = dst[start:]
	return d.Record, nil
}

// find gives the segment that holds a record and the last record it can hold.
func (l *Log) find(sequence uint64) (g segment, last uint64, found bool) {
	l.segmentsMu.Lock()
	defer l.segmentsMu.Unlock()
	low, high := 0, len(l.segments) // the first one that begins at or behind it
	for low < high {
		middle := (low + high) / 2
		if l.segments[middle].start.Sequence < sequence {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return g, 0, false
	}
	last = l.committed.Load()
	if low < len(l.segments) {
		last = l.segments[low].start.Sequence
	}
	return l.segments[low-1], last, true
}

// indexSegment makes the index of a segment that was not scanned at the start,
// once. Damage ends the index; whoever reads there will meet it.
func (l *Log) indexSegment(g segment) (segment, error) {
	in, err := openScanner(l.options.FS, l.store, g.number, 0)
	if err != nil {
		return g, err
	}
	for {
		raw, err := in.next()
		if err != nil && !stopped(err) {
			return g, errors.Join(fmt.Errorf("read %s: %w", in.path, err), in.close())
		}
		if err != nil {
			break
		}
		if sequence, _, ok := wal.Glance(raw); ok && sequence > 0 {
			g.note(sequence, in.begin)
		}
	}
	g.indexed = true
	l.segmentsMu.Lock()
	for i := range l.segments {
		if l.segments[i].number == g.number && !l.segments[i].indexed {
			l.segments[i] = g
		}
	}
	l.segmentsMu.Unlock()
	return g, in.close()
}

func (l *Log) truncated(sequence uint64) error {
	return fmt.Errorf("%w: record %d, kept from %d", wal.ErrTruncated, sequence, l.base.Load().Sequence+1)
}

// vanished makes a segment that Truncate has removed meanwhile ErrTruncated; a
// missing file that should be there is damage.
func (l *Log) vanished(err error, sequence uint64) error {
	if err == nil || !oserror.IsNotExist(err) {
		return err
	}
	if sequence <= l.base.Load().Sequence {
		return l.truncated(sequence)
	}
	return &wal.CorruptionError{File: l.store, Sequence: sequence, Offset: -1, Expected: fmt.Sprintf("record %d", sequence), Found: err.Error()}
}
