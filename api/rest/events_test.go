package rest

import (
	"slices"
	"strings"
	"testing"

	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// feed reads the kinds and ids of all events behind a place, in answers of limit.
func (f *fixture) feed(query, next string, limit string) (kinds, idTexts []string, end string) {
	f.t.Helper()
	for more := "true"; more == "true"; {
		path := "/v1/events?limit=" + limit + query
		if next != "" {
			path += "&after=" + next
		}
		a := f.getAdmin(path).want(200)
		for _, e := range a.json["events"].([]any) {
			m := e.(map[string]any)
			kinds, idTexts = append(kinds, m["kind"].(string)), append(idTexts, m["id"].(string))
		}
		next, more = a.str("next"), a.str("more")
	}
	return kinds, idTexts, next
}

// TestEvents (R28): what was accepted comes in the order of the log, once, with the people concerned by psn_no only, and can be resumed anywhere.
func TestEvents(t *testing.T) {
	policy := engine.Hubei
	policy.MinBindMonths = 0
	log := &logBuffer{}
	f := start(t, setup{policy: policy, log: log})
	kinds, _, begun := f.feed("", "", "100")
	if len(kinds) < engine.DayKeysAhead+2 || kinds[0] != "policy" || kinds[1] != "day_key" {
		t.Errorf("a new ledger's events: %v", kinds)
	}
	shop, father, son := f.institution("2"), f.newPerson(true), f.newPerson(true)
	f.credit(father, "50.00")
	f.credit(son, "5.00")
	binding := f.bind(father, son, "")
	id := f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: son, medfee: "20.00", inscp: "20.00"}.body()).want(200).str("setl_id")
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: son, medfee: "99.00", inscp: "99.00", more: `,"on_shortfall":"refuse"`}.body()).want(422)
	undone := f.post("/v1/settlements/"+id+"/reversal", `{"msgid":"`+f.msgid()+`","fixmedins_code":"`+shop+`","psn_no":"`+son.psnNo+`","opter":"0001","reason":"x"}`).
		want(200).str("reversal_id")
	f.post("/v1/reversals", `{"msgid":"`+f.msgid()+`","fixmedins_code":"`+shop+`","original_msgid":"never","original_kind":"settlement","psn_no":"`+son.psnNo+`"}`).want(200) // a tombstone moves nothing
	for range 2 {                                                                                                                                                             // the second ends nothing
		f.post("/v1/unbindings", `{"msgid":"`+f.msgid()+`","channel":"wechat","authorizer_psn_no":"`+father.psnNo+`","binding_ids":["`+binding+`"]}`).want(200)
	}
	a := f.getAdmin("/v1/events?after="+begun).want(200, "more", "false",
		"events.0.kind", "institution", "events.0.fixmedins_code", shop,
		"events.1.kind", "person", "events.1.psn_no", father.psnNo,
		"events.3.kind", "credit", "events.3.psn_no", father.psnNo, "events.3.amount", "50.00", "events.3.source", "opening",
		"events.5.kind", "binding", "events.5.binding_id", binding, "events.5.authorizer_psn_no", father.psnNo, "events.5.user_psn_no", son.psnNo,
		"events.6.kind", "settlement", "events.6.psn_no", son.psnNo, "events.6.setl_id", id, "events.6.acct_pay", "20.00", "events.6.acct_mulaid_pay", "15.00",
		"events.6.payers.0.psn_no", son.psnNo, "events.6.payers.0.amount", "5.00", "events.6.payers.1.psn_no", father.psnNo, "events.6.payers.1.amount", "15.00",
		"events.7.kind", "reversal", "events.7.reversal_id", undone, "events.7.setl_id", id, "events.7.payers.1.amount", "15.00",
		"events.8.kind", "unbinding", "events.8.bindings.0.binding_id", binding, "events.8.bindings.0.user_psn_no", son.psnNo, "events.9.kind", "")
	a.lacks("a feed", father.certno, son.certno, "王小明", "收费员", "示范药店")
	if !strings.Contains(log.String(), `"route":"events"`) || strings.Contains(log.String(), son.psnNo) {
		t.Errorf("log: %s", log)
	}
	whole, wholeIDs, end := f.feed("", "", "500")
	for _, limit := range []string{"1", "2", "7"} {
		if _, got, at := f.feed("", "", limit); !slices.Equal(got, wholeIDs) || at != end {
			t.Errorf("in pieces of %s: %v to %s, want %v to %s", limit, got, at, wholeIDs, end)
		}
	}
	if got, _, _ := f.feed("&kinds=reversal,settlement", "", "1"); !slices.Equal(got, []string{"settlement", "reversal"}) {
		t.Errorf("two kinds: %v", got)
	}
	if !slices.IsSorted(wholeIDs) || len(whole) != len(kinds)+9 {
		t.Errorf("%d events, %d before: %v", len(whole), len(kinds), wholeIDs)
	}
	f.getAdmin("/v1/events?after="+end).want(200, "events.0.kind", "", "next", end, "more", "false")
	f.credit(son, "1.00")
	f.getAdmin("/v1/events?after="+end).want(200, "events.0.kind", "credit", "events.1.kind", "")
	f.nextDay()
	published := f.getAdmin("/v1/events?kinds=day_key_published").want(200, "events.0.day", "2026-03-10", "events.1.kind", "")
	if len(published.str("events.0.key")) != 64 {
		t.Errorf("published key: %s", published.text)
	}
	f.get("/v1/events").want(404, "code", "not_found") // marked A (R31)
	f.getAdmin("/v1/events?after=x").want(400, "code", "bad_value", "field", "after")
	f.getAdmin("/v1/events?kinds=settlement,tick").want(400, "code", "bad_value", "field", "kinds")
	f.getAdmin("/v1/events?kinds=").want(400, "code", "bad_value", "field", "kinds")
	for _, limit := range []string{"0", "501", "-1", "x"} {
		f.getAdmin("/v1/events?limit="+limit).want(400, "code", "bad_value", "field", "limit")
	}
}

