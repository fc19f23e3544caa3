package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gongji/bench/load"
	"gongji/bench/model"
	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/wal"
	"gongji/wal/archive"
)

// archiving is a ledger with an archive, and the batches it is sent.
type archiving struct {
	place
	clock   *steppedClock
	batches []model.Batch
	next    int
	first   ledger.Position // of an accepted settlement, early in the log
	entry   engine.Entry    // what was told of it then
}

func newArchiving(t *testing.T, batches int) *archiving {
	g := model.NewGenerator(21)
	a := &archiving{place: place{t, t.TempDir()}, clock: &steppedClock{}}
	for _, s := range g.Setup() {
		a.batches = append(a.batches, s.Batch)
	}
	for range batches {
		a.batches = append(a.batches, g.MoneyBatch(100).Batch, g.MixedBatch(20).Batch)
	}
	a.clock.wall = a.batches[0].TimeMS
	return a
}

func (a *archiving) dirs() (ledger, to string) {
	return a.options().Dir, filepath.Join(a.dir, "archive")
}

func (a *archiving) tune(archived bool, shards int) engine.Options {
	o := a.options()
	o.Clock, o.Shards, o.ShardedCommandsMin, o.CheckpointBytes = a.clock, shards, 1, 20<<10
	if archived {
		_, o.Archive = a.dirs()
	}
	engine.SmallSegments(&o, 16<<10)
	return o
}

func (a *archiving) start(o engine.Options) *engine.Engine {
	a.t.Helper()
	e, err := engine.Open(o)
	must(a.t, err)
	return e
}

func (a *archiving) send(e *engine.Engine, n int) {
	a.t.Helper()
	must(a.t, e.ConfirmClock())
	for ; n > 0; n-- {
		b := a.batches[a.next]
		a.next++
		a.clock.wall = b.TimeMS
		must(a.t, e.Housekeep())
		for i, r := range send(a.t, e, withoutDayKeys(b)) {
			if a.first == 0 && r.Effect.Kind == ledger.KindSettlement && r.Effect.Outcome == ledger.Accepted && i > 3 {
				a.first = r.Position
				var err error
				a.entry, err = e.Entry(a.first)
				must(a.t, err)
			}
		}
	}
	must(a.t, e.Housekeep()) // a start would find the rest due
}

// tells demands that an early command is told as it was then.
func (a *archiving) tells(e *engine.Engine) {
	a.t.Helper()
	got, err := e.Entry(a.first)
	if err != nil || got.Effect != a.entry.Effect || got.Command.ID != a.entry.Command.ID || len(got.Legs) != len(a.entry.Legs) {
		a.t.Errorf("%v is told as %+v, %v", a.first, got.Effect, err)
	}
}

func (a *archiving) verdict(change func(*engine.VerifyOptions)) (engine.Verdict, error) {
	o := a.options()
	v := engine.VerifyOptions{Dir: o.Dir, KeyFile: o.KeyFile, Scratch: a.t.TempDir()}
	change(&v)
	return engine.Verify(v)
}

