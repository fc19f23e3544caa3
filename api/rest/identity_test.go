package rest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// card writes the body of a card's registration.
func (f *fixture) card(p someone, number, sn, state string) *answer {
	f.t.Helper()
	return f.postAdmin("/v1/persons/"+p.psnNo+"/credentials", fmt.Sprintf(`{"msgid":%q,"type":"03","number":%q,"card_sn":%q,"state":%q}`, f.msgid(), number, sn, state))
}

// by is a bill paid with another credential than the identity card.
func (b bill) by(kind, number, sn string) string {
	more := ""
	if sn != "" {
		more = fmt.Sprintf(`"card_sn":%q,`, sn)
	}
	return strings.Replace(b.body(), fmt.Sprintf(`"mdtrt_cert_type":"02","mdtrt_cert_no":%q,`, b.patient.certno),
		fmt.Sprintf(`"mdtrt_cert_type":%q,"mdtrt_cert_no":%q,%s`, kind, number, more), 1)
}

// I1 to I4, R27: the patient shows his own credential, of whatever kind; a relative's is told apart from a stranger's.
func TestCards(t *testing.T) {
	f := start(t, setup{})
	shop, p, relative, stranger := f.institution("2"), f.newPerson(true), f.newPerson(true), f.newPerson(true)
	f.credit(p, "100.00")
	f.bind(relative, p, "")
	for i, who := range []someone{p, relative, stranger} {
		f.card(who, fmt.Sprintf("CARD%d", i), "S1", "active").want(200, "psn_no", who.psnNo)
	}
	settle := func(number, sn string) *answer {
		return f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00"}.by("03", number, sn))
	}
	settle("CARD0", "S1").want(200, "balc", "90.00")
	settle("CARD0", "S2").want(422, "code", "unknown_credential", "outcome", "406", "field", "mdtrt_cert_no")
	settle("CARD9", "S1").want(422, "code", "unknown_credential")
	settle("CARD1", "S1").want(422, "code", "relatives_credential", "outcome", "409")
	settle("CARD2", "S1").want(422, "code", "wrong_credential", "outcome", "401")
	f.card(p, "CARD0", "S1", "lost").want(200)
	settle("CARD0", "S1").want(422, "code", "credential_inactive", "outcome", "407")
	f.card(p, "CARD0", "S1", "active").want(200)
	settle("CARD0", "S1").want(200, "balc", "80.00")
	f.card(p, "CARD0", "S1", "active").want(422, "code", "credential_exists")
	f.card(stranger, "CARD0", "S1", "lost").want(422, "code", "credential_of_other", "field", "number")
	f.card(p, "CARD0", "S1", "cancelled").want(200)
	f.card(p, "CARD0", "S1", "active").want(422, "code", "credential_inactive")
	f.card(p, "CARD7", "S1", "lost").want(422, "code", "unknown_credential")
	cert := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00"}
	stolen := cert
	stolen.patient.certno = relative.certno
	f.post("/v1/settlements", stolen.body()).want(422, "code", "relatives_credential")
	if got := f.balance(p); got != "80.00" {
		t.Errorf("balance %s, want 80.00", got)
	}
	// R10: a credential is no content: the same bill shown by another of his credentials is the same bill.
	cert.msgid = f.msgid()
	first := f.post("/v1/settlements", cert.body()).want(200, "balc", "70.00")
	f.card(p, "CARD8", "S1", "active").want(200)
	f.get("/v1/persons/"+p.psnNo).want(200, "credentials.0.state", "active", "credentials.1.state", "cancelled", "credentials.2.state", "")
	if again := f.post("/v1/settlements", cert.by("03", "CARD8", "S1")); !again.replayed || again.text != first.text {
		t.Errorf("the same bill by card: %t %s", again.replayed, again.text)
	}
}

