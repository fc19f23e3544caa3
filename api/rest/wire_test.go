package rest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"gongji/api"
	"gongji/api/ids"
	"gongji/bench/proof"
	"gongji/engine/ledger"
)

// wireRow is a row of reliability.md 4.3 that needs the real handlers: a change of a good settlement, and its answer.
type wireRow struct {
	name, old, new string
	code, field    string
}

// planted stands where a value must not come back, in the rows that can hold it.
const planted = "73918473"

func wireRows(p someone) []wireRow {
	fee := func(name, value, code string) wireRow {
		return wireRow{name, `"medfee_sumamt":"10.00"`, `"medfee_sumamt":` + value, code, "medfee_sumamt"}
	}
	wrongDigit := p.certno[:17] + map[bool]string{true: "1", false: "0"}[p.certno[17] == '0']
	return []wireRow{
		{"duplicate key", `"psn_no":`, `"opter":"` + planted + `","psn_no":`, "duplicate_field", "opter"},
		{"wrong case", `"psn_no"`, `"PSN_NO"`, "unknown_field", "PSN_NO"},
		{"long s", `"psn_no"`, `"pſn_no"`, "unknown_field", ""},
		{"unknown field", `"psn_no":`, `"surprise":"` + planted + `","psn_no":`, "unknown_field", "surprise"},
		{"escape in a key", `"psn_no"`, `"psn\u005fno"`, "bad_value|malformed|unknown_field", ""},
		{"trailing data", `"收费员"}`, `"收费员"}{"a":"` + planted + `"}`, "trailing_data", ""},
		{"bad UTF-8", `"收费员"`, "\"" + planted + "\xff\"", "bad_utf8", "opter_name"},
		{"overlong UTF-8", `"收费员"`, "\"" + planted + "\xc0\xaf\"", "bad_utf8", "opter_name"},
		{"lone surrogate", `"收费员"`, `"` + planted + `\ud800"`, "bad_utf8", "opter_name"},
		{"line feed in a text", `"收费员"`, `"` + planted + `\n"`, "bad_utf8", "opter_name"},
		{"depth 7 in an unknown field", `"psn_no":`, `"a":[[[[[[["` + planted + `"]]]]]]],"psn_no":`, "unknown_field", "a"},
		{"depth 7 in a known one", `"opter":"0001"`, `"opter":[[[[[[["` + planted + `"]]]]]]]`, "wrong_type", "opter"},
		{"depth 10,000", `"opter":"0001"`, `"opter":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "wrong_type", "opter"},
		fee("null", `null`, "null"), fee("exponent", `"1e1"`, "amount_malformed"), fee("exponent, a number", `1e1`, "wrong_type"), fee("number", `10.00`, "wrong_type"),
		fee("-0", `"-0"`, "amount_negative"), fee("-0, a number", `-0`, "wrong_type"), fee("-0.00", `"-0.00"`, "amount_negative"), fee("3 decimals", `"10.001"`, "amount_decimals"),
		fee("over 2^53, a number", `9007199254740993`, "wrong_type"), fee("over 2^63 fen", `"92233720368547758.08"`, "amount_too_large"), fee("over 2^64 fen", `"184467440737095516.26"`, "amount_too_large"),
		fee("over the limit", `"100000000000000.00"`, "amount_too_large"), fee("zero", `"0.00"`, "amount_zero"), fee("negative", `"-10.00"`, "amount_negative"), fee("full-width", `"１０.００"`, "amount_malformed"),
		fee("space before", `" 10.00"`, "amount_malformed"), fee("space behind", `"10.00 "`, "amount_malformed"), fee("plus", `"+10.00"`, "amount_malformed"), fee("comma", `"10,00"`, "amount_malformed"),
		fee("hex", `"0xa"`, "amount_malformed"), fee("leading zero", `"010.00"`, "amount_malformed"), fee("NaN", `NaN`, "malformed"), fee("a text", `"`+planted+`x"`, "amount_malformed"),
		{"wrong check digit", p.certno, wrongDigit, "bad_value", "mdtrt_cert_no"},
		{"no such date of birth", p.certno, p.certno[:10] + "1332" + p.certno[14:], "bad_value", "mdtrt_cert_no"},
		{"msgid of 31", `"msgid":"W1"`, `"msgid":"` + strings.Repeat(planted, 4) + `"`, "too_long", "msgid"},
		{"msgid with a space", `"msgid":"W1"`, `"msgid":"` + planted + ` 1"`, "bad_value", "msgid"},
		{"empty msgid", `"msgid":"W1"`, `"msgid":""`, "bad_value", "msgid"},
		{"a list", `{"msgid"`, `[{"msgid"`, "wrong_type", ""},
		{"byte order mark", `{"msgid"`, "\ufeff" + `{"msgid"`, "malformed", ""},
	}
}

// TestWireLedger (T19, reliability.md 4.3): the rows of the corpus that only the real handlers and a real ledger can answer; api has the others.
func TestWireLedger(t *testing.T) {
	l := proof.New("T19", "wire-ledger")
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "100.00")
	good := bill{msgid: "W1", code: shop, patient: p, medfee: "10.00", inscp: "10.00"}.body()
	rows := wireRows(p)
	sums, before := f.sums()
	taken, told := int64(0), int64(0)
	for _, row := range rows {
		body := strings.Replace(good, row.old, row.new, 1)
		if body == good {
			t.Fatalf("%s: %s is not in the body", row.name, row.old)
		}
		a := f.post("/v1/settlements", body)
		if a.status/100 == 2 {
			taken++
		}
		if strings.Contains(a.text, planted) || strings.Contains(a.text, p.certno[6:17]) {
			told++
		}
		if a.status != 400 || !strings.Contains("|"+row.code+"|", "|"+a.str("code")+"|") || a.str("field") != row.field || a.str("id_used") != "false" {
			t.Errorf("%s: %d %s, want 400 %s at %q", row.name, a.status, a.text, row.code, row.field)
		}
	}
	if after, now := f.sums(); after != sums || now != before {
		t.Errorf("the rows had an effect: sequence %d, was %d", now, before)
	}
	f.post("/v1/settlements", good).want(200, "balc", "90.00") // the id of all rows was free
	l.AtLeast("rows", int64(len(rows)), 40).Zero("accepted", taken).Zero("values-told", told).Print(t)
}

// TestWireStates (T19, reliability.md 4.3, P4, P24): the rows that speak of more than one request.
func TestWireStates(t *testing.T) {
	l := proof.New("T19", "wire-states")
	limiter, err := api.NewLimiter(1, 40)
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, setup{rest: Options{Institutions: limiter}})
	shop, other, p := f.institution("2"), f.institution("2"), f.newPerson(true)
	f.credit(p, "1000.00")
	next := func() bill {
		return bill{msgid: f.msgid(), code: shop, patient: p, medfee: "1.00", inscp: "1.00"}
	}
	rows := []struct {
		name string
		play func() (effects int64)
	}{
		{"same id, other content", func() int64 { return f.otherContent(next()) }},
		{"same id in flight", func() int64 { return f.inFlight(next()) }},
		{"another institution's object", func() int64 { return f.foreignObject(next(), other) }},
		{"pipelined", func() int64 { return f.pipelined(next(), next()) }},
		{"cut behind the request", func() int64 { return f.cutBehind(next()) }},
		{"clock halted", func() int64 { return f.halted(next()) }},
		{"rate", func() int64 { return f.overRate(other, p) }},
	}
	wrong := int64(0)
	for _, row := range rows {
		before, _ := f.sums()
		effects := row.play()
		after, _ := f.sums()
		if got := (before.Personal - after.Personal) / 100; got != effects || after.Sum() != 0 {
			wrong++
			t.Errorf("%s: %d bills of 1.00 were paid, want %d", row.name, got, effects)
		}
	}
	l.AtLeast("rows", int64(len(rows)), 7).Zero("wrong-effects", wrong).Print(t)
}

func (f *fixture) otherContent(b bill) int64 {
	f.post("/v1/settlements", b.body()).want(200)
	b.medfee, b.inscp = "2.00", "2.00"
	f.post("/v1/settlements", b.body()).want(409, "code", "id_reused", "id_used", "true")
	return 1
}

// inFlight sends one bill sixteen times at once: one answer for all, one of them the first.
func (f *fixture) inFlight(b bill) int64 {
	const copies = 16
	answers := make([]*answer, copies)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = f.post("/v1/settlements", b.body()) })
	}
	wg.Wait()
	first := 0
	for _, a := range answers {
		if !a.replayed {
			first++
		}
		if a.status != 200 || a.text != answers[0].text {
			f.t.Errorf("in flight: %d %s, another has %s", a.status, a.text, answers[0].text)
		}
	}
	if first != 1 {
		f.t.Errorf("%d of %d copies say they are the first", first, copies)
	}
	return 1
}

// foreignObject: to another institution a settlement is as one that is not there.
func (f *fixture) foreignObject(b bill, other string) int64 {
	id := f.post("/v1/settlements", b.body()).want(200).str("setl_id")
	unknown := idText(ids.Settlement, uint64(ledger.At(1, 0)))
	theirs := f.post("/v1/settlements/"+id+"/reversal", reversalBody(f.msgid(), other, b.patient)).want(404)
	nothing := f.post("/v1/settlements/"+unknown+"/reversal", reversalBody(f.msgid(), other, b.patient)).want(404)
	delete(theirs.json, "trace_id")
	delete(nothing.json, "trace_id")
	if fmt.Sprint(theirs.json) != fmt.Sprint(nothing.json) {
		f.t.Errorf("%v of another's settlement, %v of none", theirs.json, nothing.json)
	}
	f.get("/v1/settlements?fixmedins_code="+other+"&msgid="+b.msgid).want(200, "state", "never_seen", "setl_id", "")
	return 1
}

// raw writes requests on one connection.
func (f *fixture) raw(bodies ...string) *net.TCPConn {
	f.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(f.business, "http://"))
	if err != nil {
		f.t.Fatal(err)
	}
	var all strings.Builder
	for _, b := range bodies {
		fmt.Fprintf(&all, "POST /v1/settlements HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(b), b)
	}
	if _, err := io.WriteString(c, all.String()); err != nil {
		f.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// pipelined sends two bills and the first again: answers in order, one a request, none mixed.
func (f *fixture) pipelined(a, b bill) int64 {
	c := f.raw(a.body(), b.body(), a.body())
	defer c.Close()
	r := bufio.NewReader(c)
	var texts []string
	for range 3 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		text := readAll(f.t, resp)
		if resp.StatusCode != 200 {
			f.t.Errorf("pipelined: %d %s", resp.StatusCode, text)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[2] || texts[0] == texts[1] {
		f.t.Errorf("pipelined: %q", texts)
	}
	return 2
}

// cutBehind cuts the connection without waiting for an answer: asking for the id tells what became of it, and the same bill again is paid once.
func (f *fixture) cutBehind(b bill) int64 {
	c := f.raw(b.body())
	if err := c.SetLinger(0); err != nil {
		f.t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		f.t.Fatal(err)
	}
	asked := f.get("/v1/settlements?fixmedins_code=" + b.code + "&msgid=" + b.msgid)
	state := asked.want(200).str("state")
	if state != "settled" && state != "never_seen" {
		f.t.Errorf("asked for a cut one: %s", asked.text)
	}
	a := f.post("/v1/settlements", b.body()).want(200)
	if state == "settled" && !a.replayed {
		f.t.Error("known, and then settled anew")
	}
	return 1
}

// halted: nothing is taken while the clock stands, and the id is free.
func (f *fixture) halted(b bill) int64 {
	f.haltAfter(0)
	if a := f.post("/v1/settlements", b.body()).want(503, "code", "unavailable", "id_used", "false"); a.retry == "" {
		f.t.Error("503 without Retry-After")
	}
	if err := f.engine.ConfirmClock(); err != nil {
		f.t.Fatal(err)
	}
	if f.post("/v1/settlements", b.body()).want(200).replayed {
		f.t.Error("the id was used up")
	}
	return 1
}

// overRate sends bills of another institution until it is told to wait.
func (f *fixture) overRate(code string, p someone) (paid int64) {
	for {
		b := bill{msgid: f.msgid(), code: code, patient: p, medfee: "1.00", inscp: "1.00"}
		a := f.post("/v1/settlements", b.body())
		if a.status == 429 {
			if a.retry == "" || a.str("id_used") != "false" {
				f.t.Errorf("%s", a.text)
			}
			return paid
		}
		if a.want(200); paid > 90 {
			f.t.Fatal("no limit")
		}
		paid++
	}
}
