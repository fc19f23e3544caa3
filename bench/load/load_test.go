package load

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a plan whose runs are bounded by calls, so that a slow machine measures as much as a fast one. 8 workers of 128 make batches large enough to be sharded.
func small(name string) Plan {
	return Plan{Workload: name, Persons: 20_000, Workers: 8, Group: 128, Runs: 1, WarmCalls: 20_000, Calls: 30_000, Seed: 7}
}

// TestWorkloads: every workload keeps its bands and books in a small world, makes every kind of call it is made for, and its ledger is the same when it is opened
// again.
func TestWorkloads(t *testing.T) {
	also := map[string][]Call{"national-calls": {CallPreview, CallBalance, CallLookup, CallEntry}, "monthly-credits": {CallRun, CallRunCredit}, "premium-season": {CallPremium},
		"mixed": {CallReversal, CallBinding, CallUnbinding, CallPreview, CallBalance, CallLookup, CallEntry}}
	for _, shape := range Workloads {
		t.Run(shape.Name, func(t *testing.T) {
			p := small(shape.Name)
			p.Dir = t.TempDir()
			c, err := Measure(p)
			if err != nil {
				t.Fatal(err)
			}
			r := &c.Runs[0]
			for _, breach := range r.Breaches {
				t.Error(breach)
			}
			for _, call := range append(also[shape.Name], CallSettlement, CallCredit) {
				if r.Mix.Calls[callNames[call]] == 0 {
					t.Errorf("vacuous: no %s", callNames[call])
				}
			}
			if r.Count < p.Calls*9/10 || r.Latency.Count == 0 || r.Batches.Count == 0 || len(r.Stages) != 4 || r.Stages[2].Latency.Count == 0 || len(r.Series) == 0 || r.Disk.Commands == 0 || r.CPU == 0 {
				t.Errorf("not measured: %d calls, %d latencies, %d batches, %d stages, %d points, %+v", r.Count, r.Latency.Count, r.Batches.Count, len(r.Stages), len(r.Series), r.Disk)
			}
			if shape.runs && r.Mix.Extra[extraRatio] == 0 {
				t.Errorf("tills were not measured beside the credit run: %v", r.Mix.Extra)
			}
		})
	}
}

// TestOpenRun: an open loop sends all that is due, at its rate, and says how late it was.
func TestOpenRun(t *testing.T) {
	p := small("national")
	p.Dir, p.Loop, p.Rate, p.Group, p.Calls, p.WarmCalls, p.Warm, p.For = t.TempDir(), Open, 20_000, 16, 0, 0, 100*time.Millisecond, 400*time.Millisecond
	c, err := Measure(p)
	if err != nil {
		t.Fatal(err)
	}
	r := &c.Runs[0]
	if len(r.Breaches) > 0 {
		t.Error(r.Breaches)
	}
	if due := uint64(p.Rate * p.For.Seconds() / float64(p.Group)); r.Latency.Count != due {
		t.Errorf("%d requests were measured, %d were due", r.Latency.Count, due)
	}
	if r.Mix.Extra[extraLateMax] == 0 {
		t.Error("it does not say how late it was")
	}
}

// TestSerial: the serial executor keeps the same bands, all of it serial.
func TestSerial(t *testing.T) {
	p := small("half")
	p.Dir, p.Serial = t.TempDir(), true
	c, err := Measure(p)
	if err != nil {
		t.Fatal(err)
	}
	if r := &c.Runs[0]; len(r.Breaches) > 0 || r.Mix.Serial != 1 || c.ID != "core/half/serial" {
		t.Errorf("%s: serial share %f, %q", c.ID, r.Mix.Serial, r.Breaches)
	}
}

// TestPlans: what cannot be measured is refused.
func TestPlans(t *testing.T) {
	for _, change := range []func(*Plan){
		func(p *Plan) { p.Workload = "none" },
		func(p *Plan) { p.Loop = "half open" },
		func(p *Plan) { p.Loop = Open },
		func(p *Plan) { p.Rate = 5 },
		func(p *Plan) { p.Persons = 10 },
		func(p *Plan) { p.Group = groupMax + 1 },
		func(p *Plan) { p.Loop, p.Rate = Open, 5 },
	} {
		p := small("national")
		change(&p)
		if _, err := Measure(p); err == nil {
			t.Errorf("%+v was measured", p)
		}
	}
}