// R27: an e-voucher is resolved before the log, for as long as it is valid and its holder's is active. The token leaves no trace.
func TestVouchers(t *testing.T) {
	dir := t.TempDir()
	f := start(t, setup{dir: dir})
	shop, p, relative := f.institution("2"), f.newPerson(true), f.newPerson(true)
	f.credit(p, "100.00")
	f.bind(relative, p, "")
	token := func(who someone, seconds int64) string {
		holder := f.engine.Pseudonym("01", []byte(who.certno))
		return string(f.engine.TestVouchers().Issue(holder, uint32(f.engine.NowMS()/1000+seconds)))
	}
	b := bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00"}
	good := token(p, 60)
	f.post("/v1/settlements", b.by("01", good, "")).want(200, "balc", "90.00")
	before := f.sequence()
	b.msgid = f.msgid()
	for _, bad := range []string{token(p, -1), good[1:], "x" + good[1:], "T"} {
		f.post("/v1/settlements", b.by("01", bad, "")).want(400, "code", "evoucher_invalid", "field", "mdtrt_cert_no", "id_used", "false")
	}
	if f.sequence() != before {
		t.Error("a bad token was logged")
	}
	f.post("/v1/settlements", b.by("01", token(relative, 60), "")).want(422, "code", "relatives_credential")
	change := `{"msgid":%q,"evoucher_active":%t}`
	f.postAdmin("/v1/persons/"+p.psnNo+"/changes", fmt.Sprintf(change, f.msgid(), false)).want(200)
	b.msgid = f.msgid()
	f.post("/v1/settlements", b.by("01", token(p, 60), "")).want(422, "code", "credential_inactive")
	f.postAdmin("/v1/persons/"+p.psnNo+"/changes", fmt.Sprintf(change, f.msgid(), true)).want(200)
	b.msgid = f.msgid()
	f.post("/v1/settlements", b.by("01", token(p, 60), "")).want(200, "balc", "80.00")
	if err := f.engine.Close(); err != nil {
		t.Fatal(err)
	}
	nowhere(t, dir, shop, good)
}

// nowhere looks for secrets in every file of a directory. What is logged in the clear must be found, or the search would prove nothing.
func nowhere(t *testing.T, dir, logged string, secrets ...string) {
	t.Helper()
	seen := false
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		seen = seen || strings.Contains(string(b), logged)
		for _, s := range secrets {
			if strings.Contains(string(b), s) {
				t.Errorf("a secret lies in %s", e.Name())
			}
		}
		return err
	})
	if err != nil || !seen {
		t.Fatalf("the search is blind: %v", err)
	}
}

// P1 to P3: who buys for another shows both documents, changes nobody's debit, and is told in the full view only.
// Rules: P1, P2, P3.
func TestAgent(t *testing.T) {
	f := start(t, setup{})
	shop := f.institution("2")
	agent := f.newPersonLater()
	with := fmt.Sprintf(`,"agent":{"cert_type":"01","certno":%q,"name":"李代办","relation":"1","principal_doc_shown":true}`, agent.certno)
	var legs [2][]int64
	for i, more := range []string{with, ""} {
		patient, authorizers := x3(f, []string{"20.00", "30.00"}, nil)
		id := f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: patient, medfee: "95.00", inscp: "95.00", more: more}.body()).
			want(200, "acct_pay", "90.10", "psn_cash_pay", "4.90").str("setl_id")
		for _, who := range append(authorizers, patient) {
			legs[i] = append(legs[i], fen(t, f.balance(who)))
		}
		full := f.send("GET", f.admin+"/v1/settlements/"+id+"/full", "", "").want(200, "opter", "0001", "mdtrt_cert_type", "02")
		plain := f.get("/v1/settlements/" + id).want(200)
		if strings.Contains(plain.text, "李代办") || strings.Contains(plain.text, "agent") || strings.Contains(full.text, agent.certno) {
			t.Errorf("the agent is told where he must not be: %s %s", plain.text, full.text)
		}
		if more == "" {
			if full.at("agent") != nil {
				t.Errorf("an agent without one: %s", full.text)
			}
			continue
		}
		full.want(200, "agent.cert_type", "01", "agent.name", "李代办", "agent.relation", "1", "agent.principal_doc_shown", "true")
	}
	if fmt.Sprint(legs[0]) != fmt.Sprint(legs[1]) {
		t.Errorf("with an agent %v, without %v", legs[0], legs[1])
	}
}

