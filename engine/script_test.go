package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/wal/waltest"
)

// A machine is where a ledger of the fault tests (T4, T5, T14) lives: files in memory, a key file on the disk, a clock.
type machine struct {
	fs      vfs.FS // what the process sees
	keyFile string
	clock   *sharedClock
	health  atomic.Int64 // what health takes for the time, ms
	fatal   atomic.Pointer[error]
	died    chan struct{} // closed by the first Fatal
	once    sync.Once
	onFatal func()                        // at the first Fatal; may be nil
	told    sync.Map                      // events of Report
	engine  atomic.Pointer[engine.Engine] // opened last
}

func newMachine(fs vfs.FS, keyFile string, wall int64) *machine {
	m := &machine{fs: fs, keyFile: keyFile, clock: &sharedClock{}, died: make(chan struct{})}
	m.clock.wall.Store(wall)
	return m
}

// options of the production start, on this machine's files. was gets what the start recovers.
func (m *machine) options(was *engine.Recovered) engine.Options {
	policy := engine.Hubei
	policy.Evouchers = 0
	o := engine.Options{KeyFile: m.keyFile, Create: true, FirstPolicy: policy, HousekeepingInterval: -1, Shards: 2, ShardedCommandsMin: 2,
		CheckpointBytes: 12 << 10, Clock: m.clock,
		Fatal: func(err error) {
			m.once.Do(func() {
				if m.onFatal != nil {
					m.onFatal()
				}
				m.fatal.Store(&err)
				close(m.died)
			})
		},
		Report: func(event string, values map[string]any) {
			m.told.Store(event, true)
			if event == "recovered" {
				m.told.Store("recovered at", values["checkpoint_sequence"])
			}
		}}
	engine.Rig(&o, m.fs, &m.health, was)
	return o
}

func (m *machine) open(was *engine.Recovered) (*engine.Engine, error) {
	e, err := engine.Open(m.options(was))
	if err == nil {
		m.engine.Store(e)
	}
	return e, err
}

// marked is what the engine says to be durably in the mark file; 0 before it is open.
func (m *machine) marked() uint64 {
	if e := m.engine.Load(); e != nil {
		return e.Acknowledged()
	}
	return 0
}

// sharedClock may be used by many goroutines. It never steps: its monotonic time runs ahead of everything.
type sharedClock struct{ wall, mono atomic.Int64 }

func (c *sharedClock) Wall() int64      { return c.wall.Load() }
func (c *sharedClock) Monotonic() int64 { return c.mono.Add(1 << 40) }

// reach moves the wall clock forward.
func (c *sharedClock) reach(ms int64) {
	for was := c.wall.Load(); was < ms && !c.wall.CompareAndSwap(was, ms); was = c.wall.Load() {
	}
}

// A task is one request of a script.
type task struct {
	timeMS   int64
	class    sequencer.Class
	commands []byte
	count    int
}

// tasks are hostile commands of all kinds by the model's generator, cut into requests of at most most commands.
func tasks(seed uint64, batches, most int) (all []task, wall int64) {
	g := model.NewGenerator(seed)
	steps := g.Setup()
	for n := range batches {
		if n%3 == 2 {
			steps = append(steps, g.MixedBatch(12))
		} else {
			steps = append(steps, g.MoneyBatch(16))
		}
	}
	for _, s := range steps {
		b := withoutDayKeys(s.Batch)
		for _, c := range b.Commands {
			class := sequencer.Till
			if !oracle.IsMoney(model.Batch{Commands: []model.Command{c}}) {
				class = sequencer.Structural
			}
			last := len(all) - 1
			if last < 0 || all[last].class != class || all[last].count >= most || all[last].timeMS != b.TimeMS {
				all = append(all, task{timeMS: b.TimeMS, class: class})
				last++
			}
			all[last].commands = oracle.AppendCommand(all[last].commands, c)
			all[last].count++
		}
	}
	return all, all[0].timeMS
}