// requests are the first ones of a field, as bytes.
func requests(shape *Workload, seed uint64) []byte {
	f := newField(shape, 4_000, 3, seed)
	var out []byte
	for _, s := range f.streams {
		c, r := newCaller(s, 64), sequencer.NewRequest()
		for range 3 * len(c.ask.turns) {
			c.next(r)
			out = append(out, r.Commands...)
			r.Reset()
		}
	}
	return out
}

// TestSeed: the same seed makes the same commands, another seed others, and no two messages are the same.
func TestSeed(t *testing.T) {
	for _, shape := range Workloads {
		a, b, c := requests(shape, 1), requests(shape, 1), requests(shape, 2)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the same seed made other commands", shape.Name)
		}
		if bytes.Equal(a, c) {
			t.Errorf("%s: another seed made the same commands", shape.Name)
		}
		seen, n := map[ledger.Key]bool{}, 0
		for at := 0; at < len(a); n++ {
			_, id := command.Peek(a[at:])
			if !id.IsZero() && seen[id] {
				t.Fatalf("%s: message %x twice", shape.Name, id)
			}
			seen[id] = true
			at += int(a[at]) | int(a[at+1])<<8
		}
		if n < 3*3*64 {
			t.Errorf("%s: only %d commands", shape.Name, n)
		}
	}
}

// TestTemplates: a patched command is what the encoder would have written.
func TestTemplates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, b := range []*bills{nationalBills(3, true), plainBills(3, halfMeanFen, halfCashPPM)} {
		b.name(60)
		for n := range b.list {
			patient, where := rng.IntN(1<<30), rng.IntN(60)
			text := b.settlement(nil, &b.list[n], patient, where, 77, uint64(n))
			var cmd ledger.Command
			var d command.Details
			if used, err := command.Decode(text, &cmd, &d); err != nil || used != len(text) {
				t.Fatalf("bill %d: %v, %d of %d bytes", n, err, used, len(text))
			}
			want := ledger.Command{Kind: ledger.KindSettlement, ID: messageKey(77, uint64(n)), Person: personKey(patient), Other: pseudonym(patient), CredType: ledger.CredentialCertificate, UsedFlag: 1,
				Institution: code(where), Bill: b.inputs[n]}
			message := make([]byte, messageBytes)
			putMessage(message, 77, uint64(n))
			if again := command.Append(nil, &want, &command.Details{MedType: d.MedType, Insutype: d.Insutype, Message: message}); !bytes.Equal(again, text) {
				t.Fatalf("bill %d: %x, the encoder writes %x", n, text, again)
			}
		}
	}
	c := newCredits()
	for bits := range 40 {
		amount := 1 + rng.Int64N(1<<bits)
		want := ledger.Command{Kind: ledger.KindCredit, Person: personKey(5), Amount: amount, Source: 1}
		if got, want := c.append(nil, 5, amount), command.Append(nil, &want, &command.Details{}); !bytes.Equal(got, want) {
			t.Fatalf("credit of %d: %x, the encoder writes %x", amount, got, want)
		}
	}
}

// TestAllocations: the generator allocates nothing for a request of settlements, nor when it looks at the answers.
func TestAllocations(t *testing.T) {
	f := newField(Find("national"), 4_000, 1, 1)
	s, r := f.streams[0], sequencer.NewRequest()
	round := func() {
		s.one = Tally{}
		s.fill(r, 512)
		for i := range s.pending {
			p := &s.pending[i]
			e := ledger.Effect{Outcome: ledger.Accepted, Funding: p.amount}
			if p.kind == CallSettlement {
				b := &s.bills.list[s.slots[p.slot].bill]
				e.Payable, e.Own, e.Cash = b.payable, b.payable, b.psnPart-b.payable
			}
			r.Results = append(r.Results, sequencer.Result{Effect: e})
		}
		if err := s.answered(r.Results); err != nil {
			t.Fatal(err)
		}
		r.Reset()
	}
	for range 20 {
		round()
	}
	if n := testing.AllocsPerRun(20, round); n != 0 {
		t.Errorf("%.1f allocations a request", n)
	}
}

