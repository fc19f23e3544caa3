package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gongji/bench/province"
	"gongji/bench/result"
)

// Plan of a measurement.
type Plan struct {
	Server    Server
	Seed      uint64 // of the province in the server
	Persons   int    // of it
	Bodies    int    // different bills; each request gets a message id of its own. 0: as many as persons, at most BillsMax
	AidPPM    int    // bills that need a relative, per million of the day's; 0: as published
	Parts     []Part // nil: all
	Pairs     []int  // connections of the pairs with the echo
	Wide      int    // connections of the checked runs
	Pipeline  int    // of the pipelined runs
	Group     int    // settlements of a batch call
	Batchers  int    // connections of batch calls
	Processes int    // client processes
	Runs      int
	Warm, For time.Duration
	// Drift is the most that a run may take out of the accounts, as a share of all money: a run that would take more is made shorter.
	Drift float64
	// Client starts a client process: it calls Child with its standard input and output. Env is added to its environment.
	Client, Env []string
	Script      []byte                        // of wrk
	Say         func(format string, a ...any) // progress; may be nil
}

// Part of a measurement.
type Part string

// The parts.
const (
	Paired    Part = "pairs"    // echo and settlements by turns, by wrk
	Closed    Part = "closed"   // one a request, answers checked
	Pipelined Part = "pipeline" // the same, pipelined
	Open      Part = "open"     // at half of the closed loop's rate
	Batched   Part = "batch"
	Purchases Part = "national" // 2102, beside an echo of its sizes
)

// Parts are all.
var Parts = []Part{Paired, Closed, Pipelined, Open, Batched, Purchases}

// Bands outside of which a run is no result. postingsMin is the issue's; mixMax is how far a share may be from what the bills come to at opening
// balances: what a run may take out of the accounts (Drift) moves no more.
const (
	postingsMin = 0.80
	mixMax      = 0.05
)

// bench is a measurement under way. One goroutine.
type bench struct {
	Plan
	operator *operator
	children *Children
	wrk      *Wrk // nil: not installed
	province *province.Province
	bills    []province.Settlement
	expected mix
	tags     int64
	from     int // bill that comes next
	levelled time.Time
	cases    []result.Case
	notes    []string
	speed    map[Face]*speed
}

// speed of a face as a short run showed it.
type speed struct {
	rate        float64 // requests/s
	paid        float64 // fen/s
	answerBytes int     // of a body
}

// Measure drives a server that holds a province and gives one case for each thing measured, and notes about what could not be. Breaches are in the
// cases; an error is an accident. It needs the server for itself.
func Measure(ctx context.Context, p Plan) (cases []result.Case, notes []string, err error) {
	b := &bench{Plan: p, speed: map[Face]*speed{}}
	if b.Parts == nil {
		b.Parts = Parts
	}
	if b.Say == nil {
		b.Say = func(string, ...any) {}
	}
	if b.Bodies == 0 {
		b.Bodies = min(b.Persons, BillsMax)
	}
	if b.Group > 0 {
		b.Bodies = max(1, b.Bodies/b.Group) * b.Group // whole batches only
	}
	if err := b.check(); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	if err := b.begin(ctx); err != nil {
		return nil, nil, err
	}
	for _, part := range Parts {
		if !slices.Contains(b.Parts, part) {
			continue
		}
		if err := b.part(part); err != nil {
			return b.cases, b.notes, fmt.Errorf("%s: %w", part, err)
		}
		if ctx.Err() != nil {
			return b.cases, b.notes, ctx.Err()
		}
	}
	return b.cases, b.notes, nil
}

// runsMax of a case: medians of more are for another tool.
const runsMax = 100

