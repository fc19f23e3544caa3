package rest

import (
	"fmt"
	"slices"
	"testing"

	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

func reversalBody(msgid, code string, p someone) string {
	return fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"opter":"0001","reason":"退药"}`, msgid, code, p.psnNo)
}

func messageBody(msgid, code, original, kind string, p someone) string {
	return fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"original_msgid":%q,"original_kind":%q,"psn_no":%q}`, msgid, code, original, kind, p.psnNo)
}

func TestReversalByID(t *testing.T) {
	f := start(t, setup{})
	shop, father, son := f.institution("2"), f.newPerson(true), f.newPerson(true)
	f.credit(father, "50.00")
	f.credit(son, "30.00")
	f.bind(father, son, "")
	b := bill{msgid: f.msgid(), code: shop, patient: son, medfee: "60.00", inscp: "60.00"}
	id := f.post("/v1/settlements", b.body()).want(200, "acct_mulaid_pay", "30.00", "balc", "0.00").str("setl_id")
	path := "/v1/settlements/" + id + "/reversal"
	f.post(path, reversalBody(f.msgid(), shop, father)).want(422, "code", "wrong_person", "outcome", "504")
	f.post(path, reversalBody(f.msgid(), f.institution("2"), son)).want(404, "code", "unknown_settlement", "id_used", "true")
	first := f.msgid()
	a := f.post(path, reversalBody(first, shop, son)).
		want(200, "state", "reversed", "setl_id", id, "acct_pay", "60.00", "acct_mulaid_pay", "30.00", "balc", "30.00")
	again := f.post(path, reversalBody(first, shop, son))
	if !again.replayed || again.text != a.text {
		t.Errorf("repeat of the reversal: %t %s", again.replayed, again.text)
	}
	f.post(path, reversalBody(f.msgid(), shop, son)).want(422, "code", "already_reversed", "outcome", "501")
	f.post("/v1/reversals", messageBody(f.msgid(), shop, b.msgid, "settlement", son)).want(422, "code", "already_reversed")
	f.get("/v1/settlements/"+id).want(200, "state", "reversed", "reversal.reversal_id", a.str("reversal_id"))
	if repeat := f.post("/v1/settlements", b.body()).want(200, "setl_id", id, "balc", "0.00"); !repeat.replayed {
		t.Error("the settlement sent again after its reversal is not a repeat")
	}
	if x, y := f.balance(father), f.balance(son); x != "50.00" || y != "30.00" {
		t.Errorf("balances %s and %s, want 50.00 and 30.00", x, y)
	}
	f.post("/v1/settlements/"+idText(ids.Settlement, uint64(ledger.At(1, 0)))+"/reversal", reversalBody(f.msgid(), shop, son)).
		want(404, "code", "unknown_settlement", "outcome", "203")
	f.post("/v1/settlements/"+idText(ids.Settlement, 1<<64-1)+"/reversal", reversalBody(f.msgid(), shop, son)).want(404, "code", "not_found", "id_used", "false")
	f.post("/v1/settlements/S123/reversal", reversalBody(f.msgid(), shop, son)).want(404, "code", "not_found", "id_used", "false")
}

func TestReversalByMessage(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "50.00")
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}
	id := f.post("/v1/settlements", b.body()).want(200).str("setl_id")
	f.post("/v1/reversals", messageBody(f.msgid(), shop, b.msgid, "reversal", p)).want(422, "code", "wrong_original_kind")
	cancel := f.msgid()
	f.post("/v1/reversals", messageBody(cancel, shop, b.msgid, "settlement", p)).
		want(200, "state", "reversed", "setl_id", id, "acct_pay", "20.00", "balc", "50.00", "original_msgid", b.msgid)
	f.post("/v1/reversals", messageBody(f.msgid(), shop, cancel, "reversal", p)).want(422, "code", "cancel_final", "outcome", "506")
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid="+b.msgid).want(200, "state", "reversed")
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid="+cancel).want(200, "state", "blocked") // another call has this id

	refused := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "90.00", inscp: "90.00", more: `,"on_shortfall":"refuse"`}
	f.post("/v1/settlements", refused.body()).want(422, "code", "short_of_funds")
	f.post("/v1/reversals", messageBody(f.msgid(), shop, refused.msgid, "settlement", p)).want(200, "state", "nothing_to_undo")
}

