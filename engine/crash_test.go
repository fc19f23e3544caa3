package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/bench/proof"
	"gongji/engine"
	"gongji/wal/waltest"
)

const (
	crashClones     = 1200 // reliability.md T4 asks for 3,000 in all three forms
	crashOperations = 1200
	crashRecoveries = 900
	lifeClones      = 60 // of one ledger: its log stays short
	crashWriters    = 6
	checkers        = 2 // the machine's cores
)

// A cut is what a power cut has left, and what must be in it.
type cut struct {
	image *vfs.MemFS
	keys  []byte // the key file then; nil: there was none
	acked uint64
	mark  uint64 // durable in the mark file then
	wall  int64
	what  string
	want  *engine.Totals // a recovery that had ended so must end so again; nil: any

	was engine.Recovered // filled by the checker
}

// judge recovers images, several at a time, and keeps what was found until the reference is known.
type judge struct {
	t    *testing.T
	dir  string
	in   chan *cut
	done sync.WaitGroup
	mu   sync.Mutex
	cuts []*cut
}

func newJudge(t *testing.T) *judge {
	j := &judge{t: t, dir: t.TempDir(), in: make(chan *cut, checkers)}
	for range checkers {
		j.done.Go(func() {
			for c := range j.in {
				j.try(c)
			}
		})
	}
	return j
}

func (j *judge) try(c *cut) {
	mark, err := c.mark, error(nil)
	if c.mark > 0 {
		mark, err = engine.MarkOf(newMachine(waltest.NewCrashFS(c.image), "", 0).options(nil))
	}
	if err != nil || mark < c.mark {
		j.t.Errorf("%s: the mark is %d, it was durable at %d: %v", c.what, mark, c.mark, err) // F4
	}
	was, _, err := recoverTwice(c.image, j.dir, c.keys, c.wall, nil)
	switch {
	case err != nil:
		j.t.Errorf("%s: %v", c.what, err)
	case was.Sequence < c.acked:
		j.t.Errorf("%s: LOST: acknowledged to %d, recovered to %d", c.what, c.acked, was.Sequence)
	case was.Sum != 0:
		j.t.Errorf("%s: the trial balance is %d", c.what, was.Sum) // P1
	case c.want != nil && !same(&was, c.want):
		j.t.Errorf("%s: recovered %d %x, the first recovery had %d %x", c.what, was.Sequence, was.StateHash[:4], c.want.Sequence, c.want.StateHash[:4])
	}
	c.was, c.image = was, nil
	j.mu.Lock()
	j.cuts = append(j.cuts, c)
	j.mu.Unlock()
}

// end waits for all images and compares each with the reference: the prefix of the log that the uncut run has left.
func (j *judge) end(reference []engine.Recovered) (cuts []*cut, ahead int) {
	close(j.in)
	j.done.Wait()
	for _, c := range j.cuts {
		if c.was.Sequence >= uint64(len(reference)) {
			j.t.Errorf("%s: recovered to %d, the whole log ends at %d", c.what, c.was.Sequence, len(reference)-1)
		} else if want := reference[c.was.Sequence]; c.was != want && !j.t.Failed() {
			j.t.Errorf("%s: recovered %+v, the log's prefix gives %+v", c.what, c.was, want)
		}
		if c.was.Sequence > c.acked {
			ahead++
		}
	}
	return j.cuts, ahead
}

// TestCrashClones (T4; P1, P3, P11, P14): power cuts at random moments of a running ledger with several writers, log and state at once, with 0 to
// 100 % of what was not synced. Each image is started as the product starts, twice. Catches: an answer before the sync, a checkpoint that is half
// there, a record of another state.
func TestCrashClones(t *testing.T) {
	seed := proof.Seed(4001)
	line := proof.New("T4", "engine-clones").Seed(seed)
	clones, acked, ahead, checkpoints, all := 0, 0, 0, 0, proof.Of(crashClones)
	if testing.Short() {
		all = max(all/3, 1) // under the race detector
	}
	for life := 0; clones < all; life++ {
		n := min(lifeClones, all-clones)
		k, more, durable := crashLife(t, seed+uint64(life), n)
		clones, acked, ahead, checkpoints = clones+n, acked+k, ahead+more, checkpoints+durable
	}
	line.AtLeast("acked", int64(acked), int64(clones)).AtLeast("from-checkpoint", int64(checkpoints), 1).Word("with-more-than-acked", ahead).
		Zero("lost", 0).Fault("crash", int64(clones)).Print(t)
}

