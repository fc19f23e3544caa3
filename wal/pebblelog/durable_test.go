package pebblelog

import (
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/bench/proof"
	"gongji/wal"
)

// lazyFS forgets to sync segments: what a process writes to it is there for the
// next process and gone after a power cut.
type lazyFS struct{ vfs.FS }

func (f lazyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return lazyFile{file}, err
}

type lazyFile struct{ vfs.File }

func (lazyFile) SyncData() error { return nil }

// TestKilledThenPowerCut: a process is killed with records that it has written
// and not synced; the next one finds them and says they are committed. From then
// on a power cut must not take them.
func TestKilledThenPowerCut(t *testing.T) {
	mem := vfs.NewCrashableMem()
	l, err := Open(logDir, testOptions(newCrashFS(mem)))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	killed, err := Open(logDir, testOptions(lazyFS{newCrashFS(mem)}))
	if err != nil {
		t.Fatal(err)
	}
	var last wal.Commit
	for range 20 {
		if last, err = killed.Append(payloads()[killed.Last()+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := last.Wait(); err != nil {
		t.Fatal(err)
	}
	o := testOptions(newCrashFS(mem)) // another process: another lock
	o.NewMark = true                  // the killed one may just be writing its mark
	next, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	clone := mem.CrashClone(vfs.CrashCloneCfg{})
	if next.Committed() != 20 {
		t.Fatalf("committed %d", next.Committed())
	}
	if _, err := recovered(newCrashFS(clone), 20); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(next.Close(), killed.Close()); err != nil {
		t.Fatal(err)
	}
}

// eagerFS makes a removal durable at once; MemFS alone gives every removed name
// back after a crash, a real disk may do either.
type eagerFS struct{ vfs.FS }

func (f eagerFS) Remove(name string) error {
	return errors.Join(f.FS.Remove(name), syncDir(f.FS, f.FS.PathDir(name)))
}

// TestTruncateCrash: a crash before every operation of a Truncate, with any part
// of the names on the disk, leaves the old base or the new one, and all behind it.
func TestTruncateCrash(t *testing.T) {
	const seed = 31
	line := proof.New("T4", "log-truncate").Seed(seed)
	s := makeSpecimen(t, "used", 300, 1, testSegment, false)
	rng := rand.New(rand.NewPCG(seed, 0))
	crashes, moved := 0, 0
	for round := range 40 {
		for at := 1; ; at++ {
			mem := s.files.restoreDurable(t)
			c := &cloner{mem: mem, rng: rng, at: 1 << 30, pct: 10 + round*2, acked: func() uint64 { return 300 }}
			var fs vfs.FS = newCrashFS(mem)
			if round%2 == 1 {
				fs = eagerFS{fs}
			}
			l, err := Open(logDir, testOptions(errorfs.Wrap(fs, c)))
			if err != nil {
				t.Fatal(err)
			}
			c.mu.Lock()
			c.n, c.at = 0, at
			c.mu.Unlock()
			err = l.Truncate(250)
			if c.clone == nil { // behind the last operation
				c.clone = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.pct, RNG: rng})
				at = -1
			}
			if err := errors.Join(err, l.Close()); err != nil {
				t.Fatal(err)
			}
			clone := newCrashFS(c.clone)
			if l, err = Open(logDir, testOptions(clone)); err != nil {
				t.Fatalf("seed=%d round %d, operation %d of Truncate: %v", seed, round, at, err)
			}
			base := l.base.Load().Sequence
			if err := errors.Join(verifyContent(l), l.Close()); err != nil || base != 0 && base != 249 || at < 0 && base != 249 {
				t.Fatalf("seed=%d round %d, operation %d of Truncate: base %d, %v", seed, round, at, base, err)
			}
			crashes++
			if base == 249 {
				moved++
			}
			if at < 0 {
				break
			}
		}
	}
	line.AtLeast("new-base", int64(moved), 1).AtLeast("old-base", int64(crashes-moved), 1).AtLeast("cuts", int64(crashes), 200).Zero("lost", 0).Fault("crash", int64(crashes)).Print(t)
}

// TestProven (F4): damage that a later chunk proves is refused although the mark
// does not cover it: Pebble's sync offsets, on top of the mark.
func TestProven(t *testing.T) {
	s := makeSpecimen(t, "fresh", 300, 1, segmentBytes, true).withMark(t, 10)
	path := s.walPath(t)
	proved := 0
	for _, at := range placesIn(t, s.files, path) {
		if at.sequence < 20 || at.sequence > 150 {
			continue
		}
		b := []byte(s.files[path])
		b[at.offset+60] ^= 4
		files := maps.Clone(s.files)
		files[path] = string(b)
		var corruption *wal.CorruptionError
		_, err := Open(logDir, testOptions(files.restore(t)))
		if !errors.As(err, &corruption) || corruption.Sequence != at.sequence || corruption.File != path {
			t.Fatalf("record %d of 300 damaged behind the mark: %v", at.sequence, err)
		}
		proved++
	}
	if proved < 100 {
		t.Fatalf("vacuous: %d damaged records", proved)
	}
}

// TestOtherHistory: a segment of another history of the same ledger, with the
// same first sequence, in the place of ours.
func TestOtherHistory(t *testing.T) {
	var histories [2]image
	for i := range histories {
		mem := vfs.NewMem()
		o := testOptions(mem)
		o.SegmentBytes = 10_000
		l, err := Open(logDir, o)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 60 {
			p := make([]byte, 400)
			p[0], p[1] = byte(n), byte(i)
			if _, err := l.Append(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		histories[i] = readImage(t, mem, logDir)
	}
	paths := histories[0].segmentPaths()
	if len(paths) < 3 {
		t.Fatalf("vacuous: %d segments", len(paths))
	}
	for i := 1; i < len(paths); i++ {
		files := maps.Clone(histories[1]) // its mark and its later segments
		for _, path := range paths[:i] {
			files[path] = histories[0][path]
		}
		first := placesIn(t, files, paths[i])[1].sequence
		var corruption *wal.CorruptionError
		_, err := Open(logDir, testOptions(files.restore(t)))
		if !errors.As(err, &corruption) || corruption.Sequence != first || filepath.Base(corruption.File) != filepath.Base(paths[i]) {
			t.Fatalf("from %s on another history: %v", paths[i], err)
		}
	}
}

// TestCheckpointBetween: with records staged over several segments and not yet
// waited for, a copy ends with the committed one.
func TestCheckpointBetween(t *testing.T) {
	fs := vfs.NewMem()
	o := testOptions(fs)
	o.SegmentBytes = 1000 // every record its own segment
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		if _, err := l.Append(make([]byte, 900+n)); err != nil {
			t.Fatal(err)
		}
	}
	committed, segments := l.Committed(), len(l.segments)
	if err := l.Checkpoint("/copy"); err != nil {
		t.Fatal(err)
	}
	c, err := Open("/copy", o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Last() != committed || c.Mark() != committed || committed >= 10 || segments != 10 {
		t.Fatalf("the copy ends at %d, its mark is %d, committed were %d; %d segments", c.Last(), c.Mark(), committed, segments)
	}
	if err := errors.Join(c.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
}
