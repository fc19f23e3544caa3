package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gongji/bench/province"
)

// openTestHouse serves an empty ledger until the test ends.
func openTestHouse(t *testing.T) *house {
	t.Helper()
	h, err := openHouse()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.stop(), h.remove()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// importAll runs all loads of a province and returns the outcomes by load.
func importAll(t *testing.T, im *importer, p *province.Province) map[string]map[string]int64 {
	t.Helper()
	out := map[string]map[string]int64{}
	for _, l := range provinceLoads(p, 3) {
		n, err := im.run(context.Background(), l)
		if err != nil {
			t.Fatalf("%s: %v", l.what, err)
		}
		if n.refusedLines() != 0 {
			t.Errorf("%s: %v", l.what, n.by)
		}
		out[l.what] = n.by
	}
	return out
}

func ledgerTotals(t *testing.T, c *client) (out totals) {
	t.Helper()
	if err := c.get("/v1/ledger/totals", &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestImportTwice: the second import finds everything there and changes nothing.
func TestImportTwice(t *testing.T) {
	h, p := openTestHouse(t), province.New(3, 5000)
	im := newImporter(newClient(h.admin()), 2, demoPatience, io.Discard)
	defer im.client.close()
	first := importAll(t, im, p)
	before := ledgerTotals(t, im.client)
	if first["persons"]["accepted"] != 5000 || first["bindings"]["accepted"] == 0 || before.Totals.Personal == 0 {
		t.Fatalf("the first import took %v, accounts hold %s", first, before.Totals.Personal)
	}
	second := importAll(t, im, p)
	for what, by := range second {
		if by["accepted"] != 0 {
			t.Errorf("%s: the second import was taken: %v", what, by)
		}
	}
	if second["persons"]["repeated"] != 5000 || second["opening balances"]["repeated"] != first["opening balances"]["accepted"] {
		t.Errorf("second import %v after %v", second, first)
	}
	if after := ledgerTotals(t, im.client); after.StateHash != before.StateHash {
		t.Errorf("the second import changed the ledger: %+v, was %+v", after, before)
	}
}

// losing forwards requests and loses some of the answers, as a broken connection does.
type losing struct {
	to    http.RoundTripper
	calls atomic.Int64
	lost  atomic.Int64
}

var errLost = errors.New("connection reset")

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.to.RoundTrip(r)
	if err != nil || l.calls.Add(1)%3 != 2 {
		return resp, err
	}
	l.lost.Add(1)
	resp.Body.Close()
	return nil, errLost
}

// TestImportOverBrokenConnection: answers get lost on the way; the import goes on, says so, and ends with the same ledger.
func TestImportOverBrokenConnection(t *testing.T) {
	p := province.New(3, 3000)
	load := func(broken bool) (totals, string, int64) {
		h := openTestHouse(t)
		c := newClient(h.admin())
		defer c.close()
		wire := &losing{to: c.http.Transport}
		if broken {
			c.http.Transport = wire
		}
		var notes bytes.Buffer
		im := newImporter(c, 1, demoPatience, &notes)
		run := func(l intake) {
			if _, err := im.run(context.Background(), l); err != nil {
				t.Fatalf("%s: %v", l.what, err)
			}
		}
		for _, l := range provinceLoads(p, 3)[1:] { // institutions go one by one: each loss costs a back-off
			run(l)
		}
		c.http.Transport = wire.to
		return ledgerTotals(t, c), notes.String(), wire.lost.Load()
	}
	want, quiet, _ := load(false)
	got, notes, lost := load(true)
	if lost == 0 {
		t.Fatal("no answer was lost: nothing was tested")
	}
	if got.Totals != want.Totals {
		t.Errorf("after %d lost answers the books are %+v, want %+v", lost, got.Totals, want.Totals)
	}
	if told, back := strings.Count(notes, "connection lost"), strings.Count(notes, "goes on"); told != int(lost) || back != told || quiet != "" {
		t.Errorf("%d losses and %d ends were told, %d happened; undisturbed: %q", told, back, lost, quiet)
	}
}

// TestSendAgain: busy answers are waited for, refusals are not, and patience ends.
func TestSendAgain(t *testing.T) {
	f := func(answers []int, patience time.Duration, want, calls int, wantErr error) {
		t.Helper()
		seen := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			status := answers[min(seen, len(answers)-1)]
			seen++
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"code":"x","status":%d}`, status)
		}))
		defer server.Close()
		c := newClient(server.URL)
		defer c.close()
		a, err := c.sendAgain(context.Background(), http.MethodPost, "/", mediaJSON, nil, patience, func(string, time.Duration) {})
		if !errors.Is(err, wantErr) || seen != calls || (err == nil && a.status != want) {
			t.Errorf("%v: %d calls, error %v; want %d, %v", answers, seen, err, calls, wantErr)
		}
	}
	f([]int{200}, time.Minute, 200, 1, nil)
	f([]int{503, 429, 200}, time.Minute, 200, 3, nil)
	f([]int{422}, time.Minute, 422, 1, nil)
	f([]int{504, 409}, time.Minute, 409, 2, nil)
	f([]int{503}, 0, 0, 1, errGaveUp)
}

// TestCut: the parts hold every line once, in order, within both limits.
func TestCut(t *testing.T) {
	f := func(text string, lines, limit int, want ...string) {
		t.Helper()
		var got []string
		if err := cut(strings.NewReader(text), lines, limit, false, func(p part) error {
			if n := bytes.Count(p.body, []byte{'\n'}); n != p.lines {
				t.Errorf("%q has %d lines, part says %d", p.body, n, p.lines)
			}
			got = append(got, string(p.body))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f("", 2, 100)
	f("a\nb\nc", 2, 100, "a\nb\n", "c\n")
	f("a\n\n \nb\n", 2, 100, "a\nb\n")
	f("aaa\nbbb\nccc\n", 9, 8, "aaa\nbbb\n", "ccc\n")
	stop := errors.New("stop")
	if err := cut(strings.NewReader("a\nb\n"), 1, 9, false, func(part) error { return stop }); err != stop {
		t.Errorf("%v, want %v", err, stop)
	}
	if err := cut(strings.NewReader(strings.Repeat("x", lineBytesMax+1)), 1, bulkPartBytes, false, func(part) error { return nil }); !errors.Is(err, errLine) {
		t.Errorf("a line too long: %v", err)
	}
}

// TestAnswersMustFit: an answer that speaks of other lines is an error, not a count.
func TestAnswersMustFit(t *testing.T) {
	f := func(read func([]byte, int) (counted, error), body string, lines int, want map[string]int64) {
		t.Helper()
		c, err := read([]byte(body), lines)
		got := c.by
		if want == nil && !errors.Is(err, errAnswer) {
			t.Errorf("%s for %d lines: %v, %v", body, lines, got, err)
		}
		if want != nil && (err != nil || !maps.Equal(got, want)) {
			t.Errorf("%s: %v (%v), want %v", body, got, err, want)
		}
	}
	f(verdicts, `{"line":1,"status":200}`+"\n"+`{"line":2,"status":200,"replayed":true}`+"\n"+`{"line":3,"status":422,"code":"user_not_normal"}`, 3,
		map[string]int64{"accepted": 1, "repeated": 1, "user_not_normal": 1})
	f(verdicts, `{"line":1,"status":200}`, 2, nil)
	f(verdicts, `[]`, 1, nil)
	f(summary, `{"lines":5,"accepted":2,"repeated":1,"refused":2,"first_refusals":[{"line":1,"code":"person_exists"}]}`, 5,
		map[string]int64{"accepted": 2, "repeated": 1, "person_exists": 1, "refused, not itemised": 1})
	f(summary, `{"lines":5,"accepted":2,"repeated":1,"refused":1}`, 5, nil)
	f(summary, `{"lines":4,"accepted":4}`, 5, nil)
}

// TestImportFiles: the same from files, through the command; a line the server refuses is told by its number, and the exit code is not 0.
func TestImportFiles(t *testing.T) {
	h, p, dir := openTestHouse(t), province.New(3, 1000), t.TempDir()
	write := func(name string, make func(io.Writer) error, more string) string {
		t.Helper()
		var b bytes.Buffer
		if err := make(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, append(b.Bytes(), more...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cmd := importCmd{Server: h.admin(), Persons: write("persons", p.WritePersons, ""), Institutions: write("institutions", p.WriteInstitutions, ""),
		Bindings: write("bindings", p.WriteBindings, ""), Credits: write("credits", p.WriteOpening, ""), RunID: "r1", Source: "opening", Period: "202501",
		Connections: 2, Patience: demoPatience}
	for range 2 {
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}
	bad := importCmd{Server: h.admin(), Persons: write("bad", province.New(3, 24).WritePersons, "{}\n"), Connections: 1, Patience: demoPatience}
	loads, err := bad.loads()
	if err != nil {
		t.Fatal(err)
	}
	im := newImporter(newClient(h.admin()), 1, demoPatience, io.Discard)
	defer im.client.close()
	n, err := im.run(context.Background(), loads[0])
	want := refusedLine{Line: 25, Code: "missing_field"}
	if err != nil || len(n.refused) != 1 || n.refused[0].Line != want.Line || n.refused[0].Code != want.Code {
		t.Errorf("refused %v (%v), want %v", n.refused, err, want)
	}
	if err := bad.Run(); err != exitError(1) {
		t.Errorf("a refused line: %v, want exit code 1", err)
	}
}

// TestImportFlags: what cannot be meant is refused before anything is sent.
func TestImportFlags(t *testing.T) {
	for _, c := range []importCmd{{}, {Credits: os.DevNull}, {Credits: os.DevNull, RunID: "r"}, {Province: 1, Count: 0}, {Province: 1, Count: 10, Persons: os.DevNull},
		{Persons: "/nowhere/at/all"}} {
		if _, err := c.loads(); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// TestWelcome: the first start loads, the second does not, and the printed call answers X1 at both, also sent twice.
func TestWelcome(t *testing.T) {
	h := openTestHouse(t)
	business, admin := strings.TrimPrefix(h.business(), "http://"), strings.TrimPrefix(h.admin(), "http://")
	start := func() string {
		t.Helper()
		var out bytes.Buffer
		if err := demoWelcome(&out, business, admin, 300, ""); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := start()
	if !strings.Contains(first, "Loaded the demo province: 300 persons") {
		t.Errorf("the first start told %q", first)
	}
	sendPrinted(t, first, business)
	second := start()
	if strings.Contains(second, "Loaded") {
		t.Errorf("the second start loaded again: %q", second)
	}
	if first == second {
		t.Error("both starts print the same message id")
	}
	sendPrinted(t, second, business)
	purchasePrinted(t, second, business)
}

// purchasePrinted does what the printed curl of the national interface does.
func purchasePrinted(t *testing.T, text, business string) {
	t.Helper()
	_, line, found := strings.Cut(text, "curl -s http://"+business+pathNational+" -H 'Content-Type: application/json' -d '")
	body, _, ended := strings.Cut(line, "'\n")
	if !found || !ended {
		t.Fatalf("no curl in %q", text)
	}
	c := newClient("http://" + business)
	defer c.close()
	var first string
	for range 2 {
		a, err := c.send(context.Background(), http.MethodPost, pathNational, mediaJSON, []byte(body))
		if err != nil || !a.ok() {
			t.Fatalf("%v, %s", err, a.body)
		}
		var x struct {
			Infcode int
			Output  struct {
				Setlinfo struct {
					ID   string      `json:"setl_id"`
					Acct json.Number `json:"acct_pay"`
					Aid  json.Number `json:"acct_mulaid_pay"`
					Cash json.Number `json:"psn_cash_pay"`
				}
			}
		}
		if err := json.Unmarshal(a.body, &x); err != nil {
			t.Fatal(err)
		}
		s := x.Output.Setlinfo
		if x.Infcode != 0 || s.Acct != "62.20" || s.Aid != "62.20" || s.Cash != "12.80" || first != "" && s.ID != first {
			t.Errorf("%s", a.body)
		}
		first = s.ID
	}
}

// sendPrinted does what the printed curl does.
func sendPrinted(t *testing.T, text, business string) {
	t.Helper()
	_, line, found := strings.Cut(text, "curl -s http://"+business+"/v1/settlements -H 'Content-Type: application/json' -d '")
	body, _, ended := strings.Cut(line, "'\n")
	if !found || !ended {
		t.Fatalf("no curl in %q", text)
	}
	c := newClient("http://" + business)
	defer c.close()
	for _, replayed := range []bool{false, true} {
		a, err := c.send(context.Background(), http.MethodPost, pathSettlements, mediaJSON, []byte(body))
		if err != nil || !a.ok() {
			t.Fatalf("%v, %s", err, a.body)
		}
		var x settled
		if err := json.Unmarshal(a.body, &x); err != nil {
			t.Fatal(err)
		}
		if x.Acct != 184_00 || x.Aid != 184_00 || x.Cash != 0 || a.replayed != replayed {
			t.Errorf("acct %s aid %s cash %s replayed %t, want X1 and %t", x.Acct, x.Aid, x.Cash, a.replayed, replayed)
		}
	}
}

// TestWelcomeSparesOthers: a ledger with somebody else's money gets no demo province.
func TestWelcomeSparesOthers(t *testing.T) {
	h := openTestHouse(t)
	s := newStage(t.Context(), io.Discard, h.business(), h.admin(), province.New(9, demoPersonsMin), h)
	defer s.close()
	if err := s.appear(); err != nil {
		t.Fatal(err)
	}
	err := demoWelcome(io.Discard, strings.TrimPrefix(h.business(), "http://"), strings.TrimPrefix(h.admin(), "http://"), 300, "")
	if !errors.Is(err, errOthersLedger) {
		t.Errorf("%v, want %v", err, errOthersLedger)
	}
}
