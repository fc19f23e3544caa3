package state

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/bench/proof"
	"gongji/wal/waltest"
)

// image is what a crash leaves.
type image struct {
	fs      *vfs.MemFS
	durable uint64 // the store said so before the crash
	op      string
}

// crasher takes an image before every file operation that writes.
type crasher struct {
	fs    *vfs.MemFS
	armed atomic.Bool
	store atomic.Pointer[Store]

	mu     sync.Mutex // the injector runs on the store's goroutines
	r      *rand.Rand
	every  int
	ops    int
	images []image
}

func (c *crasher) String() string { return "crasher" }

func (c *crasher) MaybeError(op errorfs.Op) error {
	if !c.armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ops++; c.ops%c.every != 0 {
		return nil
	}
	durable := uint64(0)
	if s := c.store.Load(); s != nil {
		durable = s.DurableSequence()
	}
	percent := []int{0, 0, 100, c.r.IntN(101)}[c.r.IntN(4)]
	clone := c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.r})
	c.images = append(c.images, image{fs: clone, durable: durable, op: fmt.Sprintf("operation %d on %s", op.Kind, op.Path)})
	return nil
}

// live runs the log with a checkpoint every few batches while batches go on, and collects images.
func live(t *testing.T, w *world, fs *vfs.MemFS, seed uint64, every int) *crasher {
	c := &crasher{fs: fs, r: rand.New(rand.NewPCG(seed, 1)), every: every}
	n := openNode(t, w, testOptions(errorfs.Wrap(waltest.NewCrashFS(fs), c)), smallShifts)
	n.check()
	c.store.Store(n.store)
	c.armed.Store(true)
	r := rand.New(rand.NewPCG(seed, 2))
	for n.sequence < uint64(len(w.batches)) {
		n.step()
		if n.current != nil {
			select {
			case <-n.current.Done():
				n.end()
			default:
			}
		}
		if r.IntN(4) == 0 {
			n.end()
			n.begin()
		}
	}
	n.end()
	c.armed.Store(false)
	n.check()
	n.close()
	return c
}

// recoverImage starts from an image: a checkpoint that was durable then is there, and what is loaded is what the log says.
func recoverImage(t *testing.T, w *world, i image, replay bool) (sequence uint64) {
	t.Helper()
	n := openNode(t, w, testOptions(waltest.NewCrashFS(i.fs)), smallShifts)
	if n.sequence < i.durable {
		t.Fatalf("image before %s: loaded sequence %d, durable was %d", i.op, n.sequence, i.durable)
	}
	n.check()
	sequence = n.sequence
	if replay {
		for n.sequence < uint64(len(w.batches)) {
			n.step()
			if n.sequence%10 == 0 {
				n.checkpoint()
			}
		}
		n.replay()
	}
	n.close()
	return sequence
}

// TestCrash crashes before every few file operations of a run with checkpoints, starts from each image, and from some of them runs on and
// crashes again.
// T20: defect_truncate_early.
func TestCrash(t *testing.T) {
	line := proof.New("T4", "state-every-4th-operation").Seed(11)
	w := newWorld(t, 11, 160, 12)
	if !w.freed {
		t.Fatal("vacuous: no row of a visit or line was ever free") // R29: lists of free rows outlive a crash
	}
	c := live(t, w, vfs.NewCrashableMem(), 1, 4)
	sequences := map[uint64]int{}
	replayed, again := 0, 0
	for k, i := range c.images {
		replay := k%12 == 0
		if k%60 == 30 { // crash in the life after a crash
			second := live(t, w, i.fs.CrashClone(vfs.CrashCloneCfg{}), uint64(k), 20)
			for _, j := range second.images {
				recoverImage(t, w, j, false)
				again++
			}
		}
		sequences[recoverImage(t, w, i, replay)]++
		if replay {
			replayed++
		}
	}
	line.Word("operations", c.ops).AtLeast("replayed", int64(replayed), 10).AtLeast("second-lives", int64(again), 30).AtLeast("checkpoints", int64(len(sequences)), 20).
		AtLeast("images", int64(len(c.images)+again), 300).Zero("lost", 0).Fault("crash", int64(len(c.images)+again)).Print(t)
}

// TestOrphanPages: a crash leaves pages of a checkpoint whose record never was. They are not loaded, not kept, and their number is not used again.
func TestOrphanPages(t *testing.T) {
	w := newWorld(t, 12, 80, 20)
	fs := vfs.NewMem()
	n := openNode(t, w, testOptions(fs), smallShifts)
	for range 40 {
		n.step()
	}
	n.checkpoint()
	number := n.store.kept[0].Number + 1
	orphans := 0
	for i := range n.store.kept[0].tables {
		record := &n.store.kept[0].tables[i]
		for p := range record.versions {
			key := appendPageKey(nil, number, record.id, uint32(p))
			rows := make([]byte, rowsIn(record.count, uint(record.shift), p)*int(record.rowSize))
			n.must(n.store.db.Set(key, appendSum(rows, key, rows), pebble.NoSync))
			orphans++
		}
	}
	n.close()

	n = openNode(t, w, testOptions(fs), smallShifts)
	if n.sequence != 40 || orphans < 20 {
		t.Fatalf("loaded %d beside %d orphans", n.sequence, orphans)
	}
	n.check()
	n.must(n.store.scan(func(_, _ []byte, at pageAt) error {
		if at.version == number {
			t.Errorf("page %+v is still there", at)
		}
		return nil
	}))
	n.step() // few pages get dirty
	n.begin()
	c := n.current
	n.end()
	if got := c.Info().Number; got <= number {
		t.Errorf("number %d was used again for %d", number, got)
	}
	n.close()
	n = openNode(t, w, testOptions(fs), smallShifts)
	if n.sequence != 41 {
		t.Fatalf("loaded %d", n.sequence)
	}
	n.check()
	n.replay()
	n.close()
}
