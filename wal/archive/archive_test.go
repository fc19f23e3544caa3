package archive

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"

	"gongji/bench/proof"
	"gongji/wal"
	"gongji/wal/waltest"
)

// TestSealed: what is sealed is read as it was written, from the archive alone, record by record, and through both when the log has forgotten it; complete
// segments only, unless the rest is asked for. (design.md 7, Truncation)
func TestSealed(t *testing.T) {
	fs := vfs.NewMem()
	log := memLog(t, 100)
	a, err := openArchive(fs)
	must(t, err)
	n, err := a.Seal(log, Sealing{Through: 90})
	must(t, err)
	at := a.Last().Sequence
	if n < 3 || at > 90 || at < 60 {
		t.Fatalf("%d segments to record %d", n, at)
	}
	must(t, isWhole(a.Read, 1, at))
	must(t, log.Truncate(at-5)) // an overlap
	j, err := Join(log, a)
	must(t, err)
	must(t, isWhole(j.Read, 1, 100))
	must(t, log.Truncate(at+1))
	n, err = a.Seal(log, Sealing{Through: 90, Rest: true})
	must(t, err)
	if at = a.Last().Sequence; n == 0 || at != 90 {
		t.Fatalf("sealed the rest to %d in %d segments", at, n)
	}
	must(t, log.Truncate(91))
	a, err = openArchive(fs) // as another process finds it
	must(t, err)
	j, err = Join(log, a)
	must(t, err)
	for from := uint64(0); from <= 101; from += 7 {
		must(t, isWhole(j.Read, max(from, 1), 100))
	}
	must(t, isWhole(func(_ uint64, visit func(wal.Record) error) error { return j.ReadThrough(visit) }, 1, 100))
	for s := uint64(1); s <= 100; s++ {
		r, err := j.Get(s, []byte("before"))
		must(t, err)
		if r.Sequence != s || string(r.Payload) != string(payload(s)) {
			t.Errorf("Get(%d) gave %d, %d bytes", s, r.Sequence, len(r.Payload))
		}
	}
	for _, s := range []uint64{0, 101} {
		if _, err := j.Get(s, nil); err == nil {
			t.Errorf("Get(%d) found something", s)
		}
	}
	must(t, fill(j, 10)) // a Joined is a log
	must(t, isWhole(j.Read, 1, 110))
}

// TestRefusesVisit: the visitor's error ends the reading, and is not taken for a truncated log's.
func TestRefusesVisit(t *testing.T) {
	log := memLog(t, 40)
	a, err := openArchive(vfs.NewMem())
	must(t, err)
	_, err = a.Seal(log, Sealing{Through: 40, Rest: true})
	must(t, err)
	must(t, log.Truncate(21))
	j, err := Join(log, a)
	must(t, err)
	for _, stop := range []uint64{5, 30} {
		visited := uint64(0)
		err := j.Read(1, func(r wal.Record) error {
			if visited = r.Sequence; visited == stop {
				return fmt.Errorf("no more: %w", wal.ErrTruncated)
			}
			return nil
		})
		if visited != stop || !errors.Is(err, wal.ErrTruncated) {
			t.Errorf("stopped at %d with %v", visited, err)
		}
	}
}

// image is every file of an archive.
type image map[string]string

func imageOf(t *testing.T, fs vfs.FS) image {
	im := image{}
	names, err := fs.List(archiveDir)
	must(t, err)
	for _, n := range names {
		f, err := fs.Open(fs.PathJoin(archiveDir, n))
		must(t, err)
		b, err := io.ReadAll(f)
		must(t, err)
		must(t, f.Close())
		im[n] = string(b)
	}
	return im
}

func (im image) restore(t *testing.T) vfs.FS {
	fs := vfs.NewMem()
	must(t, fs.MkdirAll(archiveDir, 0o700))
	for n, b := range im {
		f, err := fs.Create(fs.PathJoin(archiveDir, n), vfs.WriteCategoryUnspecified)
		must(t, err)
		_, err = f.Write([]byte(b))
		must(t, errors.Join(err, f.Close()))
	}
	return fs
}

// found opens an archive and reads it through with its log.
func found(fs vfs.FS, log wal.Log) error {
	a, err := openArchive(fs)
	if err != nil {
		return err
	}
	j, err := Join(log, a)
	if err != nil {
		return err
	}
	return j.ReadThrough(func(wal.Record) error { return nil })
}

