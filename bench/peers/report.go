package peers

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"gongji/bench/result"
)

// Ids of cases. PostgreSQL with one settlement a commit and Gongji with one a request have one case for each number of clients; the best of them by median
// carries the plain id.
const (
	idOne   = "peer/postgresql/one"
	idFifty = "peer/postgresql/fifty"
	idAsync = "peer/postgresql/async"
	idHTTP  = "peer/gongji/http"
	idBatch = "peer/gongji/batch"
	idCore  = "peer/gongji/core"
)

func oneID(clients int, of []int) string      { return numbered(idOne, clients, of) }
func httpID(connections int, of []int) string { return numbered(idHTTP, connections, of) }

func numbered(id string, n int, of []int) string {
	if len(of) == 1 {
		return id
	}
	return fmt.Sprintf("%s/%d", id, n)
}

// best gives the plain id to the fastest case of several.
func best(cases []result.Case, id string) {
	at := -1
	for i := range cases {
		if strings.HasPrefix(cases[i].ID, id+"/") && (at < 0 || cases[i].Rate() > cases[at].Rate()) {
			at = i
		}
	}
	if at >= 0 {
		cases[at].ID = id
	}
}

// Aims of the issue.
const (
	aimHTTP  = 8  // times PostgreSQL's best durable rate with one settlement a request
	aimBatch = 15 // times its rate with fifty a commit
	aimCore  = 45
)

// Comparable says in three lines what the figures can and cannot tell.
var Comparable = []string{
	"Same: rule, world, mix, disk, a commit on disk before each answer; the load generator runs on the same cores; both settle bulk credits beside (one for 3.3 bills), which are not counted.",
	"PostgreSQL has SQL, any index, replication, thirty years. It is spared here: no institution's account, credentials, HTTP or JSON, no index but primary keys, message ids of 8 bytes in rising order, random() for the draw.",
	"Gongji does more for each bill: the institution's payable, a draw that can be proved, statements, a hash chain, ids kept for ever; and it can do nothing else.",
}

// Report makes a report of an outcome; the caller fills in Command and Facts.
func Report(out *Outcome, version string) *result.Report {
	r := &result.Report{Format: result.Format, Made: time.Now(), Cases: out.Cases, Notes: append([]string(nil), Comparable...)}
	r.Facts = result.Facts{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Cores: runtime.NumCPU(), Modules: map[string]string{"postgresql": out.Version}}
	best(r.Cases, idOne)
	best(r.Cases, idHTTP)
	for i := range r.Cases {
		c := &r.Cases[i]
		for _, of := range []result.Of{{ID: idOne, What: "times PostgreSQL, one a commit"}, {ID: idFifty, What: "times PostgreSQL, 50 a commit"}} {
			if strings.HasPrefix(c.ID, "peer/gongji") {
				c.Ceilings = append(c.Ceilings, of)
			}
		}
	}
	for _, a := range []struct {
		id, of, what string
		least        float64
	}{{idHTTP, idOne, "HTTP, one a request, against PostgreSQL's best durable rate with one a commit", aimHTTP},
		{idBatch, idFifty, "batch call against PostgreSQL with 50 a commit", aimBatch}, {idCore, idFifty, "in process against PostgreSQL with 50 a commit", aimCore}} {
		c := r.Find(a.id)
		if c == nil {
			continue
		}
		ratio := r.Share(c, a.of)
		r.Aims = append(r.Aims, result.Aim{What: a.what, Least: fmt.Sprintf("%.0f times", a.least), Got: fmt.Sprintf("%.1f times", ratio), Ratio: ratio / a.least, Met: ratio >= a.least})
	}
	r.Notes = append(r.Notes, shareLines(out)...)
	return r
}

func shareLines(out *Outcome) []string {
	lines := []string{fmt.Sprintf("%-22s %7s %7s %7s %7s %7s %10s %12s", "accounts touched, %", "0", "1", "2", "3", "4", "relatives", "settlements")}
	for _, x := range []struct {
		name string
		s    *Shares
	}{{"PostgreSQL " + out.Version, &out.Postgres}, {"Gongji", &out.Gongji}} {
		line := fmt.Sprintf("%-22.22s", x.name)
		for _, share := range x.s.ByLegs {
			line += fmt.Sprintf(" %7.1f", 100*share)
		}
		lines = append(lines, line+fmt.Sprintf(" %10.1f %12d", 100*x.s.Relatives, x.s.Count))
	}
	return lines
}

// Print writes the table: medians of the rounds.
func Print(w io.Writer, r *result.Report) {
	fmt.Fprintf(w, "\n%-52s %8s %14s %10s %10s %10s %10s %10s\n", "medians", "clients", "settlements/s", "p50", "p99", "CPU us", "x PG one", "x PG 50")
	for i := range r.Cases {
		c := &r.Cases[i]
		clients := max(c.Load.Connections, c.Load.Workers)
		fmt.Fprintf(w, "%-52s %8d %14.0f %10s %10s %10.2f", c.Name, clients, c.Rate(),
			micros(c.Median(func(r *result.Run) float64 { return r.Latency.P50 })), micros(c.Median(func(r *result.Run) float64 { return r.Latency.P99 })), c.Median(cpuEach))
		fmt.Fprintf(w, " %10.2f %10.2f\n", r.Share(c, idOne), r.Share(c, idFifty))
	}
	fmt.Fprintln(w, "(a time is that of a call: of 50 or 1,000 settlements where so many share it; CPU is the server's, without the load generator's but in process)")
	for _, a := range r.Aims {
		met := "missed"
		if a.Met {
			met = "met"
		}
		fmt.Fprintf(w, "aim: %s: %s, at least %s: %s\n", a.What, a.Got, a.Least, met)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
	for _, b := range r.Breaches() {
		fmt.Fprintln(w, "BREACH:", b)
	}
}

// cpuEach is the server's processor time of a settlement, in us.
func cpuEach(r *result.Run) float64 { return 1e6 * r.CPU / float64(max(1, r.Count)) }

func micros(us float64) string {
	if us < 1000 {
		return fmt.Sprintf("%.0f us", us)
	}
	return fmt.Sprintf("%.2f ms", us/1000)
}
