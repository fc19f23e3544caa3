package pebblelog

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

// scanner reads one segment file in order. It belongs to one goroutine.
type scanner struct {
	path   string
	file   vfs.File
	reader *record.Reader
	from   int64 // where reader began: a block's beginning
	begin  int64 // where the record last returned begins
	end    int64 // and ends
	buf    []byte
}

// openScanner begins at a place, rounded down to a block: what is returned
// first may be an earlier record. Continued chunks at a block's beginning are
// skipped by Pebble's reader.
func openScanner(fs vfs.FS, dir string, number uint64, at int64) (*scanner, error) {
	path := fs.PathJoin(dir, segmentName(number))
	file, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	from := at - at%blockSize
	section := io.NewSectionReader(file, from, math.MaxInt64-from)
	return &scanner{path: path, file: file, from: from, begin: from, end: from,
		reader: newReader(record.NewReader, section, number)}, nil
}

func newReader[N ~uint64](open func(io.Reader, N) *record.Reader, from io.Reader, number uint64) *record.Reader {
	return open(from, N(number))
}

func (s *scanner) close() error { return s.file.Close() }

// next returns the next whole record, valid until the next call. stopped(err)
// says that there is none; other errors are the file system's.
func (s *scanner) next() ([]byte, error) {
	s.begin = s.from + s.reader.Offset()
	r, err := s.reader.Next()
	if err == nil {
		s.buf, err = readAll(s.buf[:0], r)
	}
	if err != nil {
		return nil, err
	}
	s.end = s.from + s.reader.Offset()
	return s.buf, nil
}

// stopped says that Pebble's reader found no further record: a clean end, a torn
// one, or damage.
func stopped(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, record.ErrUnexpectedEOF) || proven(err)
}

// proven says that Pebble's reader is sure of damage: a later chunk says that
// what cannot be read had been synced.
func proven(err error) bool {
	return errors.Is(err, record.ErrInvalidChunk) || errors.Is(err, record.ErrZeroedChunk)
}

// header reads and verifies the first record of the file.
func (s *scanner) header(id *wal.Identity) (wal.Position, error) {
	raw, err := s.next()
	if err != nil {
		return wal.Position{}, err
	}
	start, err := decodeBase(id, raw)
	return start, s.locate(err)
}

// walk verifies the records behind chain.At, which must be next in the file, up
// to and with the record last. why is how the file ended before that, or nil.
// note, if set, is told where each record begins.
func (s *scanner) walk(chain *wal.Chain, last uint64, note func(uint64, int64), visit func(wal.Record) error) (why, err error) {
	for chain.At.Sequence < last {
		raw, err := s.next()
		if err != nil && stopped(err) {
			return err, nil
		} else if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.path, err)
		}
		r, err := chain.Next(chain.At.Sequence+1, raw)
		if err != nil {
			return nil, s.locate(err)
		}
		if note != nil {
			note(r.Sequence, s.begin)
		}
		if err := visit(r); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// seek reads up to and with the record of that sequence, which must come, and
// returns it; what comes before is not verified but for Pebble's checksum.
func (s *scanner) seek(sequence uint64) ([]byte, error) {
	for {
		raw, err := s.next()
		if err != nil && !stopped(err) {
			return nil, fmt.Errorf("read %s: %w", s.path, err)
		}
		if err != nil {
			return nil, s.missing(sequence, err)
		}
		if found, _, ok := wal.Glance(raw); !ok || found > sequence {
			return nil, s.missing(sequence, fmt.Errorf("record %d of %d bytes", found, len(raw)))
		} else if found == sequence {
			return raw, nil
		}
	}
}

// missing says that a record is not where it must be.
func (s *scanner) missing(sequence uint64, why error) error {
	return &wal.CorruptionError{File: s.path, Offset: s.end, Sequence: sequence,
		Expected: fmt.Sprintf("record %d", sequence), Found: describe(why)}
}

// locate adds file and offset to what the record's check complains about.
func (s *scanner) locate(err error) error {
	var corruption *wal.CorruptionError
	switch {
	case errors.As(err, &corruption) && corruption.File == "":
		corruption.File, corruption.Offset = s.path, s.begin
	case errors.Is(err, wal.ErrForeign), errors.Is(err, wal.ErrFormat):
		return fmt.Errorf("%s at %d: %w", s.path, s.begin, err)
	}
	return err
}

// describe is the end of a file in words.
func describe(why error) string {
	switch {
	case errors.Is(why, io.EOF):
		return "the file's end"
	case errors.Is(why, record.ErrUnexpectedEOF):
		return "a torn or damaged record"
	case proven(why):
		return "a damaged record that had been synced"
	}
	return why.Error()
}

func readAll(buf []byte, r io.Reader) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
