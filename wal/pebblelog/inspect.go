package pebblelog

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/errors/oserror"

	"gongji/wal"
)

// inspect judges what is there without changing a byte: which segments there
// are, the chain through them, and its end against the mark (F5).
func (s *starter) inspect() (err error) {
	if s.base, err = readBase(s.o.FS, s.store, &s.o.Identity); err != nil {
		return err
	}
	if err := s.readHeaders(); err != nil {
		return err
	}
	if err := s.verify(); err != nil {
		return err
	}
	if err := s.refuseProven(); err != nil {
		return err
	}
	path := s.path(s.segments[len(s.segments)-1].number)
	if s.last.Sequence < s.mark.at.Sequence && !markIgnoredDefect {
		return &wal.CorruptionError{File: path, Offset: s.tail.offset, Sequence: s.last.Sequence + 1,
			Expected: fmt.Sprintf("records to %d, the mark", s.mark.at.Sequence),
			Found:    fmt.Sprintf("%s, the log ends at %d", describe(s.tail.why), s.last.Sequence)}
	}
	if from := s.o.VerifyFrom.Sequence; s.last.Sequence < from {
		return &wal.CorruptionError{File: path, Offset: s.tail.offset, Sequence: from,
			Expected: fmt.Sprintf("record %d, known to VerifyFrom", from), Found: fmt.Sprintf("the log ends at %d", s.last.Sequence)}
	}
	return nil
}

func (s *starter) path(number uint64) string { return s.o.FS.PathJoin(s.store, segmentName(number)) }

