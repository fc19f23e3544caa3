package rest

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gongji/api"
	"gongji/api/money"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// adminCalls are the calls marked A in api.md as far as they are there, and what only operators need.
var adminCalls = []string{"POST /v1/persons", "POST /v1/persons/{psn_no}/enrolments", "POST /v1/persons/{psn_no}/changes", "POST /v1/persons/{psn_no}/credentials", "POST /v1/freezes",
	"POST /v1/persons/{psn_no}/password-reset", "GET /v1/settlements/{setl_id}/full", "POST /v1/institutions", "POST /v1/credits", "POST /v1/credit-runs",
	"POST /v1/credit-runs/{run_id}/lines", "POST /v1/credit-runs/{run_id}/close", "GET /v1/credit-runs/{run_id}", "GET /v1/credit-runs/{run_id}/refusals", "GET /v1/ledger/totals", "GET /v1/events", "POST /v1/clock/confirm", "POST /v1/bindings/batch",
	"GET /v1/bindings", "POST /v1/bindings/{id}/review", "POST /v1/bindings/{id}/forced-unbinding",
	"POST /v1/ledger/copies", "POST /v1/account-debits", "GET /v1/clearing/areas", "POST /v1/institutions/{code}/clearings", "POST /v1/policies", "GET /v1/policies", "GET /v1/policies/{number}"}

// Calls that create people or money answer on the admin listener only (R31).
func TestAdminOnly(t *testing.T) {
	f := start(t, setup{})
	before := f.sequence()
	hidden := map[string]bool{}
	for _, c := range newFace(f.engine, Options{}).calls() {
		path := strings.NewReplacer("{psn_no}", "420", "{run_id}", "R1", "{setl_id}", "S1", "{id}", "B1", "{number}", "0", "{code}", "P1").Replace(c.Pattern)
		a := f.sendAny(c.Method, f.business+path, mediaOf(c.Media), "{}")
		if name := c.Method + " " + c.Pattern; slices.Contains(adminCalls, name) {
			hidden[name] = true
			if a.status != 404 || a.str("code") != "not_found" {
				t.Errorf("%s on the business listener: %d %s", name, a.status, a.text)
			}
		} else if a.status == 404 && a.str("field") == "" {
			t.Errorf("%s on the business listener: %s", name, a.text)
		}
	}
	if len(hidden) != len(adminCalls) || f.sequence() != before {
		t.Errorf("%d admin calls tried, want %d; log from %d to %d", len(hidden), len(adminCalls), before, f.sequence())
	}
}

// sendAny is send for targets that need not be in the document.
func (f *fixture) sendAny(method, url, media, body string) *answer {
	f.t.Helper()
	d := f.document
	defer func() { f.document = d }()
	f.document = nil
	return f.send(method, url, media, body)
}

// A question on a ledger that stands still: 503, no id is used.
func TestQuestionDeadline(t *testing.T) {
	f := start(t, setup{rest: Options{Deadline: time.Millisecond}})
	begun, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- f.engine.Ask(func(engine.View) {
			close(begun)
			<-release
		})
	}()
	<-begun
	a := f.get("/v1/persons/991").want(503, "code", "unavailable", "id_used", "false", "detail", "No answer within the deadline.")
	if a.retry == "" {
		t.Error("503 without Retry-After")
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	patient := newFace(f.engine, Options{})
	if p := patient.ask(func(engine.View) {}); p.Code != "" {
		t.Errorf("afterwards: %+v", p)
	}
}

// Nothing in time: 504, and asking tells what became of it (R9, P24).
func TestDeadline(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "50.00")
	slow := newFace(f.engine, Options{Deadline: time.Nanosecond})
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}
	late := 0
	for range 200 { // the answer may be there before the timer fires; the id is the same, so at most one takes effect
		w := slow.take()
		var d strictjson.Decoder
		d.Reset([]byte(b.body()))
		if x := slow.readSettlement(w, &d, settlementShape); x.bad() {
			t.Fatal(x)
		}
		w.add()
		if _, problem := slow.run(w, sequencer.Till); problem.Code != "" {
			if problem.Code != api.CodeOutcomeUnknown || problem.IDUsed != api.IDUnknown {
				t.Fatalf("problem %+v", problem)
			}
			late++
			break
		}
		slow.give(w)
	}
	if late == 0 {
		t.Fatal("no answer was late: nothing was tested")
	}
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid="+b.msgid).want(200, "state", "settled")
	if a := f.post("/v1/settlements", b.body()).want(200, "balc", "30.00"); !a.replayed {
		t.Error("sent again, it is not a repeat")
	}
}

