package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"gongji/bench/ceiling"
	"gongji/bench/load"
	"gongji/bench/report"
	"gongji/bench/result"
	"gongji/engine"
)

// benchSettings are what all steps of a suite share.
type benchSettings struct {
	dir          string
	persons      int
	rounds       int
	quick, large bool
	lasting      time.Duration // of one run of the engine
	ceiling      time.Duration // of one run of a ceiling
	log          ceiling.LogPlan
	core         *benchCore
}

// Sizes of a quick run: the whole suite stays below a minute on two busy cores.
const (
	quickPersons = 20_000
	quickFor     = time.Second
	quickCeiling = 200 * time.Millisecond
)

// newBenchSettings: a run of 10 s holds some checkpoints' worth of log and a hundred points; a ceiling has no such waves.
func newBenchSettings(persons, rounds int, quick bool) *benchSettings {
	s := &benchSettings{persons: persons, rounds: max(1, rounds), quick: quick, lasting: 10 * time.Second, ceiling: 2 * time.Second, log: ceiling.LogPlan{For: 700 * time.Millisecond}}
	if quick {
		s.persons, s.rounds, s.lasting, s.ceiling = min(persons, quickPersons), 1, quickFor, quickCeiling
		s.log = ceiling.LogPlan{For: quickCeiling, Batches: []int{2048}}
	}
	s.log.CommandBytes = ceiling.CommandBytes(load.NewWorld(s.persons), load.DefaultMix)
	return s
}

// inProcess is the engine without a network, in turns with its ceilings.
func (s *benchSettings) inProcess() benchBlock {
	c := s.ceilings()
	b := benchBlock{rounds: s.rounds, steps: append([]benchStep{{"core", s.measureInProcess}}, c.steps...)}
	b.close = func() error {
		err := c.close()
		if s.core != nil {
			err = errors.Join(err, s.core.close())
		}
		return err
	}
	return b
}

// ceilings are those of the log and of execution.
func (s *benchSettings) ceilings() benchBlock {
	logs := ceiling.NewLogs(s.dir, s.log)
	var memory *ceiling.Memory
	return benchBlock{rounds: s.rounds,
		steps: []benchStep{
			{"ceilings: log, segment file", func(_ context.Context, round int) ([]result.Case, error) {
				if err := logs.Round(); err != nil || round < s.rounds-1 {
					return nil, err
				}
				return logs.Cases(), nil // the best size is known behind the last round
			}},
			{"ceiling: one synced append", func(context.Context, int) ([]result.Case, error) {
				c, err := ceiling.Sync(s.dir, s.log.CommandBytes, 1, s.ceiling/2)
				return []result.Case{c}, err
			}},
			{"ceilings: execution from memory", func(_ context.Context, round int) (cases []result.Case, err error) {
				if memory == nil {
					if memory, err = ceiling.NewMemory(s.dir, load.NewWorld(s.persons), load.DefaultMix, 2); err != nil {
						return nil, err
					}
				}
				if err := memory.Round(s.ceiling); err != nil || round < s.rounds-1 {
					return nil, err
				}
				return memory.Cases(), nil
			}},
		},
		close: func() error {
			if memory == nil {
				return nil
			}
			return memory.Close()
		}}
}

// measureInProcess gives one run of every workload in process: "core/national" and the others, "core/open-half". TO BE REPLACED at the merge by
// load.Measure, which has the workloads, latencies, stages and bands; until then it is the closed loop of `bench core`.
func (s *benchSettings) measureInProcess(_ context.Context, round int) (cases []result.Case, err error) {
	if s.core == nil {
		var loaded result.Case
		if s.core, loaded, err = openCore(s.dir, s.persons); err != nil {
			return nil, err
		}
		cases = append(cases, loaded)
	}
	c, err := s.core.run(load.Plan{Workers: 32, Group: 512, Duration: s.lasting, Warm: s.lasting / 5, Mix: load.DefaultMix, Seed: uint64(time.Now().UnixNano())}, s.log.CommandBytes)
	return append(cases, c), err
}

// http is the front door: the national and the /v1 interface beside their echo, and the batch call.
func (s *benchSettings) http() benchBlock {
	return benchBlock{rounds: s.rounds, steps: []benchStep{{"http", s.measureHTTP}}}
}

// measureHTTP gives one run of "http/settlements/64", "http/settlements/256", "http/batch/1000", "http/settlements/open-half", "nhsa/2102/64" and of their
// ceilings "ceiling/echo/64" and "ceiling/echo/256". TO BE FILLED at the merge with wire.Measure.
func (s *benchSettings) measureHTTP(context.Context, int) ([]result.Case, error) {
	return nil, fmt.Errorf("%w: the suite does not drive HTTP yet, see `gongji bench http`", errNotHere)
}

// restart times a start behind a tail, page cache dropped.
func (s *benchSettings) restart() benchBlock {
	step := func(persons, tail int) benchStep {
		return benchStep{fmt.Sprintf("restart of %d persons", persons), func(context.Context, int) ([]result.Case, error) {
			m, err := (&benchRestartCmd{Persons: persons, Tail: tail, Dir: s.dir}).measure()
			if err != nil {
				return nil, err
			}
			return []result.Case{m.asCase(persons, tail)}, nil
		}}
	}
	b := benchBlock{rounds: 1, steps: []benchStep{step(s.persons, s.persons)}}
	if s.large && !s.quick {
		b.steps = append(b.steps, step(10_000_000, 0))
	}
	return b
}

