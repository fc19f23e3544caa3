package engine_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"gongji/bench/load"
	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine"
	"gongji/engine/sequencer"
	"gongji/wal"
)

// childEnv is set where this binary runs again as the child of a test: what dies in it leaves its goroutines behind.
const childEnv = "GONGJI_ENGINE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// place is a directory for one ledger.
type place struct {
	t   *testing.T
	dir string
}

func (p place) options() engine.Options {
	policy := engine.Hubei
	policy.Evouchers = 0
	return engine.Options{Dir: filepath.Join(p.dir, "ledger"), KeyFile: filepath.Join(p.dir, "key"), Create: true, FirstPolicy: policy,
		HousekeepingInterval: -1, Fatal: func(err error) { p.t.Error(err) }}
}

func (p place) open(change func(*engine.Options)) *engine.Engine {
	p.t.Helper()
	o := p.options()
	if change != nil {
		change(&o)
	}
	e, err := engine.Open(o)
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type digest struct {
	sequence    uint64
	chain, hash [32]byte
}

func digestOf(t *testing.T, e *engine.Engine) digest {
	t.Helper()
	d, err := e.Totals(engine.AskLimit, 0)
	must(t, err)
	return digest{d.Sequence, d.EffectChain, d.StateHash}
}

// send gives one batch of the model to the engine as one request and returns its results.
func send(t *testing.T, e *engine.Engine, b model.Batch) []sequencer.Result {
	t.Helper()
	r := sequencer.NewRequest()
	if !oracle.IsMoney(b) {
		r.Class = sequencer.Structural
	}
	for _, c := range b.Commands {
		r.Commands = oracle.AppendCommand(r.Commands, c)
		r.Count++
	}
	must(t, e.Do(r))
	return append([]sequencer.Result(nil), r.Results...)
}

// TestRestartAnywhere: the same hostile batches with stops and copies at different places, other shard counts and checkpoint intervals, and
// once without any stop, give the same digests; each stopped ledger and each copy is verified from zero. (T12, P14)
// T20: defect_wall_clock.
func TestRestartAnywhere(t *testing.T) {
	g := model.NewGenerator(7)
	var batches []model.Batch
	for _, s := range g.Setup() {
		batches = append(batches, s.Batch)
	}
	for n := range 40 {
		if n%4 == 0 {
			batches = append(batches, g.MixedBatch(50).Batch)
		} else {
			batches = append(batches, g.MoneyBatch(150).Batch)
		}
	}
	clock := &steppedClock{}
	p := place{t, t.TempDir()}
	tune := func(shards int, bytes int64) func(*engine.Options) {
		return func(o *engine.Options) {
			o.Clock, o.Shards, o.CheckpointBytes, o.ShardedCommandsMin = clock, shards, bytes, 1
			if shards%2 == 0 {
				engine.SlowKeeper(o, 1000)
			}
		}
	}
	clock.wall = batches[0].TimeMS
	e := p.open(tune(1, 1<<40))
	var last digest
	crashes := 0
	for i, b := range batches {
		if i%9 == 5 {
			last = digestOf(t, e)
			if i%2 == 0 {
				must(t, e.Crash())
				crashes++
			} else {
				must(t, e.Close())
				verify(t, p.options(), last)
			}
			e = p.open(tune(1+i%4, int64(1+i)<<12))
			if d := digestOf(t, e); d != last {
				t.Fatalf("batch %d: stopped at %d %x, restarted at %d %x", i, last.sequence, last.hash[:4], d.sequence, d.hash[:4])
			}
			must(t, e.ConfirmClock())
		}
		clock.wall = b.TimeMS
		must(t, e.Housekeep()) // keys of new days, published keys of past ones
		send(t, e, withoutDayKeys(b))
		if i == 20 {
			copied := place{t, filepath.Join(p.dir, "copy")}
			must(t, e.Checkpoint(filepath.Join(copied.dir, "ledger")))
			o := p.options()
			o.Dir = filepath.Join(copied.dir, "ledger")
			verify(t, o, digestOf(t, e))
		}
	}
	last = digestOf(t, e)
	must(t, e.Close())
	verify(t, p.options(), last)
	if crashes == 0 {
		t.Fatal("vacuous: no crash")
	}
	t.Logf("T12 restart batches=%d crashes=%d sequence=%d", len(batches), crashes, last.sequence)
}

// TestNeverFlushed: a ledger that crashes before anything of its state was ever flushed is rebuilt from the log alone.
func TestNeverFlushed(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(nil)
	w := load.NewWorld(500)
	refused, err := w.Load(e)
	must(t, err)
	if len(refused) != 0 {
		t.Fatalf("refused %v", refused)
	}
	last := digestOf(t, e)
	must(t, e.Crash())
	var replayed any
	e = p.open(func(o *engine.Options) {
		o.Report = func(event string, values map[string]any) {
			if event == "recovered" {
				replayed = values["checkpoint_sequence"]
			}
		}
	})
	if replayed != uint64(0) {
		t.Fatalf("started from checkpoint %v, wanted none", replayed)
	}
	if d := digestOf(t, e); d != last {
		t.Errorf("crashed at %d %x, rebuilt %d %x", last.sequence, last.hash[:4], d.sequence, d.hash[:4])
	}
	must(t, e.Close())
	verify(t, p.options(), last)
}

// withoutDayKeys leaves the day keys to the engine: the model's cannot be unsealed.
func withoutDayKeys(b model.Batch) model.Batch {
	kept := model.Batch{Sequence: b.Sequence, TimeMS: b.TimeMS}
	for _, c := range b.Commands {
		if k := c.Kind(); k != model.KindDayKey && k != model.KindDayKeyPublish {
			kept.Commands = append(kept.Commands, c)
		}
	}
	return kept
}

type steppedClock struct{ wall, mono int64 }

func (c *steppedClock) Wall() int64      { return c.wall }
func (c *steppedClock) Monotonic() int64 { c.mono += 1 << 40; return c.mono } // no step is a step

func verify(t *testing.T, o engine.Options, want digest) engine.Verdict {
	t.Helper()
	v, err := engine.Verify(engine.VerifyOptions{Dir: o.Dir, KeyFile: o.KeyFile, Scratch: t.TempDir()})
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if v.Batches != want.sequence || v.EffectChain != want.chain || v.StateHash != want.hash || v.Totals.Sum() != 0 {
		t.Fatalf("verified %d %x %x, live was %d %x %x", v.Batches, v.EffectChain[:4], v.StateHash[:4], want.sequence, want.chain[:4], want.hash[:4])
	}
	return v
}

// TestKeyFile: a missing, foreign or readable key file stops the start before anything runs.
func TestKeyFile(t *testing.T) {
	p := place{t, t.TempDir()}
	must(t, p.open(nil).Close())
	key := p.options().KeyFile
	refused := func(why string) {
		t.Helper()
		if e, err := engine.Open(p.options()); !errors.Is(err, engine.ErrKeyFile) {
			t.Errorf("%s: opened with %v", why, err)
			if err == nil {
				must(t, e.Close())
			}
		}
	}
	must(t, os.Chmod(key, 0o644))
	refused("readable by others")
	must(t, os.Chmod(key, 0o400))
	must(t, os.Rename(key, key+".away"))
	refused("missing")
	other := place{t, t.TempDir()}
	must(t, other.open(nil).Close())
	text, err := os.ReadFile(other.options().KeyFile)
	must(t, err)
	must(t, os.WriteFile(key, text, 0o400))
	refused("of another ledger")
	must(t, os.Remove(key))
	must(t, os.Rename(key+".away", key))
	must(t, p.open(nil).Close())
}

// TestVerifyFinds: a verification is only worth something if it fails: one fen in a journal block, a foreign log, a cut log.
func TestVerifyFinds(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(nil)
	w := load.NewWorld(200)
	_, err := w.Load(e)
	must(t, err)
	must(t, e.Close())
	o := p.options()
	damage := func(pattern string) {
		t.Helper()
		copied := filepath.Join(t.TempDir(), "ledger")
		must(t, os.CopyFS(copied, os.DirFS(o.Dir)))
		files, err := filepath.Glob(filepath.Join(copied, pattern))
		must(t, err)
		if len(files) == 0 {
			t.Fatalf("vacuous: no file %s", pattern)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			must(t, err)
			if len(b) < 2 {
				continue
			}
			b[len(b)/2] ^= 1
			must(t, os.WriteFile(f, b, 0o600))
		}
		if _, err := engine.Verify(engine.VerifyOptions{Dir: copied, KeyFile: o.KeyFile, Scratch: t.TempDir()}); err == nil {
			t.Errorf("one bit in %s was not found", pattern)
		}
	}
	damage("state/*.sst")
	damage("log/segments/*.log")
	damage("log/ACKED")
	damage("IDENTITY")
}

// contents of a directory: a hash by file.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	out := map[string][32]byte{}
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		out[name] = sha256.Sum256(b)
		return err
	}))
	return out
}