// A stopping engine takes nothing: 503, the id free.
func TestStopping(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	if err := f.engine.Close(); err != nil {
		t.Fatal(err)
	}
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}
	for _, a := range []*answer{f.post("/v1/settlements", b.body()), f.get("/v1/persons/" + p.psnNo), f.postAdmin("/v1/persons", personBody(p, true)),
		f.send("POST", f.business+"/v1/settlements/batch", mediaNDJSON, b.body()), f.load("x", personBody(p, true))} {
		if a.want(503, "code", "stopping", "id_used", "false"); a.retry == "" {
			t.Error("503 without Retry-After")
		}
	}
}

// A stepped clock stops admission until an operator confirms it; the ids stay free (design.md 1).
func TestClock(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}
	f.clock.jump.Store(20 * 60_000)
	f.post("/v1/settlements", b.body()).want(503, "code", "unavailable", "id_used", "false")
	f.post("/v1/settlements", b.body()).want(503, "code", "unavailable")
	f.postAdmin("/v1/clock/confirm", `{"confirm":true}`).want(200, "confirmed", "true")
	if f.post("/v1/settlements", b.body()).want(200).replayed {
		t.Error("the id was used by a 503")
	}
}

func TestInstitutionRate(t *testing.T) {
	l, err := api.NewLimiter(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, setup{rest: Options{Institutions: l}})
	shop, other, p := f.institution("2"), f.institution("2"), f.newPerson(true)
	one := func(code string) *answer {
		return f.post("/v1/settlements", bill{msgid: f.msgid(), code: code, patient: p, medfee: "20.00", inscp: "20.00"}.body())
	}
	one(shop).want(200)
	one(shop).want(200)
	before := f.sequence()
	if a := one(shop).want(429, "code", "rate_limited", "id_used", "false"); a.retry == "" || f.sequence() != before {
		t.Errorf("Retry-After %q, log from %d to %d", a.retry, before, f.sequence())
	}
	one(other).want(200)
}

func TestTotals(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "50.00")
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}.body()).want(200)
	a := f.send("GET", f.admin+"/v1/ledger/totals", "", "").want(200, "totals.personal", "30.00", "totals.institution_payable", "20.00", "totals.funding", "-50.00",
		"totals.family", "0.00", "sum", "0.00")
	if len(a.str("state_hash")) != 64 || len(a.str("effect_chain")) != 64 {
		t.Errorf("digests in %s", a.text)
	}
	f.send("GET", f.admin+"/v1/ledger/totals?sequence="+a.str("sequence"), "", "").want(200, "state_hash", a.str("state_hash"))
	f.send("GET", f.admin+"/v1/ledger/totals?sequence=1", "", "").want(404, "code", "sequence_not_kept", "field", "sequence")
	f.send("GET", f.admin+"/v1/ledger/totals?sequence=x", "", "").want(400, "code", "bad_value", "field", "sequence")
}

// A kept checkpoint answers with what was held then, after the ledger has gone on.
func TestTotalsKept(t *testing.T) {
	var kept engine.Totals
	f := start(t, setup{engine: func(o *engine.Options) { // a ledger that was stopped once, which is a checkpoint
		e, err := engine.Open(*o)
		if err != nil {
			t.Fatal(err)
		}
		if kept, err = e.Totals(engine.AskLimit, 0); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}})
	p := f.newPerson(true)
	f.credit(p, "50.00")
	f.send("GET", f.admin+"/v1/ledger/totals", "", "").want(200, "totals.funding", "-50.00")
	a := f.send("GET", fmt.Sprintf("%s/v1/ledger/totals?sequence=%d", f.admin, kept.Sequence), "", "").want(200, "sequence", fmt.Sprint(kept.Sequence),
		"totals.funding", "0.00", "state_hash", hex.EncodeToString(kept.StateHash[:]), "effect_chain", hex.EncodeToString(kept.EffectChain[:]))
	if want := string(strictjson.AppendTime(nil, kept.TimeMS)); want != `"`+a.str("time")+`"` {
		t.Errorf("time %s, want %s", a.str("time"), want)
	}
	for _, s := range []uint64{kept.Sequence - 1, kept.Sequence + 1, 1 << 40} {
		f.send("GET", fmt.Sprintf("%s/v1/ledger/totals?sequence=%d", f.admin, s), "", "").want(404, "code", "sequence_not_kept", "field", "sequence", "id_used", "false")
	}
}

