package rest

import (
	"fmt"
	"strings"
	"testing"

	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// gansuBody is a binding as the Gansu application sends it.
func gansuBody(msgid string, authorizer, user someone) string {
	return strings.NewReplacer(`"wechat"`, `"gansu_app"`, `"evoucher"`, `"real_person"`).Replace(bindBody(msgid, authorizer, user, `,"qa_version":"1"`))
}

// TestGansu: C10, K9, K10, R24, L1 through the calls: open, invite, face, allocate, pay, leave, dissolve, and what comes back afterwards.
func TestGansu(t *testing.T) {
	f := start(t, setup{policy: policy.MustShipped("gansu").Ledger()})
	creator, member, other := f.newPerson(true), f.newPerson(false), f.newPerson(true)
	f.credit(creator, "500.00")
	hospital := f.institution("1")
	open := func(p someone) *answer {
		return f.post("/v1/families", fmt.Sprintf(`{"msgid":%q,"channel":"gansu_app","psn_no":%q}`, f.msgid(), p.psnNo))
	}
	f.post("/v1/bindings", gansuBody(f.msgid(), creator, member)).want(404, "code", "unknown_family")
	family := open(creator).want(200).str("family_id")
	open(creator).want(422, "code", "in_other_family")
	open(member).want(422, "code", "no_account")
	noQuestions := strings.Replace(gansuBody(f.msgid(), creator, member), `,"qa_version":"1"`, "", 1)
	f.post("/v1/bindings", noQuestions).want(422, "code", "questions_missing", "field", "qa_version")
	body := gansuBody(f.msgid(), creator, member)
	a := f.post("/v1/bindings", body).want(200, "state", "invited")
	binding := a.str("binding_id")
	f.get("/v1/bindings/"+binding).want(200, "state", "invited", "answer_until", "2026-03-16", "family_id", family)
	f.get("/v1/persons/"+member.psnNo+"/authorizers").want(200, "authorizers.0.state", "invited", "authorizers.0.binding_id", binding)
	f.get("/v1/persons/"+creator.psnNo+"/members").want(200, "members.0.state", "invited")
	consent := func(more string) *answer {
		return f.post("/v1/bindings/"+binding+"/consent", fmt.Sprintf(`{"msgid":%q,"decision":"accept"%s}`, f.msgid(), more))
	}
	consent("").want(422, "code", "face_missing", "field", "face_passed")
	consent(fmt.Sprintf(`,"face_passed":true,"user_psn_no":%q`, other.psnNo)).want(404, "code", "unknown_binding")
	consent(`,"face_passed":true,"channel":"gansu_app"`).want(200, "state", "active")
	if again := f.post("/v1/bindings", body); !again.replayed || again.text != a.text {
		t.Errorf("repeat: %t %s, first %s", again.replayed, again.text, a.text)
	}
	consent("").want(422, "code", "not_pending")
	open(other).want(200)
	f.post("/v1/bindings", gansuBody(f.msgid(), other, member)).want(422, "code", "in_other_family") // X6

	allocate := func(amount string) *answer {
		return f.post("/v1/allocations", fmt.Sprintf(`{"msgid":%q,"channel":"gansu_app","psn_no":%q,"amount":%q}`, f.msgid(), creator.psnNo, amount))
	}
	allocate("300.00").want(200, "family_id", family, "amount", "300.00")
	allocate("300.00").want(422, "code", "short_of_funds")
	setl := f.post("/v1/settlements", bill{msgid: f.msgid(), code: hospital, patient: member, medfee: "100.00", inscp: "100.00"}.body()).
		want(200, "acct_mulaid_pay", "100.00").str("setl_id")
	f.get("/v1/families/"+family).want(200, "balc", "200.00", "allocations", "1", "allocated", "300.00", "allocation_year", "2026", "members.0.psn_no", member.psnNo,
		"members.0.state", "active")
	f.post("/v1/families/"+idText('F', 77)+"/dissolution", fmt.Sprintf(`{"msgid":%q,"channel":"gansu_app"}`, f.msgid())).want(404)
	dissolution := fmt.Sprintf(`{"msgid":%q,"channel":"gansu_app","psn_no":%q}`, f.msgid(), creator.psnNo)
	first := f.post("/v1/families/"+family+"/dissolution", dissolution).want(200, "family_id", family)
	if again := f.post("/v1/families/"+family+"/dissolution", dissolution); !again.replayed || again.text != first.text {
		t.Errorf("repeat: %s, first %s", again.text, first.text)
	}
	f.get("/v1/families/"+family).want(200, "balc", "0.00", "members.0.psn_no", "")
	f.post("/v1/settlements/"+setl+"/reversal", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"opter":"1","reason":"退"}`, f.msgid(), hospital, member.psnNo)).want(200)
	if got := f.balance(creator); got != "500.00" {
		t.Errorf("creator holds %s", got)
	}
	s := f.get("/v1/persons/" + creator.psnNo + "/statement?from=2026-03-01&to=2026-03-31").want(200)
	if n := len(s.json["postings"].([]any)); n != 4 { // credit, allocation, dissolution, sweep
		t.Errorf("%d postings: %s", n, s.text)
	}
}

// TestReview: K19, G3, G4, R20, R21 through the calls: the clerk's queue, approval, leaving at the counter, force.
func TestReview(t *testing.T) {
	f := start(t, setup{})
	father, son, daughter := f.newPerson(true), f.newPerson(false), f.newPerson(false)
	counter := func(user someone) string {
		body := strings.Replace(bindBody(f.msgid(), father, user, `,"application":{"no":"A1","clerk":"李","document_shown":"身份证"}`), `"wechat"`, `"hall"`, 1)
		from, to := strings.Index(body, `"auth":`), strings.Index(body, `"data_consent_at"`)
		return body[:from] + body[to:]
	}
	f.post("/v1/bindings", strings.Replace(bindBody(f.msgid(), father, son, ""), `"wechat"`, `"hall"`, 1)).want(422, "code", "application_missing", "field", "application")
	f.post("/v1/bindings", strings.Replace(bindBody(f.msgid(), father, son, ""), `"wechat"`, `"gansu_app"`, 1)).want(422, "code", "channel_not_allowed", "field", "channel")
	f.post("/v1/bindings", strings.Replace(bindBody(f.msgid(), father, son, ""), `"evoucher"`, `"real_person"`, 1)).want(422, "code", "login_not_allowed", "field", "auth")
	f.post("/v1/bindings", strings.Replace(bindBody(f.msgid(), father, son, ""), `"version":"1"`, `"version":"2"`, 1)).want(422, "code", "commitment_missing", "field", "commitment")
	first := f.post("/v1/bindings", counter(son)).want(200, "state", "pending_review").str("binding_id")
	second := f.post("/v1/bindings", counter(daughter)).want(200, "state", "pending_review").str("binding_id")
	f.post("/v1/bindings", bindBody(f.msgid(), father, son, "")).want(422, "code", "duplicate_binding")
	f.getAdmin("/v1/bindings?state=pending_review&area=420100").want(200, "bindings.0.binding_id", first, "bindings.1.binding_id", second, "bindings.0.user_psn_no", son.psnNo)
	f.getAdmin("/v1/bindings?state=pending_review&area=420200").want(200, "bindings.0.binding_id", "")
	f.getAdmin("/v1/bindings?state=asleep").want(400, "field", "state")
	review := func(id, decision string) *answer {
		return f.postAdmin("/v1/bindings/"+id+"/review", fmt.Sprintf(`{"msgid":%q,"decision":%q,"reviewer":"C7","opinion":"同意","reviewed_at":"2026-03-10T12:00:00+08:00"}`, f.msgid(), decision))
	}
	review(first, "approve").want(200, "state", "active")
	review(second, "reject").want(200, "state", "rejected")
	review(second, "approve").want(422, "code", "not_pending")
	f.get("/v1/bindings/"+first).want(200, "state", "active", "unbindable_from", "2026-06-10")
	f.getAdmin("/v1/bindings?state=pending_review").want(200, "bindings.0.binding_id", "")
	third := f.post("/v1/bindings", counter(daughter)).want(200).str("binding_id")
	f.post("/v1/bindings/"+third+"/withdraw", fmt.Sprintf(`{"msgid":%q,"authorizer_psn_no":%q}`, f.msgid(), father.psnNo)).want(200, "state", "unbound")

	f.clock.ms.Add(100 * 86_400_000)
	if err := f.engine.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	f.post("/v1/unbindings", fmt.Sprintf(`{"msgid":%q,"channel":"hall","authorizer_psn_no":%q,"binding_ids":[%q],"application":{"no":"A2","clerk":"李","document_shown":"身份证"}}`,
		f.msgid(), father.psnNo, first)).want(200, "results.0.result", "waits_for_review")
	f.getAdmin("/v1/bindings?state=pending_review").want(200, "bindings.0.binding_id", first, "bindings.0.unbinding_in_review", "true")
	force := func(one, two string) *answer {
		return f.postAdmin("/v1/bindings/"+first+"/forced-unbinding", fmt.Sprintf(`{"msgid":%q,"reason":"fraud","first_officer":%q,"second_officer":%q}`, f.msgid(), one, two))
	}
	force("C1", "C1").want(422, "code", "same_operator", "field", "second_officer")
	force("C1", "C2").want(200, "state", "unbound")
	force("C1", "C2").want(422, "code", "not_bound")
}

// TestDebitOrderCall: R22 through the call.
func TestDebitOrderCall(t *testing.T) {
	p := policy.MustShipped("ordered").Ledger()
	p.SelfFirst, p.Evouchers, p.Channels, p.Logins = 0, 0, 2, [ledger.Logins]uint32{2}
	p.OfflineReview, p.Counters = 0, 0
	f := start(t, setup{policy: p})
	patient, father, mother := f.newPerson(true), f.newPerson(true), f.newPerson(true)
	for _, who := range []someone{patient, father, mother} {
		f.credit(who, "10.00")
	}
	one, two := f.bind(father, patient, ""), f.bind(mother, patient, "")
	order := func(msgid string, list ...string) *answer {
		return f.send("PUT", f.business+"/v1/persons/"+patient.psnNo+"/debit-order", "application/json", fmt.Sprintf(`{"msgid":%q,"order":["%s"]}`, msgid, strings.Join(list, `","`)))
	}
	order("O1", one).want(422, "code", "order_incomplete", "field", "order")
	order("O2", one, two, one).want(422, "code", "order_repeats")
	order("O3", one, idText('B', 99), two).want(404, "code", "unknown_binding")
	a := order("O4", two, "self", one).want(200, "order.0", two, "order.1", "self", "order.2", one)
	if again := order("O4", two, "self", one); !again.replayed || again.text != a.text {
		t.Errorf("repeat: %s", again.text)
	}
	order("O5", "nobody").want(400, "code", "bad_value")
	f.get("/v1/bindings/"+two).want(200, "order", "1")
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: f.institution("2"), patient: patient, medfee: "15.00", inscp: "15.00"}.body()).
		want(200, "acct_pay", "15.00", "acct_mulaid_pay", "10.00")
	if f.balance(mother) != "0.00" || f.balance(patient) != "5.00" || f.balance(father) != "10.00" {
		t.Errorf("mother %s, patient %s, father %s", f.balance(mother), f.balance(patient), f.balance(father))
	}
}
