package rest

import (
	"fmt"
	"strings"
	"testing"

	"gongji/engine"
	"gongji/engine/ledger"
)

func TestPersons(t *testing.T) {
	f := start(t, setup{})
	p := f.newPersonLater()
	a := f.postAdmin("/v1/persons", personBody(p, true)).want(201, "psn_no", p.psnNo, "psn_cert_type", "01", "psn_name", "王小明", "gend", "1", "brdy", "1980-01-02")
	if got := a.str("certno"); len(got) != 18 || got[3:14] != "***********" || strings.Contains(a.text, p.certno) {
		t.Errorf("certno %q is not masked", got)
	}
	f.postAdmin("/v1/persons", personBody(p, true)).want(422, "code", "person_exists", "outcome", "301")
	twin := p
	twin.psnNo += "9"
	f.postAdmin("/v1/persons", personBody(twin, true)).want(422, "code", "certificate_exists", "field", "certno")
	withID := strings.Replace(personBody(f.newPersonLater(), false), "{", `{"msgid":"PM1",`, 1)
	f.postAdmin("/v1/persons", withID).want(201)
	if !f.postAdmin("/v1/persons", withID).want(201).replayed {
		t.Error("the same msgid is not a repeat")
	}
	got := f.get("/v1/persons/"+p.psnNo).want(200, "psn_name", "王小明", "has_account", "true", "enrolment.insutype", "310", "enrolment.normal", "true",
		"enrolment.may_lend", "true", "accounts.0.kind", "personal", "accounts.0.balc", "0.00", "brdy", "1980-01-02", "gend", "1")
	if strings.Contains(got.text, p.certno) {
		t.Error("certno in an answer")
	}
	path := "/v1/persons/" + p.psnNo + "/enrolments"
	pause := `{"msgid":"E1","insutype":"310","psn_type":"11","flxempe_flag":"0","psn_insu_stas":"2","insuplc_admdvs":"420100","begndate":"2026-03-01","reason":"other"}`
	f.postAdmin(path, pause).want(200, "psn_insu_stas", "2", "begndate", "2026-03-01")
	if !f.postAdmin(path, pause).want(200).replayed {
		t.Error("the same enrolment is not a repeat")
	}
	f.get("/v1/persons/"+p.psnNo).want(200, "enrolment.normal", "false", "enrolment.may_lend", "false")
	last := `{"msgid":"E2","insutype":"310","psn_type":"11","flxempe_flag":"0","psn_insu_stas":"1","insuplc_admdvs":"420100","begndate":"2026-03-01","enddate":"2026-03-10"}`
	f.postAdmin(path, last).want(200, "enddate", "2026-03-10")
	f.get("/v1/persons/"+p.psnNo).want(200, "enrolment.normal", "true", "enrolment.normal_until", "2026-03-11") // the last day counts
	f.postAdmin(path, strings.NewReplacer("E2", "E3", "2026-03-10", "2026-02-28").Replace(last)).want(400, "code", "bad_value", "field", "enddate")
	f.postAdmin("/v1/persons/4711/enrolments", strings.Replace(pause, "E1", "E4", 1)).want(404, "code", "unknown_person", "outcome", "201")
}

