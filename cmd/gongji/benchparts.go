package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"gongji/bench/ceiling"
	"gongji/bench/load"
	"gongji/bench/report"
	"gongji/bench/result"
	"gongji/bench/wire"
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
	brief        time.Duration // of one run of what is not the main workload
	diskCommands int
	calls        uint64    // of a run of a closed loop, however long it takes; 0: as many as fit into its time
	rates        []float64 // of the main workload's closed loop
	loaded       bool      // how long the world took to load has been told
	notes        []string
}

// Sizes of a quick run: the whole suite stays below a minute on two busy cores.
const (
	quickPersons = 20_000
	quickFor     = time.Second
	quickBrief   = 500 * time.Millisecond
	quickCeiling = 200 * time.Millisecond
	quickDisk    = 100_000
	quickCalls   = 30_000
)

// Sizes of a whole run: it stays below 5 minutes on two quiet cores, of which a third goes into loading worlds.
const (
	wholeFor     = 4 * time.Second
	wholeBrief   = 2 * time.Second
	wholeCeiling = 2 * time.Second
	wholeDisk    = 4_000_000 // commands
	// othersPersons and httpPersons are the worlds of what is not measured in process by the main workload.
	othersPersons = 100_000
	httpPersons   = 200_000
	// Worlds below smallWorld are driven by fewer requests, of a settlement for every smallShare persons.
	smallWorld   = 100_000
	smallWorkers = 8
	smallShare   = 200
	// openGroup is what a request of the open loop holds: a batch call of a hospital, not a full batch of the engine.
	openGroup = 64
)

func newBenchSettings(persons, rounds int, quick bool) *benchSettings {
	s := &benchSettings{persons: persons, rounds: max(1, rounds), quick: quick, lasting: wholeFor, brief: wholeBrief, ceiling: wholeCeiling, diskCommands: wholeDisk,
		log: ceiling.LogPlan{For: 700 * time.Millisecond}}
	if quick {
		s.persons, s.rounds, s.lasting, s.brief, s.ceiling, s.diskCommands = min(persons, quickPersons), 1, quickFor, quickBrief, quickCeiling, quickDisk
		s.calls, s.log = quickCalls, ceiling.LogPlan{For: quickCeiling, Batches: []int{2048}}
	}
	s.log.CommandBytes = ceiling.CommandBytes(load.NewWorld(quickPersons), load.DefaultMix)
	return s
}