// check refuses a plan that cannot be done, before anything is started.
func (b *bench) check() error {
	if len(b.Pairs) == 0 || b.Runs < 1 || b.Runs > runsMax || b.Drift <= 0 || b.Drift > 1 || len(b.Client) == 0 {
		return fmt.Errorf("wire: %d pairs, %d runs, drift %g, client %q", len(b.Pairs), b.Runs, b.Drift, b.Client)
	}
	for _, p := range b.Parts {
		if !slices.Contains(Parts, p) {
			return fmt.Errorf("wire: no part %q, there are %v", p, Parts)
		}
	}
	for _, n := range append([]int{b.Wide, b.Batchers}, b.Pairs...) {
		j := Job{Connections: n, Pipeline: b.Pipeline, For: int64(b.For), Warm: int64(b.Warm), Tag: b.tag(), Processes: max(1, b.Processes)}
		if err := j.check(); err != nil {
			return err
		}
		if n < b.Processes {
			return fmt.Errorf("wire: %d connections for %d processes", n, b.Processes)
		}
	}
	if b.Group < 1 || b.Group > LinesMax {
		return fmt.Errorf("wire: %d settlements a batch call, must be 1 to %d", b.Group, LinesMax)
	}
	return (&Bills{Persons: b.Persons, Count: b.Bodies}).check()
}

func (b *bench) begin(ctx context.Context) (err error) {
	j := b.job(Settlements, 1)
	b.province = j.Bills.province()
	b.bills = j.Bills.make(b.province)
	b.expected = mixOf(b.province, b.bills)
	b.operator = newOperator(b.Server.Admin)
	if b.wrk, err = NewWrk(b.Script); errors.Is(err, ErrNoWrk) {
		b.notes = append(b.notes, "wrk is not installed: this harness's own client drove echo and settlements instead")
	} else if err != nil {
		return err
	}
	b.children, err = StartChildren(ctx, max(1, b.Processes), b.Client, b.Env)
	return err
}

func (b *bench) end() (err error) {
	if b.operator != nil {
		b.operator.close()
	}
	if b.children != nil {
		err = b.children.Stop()
	}
	if b.wrk != nil {
		err = errors.Join(err, b.wrk.Close())
	}
	return err
}

func (b *bench) part(p Part) error {
	switch p {
	case Paired:
		return b.pairs(Settlements, Echo, result.HTTP, b.Pairs)
	case Closed:
		return b.closed("http/settlements/closed", "one settlement a request, every answer checked", b.job(Settlements, b.Wide), nil)
	case Pipelined:
		j := b.job(Settlements, b.Wide)
		j.Pipeline = b.Pipeline
		return b.closed("http/settlements/pipelined", fmt.Sprintf("one settlement a request, %d pipelined", b.Pipeline), j, nil)
	case Open:
		return b.half()
	case Batched:
		j := b.job(Batch, b.Batchers)
		j.Group = b.Group
		return b.closed("http/batch", fmt.Sprintf("batch call, %d settlements a request", b.Group), j, nil)
	case Purchases:
		if err := b.pairs(National, EchoNHSA, result.NHSA, b.Pairs[:1]); err != nil {
			return err
		}
		return b.closed("nhsa/2102/closed", "2102, every answer checked", b.job(National, b.Wide), nil)
	}
	return fmt.Errorf("wire: no part %q", p)
}

// job is a job of a face, closed loop, without a time.
func (b *bench) job(f Face, connections int) Job {
	j := Job{Server: b.Server.Business, Face: f, Connections: connections, Pipeline: 1, Processes: 1,
		Bills: Bills{Seed: b.Seed, Day: b.Seed + 1, Persons: b.Persons, Count: b.Bodies, AidPPM: b.AidPPM}}
	if s := b.speed[sized[f]]; s != nil {
		j.AnswerBytes = s.answerBytes
	}
	return j
}

// sized is the face whose answers an echo has the size of.
var sized = map[Face]Face{Echo: Settlements, EchoNHSA: National}

// tag names a run for its message ids; the last two characters are a process's.
func (b *bench) tag() string {
	b.tags++
	return fmt.Sprintf("W%011x00", (time.Now().UnixMicro()+b.tags)&(1<<44-1))
}

// each is how many settlements a request of a job holds.
func each(j *Job) int {
	if j.Face == Batch {
		return j.Group
	}
	return 1
}

