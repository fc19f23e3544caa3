package pebblelog

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"

	"gongji/wal"
)

// inspect opens the store read-only, verifies the chain and compares its end
// with the mark. A normal Open would flush what Pebble took for the end and
// delete the damaged file, and the evidence with it (F5).
func (s *starter) inspect(found tail) error {
	o := pebbleOptions(s.o.FS, s.logger(s.refuse), s.o.memTableBytes)
	o.ReadOnly = true
	db, err := openStore(s.store, o)
	if err != nil {
		return s.refused(found, err)
	}
	err = s.verify(db)
	if err = errors.Join(err, db.Close()); err != nil {
		return s.refused(found, err)
	}
	if s.last.Sequence < s.mark.at.Sequence {
		return s.endsBelowMark(found)
	}
	return nil
}

// refused turns the reasons Pebble gives for not opening damaged files into a
// CorruptionError with the place we know. Errors of the operating system other
// than a missing file (no permission, I/O error) are passed on as they are.
func (s *starter) refused(found tail, err error) error {
	var corruption *wal.CorruptionError
	var system syscall.Errno
	switch {
	case errors.As(err, &corruption), errors.Is(err, wal.ErrForeign), errors.Is(err, wal.ErrFormat):
		return locate(err, s.store)
	case errors.As(err, &system) && !oserror.IsNotExist(err):
		return fmt.Errorf("open %s read-only: %w", s.store, err)
	}
	c := &wal.CorruptionError{File: s.store, Offset: -1, Expected: "a whole store", Found: err.Error()}
	if found.damaged {
		c.File, c.Offset, c.Sequence = found.file, found.offset, found.last+1
		c.Expected = "whole records"
	} else if s.mark.at.Sequence > 0 {
		c.Sequence = s.last.Sequence + 1 // the first one that could not be verified
	}
	return c
}

func (s *starter) endsBelowMark(found tail) error {
	c := &wal.CorruptionError{File: s.store, Offset: -1, Sequence: s.last.Sequence + 1,
		Expected: fmt.Sprintf("records to %d, the mark", s.mark.at.Sequence),
		Found:    fmt.Sprintf("the log ends at %d", s.last.Sequence)}
	if found.file != "" {
		c.File, c.Offset = found.file, found.offset
	}
	return c
}

// verify sets base and last, and checks all records from VerifyFrom on.
func (s *starter) verify(db *pebble.DB) error {
	if err := s.readBase(db); err != nil {
		return err
	}
	s.last = s.base
	start, err := s.verifyStart(db)
	if err != nil {
		return err
	}
	iter, err := db.NewIter(&pebble.IterOptions{LowerBound: key(max(start.Sequence, s.base.Sequence) + 1)})
	if err != nil {
		return err
	}
	chain := wal.Chain{Identity: &s.o.Identity, At: start}
	err = walk(iter, &chain, true, 0, func(r wal.Record) error {
		if r.Sequence == s.mark.at.Sequence {
			return s.compare("mark "+s.o.MarkPath, s.mark.at, r.Link)
		}
		return nil
	})
	s.last = chain.At
	if err = errors.Join(err, iter.Close()); err != nil {
		return err
	}
	if at := s.mark.at; at.Sequence > s.base.Sequence && at.Sequence <= start.Sequence {
		return s.compareStored(db, "mark "+s.o.MarkPath, at)
	}
	return nil
}

// verifyStart is the position the walk starts behind: VerifyFrom, if it lies in
// the kept part and its record is the one the caller knows, or else the base.
func (s *starter) verifyStart(db *pebble.DB) (wal.Position, error) {
	from := s.o.VerifyFrom
	switch {
	case from.Sequence < s.base.Sequence || from == (wal.Position{}):
		return s.base, nil
	case from.Sequence == s.base.Sequence:
		return s.base, s.compare("VerifyFrom", from, s.base.Link)
	}
	return from, s.compareStored(db, "VerifyFrom", from)
}

func (s *starter) readBase(db *pebble.DB) error {
	raw, closer, err := db.Get(key(0))
	if err != nil {
		return translate(err, s.store, 0)
	}
	s.base, err = decodeBase(&s.o.Identity, raw)
	return errors.Join(err, closer.Close())
}

// compareStored checks one stored record by itself and its link against at's.
func (s *starter) compareStored(db *pebble.DB, who string, at wal.Position) error {
	raw, closer, err := db.Get(key(at.Sequence))
	if errors.Is(err, pebble.ErrNotFound) {
		return &wal.CorruptionError{File: s.store, Sequence: at.Sequence, Offset: -1,
			Expected: fmt.Sprintf("record %d, known to %s", at.Sequence, who), Found: "no such record"}
	} else if err != nil {
		return err
	}
	d, err := wal.DecodeRecord(raw, &s.o.Identity, at.Sequence)
	if err == nil {
		err = s.compare(who, at, d.Link)
	}
	return errors.Join(err, closer.Close())
}

func (s *starter) compare(who string, at wal.Position, found wal.Link) error {
	if at.Link == found {
		return nil
	}
	return &wal.CorruptionError{File: s.store, Sequence: at.Sequence, Offset: -1,
		Expected: fmt.Sprintf("link %v, known to %s", at.Link, who), Found: "link " + found.String()}
}