// TestVerifyTouchesNothing: a verification changes no byte and no file of the directory, of a stopped ledger, a crashed one and a copy, and
// refuses one that runs.
func TestVerifyTouchesNothing(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(func(o *engine.Options) { o.CheckpointBytes = 1 << 12 })
	w := load.NewWorld(200)
	_, err := w.Load(e)
	must(t, err)
	copied := filepath.Join(p.dir, "copy")
	must(t, e.Checkpoint(copied))
	o := p.options()
	if _, err := engine.Verify(engine.VerifyOptions{Dir: o.Dir, KeyFile: o.KeyFile, Scratch: t.TempDir()}); !errors.Is(err, wal.ErrLocked) {
		t.Errorf("a running ledger was verified: %v", err)
	}
	must(t, e.Crash())
	check := func(dir string) {
		t.Helper()
		before := contents(t, dir)
		_, err := engine.Verify(engine.VerifyOptions{Dir: dir, KeyFile: o.KeyFile, Scratch: t.TempDir()})
		must(t, err)
		after := contents(t, dir)
		for name, sum := range after {
			if was, there := before[name]; !there || was != sum {
				t.Errorf("%s: %s is new or changed", filepath.Base(dir), name)
			}
			delete(before, name)
		}
		for name := range before {
			t.Errorf("%s: %s is gone", filepath.Base(dir), name)
		}
	}
	check(o.Dir)
	check(copied)
	must(t, p.open(nil).Close())
	check(o.Dir)
}

