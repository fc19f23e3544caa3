package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

// The mark file has two slots, written in turn, each in a 4 KiB page of its own:
//
//	 0   4  magic "GJMK"
//	 4   2  format version
//	 6   2  reserved, 0
//	 8   8  generation, one more at every write; slot = generation mod 2
//	16  16  ledger id
//	32  16  directory id
//	48   8  sequence
//	56  32  link of that record
//	88   4  CRC-32C of the bytes before
//	92   …  0 to the end of the page
//
// A slot lies inside one 512-byte sector, which a disk writes whole or not at
// all (PostgreSQL keeps pg_control below 512 bytes for the same reason). So a
// slot that does not check is damage, never a torn write, and is refused. The
// slot not being written keeps the mark before, for the operator to see.
const (
	markName      = "ACKED"
	markMagic     = 0x4b4d4a47 // "GJMK"
	markPageBytes = 4096
	markFileBytes = 2 * markPageBytes
	markBodyBytes = 88
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mark is one slot's content.
type mark struct {
	generation uint64
	at         wal.Position
}

func encodeMark(page []byte, id *wal.Identity, m mark) {
	clear(page)
	binary.LittleEndian.PutUint32(page[0:], markMagic)
	binary.LittleEndian.PutUint16(page[4:], wal.FormatVersion)
	binary.LittleEndian.PutUint64(page[8:], m.generation)
	copy(page[16:], id.Ledger[:])
	copy(page[32:], id.Directory[:])
	binary.LittleEndian.PutUint64(page[48:], m.at.Sequence)
	copy(page[56:], m.at.Link[:])
	binary.LittleEndian.PutUint32(page[markBodyBytes:], crc32.Checksum(page[:markBodyBytes], castagnoli))
}

// decodeMark verifies one page. why is empty if it is whole.
func decodeMark(page []byte) (m mark, id wal.Identity, version uint16, why string) {
	want := binary.LittleEndian.Uint32(page[markBodyBytes:])
	if got := crc32.Checksum(page[:markBodyBytes], castagnoli); got != want {
		return m, id, 0, fmt.Sprintf("checksum %08x for a slot that says %08x", got, want)
	}
	for _, b := range page[markBodyBytes+4:] {
		if b != 0 {
			return m, id, 0, "bytes behind the slot that are not 0"
		}
	}
	if magic := binary.LittleEndian.Uint32(page); magic != markMagic {
		return m, id, 0, fmt.Sprintf("magic %08x", magic)
	}
	m.generation = binary.LittleEndian.Uint64(page[8:])
	id.Ledger, id.Directory = wal.ID(page[16:32]), wal.ID(page[32:48])
	m.at.Sequence = binary.LittleEndian.Uint64(page[48:])
	m.at.Link = wal.Link(page[56:88])
	return m, id, binary.LittleEndian.Uint16(page[4:]), ""
}

// errNoMark: there is no mark file.
var errNoMark = errors.New("no mark file")

// readMark returns the newer slot. A missing file is errNoMark; both slots must
// be whole, ours, and written one after the other.
func readMark(fs vfs.FS, path string, id *wal.Identity) (mark, error) {
	data, err := readFile(fs, path, markFileBytes+1)
	if oserror.IsNotExist(err) {
		return mark{}, errNoMark
	} else if err != nil {
		return mark{}, fmt.Errorf("read mark %s: %w", path, err)
	}
	damaged := func(offset int64, expected, found string, sequence uint64) error {
		return &wal.CorruptionError{File: path, Offset: offset, Sequence: sequence, Expected: expected, Found: found}
	}
	if len(data) != markFileBytes {
		return mark{}, damaged(0, fmt.Sprintf("a mark of %d bytes", markFileBytes), fmt.Sprintf("%d bytes or more", len(data)), 0)
	}
	var slots [2]mark
	for i := range slots {
		offset := i * markPageBytes
		m, found, version, why := decodeMark(data[offset : offset+markPageBytes])
		if why != "" {
			other, _, _, _ := decodeMark(data[markPageBytes-offset : markFileBytes-offset])
			return mark{}, damaged(int64(offset), "a whole mark slot", why, other.at.Sequence)
		}
		if version != wal.FormatVersion {
			return mark{}, fmt.Errorf("%w: mark %s version %d", wal.ErrFormat, path, version)
		}
		if err := wal.CheckIdentity("mark "+path, id, found); err != nil {
			return mark{}, err
		}
		if m.generation%2 != uint64(i) {
			return mark{}, damaged(int64(offset), fmt.Sprintf("a generation for slot %d", i), fmt.Sprintf("generation %d", m.generation), m.at.Sequence)
		}
		slots[i] = m
	}
	older, newer := slots[0], slots[1]
	if older.generation > newer.generation {
		older, newer = newer, older
	}
	if older.generation+1 != newer.generation || older.at.Sequence > newer.at.Sequence {
		return mark{}, damaged(0, "two slots written one after the other",
			fmt.Sprintf("generations %d and %d, sequences %d and %d", older.generation, newer.generation,
				older.at.Sequence, newer.at.Sequence), newer.at.Sequence)
	}
	return newer, nil
}

// createMark writes a whole new mark file: it is there with both slots or not at all.
func createMark(fs vfs.FS, path string, id *wal.Identity, at wal.Position) error {
	temporary := path + ".new"
	file, err := fs.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	data := make([]byte, markFileBytes)
	encodeMark(data[:markPageBytes], id, mark{generation: 2, at: at})
	encodeMark(data[markPageBytes:], id, mark{generation: 1, at: at})
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := fs.Rename(temporary, path); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(path))
}

