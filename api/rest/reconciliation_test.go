package rest

import (
	"fmt"
	"strings"
	"testing"

	"gongji/api/money"
)

// lineOf is a row as the institution's own system has it.
func lineOf(r *booked, more string) string {
	return fmt.Sprintf(`{"infno":"2207","msgid":%q,"setl_id":%q,"mdtrt_id":"V1","refd_setl_flag":%q,"medfee_sumamt":%q,"fund_pay_sumamt":%q,"acct_pay":%q%s}`,
		r.msgid, r.setlID, refundFlag(r.refund), money.Text(r.figures[0]), money.Text(r.figures[1]), money.Text(r.figures[2]), more)
}

func (k *books) reconcile(code, query string, lines ...string) *answer {
	k.t.Helper()
	return k.send("POST", k.business+"/v1/institutions/"+code+"/reconciliation"+query, mediaNDJSON, strings.Join(lines, "\n"))
}

// TestReconciliation (R15, R28): level if and only if both sides have the same bills; else which are ours only, theirs only and why, and which field differs.
func TestReconciliation(t *testing.T) {
	k := &books{fixture: start(t, setup{}), rows: map[string][]*booked{}, paid: map[string]int64{}}
	hospital, other := k.institution("1"), k.institution("1")
	p := k.newPerson(true)
	k.credit(p, "1000.00")
	yesterday := k.settle(hospital, p, "11.00", "1.00", "A")
	day0 := yesterday.day
	k.nextDay()
	one, two, three := k.settle(hospital, p, "20.00", "5.00", "A"), k.settle(hospital, p, "30.00", "0.00", "A"), k.settle(hospital, p, "40.00", "0.00", "A")
	foreign := k.settle(other, p, "1.00", "0.00", "A")
	k.cancel(hospital, two, "A")
	back := k.rows[hospital][len(k.rows[hospital])-1]
	k.reverse(hospital, three, true)
	day := "?from=" + one.day + "&to=" + one.day
	before := k.sequence()

	level := k.reconcile(hospital, day, lineOf(back, ""), lineOf(one, `,"psn_cash_pay":"0.00","acct_mulaid_pay":"0.00"`), lineOf(two, ""))
	level.want(200, "level", "true", "ours.count", "3", "theirs.count", "3", "ours.acct_pay", "15.00", "theirs.acct_pay", "15.00", "theirs.medfee_sumamt", "20.00",
		"ours_only_count", "0", "theirs_only_count", "0", "different_count", "0", "days.0.date", one.day, "days.0.closed", "false")
	bare := func(r *booked) string { // by settlement alone
		return strings.Replace(lineOf(r, ""), fmt.Sprintf(`"msgid":%q,`, r.msgid), "", 1)
	}
	k.reconcile(hospital, day, bare(back), bare(one), lineOf(two, "")+"\n").want(200, "level", "true")
	k.reconcile(hospital, "?from="+day0+"&to="+day0, lineOf(yesterday, "")).want(200, "level", "true", "ours.count", "1")
	k.reconcile(other, "?from="+day0+"&to="+day0).want(200, "level", "true", "ours.count", "0")

	k.reconcile(hospital, day).want(200, "level", "false", "ours_only_count", "3", "ours_only.2.setl_id", one.setlID, "ours_only.2.acct_pay", "15.00", "theirs.count", "0")
	ghost := *one
	ghost.msgid, ghost.setlID = "NEVER", foreign.setlID
	refused := k.post("/v1/settlements", bill{msgid: "REFUSED", code: hospital, patient: p, medfee: "9999.00", inscp: "9999.00", more: `,"on_shortfall":"refuse"`}.body()).want(422)
	if refused.str("code") != "short_of_funds" {
		t.Fatal(refused.text)
	}
	k.post("/v1/reversals", fmt.Sprintf(`{"msgid":"TOMB","fixmedins_code":%q,"original_msgid":"BLOCKED","original_kind":"settlement","psn_no":%q}`, hospital, p.psnNo)).want(200, "state", "blocked")
	named := func(id string) string {
		return strings.Replace(lineOf(one, ""), fmt.Sprintf("%q,\"setl_id\":%q", one.msgid, one.setlID), fmt.Sprintf("%q", id), 1)
	}
	a := k.reconcile(hospital, day, lineOf(one, ""), lineOf(two, ""), lineOf(back, ""),
		lineOf(&ghost, ""), bare(foreign), lineOf(three, ""), lineOf(k.rows[hospital][5], ""), lineOf(yesterday, ""), lineOf(one, ""), named("REFUSED"), named("BLOCKED"), named("TOMB"))
	for i, fate := range []string{"never_seen", "never_seen", "void", "void", "other_day", "twice", "refused", "blocked", "blocked"} {
		a.want(200, fmt.Sprintf("theirs_only.%d.fate", i), fate, fmt.Sprintf("theirs_only.%d.line", i), fmt.Sprint(i+4), fmt.Sprintf("theirs_only.%d.infno", i), "2207")
	}
	a.want(200, "level", "false", "theirs_only_count", "9", "ours_only_count", "0", "different_count", "0", "theirs_only.0.msgid", "NEVER", "theirs_only.0.mdtrt_id", "V1")

	wrong := *one
	wrong.figures[0], wrong.figures[2] = 2001, 1499
	wrong.setlID = two.setlID
	k.reconcile(hospital, day, lineOf(&wrong, `,"psn_cash_pay":"0.01"`), lineOf(two, ""), lineOf(back, "")).want(200, "level", "false", "different_count", "1", "different.0.line", "1",
		"different.0.fields.0.field", "setl_id", "different.0.fields.0.ours", one.setlID, "different.0.fields.0.theirs", two.setlID,
		"different.0.fields.1.field", "medfee_sumamt", "different.0.fields.1.ours", "20.00", "different.0.fields.1.theirs", "20.01",
		"different.0.fields.2.field", "acct_pay", "different.0.fields.3.field", "psn_cash_pay", "different.0.fields.4.field", "", "ours.acct_pay", "15.00", "theirs.acct_pay", "14.99")
	if k.sequence() != before+2 { // the refused settlement and the tombstone
		t.Errorf("the log went from %d to %d: a reconciliation logs nothing", before, k.sequence())
	}
}