func TestUnbinding(t *testing.T) {
	f := start(t, setup{})
	father, son, daughter := f.newPerson(true), f.newPerson(true), f.newPerson(true)
	first := f.bind(father, son, "")
	f.clock.ms.Add(40 * 86_400_000)
	if err := f.engine.ConfirmClock(); err != nil { // a step of 40 days
		t.Fatal(err)
	}
	second := f.bind(father, daughter, `,"user_phone":"13800000000"`)
	unbind := func(msgid, actor string, p someone, list ...string) *answer {
		return f.post("/v1/unbindings", fmt.Sprintf(`{"msgid":%q,"channel":"wechat",%q:%q,"binding_ids":["%s"],"application":{"no":"A1","clerk":"李","document_shown":"身份证"}}`,
			msgid, actor, p.psnNo, strings.Join(list, `","`)))
	}
	a := unbind("U1", "authorizer_psn_no", father, first, second).want(200, "results.0.result", "locked", "results.0.outcome", "609",
		"results.0.unbindable_from", "2026-06-10", "results.1.result", "locked", "results.1.unbindable_from", "2026-07-19")
	if again := unbind("U1", "authorizer_psn_no", father, first, second); !again.replayed || again.text != a.text {
		t.Errorf("repeat: %t %s", again.replayed, again.text)
	}
	f.get("/v1/bindings/"+first).want(200, "state", "active", "authorizer_psn_no", father.psnNo, "user_psn_no", son.psnNo, "unbindable_from", "2026-06-10")
	f.get("/v1/persons/"+father.psnNo+"/members").want(200, "members.0.psn_no", daughter.psnNo, "members.1.psn_no", son.psnNo, "members.1.channel", "wechat",
		"members.1.relation", "5", "members.1.psn_name", "王小明")
	f.get("/v1/persons/"+son.psnNo+"/authorizers").want(200, "authorizers.0.psn_no", father.psnNo)
	f.clock.ms.Add(52 * 86_400_000) // 10 June
	if err := f.engine.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	unbind("U2", "user_psn_no", son, first).want(422, "code", "not_allowed", "outcome", "611")
	unbind("U3", "authorizer_psn_no", son, first).want(200, "results.0.result", "unknown_binding")
	unbind("U4", "authorizer_psn_no", father, first, second, first).want(200, "results.0.result", "unbound", "results.1.result", "locked", "results.2.result", "not_bound")
	f.get("/v1/bindings/"+first).want(200, "state", "unbound")
	f.get("/v1/persons/"+father.psnNo+"/members").want(200, "members.0.psn_no", daughter.psnNo, "members.1.psn_no", "")
	f.get("/v1/bindings/B123").want(404, "code", "not_found")
	f.get("/v1/bindings/"+idText('B', 77)).want(404, "code", "not_found")
}

func TestBindingRules(t *testing.T) {
	f := start(t, setup{})
	father, son := f.newPerson(true), f.newPerson(false)
	body := bindBody(f.msgid(), father, son, `,"qa_version":"2","face_passed":true,"order":7`)
	a := f.post("/v1/bindings", body).want(200, "state", "active", "order", "7", "channel", "wechat", "unbindable_from", "2026-06-10")
	if again := f.post("/v1/bindings", body); !again.replayed || again.text != a.text {
		t.Errorf("repeat: %t %s, first %s", again.replayed, again.text, a.text)
	}
	f.post("/v1/bindings", bindBody(f.msgid(), father, son, "")).want(422, "code", "duplicate_binding")
	f.post("/v1/bindings", bindBody(f.msgid(), son, father, "")).want(422, "code", "authorizer_not_eligible")
	cousin := strings.Replace(bindBody(f.msgid(), father, son, ""), `"relation":"5"`, `"relation":"8"`, 1)
	f.post("/v1/bindings", cousin).want(422, "code", "relation_not_allowed", "field", "relation")

	third := f.newPerson(false)
	lines := bindBody("L1", father, third, "") + "\n" + bindBody("L2", father, son, "") + "\n" + `{"msgid":1}` + "\n" + bindBody("L1", father, third, "")
	got := f.send("POST", f.admin+"/v1/bindings/batch", mediaNDJSON, lines)
	got.want(200)
	for i, want := range []string{`"msgid":"L1","status":200,"binding_id":`, `"status":422,"code":"duplicate_binding"`, `"status":400,"code":"wrong_type","field":"msgid"`, `"replayed":true`} {
		if line := strings.Split(got.text, "\n")[i]; !strings.Contains(line, want) {
			t.Errorf("line %d lacks %s: %s", i+1, want, line)
		}
	}
}

