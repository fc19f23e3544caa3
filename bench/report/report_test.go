package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"gongji/bench/result"
)

// keep puts the sample's page and tables where they can be looked at: go test ./bench/report -report.keep DIR.
var keep = flag.String("report.keep", "", "directory for the sample's files")

func TestSample(t *testing.T) {
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	r := sample(t)
	var text bytes.Buffer
	Print(&text, r)
	if err := errors.Join(Write(filepath.Join(dir, "sample.json"), r), WriteHTML(filepath.Join(dir, "sample.html"), r), os.WriteFile(filepath.Join(dir, "sample.txt"), text.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "sample.html"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Cases {
		for name, where := range map[string]string{"page": string(page), "table": text.String()} {
			if !strings.Contains(where, r.Cases[i].ID) {
				t.Errorf("%s is not on the %s", r.Cases[i].ID, name)
			}
		}
	}
	for _, want := range []string{"Throughput", "Batch sizes", "Contested", "CPU", "Memory", "Disk", "p99 of each interval", "99.99 %", "execute", "of the echo", "PostgreSQL", "ext4", "pebble", r.Command, "prefers-color-scheme"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	back, err := Read(filepath.Join(dir, "sample.json"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := HTML(back)
	if err != nil || !bytes.Equal(again, page) {
		t.Errorf("the page of the file is not that of the run: %v", err)
	}
}

// TestSelfContained: the page asks for nothing: no address, script, style sheet, font or picture outside it; and what is in it is well formed.
func TestSelfContained(t *testing.T) {
	page, err := HTML(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)(https?:|//[a-z]|<script|<link|<img|<iframe|@import|url\(|src=|href=)`).Find(page); m != nil {
		t.Errorf("the page holds %q", m)
	}
	if n := wellFormed(t, page); n < 30 {
		t.Errorf("%d plots, want those of all cases", n)
	}
}

// wellFormed parses every svg of a page and gives their number.
func wellFormed(t *testing.T, page []byte) int {
	t.Helper()
	plots := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAll(page, -1)
	for _, p := range plots {
		d := xml.NewDecoder(bytes.NewReader(p))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, p)
			}
		}
		if bytes.Contains(p, []byte("NaN")) || bytes.Contains(p, []byte("Inf")) {
			t.Errorf("no number in %s", p)
		}
	}
	return len(plots)
}

// TestEscaped: names, notes and stages of a report are text, on the page and in its plots.
func TestEscaped(t *testing.T) {
	const evil = `<script>alert("x")</script>&'`
	r := sample(t)
	r.Command, r.Facts.CPU, r.Facts.Modules["<b>"] = evil, evil, evil
	r.Notes = []string{evil}
	c := &r.Cases[0]
	c.Name, c.Unit, c.Note, c.Profile, c.Workload, c.Kind = evil, evil, evil, evil, evil, evil
	c.ID, c.Runs[0].Breaches = evil, []string{evil}
	for i := range c.Runs {
		c.Runs[i].Stages[0].Name = evil
	}
	c.Runs[0].Mix.Refused[evil] = 1
	c.Ceilings[0].What = evil
	r.Aims[0].What, r.Aims[1].Reason = evil, evil
	page, err := HTML(r)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(page, []byte("<script")) || bytes.Contains(page, []byte("<b>\"")) {
		t.Error("text of the report is markup on the page")
	}
	if n := bytes.Count(page, []byte("&lt;script&gt;")); n < 12 {
		t.Errorf("%d escaped texts, want those that were put in", n)
	}
	wellFormed(t, page)
}

// TestPoorReports: what is missing or no number breaks neither page nor tables.
func TestPoorReports(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	one := result.Case{ID: "one", Name: "one run, no series", Runs: []result.Run{{Rate: 1000, Seconds: 1, Count: 1000}}}
	odd := result.Case{ID: "odd", Kind: result.Peer, Unit: "x", Ceilings: []result.Of{{ID: "one"}, {ID: "none"}}, Runs: []result.Run{{
		Rate: nan, Seconds: inf, Count: 1, CPU: nan, Latency: &result.Latency{Count: 1, P50: nan, P99: inf, P9999: 0},
		Stages: []result.Stage{{Name: "log"}, {Name: "queue", Latency: result.Latency{Mean: inf, P50: nan}}},
		Series: []result.Point{{At: nan, Rate: inf}, {At: 0, Rate: nan}, {At: 1, Rate: 2, P99: inf}}, Batches: &result.Batches{Sizes: []uint64{0}}, Mix: &result.Mix{Drift: nan, Extra: map[string]float64{"e": nan}}, Memory: &result.Memory{}, Disk: &result.Disk{}}}}
	broken := result.Case{ID: "broken", Runs: []result.Run{{Latency: &result.Latency{P50: 5, HDR: []byte("no histogram")}}}}
	for name, r := range map[string]*result.Report{
		"empty":   {},
		"no runs": {Cases: []result.Case{{ID: "none"}}},
		"poor":    {Cases: []result.Case{one, odd, broken}},
	} {
		Judge(r)
		page, err := HTML(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wellFormed(t, page)
		var text bytes.Buffer
		Print(&text, r)
		for i := range r.Cases {
			if id := r.Cases[i].ID; !bytes.Contains(page, []byte(id)) || !strings.Contains(text.String(), id) {
				t.Errorf("%s: case %s is missing", name, id)
			}
		}
		path := filepath.Join(t.TempDir(), "r.json")
		if err := Write(path, r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Read(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStrictReader: only a whole report of this format is one.
func TestStrictReader(t *testing.T) {
	for text, want := range map[string]string{
		`{"format":1,"cases":[{"id":"a"}]}`:            "",
		`{"format":2,"later":true}`:                    "format 2, this program reads 1",
		`{"cases":[]}`:                                 "names no format",
		`{"format":1,"colour":"red"}`:                  "unknown field",
		`{"format":1}{"format":1}`:                     "after top-level value",
		`{"format":1,"cases":[{"id":"a"},{"id":"a"}]}`: "twice",
		`{"format":1,"cases":[{}]}`:                    "no name",
		`{"format":1,`:                                 "unexpected end",
		``:                                             "unexpected end",
	} {
		_, err := decode([]byte(text))
		if want == "" && err != nil || want != "" && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestWriteWhole: a file that cannot be written leaves nothing behind, and one that is there stays until the new one is whole.
func TestWriteWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	if err := Write(path, &result.Report{Command: "first"}); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "taken", "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "taken"), &result.Report{}); err == nil {
		t.Error("a directory was replaced")
	}
	if err := Write(filepath.Join(dir, "none", "r.json"), &result.Report{}); err == nil {
		t.Error("written into no directory")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if r, err := Read(path); err != nil || r.Command != "first" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTablesFit: no line of the tables is wider than 120 columns.
func TestTablesFit(t *testing.T) {
	var text bytes.Buffer
	r := sample(t)
	Print(&text, r)
	Compare(r, sample(t)).Print(&text)
	for line := range strings.Lines(text.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > lineMax {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Count(text.String(), "\n") < 100 {
		t.Error("hardly anything printed")
	}
}
