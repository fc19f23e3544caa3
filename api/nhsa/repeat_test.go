package nhsa

import (
	"fmt"
	"strings"
	"testing"

	"gongji/api/nhsa/catalogue"
)

// switched is a catalogue that a test changes under way.
type switched struct{ now Classifier }

func (s *switched) Version() string                            { return s.now.Version() }
func (s *switched) Classify(l *catalogue.Line) catalogue.Parts { return s.now.Classify(l) }

// R10: the same content under the same id gives the first answer, figure by figure, whatever was typed differently beside it; other content is told
// to take a new id, and nothing of the first is shown.
func TestRepeat(t *testing.T) {
	lists := &switched{catalogue.MustDemo()}
	f := start(t, setup{opt: Options{Classifier: lists}})
	f.shop()
	p, other := f.newPerson(true), f.newPerson(true)
	f.credit(p, "1000.00")
	f.card(p, "C0001", "SN01")
	b := bought{who: p, total: "75.00", lines: threeLines}
	msgid := f.msgid()
	first := f.settle(msgid, b).ok("setlinfo.acct_pay", "62.20", "setlinfo.balc", "937.80")
	same := func(what string, a *answer) {
		t.Helper()
		for _, n := range purchaseSettle.output {
			if got, want := fmt.Sprint(a.at("output."+n.name)), fmt.Sprint(first.at("output."+n.name)); got != want {
				t.Errorf("%s: %s is %s, was %s", what, n.name, got, want)
			}
		}
		if a.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: not marked as a repeat", what)
		}
	}
	same("the same", f.settle(msgid, b).ok())
	body := sent{infno: "2102", msgid: msgid, input: b.input(), with: map[string]string{"opter": `"0002"`, "opter_name": `"夜班"`, "sign_no": `"1090"`, "inf_time": `"2026-03-11 00:00:01"`,
		"cainfo": `"abc"`, "dev_no": `"7"`}}.body()
	same("another operator", f.send(pathSettle, body).ok())
	card := b
	card.certType, card.certNo, card.cardSN = "03", "C0001", "SN01"
	a := f.settle(msgid, card).ok("setlinfo.setl_id", first.str("output.setlinfo.setl_id"), "setlinfo.balc", "937.80")
	if a.str("output.setlinfo.mdtrt_cert_type") != "03" {
		t.Error("echoes the credential that was shown")
	}
	text := strings.NewReplacer(`"cnt":2,`, `"cnt":"2.0000",`, `"pric":12.5,`, `"pric":"12.500",`, `"medfee_sumamt":75.00`, `"medfee_sumamt":"75"`).Replace(b.input())
	if text == b.input() {
		t.Fatal("nothing was written differently")
	}
	same("numbers as text", f.send(pathCall, sent{infno: "2102", msgid: msgid, input: text}.body()).ok())

	// A new catalogue: other parts today, but the answer of then.
	lists.now = noCatalogue{}
	same("under another catalogue", f.settle(msgid, b).ok())
	lists.now = catalogue.MustDemo()

	// Other content: each of them with the same sum, so that only what was sent differs.
	more := func(change func(*bought)) bought {
		c := b
		c.lines = append([]line(nil), b.lines...)
		change(&c)
		return c
	}
	for what, c := range map[string]bought{
		"another code":     more(func(c *bought) { c.lines[2].code = "UNKNOWN0002" }),
		"another count":    more(func(c *bought) { c.lines[2].count, c.lines[2].price = "2", "5" }),
		"another amount":   more(func(c *bought) { c.total, c.lines[2].price, c.lines[2].amount = "76.00", "11", "11.00" }),
		"other care":       more(func(c *bought) { c.care = "14" }),
		"another flag":     more(func(c *bought) { c.used = "2" }),
		"other insurance":  more(func(c *bought) { c.insutype = "390" }),
		"another patient":  more(func(c *bought) { c.who = other }),
		"one line missing": more(func(c *bought) { c.total, c.lines = "65.00", c.lines[:2] }),
	} {
		t.Run(what, func(t *testing.T) {
			a := f.settle(msgid, c).refused("id_reused", "msgid")
			for _, secret := range []string{"62.20", "937.80", first.str("output.setlinfo.setl_id"), p.certno, p.psnNo} {
				if strings.Contains(a.text, secret) {
					t.Errorf("shows %s of the first: %s", secret, a.text)
				}
			}
			if !strings.Contains(a.text, "更换新的msgid") {
				t.Error(a.text)
			}
		})
	}
	if f.balance(p) != "937.80" {
		t.Errorf("%s left", f.balance(p))
	}
	// The id is the institution's: another one may use the same text.
	f.institution("P42010000002", "2")
	c := f.send(pathCall, sent{infno: "2102", msgid: msgid, code: "P42010000002", input: b.input()}.body()).ok()
	if c.str("output.setlinfo.setl_id") == first.str("output.setlinfo.setl_id") {
		t.Error("two institutions share an id")
	}
}