// readHeaders finds the segments that hold kept records: from the newest back
// to the one the first kept record is in. Older ones are what a Truncate that
// was cut short has left.
func (s *starter) readHeaders() error {
	names, err := s.o.FS.List(s.store)
	if err != nil {
		return fmt.Errorf("list %s: %w", s.store, err)
	}
	var numbers []uint64
	for _, name := range names {
		if number, ours := segmentNumber(name); ours {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	for i := len(numbers) - 1; i >= 0; i-- {
		number := numbers[i]
		start, err := s.header(number, numbers[:i])
		if err != nil {
			return err
		}
		if n := len(s.segments); n > 0 {
			if err := s.follows(segment{number: number, start: start}, s.segments[n-1]); err != nil {
				return err
			}
		}
		s.segments = append(s.segments, segment{number: number, start: start})
		if start.Sequence <= s.base.Sequence {
			s.leftovers = numbers[:i]
			slices.Reverse(s.segments)
			return nil
		}
	}
	missing := uint64(1)
	if len(numbers) > 0 {
		missing = max(numbers[0], 2) - 1
	}
	return s.gone(missing, s.base.Sequence+1)
}

// header reads one segment's header; what cannot be read as one is damage, for a
// segment has its name only when its header is durable.
func (s *starter) header(number uint64, older []uint64) (wal.Position, error) {
	in, err := openScanner(s.o.FS, s.store, number, 0)
	if err != nil {
		return wal.Position{}, fmt.Errorf("open %s: %w", s.path(number), err)
	}
	start, err := in.header(&s.o.Identity)
	var corruption *wal.CorruptionError
	switch {
	case err == nil:
	case stopped(err):
		err = &wal.CorruptionError{File: in.path, Offset: 0, Sequence: s.after(older), Expected: "a segment's header", Found: describe(err)}
	case errors.As(err, &corruption):
		corruption.Sequence = s.after(older)
	case !errors.Is(err, wal.ErrForeign) && !errors.Is(err, wal.ErrFormat):
		err = fmt.Errorf("read %s: %w", in.path, err)
	}
	return start, errors.Join(err, in.close())
}

// follows says whether a segment can stand directly before the next.
func (s *starter) follows(g, next segment) error {
	if g.number+1 != next.number {
		return s.gone(next.number-1, s.after([]uint64{g.number}))
	}
	if g.start.Sequence >= next.start.Sequence {
		return &wal.CorruptionError{File: s.path(next.number), Offset: 0, Sequence: next.start.Sequence + 1,
			Expected: fmt.Sprintf("a segment of records behind %d", g.start.Sequence),
			Found:    fmt.Sprintf("a segment of records behind %d", next.start.Sequence)}
	}
	return nil
}

func (s *starter) gone(number, sequence uint64) error {
	return &wal.CorruptionError{File: s.path(number), Offset: -1, Sequence: sequence, Expected: "a segment", Found: "no file"}
}

// after is the first sequence behind the newest of these segments, as far as it
// can be read: the first record missing if the next segment is gone. It only
// serves the message.
func (s *starter) after(older []uint64) (sequence uint64) {
	if len(older) == 0 {
		return s.base.Sequence + 1
	}
	in, err := openScanner(s.o.FS, s.store, older[len(older)-1], 0)
	if err != nil {
		return 0
	}
	start, err := in.header(&s.o.Identity)
	if err == nil {
		sequence = start.Sequence + 1
	}
	for err == nil {
		var raw []byte
		if raw, err = in.next(); err == nil {
			found, _, _ := wal.Glance(raw)
			sequence = max(sequence, found+1)
		}
	}
	_ = in.close() // it was only read
	return sequence
}

// verify reads all records from the segment of VerifyFrom on, or of the mark if
// that lies before, checks the chain, and sets last.
func (s *starter) verify() error {
	from := s.o.VerifyFrom.Sequence
	if !s.o.NewMark {
		from = min(from, s.mark.at.Sequence)
	}
	from = max(from, s.base.Sequence)
	first := len(s.segments) - 1
	for first > 0 && s.segments[first].start.Sequence > from {
		first--
	}
	for i := first; i < len(s.segments); i++ {
		if err := s.verifySegment(i); err != nil {
			return err
		}
	}
	return nil
}

func (s *starter) verifySegment(i int) (err error) {
	g := &s.segments[i]
	in, err := openScanner(s.o.FS, s.store, g.number, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", s.path(g.number), err)
	}
	defer func() { err = errors.Join(err, in.close()) }()
	start, err := in.header(&s.o.Identity)
	if err != nil || start != g.start {
		return errors.Join(fmt.Errorf("header of %s changed while it was read", in.path), err)
	}
	g.indexed = true
	chain := wal.Chain{Identity: &s.o.Identity, At: start}
	if err := s.known(start, in); err != nil {
		return err
	}
	last := uint64(math.MaxUint64)
	if i+1 < len(s.segments) {
		last = s.segments[i+1].start.Sequence
	}
	why, err := in.walk(&chain, last, g.note, func(r wal.Record) error {
		return s.known(wal.Position{Sequence: r.Sequence, Link: r.Link}, in)
	})
	if err != nil {
		return err
	}
	if i+1 < len(s.segments) {
		return s.joins(in, chain.At, why, &s.segments[i+1])
	}
	s.last = chain.At
	s.tail, err = measureTail(in, g.number, why)
	return err
}

// joins checks that a segment that is not the last ends where the next begins.
func (s *starter) joins(in *scanner, at wal.Position, why error, next *segment) error {
	if why != nil {
		return &wal.CorruptionError{File: in.path, Offset: in.end, Sequence: at.Sequence + 1,
			Expected: fmt.Sprintf("records to %d, where %s begins", next.start.Sequence, segmentName(next.number)), Found: describe(why)}
	}
	if at.Link != next.start.Link {
		return &wal.CorruptionError{File: s.path(next.number), Offset: 0, Sequence: at.Sequence + 1,
			Expected: "previous link " + at.Link.String(), Found: "previous link " + next.start.Link.String()}
	}
	// Behind it there may be a torn tail that was cut, but no whole record.
	_, err := in.next()
	switch {
	case err == nil:
		return &wal.CorruptionError{File: in.path, Offset: in.begin, Sequence: at.Sequence + 1,
			Expected: "the end of the segment, as " + segmentName(next.number) + " says", Found: "another record"}
	case !stopped(err):
		return fmt.Errorf("read %s: %w", in.path, err)
	}
	return nil
}

// known compares a position with what base, mark and VerifyFrom say of it.
func (s *starter) known(at wal.Position, in *scanner) error {
	for _, k := range []struct {
		who string
		at  wal.Position
	}{{"base", s.base}, {"mark " + s.o.MarkPath, s.mark.at}, {"VerifyFrom", s.o.VerifyFrom}} {
		if k.at.Sequence == at.Sequence && k.at.Link != at.Link {
			return &wal.CorruptionError{File: in.path, Sequence: at.Sequence, Offset: in.begin,
				Expected: fmt.Sprintf("link %v, known to %s", k.at.Link, k.who), Found: "link " + at.Link.String()}
		}
	}
	return nil
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

// exists says whether there is a store.
func (s *starter) exists() (bool, error) {
	if _, err := s.o.FS.Stat(s.store); oserror.IsNotExist(err) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("stat %s: %w", s.store, err)
	}
	return true, nil
}
