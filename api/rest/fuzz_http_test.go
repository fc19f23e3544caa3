package rest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// fuzzCall is a call whose body is fuzzed. fields is nil where the body is no JSON object of known fields (NDJSON).
type fuzzCall struct {
	path   string
	admin  bool
	media  string
	fields []field
	body   string // a valid one
}

// paths are the places of a body that can be changed, as "agent.certno".
func paths(fields []field, prefix string) (out []string) {
	for _, x := range fields {
		inner := prefix + x.name + "."
		if x.sort == list {
			inner = prefix + x.name + "[0]."
		}
		out = append(append(out, prefix+x.name), paths(x.inside, inner)...)
	}
	return out
}

// changed is the call's body with the value at a place replaced by text; place 0: the whole body is text.
func (c *fuzzCall) changed(place uint8, text []byte) []byte {
	if all := paths(c.fields, ""); place != 0 && len(all) != 0 {
		return []byte(render(c.fields, "", all[int(place-1)%len(all)], func(name, _ string) string { return name + ":" + string(text) }))
	}
	return text
}

func without(fields []field, names ...string) []field {
	return slices.DeleteFunc(slices.Clone(fields), func(x field) bool { return slices.Contains(names, x.name) })
}

// fuzzWorld has what the bodies of inputs() speak of: person 420 with money, who shares it with 42010001 and can pay for 421; pharmacy P1; a settlement of 1.00.
func fuzzWorld(f *fixture) {
	payer, patient, insured := someone{"420", certnoOf(8)}, someone{"42010001", certnoOf(7)}, someone{"421", certnoOf(9)}
	f.postAdmin("/v1/institutions", `{"fixmedins_code":"P1","fixmedins_name":"店","fixmedins_type":"2","admdvs":"420100"}`).want(200)
	for _, p := range []someone{payer, patient, insured} {
		f.postAdmin("/v1/persons", personBody(p, p != insured)).want(201)
	}
	f.credit(payer, "9000000000.00")
	f.credit(patient, "9000000000.00")
	f.bind(payer, patient, "")
	f.bind(payer, insured, "")
	f.post("/v1/settlements", bill{msgid: "FIRST", code: "P1", patient: payer, medfee: "1.00", inscp: "1.00"}.body()).want(200)
	f.postAdmin("/v1/credit-runs", `{"run_id":"R1","source":"opening","period":"202601","count":100000,"amount":"100000.00"}`).want(200)
}

// fuzzCalls are all calls that take a body: those of inputs(), settlements without what makes them fail, and the NDJSON ones.
func fuzzCalls(setl string) (out []fuzzCall) {
	for _, in := range inputs() {
		if in.path == "/v1/ledger/copies" { // would copy the ledger each time
			continue
		}
		out = append(out, fuzzCall{path: in.path, admin: in.admin, fields: in.fields})
		if in.path == "/v1/settlements" {
			plain := without(in.fields, "expected", "passwords", "agent", "card_sn")
			out = append(out, fuzzCall{path: in.path, fields: plain}, fuzzCall{path: in.path + "/preview", fields: plain[1:]})
		}
		if strings.HasPrefix(in.path, "/v1/settlements/"+idText(ids.Settlement, uint64(ledger.At(9, 0)))) {
			out = append(out, fuzzCall{path: "/v1/settlements/" + setl + "/reversal", fields: in.fields})
		}
	}
	for i := range out {
		out[i].media, out[i].body = "application/json", render(out[i].fields, "", "", nil)
	}
	bills := strings.Join([]string{out[1].body, strings.Replace(out[1].body, "100.00", "100.01", 1), out[1].body}, "\n")
	line := `{"msgid":"FIRST","setl_id":"` + setl + `","medfee_sumamt":"1.00","fund_pay_sumamt":"0.00","acct_pay":"1.00"}`
	person := personBody(someone{"430", certnoOf(30)}, true)
	return append(out,
		fuzzCall{path: "/v1/settlements/batch", media: mediaNDJSON, body: bills},
		fuzzCall{path: "/v1/institutions/P1/reconciliation?from=2026-03-10&to=2026-03-10", media: mediaNDJSON, body: line + "\n" + line + "\n"},
		fuzzCall{path: "/v1/persons?file=F1", admin: true, media: mediaNDJSON, body: person + "\n" + strings.Replace(person, "430", "431", 1)},
		fuzzCall{path: "/v1/bindings/batch", admin: true, media: mediaNDJSON, body: bindBody("M1", someone{psnNo: "420"}, someone{certno: certnoOf(9)}, "") + "\n{}"},
		fuzzCall{path: "/v1/credit-runs/R1/lines", admin: true, media: mediaNDJSON, body: `{"msgid":"M1","psn_no":"420","amount":"1.00"}` + "\n" + `{"msgid":"M2","psn_no":"9","amount":"1.00"}`})
}

