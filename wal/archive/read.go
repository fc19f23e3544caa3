package archive

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

// readAhead bytes of a file at a time.
const readAhead = 1 << 20

// Verify reads every segment: seals, links, records.
func (a *Archive) Verify() error {
	if a.Segments() == 0 {
		return nil
	}
	return a.Read(1, func(wal.Record) error { return nil })
}

// Read visits the archived records from from on, in order, like wal.Log's. It reads whole segments, so that their seals are checked too. A payload is good
// until visit returns.
func (a *Archive) Read(from uint64, visit func(wal.Record) error) error {
	segments, found := a.from(from)
	if !found {
		return fmt.Errorf("%w: record %d, archived to %d", wal.ErrNotFound, from, a.Last().Sequence)
	}
	for i := range segments {
		s := &segments[i]
		sum, err := a.verify(a.path(s.number), &s.header, func(r wal.Record) error {
			if r.Sequence < from {
				return nil
			}
			return visit(r)
		})
		if err != nil {
			return err
		}
		if sum != s.seal {
			return a.wrong(s.number, s.before.Sequence+1, fmt.Sprintf("seal %x, as at the start", s.seal), fmt.Sprintf("seal %x", sum))
		}
	}
	return nil
}

// reading is a segment file being read through.
type reading struct {
	in     *bufio.Reader
	sum    hash.Hash
	offset int64 // read so far
	end    int64 // where the seal begins
}

func (r *reading) fill(b []byte) error {
	if int64(len(b)) > r.end-r.offset {
		return io.ErrUnexpectedEOF
	}
	if _, err := io.ReadFull(r.in, b); err != nil {
		return err
	}
	r.sum.Write(b)
	r.offset += int64(len(b))
	return nil
}

// verify reads a segment through: its header must be want, its records a chain from before to after, its seal that of its bytes. visit may be nil; its
// errors end the reading and come as they are.
func (a *Archive) verify(path string, want *header, visit func(wal.Record) error) (found seal, err error) {
	f, err := a.o.FS.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return found, fmt.Errorf("archive: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return found, fmt.Errorf("archive %s: %w", path, err)
	}
	r := &reading{in: bufio.NewReaderSize(f, readAhead), sum: sha256.New(), end: info.Size() - sealBytes}
	chain := wal.Chain{Identity: &a.o.Identity, At: want.before}
	damaged := func(offset int64, expected, found string) error {
		return &wal.CorruptionError{File: path, Sequence: chain.At.Sequence + 1, Offset: offset, Expected: expected, Found: found}
	}
	var head [headerBytes]byte
	if err := r.fill(head[:]); err != nil {
		return found, damaged(0, "a header", err.Error())
	}
	if h, err := decodeHeader(head[:]); err != nil || h != *want {
		return found, damaged(0, fmt.Sprintf("the header of segment %d", want.number), fmt.Sprintf("another (%v)", err))
	}
	var packed, plain []byte
	for r.offset < r.end {
		begin := r.offset
		if packed, plain, err = a.readFrame(r, chain.At.Sequence+1, packed, plain); err != nil {
			return found, damaged(begin, fmt.Sprintf("a frame of records from %d", chain.At.Sequence+1), err.Error())
		}
		if err := walk(&chain, plain, want.after.Sequence, visit); err != nil {
			var c *wal.CorruptionError
			if errors.As(err, &c) && c.File == "" {
				c.File, c.Offset = path, begin
			}
			return found, err
		}
	}
	if chain.At != want.after {
		return found, damaged(r.offset, fmt.Sprintf("records to %d %v", want.after.Sequence, want.after.Link), fmt.Sprintf("the end at %d %v", chain.At.Sequence, chain.At.Link))
	}
	if _, err := io.ReadFull(r.in, found[:]); err != nil {
		return found, damaged(r.offset, "a seal", err.Error())
	}
	if sum := seal(r.sum.Sum(nil)); sum != found {
		chain.At.Sequence = want.before.Sequence
		return found, damaged(r.offset, fmt.Sprintf("seal %x", sum), fmt.Sprintf("seal %x", found))
	}
	return found, nil
}

// readFrame reads the next frame and unpacks it; the buffers are reused.
func (a *Archive) readFrame(r *reading, first uint64, packed, plain []byte) (_, _ []byte, err error) {
	var head [frameHead]byte
	if err := r.fill(head[:]); err != nil {
		return packed, plain, err
	}
	f, ok := decodeFrame(head[:], r.offset)
	if !ok || f.first != first || int64(f.packed) > r.end-r.offset {
		return packed, plain, fmt.Errorf("%d bytes for %d, from record %d", f.packed, f.plain, f.first)
	}
	if cap(packed) < int(f.packed) {
		packed = make([]byte, f.packed)
	}
	packed = packed[:f.packed]
	if err := r.fill(packed); err != nil {
		return packed, plain, err
	}
	plain, err = a.inflate(packed, plain, f.plain)
	return packed, plain, err
}