// TestAnswerBeforeDurable (P3): while the log has not synced, nobody is answered; this is proved on the log's side by wal tests. Here: an
// engine whose log failed answers nothing more and says that outcomes are unknown.
func TestOutcomeOfNothing(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(nil)
	r := sequencer.NewRequest()
	r.Count = sequencer.CommandsPerRequestMax + 1
	if err := e.Submit(r); !errors.Is(err, sequencer.ErrTooLarge) {
		t.Errorf("too many commands: %v", err)
	}
	must(t, e.Close())
	if err := e.Submit(sequencer.NewRequest()); !errors.Is(err, sequencer.ErrStopping) {
		t.Errorf("after Close: %v", err)
	}
	must(t, e.Close()) // idempotent
}

// TestGolden: a log of the past gives the state hash and effect chain of the past, whoever runs it. A change of format or rule shows here first;
// `go test ./engine -run TestGolden -golden` writes the files anew, and the reason belongs into the commit.
func TestGolden(t *testing.T) {
	const path = "testdata/golden-0"
	if *writeGolden {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path+".batches", goldenBatches(), 0o644))
	}
	log, err := os.ReadFile(path + ".batches")
	must(t, err)
	for _, shards := range []int{1, 2, 8} {
		got, commands := engine.ReplayBatches(t, log, shards)
		if *writeGolden {
			must(t, os.WriteFile(path+".digests", []byte(got), 0o644))
		}
		want, err := os.ReadFile(path + ".digests")
		must(t, err)
		if got != string(want) || commands < 500 {
			t.Errorf("%d shards, %d commands:\n%swant\n%s", shards, commands, got, want)
		}
	}
}

var writeGolden = flag.Bool("golden", false, "write the golden files anew")

// goldenBatches are batches of the model's generator, each behind its length and day key: of the first seed that has all the log is for.
func goldenBatches() (out []byte) {
	const seedsMax = 10_000 // one in some hundreds has it all
	var steps []model.Step
	for seed := uint64(0); steps == nil; seed++ {
		if seed == seedsMax {
			panic("no seed makes a golden log")
		}
		steps = goldenSteps(seed)
	}
	for _, s := range steps {
		payload := oracle.Encode(s.Batch)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(payload)))
		var key [32]byte
		copy(key[:], s.Batch.DayKey)
		out = append(append(out, key[:]...), payload...)
	}
	return out
}

// goldenSteps are the batches of a seed if every kind is accepted in them, a reversal that came to a dissolved family is redone, lines of a visit are given back and
// settled again, and reversals by message meet open days and closed ones; else nil.
func goldenSteps(seed uint64) []model.Step {
	g := model.NewGenerator(seed)
	steps := g.Setup()
	for n := range 24 {
		if n%3 == 0 {
			steps = append(steps, g.MixedBatch(130)) // eight of them hold every kind
		} else {
			steps = append(steps, g.MoneyBatch(40))
		}
	}
	d := g.Distribution()
	for _, kind := range model.Kinds() {
		if d.KindOutcomes[[2]int{kind, model.Accepted}] == 0 {
			return nil
		}
	}
	if d.Swept == 0 || d.RedoneSwept == 0 || d.Unsettled == 0 || d.RedoLines == 0 || d.Void[0] == 0 || d.Void[1] == 0 || d.RedoVoid[1] == 0 {
		return nil
	}
	return steps
}
