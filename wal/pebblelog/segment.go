package pebblelog

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"gongji/wal"
)

// A segment is one file of Pebble's record format, chunks with sync offsets. Its
// first record is the header: a base record (base.go) that names the position
// before the segment's first record. Numbers are dense, so a file that is gone
// is noticed unread. A segment gets its name when its header is durable, so a
// named segment without a whole header is damage.
const (
	segmentSuffix = ".log"
	newSuffix     = ".new" // a file that has no name of its own yet
	blockSize     = 32 << 10
)

// segment is what is kept in memory of one segment file.
type segment struct {
	number  uint64
	start   wal.Position // the record before its first one
	indexed bool         // places cover what was written or scanned so far
	places  []place      // ascending; may be shared by readers: only appended to
}

// place says at which byte of the file a record begins.
type place struct {
	sequence uint64
	offset   int64
}

// note remembers where a record begins, if the last remembered one is far enough.
func (g *segment) note(sequence uint64, offset int64) {
	if n := len(g.places); n == 0 && offset < indexStepBytes || n > 0 && offset-g.places[n-1].offset < indexStepBytes {
		return
	}
	g.places = append(g.places, place{sequence, offset})
}

// before is the last place at or before a record; zero is the file's beginning.
func (g *segment) before(sequence uint64) (at place) {
	for low, high := 0, len(g.places); low < high; {
		middle := (low + high) / 2
		if g.places[middle].sequence <= sequence {
			at, low = g.places[middle], middle+1
		} else {
			high = middle
		}
	}
	return at
}

func segmentName(number uint64) string { return fmt.Sprintf("%010d%s", number, segmentSuffix) }

// segmentNumber reads a file's name; whatever is not exactly a segment's is not ours.
func segmentNumber(name string) (uint64, bool) {
	digits, ours := strings.CutSuffix(name, segmentSuffix)
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ours && err == nil && number > 0 && name == segmentName(number)
}

// segmentWriter appends records to one new segment. It belongs to one goroutine.
type segmentWriter struct {
	path   string
	writer *record.LogWriter
	offset int64 // the file's end when all that was given is written
}

// createSegment makes a segment whose header and name are durable. It replaces
// a segment of that number, which must hold no records. reserve bytes of disk
// are reserved for it, if the file system can, and what is not used is given
// back by close.
func createSegment(fs vfs.FS, dir string, number uint64, id *wal.Identity, start wal.Position, reserve int64) (*segmentWriter, error) {
	path := fs.PathJoin(dir, segmentName(number))
	file, err := fs.Create(path+newSuffix, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	// Only for speed: a write that finds no room fails by itself. A reservation that fails keeps the blocks it got, which would be all that a nearly full
	// disk has left for everybody.
	if reserve > 0 && file.Preallocate(0, reserve) != nil {
		if err := giveBack(file); err != nil {
			return nil, errors.Join(fmt.Errorf("create %s: %w", path, err), file.Close())
		}
	}
	to := &dataSyncFile{file}
	w := &segmentWriter{path: path, writer: newLogWriter(record.NewLogWriter, to, number)}
	err = w.writeAndWait(encodeBase(id, start))
	if err == nil {
		err = fs.Rename(path+newSuffix, path)
	}
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", path, err), w.writer.Close())
	}
	if nosyncDefect {
		to.file = unsyncedFile{file}
	}
	return w, nil
}

// newLogWriter: the type of a file number has no public name, so it is inferred.
func newLogWriter[N ~uint64](create func(io.Writer, N, record.LogWriterConfig) *record.LogWriter, to io.Writer, number uint64) *record.LogWriter {
	return create(to, N(number), record.LogWriterConfig{
		WriteWALSyncOffsets: func() bool { return true }, // F2, F3: the format whose damage can be proved
		WALFsyncLatency:     ignoredLatency{},            // without one LogWriter never advances the sync offset
	})
}

type ignoredLatency struct{ prometheus.Histogram }

func (ignoredLatency) Observe(float64) {}

// dataSyncFile is what a LogWriter needs of a file: its Sync need not make the
// file's times durable.
type dataSyncFile struct{ file vfs.File }

func (f *dataSyncFile) Write(p []byte) (int, error) { return f.file.Write(p) }
func (f *dataSyncFile) Sync() error                 { return f.file.SyncData() }
func (f *dataSyncFile) Close() error                { return errors.Join(giveBack(f.file), f.file.Close()) }

// giveBack frees disk blocks reserved behind a file's end; no byte changes.
func giveBack(file vfs.File) error {
	fd := file.Fd()
	if fd == vfs.InvalidFd {
		return nil // no file of the operating system
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return syscall.Ftruncate(int(fd), info.Size())
}

// write stages one record, whose bytes are copied. done and result get the answer
// of the sync that covers it; done must have been added to.
func (w *segmentWriter) write(raw []byte, done *sync.WaitGroup, result *error) error {
	end, err := w.writer.SyncRecord(raw, done, result)
	if err != nil {
		return fmt.Errorf("write %s: %w", w.path, err)
	}
	w.offset = end
	return nil
}

func (w *segmentWriter) writeAndWait(raw []byte) error {
	var done sync.WaitGroup
	var result error
	done.Add(1)
	if err := w.write(raw, &done, &result); err != nil {
		return err
	}
	done.Wait()
	return result
}

// close writes the end mark, syncs and closes the file. All staged records have
// their answers when it returns.
func (w *segmentWriter) close() error {
	if err := w.writer.Close(); err != nil {
		return fmt.Errorf("close %s: %w", w.path, err)
	}
	return nil
}
