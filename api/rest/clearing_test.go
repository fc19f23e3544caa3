package rest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gongji/api"
	"gongji/api/money"
	"gongji/engine"
	"gongji/engine/ledger"
)

// booked is a row that an institution keeps of its own.
type booked struct {
	setlID, msgid, opter string
	refund, void         bool
	day                  string
	clr                  string
	figures              [5]int64 // in the order of figureNames; of a refund not above 0
	patient              someone
	original             *booked
}

// books are the test's own account of what institutions did: what the calls have to tell.
type books struct {
	*fixture
	rows map[string][]*booked // by institution, in the order of the log
	paid map[string]int64
}

func (k *books) today() string {
	return time.UnixMilli(k.clock.ms.Load()).In(time.FixedZone("", 8*3600)).Format(time.DateOnly)
}

func fenOf(t testing.TB, text string) int64 {
	t.Helper()
	digits, negative := strings.CutPrefix(text, "-")
	n, err := money.Parse(digits)
	if err != nil {
		t.Fatalf("amount %q", text)
	}
	if negative {
		return -n
	}
	return n
}

// settle is a bill of a shift's operator.
func (k *books) settle(code string, p someone, medfee, fund, opter string) *booked {
	k.t.Helper()
	b := bill{msgid: k.msgid(), code: code, patient: p, medfee: medfee, inscp: medfee, fund: fund}
	a := k.post("/v1/settlements", strings.Replace(b.body(), `"opter":"0001"`, fmt.Sprintf(`"opter":%q`, opter), 1)).want(200)
	row := &booked{setlID: a.str("setl_id"), msgid: b.msgid, opter: opter, day: k.today(), clr: a.str("clr_type"), patient: p}
	for i, text := range []string{medfee, fund, a.str("acct_pay"), a.str("acct_mulaid_pay"), a.str("psn_cash_pay")} {
		row.figures[i] = fenOf(k.t, text)
	}
	k.rows[code] = append(k.rows[code], row)
	return row
}

// undone notes what undid a row.
func (k *books) undone(code string, row *booked, msgid, opter string) *booked {
	back := &booked{setlID: row.setlID, msgid: msgid, opter: opter, refund: true, day: k.today(), clr: row.clr, original: row}
	for i := range back.figures {
		back.figures[i] = -row.figures[i]
	}
	k.rows[code] = append(k.rows[code], back)
	return back
}

// cancel undoes by setl_id: a negative row on its own day.
func (k *books) cancel(code string, row *booked, opter string) {
	k.t.Helper()
	id := k.msgid()
	k.post("/v1/settlements/"+row.setlID+"/reversal", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"opter":%q,"reason":"退费"}`, id, code, row.patient.psnNo, opter)).
		want(200, "acct_pay", money.Text(row.figures[2]))
	k.undone(code, row, id, opter)
}

// reverse undoes by msgid (2601); open: its day is not closed, so both leave it.
func (k *books) reverse(code string, row *booked, open bool) {
	k.t.Helper()
	id := k.msgid()
	k.post("/v1/reversals", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"original_msgid":%q,"original_kind":"settlement","psn_no":%q}`, id, code, row.msgid, row.patient.psnNo)).
		want(200, "state", "reversed")
	back := k.undone(code, row, id, "")
	back.void, row.void = open, open
}

// of are the rows of some days that count, newest first.
func (k *books) of(code, from, to string) (rows []*booked) {
	for _, r := range slices.Backward(k.rows[code]) {
		if !r.void && r.day >= from && r.day <= to {
			rows = append(rows, r)
		}
	}
	return rows
}

func sumOf(rows []*booked) (sums [5]int64) {
	for _, r := range rows {
		for i := range sums {
			sums[i] += r.figures[i]
		}
	}
	return sums
}

func (k *books) list(code, day, more string) []any {
	k.t.Helper()
	return k.get("/v1/institutions/"+code+"/settlements?date="+day+more).want(200, "date", day).at("settlements").([]any)
}