func isEcho(f Face) bool { return f == Echo || f == EchoNHSA }

// tryFor is a run that only tells how long a measured one may be: an eighth of a second takes a province of 100,000 persons 2 % of its money by batches.
const tryFor = 125 * time.Millisecond

// try finds out what a face does a second.
func (b *bench) try(j Job) (*speed, error) {
	if s := b.speed[j.Face]; s != nil && j.Pipeline == 1 {
		return s, nil
	}
	j.Warm, j.For = 0, int64(tryFor)
	_, o, err := b.run(j) // what is wrong with it the measured runs will tell
	if err != nil {
		return nil, err
	}
	s := &speed{rate: float64(o.Requests) / o.Seconds, paid: float64(o.Paid) / o.Seconds, answerBytes: int(o.BodiesIn / max(1, o.Answers))}
	if j.Pipeline == 1 {
		b.speed[j.Face] = s
	}
	return s, nil
}

// The shortest measured time, and the share of a run that warms up if the money allows less than both times asked for. Aim leaves room below Drift for a
// run that is faster than those before it: on a machine with other work the next one was up to a third faster.
const (
	forMin    = IntervalLength
	warmShare = 0.2
	driftAim  = 0.6
)

// budget is how long a face may run, in ns, until it has taken a share of the money.
func (b *bench) budget(s *speed, share float64) (int64, error) {
	if s.paid == 0 {
		return int64(forMax), nil
	}
	money, _, err := b.operator.books()
	return int64(min(1e9*share*float64(money)/s.paid, float64(forMax))), err
}

// limit gives a job its times: those asked for, or as much as the money allows.
func (b *bench) limit(j *Job, s *speed) error {
	j.Warm, j.For = int64(b.Warm), int64(b.For)
	if isEcho(j.Face) {
		return nil
	}
	budget, err := b.budget(s, driftAim*b.Drift)
	if err != nil {
		return err
	}
	if j.Rate > 0 {
		budget = int64(float64(budget) * max(1, s.rate/j.Rate))
	}
	if budget < j.Warm+j.For {
		j.Warm = min(j.Warm, int64(warmShare*float64(budget)))
		j.For = max(int64(forMin), min(j.For, (budget-j.Warm)/int64(IntervalLength)*int64(IntervalLength)))
	}
	return nil
}

// closed measures a job several times and makes a case of it.
func (b *bench) closed(id, name string, j Job, ceilings []result.Of) error {
	s, err := b.try(j)
	if err != nil {
		return err
	}
	c := b.newCase(id, name, &j, ceilings)
	for range b.Runs {
		r, err := b.stretches(&j, s)
		if err != nil {
			return err
		}
		c.Runs = append(c.Runs, r)
	}
	b.add(c)
	return nil
}

// stretchesMax of a run, between which the money is put back: a small province can pay for a quarter of a second of batches at once.
const stretchesMax = 12

// stretches is one run, in as many parts as the money of the province needs.
func (b *bench) stretches(j *Job, s *speed) (whole result.Run, err error) {
	for n := 0; n == 0 || whole.Seconds+forMin.Seconds() <= b.For.Seconds() && n < stretchesMax && len(whole.Breaches) == 0; n++ {
		if err := b.limit(j, s); err != nil {
			return whole, err
		}
		j.For = min(j.For, int64(b.For)-int64(whole.Seconds*1e9))
		r, o, err := b.run(*j)
		if err != nil {
			return whole, err
		}
		s.paid = max(s.paid, float64(o.Paid)/(o.Seconds+float64(j.Warm)/1e9))
		if n == 0 {
			whole = r
		} else if err := join(&whole, &r); err != nil {
			return whole, err
		}
	}
	return whole, nil
}