// R21, 16.8: a frozen account gives nothing, own or lent, takes credits and refunds; two operators decide.
func TestFreezes(t *testing.T) {
	f := start(t, setup{})
	shop, father, son := f.institution("2"), f.newPerson(true), f.newPerson(false)
	f.credit(father, "100.00")
	f.bind(father, son, "")
	freeze := func(action, second string) *answer {
		return f.postAdmin("/v1/freezes", fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"action":%q,"reason":"court","operator":"o1","second_operator":%q}`, f.msgid(), father.psnNo, action, second))
	}
	pay := func(p someone, pays string) string {
		return f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00"}.body()).want(200, "acct_pay", pays).str("setl_id")
	}
	id := pay(son, "10.00")
	freeze("freeze", "o1").want(422, "code", "same_operator", "field", "second_operator")
	freeze("unfreeze", "o2").want(422, "code", "not_frozen")
	freeze("freeze", "o2").want(200, "psn_no", father.psnNo)
	freeze("freeze", "o2").want(422, "code", "already_frozen")
	pay(son, "0.00")
	pay(father, "0.00")
	f.credit(father, "1.00")
	f.post("/v1/settlements/"+id+"/reversal", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"opter":"1","reason":"退"}`, f.msgid(), shop, son.psnNo)).want(200)
	f.get("/v1/persons/"+father.psnNo).want(200, "accounts.0.balc", "101.00", "accounts.0.frozen", "true")
	freeze("unfreeze", "o2").want(200)
	pay(son, "10.00")
	pay(father, "10.00")
	f.postAdmin("/v1/freezes", fmt.Sprintf(`{"msgid":%q,"family_id":%q,"action":"freeze","reason":"court","operator":"o1","second_operator":"o2"}`, f.msgid(), idText('F', 3))).
		want(404, "code", "unknown_family")
}

// K20, L5, L6, R23: where the profile has passwords, a source pays only with its own; a wrong one counts and locks; the bill is never refused.
func TestPasswords(t *testing.T) {
	dir := t.TempDir()
	policy := engine.Hubei
	policy.PasswordTries, policy.LockMinutes = 2, 30
	f := start(t, setup{policy: policy, dir: dir})
	shop, father, son := f.institution("2"), f.newPerson(true), f.newPerson(false)
	f.credit(father, "100.00")
	f.bind(father, son, "")
	pay := func(passwords, pays string) {
		t.Helper()
		more := ""
		if passwords != "" {
			more = fmt.Sprintf(`,"passwords":[{"authorizer_psn_no":%q,"password":%q}]`, father.psnNo, passwords)
		}
		f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: son, medfee: "10.00", inscp: "10.00", more: more}.body()).want(200, "acct_pay", pays)
	}
	secret := func(body string) *answer {
		return f.post("/v1/persons/"+father.psnNo+"/password", fmt.Sprintf(`{"msgid":%q,"channel":"wechat",%s}`, f.msgid(), body))
	}
	pay("000000", "0.00") // no password is set: nothing opens his account
	secret(`"action":"change","password":"Blau77","old_password":"000000"`).want(422, "code", "no_password")
	secret(`"action":"set","password":"Geheim-Eins"`).want(200, "psn_no", father.psnNo)
	secret(`"action":"set","password":"Geheim-Zwei"`).want(422, "code", "password_exists")
	pay("", "0.00")
	pay("Geheim-Eins", "10.00")
	pay("Falsch-Eins", "0.00")
	pay("Geheim-Eins", "10.00") // resets the count
	pay("Falsch-Eins", "0.00")
	pay("Falsch-Zwei", "0.00")
	pay("Geheim-Eins", "0.00") // locked
	secret(`"action":"change","password":"Blau77","old_password":"Geheim-Eins"`).want(422, "code", "password_locked", "field", "old_password")
	f.clock.ms.Add(31 * 60_000)
	if err := f.engine.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	pay("Geheim-Eins", "10.00")
	secret(`"action":"change","password":"Blau77","old_password":"Falsch-Drei"`).want(422, "code", "wrong_password")
	secret(`"action":"change","password":"Geheim-Drei","old_password":"Geheim-Eins"`).want(200)
	pay("Geheim-Eins", "0.00")
	pay("Geheim-Drei", "10.00")
	f.postAdmin("/v1/persons/"+father.psnNo+"/password-reset", fmt.Sprintf(`{"msgid":%q,"operator":"o1"}`, f.msgid())).want(200)
	pay("Geheim-Drei", "0.00")
	// A preview tells nobody whether a password is right.
	secret(`"action":"set","password":"Geheim-Vier"`).want(200)
	for range 3 {
		f.post("/v1/settlements/preview", bill{code: shop, patient: son, medfee: "10.00", inscp: "10.00",
			more: fmt.Sprintf(`,"passwords":[{"authorizer_psn_no":%q,"password":"Falsch-Vier"}]`, father.psnNo)}.body()).want(200, "acct_pay", "10.00")
	}
	pay("Geheim-Vier", "10.00")
	if got := f.balance(father); got != "50.00" {
		t.Errorf("balance %s, want 50.00", got)
	}
	if err := f.engine.Close(); err != nil {
		t.Fatal(err)
	}
	nowhere(t, dir, shop, "Geheim-", "Falsch-", "Blau77")
}