// agrees compares the list of a day, and that of an operator, with the books.
func (k *books) agrees(code, day string) {
	k.t.Helper()
	want := k.of(code, day, day)
	got := k.list(code, day, "")
	if len(got) != len(want) {
		k.t.Fatalf("%s on %s: %d rows, want %d", code, day, len(got), len(want))
	}
	for i, r := range want {
		g := got[i].(map[string]any)
		if g["setl_id"] != r.setlID || g["msgid"] != r.msgid || g["refd_setl_flag"] != refundFlag(r.refund) || g["clr_type"] != r.clr || g["clr_optins"] != "420100" {
			k.t.Errorf("%s on %s row %d: %v, want %+v", code, day, i, g, r)
		}
		if opter, _ := g["opter"].(string); opter != r.opter {
			k.t.Errorf("%s on %s row %d: opter %q, want %q", code, day, i, opter, r.opter)
		}
		for f, name := range figureNames {
			if g[name] != money.Text(r.figures[f]) {
				k.t.Errorf("%s on %s row %d: %s %v, want %s", code, day, i, name, g[name], money.Text(r.figures[f]))
			}
		}
		if paid, want := g["cleared"], r.day <= k.paidThrough(code); paid != want {
			k.t.Errorf("%s on %s row %d: cleared %v, want %t", code, day, i, paid, want)
		}
	}
	late := 0
	for _, r := range want {
		if r.opter == "LATE" {
			late++
		}
	}
	if got := k.list(code, day, "&opter=LATE"); len(got) != late {
		k.t.Errorf("%s on %s: %d rows of the late shift, want %d", code, day, len(got), late)
	}
}

func (k *books) paidThrough(code string) string {
	a := k.get("/v1/institutions/" + code + "/clearings").want(200)
	return a.str("clearings.0.to")
}

// totals compares the totals of some days with the books and gives the net acct_pay.
func (k *books) totals(code, from, to, more string, rows []*booked) int64 {
	k.t.Helper()
	a := k.get("/v1/institutions/" + code + "/clearing?from=" + from + "&to=" + to + more).want(200)
	var given, back []*booked
	for _, r := range rows {
		if r.refund {
			back = append(back, r)
		} else {
			given = append(given, r)
		}
	}
	for prefix, rows := range map[string][]*booked{"": given, "refunds.": back, "net.": rows} {
		want := sumOf(rows)
		a.want(200, prefix+"count", fmt.Sprint(len(rows)))
		for f, name := range figureNames {
			a.want(200, prefix+name, money.Text(want[f]))
		}
	}
	return sumOf(rows)[2]
}

func (k *books) clear(code, msgid, from, to, amount string) *answer {
	k.t.Helper()
	return k.postAdmin("/v1/institutions/"+code+"/clearings", fmt.Sprintf(`{"msgid":%q,"from":%q,"to":%q,"amount":%q}`, msgid, from, to, amount))
}

// payOut clears days for what they come to.
func (k *books) payOut(code, from, to string) {
	k.t.Helper()
	amount := sumOf(k.of(code, from, to))[2]
	k.clear(code, k.msgid(), from, to, money.Text(amount)).want(200, "amount", money.Text(amount), "from", from, "to", to)
	k.paid[code] += amount
}

// level: what institutions are owed and were paid is what all their rows come to (R17).
func (k *books) level() {
	k.t.Helper()
	var owed, paid int64
	for code := range k.rows {
		owed += k.totals(code, "2026-03-10", "2026-03-31", "", k.of(code, "2026-03-10", "2026-03-31"))
		paid += k.paid[code]
	}
	a := k.getAdmin("/v1/ledger/totals").want(200, "sum", "0.00")
	if got := fenOf(k.t, a.str("totals.institution_payable")) + paid; got != owed || fenOf(k.t, a.str("totals.fund_bank")) != paid {
		k.t.Errorf("owed and paid %d, rows %d; fund bank %s, paid %d", got, owed, a.str("totals.fund_bank"), paid)
	}
}

