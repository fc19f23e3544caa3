package report

import (
	"fmt"

	"gongji/bench/result"
)

// notMeasured stands in an aim whose cases are not in the report.
const notMeasured = "not measured"

// tillsRatio is the name of a figure of the case Monthly: the tills' p99 beside a credit run, to that without.
const tillsRatio = "tills_p99_ratio"

// IDs of the cases that aims speak of.
const (
	CoreNational   = "core/national"
	CoreSerial     = "core/national/serial"
	Core100k       = "core/national/100000"
	Core10M        = "core/national/10000000"
	CoreHalf       = "core/national/open" // at half of the maximum
	HTTP64         = "http/settlements/64"
	HTTP256        = "http/settlements/256"
	HTTPBatch      = "http/batch"
	HTTPHalf       = "http/settlements/open-half"
	Echo64         = "ceiling/echo/64"
	Echo256        = "ceiling/echo/256"
	CeilingLog     = "ceiling/log"
	CeilingSegment = "ceiling/segment"
	CeilingMemory  = "ceiling/memory"
	CeilingSharded = "ceiling/memory-sharded"
	CeilingSync    = "ceiling/sync"
	PeerOne        = "peer/postgresql/one"
	PeerFifty      = "peer/postgresql/fifty"
	BulkLoad       = "bulk/load"
	Monthly        = "core/monthly-credits" // tills beside a credit run
	Disk           = "disk"                 // settled
	Restart1M      = "restart/1000000"      // rate: commands of the tail a second
	Restart10M     = "restart/10000000"     // seconds: from start to ready
)

// A judge says what an aim came to: got in words, ratio of got to aim (above 1 is better than asked), and whether the report has what it takes.
type judge func(r *result.Report) (got string, ratio float64, known bool)

type aim struct {
	what, least string
	judge       judge
}

// aims are the figures to reach.
var aims = []aim{
	{"in process, durable, one sync a batch, journal and state written", "1,200,000 settlements/s", atLeast(CoreNational, 1_200_000)},
	{"the same, of the bare log's records/s with the same bytes", "50 %", share(CoreNational, CeilingLog, 0.5)},
	{"HTTP, one settlement a request, 256 connections, of the echo's requests/s", "75 %", share(HTTP256, Echo256, 0.75)},
	{"HTTP, batch call of 1,000 settlements, to the single-call rate", "5 ×", share(HTTPBatch, HTTP256, 5)},
	{"one settlement a request, to PostgreSQL's one a commit", "8 ×", share(HTTP256, PeerOne, 8)},
	{"batch call, to PostgreSQL's 50 a commit", "15 ×", share(HTTPBatch, PeerFifty, 15)},
	{"in process, to PostgreSQL's 50 a commit", "45 ×", share(CoreNational, PeerFifty, 45)},
	{"HTTP at half of the maximum, open loop: p99", "at most 5 × bare append + 2 ms", tail(HTTPHalf)},
	{"in process at half of the maximum, open loop: p99", "at most 5 × bare append + 2 ms", tail(CoreHalf)},
	{"1,000,000 persons with bindings loaded", "at most 30 s", seconds(BulkLoad, 30)},
	{"tills' p99 during a credit run, to that without", "at most 2 ×", slowdown},
	{"sharded to serial executor, in process", "0.95", share(CoreNational, CoreSerial, 0.95)},
	{"two shards to one goroutine, executing from memory", "1.3 ×", share(CeilingSharded, CeilingMemory, 1.3)},
	{"memory a person, 10,000,000 persons with bindings and ids", "at most 96 B", perPerson},
	{"restart, page cache dropped, 10,000,000 persons", "at most 5 s", seconds(Restart10M, 5)},
	{"tail replay", "1,000,000 commands/s", atLeast(Restart1M, 1_000_000)},
	{"disk a settlement after compaction", "at most 250 B", perSettlement},
	{"device bytes to encoded command bytes, log included", "at most 4 ×", written},
	{"rate at 10,000,000 persons to that at 100,000", "70 %", share(Core10M, Core100k, 0.7)},
}