// TestDamage (T14, P18): whatever is wrong with an archive, reading it through says so, with file and sequence: a bit, a page, a cut, bytes behind the end, a
// segment gone, swapped, or of another time or ledger.
func TestDamage(t *testing.T) {
	line := proof.New("T14", "archive")
	log := memLog(t, 120)
	mem := vfs.NewMem()
	a, err := openArchive(mem)
	must(t, err)
	_, err = a.Seal(log, Sealing{Through: 110, Rest: true})
	must(t, err)
	must(t, log.Truncate(111))
	whole := imageOf(t, mem)
	must(t, found(whole.restore(t), log))
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range whole {
			if !yield(n) {
				return
			}
		}
	})
	refused := map[string]int64{}
	check := func(kind string, im image, file string) {
		t.Helper()
		err := found(im.restore(t), log)
		var c *wal.CorruptionError
		if !errors.As(err, &c) || c.Sequence == 0 || !strings.Contains(c.File, file) {
			t.Errorf("%s of %s: %v", kind, file, err)
			return
		}
		refused[kind]++
	}
	change := func(kind, file, content string) {
		t.Helper()
		im := image{}
		for n, b := range whole {
			im[n] = b
		}
		im[file] = content
		check(kind, im, file)
	}
	step := 280 / proof.Of(20) // bytes between two flips
	for _, file := range names {
		b := whole[file]
		for at := 0; at < len(b); at += step {
			flipped := []byte(b)
			flipped[at] ^= 1 << (at % 8)
			change("flip", file, string(flipped))
		}
		for _, n := range []int{0, 1, headerBytes, len(b) / 2, len(b) - sealBytes, len(b) - 1} {
			change("cut", file, b[:n])
		}
		for at := 0; at < len(b); at += 512 {
			page := min(512, len(b)-at)
			zeroed := b[:at] + strings.Repeat("\x00", page) + b[at+page:]
			if zeroed != b {
				change("page", file, zeroed)
			}
		}
		change("longer", file, b+"x")
		change("longer", file, b+b)
	}
	for i, file := range names[:len(names)-1] {
		im := image{}
		for n, b := range whole {
			if n != file {
				im[n] = b
			}
		}
		check("missing", im, file)
		change("swapped", file, whole[names[i+1]])
	}
	change("cut-elsewhere", names[1], whole.again(t, names[1], testSegment*2/3, zstd.SpeedDefault))
	change("packed-again", names[1], whole.again(t, names[1], testSegment, zstd.SpeedBestCompression))
	for kind, n := range refused {
		line.Fault(kind, n)
	}
	line.Zero("silent", 0).AtLeast("segments", int64(len(names)), 4).Print(t)
	delete(whole, names[len(names)-1]) // nothing in the archive tells of its end: the log does
	if err := found(whole.restore(t), log); !errors.Is(err, ErrGap) {
		t.Errorf("without the newest segment: %v", err)
	}
	testForeign(t, whole, log)
}

// again is a segment of another archive of the same log: sound by itself.
func (im image) again(t *testing.T, name string, segmentBytes int64, level zstd.EncoderLevel) string {
	fs := vfs.NewMem()
	a, err := Open(archiveDir, Options{Identity: waltest.Identity, FS: fs, Create: true, SegmentBytes: segmentBytes})
	must(t, err)
	a.packer, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level))
	must(t, err)
	_, err = a.Seal(memLog(t, 120), Sealing{Through: 110, Rest: true})
	must(t, err)
	out := imageOf(t, fs)[name]
	if out == "" || out == im[name] {
		t.Fatal("vacuous: the same segment")
	}
	return out
}

// testForeign: the archive of another ledger or directory is refused by name, whole or a segment of it.
func testForeign(t *testing.T, im image, log wal.Log) {
	for _, id := range []wal.Identity{{Ledger: wal.ID{9}, Directory: waltest.Identity.Directory}, {Ledger: waltest.Identity.Ledger, Directory: wal.ID{9}}} {
		if _, err := Open(archiveDir, Options{Identity: id, FS: im.restore(t)}); !errors.Is(err, wal.ErrForeign) {
			t.Errorf("opened with %v", err)
		}
	}
	shorter := memLog(t, 30)
	a, err := openArchive(im.restore(t))
	must(t, err)
	if _, err := Join(shorter, a); err == nil {
		t.Error("joined with a log that ends before the archive")
	}
	j, err := JoinCopy(shorter, a)
	must(t, err)
	must(t, isWhole(j.Read, 1, 30))
	must(t, shorter.Truncate(21))
	must(t, isWhole(j.Read, 1, 30))
	must(t, isWhole(func(_ uint64, visit func(wal.Record) error) error { return j.ReadThrough(visit) }, 1, 30))
	stranger := memLog(t, 30)
	_, err = stranger.Append(payload(1))
	must(t, err)
	must(t, fill(stranger, 1))
	if _, err := JoinCopy(stranger, a); err == nil {
		t.Error("joined with a log of another history")
	}
}

// TestGap: an archive that ends before the log begins can neither be joined nor gone on with.
func TestGap(t *testing.T) {
	log := memLog(t, 60)
	must(t, log.Truncate(31))
	a, err := openArchive(vfs.NewMem())
	must(t, err)
	if _, err := a.Seal(log, Sealing{Through: 60, Rest: true}); !errors.Is(err, ErrGap) {
		t.Errorf("sealed with %v", err)
	}
	if _, err := Join(log, a); !errors.Is(err, ErrGap) {
		t.Errorf("joined with %v", err)
	}
}

// TestMissingDirectory: an archive that is not there (a disk not mounted) is no empty one, unless it may be made.
func TestMissingDirectory(t *testing.T) {
	if _, err := Open(archiveDir, Options{Identity: waltest.Identity, FS: vfs.NewMem()}); err == nil {
		t.Error("opened an archive that is not there")
	}
}

// TestCancel: sealing that is cut short leaves what was sealed, and nothing that reads as a segment.
func TestCancel(t *testing.T) {
	fs := vfs.NewMem()
	a, err := openArchive(fs)
	must(t, err)
	cancel := make(chan struct{})
	close(cancel)
	if _, err := a.Seal(memLog(t, 60), Sealing{Through: 60, Cancel: cancel}); !errors.Is(err, ErrCancelled) {
		t.Errorf("ended with %v", err)
	}
	if a, err = openArchive(fs); err != nil || a.Segments() != 0 {
		t.Errorf("%d segments, %v", a.Segments(), err)
	}
}