// TestFortnight (R15, R16, R17): fourteen days of a hospital and a pharmacy: settlements, cancels, 2601 before and after the close, cancels of what was paid out.
// Every list and every total is that of the test's own books, and what is owed and paid is what the rows come to.
func TestFortnight(t *testing.T) {
	k := &books{fixture: start(t, setup{}), rows: map[string][]*booked{}, paid: map[string]int64{}}
	hospital, pharmacy := k.institution("1"), k.institution("2")
	patient, mother, cash := k.newPerson(true), k.newPerson(true), k.newPerson(false)
	k.credit(patient, "500.00")
	k.credit(mother, "50000.00")
	k.bind(mother, patient, "")
	var days []string
	var kept []*booked
	for day := range 14 {
		days = append(days, k.today())
		var today []*booked
		for i := range 3 {
			today = append(today, k.settle(hospital, patient, fmt.Sprintf("%d.%02d", 100+10*day+i, day), fmt.Sprintf("%d.00", 40+i), []string{"DAY", "LATE"}[i%2]))
		}
		k.settle(hospital, cash, "20.00", "5.00", "DAY")
		drug := k.settle(pharmacy, patient, "12.00", "0.00", "LATE")
		kept = append(kept, today[1])
		k.cancel(hospital, today[0], "LATE") // on the same day
		switch {
		case day == 4 || day == 11:
			k.cancel(pharmacy, drug, "DAY")
		case day == 5:
			k.reverse(hospital, today[2], true) // on the same day
			k.reverse(hospital, kept[4], true)  // yesterday is open until tonight
			k.reverse(hospital, kept[3], false) // the day before was closed at midnight
			k.reverse(hospital, kept[2], false)
		case day == 9:
			k.cancel(hospital, kept[0], "LATE") // paid out on day 8
			k.reverse(hospital, kept[1], false)
		}
		k.nextDay()
		if day == 7 { // closed through day 6
			open := k.clear(hospital, "OPEN", days[0], days[7], "1.00").want(422, "code", "day_open", "field", "to", "id_used", "false")
			if open.str("outcome") != "" {
				t.Errorf("%s", open.text)
			}
			right := money.Text(sumOf(k.of(hospital, days[0], days[6]))[2])
			k.clear(hospital, "C1", days[0], days[6], "1.00").want(422, "code", "clearing_differs", "acct_pay", right, "field", "amount", "id_used", "false")
			k.payOut(hospital, days[0], days[6])
			k.clear(hospital, "C2", days[6], days[6], money.Text(sumOf(k.of(hospital, days[6], days[6]))[2])).want(422, "code", "already_cleared", "outcome", "743", "id_used", "true")
			k.payOut(pharmacy, days[0], days[6])
		}
	}
	for range 2 {
		k.nextDay()
	}
	for _, code := range []string{hospital, pharmacy} {
		for _, day := range days {
			k.agrees(code, day)
		}
		k.totals(code, days[0], days[13], "", k.of(code, days[0], days[13]))
		k.totals(code, days[0], days[6], "&insutype=390&clr_optins=420100", k.of(code, days[0], days[6]))
		k.totals(code, days[0], days[13], "&insutype=310", nil)
		k.totals(code, days[0], days[13], "&clr_optins=420200", nil)
		k.totals(code, days[0], days[13], "&clr_type=11", k.of(hospital, days[0], days[13])[:len(k.of(hospital, days[0], days[13]))*btoi(code == hospital)])
	}
	k.level()
	var own []string
	for _, r := range k.of(hospital, days[0], days[13]) {
		own = append(own, lineOf(r, ""))
	}
	all := "?from=" + days[0] + "&to=" + days[13]
	k.reconcile(hospital, all, own...).want(200, "level", "true", "ours.count", fmt.Sprint(len(own)), "days.13.closed", "true")
	k.reconcile(hospital, all, own[1:]...).want(200, "level", "false", "ours_only_count", "1")
	k.payOut(hospital, days[7], days[13])
	k.payOut(pharmacy, days[7], days[13])
	k.level()
	k.getAdmin("/v1/ledger/totals").want(200, "totals.institution_payable", "0.00")
	k.get("/v1/institutions/"+hospital+"/clearings").want(200, "clearings.0.from", days[7], "clearings.1.to", days[6], "closed_through", "2026-03-24")

	// Everything was paid out; what is given back now is owed by the hospital, and netted by its next bill.
	before := k.balance(mother)
	k.cancel(hospital, kept[8], "DAY")
	if k.balance(mother) == before {
		t.Error("nothing came back")
	}
	late := k.today()
	k.getAdmin("/v1/ledger/totals").want(200, "totals.institution_payable", money.Text(-kept[8].figures[2]))
	k.get("/v1/settlements/"+kept[8].setlID).want(200, "state", "reversed", "cleared", "true")
	k.nextDay()
	k.nextDay()
	k.clear(hospital, "C9", late, late, "1.00").want(422, "code", "clearing_differs", "acct_pay", money.Text(-kept[8].figures[2]))
	next := k.settle(hospital, patient, "1000.00", "100.00", "DAY")
	k.get("/v1/settlements/"+next.setlID).want(200, "cleared", "false")
	k.nextDay()
	k.nextDay()
	due := money.Text(sumOf(k.of(hospital, late, next.day))[2])
	k.clear(hospital, "C10", late, next.day, due).want(200, "amount", due)
	k.paid[hospital] += fenOf(t, due)
	if again := k.clear(hospital, "C10", late, next.day, due).want(200, "amount", due); !again.replayed {
		t.Error("paid twice")
	}
	k.clear(hospital, "C10", late, next.day, "1.00").want(409, "code", "id_reused") // R10
	k.clear(hospital, "C2", days[6], days[6], "1.00").want(409)                     // a refusal's id is used up too
	k.get("/v1/settlements/"+next.setlID).want(200, "cleared", "true")
	k.get("/v1/settlements/"+kept[4].setlID).want(200, "state", "reversed", "cleared", "false") // void: of no clearing
	k.getAdmin("/v1/ledger/totals").want(200, "totals.institution_payable", "0.00")
	k.level()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestClearingKeys (R16, R17): totals and payouts by kind of care, insurance and area; the area is that of the settlement, wherever the patient is insured since.
func TestClearingKeys(t *testing.T) {
	k := &books{fixture: start(t, setup{}), rows: map[string][]*booked{}}
	hospital, p := k.institution("1"), k.newPerson(true)
	k.credit(p, "1000.00")
	settle := func(amount, medType, insutype string) string {
		body := bill{msgid: k.msgid(), code: hospital, patient: p, medfee: amount, inscp: amount}.body()
		return k.post("/v1/settlements", strings.NewReplacer(`"med_type":"11"`, fmt.Sprintf(`"med_type":%q`, medType), `"insutype":"390"`, fmt.Sprintf(`"insutype":%q`, insutype)).Replace(body)).
			want(200).str("setl_id")
	}
	outpatient := settle("1.00", "11", "310")
	settle("2.00", "21", "310")
	settle("4.00", "21", "390")
	k.postAdmin("/v1/persons/"+p.psnNo+"/changes", fmt.Sprintf(`{"msgid":%q,"insuplc_admdvs":"420200"}`, k.msgid())).want(200)
	moved := settle("8.00", "11", "310")
	day := k.today()
	path := "/v1/institutions/" + hospital
	k.get(path+"/settlements?date="+day).want(200, "settlements.0.setl_id", moved, "settlements.0.clr_optins", "420200", "settlements.1.clr_optins", "420100", "settlements.1.clr_type", "21")
	for query, want := range map[string]string{"": "15.00", "&clr_type=11": "9.00", "&clr_type=21": "6.00", "&insutype=390": "4.00", "&clr_optins=420200": "8.00", "&clr_optins=420100": "7.00",
		"&clr_type=11&clr_optins=420100&insutype=310": "1.00", "&clr_type=41": "0.00"} {
		k.get(path+"/clearing?from="+day+"&to="+day+query).want(200, "acct_pay", want, "net.acct_pay", want)
	}
	k.nextDay()
	k.nextDay()
	pay := func(clr, amount string) *answer {
		return k.postAdmin(path+"/clearings", fmt.Sprintf(`{"msgid":%q,"from":%q,"to":%q,"amount":%q%s}`, k.msgid(), day, day, amount, clr))
	}
	pay(`,"clr_type":"00"`, "15.00").want(400, "code", "bad_value", "field", "clr_type") // all categories, by the ledger's number
	pay(`,"clr_type":"21"`, "15.00").want(422, "code", "clearing_differs", "acct_pay", "6.00")
	pay(`,"clr_type":"21"`, "6.00").want(200, "clr_type", "21", "amount", "6.00")
	k.get(path+"/settlements?date="+day).want(200, "settlements.0.cleared", "false", "settlements.1.cleared", "true", "settlements.2.cleared", "true", "settlements.3.cleared", "false")
	pay(`,"clr_type":"21"`, "6.00").want(422, "code", "already_cleared", "field", "from")
	pay("", "15.00").want(422, "code", "already_cleared")
	k.get("/v1/settlements/"+outpatient).want(200, "cleared", "false")
	pay(`,"clr_type":"11"`, "9.00").want(200)
	k.get("/v1/settlements/"+outpatient).want(200, "cleared", "true")
	k.get(path+"/clearings").want(200, "clearings.0.clr_type", "11", "clearings.1.clr_type", "21", "clearings.1.amount", "6.00")
	k.getAdmin("/v1/ledger/totals").want(200, "totals.institution_payable", "0.00", "totals.fund_bank", "15.00")
}

// TestRefundNettedLate (R17): what a quiet institution was paid and gave back is netted by its next bill, two months later.
func TestRefundNettedLate(t *testing.T) {
	k := &books{fixture: start(t, setup{}), rows: map[string][]*booked{}, paid: map[string]int64{}}
	hospital, p := k.institution("1"), k.newPerson(true)
	k.credit(p, "1000.00")
	days := func(n int) {
		for range n {
			k.nextDay()
		}
	}
	row := k.settle(hospital, p, "100.00", "0.00", "DAY")
	days(2)
	k.payOut(hospital, row.day, row.day)
	refunded := k.today()
	k.cancel(hospital, row, "DAY")
	days(60)
	last := k.settle(hospital, p, "300.00", "0.00", "DAY")
	days(2)
	k.clear(hospital, k.msgid(), last.day, last.day, "300.00").want(422, "code", "clearing_exceeds") // more than is owed
	k.payOut(hospital, refunded, last.day)
	k.get("/v1/institutions/"+hospital+"/settlements?date="+refunded).want(200, "settlements.0.cleared", "true")
	k.getAdmin("/v1/ledger/totals").want(200, "totals.institution_payable", "0.00", "totals.fund_bank", "300.00")
	k.clear(hospital, k.msgid(), "2016-03-10", last.day, "1.00").want(400, "code", "bad_value", "field", "to", "id_used", "false")
}

// TestRedoCleared (R11, R15, R17): a void settlement that was redone is a row by its redo alone: paid out when the redo's day is, and not before.
func TestRedoCleared(t *testing.T) {
	policy := engine.Hubei
	policy.CancelReversible = 1
	k := &books{fixture: start(t, setup{policy: policy}), rows: map[string][]*booked{}}
	hospital, p := k.institution("1"), k.newPerson(true)
	k.credit(p, "1000.00")
	msgid := k.msgid()
	settled, first := k.post("/v1/settlements", bill{msgid: msgid, code: hospital, patient: p, medfee: "10.00", inscp: "10.00"}.body()).want(200).str("setl_id"), k.today()
	k.settle(hospital, p, "20.00", "0.00", "DAY")
	cancel := k.msgid()
	k.post("/v1/reversals", messageBody(cancel, hospital, msgid, "settlement", p)).want(200, "state", "reversed")
	k.nextDay()
	again := k.today()
	redo := k.msgid()
	k.post("/v1/reversals", messageBody(redo, hospital, cancel, "reversal", p)).want(200, "state", "settled")
	k.nextDay()
	k.nextDay()
	is := func(state, cleared string) {
		k.t.Helper()
		k.get("/v1/settlements/"+settled).want(200, "state", state, "cleared", cleared)
	}
	k.clear(hospital, k.msgid(), first, first, "20.00").want(200)
	is("settled", "false")
	k.clear(hospital, k.msgid(), again, again, "10.00").want(200)
	is("settled", "true")
	k.post("/v1/settlements/"+settled+"/reversal", reversalBody(k.msgid(), hospital, p)).want(200)
	is("reversed", "true")
}

// TestClrCode (R16, R17): a category is known to the ledger by the number that is written like it, and by none that is another's.
func TestClrCode(t *testing.T) {
	for clr, want := range map[string]uint16{"11": 11, "09": 9, "1103": 1103, "65535": 65_535, "9": 0, "00": 0, "011": 0, "65536": 0, "990101": 0, "": 0} {
		if got := clrCode(clr); got != want {
			t.Errorf("category %q is %d, want %d", clr, got, want)
		}
	}
}

// TestRowPages (R15, R28): pages of a list fit each other whatever happens between them, totals go over all pages, and a place in one institution's list is none in another's.
func TestRowPages(t *testing.T) {
	k := &books{fixture: start(t, setup{}), rows: map[string][]*booked{}}
	hospital, other, p := k.institution("1"), k.institution("1"), k.newPerson(true)
	k.credit(p, "10000.00")
	var lines []string
	for range 700 {
		lines = append(lines, bill{msgid: k.msgid(), code: hospital, patient: p, medfee: "1.00", inscp: "1.00"}.body())
	}
	k.send("POST", k.business+"/v1/settlements/batch", mediaNDJSON, strings.Join(lines, "\n")).want(200)
	k.settle(other, p, "2.00", "0.00", "A")
	day, list := k.today(), "/v1/institutions/"+hospital+"/settlements?date="
	first := k.get(list+day).want(200, "closed", "false")
	rows, cursor := first.at("settlements").([]any), first.str("cursor")
	if len(rows) != engine.InstitutionRowsMax || cursor == "" {
		t.Fatalf("%d rows, cursor %q", len(rows), cursor)
	}
	oldest := strings.Split(lines[0], `"`)[3]
	k.post("/v1/reversals", fmt.Sprintf(`{"msgid":"LATE","fixmedins_code":%q,"original_msgid":%q,"original_kind":"settlement","psn_no":%q}`, hospital, oldest, p.psnNo)).want(200)
	second := k.get(list+day+"&cursor="+cursor).want(200, "sequence", first.str("sequence"), "cursor", "")
	rows = append(rows, second.at("settlements").([]any)...)
	for i, row := range rows {
		if got, want := row.(map[string]any)["msgid"], strings.Split(lines[699-i], `"`)[3]; got != want {
			t.Fatalf("row %d is %v, want %s", i, got, want)
		}
	}
	if len(rows) != 700 {
		t.Errorf("%d rows", len(rows))
	}
	k.get("/v1/institutions/"+hospital+"/clearing?from="+day+"&to="+day).want(200, "count", "699", "acct_pay", "699.00", "refunds.count", "0", "days.0.closed", "false")
	for _, bad := range []string{"/v1/institutions/" + other + "/settlements?date=" + day + "&cursor=" + cursor, list + day + "&cursor=" + cursor + "0000000",
		list + day + "&cursor=" + idText('E', uint64(ledger.At(1, 0))) + ".9"} {
		k.get(bad).want(400, "code", "bad_value", "field", "cursor")
	}

	face := newFace(k.engine, Options{})
	face.walks.Store(rowsWalksMax)
	h := house{code: ledger.NewCode([]byte(hospital))}
	if p := face.ask(func(v engine.View) { h.read(v) }); p.Code != "" {
		t.Fatal(p)
	}
	if p := face.eachRow(&rowWalk{house: &h}, func(*instRow) api.Problem { return api.Problem{} }); p.Code != api.CodeOverloaded || face.walks.Load() != rowsWalksMax {
		t.Errorf("one walk too many: %+v", p)
	}
}

// TestRowSights (R28, R31): an institution reads its own bills on the business listener, without who paid; the bureau's look at them is audited; payouts are made on the
// admin listener only.
func TestRowSights(t *testing.T) {
	log := &logBuffer{}
	k := &books{fixture: start(t, setup{log: log}), rows: map[string][]*booked{}}
	hospital, other, p, mother := k.institution("1"), k.institution("1"), k.newPerson(false), k.newPerson(true)
	k.credit(mother, "10.00")
	k.bind(mother, p, "")
	row := k.settle(hospital, p, "5.00", "0.00", "A")
	query := "?date=" + row.day
	a := k.get("/v1/institutions/"+hospital+"/settlements"+query).want(200, "settlements.0.setl_id", row.setlID, "settlements.0.acct_mulaid_pay", "5.00")
	for _, secret := range []string{mother.psnNo, mother.certno, p.certno, "payers"} {
		if strings.Contains(a.text, secret) {
			t.Errorf("the institution sees %s", secret)
		}
	}
	k.get("/v1/institutions/"+other+"/settlements"+query).want(200, "settlements.0.setl_id", "")
	k.reconcile(other, "?from="+row.day+"&to="+row.day, lineOf(row, "")).want(200, "theirs_only.0.fate", "never_seen")
	if strings.Contains(log.String(), "audit") {
		t.Errorf("audited: %s", log.String())
	}
	k.getAdmin("/v1/institutions/" + hospital + "/settlements" + query).want(200)
	k.send("POST", k.admin+"/v1/institutions/"+hospital+"/reconciliation?from="+row.day+"&to="+row.day, mediaNDJSON, "").want(200)
	if n := strings.Count(log.String(), `"audit":"full view"`); n != 2 || strings.Contains(log.String(), p.psnNo) {
		t.Errorf("%d audited: %s", n, log.String())
	}
	k.sendAny("POST", k.business+"/v1/institutions/"+hospital+"/clearings", "application/json", "{}").want(404)
}