// Judge fills a report's aims from its cases.
func Judge(r *result.Report) {
	r.Aims = r.Aims[:0]
	for _, a := range aims {
		got, ratio, known := a.judge(r)
		if !known {
			got, ratio = notMeasured, 0
		}
		r.Aims = append(r.Aims, result.Aim{What: a.what, Least: a.least, Got: got, Ratio: ratio, Met: known && ratio >= 1})
	}
}

// measured is a case with runs, nil otherwise.
func measured(r *result.Report, id string) *result.Case {
	if c := r.Find(id); c != nil && len(c.Runs) > 0 {
		return c
	}
	return nil
}

// worldPersons is the smallest world for which the figures hold that are no ratios.
const worldPersons = 1_000_000

// whole tells whether a case was measured on a world of that size; one that does not say counts.
func whole(c *result.Case) bool {
	return c != nil && (c.Load.Persons == 0 || c.Load.Persons >= worldPersons)
}

func atLeast(id string, least float64) judge {
	return func(r *result.Report) (string, float64, bool) {
		c := measured(r, id)
		if !whole(c) {
			return "", 0, false
		}
		return number(c.Rate()) + " " + c.Unit, c.Rate() / least, true
	}
}

func share(id, of string, least float64) judge {
	return func(r *result.Report) (string, float64, bool) {
		c := measured(r, id)
		if c == nil || measured(r, of) == nil {
			return "", 0, false
		}
		s := r.Share(c, of)
		if least >= 1 || least == 0.95 {
			return times(s), s / least, true
		}
		return percent(s), s / least, true
	}
}

func seconds(id string, most float64) judge {
	return func(r *result.Report) (string, float64, bool) {
		c := measured(r, id)
		if !whole(c) {
			return "", 0, false
		}
		s := c.Median(func(r *result.Run) float64 { return r.Seconds })
		return fmt.Sprintf("%.1f s", s), below(s, most), s > 0
	}
}

// below is the ratio of an aim that is an upper bound.
func below(got, most float64) float64 {
	if got <= 0 {
		return 0
	}
	return most / got
}

// tail is the latency aim: five times a bare synced append and 2 ms for the rest of the way.
func tail(id string) judge {
	return func(r *result.Report) (string, float64, bool) {
		c, bare := measured(r, id), measured(r, CeilingSync)
		if c == nil || bare == nil || c.Median(p99) == 0 || bare.Median(p50) == 0 {
			return "", 0, false
		}
		most := 5*bare.Median(p50) + 2000
		return fmt.Sprintf("%s of %s, p99.9 %s", micros(c.Median(p99)), micros(most), micros(c.Median(p999))), below(c.Median(p99), most), true
	}
}

func slowdown(r *result.Report) (string, float64, bool) {
	c := measured(r, Monthly)
	if c == nil {
		return "", 0, false
	}
	s := c.Median(func(r *result.Run) float64 {
		if r.Mix == nil {
			return 0
		}
		return r.Mix.Extra[tillsRatio]
	})
	return times(s), below(s, 2), s > 0
}

func perPerson(r *result.Report) (string, float64, bool) {
	c := measured(r, Restart10M)
	if c == nil || c.Runs[0].Memory == nil || c.Runs[0].Memory.PerPerson <= 0 {
		return "", 0, false
	}
	n := c.Runs[0].Memory.PerPerson
	return fmt.Sprintf("%.0f B", n), below(n, 96), true
}

func perSettlement(r *result.Report) (string, float64, bool) {
	c := measured(r, Disk)
	if c == nil || c.Median(diskBytes) <= 0 {
		return "", 0, false
	}
	n := c.Median(diskBytes)
	return fmt.Sprintf("%.0f B", n), below(n, 250), true
}

func written(r *result.Report) (string, float64, bool) {
	c := measured(r, Disk)
	if c == nil {
		return "", 0, false
	}
	ratio := c.Median(func(r *result.Run) float64 {
		if r.Disk == nil || r.Disk.Commands == 0 {
			return 0
		}
		return float64(r.Disk.Device) / float64(r.Disk.Commands)
	})
	return times(ratio), below(ratio, 4), ratio > 0
}
