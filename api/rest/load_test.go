package rest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// loadLines are n persons as NDJSON.
func (f *fixture) loadLines(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(personBody(f.newPersonLater(), true))
		b.WriteByte('\n')
	}
	return b.String()
}

func (f *fixture) load(file, body string) *answer {
	f.t.Helper()
	return f.send("POST", f.admin+"/v1/persons?file="+file, mediaNDJSON, body)
}

func TestLoadPersons(t *testing.T) {
	f := start(t, setup{})
	const persons = 10_000
	body := f.loadLines(persons)
	f.load("p1", body).want(200, "lines", "10000", "accepted", "10000", "repeated", "0", "refused", "0")
	totals := f.send("GET", f.admin+"/v1/ledger/totals", "", "").want(200, "sum", "0.00")
	f.load("p1", body).want(200, "lines", "10000", "accepted", "0", "repeated", "10000", "refused", "0")
	f.load("p2", body).want(200, "accepted", "0", "repeated", "0", "refused", "10000", "first_refusals.99.code", "person_exists", "first_refusals.99.line", "100",
		"first_refusals.100.code", "")
	if after := f.send("GET", f.admin+"/v1/ledger/totals", "", "").want(200); after.str("sequence") == totals.str("sequence") {
		t.Error("the second load logged nothing")
	}
}

// A bad line is refused by its number and does not stop the rest.
func TestLoadBadLines(t *testing.T) {
	f := start(t, setup{})
	good := strings.Split(strings.TrimSuffix(f.loadLines(3), "\n"), "\n")
	wrong := strings.Replace(personBody(f.newPersonLater(), true), `"gend":"1"`, `"gend":"7"`, 1)
	long := strings.Replace(personBody(f.newPersonLater(), true), "王小明", strings.Repeat("长", lineBytesMax), 1)
	digit := personBody(someone{"420199", certnoOf(3)[:17] + "0"}, true)
	if certnoOf(3)[17] == '0' {
		t.Fatal("the test's certno is right")
	}
	lines := []string{good[0], wrong, "", good[1] + "\r", long, `{"psn_no":"x"`, good[2], digit}
	a := f.load("bad", strings.Join(lines, "\n")).want(200, "lines", "8", "accepted", "3", "refused", "5",
		"first_refusals.0.line", "2", "first_refusals.0.code", "bad_value", "first_refusals.0.field", "gend",
		"first_refusals.1.line", "3", "first_refusals.1.code", "malformed",
		"first_refusals.2.line", "5", "first_refusals.2.code", "too_long",
		"first_refusals.3.line", "6", "first_refusals.3.code", "malformed",
		"first_refusals.4.line", "8", "first_refusals.4.code", "bad_value", "first_refusals.4.field", "certno")
	if strings.Contains(a.text, certnoOf(3)[:10]) {
		t.Error("a value of a line in the answer")
	}
	// What was cut is resumed: lines that are in the ledger are repeats, the others are done now.
	lines[1], lines[2] = personBody(f.newPersonLater(), true), personBody(f.newPersonLater(), true)
	f.load("bad", strings.Join(lines, "\n")).want(200, "accepted", "2", "repeated", "3", "refused", "3")
	f.send("POST", f.admin+"/v1/persons", mediaNDJSON, good[0]).want(400, "code", "missing_field", "field", "file")
	f.load("a&b=c", good[0]).want(400, "code", "unknown_field")
	f.load(strings.Repeat("f", fileMax+1), good[0]).want(400, "code", "too_long", "field", "file")
}

