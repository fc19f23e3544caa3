package rest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gongji/engine"
)

// turn is a server that goes through all shipped profiles.
type turn struct {
	*fixture
	hospital                                             string
	patient, child, father, grandfather, creator, member someone
	byFather, byGrandfather, settlement, premium         string // what hubei leaves behind
}

// TestProfilesInTurn: one running server takes all shipped profiles one after the other, by commands that name the day from when they hold; each is seen by
// its own rules (hubei D2, U2, M6; hubei-narrow B3; gansu R24, C10, K9; ordered R22, D4), the family's money is dissolved before its profile is left, and what was paid under one is
// given back under another. Then the log alone gives the same: verified from zero, and replayed into an empty state directory (R10, R25, design.md 6).
func TestProfilesInTurn(t *testing.T) {
	dir, opening := t.TempDir(), engine.Hubei
	copy(opening.Name[:], "opening") // so that hubei too comes by a command with its text
	f := &turn{fixture: start(t, setup{dir: dir, policy: opening})}
	f.people()
	f.until("2026-03-11", "hubei")
	f.hubei()
	f.until("2026-03-14", "hubei-narrow")
	f.narrow()
	f.until("2026-03-17", "gansu")
	f.gansu()
	f.until("2026-03-20", "ordered")
	f.ordered()
	if err := f.engine.Housekeep(); err != nil { // so that a start finds nothing to do
		t.Fatal(err)
	}
	live, err := f.engine.Totals(10*time.Second, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.engine.Close(); err != nil {
		t.Fatal(err)
	}
	o := engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Clock: f.clock, HousekeepingInterval: -1, Fatal: func(err error) { t.Errorf("engine: %v", err) }}
	v, err := engine.Verify(engine.VerifyOptions{Dir: o.Dir, KeyFile: o.KeyFile, Scratch: t.TempDir()})
	if err != nil || v.Batches != live.Sequence || v.EffectChain != live.EffectChain || v.StateHash != live.StateHash || v.Totals != live.Sums {
		t.Fatalf("verified %d batches %x %x %+v (%v), live %d %x %x %+v", v.Batches, v.EffectChain, v.StateHash, v.Totals, err,
			live.Sequence, live.EffectChain, live.StateHash, live.Sums)
	}
	if err := os.RemoveAll(filepath.Join(o.Dir, "state")); err != nil {
		t.Fatal(err)
	}
	var replayed any
	o.Report = func(event string, values map[string]any) {
		if event == "recovered" {
			replayed = values["checkpoint_sequence"]
		}
	}
	e, err := engine.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Totals(10*time.Second, 0)
	if err != nil || again != live || replayed != uint64(0) {
		t.Errorf("replayed from %v: %+v (%v), live %+v", replayed, again, err, live)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func (f *turn) people() {
	f.hospital = f.institution("1")
	f.patient, f.child, f.father, f.grandfather = f.newPerson(true), f.newPerson(false), f.newPerson(true), f.newPerson(true)
	f.creator, f.member = f.newPerson(true), f.newPerson(false)
	f.credit(f.patient, "20.00")
	f.credit(f.father, "1000.00")
	f.credit(f.grandfather, "1000.00")
	f.credit(f.creator, "500.00")
}

// until activates a shipped profile from a day on, goes to that day's noon in steps of a day and looks that it holds then and not before.
func (f *turn) until(day, name string) {
	f.t.Helper()
	number := f.activate("?at="+day, profileText(f.t, name)).want(201, "name", name, "effective_from", day+"T00:00:00.000+08:00").str("number")
	goal, err := time.ParseInLocation(time.DateOnly, day, time.FixedZone("", 8*3600))
	if err != nil {
		f.t.Fatal(err)
	}
	for f.clock.ms.Load() < goal.UnixMilli() {
		f.getAdmin("/v1/policies/"+number).want(200, "in_force", "false")
		f.nextDay()
	}
	f.getAdmin("/v1/policies/"+number).want(200, "in_force", "true", "name", name)
}

func (f *turn) related(authorizer, user someone, relation string) string {
	return strings.Replace(bindBody(f.msgid(), authorizer, user, ""), `"relation":"5"`, fmt.Sprintf(`"relation":%q`, relation), 1)
}

func (f *turn) settle(patient someone, amount string) *answer {
	f.t.Helper()
	return f.post("/v1/settlements", bill{msgid: f.msgid(), code: f.hospital, patient: patient, medfee: amount, inscp: amount}.body())
}

func (f *turn) unbind(channel string, authorizer someone, binding string) *answer {
	f.t.Helper()
	return f.post("/v1/unbindings", fmt.Sprintf(`{"msgid":%q,"channel":%q,"authorizer_psn_no":%q,"binding_ids":[%q]}`, f.msgid(), channel, authorizer.psnNo, binding))
}

// hubei: six relations, a draw, premiums, three months before an unbinding, no families.
func (f *turn) hubei() {
	f.byFather = f.post("/v1/bindings", f.related(f.father, f.patient, "2")).want(200, "state", "active").str("binding_id")
	f.byGrandfather = f.post("/v1/bindings", f.related(f.grandfather, f.patient, "4")).want(200, "state", "active").str("binding_id")
	f.post("/v1/bindings", f.related(f.father, f.child, "2")).want(200, "state", "active")
	f.settlement = f.settle(f.patient, "2020.00").want(200, "acct_pay", "2020.00", "acct_mulaid_pay", "2000.00", "psn_cash_pay", "0.00").str("setl_id")
	f.get("/v1/settlements/"+f.settlement+"/draw").want(200, "day", "2026-03-11")
	f.credit(f.father, "1000.00")
	f.premium = f.post("/v1/premiums", premiumBody(f.msgid(), f.father, f.child, "2026", "400.00")).want(200, "state", "paid").str("premium_id")
	f.unbind("wechat", f.father, f.byFather).want(200, "results.0.result", "locked", "results.0.unbindable_from", "2026-06-11")
	f.family("wechat", f.creator).want(422, "code", "not_allowed")
	f.post("/v1/bindings", gansuBody(f.msgid(), f.father, f.member)).want(422, "code", "channel_not_allowed")
}

// narrow: three relations; whoever is bound in another is suspended, and of two candidates one is left.
func (f *turn) narrow() {
	if p := f.checked(f.settlement, ""); len(p.Candidates) != 2 || len(p.Paid) != 2 { // its day is over, its key is told
		f.t.Errorf("%d candidates, %d paid", len(p.Candidates), len(p.Paid))
	}
	f.credit(f.grandfather, "300.00")
	f.post("/v1/bindings", f.related(f.grandfather, f.child, "4")).want(422, "code", "relation_not_allowed")
	f.get("/v1/bindings/"+f.byGrandfather).want(200, "state", "suspended")
	f.get("/v1/bindings/"+f.byFather).want(200, "state", "active")
	f.settle(f.patient, "5000.00").want(200, "acct_mulaid_pay", "600.00", "acct_pay", "600.00", "psn_cash_pay", "4400.00")
	if f.balance(f.grandfather) != "300.00" || f.balance(f.father) != "0.00" {
		f.t.Errorf("grandfather holds %s, father %s", f.balance(f.grandfather), f.balance(f.father))
	}
}

func (f *turn) family(channel string, creator someone) *answer {
	f.t.Helper()
	return f.post("/v1/families", fmt.Sprintf(`{"msgid":%q,"channel":%q,"psn_no":%q}`, f.msgid(), channel, creator.psnNo))
}

// gansu: money of a family and nobody else's, invitation and face, no draw, no premiums; and no other profile while a family holds money.
func (f *turn) gansu() {
	f.credit(f.father, "100.00")
	f.settle(f.patient, "10.00").want(200, "acct_pay", "0.00", "psn_cash_pay", "10.00") // authorizers do not lend here
	f.post("/v1/premiums", strings.Replace(premiumBody(f.msgid(), f.father, f.child, "2027", "50.00"), "wechat", "gansu_app", 1)).want(422, "code", "premium_not_allowed")
	family := f.family("gansu_app", f.creator).want(200).str("family_id")
	binding := f.post("/v1/bindings", gansuBody(f.msgid(), f.creator, f.member)).want(200, "state", "invited").str("binding_id")
	accept := func(more string) *answer {
		return f.post("/v1/bindings/"+binding+"/consent", fmt.Sprintf(`{"msgid":%q,"decision":"accept"%s}`, f.msgid(), more))
	}
	accept("").want(422, "code", "face_missing")
	accept(`,"face_passed":true`).want(200, "state", "active")
	f.post("/v1/allocations", fmt.Sprintf(`{"msgid":%q,"channel":"gansu_app","psn_no":%q,"amount":"300.00"}`, f.msgid(), f.creator.psnNo)).want(200, "family_id", family)
	paid := f.settle(f.member, "120.00").want(200, "acct_mulaid_pay", "120.00").str("setl_id")
	f.get("/v1/settlements/" + paid + "/draw").want(404)
	f.get("/v1/families/"+family).want(200, "balc", "180.00")
	f.activate("?at=2026-03-20", profileText(f.t, "ordered")).want(422, "code", "family_money")
	f.post("/v1/families/"+family+"/dissolution", fmt.Sprintf(`{"msgid":%q,"channel":"gansu_app"}`, f.msgid())).want(200)
	if got := f.balance(f.creator); got != "380.00" {
		f.t.Errorf("the creator holds %s", got)
	}
}

// ordered: the patient's order and no draw, no lock; and what the other profiles left can be undone.
func (f *turn) ordered() {
	f.get("/v1/bindings/"+f.byGrandfather).want(200, "state", "active") // suspended under two profiles, not ended
	order := f.send("PUT", f.business+"/v1/persons/"+f.patient.psnNo+"/debit-order", "application/json",
		fmt.Sprintf(`{"msgid":%q,"order":[%q,%q]}`, f.msgid(), f.byGrandfather, f.byFather))
	order.want(200, "order.0", f.byGrandfather)
	paid := f.settle(f.patient, "310.00").want(200, "acct_mulaid_pay", "310.00").str("setl_id")
	f.get("/v1/settlements/" + paid + "/draw").want(404)
	f.getAdmin("/v1/settlements/"+paid).want(200, "payers.0.psn_no", f.grandfather.psnNo, "payers.0.amount", "300.00", "payers.1.psn_no", f.father.psnNo, "payers.1.amount", "10.00")
	f.unbind("bureau_wechat", f.father, f.byFather).want(200, "results.0.result", "unbound")
	f.post("/v1/premiums/"+f.premium+"/refund", fmt.Sprintf(`{"msgid":%q,"channel":"hall","payer_psn_no":%q,"reason":"重复缴费"}`, f.msgid(), f.father.psnNo)).want(200, "state", "refunded")
	f.post("/v1/settlements/"+f.settlement+"/reversal", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"opter":"1","reason":"退"}`, f.msgid(), f.hospital, f.patient.psnNo)).
		want(200, "acct_pay", "2020.00")
	if got := f.balance(f.patient); got != "20.00" {
		f.t.Errorf("the patient holds %s", got)
	}
	f.activate("?at=now", profileText(f.t, "hubei")).want(422, "code", "policy_version")
}
