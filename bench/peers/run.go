package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/ledger"
)

// Options of a run.
type Options struct {
	Binary           string // gongji
	Dir              string // where both sides' data lie, side by side; "": the system's temporary directory
	Persons          int
	Seed             uint64
	Clients          []int // of pgbench, one settlement a commit
	GroupClients     int   // of pgbench, fifty a commit
	Connections      []int // of wrk
	BatchConnections int
	Rounds           int
	Seconds          int // of one measurement
	SharedBuffers    string
	// Import loads the world into the server whose admin listener is at this address.
	Import func(ctx context.Context, admin string, w *World) error
	// Say tells what happens.
	Say func(format string, args ...any)
}

// Outcome of a run: cases in the order of the table, and the shares that were found.
type Outcome struct {
	Cases            []result.Case
	Postgres, Gongji Shares
	Version          string // of PostgreSQL
}

// Shares of settlements by accounts touched, and with relatives.
type Shares struct {
	Count     uint64
	ByLegs    [legsMax + 1]float64
	Relatives float64
}

// match runs both sides. One goroutine.
type match struct {
	o       Options
	world   *World
	pg      *cluster
	wrk     wrkProgram
	place   *ledgerPlace
	keys    *coreKeys
	cases   map[string]*result.Case
	order   []string
	number  int // measurements so far
	settled int64
	legs    Legs
	read    ledger.Position
}

// Run sets both sides up, compares them, measures them in turns and checks their books. Both leave nothing behind.
func Run(ctx context.Context, p Programs, o Options) (out Outcome, err error) {
	dir, err := os.MkdirTemp(o.Dir, "gongji-peers-")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := &match{o: o, world: NewWorld(o.Persons, o.Seed), place: placeIn(dir), cases: map[string]*result.Case{}}
	if m.wrk, err = prepareWrk(p.wrk, dir, m.world); err != nil {
		return out, err
	}
	o.Say("world: %d persons, %d bindings", m.world.Persons(), m.world.Bindings())
	if m.pg, err = startCluster(ctx, p.bin, o.Dir, o.SharedBuffers); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, m.pg.stop()) }()
	if out.Version, err = m.pg.query(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1)"); err != nil {
		return out, err
	}
	if err := m.prepare(ctx); err != nil {
		return out, err
	}
	for round := range o.Rounds {
		if err := m.round(ctx, round); err != nil {
			return out, err
		}
	}
	return out, m.finish(ctx, &out)
}

// prepare loads both sides and compares them.
func (m *match) prepare(ctx context.Context) error {
	start := time.Now()
	if err := m.pg.load(ctx, m.world); err != nil {
		return fmt.Errorf("load PostgreSQL: %w", err)
	}
	m.o.Say("PostgreSQL loaded in %.1f s", time.Since(start).Seconds())
	start = time.Now()
	return m.serving(ctx, func(s *server) error {
		if err := m.o.Import(ctx, s.admin, m.world); err != nil {
			return fmt.Errorf("load Gongji: %w", err)
		}
		m.o.Say("Gongji loaded over HTTP in %.1f s", time.Since(start).Seconds())
		if err := compare(ctx, m.pg, s, m.world); err != nil {
			return err
		}
		m.settled += sameBills
		m.o.Say("%d settlements, %d repeats and %d ids used again: the same answers on both sides", sameBills, 2*sameRepeats, 2*sameRepeats)
		return nil
	})
}

// serving runs f with a server on the ledger, then stops it.
func (m *match) serving(ctx context.Context, f func(*server) error) error {
	s, err := startServer(ctx, m.o.Binary, m.place)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.stop())
}

// round measures everything once.
func (m *match) round(ctx context.Context, round int) error {
	for _, clients := range m.o.Clients {
		if err := m.peer(ctx, round, oneID(clients, m.o.Clients), "one a commit", pgbenchRun{script: "one", clients: clients, group: 1}); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		id, name string
		run      pgbenchRun
	}{
		{idFifty, "50 a commit", pgbenchRun{script: "fifty", clients: m.o.GroupClients, group: 50}},
		{idAsync, "one a commit, synchronous_commit=off: NOT durable", pgbenchRun{script: "one", clients: m.o.GroupClients, group: 1, async: true}},
	} {
		if err := m.peer(ctx, round, x.id, x.name, x.run); err != nil {
			return err
		}
	}
	if err := m.serving(ctx, func(s *server) error { return m.overHTTP(ctx, s) }); err != nil {
		return err
	}
	return m.inProcess(ctx)
}

// peer measures PostgreSQL. Before the first round each case runs a moment unmeasured: pages are read, and written whole to the log for the first time.
func (m *match) peer(ctx context.Context, round int, id, name string, p pgbenchRun) error {
	if p.seconds = m.o.Seconds; round == 0 {
		warm := p
		warm.seconds, warm.number = max(1, p.seconds/4), m.next()
		r, err := m.pg.measure(ctx, m.world, warm)
		if err != nil {
			return err
		}
		m.settled += int64(r.Count)
	}
	p.number = m.next()
	r, err := m.pg.measure(ctx, m.world, p)
	if err != nil {
		return err
	}
	m.settled += int64(r.Count)
	m.add(id, "PostgreSQL, "+name, result.Load{Loop: "closed", Connections: p.clients, Group: p.group, Processes: 1}, r)
	return nil
}

