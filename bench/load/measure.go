package load

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// Loops of a plan.
const (
	Closed = "closed" // every worker sends its next request when the one before is answered
	Open   = "open"   // requests are due at a fixed rate, whatever becomes of those before
)

// Plan of a measurement in process. Zero values stand for the defaults of WithDefaults.
type Plan struct {
	Workload  string
	Loop      string
	Rate      float64 // open loop: calls of the workload's unit a second
	Persons   int
	Workers   int // goroutines that submit and wait; in an open loop what they cannot take in time waits, and its waiting counts
	Group     int // settlements a request; their credits come on top
	Shards    int // 0: one a core
	Serial    bool
	Runs      int
	For       time.Duration // measured time of a run
	Warm      time.Duration // before it; negative: none
	Calls     uint64        // closed loop: if not 0, a run warms up for WarmCalls and measures Calls of them, however long that takes
	WarmCalls uint64
	Seed      uint64
	Dir       string // where the ledger lies for the time of the measurement; "": the system's temporary directory
	// Options, if not nil, may change the engine's options; who changes what is measured says so in the report.
	Options func(*engine.Options)
	// Loaded is called when the world is in the ledger, Measured when the last run is over; nil: nobody.
	Loaded   func(seconds, cpu float64)
	Measured func()
}

// Defaults of a plan. 32 workers with 512 settlements each keep four batches of the pipeline full.
const (
	DefaultPersons = 1_000_000
	DefaultWorkers = 32
	DefaultGroup   = 512
	DefaultRuns    = 3
	DefaultFor     = 10 * time.Second
	DefaultWarm    = 2 * time.Second
	// groupMax leaves room in a request for a credit a settlement, and premiums.
	groupMax = sequencer.CommandsPerRequestMax / 4
	// workersMax bounds the histograms: half a megabyte each.
	workersMax = 1_024
)

func (p Plan) withDefaults() Plan {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&p.Persons, DefaultPersons)
	set(&p.Workers, DefaultWorkers)
	set(&p.Group, DefaultGroup)
	set(&p.Runs, DefaultRuns)
	if p.For == 0 {
		p.For = DefaultFor
	}
	if p.Warm == 0 {
		p.Warm = DefaultWarm
	}
	p.Warm = max(p.Warm, 0)
	if p.Loop == "" {
		p.Loop = Closed
	}
	return p
}

func (p *Plan) check() error {
	switch {
	case p.Loop != Closed && p.Loop != Open:
		return fmt.Errorf("no loop %q: closed or open", p.Loop)
	case (p.Loop == Open) != (p.Rate > 0):
		return fmt.Errorf("a rate belongs to an open loop, and an open loop needs one: %s, %g", p.Loop, p.Rate)
	case p.Calls > 0 && p.Loop == Open:
		return errors.New("an open loop runs for a time, not for a number of calls")
	case p.Persons < personsMin || p.Workers < 1 || p.Workers > workersMax || p.Group < 1 || p.Group > groupMax || p.Runs < 1:
		return fmt.Errorf("%d persons (at least %d), %d workers (1 to %d), groups of %d (1 to %d), %d runs", p.Persons, personsMin, p.Workers, workersMax, p.Group, groupMax, p.Runs)
	}
	return nil
}

// personsMin: in a smaller world shares are chance.
const personsMin = 2_000

// bench is a ledger under load.
type bench struct {
	plan    Plan
	shape   *Workload
	field   *field
	engine  *engine.Engine
	options engine.Options
	stages  *stages
	callers []work
}

// Measure loads a world into a new ledger and drives it, Runs times. The error is of what could not be measured; a run that was measured and is wrong has
// Breaches.
func Measure(p Plan) (result.Case, error) {
	p = p.withDefaults()
	shape, err := Known(p.Workload)
	if err != nil {
		return result.Case{}, err
	}
	if err := p.check(); err != nil {
		return result.Case{}, err
	}
	dir, err := os.MkdirTemp(p.Dir, "gongji-bench-")
	if err != nil {
		return result.Case{}, err
	}
	defer os.RemoveAll(dir)
	b, perPerson, err := load(p, shape, dir)
	if err != nil {
		return result.Case{}, err
	}
	c := b.describe()
	if err := b.runs(&c, perPerson); err != nil {
		return c, errors.Join(err, b.engine.Close())
	}
	breaches, err := reopened(b.engine, b.options)
	last := &c.Runs[len(c.Runs)-1]
	last.Breaches = append(last.Breaches, breaches...)
	return c, err
}

func (b *bench) runs(c *result.Case, perPerson float64) error {
	for range b.plan.Runs {
		r, err := b.run()
		if err != nil {
			return err
		}
		r.Memory.PerPerson = perPerson
		c.Runs = append(c.Runs, r)
	}
	if b.plan.Measured != nil {
		b.plan.Measured()
	}
	return nil
}

// load makes ledger and field.
func load(p Plan, shape *Workload, dir string) (*bench, float64, error) {
	b := &bench{plan: p, shape: shape, field: newField(shape, p.Persons, p.Workers, p.Seed), stages: newStages()}
	b.options = engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, Shards: p.Shards, FirstPolicy: shape.Policy(),
		HousekeepingInterval: -1, Observe: b.stages.observe} // no housekeeping: then every command counted is one that was answered
	if p.Serial {
		b.options.Shards, b.options.ShardedCommandsMin = 1, sequencer.BatchCommands+1
	}
	if p.Options != nil {
		p.Options(&b.options)
	}
	var err error
	if b.engine, err = engine.Open(b.options); err != nil {
		return nil, 0, err
	}
	empty, begin, cpu := liveHeap(), time.Now(), cpuSeconds()
	refused, err := b.field.world.Load(b.engine)
	if err == nil && len(refused) > 0 {
		err = fmt.Errorf("loading was refused: %v", refused)
	}
	if err != nil {
		return nil, 0, errors.Join(err, b.engine.Close())
	}
	if p.Loaded != nil {
		p.Loaded(time.Since(begin).Seconds(), cpuSeconds()-cpu)
	}
	for _, s := range b.field.streams {
		c := newCaller(s, p.Group)
		reader := b.engine.NewReader()
		c.entry = func(at ledger.Position) (engine.Entry, error) { return reader.Entry(at) }
		b.callers = append(b.callers, c)
	}
	return b, float64(liveHeap()-empty) / float64(b.field.world.Persons), nil
}

// describe is the case without its runs.
func (b *bench) describe() result.Case {
	p := &b.plan
	c := result.Case{ID: "core/" + p.Workload, Name: p.Workload + " in process", Kind: result.InProcess, Workload: p.Workload, Unit: b.shape.Unit,
		Load: result.Load{Loop: p.Loop, Rate: p.Rate, Persons: b.field.world.Persons, Workers: p.Workers, Group: p.Group, Shards: p.Shards, Seed: p.Seed}}
	if p.Serial {
		c.ID, c.Name = c.ID+"/serial", c.Name+", serial executor"
	}
	if p.Loop == Open {
		c.ID, c.Name = c.ID+"/open", c.Name+fmt.Sprintf(", open loop at %.0f/s", p.Rate)
	}
	return c
}