// R10: both faces have the same keys and ids.
func TestFacesMeet(t *testing.T) {
	f := start(t, setup{noCalc: true})
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "100.00")
	b := bought{who: p, total: "10.00", lines: []line{{"1", "X", "1", "10", "10"}}}
	v1 := func(msgid, medfee string) *answer {
		return f.v1(f.business, "/v1/settlements", "application/json", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"mdtrt_cert_type":"02","mdtrt_cert_no":%q,`+
			`"med_type":"41","insutype":"310","medfee_sumamt":%q,"fund_pay_sumamt":"0.00","preselfpay_amt":"0.00","inscp_scp_amt":"0.00","overlmt_selfpay":"0.00","fulamt_ownpay_amt":%q,`+
			`"opter":"1","opter_name":"甲"}`, msgid, shopCode, p.psnNo, p.certno, medfee, medfee))
	}
	one, two := f.msgid(), f.msgid()
	a := f.settle(one, b).ok()
	if c := v1(one, "10.00"); c.str("setl_id") != a.str("output.setlinfo.setl_id") || c.str("clr_type") != a.str("output.setlinfo.clr_type") {
		t.Errorf("2102 said %s, /v1 says %s", a.text, c.text)
	}
	if c := v1(one, "11.00"); c.status != 409 {
		t.Errorf("/v1 with other content: %d", c.status)
	}
	c := v1(two, "10.00")
	if d := f.settle(two, b).ok(); c.status != 200 || d.str("output.setlinfo.setl_id") != c.str("setl_id") {
		t.Errorf("/v1 said %s, 2102 says %s", c.text, d.text)
	}
	// A settlement of /v1, bought by an agent, is seen and cancelled over this face.
	agent := f.v1(f.business, "/v1/settlements", "application/json", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"mdtrt_cert_type":"02","mdtrt_cert_no":%q,"med_type":"41","insutype":"310",`+
		`"medfee_sumamt":"30.00","fund_pay_sumamt":"10.00","preselfpay_amt":"0.00","inscp_scp_amt":"30.00","overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00","opter":"1","opter_name":"甲","dev_no":"7",`+
		`"agent":{"cert_type":"01","certno":%q,"name":"代办人","relation":"2","principal_doc_shown":true}}`, f.msgid(), shopCode, p.psnNo, p.certno, certnoOf(777)))
	setl := agent.str("setl_id")
	at, ok := settlementAt([]byte(setl))
	if !ok {
		t.Fatal(agent.text)
	}
	visit := purchaseID(at)
	f.send(pathCall, sent{infno: "5203", msgid: f.msgid(), input: fmt.Sprintf(`{"data":{"psn_no":%q,"setl_id":%q,"mdtrt_id":%q}}`, p.psnNo, setl, visit[:])}.body()).
		ok("setlinfo.acct_pay", "20.00", "setlinfo.fund_pay_sumamt", "10.00", "setlinfo.opter_name", "甲", "setldetail.0.fund_pay_type", "310100", "setldetail.1.fund_payamt", "20.00")
	f.cancel(f.msgid(), setl, string(visit[:]), p).ok("setlinfo.acct_pay", "20.00", "setlinfo.fund_pay_sumamt", "10.00", "setlinfo.balc", "100.00")
	// Nobody sees or cancels another institution's settlement.
	f.institution("P42010000002", "2")
	other := sent{infno: "5203", msgid: f.msgid(), code: "P42010000002", input: fmt.Sprintf(`{"data":{"psn_no":%q,"setl_id":%q,"mdtrt_id":%q}}`, p.psnNo, setl, visit[:])}
	f.send(pathCall, other.body()).refused("not_found", "data.setl_id")
	mine, id := f.settle(f.msgid(), b).ok(), f.msgid()
	theirs := sent{infno: "2103", msgid: id, code: "P42010000002", input: fmt.Sprintf(`{"data":{"psn_no":%q,"setl_id":%q,"mdtrt_id":%q}}`, p.psnNo, mine.str("output.setlinfo.setl_id"), mine.str("output.setlinfo.mdtrt_id"))}
	f.send(pathCall, theirs.body()).refused("unknown_settlement", "data.setl_id")
	f.cancel(f.msgid(), setl, mine.str("output.setlinfo.mdtrt_id"), p).refused("not_found", "data.mdtrt_id")

	// What 2601 blocks, /v1 cannot settle, and the other way round.
	three, four := f.msgid(), f.msgid()
	f.reverse(f.msgid(), three, "2102", p).ok()
	if c := v1(three, "10.00"); c.str("code") != "blocked" {
		t.Errorf("a blocked message over /v1: %s", c.text)
	}
	f.v1(f.business, "/v1/reversals", "application/json", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"original_msgid":%q,"original_kind":"settlement","psn_no":%q}`, f.msgid(), shopCode, four, p.psnNo))
	f.settle(four, b).refused("blocked", "msgid")
}

// R9, R11, R12, P8: 2601 before, after and twice; wrong person, wrong infno, another institution's message.
func TestReverse(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	f.institution("P42010000002", "2")
	p, stranger := f.newPerson(true), f.newPerson(true)
	f.credit(p, "100.00")
	b := bought{who: p, total: "75.00", lines: threeLines}
	late, done := f.msgid(), f.msgid()

	first := f.msgid()
	f.reverse(first, late, "2102", p).ok()
	f.reverse(first, late, "2102", p).ok()
	f.settle(late, b).refused("blocked", "msgid")
	f.reverse(f.msgid(), late, "2102", p).refused("already_reversed", "data.omsgid")

	f.settle(done, b).ok("setlinfo.balc", "37.80")
	f.reverse(f.msgid(), done, "2103", p).refused("wrong_original_kind", "data.oinfno")
	f.reverse(f.msgid(), done, "2207", p).refused("wrong_original_kind", "data.oinfno")
	f.reverse(f.msgid(), done, "2102", stranger).refused("wrong_person", "data.psn_no")
	foreign := sent{infno: "2601", msgid: f.msgid(), code: "P42010000002", input: fmt.Sprintf(`{"data":{"psn_no":%q,"omsgid":%q,"oinfno":"2102"}}`, p.psnNo, done)}
	f.send(pathReverse, foreign.body()).refused("wrong_institution", "data.omsgid")
	if f.balance(p) != "37.80" {
		t.Errorf("%s left after refusals", f.balance(p))
	}
	undo := f.msgid()
	a := f.reverse(undo, done, "2102", p).ok()
	if len(a.at("output").(map[string]any)) != 0 {
		t.Errorf("2601 has no output: %s", a.text)
	}
	f.reverse(undo, done, "2102", p).ok()
	f.reverse(f.msgid(), done, "2102", p).refused("already_reversed", "data.omsgid")
	if f.balance(p) != "100.00" {
		t.Errorf("%s left", f.balance(p))
	}

	// A cancel: not arrived, it is blocked and the settlement stands; executed, it is final here (R11).
	third, cancelLate, cancelDone := f.msgid(), f.msgid(), f.msgid()
	s := f.settle(third, b).ok()
	setl, visit := s.str("output.setlinfo.setl_id"), s.str("output.setlinfo.mdtrt_id")
	f.reverse(f.msgid(), cancelLate, "2103", p).ok()
	f.cancel(cancelLate, setl, visit, p).refused("id_reused", "msgid")
	f.cancel(cancelDone, setl, visit, p).ok()
	f.reverse(f.msgid(), cancelDone, "2103", p).refused("cancel_final", "data.omsgid")
	// A refused settlement leaves nothing to undo.
	refusedID := f.msgid()
	wrong := b
	wrong.certNo, wrong.who = stranger.certno, someone{p.psnNo, stranger.certno}
	f.settle(refusedID, wrong).refused("wrong_credential", "druginfo.mdtrt_cert_no")
	f.settle(refusedID, wrong).refused("wrong_credential", "druginfo.mdtrt_cert_no")
	f.reverse(f.msgid(), refusedID, "2102", p).ok()
}

// R13: open tombstones of an institution and day are bounded; what is known can always be undone.
func TestTombstones(t *testing.T) {
	f := start(t, setup{opt: Options{TombstonesMax: 2}})
	f.shop()
	p := f.newPerson(true)
	done := f.msgid()
	f.settle(done, bought{who: p, total: "75.00", lines: threeLines}).ok()
	for range 2 {
		f.reverse(f.msgid(), f.msgid(), "2102", p).ok()
	}
	f.reverse(f.msgid(), f.msgid(), "2102", p).refused("tombstone_limit", "")
	f.reverse(f.msgid(), done, "2102", p).ok()
}