// TestReconciliationRefused: bad lines are named, and limits hold (R31: paths of institutions that are not there).
func TestReconciliationRefused(t *testing.T) {
	k := &books{fixture: start(t, setup{}), rows: map[string][]*booked{}}
	hospital := k.institution("1")
	good := `{"msgid":"A","medfee_sumamt":"1.00","fund_pay_sumamt":"0.00","acct_pay":"1.00"}`
	day := "?from=2026-03-10&to=2026-03-10"
	for line, field := range map[string]string{
		`{"medfee_sumamt":"1.00","fund_pay_sumamt":"0.00","acct_pay":"1.00"}`: "msgid",
		strings.Replace(good, "1.00", "-1.00", 1):                             "medfee_sumamt",
		strings.Replace(good, "0.00", "-0.00", 1):                             "fund_pay_sumamt",
		strings.Replace(good, `"1.00"}`, `"1"}`, 1):                           "",
		strings.Replace(good, `"1.00"}`, `"1.001"}`, 1):                       "acct_pay",
		strings.Replace(good, `"1.00"}`, `1.00}`, 1):                          "acct_pay",
		strings.Replace(good, `"A"`, `"A","refd_setl_flag":"1"`, 1):           "medfee_sumamt",
		strings.Replace(good, `"A"`, `"A","setl_id":"S1"`, 1):                 "setl_id",
		strings.Replace(good, `"A"`, `"A","opter":"1"`, 1):                    "opter",
	} {
		a := k.reconcile(hospital, day, strings.Replace(good, `"A"`, `"B"`, 1), line)
		if field == "" {
			a.want(200)
			continue
		}
		a.want(400, "field", "lines[2]."+field, "id_used", "false")
	}
	many := strings.Repeat(good+"\n", statementLinesMax)
	k.reconcile(hospital, day, many).want(200, "theirs_only_count", fmt.Sprint(statementLinesMax))
	k.reconcile(hospital, day, many+good).want(400, "code", "too_many", "field", "lines")
	for query, field := range map[string]string{"": "from", "?from=2026-03-10": "to", "?from=2026-03-11&to=2026-03-10": "to", "?from=2026-03-10&to=2026-04-10": "to", "?from=x&to=y": "from"} {
		k.reconcile(hospital, query, good).want(400, "field", field)
		k.get("/v1/institutions/"+hospital+"/clearing"+query).want(400, "field", field)
	}
	k.get("/v1/institutions/"+hospital+"/clearing"+day+"&clr_type=x").want(400, "field", "clr_type")
	k.get("/v1/institutions/"+hospital+"/settlements").want(400, "field", "date")
	k.get("/v1/institutions/"+hospital+"/settlements?date=2026-02-30").want(400, "field", "date")
	k.get("/v1/institutions/"+hospital+"/settlements?date=2026-03-10&cursor=E1").want(400, "field", "cursor")
	k.get("/v1/institutions/"+hospital+"/settlements?date=2026-03-10&cursor="+idText('E', 77)).want(400, "field", "cursor")
	k.get("/v1/institutions/"+hospital+"/clearings?cursor=x").want(400, "field", "cursor")
	for _, path := range []string{"/settlements?date=2026-03-10", "/clearing" + day, "/clearings"} {
		k.get("/v1/institutions/NOBODY"+path).want(404, "code", "not_found", "field", "fixmedins_code")
	}
	k.reconcile("NOBODY", day, good).want(404)
	k.clear("NOBODY", "X", "2026-03-10", "2026-03-10", "1.00").want(404)
	k.clear(hospital, "X", "2026-03-11", "2026-03-10", "1.00").want(400, "field", "to")
	k.clear(hospital, "X", "2026-03-10", "2026-03-10", "0.00").want(400, "field", "amount")
}
