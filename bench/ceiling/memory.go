package ceiling

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gongji/bench/load"
	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

const (
	// prepared batches are made at a time, then executed with the clock running: 64 of 2,048 are more commands than the caches hold.
	prepared = 64
	// streams are as many as workers of `bench core`, so that credits and settlements mix as there.
	streams = 32
)

// Memory executes the commands of a world from memory: no log, no journal, no state store, no answers, ids in a plain table.
type Memory struct {
	engine   *engine.Engine // idle: it has loaded the tables and holds them
	dir      string
	ids      *idTable
	serial   executor.Executor
	sharded  executor.Executor
	streams  [streams]*load.Stream
	payloads [prepared][]byte
	timeMS   int64
	sequence uint64
	cases    [2]result.Case
}

// NewMemory loads the world through an engine whose ledger lies below dir. Then that engine is left alone, without housekeeping, and its tables are
// executed on by the caller's goroutine; what it has on disk is no ledger any more. Close ends it and deletes that.
func NewMemory(dir string, w *load.World, mix load.Mix, shards int) (m *Memory, err error) {
	m = &Memory{ids: newIDTable(prepared * sequencer.BatchCommands)}
	if m.dir, err = os.MkdirTemp(dir, "ceiling-"); err != nil {
		return nil, err
	}
	if err := m.load(w); err != nil {
		return nil, errors.Join(fmt.Errorf("ceiling memory: %w", err), m.Close())
	}
	var store executor.Store
	look := func(v engine.View) {
		store, m.sequence, m.timeMS = executor.Store{State: v.State, IDs: m.ids, Originals: none{}}, v.Sequence, v.TimeMS
	}
	if err := m.engine.Ask(look); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.serial, m.sharded = executor.NewSerial(store), executor.NewSharded(store, shards, executor.ShardedCommandsMin, executor.WakeMin)
	for i := range m.streams {
		m.streams[i] = w.NewStream(mix, 1, uint64(i))
	}
	unit := result.Case{Kind: result.Ceiling, Workload: "half of the persons with an account, 10 % need an authorizer", Unit: "settlements/s"}
	unit.Load = result.Load{Loop: "closed", Persons: w.Persons, Group: sequencer.BatchCommands}
	unit.Note = "Latencies and stages are of a batch: open (sum checked, commands decoded) and execute. No log, journal, state store, answers."
	m.cases = [2]result.Case{unit, unit}
	m.cases[0].ID, m.cases[0].Name, m.cases[0].Load.Workers = "ceiling/memory", "One goroutine executing from memory", 1
	m.cases[1].ID, m.cases[1].Name, m.cases[1].Load.Shards = "ceiling/memory-sharded", "The sharded executor from memory", shards
	return m, nil
}

// none is a history without originals: the streams reverse nothing.
type none struct{}

func (none) Original(ledger.Position) (e ledger.Effect, legs []ledger.Leg, ok bool) { return }

func (m *Memory) load(w *load.World) (err error) {
	o := engine.Options{Dir: filepath.Join(m.dir, "ledger"), KeyFile: filepath.Join(m.dir, "key"), Create: true, CheckpointBytes: 1 << 40, HousekeepingInterval: -1, FirstPolicy: engine.Hubei}
	o.FirstPolicy.Evouchers = 0 // the world's persons have none
	if m.engine, err = engine.Open(o); err != nil {
		return err
	}
	refused, err := w.Load(m.engine)
	if err == nil && len(refused) > 0 {
		err = fmt.Errorf("loading was refused: %v", refused)
	}
	return err
}

// prepare makes the batches of the next walk. They are new ones each time: the same again would empty the same accounts again, and the share of bills
// paid in cash would grow from walk to walk.
func (m *Memory) prepare() {
	for n := range m.payloads {
		b := command.BeginBatch(m.payloads[n])
		for i := range sequencer.BatchCommands {
			b, _ = m.streams[i/(sequencer.BatchCommands/streams)].Append(b)
		}
		command.EndBatch(b, sequencer.BatchCommands, m.timeMS)
		m.payloads[n] = b
	}
	m.ids.clear()
}

