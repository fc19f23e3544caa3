package report

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gongji/bench/result"
)

// A sample is a report as a whole suite would write it, of invented figures: pages and tables are looked at and tested with it.
type sampler struct {
	t   testing.TB
	rng *rand.Rand
}

func (s *sampler) near(v, part float64) float64 { return v * (1 + part*s.rng.NormFloat64()) }

// latency of log-normal times around a median, with a tail of stalls.
func (s *sampler) latency(p50 time.Duration, spread float64) *result.Latency {
	h := result.NewHistogram()
	for range 6_000 {
		d := float64(p50) * math.Exp(spread*s.rng.NormFloat64())
		if s.rng.IntN(1000) == 0 {
			d += float64(p50) * 8 * s.rng.Float64()
		}
		h.Record(time.Duration(d))
	}
	l, err := h.Latency(true)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// run of a case with everything that can be measured.
func (s *sampler) run(rate, cpu float64, p50 time.Duration, spread float64) result.Run {
	rate = s.near(rate, 0.03)
	r := result.Run{Seconds: 10, Count: uint64(10 * rate), Rate: rate, CPU: 10 * rate * cpu / 1e6, Latency: s.latency(p50, spread)}
	return r
}

func (s *sampler) engine(r result.Run, p50 time.Duration) result.Run {
	for i, name := range []string{"queue", "log", "execute", "reply"} {
		r.Stages = append(r.Stages, result.Stage{Name: name, Latency: *s.latency(time.Duration(float64(p50)*[]float64{0.4, 0.2, 0.3, 0.1}[i]), 0.4)})
	}
	for i := 1; i <= 50; i++ {
		dip := 1.0
		if i%17 == 0 {
			dip = 0.6
		}
		r.Series = append(r.Series, result.Point{At: float64(i) / 5, Rate: s.near(r.Rate*dip, 0.04), P99: s.near(3*float64(p50.Microseconds())/dip, 0.1), Batch: s.near(1800, 0.05),
			Contested: max(0, s.near(0.012, 0.2)), CPU: s.near(1.85, 0.02), Memory: int64(400<<20 + i<<20), Disk: int64(i) * 30 << 20})
	}
	r.Batches = &result.Batches{Count: 6200, Commands: 1790, Sizes: []uint64{3, 4, 8, 10, 20, 34, 60, 90, 160, 411, 1900, 3500}}
	r.Mix = &result.Mix{Postings: 1.13, Relatives: 0.102, AllCash: 0.051, Contested: 0.0118, Serial: 0, Drift: 0.0042, Refused: map[string]uint64{"amount_changed": 12}, Extra: map[string]float64{"families": 0.31}}
	r.Memory = &result.Memory{Process: 512 << 20, PerPerson: 121, GCCount: 14, GCPause99: 210, GCPauseMX: 480, GCCPU: 0.021}
	r.Disk = &result.Disk{Ledger: 3 << 30, PerSettlement: 268, Device: 9 << 30, Commands: 2 << 30}
	return r
}

func (s *sampler) add(r *result.Report, c result.Case, rate, cpu float64, p50 time.Duration, spread float64, engine bool) {
	for range 3 {
		run := s.run(rate, cpu, p50, spread)
		if engine {
			run = s.engine(run, p50)
		}
		c.Runs = append(c.Runs, run)
	}
	r.Cases = append(r.Cases, c)
}

// sampled is the sample as JSON: every test gets its own.
var sampled []byte

func sample(t testing.TB) *result.Report {
	if sampled == nil {
		text, err := json.Marshal(invent(t))
		if err != nil {
			t.Fatal(err)
		}
		sampled = text
	}
	r, err := decode(sampled)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func invent(t testing.TB) *result.Report {
	s := &sampler{t, rand.New(rand.NewPCG(1, 2))}
	r := &result.Report{Format: result.Format, Made: time.Date(2026, 3, 10, 14, 5, 0, 0, time.UTC), Command: "gongji bench suite --json bench.json --html bench.html",
		Facts: result.Facts{Version: "ba5eba11", Go: "go1.26.8", Modules: map[string]string{"github.com/cockroachdb/pebble/v2": "v2.1.7", "github.com/valyala/fasthttp": "v1.77.0"},
			OS: "Debian GNU/Linux 12 (bookworm) amd64", Kernel: "6.1.0-28-cloud-amd64", CPU: "Intel(R) Xeon(R) Processor @ 2.20GHz", Cores: 2, MemoryByte: 24 << 30, Filesystem: "ext4", SyncMicros: 62.4, LoadBefore: 0.31},
		Notes: []string{"nhsa/2102/64: without a device secret, so signatures are not checked."}}
	closed := result.Load{Loop: "closed", Persons: 1_000_000, Workers: 32, Group: 512, Seed: 1}
	web := result.Load{Loop: "closed", Persons: 1_000_000, Connections: 256, Group: 1, Processes: 1, Seed: 1}
	web64, batch, half := web, web, web
	web64.Connections, batch.Group, batch.Connections = 64, 1000, 16
	half.Loop, half.Rate = "open", 44_000
	log := []result.Of{{ID: CeilingLog, What: "of the bare log"}, {ID: CeilingMemory, What: "of one goroutine in memory"}}
	s.add(r, result.Case{ID: CoreNational, Name: "The national mix in process", Kind: result.InProcess, Workload: "national", Unit: "settlements/s", Load: closed, Ceilings: log,
		Profile: "execute 38 %, log 21 %, journal and answers 17 %, decode 9 %, load generator 12 %"}, 1_130_000, 1.62, 14*time.Millisecond, 0.25, true)
	s.add(r, result.Case{ID: "core/hot-thin", Name: "A few families hammered, thin balances", Kind: result.InProcess, Workload: "hot-thin", Unit: "settlements/s", Load: closed, Ceilings: log}, 870_000, 2.2, 18*time.Millisecond, 0.3, true)
	s.add(r, result.Case{ID: CoreHalf, Name: "Half of the maximum, open loop", Kind: result.InProcess, Workload: "national", Unit: "settlements/s", Load: half}, 560_000, 1.9, 900*time.Microsecond, 0.4, true)
	s.add(r, result.Case{ID: HTTP64, Name: "One settlement a request, 64 connections", Kind: result.HTTP, Unit: "settlements/s", Load: web64, Ceilings: []result.Of{{ID: Echo64, What: "of the echo"}}}, 78_000, 17, 780*time.Microsecond, 0.35, true)
	s.add(r, result.Case{ID: HTTP256, Name: "One settlement a request, 256 connections", Kind: result.HTTP, Unit: "settlements/s", Load: web, Ceilings: []result.Of{{ID: Echo256, What: "of the echo"}}}, 96_000, 15, 2500*time.Microsecond, 0.3, true)
	s.add(r, result.Case{ID: HTTPBatch, Name: "1,000 settlements a request (NDJSON)", Kind: result.HTTP, Unit: "settlements/s", Load: batch}, 410_000, 4, 38*time.Millisecond, 0.2, false)
	s.add(r, result.Case{ID: HTTPHalf, Name: "Half of the maximum, open loop", Kind: result.HTTP, Unit: "settlements/s", Load: half}, 44_000, 19, 520*time.Microsecond, 0.45, false)
	s.add(r, result.Case{ID: "nhsa/2102/64", Name: "Drug shop settlement 2102", Kind: result.NHSA, Unit: "calls/s", Load: web64}, 41_000, 30, 1400*time.Microsecond, 0.3, false)
	s.add(r, result.Case{ID: CeilingLog, Name: "The bare log", Kind: result.Ceiling, Unit: "records/s", Load: result.Load{Loop: "closed", Group: 2048}, Note: "128 bytes a command; batches of 512: 1,900,000, 1024: 2,100,000, 2048: 2,350,000, 4096: 2,290,000 records/s."}, 2_350_000, 0.2, 1200*time.Microsecond, 0.2, false)
	s.add(r, result.Case{ID: CeilingMemory, Name: "One goroutine from memory", Kind: result.Ceiling, Unit: "settlements/s", Load: closed}, 1_700_000, 0.6, 1100*time.Microsecond, 0.05, false)
	s.add(r, result.Case{ID: CeilingSharded, Name: "Two shards from memory", Kind: result.Ceiling, Unit: "settlements/s", Load: closed}, 2_350_000, 0.8, 800*time.Microsecond, 0.05, false)
	s.add(r, result.Case{ID: Echo64, Name: "Echo, 64 connections", Kind: result.Ceiling, Unit: "requests/s", Load: web64}, 112_000, 11, 410*time.Microsecond, 0.4, false)
	s.add(r, result.Case{ID: Echo256, Name: "Echo, 256 connections", Kind: result.Ceiling, Unit: "requests/s", Load: web}, 124_000, 10, 1900*time.Microsecond, 0.3, false)
	s.add(r, result.Case{ID: CeilingSync, Name: "One record appended and synced", Kind: result.Ceiling, Unit: "records/s", Load: result.Load{Loop: "closed", Workers: 1}}, 14_000, 20, 66*time.Microsecond, 0.15, false)
	pg := result.Load{Loop: "closed", Persons: 1_000_000, Connections: 8, Group: 1}
	fifty := pg
	fifty.Group = 50
	s.add(r, result.Case{ID: PeerOne, Name: "PostgreSQL 15, one settlement a commit", Kind: result.Peer, Unit: "settlements/s", Load: pg}, 10_069, 190, 710*time.Microsecond, 0.4, false)
	s.add(r, result.Case{ID: PeerFifty, Name: "PostgreSQL 15, fifty a commit", Kind: result.Peer, Unit: "settlements/s", Load: fifty}, 26_681, 71, 14*time.Millisecond, 0.25, false)
	r.Cases = append(r.Cases, result.Case{ID: Restart1M, Name: "Tail of 1,000,000 commands", Kind: result.InProcess, Unit: "commands/s", Runs: []result.Run{{Seconds: 1.1, Count: 1_000_000, Rate: 909_000}}})
	Judge(r)
	return r
}
