package pebblelog

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/proof"
	"gongji/wal"
	"gongji/wal/waltest"
)

// withMark puts a mark at an earlier record into the image: what lies behind it
// was never acknowledged.
func (s specimen) withMark(t *testing.T, sequence uint64) specimen {
	var link wal.Link
	id := waltest.Identity
	for n := uint64(1); n <= sequence; n++ {
		_, link = wal.AppendRecord(nil, &id, n, link, payloads()[n])
	}
	fs := s.files.restore(t)
	if err := createMark(fs, logDir+"/"+markName, &id, wal.Position{Sequence: sequence, Link: link}); err != nil {
		t.Fatal(err)
	}
	return specimen{name: s.name, files: readImage(t, fs, logDir), mark: sequence}
}

type torn struct {
	dropped int64
	last    uint64
	calls   int
}

func openTorn(t *testing.T, files image) (*Log, vfs.FS, torn) {
	t.Helper()
	var told torn
	fs := files.restore(t)
	o := testOptions(fs)
	o.OnTornTail = func(n int64, last uint64) { told = torn{n, last, told.calls + 1} }
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l, fs, told
}

// TestTornTail (P19): a cut behind the mark starts, drops only what was not
// acknowledged, says how many bytes, and keeps a copy of the file.
func TestTornTail(t *testing.T) {
	s := makeSpecimen(t, "fresh", 100, 1, segmentBytes, true).withMark(t, 90)
	path := s.walPath(t)
	whole := s.files[path]
	size := int64(len(payloads()[100])) + wal.HeaderBytes // of the last record, about
	for _, cut := range []int{1, 7, int(size) - 1} {
		files := maps.Clone(s.files)
		files[path] = whole[:len(whole)-cut]
		l, fs, told := openTorn(t, files)
		if told.calls != 1 || told.last != 99 || told.dropped < size-int64(cut) || told.dropped > size-int64(cut)+100 {
			t.Fatalf("cut by %d bytes of a record of about %d: told %+v", cut, size, told)
		}
		if l.Last() != 99 {
			t.Fatalf("log ends at %d", l.Last())
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		kept := readImage(t, fs, logDir+"/"+tornName)
		if len(kept) != 1 || kept[kept.paths(func(string) bool { return true })[0]] != files[path] {
			t.Fatal("no exact copy of the torn file")
		}
	}
}

// TestTornCopiesBounded: a crash loop keeps the newest copies only.
func TestTornCopiesBounded(t *testing.T) {
	s := makeSpecimen(t, "fresh", 100, 1, segmentBytes, true).withMark(t, 10)
	path := s.walPath(t)
	files := maps.Clone(s.files)
	for n := range 3 * tornCopiesMax {
		files[logDir+"/"+tornName+"/"+strings.Repeat("0", 19)+string(rune('a'+n))+"-000004.log"] = "old"
	}
	files[path] = files[path][:len(files[path])-3]
	l, fs, _ := openTorn(t, files)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	kept := readImage(t, fs, logDir+"/"+tornName)
	if len(kept) != tornCopiesMax || slices.Index(slices.Collect(maps.Values(kept)), files[path]) < 0 {
		t.Fatalf("%d copies kept, want %d with the new one", len(kept), tornCopiesMax)
	}
}

// TestKilled: a log that was killed has no torn tail at any moment, whatever the
// segment; a damaged record at its end is one. And no file is ever reused: bytes
// of an older segment behind the end could be taken for a torn tail.
func TestKilled(t *testing.T) {
	mem := vfs.NewMem()
	o := testOptions(mem)
	reused := &countReuse{FS: mem}
	o.FS = reused
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	killed, damaged := 0, 0
	for range 400 {
		c, err := l.Append(payloads()[l.Last()+1])
		if err == nil {
			err = c.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
		if l.Last()%7 != 0 {
			continue
		}
		s := specimen{name: "killed", files: settled(t, l, mem)}
		last, told := openSpecimen(t, s)
		if told.calls != 0 || last != l.Last() {
			t.Fatalf("killed at %d: the log ends at %d, told %+v", l.Last(), last, told)
		}
		killed++
		if l.Last()%3 == 0 {
			damaged += damageLast(t, s.withMark(t, l.Last()-1), l.Last())
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if reused.n != 0 || killed < 20 || damaged < 10 {
		t.Fatalf("%d files reused, %d kills, %d damaged", reused.n, killed, damaged)
	}
}

// settled takes the files of a running log when the mark has caught up.
func settled(t *testing.T, l *Log, mem vfs.FS) image {
	for l.Mark() < l.Committed() {
		l.marker.signal()
	}
	return readImage(t, mem, logDir)
}

func openSpecimen(t *testing.T, s specimen) (uint64, torn) {
	t.Helper()
	l, _, told := openTorn(t, s.files)
	defer l.Close()
	if err := verifyContent(l); err != nil {
		t.Fatal(err)
	}
	return l.Last(), told
}

func damageLast(t *testing.T, s specimen, last uint64) (damaged int) {
	t.Helper()
	for path, data := range s.files {
		at := strings.Index(data, string(payloads()[last]))
		if kindOf(path) != "segment" || at < 0 {
			continue
		}
		b := []byte(data)
		b[at+3] ^= 1
		s.files[path] = string(b)
		end, told := openSpecimen(t, s)
		if told.calls != 1 || told.last != last-1 || end != last-1 || told.dropped < int64(len(payloads()[last])) {
			t.Fatalf("record %d damaged: the log ends at %d, told %+v", last, end, told)
		}
		damaged++
	}
	return damaged
}

type countReuse struct {
	vfs.FS
	n int
}

func (c *countReuse) ReuseForWrite(from, to string, k vfs.DiskWriteCategory) (vfs.File, error) {
	c.n++
	return c.FS.ReuseForWrite(from, to, k)
}

// TestTornAgain: a log that was torn goes on in a new segment, and the torn bytes
// stay behind the old one's end for ever. Torn again and again, nothing that was
// whole is lost, and a crash at any operation of any of these recoveries leaves
// a log that ends at the same record.
func TestTornAgain(t *testing.T) {
	const seed = 9
	line := proof.New("T4", "log-torn-again").Seed(seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s := makeSpecimen(t, "fresh", 60, 1, segmentBytes, true)
	crashes := 0
	for round := range uint64(4) {
		s = s.withMark(t, s.mark-3)
		path := s.walPath(t)
		s.files[path] = s.files[path][:len(s.files[path])-9]
		mem := s.files.restoreDurable(t)
		n := crashRecovery(t, mem, s.mark, rng)
		if n == 0 {
			t.Fatal("vacuous: no crash during recovery")
		}
		crashes += n
		fs := newCrashFS(mem)
		calls, end := 0, s.mark+2
		o := testOptions(fs)
		o.OnTornTail = func(_ int64, last uint64) { calls++ }
		o.markInterval = 1
		marks := make(chan uint64, 100)
		o.onMark = func(m uint64) { marks <- m }
		l, err := Open(logDir, o)
		if err != nil || l.Last() != end || calls != 1 {
			t.Fatalf("round %d: ends at %d, want %d, told %d times: %v", round, l.Last(), end, calls, err)
		}
		for range 10 {
			c, err := l.Append(payloads()[l.Last()+1])
			if err == nil {
				err = c.Wait()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for m := uint64(0); m < end+10; m = <-marks {
		}
		s.files, s.mark = readImage(t, mem.CrashClone(vfs.CrashCloneCfg{}), logDir), end+10
		if err := errors.Join(verifyContent(l), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.files.segmentPaths()); n != 5 {
		t.Fatalf("%d segments", n)
	}
	line.Word("acked", s.mark).Zero("lost", 0).Fault("torn", 4).Fault("crash-in-recovery", int64(crashes)).Print(t)
}