func TestCreditRun(t *testing.T) {
	f := start(t, setup{})
	p, q, resident := f.newPerson(true), f.newPerson(true), f.newPerson(false)
	open := `{"run_id":"R-1","source":"contribution","period":"202603","count":2,"amount":"30.00"}`
	f.postAdmin("/v1/credit-runs", open).want(200, "state", "open", "period", "202603", "source", "contribution", "count", "2", "amount", "30.00", "count_done", "0")
	f.postAdmin("/v1/credit-runs", open).want(422, "code", "run_exists", "outcome", "701", "field", "run_id")
	line := func(id string, p someone, amount string) string {
		return fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"amount":%q}`, id, p.psnNo, amount) + "\n"
	}
	send := func(body string) *answer {
		return f.send("POST", f.admin+"/v1/credit-runs/R-1/lines", mediaNDJSON, body)
	}
	send(line("c1", p, "10.00")+line("c2", resident, "1.00")+line("c3", p, "10.00")+line("c4", q, "0.00")).
		want(200, "lines", "4", "accepted", "1", "refused", "3", "first_refusals.0.line", "2", "first_refusals.0.code", "no_account", "first_refusals.0.outcome", "303",
			"first_refusals.1.line", "3", "first_refusals.1.code", "already_credited",
			"first_refusals.2.line", "4", "first_refusals.2.code", "amount_zero", "run.count_done", "1", "run.amount_done", "10.00")
	f.postAdmin("/v1/credit-runs/R-1/close", `{}`).want(422, "code", "run_differs")
	send(line("c1", p, "10.00")+line("c5", q, "20.00")).want(200, "repeated", "1", "accepted", "1", "run.count_done", "2")
	f.postAdmin("/v1/credit-runs/R-1/close", `{}`).want(200, "state", "closed", "count_done", "2")
	f.postAdmin("/v1/credit-runs/R-1/close", `{}`).want(422, "code", "run_closed")
	f.postAdmin("/v1/credit-runs/R-9/close", `{}`).want(404, "code", "unknown_run", "outcome", "206")
	f.send("POST", f.admin+"/v1/credit-runs/R-9/lines", mediaNDJSON, line("c6", q, "1.00")).want(404, "code", "not_found", "field", "run_id")
	if x, y := f.balance(p), f.balance(q); x != "10.00" || y != "20.00" {
		t.Errorf("balances %s and %s, want 10.00 and 20.00", x, y)
	}
}

// The result file of a run names every line that the ledger refused, of this run only, from its opening to its closing, also after a restart.
func TestRunResult(t *testing.T) {
	with := setup{dir: t.TempDir()}
	const credits = 3_000 // two batches
	var whole string
	var ids []string
	t.Run("first", func(t *testing.T) {
		f := start(t, with)
		p, resident := f.newPerson(true), f.newPerson(false)
		open := func(id string, count int) {
			f.postAdmin("/v1/credit-runs", fmt.Sprintf(`{"run_id":%q,"source":"contribution","period":"202603","count":%d,"amount":"10.00"}`, id, count)).want(200)
		}
		line := func(id string, p someone) string {
			return fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"amount":"10.00"}`, id, p.psnNo) + "\n"
		}
		open("A", 1)
		open("B", 1)
		body := line("good", p)
		var want []string
		for i := range credits {
			want = append(want, fmt.Sprint("a", i))
			body += line(want[i], resident)
		}
		send := func(run, body string) *answer {
			return f.send("POST", f.admin+"/v1/credit-runs/"+run+"/lines", mediaNDJSON, body)
		}
		send("A", body).want(200, "accepted", "1", "refused", fmt.Sprint(credits))
		send("B", line("b1", p)+line("b2", resident)).want(200, "refused", "2")
		f.settleRefused(p)
		send("A", line("good", p)+line("a0", resident)+line("late", p)+`{"msgid":1}`+"\n").want(200, "repeated", "2", "refused", "2")
		want = append(want, "late")
		got, end := f.refusals("A", "")
		compareRefusals(t, got, want)
		if got[0].Code != "no_account" || got[0].Outcome != 303 || got[0].Amount != "10.00" || got[credits].Code != "already_credited" || end != len(want) {
			t.Errorf("first %+v, last %+v, end says %d", got[0], got[credits], end)
		}
		f.postAdmin("/v1/credit-runs/A/close", `{}`).want(200)
		send("A", line("closed", p)).want(200, "refused", "1", "first_refusals.0.code", "run_closed")
		f.send("GET", f.admin+"/v1/credit-runs/A", "", "").want(200, "state", "closed", "count_done", "1")
		whole = f.refusalText("A", "")
		got, _ = f.refusals("A", got[1_000].ID)
		compareRefusals(t, got, want[1_001:])
		got, _ = f.refusals("B", "")
		compareRefusals(t, got, []string{"b1", "b2"})
		ids = append(ids, got[0].ID)
		if strings.Contains(whole, resident.psnNo) || strings.Contains(whole, resident.certno) {
			t.Error("the result file names a person")
		}
		f.send("GET", f.admin+"/v1/credit-runs/C/refusals", "", "").want(404, "code", "not_found", "field", "run_id")
		f.send("GET", f.admin+"/v1/credit-runs/C", "", "").want(404, "code", "not_found", "field", "run_id")
		f.send("GET", f.admin+"/v1/credit-runs/A/refusals?after=E1", "", "").want(400, "code", "bad_value", "field", "after")
	})
	t.Run("restarted", func(t *testing.T) {
		f := start(t, with)
		if got := f.refusalText("A", ""); got != whole {
			t.Errorf("after a restart %d bytes, before %d", len(got), len(whole))
		}
		if got, end := f.refusals("B", ids[0]); len(got) != 1 || got[0].Msgid != "b2" || end != 1 {
			t.Errorf("%+v, end says %d", got, end)
		}
	})
}

// settleRefused logs refusals that are not credits.
func (f *fixture) settleRefused(p someone) {
	f.t.Helper()
	b := bill{msgid: f.msgid(), code: "nowhere", patient: p, medfee: "1.00", inscp: "1.00"}
	f.post("/v1/settlements", b.body()).want(404, "code", "unknown_institution")
}

