package pebblelog

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
	"gongji/wal/waltest"
)

// segmentPaths are the segment files of an image, oldest first.
func (im image) segmentPaths() []string {
	return im.paths(func(p string) bool {
		return strings.HasPrefix(p, logDir+"/"+storeName+"/") && strings.HasSuffix(p, segmentSuffix)
	})
}

// placesIn gives sequence and place of every record of a segment, the header first.
func placesIn(t *testing.T, im image, path string) (places []place) {
	t.Helper()
	fs := im.restore(t)
	number, ours := segmentNumber(filepath.Base(path))
	if !ours {
		t.Fatalf("%s is no segment", path)
	}
	in, err := openScanner(fs, filepath.Dir(path), number, 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		raw, err := in.next()
		if err != nil {
			break
		}
		sequence, _, _ := wal.Glance(raw)
		places = append(places, place{sequence, in.begin})
	}
	if err := in.close(); err != nil || len(places) == 0 {
		t.Fatalf("%s: %d records, %v", path, len(places), err)
	}
	return places
}

// TestEndMarkForged (F4): a chunk whose log number becomes the next one reads as
// a clean end, whatever its checksum. At every record, in every segment, this
// must be refused with the record's sequence.
func TestEndMarkForged(t *testing.T) {
	s := makeSpecimen(t, "used", 300, 3, testSegment, true)
	forged := 0
	for _, path := range s.files.segmentPaths() {
		number, _ := segmentNumber(filepath.Base(path))
		for _, at := range placesIn(t, s.files, path) {
			b := []byte(s.files[path])
			b[at.offset+7] = byte(number + 1)
			files := maps.Clone(s.files)
			files[path] = string(b)
			var corruption *wal.CorruptionError
			_, err := Open(logDir, testOptions(files.restore(t)))
			if !errors.As(err, &corruption) || corruption.File != path || at.sequence > 0 && corruption.Sequence != at.sequence {
				t.Fatalf("%s record %d reads as the end: %v", path, at.sequence, err)
			}
			forged++
		}
	}
	if forged < 300 {
		t.Fatalf("vacuous: %d end marks forged", forged)
	}
}

// TestMissingSegment: a segment that is gone is noticed without reading it, also
// when a checkpoint vouches for it, with its first record's sequence.
func TestMissingSegment(t *testing.T) {
	s := makeSpecimen(t, "used", 300, 3, testSegment, false)
	paths := s.files.segmentPaths()
	if len(paths) < 4 {
		t.Fatalf("vacuous: %d segments", len(paths))
	}
	at := s.position(t, 300)
	for i, path := range paths {
		first := uint64(1)
		if i > 0 {
			places := placesIn(t, s.files, paths[i-1])
			first = places[len(places)-1].sequence + 1
		}
		files := maps.Clone(s.files)
		delete(files, path)
		for _, from := range []wal.Position{{}, at} {
			o := testOptions(files.restore(t))
			o.VerifyFrom = from
			var corruption *wal.CorruptionError
			if _, err := Open(logDir, o); !errors.As(err, &corruption) || corruption.Sequence != first && corruption.Sequence != from.Sequence {
				t.Errorf("without %s, which begins with %d, from %d: %v", path, first, from.Sequence, err)
			}
		}
	}
}

// position reads a record's link out of a specimen.
func (s specimen) position(t *testing.T, sequence uint64) wal.Position {
	t.Helper()
	o := testOptions(s.files.restore(t))
	o.ReadOnly = true
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Get(sequence, nil)
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return wal.Position{Sequence: sequence, Link: r.Link}
}

// TestSwappedSegments: two segments under one another's names.
func TestSwappedSegments(t *testing.T) {
	s := makeSpecimen(t, "used", 300, 3, testSegment, false)
	paths := s.files.segmentPaths()
	for i := range len(paths) - 1 {
		files := maps.Clone(s.files)
		files[paths[i]], files[paths[i+1]] = files[paths[i+1]], files[paths[i]]
		if !openDamaged(t, files, s.mark, "swapped "+paths[i]) {
			t.Errorf("%s swapped with the next and accepted", paths[i])
		}
	}
}

