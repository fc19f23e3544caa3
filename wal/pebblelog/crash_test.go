package pebblelog

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/bench/proof"
	"gongji/wal"
)

const crashClones = 600 // reliability.md T4 wants 3,000 of the whole engine; this is the log's share

// TestCrashClones (T4): power cuts at random moments of a running log, with 0 to
// 100 % of the unsynced pages on the disk. Catches: no sync, sync not waited
// for, truncation before durability, a start-up path that cuts too much.
// T20: defect_nosync.
func TestCrashClones(t *testing.T) {
	seed := proof.Seed(20261122)
	line := proof.New("T4", "log-clones").Seed(seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	mem := vfs.NewCrashableMem()
	run := startWriter(t, newCrashFS(mem))
	var torn, replayed, most uint64
	for i := range crashClones {
		run.advance(t)
		acked := run.acked.Load() // before the clone
		clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: i % 101, RNG: rng})
		last, err := recovered(newCrashFS(clone), acked)
		if err != nil {
			t.Fatalf("seed=%d clone %d (%d %% unsynced kept): %v", seed, i, i%101, err)
		}
		if last > acked {
			torn++
		}
		replayed += last
		most = max(most, last)
	}
	ops, acked := run.stopWriter(t)
	line.Word("ops", ops).AtLeast("acked", int64(acked), crashClones).Word("checked", replayed).Word("with-more-than-acked", torn).Word("longest", most).
		Zero("lost", 0).Fault("crash", crashClones).Print(t)
}

// writer appends, waits some records behind, and truncates now and then.
type writer struct {
	acked    atomic.Uint64
	progress chan struct{}
	stop     chan struct{}
	done     sync.WaitGroup
	ops      uint64
	err      error
}

func startWriter(t *testing.T, fs vfs.FS) *writer {
	l, err := Open(logDir, testOptions(fs))
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{progress: make(chan struct{}), stop: make(chan struct{})}
	w.done.Go(func() { w.err = w.run(l) })
	return w
}

func (w *writer) run(l *Log) error {
	var pending []wal.Commit
	for {
		select {
		case <-w.stop:
			return l.Close()
		case w.progress <- struct{}{}:
		}
		for range 4 {
			sequence := l.Last() + 1
			if sequence >= payloadsMax {
				continue
			}
			c, err := l.Append(payloads()[sequence])
			if err != nil {
				return err
			}
			w.ops++
			if pending = append(pending, c); len(pending) < 3 {
				continue
			}
			if err := pending[0].Wait(); err != nil {
				return err
			}
			w.acked.Store(pending[0].Sequence())
			pending = pending[1:]
			if sequence%400 == 0 {
				if err := l.Truncate(sequence - 300); err != nil {
					return err
				}
			}
		}
	}
}

// advance lets the writer begin another few records; it runs on meanwhile.
func (w *writer) advance(t *testing.T) {
	select {
	case <-w.progress:
	case <-time.After(time.Minute):
		t.Fatal("the writer hangs")
	}
}

func (w *writer) stopWriter(t *testing.T) (ops, acked uint64) {
	close(w.stop)
	w.done.Wait()
	if w.err != nil {
		t.Fatal(w.err)
	}
	return w.ops, w.acked.Load()
}

// cloner is an injector that takes a crash clone before operation number at.
type cloner struct {
	mem   *vfs.MemFS
	rng   *rand.Rand
	at, n int
	pct   int
	acked func() uint64

	mu      sync.Mutex
	clone   *vfs.MemFS
	ackedAt uint64
}

func (c *cloner) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n++; c.n == c.at {
		c.ackedAt = c.acked()
		c.clone = c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.pct, RNG: c.rng})
	}
	return nil
}

func (c *cloner) String() string { return "cloner" }

// script creates a log, fills it over several segments, truncates, closes,
// opens it again and goes on.
func script(fs vfs.FS, acked *atomic.Uint64) error {
	for range 2 {
		l, err := Open(logDir, testOptions(fs))
		if err != nil {
			return err
		}
		for range 40 {
			c, err := l.Append(payloads()[l.Last()+1])
			if err != nil {
				return err
			}
			if err := c.Wait(); err != nil {
				return err
			}
			acked.Store(c.Sequence())
		}
		if err := l.Truncate(l.Last() - 20); err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// TestCrashEveryOperation (T4, second form): a crash before each file operation
// of a script, creation included; and for a part of them a second crash before
// each operation of the recovery, which must end where the first one did.
func TestCrashEveryOperation(t *testing.T) {
	const seed = 7
	line := proof.New("T4", "log-every-operation").Seed(seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	crashes, nested := 0, 0
	for at := 1; ; at++ {
		mem, acked := vfs.NewCrashableMem(), new(atomic.Uint64)
		c := &cloner{mem: mem, rng: rng, at: at, pct: []int{0, 100, 50, 20}[at%4], acked: acked.Load}
		if err := script(errorfs.Wrap(newCrashFS(mem), c), acked); err != nil {
			t.Fatal(err)
		}
		if c.clone == nil {
			break
		}
		crashes++
		if at%4 == 0 {
			nested += crashRecovery(t, c.clone, c.ackedAt, rng)
		}
		last, err := recovered(newCrashFS(c.clone), c.ackedAt)
		if err != nil {
			t.Fatalf("seed=%d crash before operation %d: %v", seed, at, err)
		}
		if again, err := recovered(newCrashFS(c.clone), last); err != nil || again != last {
			t.Fatalf("seed=%d crash before operation %d: opened again: ends at %d, was %d: %v", seed, at, again, last, err)
		}
	}
	line.AtLeast("cuts", int64(crashes), 200).AtLeast("cuts-in-recovery", int64(nested), 200).Zero("lost", 0).
		Fault("crash", int64(crashes)).Fault("crash-in-recovery", int64(nested)).Print(t)
}

// crashRecovery crashes the recovery of one image before each of its operations.
func crashRecovery(t *testing.T, base *vfs.MemFS, acked uint64, rng *rand.Rand) (crashes int) {
	full := vfs.CrashCloneCfg{}
	want, err := recovered(newCrashFS(base.CrashClone(full)), acked)
	if err != nil {
		t.Fatal(err)
	}
	for at := 1; ; at++ {
		mem := base.CrashClone(full) // everything in it is durable
		c := &cloner{mem: mem, rng: rng, at: at, pct: []int{0, 100, 50}[at%3], acked: func() uint64 { return acked }}
		if _, err := recovered(errorfs.Wrap(newCrashFS(mem), c), acked); err != nil {
			t.Fatal(err)
		}
		if c.clone == nil {
			return crashes
		}
		crashes++
		if last, err := recovered(newCrashFS(c.clone), acked); err != nil || last != want {
			t.Fatalf("crash before operation %d of a recovery: ends at %d, first recovery at %d: %v", at, last, want, err)
		}
	}
}

var _ fmt.Stringer = (*cloner)(nil)