// R19, K15: an employee's history is told; dead, he lends nothing, and only a visit begun before is settled.
func TestLifecycle(t *testing.T) {
	f := start(t, setup{})
	shop, father, son := f.institution("1"), f.newPerson(true), f.newPerson(false)
	f.credit(father, "100.00")
	f.bind(father, son, "")
	enrol := func(insutype, status, begin, reason string) {
		t.Helper()
		f.postAdmin("/v1/persons/"+father.psnNo+"/enrolments", fmt.Sprintf(`{"msgid":%q,"insutype":%q,"psn_type":"11","flxempe_flag":"0","psn_insu_stas":%q,"insuplc_admdvs":"420100","begndate":%q%s}`,
			f.msgid(), insutype, status, begin, reason)).want(200)
	}
	pay := func(p someone, more, pays string) {
		t.Helper()
		f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00", more: more}.body()).want(200, "acct_pay", pays)
	}
	pay(son, "", "10.00")
	enrol("390", "1", "2026-03-01", "") // he keeps the account, spends and lends no more
	pay(son, "", "0.00")
	pay(father, "", "10.00")
	f.get("/v1/persons/"+father.psnNo).want(200, "standing", "normal", "employee_standing", "ended", "enrolments.0.insutype", "390", "enrolments.0.begndate", "2026-03-01",
		"enrolments.1.insutype", "310", "enrolments.1.psn_type", "11")
	enrol("310", "1", "2026-03-02", "")
	pay(son, "", "10.00")
	enrol("310", "4", "2026-03-10", `,"reason":"dead"`)
	pay(son, "", "0.00")
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: father, medfee: "10.00", inscp: "10.00"}.body()).want(422, "code", "status_forbids", "outcome", "415", "field", "psn_no")
	f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: father, medfee: "10.00", inscp: "10.00", more: `,"begndate":"2026-03-10"`}.body()).want(422, "code", "status_forbids")
	pay(father, `,"begndate":"2026-03-09"`, "10.00")
	f.postAdmin("/v1/credits", fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"amount":"1.00","source":"opening","business_date":"2026-03-10"}`, f.msgid(), father.psnNo)).want(422, "code", "status_forbids")
	f.get("/v1/persons/"+father.psnNo).want(200, "standing", "dead", "employee_standing", "dead", "death_date", "2026-03-10", "enrolments.0.reason", "dead", "accounts.0.balc", "60.00")
	enrol("310", "1", "2026-03-02", `,"reason":"correction"`)
	pay(son, "", "10.00")
	// K15, B11, 36: no account for a resident; birth date and area are corrected.
	change := func(p someone, body string) *answer {
		return f.postAdmin("/v1/persons/"+p.psnNo+"/changes", fmt.Sprintf(`{"msgid":%q,%s}`, f.msgid(), body))
	}
	change(son, `"has_account":true`).want(422, "code", "category_not_allowed", "field", "has_account")
	change(father, `"has_account":true`).want(422, "code", "account_exists")
	change(father, `"brdy":"1980-02-03"`).want(200)
	change(father, `"brdy":"1980-02-03"`).want(422, "code", "no_change")
	f.get("/v1/persons/"+father.psnNo).want(200, "brdy", "1980-02-03")
	change(son, `"insuplc_admdvs":"620100"`).want(200) // K14: out of the province
	pay(son, "", "0.00")
	f.post("/v1/bindings", bindBody(f.msgid(), f.newPerson(true), son, "")).want(422, "code", "outside_territory", "field", "user_certno")
}

// The digests of a bill's passwords are in its command, in order, and no more than a digest.
func TestPasswordDigests(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	id := f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: p, medfee: "10.00", inscp: "10.00",
		more: `,"passwords":[{"authorizer_psn_no":"1","password":"a"},{"authorizer_psn_no":"2","password":"a"}]`}.body()).want(200).str("setl_id")
	at, err := f.engine.Entry(positionOf(t, id))
	if err != nil {
		t.Fatal(err)
	}
	one, two := ledger.K([]byte("1")), ledger.K([]byte("2"))
	want := ledger.Passwords(nil).Add(one, f.engine.PasswordDigest(one, []byte("a"))).Add(two, f.engine.PasswordDigest(two, []byte("a")))
	if string(at.Command.Passwords) != string(want) || want.Len() != 2 {
		t.Errorf("%x, want %x", at.Command.Passwords, want)
	}
}

func positionOf(t *testing.T, setlID string) ledger.Position {
	t.Helper()
	at, err := ids.ParseSettlement(setlID)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Position(at)
}
