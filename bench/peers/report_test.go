package peers

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gongji/bench/result"
)

// TestStatements: every embedded file loads with its constants filled in; one that nobody knows is refused.
func TestStatements(t *testing.T) {
	entries, err := sqlFiles.ReadDir("sql")
	if err != nil || len(entries) != len(setupFiles)+3 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		text, err := statements(strings.TrimSuffix(e.Name(), ".sql"))
		if err != nil || len(text) == 0 {
			t.Errorf("%s: %v", e.Name(), err)
		}
	}
	if text, err := statements("one"); err != nil || !strings.Contains(text, "random(100, 10000)") || !strings.Contains(text, "2654435761 %") {
		t.Errorf("the world's constants are missing: %v", err)
	}
	if _, err := statements("nothing"); err == nil {
		t.Error("a file that is not there was loaded")
	}
	if left := sqlConstants.Replace(strings.ReplaceAll(wrkScript, "{{area}}", area)); strings.Contains(left, "{{") {
		t.Error("wrk.lua has a constant that nobody knows")
	}
}

const pgbench15 = `pgbench (15.18 (Debian 15.18-0+deb12u1))
transaction type: script.sql
scaling factor: 1
query mode: prepared
number of clients: 8
number of threads: 2
maximum number of tries: 1
duration: 20 s
number of transactions actually processed: 201380
number of failed transactions: 3 (0.001%)
latency average = 0.794 ms
initial connection time = 11.552 ms
tps = 10069.123456 (without initial connection time)
`

const pgbench13 = `transaction type: script.sql
number of transactions actually processed: 99
latency average = 0.794 ms
tps = 95.000000 (including connections establishing)
tps = 99.500000 (excluding connections establishing)
`

func TestParsePgbench(t *testing.T) {
	f := func(out string, want pgbenchFigures, ok bool) {
		t.Helper()
		got, err := parsePgbench(out)
		if ok && (err != nil || got != want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
		if !ok && !errors.Is(err, errPgbench) {
			t.Errorf("%q: %v", out, err)
		}
	}
	f(pgbench15, pgbenchFigures{201380, 3, 10069.123456}, true)
	f(pgbench13, pgbenchFigures{99, 0, 99.5}, true)
	f("", pgbenchFigures{}, false)
	f(strings.Replace(pgbench15, "201380", "0", 1), pgbenchFigures{}, false)
	f(strings.Replace(pgbench15, "tps = 10069.123456", "tps = inf", 1), pgbenchFigures{}, false)
	f(strings.Replace(pgbench15, "201380", "99999999999999999999", 1), pgbenchFigures{}, false)
}

func TestReadLatencies(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readLatencies(dir); err == nil {
		t.Error("no logs gave latencies")
	}
	write("log.1", "0 199 2241 0 1175850568 995598\n0 200 failed 0 1175850568 998079\n")
	write("log.1.1", "1 19 4482 0 1175850568 995598\n1 20 4482 0 1175850568 995598\n")
	l, err := readLatencies(dir)
	if err != nil || l.Count != 3 || l.P50 < 4470 || l.P50 > 4490 || l.P90 < 4470 {
		t.Errorf("%+v, %v", l, err)
	}
	write("log.2", "broken\n")
	if _, err := readLatencies(dir); !errors.Is(err, errPgbench) {
		t.Errorf("a line that is none: %v", err)
	}
}

func TestParseWrk(t *testing.T) {
	const good = "Running 1s test\nfigures 70000 2000000 0 0 100 200 300 400 500 111 600\n"
	r, err := parseWrk(good)
	if err != nil || r.Count != 70000 || r.Rate != 35000 || r.Latency.P50 != 100 || r.Latency.P99 != 300 || r.Latency.Max != 600 || len(r.Breaches) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = parseWrk(strings.Replace(good, "2000000 0 0", "2000000 0 7", 1)); err != nil || len(r.Breaches) != 1 {
		t.Errorf("wrong answers are no breach: %+v, %v", r, err)
	}
	if _, err = parseWrk("Running 1s test\n"); err == nil {
		t.Error("an output without figures was read")
	}
}

func TestReadVerdict(t *testing.T) {
	f := func(line string, want answered, ok bool) {
		t.Helper()
		got, err := readVerdict([]byte(line))
		if ok != (err == nil) || got != want {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
	const figures = `"acct_pay":"10.05","acct_mulaid_pay":"3.00","psn_cash_pay":"1.00","balc":"0.07"}`
	f(`{"line":1,"status":200,`+figures, answered{1, 705, 300, 100, 7}, true)
	f(`{"line":1,"status":200,"replayed":true,`+figures, answered{2, 705, 300, 100, 7}, true)
	f(`{"line":1,"status":409,"code":"id_reused","outcome":101}`, answered{state: 3}, true)
	f(`{"line":1,"status":422,"code":"short_of_funds"}`, answered{}, false)
	f(`{"line":1,"status":200,"acct_pay":"1"}`, answered{state: 1}, false)
}

// TestReport: the best of several carries the plain id, ratios and aims follow from medians, what differs is a breach.
func TestReport(t *testing.T) {
	latency := &result.Latency{P50: 10, P99: 2_000}
	runs := func(rates ...float64) (out []result.Run) {
		for _, r := range rates {
			out = append(out, result.Run{Count: uint64(r), Rate: r, CPU: 1, Latency: latency})
		}
		return out
	}
	out := &Outcome{Version: "15.18", Cases: []result.Case{
		{ID: oneID(8, []int{8, 32}), Name: "eight", Runs: runs(100, 300, 200)}, {ID: oneID(32, []int{8, 32}), Name: "thirty-two", Runs: runs(150, 150, 400)},
		{ID: idFifty, Name: "fifty", Runs: runs(500)}, {ID: httpID(64, []int{64}), Name: "http", Runs: runs(1600)}, {ID: idBatch, Name: "batch", Runs: runs(7_000)}, {ID: idCore, Name: "core", Runs: runs(22_500)},
	}}
	r := Report(out, "v")
	if c := r.Find(idOne); c == nil || c.Name != "eight" || r.Find(idOne+"/32") == nil || r.Find(idOne+"/8") != nil {
		t.Errorf("the best is not %s: %+v", idOne, c)
	}
	for i, want := range []bool{true, false, true} { // 8.0, 14.0 and 45.0 times
		if len(r.Aims) != 3 || r.Aims[i].Met != want {
			t.Errorf("aim %d: %+v", i, r.Aims)
		}
	}
	var text strings.Builder
	Print(&text, r)
	for _, want := range []string{"thirty-two", "8.0 times", "missed", "accounts touched", Comparable[1]} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "BREACH") {
		t.Errorf("a breach without one:\n%s", text.String())
	}
}