// TestForked: a segment that goes on behind where the next one begins is two
// histories, and nobody can say which is right.
func TestForked(t *testing.T) {
	whole := makeSpecimen(t, "whole", 60, 1, segmentBytes, false)
	files := maps.Clone(whole.withMark(t, 20).files)
	path := whole.walPath(t)
	places := placesIn(t, files, path)
	files[path] = files[path][:places[41].offset] // ends with record 40
	fs := files.restore(t)
	o := testOptions(fs)
	l, err := Open(logDir, o)
	if err != nil || l.Last() != 40 {
		t.Fatalf("the shorter log: %v", err)
	}
	c, err := l.Append([]byte("another 41"))
	if err == nil {
		err = c.Wait()
	}
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	forked := readImage(t, fs, logDir)
	forked[path] = whole.files[path] // the longer file comes back
	var corruption *wal.CorruptionError
	if _, err := Open(logDir, testOptions(forked.restore(t))); !errors.As(err, &corruption) || corruption.Sequence != 41 || corruption.File != path {
		t.Fatalf("forked log: %v", err)
	}
}

// TestVerifyFromReads: a start from a checkpoint reads the segments from its own
// on and the headers of the others, no more; damage before it does not stop the
// start, and whoever reads there is told.
func TestVerifyFromReads(t *testing.T) {
	s := makeSpecimen(t, "used", 1000, 1, testSegment, false)
	paths := s.files.segmentPaths()
	at := s.position(t, 999)
	old := placesIn(t, s.files, paths[1])
	b := []byte(s.files[paths[1]])
	b[old[len(old)/2].offset+60] ^= 1
	damaged := old[len(old)/2].sequence
	files := maps.Clone(s.files)
	files[paths[1]] = string(b)
	counting := &countReads{FS: files.restore(t), bytes: map[string]int{}}
	o := testOptions(counting)
	o.VerifyFrom = at
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range paths[:len(paths)-1] {
		if n := counting.bytes[path]; n > blockSize {
			t.Errorf("%d bytes read of %s, segment %d of %d", n, path, i+1, len(paths))
		}
	}
	if len(paths) < 8 || counting.bytes[paths[len(paths)-1]] == 0 {
		t.Fatalf("vacuous: %d segments, reads %v", len(paths), counting.bytes)
	}
	var corruption *wal.CorruptionError
	if err := l.Read(1, func(wal.Record) error { return nil }); !errors.As(err, &corruption) || corruption.Sequence != damaged || corruption.File != paths[1] {
		t.Fatalf("read over the damage at %d: %v", damaged, err)
	}
	if _, err := l.Get(damaged, nil); !errors.As(err, &corruption) || corruption.Sequence != damaged {
		t.Fatalf("the damaged record %d: %v", damaged, err)
	}
	if r, err := l.Get(damaged-1, nil); err != nil || string(r.Payload) != string(payloads()[damaged-1]) {
		t.Fatalf("the record before it: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// countReads counts the bytes read of each file.
type countReads struct {
	vfs.FS
	mu    sync.Mutex
	bytes map[string]int
}

func (c *countReads) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := c.FS.Open(name, o...)
	if err != nil {
		return nil, err
	}
	return &countedFile{file, c, name}, nil
}

func (c *countReads) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.bytes {
		n += b
	}
	return n
}

type countedFile struct {
	vfs.File
	of   *countReads
	name string
}

func (f *countedFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	f.of.mu.Lock()
	f.of.bytes[f.name] += n
	f.of.mu.Unlock()
	return n, err
}

// TestGetReads: a record is found through the index, whether the segment was
// written, scanned at the start, or indexed by the first Get into it.
func TestGetReads(t *testing.T) {
	counting := &countReads{FS: vfs.NewMem(), bytes: map[string]int{}}
	o := Options{Identity: waltest.Identity, FS: counting, Create: true, SegmentBytes: 8 * indexStepBytes}
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	const records, size = 3000, 2000
	var last wal.Commit
	for n := uint64(1); n <= records; n++ {
		if last, err = l.Append(slices.Repeat([]byte{byte(n)}, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := last.Wait(); err != nil {
		t.Fatal(err)
	}
	at := wal.Position{Sequence: records, Link: last.Link()}
	for _, how := range []string{"written", "scanned", "indexed"} {
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range 200 {
			n := 1 + rng.Uint64N(records)
			if how == "indexed" && i < records/100 { // the first ones index every segment
				n = uint64(1 + i*100)
			}
			before := counting.total()
			r, err := l.Get(n, nil)
			if err != nil || r.Payload[0] != byte(n) || len(r.Payload) != size {
				t.Fatalf("%s: Get(%d): %v", how, n, err)
			}
			if read := counting.total() - before; read > indexStepBytes+3*blockSize && (how != "indexed" || i >= records/100) {
				t.Fatalf("%s: Get(%d) read %d bytes", how, n, read)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if how == "scanned" {
			o.VerifyFrom = at
		}
		if l, err = Open(logDir, o); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.segments); n < 3 {
		t.Fatalf("vacuous: %d segments", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTruncateDeletes: whole segments go, the base is kept, and what a crash has
// left of a deletion goes at the next start, in whatever order it came back.
func TestTruncateDeletes(t *testing.T) {
	s := makeSpecimen(t, "used", 300, 1, testSegment, false)
	before := s.files.segmentPaths()
	fs := s.files.restore(t)
	l, err := Open(logDir, testOptions(fs))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Truncate(250), l.Close()); err != nil {
		t.Fatal(err)
	}
	files := readImage(t, fs, logDir)
	after := files.segmentPaths()
	if first := placesIn(t, files, after[0]); len(after) >= len(before) || len(first) < 2 || first[1].sequence > 250 || first[len(first)-1].sequence < 250 {
		t.Fatalf("%d segments before, %d after, the first one begins with %v", len(before), len(after), first[:2])
	}
	for i, path := range before { // one deleted segment is still there
		if _, kept := files[path]; kept {
			continue
		}
		restored := maps.Clone(files)
		restored[path] = s.files[path]
		fs := restored.restore(t)
		l, err := Open(logDir, testOptions(fs))
		if err != nil {
			t.Fatalf("with %s: %v", path, err)
		}
		if first := l.base.Load().Sequence + 1; first != 250 {
			t.Fatalf("with %s: kept from %d", path, first)
		}
		if err := errors.Join(verifyContent(l), l.Close()); err != nil {
			t.Fatalf("segment %d came back: %v", i, err)
		}
		if _, left := readImage(t, fs, logDir)[path]; left {
			t.Fatalf("%s was not deleted", path)
		}
	}
}

// TestReservedSpace: the disk space of a segment is reserved when it begins, and
// what it did not use is given back, also after a kill.
func TestReservedSpace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	counting := &countReserved{FS: vfs.Default}
	o := Options{Identity: waltest.Identity, FS: counting, Create: true}
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Append(make([]byte, 1000))
	if err == nil {
		err = c.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, storeName, segmentName(1))
	killed := allocated(t, path)
	if err := syncFile(vfs.Default, path); err != nil { // what the start after a kill does
		t.Fatal(err)
	}
	if n := allocated(t, path); n > 1<<20 || n < 1000 {
		t.Fatalf("%d bytes allocated after a kill, %d before", n, killed)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(dir, o); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := allocated(t, filepath.Join(dir, storeName, segmentName(2))); n > 1<<20 {
		t.Fatalf("%d bytes allocated after Close", n)
	}
	if counting.n.Load() != 2*segmentBytes {
		t.Fatalf("%d bytes reserved in all", counting.n.Load())
	}
}

func allocated(t *testing.T, path string) int64 {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Blocks * 512
}

// TestReservationFails: a disk that is full in the middle of a reservation keeps what it gave until then, and the log gives that back.
func TestReservationFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	partial := &partlyReserved{FS: vfs.Default}
	l, err := Open(dir, Options{Identity: waltest.Identity, FS: partial, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := allocated(t, filepath.Join(dir, storeName, segmentName(1))); n > 1<<20 || partial.n.Load() == 0 {
		t.Errorf("%d bytes allocated, %d reservations failed", n, partial.n.Load())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// partlyReserved fails every reservation in the middle.
type partlyReserved struct {
	vfs.FS
	n atomic.Int64
}

func (p *partlyReserved) Create(name string, k vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := p.FS.Create(name, k)
	if err != nil {
		return nil, err
	}
	return &partFile{file, p}, nil
}

type partFile struct {
	vfs.File
	of *partlyReserved
}

func (f *partFile) Preallocate(offset, n int64) error {
	f.of.n.Add(1)
	return errors.Join(f.File.Preallocate(offset, n/2), syscall.ENOSPC)
}

type countReserved struct {
	vfs.FS
	n atomic.Int64
}

func (c *countReserved) Create(name string, k vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := c.FS.Create(name, k)
	if err != nil {
		return nil, err
	}
	return &reservedFile{file, c}, nil
}

type reservedFile struct {
	vfs.File
	of *countReserved
}

func (f *reservedFile) Preallocate(offset, n int64) error {
	f.of.n.Add(n)
	return f.File.Preallocate(offset, n)
}

// TestConcurrent: reading, truncating and copying while records are appended and
// segments rotate; for the race detector, and every answer is checked.
func TestConcurrent(t *testing.T) {
	fs := newCrashFS(vfs.NewMem())
	l, err := Open(logDir, testOptions(fs))
	if err != nil {
		t.Fatal(err)
	}
	const records = 3000 / slowed
	var done atomic.Bool
	var reads, gets, truncates, copies atomic.Int64
	var group sync.WaitGroup
	fails := make(chan error, 8)
	during := func(count *atomic.Int64, one func(rng *rand.Rand) error) {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(len(fails)), 3))
			for !done.Load() || count.Load() == 0 {
				if err := one(rng); err != nil && !errors.Is(err, wal.ErrTruncated) && !errors.Is(err, wal.ErrNotFound) {
					fails <- err
					return
				}
			}
		})
	}
	during(&reads, func(rng *rand.Rand) error {
		next := l.base.Load().Sequence + 1 + rng.Uint64N(20)
		return l.Read(next, func(r wal.Record) error {
			if r.Sequence != next || string(r.Payload) != string(payloads()[next]) {
				return fmt.Errorf("record %d in the place of %d", r.Sequence, next)
			}
			next++
			reads.Add(1)
			return nil
		})
	})
	during(&gets, func(rng *rand.Rand) error {
		r, err := l.Get(1+rng.Uint64N(l.Committed()+1), nil)
		if err == nil && string(r.Payload) != string(payloads()[r.Sequence]) {
			return fmt.Errorf("record %d has other bytes", r.Sequence)
		} else if err == nil {
			gets.Add(1)
		}
		return err
	})
	during(&truncates, func(rng *rand.Rand) error {
		base := l.base.Load()
		err := l.Truncate(l.Committed() - min(l.Committed(), 200+rng.Uint64N(200)))
		if l.base.Load() != base {
			truncates.Add(1)
		}
		return err
	})
	during(&copies, func(rng *rand.Rand) error {
		dir := fmt.Sprintf("/copy%d", copies.Load())
		if err := l.Checkpoint(dir); err != nil {
			return err
		}
		o := testOptions(fs)
		o.ReadOnly = true
		c, err := Open(dir, o)
		if err != nil {
			return err
		}
		copies.Add(1)
		return errors.Join(verifyContent(c), c.Close(), fs.RemoveAll(dir))
	})
	for range records {
		if _, err := l.Append(payloads()[l.Last()+1]); err != nil {
			t.Fatal(err)
		}
	}
	done.Store(true)
	group.Wait()
	close(fails)
	for err := range fails {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records, %d read, %d got, %d truncations, %d copies", records, reads.Load(), gets.Load(), truncates.Load(), copies.Load())
}