// half measures latency in an open loop at half of what the closed loop does.
func (b *bench) half() error {
	i := slices.IndexFunc(b.cases, func(c result.Case) bool { return c.ID == "http/settlements/closed" })
	if i < 0 {
		if err := b.part(Closed); err != nil {
			return err
		}
		i = len(b.cases) - 1
	}
	j := b.job(Settlements, b.Wide)
	j.Rate = float64(int(b.cases[i].Rate() / 2))
	return b.closed("http/settlements/open-half", "open loop at half of the closed loop's rate, latency from the intended start", j, nil)
}

func (b *bench) newCase(id, name string, j *Job, ceilings []result.Of) result.Case {
	c := result.Case{ID: id, Name: name, Kind: result.HTTP, Workload: "national", Unit: "settlements/s", Ceilings: ceilings,
		Load: result.Load{Loop: "closed", Rate: j.Rate, Persons: b.Persons, Group: each(j), Connections: j.Connections, Pipeline: j.Pipeline, Processes: max(1, b.Processes), Seed: b.Seed}}
	switch j.Face {
	case Echo, EchoNHSA:
		c.Kind, c.Unit = result.Ceiling, "requests/s"
	case National:
		c.Kind = result.NHSA
	}
	if j.Rate > 0 {
		c.Load.Loop = "open"
	}
	return c
}

// add keeps a case and tells it.
func (b *bench) add(c result.Case) {
	b.cases = append(b.cases, c)
	b.Say("%s", Line(&c))
}

// pairs drives echo and settlements by turns with the same request bytes and answers of the same size.
func (b *bench) pairs(f, echo Face, kind string, connections []int) error {
	s, err := b.try(b.job(f, slices.Max(connections)))
	if err != nil {
		return err
	}
	wrk, err := b.takesWrk(f, s)
	if err != nil {
		return err
	}
	for _, n := range connections {
		at := "/" + strconv.Itoa(n)
		prefix := map[string]string{result.HTTP: "http/settlements", result.NHSA: "nhsa/2102"}[kind]
		jobs := [2]Job{b.job(echo, n), b.job(f, n)}
		cases := [2]result.Case{
			b.newCase("ceiling/"+string(echo)+at, fmt.Sprintf("echo of %s, %d connections", f, n), &jobs[0], nil),
			b.newCase(prefix+at, fmt.Sprintf("%s, %d connections", f, n), &jobs[1], []result.Of{{ID: "ceiling/" + string(echo) + at, What: "of the echo"}}),
		}
		for range b.Runs {
			for i := range jobs {
				r, err := b.turn(jobs[i], s, wrk)
				if err != nil {
					return err
				}
				cases[i].Runs = append(cases[i].Runs, r)
			}
		}
		for i := range cases {
			if cases[i].Load.Processes, cases[i].Note = 1, "driven by wrk, which looks at the status of answers only"; !wrk {
				cases[i].Load.Processes, cases[i].Note = max(1, b.Processes), "driven by the harness's own client"
			}
			b.add(cases[i])
		}
	}
	return nil
}

// takesWrk tells whether wrk drives a pair: it is installed, and its shortest run, a second, takes no more money than a run may.
func (b *bench) takesWrk(f Face, s *speed) (bool, error) {
	if b.wrk == nil {
		return false, nil
	}
	budget, err := b.budget(s, b.Drift)
	if err != nil || budget >= int64(time.Second) {
		return err == nil, err
	}
	b.notes = append(b.notes, fmt.Sprintf("%s: a second, wrk's shortest run, would take too much of the money of %d persons: this harness's own client drove echo and settlements", f, b.Persons))
	return false, nil
}

// turn is one run of a pair.
func (b *bench) turn(j Job, s *speed, wrk bool) (r result.Run, err error) {
	if !wrk {
		if isEcho(j.Face) {
			j.Warm, j.For = int64(b.Warm), int64(b.For)
			r, _, err = b.run(j)
			return r, err
		}
		return b.stretches(&j, s)
	}
	err = b.limit(&j, s)
	if err != nil {
		return r, err
	}
	return b.runWrk(j, max(1, int(time.Duration(j.For+j.Warm).Seconds())))
}
