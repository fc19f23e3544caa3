package rest

import (
	"fmt"
	"strings"
	"testing"

	"gongji/api/money"
	"gongji/engine"
	"gongji/engine/ledger"
)

// The worked figures of decisions.md, through HTTP.
func TestWorkedFigures(t *testing.T) {
	f := start(t, setup{})
	shop := f.institution("2")
	t.Run("X1", func(t *testing.T) {
		daughter, father := f.newPerson(true), f.newPerson(false)
		f.credit(daughter, "5000.00")
		f.bind(daughter, father, "")
		f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: father, medfee: "460.00", fund: "276.00", inscp: "460.00"}.body()).
			want(200, "psn_part_amt", "184.00", "acct_pay", "184.00", "acct_mulaid_pay", "184.00", "psn_cash_pay", "0.00", "balc", "0.00", "clr_type", "41")
		if got := f.balance(daughter); got != "4816.00" {
			t.Errorf("authorizer has %s left, want 4816.00", got)
		}
		f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: father, medfee: "530.00", fund: "276.00", inscp: "460.00", preself: "20.00",
			overlmt: "5.00", fula: "45.00"}.body()).
			want(200, "psn_part_amt", "254.00", "acct_pay", "204.00", "acct_mulaid_pay", "204.00", "psn_cash_pay", "50.00")
		if got := f.balance(daughter); got != "4612.00" {
			t.Errorf("authorizer has %s left after X1b, want 4612.00", got)
		}
	})
	t.Run("X2", func(t *testing.T) {
		father, son := f.newPerson(true), f.newPerson(true)
		f.credit(father, "1000.00")
		f.bind(father, son, "")
		f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: son, medfee: "100.00", inscp: "100.00"}.body()).
			want(200, "acct_pay", "100.00", "acct_mulaid_pay", "100.00", "psn_cash_pay", "0.00", "balc", "0.00")
		if got := f.balance(father); got != "900.00" {
			t.Errorf("father has %s left, want 900.00", got)
		}
	})
	t.Run("X3 random", func(t *testing.T) {
		have := []string{"120.00", "80.05", "500.00"}
		patient, authorizers := x3(f, have, nil)
		f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: patient, medfee: "300.00", inscp: "300.00"}.body()).
			want(200, "acct_pay", "300.00", "acct_mulaid_pay", "259.90", "psn_cash_pay", "0.00", "balc", "0.00")
		var paid int64
		partial := 0
		for i, a := range authorizers {
			had, left := fen(t, have[i]), fen(t, f.balance(a))
			paid += had - left
			if left != 0 && left != had {
				partial++
			}
		}
		if paid != 25990 || partial > 1 {
			t.Errorf("relatives paid %s with %d emptied in part, want 259.90 and at most one (P9)", money.Text(paid), partial)
		}
	})
}

// Under the ordered strategy X3's legs are known one by one.
func TestWorkedFiguresOrdered(t *testing.T) {
	policy := engine.Hubei
	policy.Strategy = ledger.Ordered
	f := start(t, setup{policy: policy})
	shop := f.institution("2")
	patient, authorizers := x3(f, []string{"120.00", "80.05", "500.00"}, []string{`,"order":1`, `,"order":2`, `,"order":3`})
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: patient, medfee: "300.00", inscp: "300.00"}.body()).
		want(200, "acct_pay", "300.00", "acct_mulaid_pay", "259.90", "balc", "0.00")
	for i, want := range []string{"0.00", "0.00", "440.15"} {
		if got := f.balance(authorizers[i]); got != want {
			t.Errorf("authorizer %d has %s left, want %s", i+1, got, want)
		}
	}
}

func x3(f *fixture, have, orders []string) (patient someone, authorizers []someone) {
	patient = f.newPerson(true)
	f.credit(patient, "40.10")
	for i := range have {
		a := f.newPerson(true)
		f.credit(a, have[i])
		more := ""
		if orders != nil {
			more = orders[i]
		}
		f.bind(a, patient, more)
		authorizers = append(authorizers, a)
	}
	return patient, authorizers
}