type runRefusalLine struct {
	ID                  string `json:"entry_id"`
	Msgid, Amount, Code string
	Outcome, Refused    int
	End                 bool
}

func (f *fixture) refusalText(run, after string) string {
	f.t.Helper()
	url := f.admin + "/v1/credit-runs/" + run + "/refusals"
	if after != "" {
		url += "?after=" + after
	}
	return f.send("GET", url, "", "").want(200).text
}

func (f *fixture) refusals(run, after string) (lines []runRefusalLine, end int) {
	f.t.Helper()
	for text := range strings.Lines(f.refusalText(run, after)) {
		var l runRefusalLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			f.t.Fatalf("%v: %s", err, text)
		}
		if l.End {
			return lines, l.Refused
		}
		lines = append(lines, l)
	}
	f.t.Fatal("the file has no end")
	return nil, 0
}

func compareRefusals(t *testing.T, got []runRefusalLine, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d refusals, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Msgid != want[i] {
			t.Fatalf("line %d is %q, want %q", i+1, got[i].Msgid, want[i])
		}
	}
}

// BenchmarkRunResult is the result file of a run with 50,000 refusals.
func BenchmarkRunResult(b *testing.B) {
	const lines = 50_000
	f := start(b, setup{})
	f.document = nil
	p := f.newPerson(false)
	f.postAdmin("/v1/credit-runs", `{"run_id":"A","source":"contribution","period":"202603","count":1,"amount":"10.00"}`).want(200)
	var body strings.Builder
	for i := range lines {
		fmt.Fprintf(&body, `{"msgid":"m%d","psn_no":%q,"amount":"1.00"}`+"\n", i, p.psnNo)
	}
	f.send("POST", f.admin+"/v1/credit-runs/A/lines", mediaNDJSON, body.String()).want(200, "refused", fmt.Sprint(lines))
	for b.Loop() {
		if n := strings.Count(f.refusalText("A", ""), "\n"); n != lines+1 {
			b.Fatalf("%d lines", n)
		}
	}
	b.ReportMetric(float64(b.N*lines)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkLoadPersons is a load of 20,000 lines through the socket, log synced.
func BenchmarkLoadPersons(b *testing.B) {
	const lines = 20_000
	f := start(b, setup{})
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		body := f.loadLines(lines)
		b.SetBytes(int64(len(body)))
		b.StartTimer()
		f.load(fmt.Sprint("b", n), body).want(200, "accepted", fmt.Sprint(lines))
	}
	b.ReportMetric(float64(b.N*lines)/b.Elapsed().Seconds(), "lines/s")
}

// Repeats in a batch call are answered in order of lines, whatever batches of the log their first answers lie in.
func TestBatchRepeats(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("1"), f.newPerson(true)
	f.credit(p, "100.00")
	var lines, first []string
	for range 40 { // each alone, so in a batch of its own
		b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "1.00", inscp: "1.00"}
		lines = append(lines, strings.TrimSuffix(b.body(), "\n"))
		first = append(first, f.post("/v1/settlements", b.body()).want(200).str("setl_id"))
	}
	for i := range lines { // i -> 7i mod 40, with a new one in between
		j := i * 7 % len(lines)
		if j > i {
			lines[i], lines[j], first[i], first[j] = lines[j], lines[i], first[j], first[i]
		}
	}
	lines[20] = bill{msgid: f.msgid(), code: shop, patient: p, medfee: "1.00", inscp: "1.00"}.body()
	verdicts := strings.Split(f.send("POST", f.business+"/v1/settlements/batch", mediaNDJSON, strings.Join(lines, "\n")).want(200).text, "\n")
	for i, id := range first {
		replayed := strings.Contains(verdicts[i], `"replayed":true`) && strings.Contains(verdicts[i], `"setl_id":"`+id+`"`)
		if replayed == (i == 20) {
			t.Errorf("line %d: %s, want %s", i+1, verdicts[i], id)
		}
	}
}

// BenchmarkBatchRepeats is a batch of bindings sent again: every line is answered from log and journal.
func BenchmarkBatchRepeats(b *testing.B) {
	f := start(b, setup{})
	father := f.newPerson(true)
	var body strings.Builder
	for range linesMax {
		body.WriteString(bindBody(f.msgid(), father, father, "") + "\n")
	}
	send := func() string {
		return f.send("POST", f.admin+"/v1/bindings/batch", mediaNDJSON, body.String()).want(200).text
	}
	send()
	for b.Loop() {
		if n := strings.Count(send(), `"replayed":true`); n != linesMax {
			b.Fatalf("%d repeats", n)
		}
	}
	b.ReportMetric(float64(b.N*linesMax)/b.Elapsed().Seconds(), "lines/s")
}
