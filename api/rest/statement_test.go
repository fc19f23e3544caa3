package rest

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"gongji/api/ids"
)

// logBuffer keeps what servers of a test write into their log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// lacks demands that none of the texts stands in an answer.
func (a *answer) lacks(what string, texts ...string) {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.text, s) {
			a.t.Errorf("%s: %q stands in %s", what, s, a.text)
		}
	}
}

// familyDay is a grandmother who shares with a daughter, who has no account, and a grandson, who has 2.00; each was treated once, the
// daughter's bill was cancelled.
type familyDay struct {
	*fixture
	log                               *logBuffer
	grandmother, daughter, son        someone
	hospital, pharmacy, first, second string
	undone                            string
}

func newFamilyDay(t *testing.T) *familyDay {
	log := &logBuffer{}
	d := &familyDay{fixture: start(t, setup{log: log}), log: log}
	d.hospital, d.pharmacy = d.institution("1"), d.institution("2")
	d.grandmother, d.daughter, d.son = d.newPerson(true), d.newPerson(false), d.newPerson(true)
	d.credit(d.grandmother, "100.00")
	d.credit(d.son, "2.00")
	d.bind(d.grandmother, d.daughter, "")
	d.bind(d.grandmother, d.son, "")
	d.first = d.post("/v1/settlements", bill{msgid: d.msgid(), code: d.hospital, patient: d.daughter, medfee: "30.00", inscp: "30.00"}.body()).want(200).str("setl_id")
	d.second = d.post("/v1/settlements", bill{msgid: d.msgid(), code: d.pharmacy, patient: d.son, medfee: "7.00", inscp: "7.00"}.body()).want(200).str("setl_id")
	d.undone = d.post("/v1/settlements/"+d.first+"/reversal", `{"msgid":"`+d.msgid()+`","fixmedins_code":"`+d.hospital+`","psn_no":"`+d.daughter.psnNo+
		`","opter":"0001","reason":"x"}`).want(200).str("reversal_id")
	return d
}

// TestStatementOfAuthorizer (Q3, R28): who was treated, at what kind of place, when and how much of her money; nothing that leads to the bill.
func TestStatementOfAuthorizer(t *testing.T) {
	d := newFamilyDay(t)
	path := "/v1/persons/" + d.grandmother.psnNo + "/statement"
	a := d.get(path).want(200,
		"postings.0.kind", "reversal", "postings.0.member_psn_no", d.daughter.psnNo, "postings.0.fixmedins_type", "1", "postings.0.amount", "30.00", "postings.0.balance_after", "95.00", "postings.0.date", "2026-03-10", "postings.0.time", "",
		"postings.1.kind", "settlement", "postings.1.member_psn_no", d.son.psnNo, "postings.1.fixmedins_type", "2", "postings.1.amount", "-5.00", "postings.1.balance_after", "65.00", "postings.1.time", "", "postings.1.acct_pay", "",
		"postings.2.kind", "settlement", "postings.2.member_psn_no", d.daughter.psnNo, "postings.2.amount", "-30.00", "postings.2.date", "2026-03-10",
		"postings.3.kind", "credit", "postings.3.amount", "100.00", "postings.4.kind", "")
	a.lacks("an authorizer", d.hospital, d.pharmacy, d.first, d.second, d.undone, d.daughter.certno, d.son.certno, "王小明")
	if a.str("postings.3.time") == "" {
		t.Error("her own credit has no time")
	}
}