// marker owns the open mark file and the goroutine that writes it. The reply
// path only tells it to wake up.
type marker struct {
	file     vfs.File
	path     string
	identity wal.Identity
	written  mark
	page     []byte
	wake     chan struct{}
	stop     chan struct{}
	done     chan struct{}
}

func openMarker(fs vfs.FS, path string, id wal.Identity, at mark) (*marker, error) {
	file, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("open mark %s: %w", path, err)
	}
	if nosyncDefect {
		file = unsyncedFile{file}
	}
	return &marker{file: file, path: path, identity: id, written: at, page: make([]byte, markPageBytes),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}, nil
}

// write makes at durable in the slot whose turn it is.
func (m *marker) write(at wal.Position) error {
	next := mark{generation: m.written.generation + 1, at: at}
	encodeMark(m.page, &m.identity, next)
	if _, err := m.file.WriteAt(m.page, int64(next.generation%2)*markPageBytes); err != nil {
		return fmt.Errorf("write %s: %w", m.path, err)
	}
	if err := m.file.SyncData(); err != nil {
		return fmt.Errorf("sync %s: %w", m.path, err)
	}
	m.written = next
	return nil
}

// run is the mark goroutine: one write whenever the committed position moved,
// at most one an interval, and a last one when stopped.
func (l *Log) runMarker() {
	m := l.marker
	defer close(m.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for stopping := false; ; {
		at := l.position()
		if l.failed() != nil {
			return
		}
		if at.Sequence > m.written.at.Sequence {
			if err := m.write(at); err != nil {
				l.fail(err)
				return
			}
			l.marked.Store(at.Sequence)
			l.options.onMark(at.Sequence)
		}
		if stopping {
			return
		}
		timer.Reset(l.options.markInterval)
		select {
		case <-timer.C:
			select {
			case <-m.wake:
			case <-m.stop:
				stopping = true
			}
		case <-m.stop:
			stopping = true
		}
	}
}

func (m *marker) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// readFile reads at most limit bytes of a file.
func readFile(fs vfs.FS, path string, limit int64) ([]byte, error) {
	file, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, limit))
	return data, errors.Join(err, file.Close())
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