// The longest fields together fit the log's limits, and what is appended can be read again.
func TestLongestFields(t *testing.T) {
	long := func(n int, c string) []byte { return []byte(strings.Repeat(c, n)) }
	in := bindingIn{msgid: long(msgidMax, `"`), authorizer: long(psnNoMax, `"`), certno: long(certnoMax, `"`), phone: long(opterMax, `"`), qaVersion: long(versionMax, `"`),
		consentMS: noon, face: 2, order: orderMax, auth: authIn{given: true, txnNo: long(opterMax, `"`), timeMS: noon},
		application: applicationIn{given: true, no: long(opterMax, `"`), clerk: long(nameMax, "𠀀"), document: long(nameMax, "𠀀")}}
	in.commitment.version, in.commitment.declaration, in.commitment.acceptedMS = long(versionMax, `"`), long(letterMax, "𠀀"), noon
	w := newWork(DeadlineDefault)
	w.begin(ledger.KindBinding)
	in.blob(&w.blob)
	w.cmd.ID, w.details.Caller, w.details.Message = ledger.K([]byte("x")), []byte(channelNames[0]), in.msgid
	checkFits(t, w)

	reversal := reversalIn{reason: long(reasonMax, "𠀀")}
	w = newWork(DeadlineDefault)
	reversal.command(w, ledger.KindReversalByID)
	w.blob.Begin()
	w.blob.Bytes("opter", long(opterMax, `"`))
	w.blob.Bytes("reason", reversal.reason)
	w.blob.End()
	w.cmd.Institution, w.cmd.Settlement = ledger.NewCode([]byte("x")), settlementMax
	checkFits(t, w)

	w = newWork(DeadlineDefault)
	w.begin(ledger.KindInstitutionAdd)
	w.cmd.Institution, w.cmd.Area, w.details.Text = ledger.NewCode(long(codeMax, "x")), typeMax, long(institutionNameMax, "长")
	checkFits(t, w)
}

func checkFits(t *testing.T, w *work) {
	t.Helper()
	if len(w.blob.B) > command.BlobMax {
		t.Errorf("kind %d: %d bytes of personal fields, limit %d", w.cmd.Kind, len(w.blob.B), command.BlobMax)
	}
	w.add()
	var cmd ledger.Command
	var d command.Details
	if n, err := command.Decode(w.request.Commands, &cmd, &d); err != nil || n != len(w.request.Commands) || string(d.Blob) != string(w.blob.B) {
		t.Errorf("kind %d: %d of %d bytes, %v", w.cmd.Kind, n, len(w.request.Commands), err)
	}
}

// Pooled memory is never shared by two calls: every caller gets the answer to his own bill (reliability.md S9). Run it with -race.
func TestNoCrossTalk(t *testing.T) {
	f := start(t, setup{})
	const callers, calls = 24, 30
	shop := f.institution("2")
	people := make([]someone, callers)
	for i := range people {
		people[i] = f.newPerson(true)
		f.credit(people[i], "5000.00")
	}
	wrong := make([]string, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { wrong[i] = f.oneTill(shop, people[i], i, calls) })
	}
	wg.Wait()
	for i, w := range wrong {
		if w != "" {
			t.Errorf("caller %d: %s", i, w)
		}
	}
}

// oneTill settles bills of amounts that no other till has and says what was wrong.
func (f *fixture) oneTill(shop string, p someone, number, calls int) string {
	left := int64(500000)
	for n := range calls {
		amount := int64(100*(n+1) + number)
		text := money.Text(amount)
		b := bill{msgid: fmt.Sprintf("T%d-%d", number, n), code: shop, patient: p, medfee: text, inscp: text}
		resp, err := f.client.Post(f.business+"/v1/settlements", "application/json", strings.NewReader(b.body()))
		if err != nil {
			return err.Error()
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		left -= amount
		want := fmt.Sprintf(`"acct_pay":"%s","acct_mulaid_pay":"0.00","psn_cash_pay":"0.00","balc":"%s"`, text, money.Text(left))
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(got), want) {
			return fmt.Sprintf("status %d, %v: %s, want %s", resp.StatusCode, err, got, want)
		}
	}
	return ""
}