// Q1: pages of members: more than one, each member once.
func TestMembersPages(t *testing.T) {
	f := start(t, setup{})
	father := f.newPerson(true)
	var lines, persons []string
	for range listMax + 30 {
		p := f.newPersonLater()
		persons = append(persons, personBody(p, false))
		lines = append(lines, bindBody(f.msgid(), father, p, ""))
	}
	f.send("POST", f.admin+"/v1/persons?file=members", mediaNDJSON, strings.Join(persons, "\n")).want(200, "accepted", fmt.Sprint(len(persons)))
	f.send("POST", f.admin+"/v1/bindings/batch", mediaNDJSON, strings.Join(lines, "\n")).want(200)
	seen, path := map[string]bool{}, "/v1/persons/"+father.psnNo+"/members"
	pages, rows := 0, 0
	for next := path; next != ""; pages++ {
		a := f.get(next).want(200)
		for i := range a.json["members"].([]any) {
			seen[a.str(fmt.Sprintf("members.%d.psn_no", i))] = true
			rows++
		}
		if next = ""; a.str("cursor") != "" {
			next = path + "?cursor=" + a.str("cursor")
		}
	}
	if len(seen) != len(persons) || rows != len(persons) || pages != 2 {
		t.Errorf("%d members in %d rows on %d pages, want %d on 2", len(seen), rows, pages, len(persons))
	}
	f.get(path+"?cursor=B1").want(400, "code", "bad_value", "field", "cursor")
}

func TestStatementAndDraw(t *testing.T) {
	f := start(t, setup{})
	shop, father, son := f.institution("1"), f.newPerson(true), f.newPerson(true)
	f.credit(father, "50.00")
	f.credit(son, "5.00")
	f.bind(father, son, "")
	id := f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: son, medfee: "20.00", inscp: "20.00"}.body()).want(200, "acct_mulaid_pay", "15.00").str("setl_id")
	own := f.get("/v1/persons/"+son.psnNo+"/statement").want(200, "postings.0.kind", "settlement", "postings.0.amount", "-5.00", "postings.0.balance_after", "0.00",
		"postings.0.setl_id", id, "postings.0.fixmedins_code", shop, "postings.1.kind", "credit", "postings.1.amount", "5.00", "postings.2.kind", "")
	if own.str("cursor") != "" {
		t.Error("a cursor at the end")
	}
	lent := f.get("/v1/persons/"+father.psnNo+"/statement").want(200, "postings.0.amount", "-15.00", "postings.0.balance_after", "35.00", "postings.0.member_psn_no", son.psnNo,
		"postings.0.fixmedins_type", "1")
	if strings.Contains(lent.text, shop) || strings.Contains(lent.text, id) {
		t.Errorf("the authorizer sees more than R28 gives him: %s", lent.text)
	}
	f.get("/v1/persons/"+son.psnNo+"/statement?from=2026-03-11").want(200, "postings.0.kind", "")
	f.get("/v1/persons/"+son.psnNo+"/statement?to=2026-03-09").want(200, "postings.0.kind", "")
	f.get("/v1/persons/"+son.psnNo+"/statement?from=2026-03-10&to=2026-03-10").want(200, "postings.1.kind", "credit")
	f.get("/v1/persons/"+son.psnNo+"/statement?from=2026-02-30").want(400, "code", "bad_value", "field", "from")
	f.get("/v1/persons/"+son.psnNo+"/statement?from=2026-03-10&to=2026-03-09").want(400, "code", "bad_value", "field", "to")
	f.get("/v1/persons/"+son.psnNo+"/statement?cursor="+idText('E', uint64(ledger.At(1, 0)))).want(400, "code", "bad_value", "field", "cursor")

	draw := f.get("/v1/settlements/"+id+"/draw").want(200, "day", "2026-03-10", "key", "", "label", "gongji draw 0")
	if paid := draw.str("paid.0.name"); len(paid) != 32 || draw.at("paid.1") != nil || len(draw.str("key_hash")) != 64 || draw.str("drawn.0") != paid || draw.str("candidates.0") != paid {
		t.Errorf("draw %s", draw.text)
	}
	f.clock.ms.Add(86_400_000)
	if err := f.engine.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	if err := f.engine.Housekeep(); err != nil {
		t.Fatal(err)
	}
	if after := f.get("/v1/settlements/"+id+"/draw").want(200, "acct_mulaid_pay", "15.00", "paid.0.amount", "15.00"); len(after.str("key")) != 64 ||
		after.str("key_hash") != draw.str("key_hash") || after.str("paid.0.name") != draw.str("paid.0.name") {
		t.Errorf("after the day: %s", after.text)
	}
}

