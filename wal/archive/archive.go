package archive

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"

	"gongji/wal"
)

const (
	// SegmentBytes of records, as they lie in the log, make a segment complete: one a checkpoint at full load (engine.CheckpointBytesDefault), some four
	// thousand files for a log of 1 TiB, whose headers a start reads in well under a second.
	SegmentBytes = 256 << 20
	// indexesMax segments have their frames' places in memory: at 1,024 frames of 32 bytes each, 8 MiB.
	indexesMax = 256
)

// ErrGap says that records lie neither in the archive nor in the log: it is another archive, an older copy, or one that lost its end.
var ErrGap = errors.New("archive: records are missing between archive and log")

// Options of an archive.
type Options struct {
	Identity wal.Identity // of the log
	// FS is the file system; nil is the operating system's.
	FS vfs.FS
	// Create makes the directory if there is none, when the first segment is sealed.
	Create bool
	// SegmentBytes make a segment complete; 0: the constant.
	SegmentBytes int64
}

// Archive is the sealed segments of one log in one directory. Seal belongs to one goroutine, which holds the log; all else may be called from any.
type Archive struct {
	dir     string
	o       Options
	packer  *zstd.Encoder // of Seal, which makes it
	unpack  *zstd.Decoder
	mu      sync.Mutex
	sealed  []segment
	indexes map[uint64][]frame
}

// segment is what is known of a sealed file.
type segment struct {
	header
	seal seal
}

// Open reads the headers and seals of all segments and checks that they follow one another; what they hold is read by Read, Get and Verify. It changes
// nothing. A missing directory is an empty archive with Options.Create, else an error.
func Open(dir string, o Options) (*Archive, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = SegmentBytes
	}
	a := &Archive{dir: dir, o: o, indexes: map[uint64][]frame{}}
	var err error
	if a.unpack, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(frameBytesMax)); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	names, err := o.FS.List(dir)
	if oserror.IsNotExist(err) && o.Create {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", dir, err)
	}
	return a, a.readHeaders(names)
}

func (a *Archive) path(number uint64) string { return a.o.FS.PathJoin(a.dir, segmentName(number)) }

func (a *Archive) readHeaders(names []string) error {
	var numbers []uint64
	for _, name := range names {
		if n, ours := segmentNumber(name); ours {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		next := uint64(i) + 1
		if n != next {
			return &wal.CorruptionError{File: a.path(next), Sequence: a.Last().Sequence + 1, Offset: -1, Expected: "a segment", Found: "no file"}
		}
		s, err := a.readEnds(n)
		if err != nil {
			return a.locate(err, n, a.Last().Sequence+1)
		}
		if err := a.follows(&s.header, n); err != nil {
			return err
		}
		a.sealed = append(a.sealed, s)
	}
	return nil
}

// readEnds reads header and seal of a segment.
func (a *Archive) readEnds(number uint64) (s segment, err error) {
	f, err := a.o.FS.Open(a.path(number))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	if info.Size() < headerBytes+sealBytes {
		return s, &wal.CorruptionError{Expected: fmt.Sprintf("at least %d bytes", headerBytes+sealBytes), Found: fmt.Sprintf("%d bytes", info.Size())}
	}
	var b [headerBytes]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return s, err
	}
	if s.header, err = decodeHeader(b[:]); err != nil {
		return s, err
	}
	_, err = f.ReadAt(s.seal[:], info.Size()-sealBytes)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return s, err
}

// follows says whether a header may stand behind the newest segment, at the place number.
func (a *Archive) follows(h *header, number uint64) error {
	if err := wal.CheckIdentity(a.path(number), &a.o.Identity, h.identity); err != nil {
		return err
	}
	at, previous := a.Last(), a.lastSeal()
	switch {
	case h.number != number:
		return a.wrong(number, at.Sequence+1, fmt.Sprintf("segment %d", number), fmt.Sprintf("segment %d", h.number))
	case h.before != at:
		return a.wrong(number, at.Sequence+1, fmt.Sprintf("records behind %d %v", at.Sequence, at.Link), fmt.Sprintf("records behind %d %v", h.before.Sequence, h.before.Link))
	case h.previous != previous:
		if n := len(a.sealed); n > 0 { // which of the two is damaged? the earlier one can tell
			if _, err := a.verify(a.path(number-1), &a.sealed[n-1].header, nil); err != nil {
				return err
			}
		}
		return a.wrong(number, at.Sequence+1, fmt.Sprintf("behind seal %x", previous), fmt.Sprintf("behind seal %x", h.previous))
	}
	return nil
}

func (a *Archive) wrong(number, sequence uint64, expected, found string) error {
	return &wal.CorruptionError{File: a.path(number), Sequence: sequence, Offset: 0, Expected: expected, Found: found}
}

// locate puts file and sequence into damage that has none.
func (a *Archive) locate(err error, number, sequence uint64) error {
	var c *wal.CorruptionError
	if errors.As(err, &c) {
		if c.File == "" {
			c.File = a.path(number)
		}
		if c.Sequence == 0 {
			c.Sequence = sequence
		}
		return err
	}
	return fmt.Errorf("archive %s: %w", a.path(number), err)
}

// Last is the last sealed record; zero in an empty archive.
func (a *Archive) Last() wal.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.sealed); n > 0 {
		return a.sealed[n-1].after
	}
	return wal.Position{}
}

func (a *Archive) lastSeal() (s seal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.sealed); n > 0 {
		return a.sealed[n-1].seal
	}
	return s
}

// Segments is how many there are.
func (a *Archive) Segments() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.sealed)
}

// segments from the one that holds a record on; false if none does.
func (a *Archive) from(sequence uint64) ([]segment, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i, _ := slices.BinarySearchFunc(a.sealed, sequence, func(s segment, sequence uint64) int {
		if s.after.Sequence < sequence {
			return -1
		}
		return 1
	})
	return slices.Clone(a.sealed[i:]), sequence > 0 && i < len(a.sealed)
}