// A book holds what clients were told.
type book struct {
	mu    sync.Mutex
	told  map[ledger.Position]ledger.Effect
	acked atomic.Uint64 // highest sequence that somebody has an answer of
}

func newBook() *book { return &book{told: map[ledger.Position]ledger.Effect{}} }

// do sends a task as a client would and writes the answers down.
func (k *book) do(e *engine.Engine, t *task) error {
	r := sequencer.NewRequest()
	r.Class, r.Commands, r.Count = t.class, t.commands, t.count
	if err := e.Do(r); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range r.Results {
		at := r.Results[i].Position
		k.told[at] = scalars(&r.Results[i].Effect)
		k.acked.Store(max(k.acked.Load(), at.Sequence()))
	}
	return nil
}

// count is how many answers there are.
func (k *book) count() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return int64(len(k.told))
}

// scalars is an effect without its places in the arenas of a batch, which nobody is told.
func scalars(f *ledger.Effect) ledger.Effect {
	g := *f
	g.LegAt, g.ItemAt, g.DrawAt, g.Day = 0, 0, 0, 0
	return g
}

// check asks the engine for everything that clients were told.
func (k *book) check(e *engine.Engine) error { return k.checkTo(e, math.MaxUint64) }

// checkTo is check up to a sequence.
func (k *book) checkTo(e *engine.Engine, sequence uint64) error {
	r := e.NewReader()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, at := range slices.Sorted(maps.Keys(k.told)) {
		if at.Sequence() > sequence {
			break
		}
		told := k.told[at]
		entry, err := r.Entry(at)
		if err != nil {
			return fmt.Errorf("LOST: the answer at %d/%d: %w", at.Sequence(), at.Index(), err)
		}
		if kept := scalars(&entry.Effect); kept != told {
			return fmt.Errorf("WRONG: at %d/%d a client was told %+v, kept is %+v", at.Sequence(), at.Index(), told, kept)
		}
	}
	return nil
}

// now is the ledger behind everything admitted.
func now(e *engine.Engine) (engine.Totals, error) { return e.Totals(engine.AskLimit, 0) }

// same compares what a start recovered with totals.
func same(r *engine.Recovered, t *engine.Totals) bool {
	return r.Sequence == t.Sequence && r.EffectChain == t.EffectChain && r.StateHash == t.StateHash && r.Sum == 0 && t.Sums.Sum() == 0
}

// recoverTwice starts a ledger from what a crash left, checks it, cuts the power as soon as it is open, starts again from that, and stops in order.
// keys is the key file at the crash, nil if there was none.
func recoverTwice(image *vfs.MemFS, dir string, keys []byte, wall int64, k *book) (was engine.Recovered, behind engine.Totals, err error) {
	keyFile, err := placeKeys(dir, keys)
	if err != nil {
		return was, behind, err
	}
	m := newMachine(waltest.NewCrashFS(image), keyFile, wall)
	e, err := m.open(&was)
	if err != nil {
		return was, behind, fmt.Errorf("first start: %w", err)
	}
	behind, err = now(e)
	if err == nil && k != nil {
		err = k.check(e)
	}
	cut := image.CrashClone(vfs.CrashCloneCfg{})
	if err := errors.Join(err, e.Crash()); err != nil {
		return was, behind, err
	}
	var again engine.Recovered
	m = newMachine(waltest.NewCrashFS(cut), keyFile, wall)
	if e, err = m.open(&again); err != nil {
		return was, behind, fmt.Errorf("second start: %w", err)
	}
	if !same(&again, &behind) {
		err = fmt.Errorf("the second start recovered %d %x, the first had %d %x", again.Sequence, again.StateHash[:4], behind.Sequence, behind.StateHash[:4])
	}
	return was, behind, errors.Join(err, e.Close())
}

// placeKeys puts a key file into a directory of its own below dir.
func placeKeys(dir string, keys []byte) (string, error) {
	own, err := os.MkdirTemp(dir, "keys-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(own, "key")
	if keys == nil {
		return path, nil
	}
	return path, os.WriteFile(path, keys, 0o400)
}