// TestArchive: a stopped ledger's log goes into an archive and verifies to the same digests as before; without the archive it starts from its checkpoint
// and neither verifies nor replays from zero; with it, both, on other shards. (design.md 7; T12, P14)
func TestArchive(t *testing.T) {
	line := proof.New("T12", "archive")
	a := newArchiving(t, 8)
	dir, to := a.dirs()
	e := a.start(a.tune(false, 2))
	a.send(e, 12)
	last := digestOf(t, e)
	must(t, e.Close())
	before := verify(t, a.options(), last)
	if _, err := engine.Archive(engine.ArchiveOptions{Dir: dir, To: to, Through: last.sequence + 1}); err == nil || !strings.Contains(err.Error(), "newest checkpoint") {
		t.Errorf("archived beyond the checkpoint: %v", err)
	}
	part, err := engine.Archive(engine.ArchiveOptions{Dir: dir, To: to, Through: last.sequence / 2})
	must(t, err)
	r, err := engine.Archive(engine.ArchiveOptions{Dir: dir, To: to})
	must(t, err)
	if part.Through != last.sequence/2 || part.First != part.Through+1 || r.Through != last.sequence || r.First != last.sequence+1 || part.Segments+r.Segments != 2 {
		t.Errorf("%+v, then %+v of %d", part, r, last.sequence)
	}
	after, err := a.verdict(func(v *engine.VerifyOptions) { v.Archive = to })
	must(t, err)
	if after.Archived != last.sequence || after.Segments != 2 {
		t.Errorf("verified %d from %d segments", after.Archived, after.Segments)
	}
	after.Archived, after.Segments = 0, 0
	if before.EffectChain != after.EffectChain || before.StateHash != after.StateHash || before.Commands != after.Commands || before.Totals != after.Totals || before.Blocks != after.Blocks {
		t.Errorf("verified %+v, before truncation %+v", after, before)
	}
	if _, err := a.verdict(func(*engine.VerifyOptions) {}); !errors.Is(err, engine.ErrArchived) {
		t.Errorf("verified without the archive: %v", err)
	}

	e = a.start(a.tune(false, 1)) // from the checkpoint
	if d := digestOf(t, e); d != last {
		t.Errorf("started at %d %x, was %d %x", d.sequence, d.hash[:4], last.sequence, last.hash[:4])
	}
	if _, err := e.Entry(a.first); !errors.Is(err, engine.ErrArchived) {
		t.Errorf("told what is in the archive: %v", err)
	}
	a.send(e, 2)
	last = digestOf(t, e)
	must(t, e.Crash())
	must(t, os.RemoveAll(filepath.Join(dir, "state")))
	if e, err := engine.Open(a.tune(false, 1)); !errors.Is(err, engine.ErrArchived) {
		t.Errorf("started from zero without the archive: %v", err)
		if err == nil {
			must(t, e.Close())
		}
	}
	e = a.start(a.tune(true, 8))
	if d := digestOf(t, e); d != last {
		t.Errorf("from zero at %d %x, was %d %x", d.sequence, d.hash[:4], last.sequence, last.hash[:4])
	}
	a.tells(e)
	must(t, e.Close())
	line.AtLeast("sequence", int64(last.sequence), 40).AtLeast("batches", int64(before.Batches), 40).Print(t)
}

// TestArchiveOnline: a serving ledger seals what is complete behind its checkpoints and truncates, over stops and crashes, while it is copied; nothing is missing
// between archive and log, what is old is still told, and all of it verifies. (design.md 7)
func TestArchiveOnline(t *testing.T) {
	line := proof.New("T12", "archive-online")
	a := newArchiving(t, 24)
	dir, to := a.dirs()
	e := a.start(a.tune(true, 2))
	var last digest
	var copied string
	var sealed, crashes int64
	for i := 0; a.next < len(a.batches); i++ {
		a.send(e, min(5, len(a.batches)-a.next))
		must(t, e.EndCheckpoint())
		must(t, e.Sealed())
		last = digestOf(t, e)
		a.tells(e)
		sealed = int64(e.Stats().Archived.Load())
		if i == 4 {
			copied = filepath.Join(a.dir, "copy")
			must(t, e.Checkpoint(copied))
		}
		if i%2 == 0 {
			must(t, e.Crash())
			crashes++
		} else {
			must(t, e.Close())
		}
		e = a.start(a.tune(true, 1+i%4))
		if d := digestOf(t, e); d != last {
			t.Fatalf("started at %d %x, was %d %x", d.sequence, d.hash[:4], last.sequence, last.hash[:4])
		}
	}
	must(t, e.Close())
	v, err := a.verdict(func(v *engine.VerifyOptions) { v.Archive = to })
	must(t, err)
	if v.Batches != last.sequence || v.StateHash != last.hash || v.EffectChain != last.chain {
		t.Errorf("verified %d %x, was %d %x", v.Batches, v.StateHash[:4], last.sequence, last.hash[:4])
	}
	if _, err := a.verdict(func(v *engine.VerifyOptions) { v.Archive, v.Dir = to, copied }); err == nil {
		t.Error("a copy that ends before the archive verified as if it were the ledger")
	}
	old, err := a.verdict(func(v *engine.VerifyOptions) { v.Archive, v.Dir, v.Copy = to, copied, true })
	must(t, err)
	if old.Batches >= v.Batches || old.Archived != old.Batches {
		t.Errorf("the copy has %d batches, %d of them in the archive of %d", old.Batches, old.Archived, v.Archived)
	}
	line.AtLeast("segments", int64(v.Segments), 4).AtLeast("archived", sealed, 60).Fault("crash", crashes).AtLeast("copied", int64(old.Batches), 20).Print(t)
	a.damaged(dir, to)
}