// A reversal that overtakes its settlement blocks it for ever (P8).
func TestOvertaking(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "50.00")
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}
	first := messageBody(f.msgid(), shop, b.msgid, "settlement", p)
	a := f.post("/v1/reversals", first).want(200, "state", "blocked", "original_msgid", b.msgid)
	if again := f.post("/v1/reversals", first); !again.replayed || again.text != a.text {
		t.Errorf("repeat: %t %s", again.replayed, again.text)
	}
	for range 2 {
		f.post("/v1/settlements", b.body()).want(422, "code", "blocked", "outcome", "102", "field", "msgid")
	}
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid="+b.msgid).want(200, "state", "blocked")
	f.post("/v1/reversals", messageBody(f.msgid(), shop, b.msgid, "settlement", p)).want(422, "code", "already_reversed")
	if got := f.balance(p); got != "50.00" {
		t.Errorf("balance %s, want 50.00", got)
	}
}

// Open tombstones of an institution and day have a limit, before the log (R13); reversals of what exists pass.
func TestTombstoneLimit(t *testing.T) {
	f := start(t, setup{rest: Options{TombstonesMax: 2}})
	shop, other, p := f.institution("2"), f.institution("2"), f.newPerson(true)
	f.credit(p, "50.00")
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}
	f.post("/v1/settlements", b.body()).want(200)
	lost := f.msgid()
	f.post("/v1/reversals", messageBody(f.msgid(), shop, lost, "settlement", p)).want(200, "state", "blocked")
	repeat := messageBody(f.msgid(), shop, f.msgid(), "settlement", p)
	f.post("/v1/reversals", repeat).want(200, "state", "blocked")
	before := f.sequence()
	a := f.post("/v1/reversals", messageBody(f.msgid(), shop, f.msgid(), "settlement", p)).want(429, "code", "tombstone_limit", "id_used", "false")
	if a.retry == "" || f.sequence() != before {
		t.Errorf("Retry-After %q, sequence %d, want %d", a.retry, f.sequence(), before)
	}
	f.post("/v1/reversals", repeat).want(200, "state", "blocked")
	f.post("/v1/reversals", messageBody(f.msgid(), other, f.msgid(), "settlement", p)).want(200, "state", "blocked")
	f.post("/v1/reversals", messageBody(f.msgid(), shop, b.msgid, "settlement", p)).want(200, "state", "reversed")
}

// The count is the ledger's: it goes by ledger time, begins anew with a day, and a restart does not forget it.
func TestTombstoneDays(t *testing.T) {
	dir := t.TempDir()
	lost := func(f *fixture, shop string) *answer {
		return f.post("/v1/reversals", messageBody(f.msgid(), shop, f.msgid(), "settlement", someone{psnNo: "1"}))
	}
	with := setup{rest: Options{TombstonesMax: 2}, dir: dir}
	var shop string
	var serial int
	t.Run("first", func(t *testing.T) {
		f := start(t, with)
		shop = f.institution("2")
		for range 2 {
			lost(f, shop).want(200, "state", "blocked")
		}
		lost(f, shop).want(429, "code", "tombstone_limit", "id_used", "false")
		serial = f.serial
	})
	t.Run("restarted", func(t *testing.T) {
		f := start(t, with)
		f.serial = serial
		lost(f, shop).want(429, "code", "tombstone_limit")
		f.clock.ms.Add(24 * 3_600_000)
		if err := f.engine.Housekeep(); err != nil { // the ledger's day goes by its batches
			t.Fatal(err)
		}
		for range 2 {
			lost(f, shop).want(200, "state", "blocked")
		}
		lost(f, shop).want(429, "code", "tombstone_limit")
	})
}