func fen(t *testing.T, s string) int64 {
	t.Helper()
	v, err := money.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWrongCredential(t *testing.T) {
	f := start(t, setup{})
	shop, p, relative := f.institution("2"), f.newPerson(true), f.newPerson(true)
	f.credit(p, "100.00")
	stolen := p
	stolen.certno = relative.certno
	b := bill{msgid: f.msgid(), code: shop, patient: stolen, medfee: "10.00", inscp: "10.00"}
	f.post("/v1/settlements", b.body()).want(422, "code", "wrong_credential", "outcome", "401", "id_used", "true", "field", "mdtrt_cert_no")
	if a := f.post("/v1/settlements", b.body()).want(422, "code", "wrong_credential"); !a.replayed {
		t.Error("the second refusal is not marked as a repeat")
	}
	b.patient.certno = p.certno // the credential is a token, not content: the refusal stands (R10)
	f.post("/v1/settlements", b.body()).want(422, "code", "wrong_credential")
	if got := f.balance(p); got != "100.00" {
		t.Errorf("balance %s, want 100.00", got)
	}
}

func TestRepeats(t *testing.T) {
	f := start(t, setup{})
	shop, p, q := f.institution("2"), f.newPerson(true), f.newPerson(true)
	f.credit(p, "100.00")
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00"}
	first := f.post("/v1/settlements", b.body()).want(200, "balc", "90.00")
	f.credit(p, "1.00")
	f.clock.ms.Add(60_000)
	again := b
	again.more = `,"dev_no":"D9"` // a device is not content
	second := f.post("/v1/settlements", again.body())
	if first.replayed || !second.replayed || second.text != first.text {
		t.Errorf("replayed %t, %t; first %s, second %s", first.replayed, second.replayed, first.text, second.text)
	}
	changes := map[string]func(*bill){
		"patient":     func(b *bill) { b.patient = q },
		"amount":      func(b *bill) { b.medfee, b.inscp = "10.01", "10.01" },
		"parts":       func(b *bill) { b.inscp, b.preself = "9.00", "1.00" },
		"fund":        func(b *bill) { b.fund = "1.00" },
		"shortfall":   func(b *bill) { b.more = `,"on_shortfall":"refuse"` },
		"used flag":   func(b *bill) { b.more = `,"acct_used_flag":"0"` },
		"expectation": func(b *bill) { b.more = `,"expected":{"acct_pay":"10.00","psn_cash_pay":"0.00"}` },
	}
	for name, change := range changes {
		other := b
		change(&other)
		a := f.post("/v1/settlements", other.body()).want(409, "code", "id_reused", "outcome", "101", "id_used", "true", "detail", "Take a new msgid.")
		if strings.Contains(a.text, first.str("setl_id")) || strings.Contains(a.text, "90.00") {
			t.Errorf("%s: the answer shows the first: %s", name, a.text)
		}
	}
	if got := f.balance(p); got != "91.00" {
		t.Errorf("balance %s, want 91.00", got)
	}
	// The institution is part of the key: the same id at another one is another message.
	b.code = f.institution("2")
	f.post("/v1/settlements", b.body()).want(200, "balc", "81.00")
}

func TestAsking(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("1"), f.newPerson(true)
	f.credit(p, "100.00")
	ask := func(msgid string) *answer { return f.get("/v1/settlements?fixmedins_code=" + shop + "&msgid=" + msgid) }
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00"}
	ask(b.msgid).want(200, "state", "never_seen")
	settled := f.post("/v1/settlements", b.body()).want(200, "clr_type", "11")
	a := ask(b.msgid).want(200, "state", "settled", "setl_id", settled.str("setl_id"), "medfee_sumamt", "10.00", "psn_no", p.psnNo, "balc", "90.00")
	if a.str("sequence_asked") == "" || strings.Contains(a.text, p.certno) {
		t.Errorf("answer %s", a.text)
	}
	f.get("/v1/settlements/"+settled.str("setl_id")).want(200, "state", "settled", "msgid", b.msgid)
	refused := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "1000.00", inscp: "1000.00", more: `,"on_shortfall":"refuse"`}
	f.post("/v1/settlements", refused.body()).want(422, "code", "short_of_funds")
	ask(refused.msgid).want(200, "state", "refused", "code", "short_of_funds", "outcome", "402")
	f.get("/v1/settlements?fixmedins_code="+shop).want(400, "code", "missing_field", "field", "msgid")
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid=a&x=b").want(400, "code", "unknown_field")
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid=a&msgid=b").want(400, "code", "duplicate_field", "field", "msgid")
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid=%61").want(400, "code", "bad_value", "field", "query")
	f.get("/v1/settlements/S0000000000001X").want(404, "code", "not_found", "id_used", "false")
	f.get("/v1/settlements/"+idText('S', uint64(ledger.At(1, 0)))).want(404, "code", "not_found") // genesis is no settlement
}