// A statement of more postings than a page comes in pages, each posting once, and balances fit amounts.
func TestStatementPages(t *testing.T) {
	f := start(t, setup{})
	p := f.newPerson(true)
	const credits = statementPage + 20
	f.postAdmin("/v1/credit-runs", `{"run_id":"R1","source":"contribution","period":"202601","count":0,"amount":"0.00"}`).want(200)
	for range credits {
		f.credit(p, "1.00")
	}
	path := "/v1/persons/" + p.psnNo + "/statement"
	n, pages := 0, 0
	for next := path; next != ""; pages++ {
		a := f.get(next).want(200)
		for i := range a.json["postings"].([]any) {
			a.want(200, fmt.Sprintf("postings.%d.balance_after", i), fmt.Sprintf("%d.00", credits-n))
			n++
		}
		if next = ""; a.str("cursor") != "" {
			next = path + "?cursor=" + a.str("cursor")
		}
	}
	if n != credits || pages != 2 {
		t.Errorf("%d postings on %d pages, want %d on 2", n, pages, credits)
	}
}

// The names of a draw tell its payers apart and mean nothing in another draw (R28).
func TestDrawNames(t *testing.T) {
	f := start(t, setup{})
	shop := f.institution("2")
	patient, _ := x3(f, []string{"20.00", "30.00"}, nil)
	names := map[string]bool{}
	for _, medfee := range []string{"50.10", "40.00"} { // own 40.10 and one relative, then all that is left of both
		id := f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: patient, medfee: medfee, inscp: medfee}.body()).want(200, "psn_cash_pay", "0.00").str("setl_id")
		a := f.get("/v1/settlements/" + id + "/draw").want(200)
		for _, name := range a.json["paid"].([]any) {
			names[name.(map[string]any)["name"].(string)] = true
		}
	}
	if len(names) != 3 {
		t.Errorf("%d names in a draw of one payer and a draw of two, want 3: %v", len(names), names)
	}
}

func TestNoDraw(t *testing.T) {
	policy := engine.Hubei
	policy.Strategy = ledger.Ordered
	f := start(t, setup{policy: policy})
	shop, p := f.institution("2"), f.newPerson(true)
	id := f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: p, medfee: "20.00", inscp: "20.00"}.body()).want(200, "psn_cash_pay", "20.00").str("setl_id")
	f.get("/v1/settlements/"+id+"/draw").want(404, "code", "not_found") // nothing is drawn under this profile
}

// TestCreditedCategory (R7): who becomes flexibly employed is credited no more, and told that it is about him.
func TestCreditedCategory(t *testing.T) {
	f := start(t, setup{})
	p := f.newPerson(true)
	f.credit(p, "10.00")
	f.postAdmin("/v1/persons/"+p.psnNo+"/enrolments", `{"msgid":"E1","insutype":"310","psn_type":"11","flxempe_flag":"1","psn_insu_stas":"1","insuplc_admdvs":"420100","begndate":"2026-03-01"}`).want(200)
	f.postAdmin("/v1/credits", fmt.Sprintf(`{"msgid":"C1","psn_no":%q,"amount":"5.00","source":"opening","business_date":"2026-03-10"}`, p.psnNo)).want(422, "code", "category_not_allowed", "outcome", "421", "field", "psn_no")
	if got := f.balance(p); got != "10.00" {
		t.Errorf("balance %s", got)
	}
}