// TestRedo (R11): where the profile lets cancels be undone, the settlement is settled again and says what happened; its payers' statements and the
// events call it a redo, and money goes out; a cancel that a redo overtook is blocked.
func TestRedo(t *testing.T) {
	policy := engine.Hubei
	policy.CancelReversible = 1
	f := start(t, setup{policy: policy})
	shop, father, son := f.institution("2"), f.newPerson(true), f.newPerson(true)
	f.credit(father, "50.00")
	f.credit(son, "30.00")
	f.bind(father, son, "")
	_, _, begun := f.feed("", "", "100")
	b := bill{msgid: f.msgid(), code: shop, patient: son, medfee: "60.00", inscp: "60.00"}
	id := f.post("/v1/settlements", b.body()).want(200).str("setl_id")
	f.get("/v1/settlements/"+id).want(200, "state", "settled", "history.0.state", "")
	cancel := f.msgid()
	undone := f.post("/v1/settlements/"+id+"/reversal", reversalBody(cancel, shop, son)).want(200, "state", "reversed").str("reversal_id")
	body := messageBody(f.msgid(), shop, cancel, "reversal", son)
	a := f.post("/v1/reversals", body).want(200, "state", "settled", "setl_id", id, "acct_pay", "60.00", "acct_mulaid_pay", "30.00", "balc", "0.00", "original_msgid", cancel)
	if again := f.post("/v1/reversals", body); !again.replayed || again.text != a.text {
		t.Errorf("repeat: %t %s", again.replayed, again.text)
	}
	redone := a.str("reversal_id")
	for _, path := range []string{"/v1/settlements/" + id, "/v1/settlements?fixmedins_code=" + shop + "&msgid=" + b.msgid} {
		f.get(path).want(200, "state", "settled", "setl_id", id, "reversal.reversal_id", "", "history.0.reversal_id", undone, "history.0.state", "reversed",
			"history.1.reversal_id", redone, "history.1.state", "settled", "history.2.state", "")
	}
	f.get("/v1/settlements?fixmedins_code="+shop+"&msgid="+cancel).want(200, "state", "blocked", "history.0.state", "")
	f.get("/v1/persons/"+father.psnNo+"/statement").want(200, "postings.0.kind", "redo", "postings.0.amount", "-30.00", "postings.0.balance_after", "20.00",
		"postings.1.kind", "reversal", "postings.1.amount", "30.00")
	f.get("/v1/persons/"+son.psnNo+"/statement").want(200, "postings.0.kind", "redo", "postings.0.reversal_id", redone, "postings.0.setl_id", id, "postings.0.amount", "-30.00")
	f.post("/v1/reversals", messageBody(f.msgid(), shop, cancel, "reversal", son)).want(422, "code", "already_reversed")

	again := f.msgid()
	last := f.post("/v1/reversals", messageBody(again, shop, b.msgid, "settlement", son)).want(200, "state", "reversed", "setl_id", id).str("reversal_id")
	f.get("/v1/settlements/"+id).want(200, "state", "reversed", "reversal.reversal_id", last, "history.2.reversal_id", last, "history.3.state", "")
	if kinds, _, _ := f.feed("", begun, "100"); !slices.Equal(kinds, []string{"settlement", "reversal", "redo", "reversal"}) {
		t.Errorf("events: %v", kinds)
	}
	f.getAdmin("/v1/events?kinds=redo").want(200, "events.0.reversal_id", redone, "events.0.setl_id", id, "events.0.payers.1.psn_no", father.psnNo, "events.1.kind", "")
	if kinds, _, _ := f.feed("&kinds=reversal", begun, "100"); len(kinds) != 2 {
		t.Errorf("reversals: %v", kinds)
	}

	f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: son, medfee: "1.00", inscp: "1.00"}.body()).want(200) // the son spends
	f.post("/v1/reversals", messageBody(f.msgid(), shop, again, "reversal", son)).want(422, "code", "short_of_funds")
	early := f.msgid()
	f.post("/v1/reversals", messageBody(f.msgid(), shop, early, "reversal", son)).want(200, "state", "blocked")
	f.post("/v1/reversals", messageBody(early, shop, b.msgid, "settlement", son)).want(422, "code", "blocked", "field", "msgid")
}