func (m *match) next() int {
	m.number++
	return m.number
}

func (m *match) runID() string { return fmt.Sprintf("r%03d", m.next()) }

func (m *match) overHTTP(ctx context.Context, s *server) error {
	for _, connections := range m.o.Connections {
		r, err := s.single(ctx, m.wrk, m.world, m.runID(), m.number, connections, m.o.Seconds)
		if err != nil {
			return fmt.Errorf("wrk, %d connections: %w", connections, err)
		}
		m.add(httpID(connections, m.o.Connections), "Gongji, HTTP, one a request", result.Load{Loop: "closed", Connections: connections, Group: 1, Processes: 1}, r)
	}
	r, err := s.batch(ctx, m.world, m.runID(), m.number, m.o.BatchConnections, m.o.Seconds)
	if err != nil {
		return fmt.Errorf("batches: %w", err)
	}
	m.add(idBatch, "Gongji, HTTP, 1,000 a request", result.Load{Loop: "closed", Connections: m.o.BatchConnections, Group: batchLines, Processes: 1}, r)
	return nil
}

// legsRead bounds how many settlements of a round's HTTP runs are counted by accounts touched: reading the journal takes 0.1 us each.
const legsRead = 3_000_000

func (m *match) inProcess(ctx context.Context) (err error) {
	e, err := openCore(m.place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if m.keys == nil {
		m.keys = newCoreKeys(e, m.world)
	}
	legs, _, err := countLegs(e, m.read, legsRead)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	m.count(legs)
	r, legs, err := core(ctx, e, m.keys, m.world, m.runID(), m.number, m.o.Seconds)
	if err != nil {
		return fmt.Errorf("in process: %w", err)
	}
	m.count(legs)
	if sum, err := balanced(e); err != nil {
		return err
	} else if sum != 0 {
		r.Breaches = append(r.Breaches, fmt.Sprintf("Gongji's accounts add up to %d fen", sum))
	}
	m.add(idCore, "Gongji, in process", result.Load{Loop: "closed", Workers: coreWorkers, Group: coreGroup}, r)
	m.read, err = newest(e)
	return err
}

func (m *match) count(legs Legs) {
	for n, count := range legs {
		m.legs[n] += count
	}
}

func newest(e *engine.Engine) (at ledger.Position, err error) {
	err = e.Ask(func(v engine.View) { at = ledger.At(v.Sequence+1, 0) - 1 })
	return at, err
}

func (m *match) add(id, name string, load result.Load, r result.Run) {
	c := m.cases[id]
	if c == nil {
		load.Persons, load.Seed = m.world.Persons(), m.world.seed
		c = &result.Case{ID: id, Name: name, Kind: result.Peer, Workload: "peers", Unit: "settlements/s", Load: load}
		m.cases[id] = c
		m.order = append(m.order, id)
	}
	c.Runs = append(c.Runs, r)
	m.o.Say("  %-28s %8.0f settlements/s, p50 %s, p99 %s, %.2f us CPU a settlement", id, r.Rate, micros(r.Latency.P50), micros(r.Latency.P99), cpuEach(&r))
	for _, b := range r.Breaches {
		m.o.Say("  BREACH: %s", b)
	}
}

// shareTolerance is how far the mixes of the two sides may be apart: 2 points.
const shareTolerance = 0.02

// finish checks the books of PostgreSQL and that both did the same mix.
func (m *match) finish(ctx context.Context, out *Outcome) error {
	b, breaches, err := m.pg.books(ctx, m.world, m.settled)
	if err != nil {
		return err
	}
	out.Postgres = Shares{Count: uint64(b.settlements), Relatives: float64(b.relatives) / float64(max(1, b.settlements))}
	for n, count := range b.byLegs {
		out.Postgres.ByLegs[n] = float64(count) / float64(max(1, b.settlements))
	}
	out.Gongji = m.shares()
	for n := range out.Postgres.ByLegs {
		if d := out.Postgres.ByLegs[n] - out.Gongji.ByLegs[n]; d > shareTolerance || d < -shareTolerance {
			breaches = append(breaches, fmt.Sprintf("settlements that touch %d accounts: %.1f %% and %.1f %%", n, 100*out.Postgres.ByLegs[n], 100*out.Gongji.ByLegs[n]))
		}
	}
	for _, id := range m.order {
		out.Cases = append(out.Cases, *m.cases[id])
	}
	last := &out.Cases[0].Runs[len(out.Cases[0].Runs)-1]
	last.Breaches = append(last.Breaches, breaches...)
	return nil
}

func (m *match) shares() (s Shares) {
	for _, count := range m.legs {
		s.Count += count
	}
	for n, count := range m.legs {
		s.ByLegs[n] = float64(count) / float64(max(1, s.Count))
	}
	runs := 0
	for _, id := range m.order {
		for _, r := range m.cases[id].Runs {
			if r.Mix != nil {
				s.Relatives += r.Mix.Relatives
				runs++
			}
		}
	}
	s.Relatives /= float64(max(1, runs))
	return s
}