// Round executes for the time given serially, then sharded, in turns that change. The first round begins with a walk of each that is not counted.
func (m *Memory) Round(lasting time.Duration) error {
	turn := len(m.cases[0].Runs)
	for k := range 2 {
		which := (k + turn) % 2
		x := []executor.Executor{m.serial, m.sharded}[which]
		if turn == 0 {
			if _, err := m.run(x, time.Nanosecond); err != nil {
				return fmt.Errorf("%s: %w", m.cases[which].ID, err)
			}
		}
		run, err := m.run(x, lasting)
		if err != nil {
			return fmt.Errorf("%s: %w", m.cases[which].ID, err)
		}
		m.cases[which].Runs = append(m.cases[which].Runs, run)
	}
	return nil
}

// run executes whole walks of prepared batches until the time is over. Between walks the clock stands, new batches are made and the ids are forgotten.
func (m *Memory) run(x executor.Executor, lasting time.Duration) (run result.Run, err error) {
	var batch executor.Batch
	var effects ledger.Effects
	key := [ledger.DayKeyBytes]byte{1}
	whole, open, execute := result.NewHistogram(), result.NewHistogram(), result.NewHistogram()
	var t tally
	for run.Seconds < lasting.Seconds() {
		m.prepare()
		s := begin()
		var walk result.Run
		for _, payload := range m.payloads {
			m.sequence++
			start := time.Now()
			if err := batch.Open(m.sequence, payload); err != nil {
				return run, err
			}
			batch.DayKey = &key
			opened := time.Now()
			x.Execute(&batch, &effects)
			end := time.Now()
			whole.Record(end.Sub(start))
			open.Record(opened.Sub(start))
			execute.Record(end.Sub(opened))
			run.Seconds += end.Sub(start).Seconds()
			t.contested += uint64(x.Stats().Contested)
			t.add(&effects) // not in the seconds; in the CPU, half a percent
		}
		s.end(&walk)
		run.CPU += walk.CPU
	}
	t.end(&run)
	return run, m.times(&run, whole, open, execute)
}

// tally is what the batches of a run did.
type tally struct {
	commands, contested, settled, legs, relatives, cash uint64
	refused                                             map[string]uint64
}

func (t *tally) add(fx *ledger.Effects) {
	t.commands += uint64(len(fx.List))
	for i := range fx.List {
		f := &fx.List[i]
		if f.Outcome != ledger.Accepted {
			if t.refused == nil {
				t.refused = map[string]uint64{}
			}
			t.refused[f.Outcome.String()]++
		}
		if f.Kind != ledger.KindSettlement || f.Outcome != ledger.Accepted {
			continue
		}
		t.settled++
		t.legs += uint64(f.LegCount)
		if f.Mulaid > 0 {
			t.relatives++
		}
		if f.Own == 0 && f.Mulaid == 0 {
			t.cash++
		}
	}
}

// end fills in rate and mix. Refusals make a run no result: nothing refuses the stream, and a refused command costs less.
func (t *tally) end(run *result.Run) {
	run.Count = t.settled
	run.Rate = float64(run.Count) / run.Seconds
	n := float64(max(1, t.settled))
	run.Mix = &result.Mix{Postings: float64(t.legs) / n, Relatives: float64(t.relatives) / n, AllCash: float64(t.cash) / n, Contested: float64(t.contested) / float64(max(1, t.commands)), Refused: t.refused}
	for o, n := range t.refused {
		run.Breaches = append(run.Breaches, fmt.Sprintf("%d commands were refused: %s", n, o))
	}
}

func (m *Memory) times(run *result.Run, whole, open, execute result.Histogram) (err error) {
	if run.Latency, err = whole.Latency(true); err != nil {
		return err
	}
	for _, s := range []struct {
		name string
		h    result.Histogram
	}{{"open", open}, {"execute", execute}} {
		l, err := s.h.Latency(false)
		if err != nil {
			return err
		}
		run.Stages = append(run.Stages, result.Stage{Name: s.name, Latency: *l})
	}
	return nil
}

// Cases are "ceiling/memory" and "ceiling/memory-sharded" with the runs so far.
func (m *Memory) Cases() []result.Case { return m.cases[:] }

// Close ends the executors and deletes what was loaded.
func (m *Memory) Close() error {
	if m.sharded != nil {
		m.sharded.Close()
	}
	var err error
	if m.engine != nil {
		err = m.engine.Abandon()
	}
	return errors.Join(err, os.RemoveAll(m.dir))
}