// TestStatementOfPatient (Q3, R28): his own money and the mutual aid as sums, also for a person without an account; never whose it was.
func TestStatementOfPatient(t *testing.T) {
	d := newFamilyDay(t)
	son := d.get("/v1/persons/"+d.son.psnNo+"/statement").want(200, "postings.0.kind", "settlement", "postings.0.amount", "-2.00", "postings.0.acct_pay", "7.00",
		"postings.0.acct_mulaid_pay", "5.00", "postings.0.balance_after", "0.00", "postings.0.setl_id", d.second, "postings.0.fixmedins_code", d.pharmacy,
		"postings.1.kind", "credit", "postings.2.kind", "")
	path := "/v1/persons/" + d.daughter.psnNo + "/statement"
	daughter := d.get(path).want(200,
		"postings.0.kind", "reversal", "postings.0.amount", "0.00", "postings.0.acct_mulaid_pay", "30.00", "postings.0.reversal_id", d.undone, "postings.0.setl_id", d.first,
		"postings.1.kind", "settlement", "postings.1.amount", "0.00", "postings.1.acct_pay", "30.00", "postings.1.acct_mulaid_pay", "30.00", "postings.1.balance_after", "0.00",
		"postings.1.setl_id", d.first, "postings.1.fixmedins_code", d.hospital, "postings.2.kind", "")
	son.lacks("a patient", d.grandmother.psnNo)
	daughter.lacks("a patient", d.grandmother.psnNo, d.son.psnNo)
	// A cursor may point at an entry without a posting, but only of the person asked for.
	entry := idText('E', uint64(mustSettlement(t, d.first)))
	d.get(path+"?cursor="+entry).want(200, "postings.0.setl_id", d.first, "postings.1.kind", "")
	d.get("/v1/persons/"+d.son.psnNo+"/statement?cursor="+entry).want(400, "code", "bad_value", "field", "cursor")
}

func mustSettlement(t *testing.T, id string) uint64 {
	t.Helper()
	p, err := ids.ParseSettlement(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFullView (R28): on the admin listener the bureau sees all of it, each look is a line in the log, and the log names nobody.
func TestFullView(t *testing.T) {
	d := newFamilyDay(t)
	if d.get("/v1/settlements/"+d.second).want(200, "payers.0.psn_no", ""); strings.Contains(d.log.String(), "audit") {
		t.Errorf("a view that is not full was logged as one: %s", d.log)
	}
	d.getAdmin("/v1/settlements/"+d.second).want(200, "acct_mulaid_pay", "5.00",
		"payers.0.psn_no", d.son.psnNo, "payers.0.account", "personal", "payers.0.amount", "2.00", "payers.0.balance_after", "0.00",
		"payers.1.psn_no", d.grandmother.psnNo, "payers.1.amount", "5.00", "payers.1.balance_after", "65.00", "payers.2.psn_no", "")
	d.getAdmin("/v1/persons/"+d.grandmother.psnNo+"/statement").want(200, "postings.1.member_psn_no", d.son.psnNo, "postings.1.fixmedins_code", d.pharmacy,
		"postings.1.setl_id", d.second, "postings.1.acct_pay", "7.00")
	log := d.log.String()
	if strings.Count(log, `"audit":"full view"`) != 2 || !strings.Contains(log, `"route":"settlement"`) || !strings.Contains(log, d.second) || !strings.Contains(log, `"route":"statement"`) {
		t.Errorf("log: %s", log)
	}
	for _, p := range []someone{d.grandmother, d.daughter, d.son} {
		if strings.Contains(log, p.psnNo) || strings.Contains(log, p.certno) {
			t.Errorf("the log names somebody: %s", log)
		}
	}
}

// TestSights is R28 as a table, written down a second time: whoever is added to viewer.go sees nothing until it is said here.
func TestSights(t *testing.T) {
	want := map[viewer]map[sight]bool{
		viewNothing:     {},
		viewSelf:        {seeStatement: true, seeLent: true},
		viewInstitution: {seeSettlement: true},
		viewBureau:      {seeStatement: true, seeLent: true, seeLentBill: true, seeSettlement: true, seePayers: true},
	}
	if len(want) != len(sights) {
		t.Errorf("%d viewers, the table has %d", len(want), len(sights))
	}
	for v, may := range want {
		for s := seeStatement; s <= seePayers; s <<= 1 {
			if v.may(s) != may[s] {
				t.Errorf("viewer %d, sight %d: %v", v, s, v.may(s))
			}
		}
	}
}