// sums are the totals now, behind everything admitted.
func (f *fixture) sums() (t ledger.Totals, sequence uint64) {
	f.t.Helper()
	if err := f.engine.Ask(func(v engine.View) { t, sequence = v.State.Totals(), v.Sequence }); err != nil {
		f.t.Fatal(err)
	}
	return t, sequence
}

var firstMsgid = regexp.MustCompile(`"msgid"(\s*):(\s*)"M1"`)

// judged makes a fuzzed call, with a new message id for M1.
func (f *fixture) judged(c *fuzzCall, body []byte) *verdictOf {
	f.t.Helper()
	f.serial++
	v := &verdictOf{call: c, body: firstMsgid.ReplaceAll(body, fmt.Appendf(nil, `"msgid"$1:$2"F%07d"`, f.serial))}
	base := f.business
	if c.admin {
		base = f.admin
	}
	before, sequence := f.sums()
	v.answer = f.send("POST", base+c.path, c.media, string(v.body))
	after, now := f.sums()
	v.before, v.after, v.logged = before, after, now != sequence
	return v
}

// FuzzHTTPBody (T19): any body, and any value in a valid body, sent to the real handlers of every call with a body, over a real connection to a real engine. No answer
// is a 5xx; what this file's own reader (fuzz_judge_test.go) finds bad never reaches the log; money moves by what the answer says, and by nothing else; all accounts add up to 0.
// The message id M1 is replaced by a new one, or every input behind the first would be a repeat.
func FuzzHTTPBody(f *testing.F) {
	s := start(f, setup{})
	fuzzWorld(s)
	setl := s.get("/v1/settlements?fixmedins_code=P1&msgid=FIRST").want(200).str("setl_id")
	calls := fuzzCalls(setl)
	for i, c := range calls {
		f.Add(uint8(i), uint8(0), []byte(c.body))
		for k, p := range paths(c.fields, "") {
			if k%5 == i%5 { // TestBadInput has them all; these show the fuzzer the way
				f.Add(uint8(i), uint8(k+1), []byte(`"1`+strings.Repeat("0", len(p)%9)+`.00"`))
			}
		}
	}
	for _, text := range []string{`"0.01"`, `"1e2"`, `null`, `{"a":1}`, `"92233720368547758.07"`, `"\ud800"`, `"99999999999999.99"`, `"100.00","medfee_sumamt":"200.00"`} {
		f.Add(uint8(1), uint8(8), []byte(text))
		f.Add(uint8(1), uint8(9), []byte(text))
	}
	f.Fuzz(func(t *testing.T, which, place uint8, text []byte) {
		s.t = t
		c := calls[int(which)%len(calls)]
		judge(t, s.judged(&c, c.changed(place, text)))
	})
}

// The judge itself (T19): it sees each sort of defect that it is there for. And the world: enough of the bodies that are fuzzed are accepted as they are.
func TestFuzzJudge(t *testing.T) {
	f := start(t, setup{})
	fuzzWorld(f)
	calls := fuzzCalls(f.get("/v1/settlements?fixmedins_code=P1&msgid=FIRST").want(200).str("setl_id"))
	accepted := 0
	for i := range calls {
		v := f.judged(&calls[i], []byte(calls[i].body))
		judge(t, v)
		if v.answer.status/100 == 2 {
			accepted++
		}
	}
	if accepted < len(calls)/3 {
		t.Errorf("only %d of %d bodies are accepted", accepted, len(calls))
	}
	good := *f.judged(&calls[1], []byte(calls[1].body))
	body, before := good.body, good.before
	if wrong := good.wrong(); wrong != "" || good.answer.want(200).str("acct_pay") == "0.00" {
		t.Fatalf("a good settlement: %s %s", wrong, good.answer.text)
	}
	for name, spoil := range map[string]func(v *verdictOf){
		"server fault":         func(v *verdictOf) { v.answer = &answer{t: t, status: 500} },
		"bad body taken":       func(v *verdictOf) { v.body = bytes.Replace(body, []byte(`"100.00"`), []byte(`100.00`), 1) },
		"twice a name":         func(v *verdictOf) { v.body = append(body[:len(body)-1:len(body)-1], `,"invono":"I2"}`...) },
		"money out of nothing": func(v *verdictOf) { v.after.Personal++ },
		"another amount":       func(v *verdictOf) { v.after.Personal++; v.after.Institution-- },
		"refused and moved":    func(v *verdictOf) { v.answer = &answer{t: t, status: 422} },
		"bad body logged": func(v *verdictOf) {
			v.body, v.answer, v.after = []byte("{"), &answer{t: t, status: 400}, before
		},
		"the bill does not add up": func(v *verdictOf) { v.body = bytes.Replace(body, []byte(`"70.00"`), []byte(`"70.01"`), 1) },
	} {
		v := good
		spoil(&v)
		if v.wrong() == "" {
			t.Errorf("%s is not seen", name)
		}
	}
}