// inProcess is the engine without a network, in turns with its ceilings.
func (s *benchSettings) inProcess() benchBlock {
	c := s.ceilings()
	return benchBlock{rounds: s.rounds, steps: append([]benchStep{{"in process", s.measureInProcess}}, c.steps...), close: c.close}
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

// mainWorkload is the one whose figures are the aims'.
const mainWorkload = "national"

// measureInProcess gives one run of the main workload over shards and serially, in turns that change, and in the last round of the open loop at half of the
// median rate, of the other workloads, and of the bytes on the disk.
func (s *benchSettings) measureInProcess(_ context.Context, round int) (cases []result.Case, err error) {
	plans := []load.Plan{{Workload: mainWorkload}, {Workload: mainWorkload, Serial: true}}
	if round%2 == 1 {
		slices.Reverse(plans)
	}
	for _, p := range plans {
		if cases, err = s.workload(cases, p, s.persons, s.lasting); err != nil {
			return cases, err
		}
	}
	for i := range cases {
		if c := &cases[i]; c.ID == report.CoreNational {
			c.Ceilings = []result.Of{{ID: report.CeilingLog, What: "of the bare log"}, {ID: report.CeilingSegment, What: "of a segment file"}, {ID: report.CeilingMemory, What: "of execution alone"}}
			s.rates = append(s.rates, c.Rate())
		}
	}
	return cases, nil
}

// workload adds a run of a workload, and the first time how long its world took to load.
func (s *benchSettings) workload(cases []result.Case, p load.Plan, persons int, lasting time.Duration) ([]result.Case, error) {
	var seconds, cpu float64
	p.Runs, p.Persons, p.For, p.Warm, p.Dir, p.Seed = 1, persons, lasting, lasting/4, s.dir, uint64(time.Now().UnixNano())
	if s.calls > 0 && p.Loop != load.Open { // a busy machine may settle nothing in a short time
		p.Calls, p.WarmCalls = s.calls, s.calls/2
	}
	if persons < smallWorld { // what is under way must be little beside the money that there is
		p.Workers, p.Group = smallWorkers, max(1, persons/smallShare)
	}
	p.Loaded = func(s, c float64) { seconds, cpu = s, c }
	c, err := load.Measure(p)
	if err != nil {
		return cases, err
	}
	if p.Workload == mainWorkload && !s.loaded {
		s.loaded = true
		cases = append(cases, result.Case{ID: report.BulkLoad, Name: "Persons with bindings and opening credits, loaded in process", Kind: result.InProcess, Unit: "persons/s",
			Load: result.Load{Loop: load.Closed, Persons: persons, Workers: 1, Group: 4096}, Runs: []result.Run{{Seconds: seconds, Count: uint64(persons), Rate: float64(persons) / seconds, CPU: cpu}}})
	}
	return append(cases, c), nil
}

// others are the remaining workloads, on a smaller world and once, and the main one in an open loop at half of its median rate.
func (s *benchSettings) others() benchBlock {
	b := benchBlock{rounds: 1}
	b.steps = append(b.steps, benchStep{"open loop at half of the rate", func(context.Context, int) ([]result.Case, error) {
		if len(s.rates) == 0 {
			return nil, errors.New("no closed loop was measured")
		}
		slices.Sort(s.rates)
		half := s.rates[(len(s.rates)-1)/2] / 2
		return s.workload(nil, load.Plan{Workload: mainWorkload, Loop: load.Open, Rate: half, Group: openGroup}, s.persons, s.lasting)
	}})
	for _, w := range load.Workloads {
		if w.Name == mainWorkload {
			continue
		}
		b.steps = append(b.steps, benchStep{"workload " + w.Name, func(context.Context, int) ([]result.Case, error) {
			return s.workload(nil, load.Plan{Workload: w.Name}, min(s.persons, othersPersons), s.brief)
		}})
	}
	b.steps = append(b.steps, benchStep{"bytes on the disk", func(context.Context, int) ([]result.Case, error) {
		c := benchDiskCmd{Persons: s.persons, Commands: s.diskCommands, Workers: 8, Group: load.DefaultGroup, Dir: s.dir}
		run, err := c.measure(io.Discard)
		return []result.Case{c.result(run)}, err
	}})
	return b
}

// http is the front door: settlements one a request, in batches and on the national interface, beside their echo.
func (s *benchSettings) http() benchBlock {
	return benchBlock{rounds: 1, steps: []benchStep{{"HTTP", func(ctx context.Context, _ int) ([]result.Case, error) {
		persons := httpPersons // also of a quick run: in a smaller province a second of bills takes more than 5 % of all money
		c := benchHTTPCmd{Seed: 1, Persons: persons, Connections: []int{64, 256}, Wide: 256, Pipeline: 16, Group: 1000, BatchConnections: 8, Processes: 1, Runs: s.rounds,
			Warm: s.brief / 4, For: s.brief * 3 / 4, Drift: 0.05, Dir: s.dir, quiet: true,
			Parts: []wire.Part{wire.Paired, wire.Closed, wire.Open, wire.Batched, wire.Purchases}}
		r, err := c.measure(ctx)
		if err != nil {
			return nil, err
		}
		s.notes = append(s.notes, r.Notes...)
		return r.Cases, nil
	}}}}
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
	c := result.Case{ID: fmt.Sprintf("restart/%d", persons), Kind: result.InProcess, Unit: "commands/s", Load: result.Load{Persons: persons}, Note: m.Cold + "; seconds from start to ready, checkpoint and tail together.",
		Name: fmt.Sprintf("Start with %d persons and %d commands behind the checkpoint", persons, tail)}
	run := result.Run{Seconds: m.Seconds, Count: m.Replayed, CPU: m.CPU, Memory: &result.Memory{Process: m.Memory, PerPerson: m.PerPerson}}
	if tail == 0 {
		c.Unit, c.Name, run.Count = "persons/s", fmt.Sprintf("Start with %d persons", persons), uint64(persons)
	}
	if tail > 0 && m.Replayed < uint64(tail) {
		run.Breaches = []string{fmt.Sprintf("%d commands replayed of %d", m.Replayed, tail)}
	}
	run.Rate = float64(run.Count) / run.Seconds
	c.Runs = []result.Run{run}
	return c
}