// TestEventsInsideBatch: a page may end in the middle of a batch of the log.
func TestEventsInsideBatch(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	f.credit(p, "100.00")
	var lines []string
	for range 20 {
		lines = append(lines, bill{msgid: f.msgid(), code: shop, patient: p, medfee: "1.00", inscp: "1.00"}.body())
	}
	f.send("POST", f.business+"/v1/settlements/batch", mediaNDJSON, strings.Join(lines, "\n")).want(200)
	kinds, got, _ := f.feed("&kinds=settlement", "", "3")
	inside := 0
	for i := range got {
		n, err := ids.ParseEntry(got[i])
		if err != nil {
			t.Fatal(err)
		}
		if ledger.Position(n).Index() > 0 {
			inside++
		}
	}
	if len(kinds) != 20 || inside == 0 || !slices.IsSorted(got) || len(slices.Compact(got)) != 20 {
		t.Errorf("%d settlements, %d not first in their batch: %v", len(kinds), inside, got)
	}
}

// TestEventKinds: every command of the ledger is told under a name, or is known to mean nothing outside.
func TestEventKinds(t *testing.T) {
	silent := map[ledger.Kind]bool{ledger.KindGenesis: true, ledger.KindTick: true}
	for k := ledger.Kind(1); k <= ledger.KindLast; k++ {
		if (eventNames[k] != "") == (silent[k] || !k.IsKnown()) {
			t.Errorf("command kind %d: name %q, silent %v", k, eventNames[k], silent[k])
		}
	}
}

// TestMovedBy: R24, R28: what passes through a dissolved family's account is its creator's only, and who gives twice is told once.
func TestMovedBy(t *testing.T) {
	own, family := ledger.Account(ledger.KindPersonal, 1), ledger.Account(ledger.KindFamily, 0)
	legs := []ledger.Leg{{Account: own, Amount: -9}, {Account: own, Amount: -3}, {Account: family, Amount: 3}, {Account: family, Amount: -3}}
	for i, want := range []int64{-12, 0, 0, 0} {
		if got := movedBy(legs, i); got != want {
			t.Errorf("leg %d: %d, want %d", i, got, want)
		}
	}
}
