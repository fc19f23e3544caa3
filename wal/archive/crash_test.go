package archive

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/bench/proof"
	"gongji/wal"
	"gongji/wal/pebblelog"
	"gongji/wal/waltest"
)

func openLog(fs vfs.FS) (*pebblelog.Log, error) {
	return pebblelog.Open(logDir, pebblelog.Options{Identity: waltest.Identity, FS: fs, Create: true, OnFatal: func(error) {}})
}

// life is one run of a process: some records, then everything sealed and truncated twice. acked tells how many records are durable.
func life(fs vfs.FS, acked func(uint64)) (err error) {
	log, err := openLog(fs) // begins a log segment of its own
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	a, err := openArchive(fs)
	if err != nil {
		return err
	}
	if _, err := Join(log, a); err != nil {
		return err
	}
	for i := range 2 {
		if err := fill(log, 25); err != nil {
			return err
		}
		acked(log.Committed())
		if _, err := a.Seal(log, Sealing{Through: log.Committed() - 5, Rest: i == 1}); err != nil {
			return err
		}
		if err := log.Truncate(a.Last().Sequence + 1); err != nil {
			return err
		}
	}
	return nil
}

// whole opens what a crash left and demands every acknowledged record, from archive and log together.
func whole(fs vfs.FS, acked uint64) (truncated bool, err error) {
	log, err := openLog(fs)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	a, err := openArchive(fs)
	if err != nil {
		return false, err
	}
	j, err := Join(log, a)
	if err != nil {
		return false, err
	}
	if log.Committed() < acked {
		return false, fmt.Errorf("LOST: acknowledged %d, the log ends at %d", acked, log.Committed())
	}
	if err := a.Verify(); err != nil {
		return false, err
	}
	return log.Base().Sequence > 0, isWhole(j.Read, 1, log.Committed())
}

// TestCrashEveryOperation (T4): a power cut before each file operation of two lives of sealing and truncating, with none, some or all of the unsynced bytes
// on the disk: what was acknowledged is there, in the archive, the log or both, without a gap, and a third life goes on.
func TestCrashEveryOperation(t *testing.T) {
	line := proof.New("T4", "archive")
	var images, truncated, sealed, last int64
	step := max(1, 8/proof.Of(8))
	for cut := 1; ; cut += step {
		mem := vfs.NewCrashableMem()
		var mu sync.Mutex
		var n int
		var acked, then uint64
		var clone *vfs.MemFS
		fs := waltest.NewCrashFS(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
				return nil
			}
			if n++; n == cut {
				clone, then = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: cut * 37 % 101, RNG: rand.New(rand.NewPCG(uint64(cut), 3))}), acked
			}
			return nil
		})))
		note := func(s uint64) { mu.Lock(); acked = s; mu.Unlock() }
		for range 2 {
			must(t, life(fs, note))
		}
		mu.Lock()
		made := clone
		mu.Unlock()
		if made == nil {
			last = int64(n)
			break
		}
		images++
		again := waltest.NewCrashFS(made)
		cutOff, err := whole(again, then)
		if err != nil {
			t.Fatalf("cut before operation %d: %v", cut, err)
		}
		if cutOff {
			truncated++
		}
		must(t, life(again, func(uint64) {}))
		if _, err := whole(again, then); err != nil {
			t.Fatalf("cut before operation %d, after another life: %v", cut, err)
		}
		if a, err := openArchive(again); err == nil && a.Segments() > 0 {
			sealed++
		}
	}
	line.Fault("crash", images).AtLeast("operations", last, 150).AtLeast("truncated", truncated, 1).AtLeast("sealed", sealed, 1).Zero("lost", 0).Print(t)
}

var errPlanted = errors.New("planted")

// TestFaults (T5): every write, sync, create and rename below the archive fails in turn: Seal says so, the log has lost nothing, and when the disk works
// again sealing goes on.
func TestFaults(t *testing.T) {
	line, kinds := proof.New("T5", "archive"), map[errorfs.OpKind]int64{}
	for fail := 1; ; fail++ {
		mem := vfs.NewMem()
		n, broken := 0, false
		var kind errorfs.OpKind
		fs := waltest.NewCrashFS(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.HasPrefix(op.Path, archiveDir) {
				return nil
			}
			if n++; n == fail {
				broken, kind = true, op.Kind
				return errPlanted
			}
			return nil
		})))
		log := memLog(t, 60)
		a, err := openArchive(fs)
		must(t, err)
		_, err = a.Seal(log, Sealing{Through: 60, Rest: true})
		if !broken {
			must(t, err)
			break
		}
		if !errors.Is(err, errPlanted) {
			t.Fatalf("operation %d (%v) failed, Seal said %v", fail, kind, err)
		}
		kinds[kind]++
		must(t, log.Truncate(a.Last().Sequence+1)) // what it says is sealed is
		_, err = a.Seal(log, Sealing{Through: 60, Rest: true})
		must(t, err)
		must(t, log.Truncate(61))
		if a, err = openArchive(mem); err != nil {
			t.Fatalf("operation %d (%v): %v", fail, kind, err)
		}
		j, err := Join(log, a)
		must(t, err)
		must(t, isWhole(j.Read, 1, 60))
	}
	line.Fault("create", kinds[errorfs.OpCreate]).Fault("write", kinds[errorfs.OpFileWrite]).Fault("sync", kinds[errorfs.OpFileSync]).Fault("rename", kinds[errorfs.OpRename]).Print(t)
}

// TestReadBack: what the disk wrote wrongly is found before the segment has its name, so the log is never truncated for it.
func TestReadBack(t *testing.T) {
	fs := lyingFS{vfs.NewMem()}
	a, err := openArchive(fs)
	must(t, err)
	var c *wal.CorruptionError
	if _, err := a.Seal(memLog(t, 60), Sealing{Through: 60, Rest: true}); !errors.As(err, &c) || a.Segments() != 0 {
		t.Errorf("sealed %d segments on a lying disk: %v", a.Segments(), err)
	}
}

// lyingFS changes one bit of each large write, and says nothing.
type lyingFS struct{ vfs.FS }

func (f lyingFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return lyingFile{file}, err
}

type lyingFile struct{ vfs.File }

func (f lyingFile) Write(p []byte) (int, error) {
	b := append([]byte(nil), p...)
	if len(b) > 1000 {
		b[len(b)/2] ^= 1
	}
	return f.File.Write(b)
}