func TestPreviewAndExpected(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "100.00")
	b := bill{code: shop, patient: p, medfee: "30.00", inscp: "30.00"}
	before := f.sequence()
	f.post("/v1/settlements/preview", b.body()).want(200, "acct_pay", "30.00", "balc", "70.00", "psn_cash_pay", "0.00", "clr_type", "41")
	stolen := b
	stolen.patient.certno = f.newPersonLater().certno
	f.post("/v1/settlements/preview", stolen.body()).want(422, "code", "unknown_credential", "id_used", "false")
	b.msgid = "x"
	f.post("/v1/settlements/preview", b.body()).want(400, "code", "unknown_field", "field", "msgid")
	if f.sequence() != before || f.balance(p) != "100.00" {
		t.Error("a preview changed something")
	}
	b.msgid, b.more = f.msgid(), `,"expected":{"acct_pay":"29.00","psn_cash_pay":"1.00"}`
	f.post("/v1/settlements", b.body()).want(422, "code", "amount_changed", "outcome", "403", "acct_pay", "30.00", "psn_cash_pay", "0.00", "psn_part_amt", "30.00")
	if a := f.post("/v1/settlements", b.body()).want(422, "code", "amount_changed", "acct_pay", "30.00"); !a.replayed {
		t.Error("not marked as a repeat")
	}
	if got := f.balance(p); got != "100.00" {
		t.Errorf("balance %s after amount_changed, want 100.00", got)
	}
	b.msgid, b.more = f.msgid(), `,"expected":{"acct_pay":"30.00","psn_cash_pay":"0.00"}`
	f.post("/v1/settlements", b.body()).want(200, "acct_pay", "30.00")
}

// newPersonLater makes the numbers of a person whom nobody has added.
func (f *fixture) newPersonLater() someone {
	f.serial++
	return someone{psnNo: fmt.Sprintf("4201%010d", f.serial), certno: certnoOf(f.serial)}
}

func TestUnknown(t *testing.T) {
	f := start(t, setup{})
	shop, p, nobody := f.institution("2"), f.newPerson(true), f.newPersonLater()
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: nobody, medfee: "1.00", inscp: "1.00"}.body()).
		want(404, "code", "unknown_person", "outcome", "201", "id_used", "true", "field", "psn_no")
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: "P999", patient: p, medfee: "1.00", inscp: "1.00"}.body()).
		want(404, "code", "unknown_institution", "outcome", "202", "id_used", "true", "field", "fixmedins_code")
	f.get("/v1/persons/"+nobody.psnNo).want(404, "code", "not_found")
	f.post("/v1/persons/lookup", fmt.Sprintf(`{"psn_cert_type":"01","certno":%q}`, nobody.certno)).want(404, "code", "not_found")
	f.post("/v1/persons/lookup", fmt.Sprintf(`{"psn_cert_type":"01","certno":%q}`, p.certno)).want(200, "psn_no", p.psnNo)
	f.post("/v1/bindings", bindBody(f.msgid(), p, nobody, "")).want(404, "code", "unknown_user", "field", "user_certno")
	f.post("/v1/bindings", bindBody(f.msgid(), nobody, p, "")).want(404, "code", "unknown_person", "field", "authorizer_psn_no")
	f.post("/v1/bindings", bindBody(f.msgid(), p, p, "")).want(422, "code", "self_binding", "outcome", "601")
}

func TestBatch(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "100.00")
	one := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00"}
	reused, fresh := one, one
	reused.medfee, reused.inscp = "11.00", "11.00"
	fresh.msgid = f.msgid()
	changed := fresh
	changed.msgid, changed.more = f.msgid(), `,"expected":{"acct_pay":"1.00","psn_cash_pay":"9.00"}`
	body := strings.Join([]string{one.body(), `{"msgid":"x"}`, one.body(), reused.body(), fresh.body(), "", changed.body()}, "\n") + "\n"
	a := f.send("POST", f.business+"/v1/settlements/batch", mediaNDJSON, body)
	a.want(200)
	lines := strings.Split(strings.TrimSuffix(a.text, "\n"), "\n")
	want := [][]string{
		{`"line":1,`, `"status":200`, `"balc":"90.00"`},
		{`"line":2,"msgid":"x","status":400`, `"code":"missing_field"`, `"id_used":false`},
		{`"line":3,`, `"status":200`, `"replayed":true`, `"balc":"90.00"`},
		{`"line":4,`, `"status":409`, `"code":"id_reused"`},
		{`"line":5,`, `"status":200`, `"balc":"80.00"`},
		{`"line":6,"status":400`, `"code":"malformed"`},
		{`"line":7,`, `"status":422`, `"code":"amount_changed"`, `"acct_pay":"10.00"`},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %s", len(lines), a.text)
	}
	for i, parts := range want {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d lacks %s: %s", i+1, part, lines[i])
			}
		}
	}
	if got := f.balance(p); got != "80.00" {
		t.Errorf("balance %s, want 80.00", got)
	}
	f.send("POST", f.business+"/v1/settlements/batch", mediaNDJSON, strings.Repeat("{}\n", linesMax+1)).want(400, "code", "too_many")
	full := f.send("POST", f.business+"/v1/settlements/batch", mediaNDJSON, strings.Repeat("{}\n", linesMax))
	if full.want(200); strings.Count(full.text, "\n") != linesMax {
		t.Errorf("%d verdicts for %d lines", strings.Count(full.text, "\n"), linesMax)
	}
}