func (a *Archive) inflate(packed, plain []byte, want uint32) ([]byte, error) {
	plain, err := a.unpack.DecodeAll(packed, plain[:0])
	if err == nil && uint32(len(plain)) != want {
		err = fmt.Errorf("%d bytes, the frame tells of %d", len(plain), want)
	}
	return plain, err
}

// walk goes along the records of a frame, none of which may lie behind last.
func walk(chain *wal.Chain, plain []byte, last uint64, visit func(wal.Record) error) error {
	for len(plain) > 0 {
		raw, rest, ok := cutRecord(plain)
		next := chain.At.Sequence + 1
		if !ok || next > last {
			return &wal.CorruptionError{Sequence: next, Expected: fmt.Sprintf("whole records to %d", last), Found: fmt.Sprintf("%d bytes", len(plain))}
		}
		r, err := chain.Next(next, raw)
		if err != nil {
			return err
		}
		if visit != nil {
			if err := visit(r); err != nil {
				return err
			}
		}
		plain = rest
	}
	return nil
}

// Get returns one archived record with its payload appended to dst. Its own checksum is verified, its neighbours and its segment's seal are not.
func (a *Archive) Get(sequence uint64, dst []byte) (r wal.Record, err error) {
	segments, found := a.from(sequence)
	if !found {
		return r, fmt.Errorf("%w: %d, archived to %d", wal.ErrNotFound, sequence, a.Last().Sequence)
	}
	s := &segments[0]
	f, err := a.o.FS.Open(a.path(s.number), vfs.RandomReadsOption)
	if err != nil {
		return r, fmt.Errorf("archive: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	at, err := a.frameOf(f, s, sequence)
	if err != nil {
		return r, a.locate(err, s.number, sequence)
	}
	packed := make([]byte, at.packed)
	if _, err := f.ReadAt(packed, at.offset+frameHead); err != nil {
		return r, a.locate(err, s.number, sequence)
	}
	plain, err := a.inflate(packed, make([]byte, 0, at.plain), at.plain)
	if err != nil {
		return r, &wal.CorruptionError{File: a.path(s.number), Sequence: at.first, Offset: at.offset, Expected: "a frame of records", Found: err.Error()}
	}
	for next := at.first; ; next++ {
		raw, rest, ok := cutRecord(plain)
		if !ok {
			return r, &wal.CorruptionError{File: a.path(s.number), Sequence: sequence, Offset: at.offset, Expected: fmt.Sprintf("record %d", sequence), Found: fmt.Sprintf("a frame that ends before %d", next)}
		}
		if plain = rest; next != sequence {
			continue
		}
		d, err := wal.DecodeRecord(raw, &a.o.Identity, sequence)
		if err != nil {
			return r, a.locate(err, s.number, sequence)
		}
		start := len(dst)
		dst = append(dst, d.Payload...)
		d.Payload = dst[start:]
		return d.Record, nil
	}
}

// frameOf finds the frame that holds a record by the frames' heads, which are read once and kept.
func (a *Archive) frameOf(f vfs.File, s *segment, sequence uint64) (at frame, err error) {
	a.mu.Lock()
	frames, known := a.indexes[s.number]
	a.mu.Unlock()
	if !known {
		if frames, err = indexOf(f, s); err != nil {
			return at, err
		}
		a.mu.Lock()
		if len(a.indexes) >= indexesMax {
			clear(a.indexes)
		}
		a.indexes[s.number] = frames
		a.mu.Unlock()
	}
	for i := len(frames) - 1; i >= 0; i-- {
		if frames[i].first <= sequence {
			return frames[i], nil
		}
	}
	return at, &wal.CorruptionError{Expected: fmt.Sprintf("a frame with record %d", sequence), Found: "none"}
}

func indexOf(f vfs.File, s *segment) (frames []frame, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	end, next := info.Size()-sealBytes, s.before.Sequence+1
	for at := int64(headerBytes); at < end; {
		var head [frameHead]byte
		if _, err := f.ReadAt(head[:], at); err != nil {
			return nil, err
		}
		fr, ok := decodeFrame(head[:], at)
		if !ok || fr.first < next || int64(fr.packed) > end-at-frameHead {
			return nil, &wal.CorruptionError{Offset: at, Sequence: next, Expected: "a frame", Found: fmt.Sprintf("%d bytes for %d, from record %d", fr.packed, fr.plain, fr.first)}
		}
		frames, next = append(frames, fr), fr.first+1
		at += frameHead + int64(fr.packed)
	}
	return frames, nil
}
