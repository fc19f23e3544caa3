package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

const (
	// trailerBytes is Pebble's end mark of a file that was closed: a chunk of
	// type 5 with checksum and length 0 and the log number plus one.
	trailerBytes = 11
	trailerType  = 5
	// paddingMax: fewer bytes than a chunk's header (19) at a block's end stay zero.
	paddingMax = 18

	tornName      = "torn" // directory of the copies
	tornCopiesMax = 4      // of one segment each; the oldest gives way, a crash loop must not fill the disk
)

// tail is what the newest segment looks like at its end.
type tail struct {
	why     error // how Pebble's reader stopped
	offset  int64 // end of the last whole record
	dropped int64 // bytes behind it that are neither the end mark nor zero
}

// measureTail judges what stands behind the last whole record of the newest
// segment. Damage that a later chunk proves (the bytes had been synced) is
// refused; what else there is was never acknowledged or lies before the mark,
// which the caller compares. Files are never reused, so every byte there that
// is not zero was meant for this segment or is not ours at all.
func measureTail(in *scanner, number uint64, why error) (tail, error) {
	found := tail{why: why, offset: in.end}
	at := in.end
	if room := blockSize - at%blockSize; room <= paddingMax {
		at += room
	}
	block := make([]byte, blockSize)
	end := at // behind the last byte that counts
	for first := true; ; first = false {
		n, err := in.file.ReadAt(block, at)
		b := block[:n]
		if first && isTrailer(b, number) {
			b = b[trailerBytes:]
			at, end = at+trailerBytes, at+trailerBytes
		}
		trimmed := trimZeros(b)
		if len(trimmed) > 0 {
			found.dropped += at + int64(len(trimmed)) - end
			end = at + int64(len(trimmed))
		}
		if err == io.EOF {
			break
		} else if err != nil {
			return found, fmt.Errorf("read %s: %w", in.path, err)
		}
		at += int64(len(b))
	}
	return found, nil
}

func isTrailer(b []byte, number uint64) bool {
	return len(b) >= trailerBytes && binary.LittleEndian.Uint64(b)<<8 == trailerType<<56 &&
		binary.LittleEndian.Uint32(b[7:]) == uint32(number)+1
}

// refuseProven stops the start for damage that had been synced.
func (s *starter) refuseProven() error {
	if !proven(s.tail.why) {
		return nil
	}
	return &wal.CorruptionError{File: s.path(s.segments[len(s.segments)-1].number), Offset: s.tail.offset, Sequence: s.last.Sequence + 1,
		Expected: "a whole record: a later one says that it had been synced", Found: s.tail.why.Error()}
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}

// saveTail copies the newest segment before anything is changed.
func saveTail(fs vfs.FS, dir, file string, last uint64) error {
	torn := fs.PathJoin(dir, tornName)
	if err := makeDir(fs, torn); err != nil {
		return fmt.Errorf("keep torn tail: %w", err)
	}
	old, err := fs.List(torn)
	if err != nil {
		return fmt.Errorf("keep torn tail: %w", err)
	}
	slices.Sort(old)
	for len(old) >= tornCopiesMax {
		if err := fs.Remove(fs.PathJoin(torn, old[0])); err != nil {
			return fmt.Errorf("keep torn tail: %w", err)
		}
		old = old[1:]
	}
	name := fmt.Sprintf("%020d-%s", last, fs.PathBase(file))
	if err := copySynced(fs, file, fs.PathJoin(torn, name)); err != nil {
		return fmt.Errorf("keep torn tail: %w", err)
	}
	return syncDir(fs, torn)
}

func copySynced(fs vfs.FS, from, to string) error {
	src, err := fs.Open(from)
	if err != nil {
		return err
	}
	dst, err := fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return errors.Join(err, src.Close())
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close(), src.Close())
}