// crashLife runs one ledger through n crashes.
func crashLife(t *testing.T, seed uint64, n int) (acked, ahead, checkpoints int) {
	all, wall := tasks(seed, 60, 4)
	mem := vfs.NewCrashableMem()
	m := newMachine(waltest.NewCrashFS(mem), filepath.Join(t.TempDir(), "key"), wall)
	e, err := m.open(nil)
	must(t, err)
	keys, err := os.ReadFile(m.keyFile)
	must(t, err)
	k, j, rng := newBook(), newJudge(t), rand.New(rand.NewPCG(seed, 1))
	w := writeAll(m, e, k, all)
	for i := range n {
		w.release(len(all) / n)
		for range rng.IntN(400) {
			runtime.Gosched() // the moment: the writers go on meanwhile
		}
		if i == n-1 {
			must(t, w.end())
			must(t, e.EndCheckpoint()) // for sure one image has a checkpoint
		}
		c := &cut{keys: keys, acked: k.acked.Load(), mark: e.Acknowledged(), wall: wall, what: fmt.Sprintf("seed=%d clone %d", seed, i)} // acked before the clone
		c.image = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: i * 37 % 101, RNG: rng})
		j.in <- c
		if e.Durable() > 0 {
			checkpoints++
		}
	}
	must(t, k.check(e))
	must(t, e.Close())
	reference, err := engine.Prefixes(m.options(nil))
	must(t, err)
	_, ahead = j.end(reference)
	return len(k.told), ahead, checkpoints
}

// writers send tasks, as many as they are given leave for.
type writers struct {
	leave chan struct{}
	done  sync.WaitGroup
	next  atomic.Int64
	mu    sync.Mutex
	err   error
}

func writeAll(m *machine, e *engine.Engine, k *book, all []task) *writers {
	w := &writers{leave: make(chan struct{}, len(all))}
	for range crashWriters {
		w.done.Go(func() {
			for range w.leave {
				t := &all[w.next.Add(1)-1]
				m.clock.reach(t.timeMS)
				if err := errors.Join(e.Housekeep(), k.do(e, t)); err != nil {
					w.mu.Lock()
					w.err = err
					w.mu.Unlock()
				}
			}
		})
	}
	return w
}

func (w *writers) release(n int) {
	for range n {
		w.leave <- struct{}{}
	}
}

func (w *writers) end() error {
	close(w.leave)
	w.done.Wait()
	return w.err
}

// cutter cuts the power before file operations that write: those whose number from skip on is a multiple of every.
type cutter struct {
	mem     *vfs.MemFS
	judge   *judge
	book    *book
	machine *machine
	wall    int64 // of a recovery: ledger time never falls, and the script's next day may be far
	keyFile string
	want    *engine.Totals
	what    string
	every   int
	skip    int
	percent func(n int) int
	keep    func(*cut) // sees each cut before it is judged; may be nil

	mu  sync.Mutex
	rng *rand.Rand
	n   int
	cut int
}

func (c *cutter) String() string { return "cutter" }

func (c *cutter) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	c.mu.Lock()
	c.n++
	if (c.n+c.skip)%c.every != 0 {
		c.mu.Unlock()
		return nil
	}
	c.cut++
	x := &cut{wall: c.wall, want: c.want, what: fmt.Sprintf("%s, before operation %d, %d of %s", c.what, c.n, op.Kind, op.Path)}
	if c.book != nil {
		x.acked, x.mark = c.book.acked.Load(), c.machine.marked()
	}
	x.keys, _ = os.ReadFile(c.keyFile) // there may be none yet
	x.image = c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.percent(c.n), RNG: c.rng})
	c.mu.Unlock()
	if c.keep != nil {
		c.keep(x)
	}
	c.judge.in <- x // the machine stands still while the judges are busy
	return nil
}

// percentOf lets some cuts keep nothing, all, or a part of what was not synced.
func percentOf(n int) int { return []int{0, 100, 50, 20, 80}[n%5] }