// asCase: the rate counts the tail if there is one, else the persons.
func (m *restartMeasured) asCase(persons, tail int) result.Case {
	c := result.Case{ID: fmt.Sprintf("restart/%d", persons), Kind: result.InProcess, Unit: "commands/s", Load: result.Load{Persons: persons}, Note: m.cold + "; seconds from start to ready, checkpoint and tail together.",
		Name: fmt.Sprintf("Start with %d persons and %d commands behind the checkpoint", persons, tail)}
	run := result.Run{Seconds: m.seconds, Count: m.replayed, CPU: m.cpu, Memory: &result.Memory{Process: m.memory, PerPerson: m.perPerson}}
	if tail == 0 {
		c.Unit, c.Name, run.Count = "persons/s", fmt.Sprintf("Start with %d persons", persons), uint64(persons)
	}
	if tail > 0 && m.replayed < uint64(tail) {
		run.Breaches = []string{fmt.Sprintf("%d commands replayed of %d", m.replayed, tail)}
	}
	run.Rate = float64(run.Count) / run.Seconds
	c.Runs = []result.Run{run}
	return c
}

// benchCore is an engine with a world in it.
type benchCore struct {
	engine  *engine.Engine
	dir     string
	world   load.World
	settled uint64
}

func openCore(dir string, persons int) (c *benchCore, loaded result.Case, err error) {
	c = &benchCore{dir: filepath.Join(dir, "core"), world: load.NewWorld(persons)}
	if err := os.Mkdir(c.dir, 0o700); err != nil {
		return nil, loaded, err
	}
	c.engine, err = engine.Open(engine.Options{Dir: filepath.Join(c.dir, "ledger"), KeyFile: filepath.Join(c.dir, "key"), Create: true, FirstPolicy: benchPolicy()})
	if err != nil {
		return nil, loaded, err
	}
	empty, start, cpu := memory(), time.Now(), processCPU()
	refused, err := c.world.Load(c.engine)
	if err != nil {
		return nil, loaded, errors.Join(err, c.close())
	}
	run := result.Run{Seconds: time.Since(start).Seconds(), Count: uint64(c.world.Persons), CPU: processCPU() - cpu}
	run.Rate = float64(run.Count) / run.Seconds
	full := memory()
	run.Memory = &result.Memory{Process: full, PerPerson: float64(full-empty) / float64(c.world.Persons)}
	if len(refused) > 0 {
		run.Breaches = []string{fmt.Sprintf("loading was refused: %v", refused)}
	}
	loaded = result.Case{ID: report.BulkLoad, Name: "Persons with bindings and opening credits, loaded in process", Kind: result.InProcess, Unit: "persons/s", Load: result.Load{Loop: "closed", Persons: persons, Workers: 1, Group: 4096}, Runs: []result.Run{run}}
	return c, loaded, nil
}

func (c *benchCore) run(p load.Plan, commandBytes int) (result.Case, error) {
	k := result.Case{ID: report.CoreNational, Name: "The engine in process, every batch synced, journal and state written", Kind: result.InProcess, Workload: "half with an account, 10 % need an authorizer", Unit: "settlements/s",
		Load:     result.Load{Loop: "closed", Persons: c.world.Persons, Workers: p.Workers, Group: p.Group, Shards: runtime.NumCPU(), Seed: p.Seed},
		Ceilings: []result.Of{{ID: report.CeilingLog, What: "of the bare log"}, {ID: report.CeilingSegment, What: "of a segment file"}, {ID: report.CeilingMemory, What: "of execution alone"}}}
	written := deviceBytes()
	r, err := load.Run(c.engine, c.world, p)
	if err != nil {
		return k, err
	}
	c.settled += r.Accepted
	share := func(n, of uint64) float64 { return float64(n) / float64(max(1, of)) }
	run := result.Run{Seconds: r.Seconds, Count: r.Settlements, Rate: float64(r.Settlements) / r.Seconds, CPU: r.CPU}
	run.Batches = &result.Batches{Count: r.Batches, Commands: share(r.Commands, r.Batches)}
	run.Mix = &result.Mix{Postings: share(r.Legs, r.Accepted), Relatives: share(r.Relatives, r.Accepted), AllCash: share(r.Cash, r.Accepted), Contested: share(r.Contested, r.Commands),
		Serial: share(r.Serial, r.Commands), Drift: float64(r.MoneyAfter)/float64(max(1, r.MoneyBefore)) - 1, Refused: map[string]uint64{}}
	for o, n := range r.Refused {
		run.Mix.Refused[o.String()] = uint64(n)
		run.Breaches = append(run.Breaches, fmt.Sprintf("%d settlements were refused: %v", n, o))
	}
	run.Disk = &result.Disk{Ledger: dirBytes(c.dir), Device: deviceBytes() - written, Commands: int64(r.Commands) * int64(commandBytes)}
	var sum int64
	if err := c.engine.Ask(func(v engine.View) { sum = v.State.Totals().Sum() }); err != nil {
		return k, err
	}
	if sum != 0 {
		run.Breaches = append(run.Breaches, fmt.Sprintf("books do not balance: %d fen", sum))
	}
	k.Runs = []result.Run{run}
	return k, nil
}

func (c *benchCore) close() error { return errors.Join(c.engine.Close(), os.RemoveAll(c.dir)) }
