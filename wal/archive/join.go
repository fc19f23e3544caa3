package archive

import (
	"errors"
	"fmt"

	"gongji/wal"
)

// Joined is a log that still has what it has forgotten, from its archive. It is a wal.Log: what is written goes to the log, what is read comes from the log
// where that has it.
type Joined struct {
	wal.Log
	Archive *Archive
	until   uint64 // records of the archive behind it are another copy's; 0: there are none
}

// Join ties a log to its archive. ErrGap: records lie in neither; a *wal.CorruptionError: they are not the same log's, or the log has lost its end, for
// what is archived was durable.
func Join(log wal.Log, a *Archive) (*Joined, error) {
	if at, last := a.Last().Sequence, log.Committed(); at > last {
		return nil, &wal.CorruptionError{File: a.dir, Sequence: last + 1, Offset: -1, Expected: fmt.Sprintf("an archive up to %d, where the log ends", last), Found: fmt.Sprintf("one up to %d", at)}
	}
	return join(log, a)
}

// JoinCopy is Join of a log that was copied before the archive's newest segments were sealed: it is read to its own end only.
func JoinCopy(log wal.Log, a *Archive) (*Joined, error) { return join(log, a) }

func join(log wal.Log, a *Archive) (*Joined, error) {
	first, err := firstKept(log)
	if err != nil {
		return nil, err
	}
	at, last := a.Last(), log.Committed()
	if first > at.Sequence+1 {
		return nil, fmt.Errorf("%w: the archive %s ends at %d, the log begins at %d", ErrGap, a.dir, at.Sequence, first)
	}
	j := &Joined{Log: log, Archive: a}
	if at.Sequence > last {
		j.until = last
		if at = (wal.Position{}); last > 0 {
			r, err := a.Get(last, nil)
			if err != nil {
				return nil, err
			}
			at = wal.Position{Sequence: last, Link: r.Link}
		}
	}
	return j, j.meets(first, at)
}

// meets checks that the log goes on where the archive ends: the last archived record is the log's too, or the log's next one has its link.
func (j *Joined) meets(first uint64, at wal.Position) error {
	if at.Sequence >= first {
		r, err := j.Log.Get(at.Sequence, nil)
		if err == nil && r.Link != at.Link {
			err = j.strange(at.Sequence, at.Link, r.Link)
		}
		return err
	}
	if at.Sequence == j.Log.Committed() { // all the log had is archived
		if b, ok := j.Log.(interface{ Base() wal.Position }); ok && b.Base() != at {
			return j.strange(at.Sequence, at.Link, b.Base().Link)
		}
		return nil
	}
	r, err := j.Log.Get(at.Sequence+1, nil)
	if err != nil {
		return err
	}
	if _, link := wal.AppendRecord(nil, &j.Archive.o.Identity, r.Sequence, at.Link, r.Payload); link != r.Link {
		return j.strange(r.Sequence, link, r.Link)
	}
	return nil
}

func (j *Joined) strange(sequence uint64, expected, found wal.Link) error {
	return &wal.CorruptionError{File: j.Archive.dir, Sequence: sequence, Offset: -1, Expected: "link " + expected.String() + " by the archive", Found: "link " + found.String() + " in the log"}
}

// firstKept is the first record the log has, or would have next.
func firstKept(log wal.Log) (first uint64, err error) {
	first = log.Committed() + 1
	err = log.Read(0, func(r wal.Record) error {
		first = r.Sequence
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return first, err
}

// Read visits records from the log, or where that has forgotten them, from the archive. from 0 is the first of all.
func (j *Joined) Read(from uint64, visit func(wal.Record) error) error {
	next, refused := max(from, 1), false
	step := func(r wal.Record) error {
		err := visit(r)
		refused = err != nil
		next = r.Sequence + 1
		return err
	}
	for {
		err := j.Log.Read(next, step)
		if refused || !errors.Is(err, wal.ErrTruncated) {
			return err
		}
		begin := next // a Truncate may come between two records: on where it stopped
		if err := j.readArchive(next, step); err != nil || next == begin {
			return err
		}
	}
}

// ReadThrough visits every record from the first, through all of the archive, also what the log still has of it, and on in the log.
func (j *Joined) ReadThrough(visit func(wal.Record) error) error {
	at := min(j.Archive.Last().Sequence, j.Log.Committed())
	if at > 0 {
		if err := j.readArchive(1, visit); err != nil {
			return err
		}
	}
	return j.Log.Read(at+1, visit)
}

// readArchive is Archive.Read to where this log ends; all segments are read to their ends, whose seals count.
func (j *Joined) readArchive(from uint64, visit func(wal.Record) error) error {
	return j.Archive.Read(from, func(r wal.Record) error {
		if j.until > 0 && r.Sequence > j.until {
			return nil
		}
		return visit(r)
	})
}

// Get returns a record from wherever it is.
func (j *Joined) Get(sequence uint64, dst []byte) (wal.Record, error) {
	r, err := j.Log.Get(sequence, dst)
	if errors.Is(err, wal.ErrTruncated) {
		return j.Archive.Get(sequence, dst)
	}
	return r, err
}