// TestCrashEveryOperation (T4, second form): a cut before each file operation of a script: creation, founding, requests, checkpoints, an orderly
// stop, a second life. A part of the images is kept, and cut again before each operation of its recovery, which must end where the first one did.
func TestCrashEveryOperation(t *testing.T) {
	seed := proof.Seed(4002)
	line := proof.New("T4", "engine-every-operation").Seed(seed)
	var bases []*cut
	cuts, rounds := 0, 0
	for cuts < proof.Of(crashOperations) {
		n, kept := crashScript(t, seed+uint64(rounds), max(1, crashOperations/proof.Of(crashOperations)))
		cuts, bases = cuts+n, append(bases, kept...)
		rounds++
	}
	line.Word("scripts", rounds).Zero("lost", 0).Fault("crash", int64(cuts)).AtLeast("cuts", int64(cuts), int64(proof.Of(crashOperations))).Print(t)

	line = proof.New("T4", "engine-in-recovery").Seed(seed)
	nested, images := 0, 0
	for nested < proof.Of(crashRecoveries) && images < len(bases) {
		nested += crashRecovery(t, bases[images], seed+uint64(images))
		images++
	}
	line.Word("images", images).Zero("lost", 0).Fault("crash-in-recovery", int64(nested)).AtLeast("cuts", int64(nested), int64(proof.Of(crashRecoveries))).Print(t)
}

// crashScript plays one script with cuts before every so many operations, and gives images to cut again.
func crashScript(t *testing.T, seed uint64, every int) (cuts int, bases []*cut) {
	all, wall := tasks(seed, 10, 6)
	mem := vfs.NewCrashableMem()
	k, j := newBook(), newJudge(t)
	m := newMachine(nil, filepath.Join(t.TempDir(), "key"), wall)
	c := &cutter{mem: mem, judge: j, book: k, machine: m, wall: wall, keyFile: m.keyFile, what: fmt.Sprintf("seed=%d", seed), every: every,
		skip: int(seed) % every, percent: percentOf, rng: rand.New(rand.NewPCG(seed, 2))}
	c.keep = func(x *cut) {
		if c.cut*7%11 == 3 {
			bases = append(bases, &cut{image: x.image.CrashClone(vfs.CrashCloneCfg{}), keys: x.keys, acked: x.acked, wall: x.wall, what: x.what})
		}
	}
	m.fs = errorfs.Wrap(waltest.NewCrashFS(mem), c)
	for life, some := range [][]task{all[:len(all)*2/3], all[len(all)*2/3:]} {
		e, err := m.open(nil)
		must(t, err)
		must(t, e.ConfirmClock())
		for i := range some {
			m.clock.reach(some[i].timeMS)
			must(t, e.Housekeep())
			must(t, k.do(e, &some[i]))
		}
		if life == 0 {
			must(t, e.Close())
		} else {
			must(t, e.Crash())
		}
	}
	reference, err := engine.Prefixes(m.options(nil))
	must(t, err)
	j.end(reference)
	return c.cut, bases
}

// crashRecovery cuts the recovery of one image before each of its operations.
func crashRecovery(t *testing.T, base *cut, seed uint64) (cuts int) {
	t.Helper()
	dir := t.TempDir()
	_, behind, err := recoverTwice(base.image.CrashClone(vfs.CrashCloneCfg{}), dir, base.keys, base.wall, nil)
	if err != nil {
		t.Fatalf("%s: %v", base.what, err)
	}
	keyFile, err := placeKeys(dir, base.keys)
	must(t, err)
	mem := base.image.CrashClone(vfs.CrashCloneCfg{})
	m := newMachine(nil, keyFile, base.wall)
	j := newJudge(t)
	c := &cutter{mem: mem, judge: j, wall: base.wall, keyFile: keyFile, what: base.what + ", in its recovery", every: 1, percent: percentOf,
		rng: rand.New(rand.NewPCG(seed, 3))}
	var was engine.Recovered
	m.fs = errorfs.Wrap(waltest.NewCrashFS(mem), c)
	e, err := m.open(&was)
	must(t, err)
	founded := was.Sequence == behind.Sequence // the recovery logs nothing of its own
	must(t, e.Crash())
	cuts = c.cut
	close(j.in)
	j.done.Wait()
	for _, x := range j.cuts {
		if x.was.Sequence < was.Sequence || founded && x.was != was {
			t.Errorf("%s: recovered %+v, the uncut recovery %+v", x.what, x.was, was)
		}
	}
	return cuts
}