// lying is an engine one of whose answers is changed on the way.
type lying struct {
	*engine.Engine
	change func(*ledger.Effect)
}

func (l *lying) Wait(r *sequencer.Request) error {
	err := l.Engine.Wait(r)
	for i := range r.Results {
		if f := &r.Results[i].Effect; l.change != nil && f.Kind == ledger.KindSettlement && f.Own > 0 {
			l.change(f)
			l.change = nil
		}
	}
	return err
}

// prepared is a loaded bench of a workload.
func prepared(t *testing.T, shape *Workload) *bench {
	t.Helper()
	p := small(shape.Name).withDefaults()
	p.Persons, p.WarmCalls, p.Calls = 4_000, 4_000, 12_000
	b, _, err := load(p, shape, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestPlantedAnswer: one fen more in one answer is seen, whichever way it is wrong.
func TestPlantedAnswer(t *testing.T) {
	for what, change := range map[string]func(*ledger.Effect){
		"one fen more paid":     func(f *ledger.Effect) { f.Own++ },
		"one fen more payable":  func(f *ledger.Effect) { f.Payable++ },
		"cash instead":          func(f *ledger.Effect) { f.Cash += f.Own; f.Own = 0 }, // adds up, but the books do not
		"another's money":       func(f *ledger.Effect) { f.Own, f.Mulaid = 0, f.Own },
		"refused":               func(f *ledger.Effect) { f.Outcome = ledger.ShortOfFunds },
		"a posting not told of": func(f *ledger.Effect) { f.LegCount-- },
	} {
		b := prepared(t, Find("half"))
		do := &lying{b.engine, change}
		before, err := readBooks(b.engine)
		if err != nil {
			t.Fatal(err)
		}
		d := newDrive(do, b.callers, 0, 0, 0)
		d.start()
		b.warm(d)
		err = d.wait()
		if do.change != nil {
			t.Fatalf("vacuous: %s was not planted", what)
		}
		sum := sumOf(d)
		after, bad := readBooks(b.engine)
		if bad != nil {
			t.Fatal(bad)
		}
		if breaches := check(before, after, &sum.total); err == nil && len(breaches) == 0 {
			t.Errorf("%s: nobody saw it", what)
		}
	}
}

// TestPlantedDrift: a stream that brings nothing back leaves its band, and so does one whose patients are others than it says.
func TestPlantedDrift(t *testing.T) {
	drains := *Find("self-only")
	drains.Every = 1 << 30
	others := *Find("self-only")
	others.pick = func(w *World, _ uint64) pick { return pickNational(w, 500_000, payers) }
	for want, shape := range map[string]*Workload{driftOfMoney: Find("self-only"), "share using authorizers": &others} {
		b := prepared(t, shape)
		for _, s := range b.field.streams {
			if want == driftOfMoney {
				s.shape = &drains
			}
		}
		r, err := b.run()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(r.Breaches, "\n"), want) {
			t.Errorf("%s: not among the breaches: %q", want, r.Breaches)
		}
	}
}

// TestBands: each figure has its own band.
func TestBands(t *testing.T) {
	b := Bands{Postings: Band{0.9, 1}, Relatives: Band{0.1, 0.2}, Cash: Band{0, 0.1}, Several: Band{0, 0.1}, Contested: Band{0.5, 1}, Drift: stationary}
	good := func() *result.Mix {
		return &result.Mix{Postings: 0.95, Relatives: 0.15, AllCash: 0.05, Contested: 0.7, Extra: map[string]float64{extraSeveral: 0.05}}
	}
	const n = 1_000_000
	if breaches := b.outside(good(), n, fullBatch); len(breaches) > 0 {
		t.Error(breaches)
	}
	for i, change := range []func(*result.Mix){
		func(m *result.Mix) { m.Postings = 0.8 }, func(m *result.Mix) { m.Relatives = 0.3 }, func(m *result.Mix) { m.AllCash = 0.11 }, func(m *result.Mix) { m.Extra[extraSeveral] = 0.2 },
		func(m *result.Mix) { m.Contested = 0.4 }, func(m *result.Mix) { m.Drift = 0.051 }, func(m *result.Mix) { m.Drift = -0.051 },
	} {
		m := good()
		change(m)
		if breaches := b.outside(m, n, fullBatch); len(breaches) != 1 {
			t.Errorf("change %d: breaches %q", i, breaches)
		}
	}
	m := good()
	m.Contested = 0
	if breaches := b.outside(m, n, 10); len(breaches) > 0 {
		t.Errorf("small batches: %q", breaches)
	}
	if breaches := b.outside(good(), 0, 10); len(breaches) == 0 {
		t.Error("nothing settled is no breach")
	}
}

// TestReopenedElsewhere: the digests are of this ledger and no other.
func TestReopenedElsewhere(t *testing.T) {
	a, b := prepared(t, Find("half")), prepared(t, Find("half"))
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	if err := b.engine.Close(); err != nil {
		t.Fatal(err)
	}
	breaches, err := reopened(a.engine, b.options)
	if err != nil || len(breaches) != 1 {
		t.Errorf("%q, %v", breaches, err)
	}
}

// TestFails: an engine that gives up ends the run with its error.
func TestFails(t *testing.T) {
	b := prepared(t, Find("half"))
	broken := errors.New("broken")
	d := newDrive(failing{broken}, b.callers, 0, 0, 0)
	d.start()
	d.running.Wait() // by itself
	if err := d.wait(); !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
}

type failing struct{ err error }

func (f failing) Submit(*sequencer.Request) error { return nil }
func (f failing) Wait(*sequencer.Request) error   { return f.err }
func (f failing) Ask(func(engine.View)) error     { return f.err }

// TestPlainStream: the stream that others use settles and credits without being told answers, and is refused nothing.
func TestPlainStream(t *testing.T) {
	dir := t.TempDir()
	e, err := engine.Open(engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, FirstPolicy: Find("half").Policy()})
	if err != nil {
		t.Fatal(err)
	}
	w := NewWorld(200)
	if refused, err := w.Load(e); err != nil || len(refused) != 0 {
		t.Fatal(refused, err)
	}
	s, r, settlements := w.NewStream(DefaultMix, 1, 1), sequencer.NewRequest(), 0
	for r.Count = 0; r.Count < 2_000; r.Count++ {
		var settlement bool
		if r.Commands, settlement = s.Append(r.Commands); settlement {
			settlements++
		}
	}
	if err := e.Do(r); err != nil {
		t.Fatal(err)
	}
	var relatives, cash int
	for i := range r.Results {
		f := &r.Results[i].Effect
		if f.Outcome != ledger.Accepted {
			t.Fatalf("command %d: %s", i, f.Outcome)
		}
		if f.Mulaid > 0 {
			relatives++
		}
		if f.Kind == ledger.KindSettlement && f.LegCount == 0 {
			cash++
		}
	}
	if settlements < 1_500 || settlements == 2_000 || relatives == 0 || cash == 0 {
		t.Errorf("%d settlements, %d with relatives, %d all cash", settlements, relatives, cash)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkLoad is a world of 100,000 persons put into a ledger.
func BenchmarkLoad(b *testing.B) {
	for _, name := range []string{"national", "half"} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				shape := Find(name)
				f, cpu := newField(shape, 100_000, DefaultWorkers, 1), cpuSeconds()
				dir := b.TempDir()
				e, err := engine.Open(engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, FirstPolicy: shape.Policy()})
				if err == nil {
					_, err = f.world.Load(e)
				}
				if err == nil {
					err = e.Close()
				}
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(1e6*(cpuSeconds()-cpu)/100_000, "cpu-us/person")
			}
		})
	}
}

// BenchmarkGenerate is a request of 512 settlements and its credits, without an engine.
func BenchmarkGenerate(b *testing.B) {
	f := newField(Find("national"), 1_000_000, DefaultWorkers, 1)
	r, cpu := sequencer.NewRequest(), cpuSeconds()
	b.ResetTimer()
	for n := range b.N {
		s := f.streams[n%len(f.streams)]
		s.fill(r, 512)
		r.Reset()
	}
	b.ReportMetric(1e9*(cpuSeconds()-cpu)/float64(b.N)/512, "cpu-ns/settlement")
}