// damaged: an archive with one bit changed, without a segment, without its end, not there, or of another ledger is refused by verify; by a start too where it can see
// it without reading everything.
func (a *archiving) damaged(dir, to string) {
	t := a.t
	t.Helper()
	names, err := filepath.Glob(filepath.Join(to, "*.sealed"))
	must(t, err)
	refused := func(why string, start bool, want func(error) bool) {
		t.Helper()
		if _, err := a.verdict(func(v *engine.VerifyOptions) { v.Archive = to }); !want(err) {
			t.Errorf("%s: verified with %v", why, err)
		}
		if !start {
			return
		}
		e, err := engine.Open(a.tune(true, 1))
		if !want(err) {
			t.Errorf("%s: started with %v", why, err)
		}
		if err == nil {
			must(t, e.Close())
		}
	}
	corrupt := func(name string) func(error) bool {
		return func(err error) bool {
			var c *wal.CorruptionError
			return errors.As(err, &c) && c.File == name && c.Sequence > 0
		}
	}
	whole, err := os.ReadFile(names[1])
	must(t, err)
	b := append([]byte(nil), whole...)
	b[len(b)/2] ^= 1
	must(t, os.WriteFile(names[1], b, 0o600))
	refused("one bit", false, corrupt(names[1]))
	must(t, os.WriteFile(names[1], whole, 0o600))
	must(t, os.Rename(names[1], names[1]+".away"))
	refused("a segment gone", true, corrupt(names[1]))
	must(t, os.Rename(names[1]+".away", names[1]))
	newest := names[len(names)-1]
	must(t, os.Rename(newest, newest+".away"))
	refused("its end gone", true, func(err error) bool { return errors.Is(err, archive.ErrGap) })
	must(t, os.Rename(newest+".away", newest))
	must(t, os.Rename(to, to+".away"))
	must(t, os.Mkdir(to, 0o700))
	refused("an empty disk", true, func(err error) bool { return errors.Is(err, archive.ErrGap) })
	stranger := newArchiving(t, 4)
	e := stranger.start(stranger.tune(false, 1))
	stranger.send(e, 6)
	must(t, e.Close())
	must(t, os.Remove(to))
	theirs, _ := stranger.dirs()
	_, err = engine.Archive(engine.ArchiveOptions{Dir: theirs, To: to})
	must(t, err)
	refused("another ledger's", true, func(err error) bool { return errors.Is(err, wal.ErrForeign) })
	must(t, os.RemoveAll(to))
	must(t, os.Rename(to+".away", to))
	if _, err := a.verdict(func(v *engine.VerifyOptions) { v.Archive = to }); err != nil {
		t.Errorf("put back: %v", err)
	}
}

// BenchmarkArchive seals the log of some seconds of settlements: time by log byte, and what is left of it.
func BenchmarkArchive(b *testing.B) {
	policy := engine.Hubei
	policy.Evouchers = 0
	o := engine.Options{Dir: filepath.Join(b.TempDir(), "ledger"), KeyFile: filepath.Join(b.TempDir(), "key"), Create: true, FirstPolicy: policy, HousekeepingInterval: -1}
	e, err := engine.Open(o)
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	check(err)
	w := load.NewWorld(100_000)
	_, err = w.Load(e)
	check(err)
	stream, r := w.NewStream(load.DefaultMix, 1, 1), sequencer.NewRequest()
	for range 500 {
		for r.Count = 0; r.Count < sequencer.BatchCommands; r.Count++ {
			r.Commands, _ = stream.Append(r.Commands)
		}
		check(e.Do(r))
		r.Reset()
	}
	commands := e.Stats().Commands.Load()
	check(e.Close())
	size := bytesIn(b, filepath.Join(o.Dir, "log"))
	to, cpu := filepath.Join(b.TempDir(), "archive"), cpuTime(b)
	b.ResetTimer() // -benchtime 1x: the log is truncated afterwards
	_, err = engine.Archive(engine.ArchiveOptions{Dir: o.Dir, To: to})
	check(err)
	b.StopTimer()
	b.ReportMetric(float64(size)/float64(bytesIn(b, to)), "log/archive")
	b.ReportMetric(float64(size)/float64(commands), "B/command")
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(commands), "cpu-ns/command")
}

// cpuTime is the processor time of the process.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func bytesIn(b *testing.B, dir string) (n int64) {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, _ := d.Info()
			n += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
