package nhsa

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gongji/api/money"
)

// 3201 names each figure that differs, with both sides' sums (and nothing when asked for another insurance, category or area than there is).
func TestTotalsDiffer(t *testing.T) {
	b := &shopBook{fixture: start(t, setup{opt: Options{RequireSignIn: false}})}
	b.shop()
	p := b.newPerson(true)
	b.credit(p, "500.00")
	b.buy(p, "310", "41", "75.00")
	b.giveBack(*b.buy(p, "310", "18", "10.00"))
	q := b.over(b.today(), b.today())
	q.insutype, q.lines = "310", b.lines
	const open = "；期间内有未日结日期，结果可能变化"
	for _, c := range []struct {
		change func(q *asked)
		want   string
	}{
		{func(q *asked) {}, "总账一致" + open},
		{func(q *asked) { q.fee = 100 }, "医疗费总额：机构76.00，中心75.00" + open},
		{func(q *asked) { q.fund = -100 }, "基金支付总额：机构-1.00，中心0.00" + open},
		{func(q *asked) { q.acct = 1 }, "个人账户支付：机构" + money.Text(b.lines[0].acct+1) + "，中心" + money.Text(b.lines[0].acct) + open},
		{func(q *asked) { q.count = -2 }, "结算笔数：机构1，中心3（含退费1）" + open},
		{func(q *asked) { q.insutype, q.lines, q.fee = "390", nil, 1 }, "医疗费总额：机构0.01，中心0.00" + open},
		{func(q *asked) { q.clrType, q.lines = "11", nil }, "总账一致" + open},
		{func(q *asked) { q.area, q.lines = "420200", nil }, "总账一致" + open},
		{func(q *asked) {
			q.fee, q.fund, q.acct, q.count = 99999999999999, 88888888888888, 77777777777777, 999999
		}, ""},
	} {
		changed := q
		c.change(&changed)
		level, dscr := b.totals(changed)
		if c.want != "" && dscr != c.want || level != strings.HasPrefix(dscr, "总账一致") {
			t.Errorf("level %t, %q, want %q", level, dscr, c.want)
		}
	}
	a := b.send(pathStmtTotal, b.message("3201", shopCode, strings.Replace(q.total(), "setl_optins", "clr_optins", 1))).ok("stmtinfo.stmt_rslt", "0") // its name in the settlements' answers
	if a.header.Get("Content-Type") != "application/json" {
		t.Error(a.header)
	}
}

// A range has days or times of day; a date means 00:00:00 to 23:59:59 (nhsa-interface.md 1.4), also when it is written with a time of midnight.
func TestStatementRange(t *testing.T) {
	b := &shopBook{fixture: start(t, setup{})}
	b.shop()
	p := b.newPerson(true)
	b.credit(p, "500.00")
	b.buy(p, "310", "41", "75.00") // 12:00:00
	for _, c := range []struct {
		begin, end string
		in         bool
	}{
		{"2026-03-10", "2026-03-10", true}, {"2026-03-10 00:00:00", "2026-03-10 00:00:00", true}, {"2026-03-10 00:00:00", "2026-03-10 23:59:59", true},
		{"2026-03-10 12:00:00", "2026-03-10 12:00:00", true}, {"2026-03-10 12:00:01", "2026-03-10", false}, {"2026-03-10", "2026-03-10 11:59:59", false},
		{"2026-03-09", "2026-03-09", false}, {"2026-02-08", "2026-03-10", true},
	} {
		q := b.over(0, 0)
		q.insutype, q.begin, q.end = "310", c.begin, c.end
		if c.in {
			q.lines = b.lines
		}
		if level, dscr := b.totals(q); !level {
			t.Errorf("%s to %s: %s", c.begin, c.end, dscr)
		}
	}
	for _, c := range [][2]string{{"2026-03-10", "2026-03-09"}, {"2026-03-10 12:00:01", "2026-03-10 12:00:00"}, {"2026-02-07", "2026-03-10"}, {"2026-03-10", "2026-03-11"}} {
		q := b.over(0, 0)
		q.insutype, q.begin, q.end = "310", c[0], c[1]
		b.send(pathCall, b.message("3201", shopCode, q.total())).refused("bad_value", "data.stmt_enddate")
	}
}

// Bad statements: a sentence with node and field, nothing logged; the sums of message and file must be the same.
func TestBadStatement(t *testing.T) {
	b := &shopBook{fixture: start(t, setup{opt: Options{RequireSignIn: true, StatementLevel: "000000", StatementDiffers: "000103"}})}
	b.shop()
	other := b.institution("H42010000002", "1")
	q := b.over(b.today(), b.today())
	q.insutype = "310"
	before := b.sequence()
	spoil := func(old, new, code, where string) {
		t.Helper()
		body := strings.Replace(q.total(), old, new, 1)
		if body == q.total() {
			t.Fatalf("%s is not in %s", old, body)
		}
		b.send(pathCall, b.message("3201", shopCode, body)).refused(code, where)
	}
	spoil(`"310"`, `"311"`, "bad_value", "data.insutype")
	spoil(`"clr_type":"41"`, `"clr_type":"4x"`, "bad_value", "data.clr_type")
	spoil(`"setl_optins":"420100"`, `"setl_optins":"4201"`, "bad_value", "data.setl_optins")
	spoil(`"setl_optins":"420100",`, ``, "missing_field", "data.setl_optins")
	spoil(`"setl_optins":"420100"`, `"setl_optins":"420100","clr_optins":"420100"`, "duplicate_field", "data.setl_optins")
	spoil(q.begin, "2026-02-30", "bad_value", "data.stmt_begndate")
	spoil(`"acct_pay":0.00`, `"acct_pay":"x"`, "amount_malformed", "data.acct_pay")
	spoil(`"fixmedins_setl_cnt":0`, `"fixmedins_setl_cnt":1.5`, "amount_decimals", "data.fixmedins_setl_cnt")
	spoil(`"refd_setl_flag":""`, `"refd_setl_flag":"2"`, "bad_value", "data.refd_setl_flag")
	b.send(pathStmtTotal, b.message("3201", "P42010000099", q.total())).refused("unknown_institution", "fixmedins_code")
	b.send(pathStmtDetail, b.message("3201", shopCode, q.total())).refused("wrong_infno", "infno")
	b.send(pathStmtTotal, b.message("3201", shopCode, q.total())).ok("stmtinfo.stmt_rslt", "000000")
	q.fee = 1
	b.send(pathStmtTotal, b.message("3201", shopCode, q.total())).ok("stmtinfo.stmt_rslt", "000103")
	q.fee = 0

	file := func(lines ...string) string { return b.upload(shopCode, zipOf(t, "a.txt", strings.Join(lines, "\n"))) }
	refused := func(q asked, code, where string) {
		t.Helper()
		a := b.send(pathCall, b.message("3202", shopCode, q.detail())).refused(code, where)
		if strings.Contains(a.text, "42010000000001") {
			t.Errorf("echoed: %s", a.text)
		}
	}
	q.no = "F1"
	refused(q, "not_found", "data.file_qury_no")
	q.no = b.upload(other, zipOf(t, "a.txt", goodLine))
	refused(q, "not_found", "data.file_qury_no")
	q.no = b.upload(shopCode, []byte("no zip"))
	refused(q, "bad_zip", "file")
	q.no = file(goodLine, goodLine+"\t\t")
	refused(q, "wrong_columns", "file[2]")
	refund := strings.Replace(strings.Replace(strings.Replace(goodLine, "75.00", "-75.00", 1), "62.20", "-62.20", 1), "\t0.00", "\t-1.00", 1)
	q.no = file(goodLine, goodLine, refund)
	refused(q, "amount_parts", "data.medfee_sumamt")
	q.fee = 7500
	refused(q, "amount_parts", "data.fund_pay_sumamt")
	q.fund = -100
	for n := range int64(6) {
		if q.count = n; n == 1 || n == 2 || n == 3 { // lines, without the refund, without what it undid
			b.send(pathCall, b.message("3202", shopCode, q.detail())).ok()
			continue
		}
		refused(q, "amount_parts", "data.fixmedins_setl_cnt")
	}
	if b.sequence() != before+0 {
		t.Errorf("%d batches of the log for questions", b.sequence()-before)
	}
	b.face.walks.Add(statementsMax)
	b.send(pathCall, b.message("3201", shopCode, q.total())).refused("overloaded", "")
	b.face.walks.Add(-statementsMax)
	if n := b.face.walks.Load(); n != 0 {
		t.Errorf("%d statements under way", n)
	}
}

// The institution's file may have exp_content behind its columns: so has the result. An empty one is answered with what we have. Nothing is told of
// settlements of another institution or of another day but that they are not asked for.
func TestStatementFiles(t *testing.T) {
	b := &shopBook{fixture: start(t, setup{})}
	b.shop()
	const other = "P42010000002"
	b.institution(other, "2")
	p := b.newPerson(true)
	b.credit(p, "500.00")
	yesterday := *b.buy(p, "310", "41", "75.00")
	b.nextDay()
	foreign := b.send(pathCall, sent{infno: "2102", msgid: b.msgid(), code: other, input: bought{who: p, total: "75.00", lines: threeLines}.input()}.body()).ok()
	today := *b.buy(p, "310", "41", "8.00")
	e := today
	e.setl, e.visit = foreign.str("output.setlinfo.setl_id"), foreign.str("output.setlinfo.mdtrt_id")
	q := b.over(b.today(), b.today())
	q.lines = []entry{yesterday, e, today}
	found := b.details(q, linesOf(q.lines)...)
	if len(found) != 3 || found[0] != judged(alone(&yesterday, memoOutside), "1") || found[1] != judged(alone(&e, memoUnknown), "1") || found[2].rslt != "0" {
		t.Errorf("%+v", found)
	}
	q.lines = nil
	if found := b.details(q); len(found) != 1 || found[0] != judged(today.want(memoOurs), "1") {
		t.Errorf("of an empty file: %+v", found)
	}
	b.reverse(b.msgid(), found[0].msgid, "2102", p).ok() // the msgid of a surplus serves 2601

	q.lines = []entry{yesterday}
	q.begin, q.end = dateText(yesterday.day), dateText(yesterday.day)
	q.no = b.upload(shopCode, zipOf(t, "a.txt", yesterday.line()+"\tnull\n"))
	no := b.send(pathStmtDetail, b.message("3202", shopCode, q.detail())).ok("fileinfo.filename", "dzjg_2026-03-10_2026-03-10.zip").str("output.fileinfo.file_qury_no")
	packed, _ := b.download(shopCode, no)
	if _, text := unzipped(t, packed); !strings.HasSuffix(text, "\tnull\n") || strings.Count(text, "\t") != 10 {
		t.Errorf("%q", text)
	}
}

func judged(l resultLine, rslt string) resultLine { l.rslt = rslt; return l }

// Purchases under a profile whose answers have account money in fund_pay_sumamt (R1) are level with what their answers said, and so are those of before and
// their refunds behind the change.
func TestStatementSumsAll(t *testing.T) {
	b := &shopBook{fixture: start(t, setup{})}
	b.shop()
	p := b.newPerson(true)
	b.credit(p, "500.00")
	first := *b.buy(p, "310", "41", "75.00")
	b.activate("fund_sum_includes_acct = true")
	second := *b.buy(p, "310", "41", "75.00")
	if first.fund != 0 || second.fund != second.acct || second.acct == 0 {
		t.Fatalf("%+v %+v", first, second)
	}
	b.giveBack(first)
	b.giveBack(second)
	q := b.over(first.day, b.today())
	q.lines = b.lines
	for i, l := range b.details(q, linesOf(b.lines)...) {
		if l != judged(b.lines[i].want("null"), "0") {
			t.Errorf("%+v", l)
		}
	}
	q.insutype = "310"
	if level, dscr := b.totals(q); !level {
		t.Error(dscr)
	}
}

// A hospital's bills over /v1 stand in its statement by their own categories; nobody told it a mdtrt_id, so none is compared.
func TestStatementOfV1(t *testing.T) {
	b := &shopBook{fixture: start(t, setup{})}
	const house = shopCode
	b.institution(house, "1")
	p := b.newPerson(true)
	b.credit(p, "500.00")
	settle := func(care, fee string) string {
		a := b.v1(b.business, "/v1/settlements", "application/json", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"mdtrt_cert_type":"02","mdtrt_cert_no":%q,"med_type":%q,`+
			`"insutype":"310","medfee_sumamt":%q,"fund_pay_sumamt":"0.00","preselfpay_amt":"0.00","inscp_scp_amt":%q,"overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00",`+
			`"opter":"0001","opter_name":"收费员"}`, b.msgid(), house, p.psnNo, p.certno, care, fee, fee))
		if a.status != 201 && a.status != 200 {
			t.Fatal(a.text)
		}
		return a.str("setl_id")
	}
	setl := settle("11", "30.00")
	settle("2101", "40.00")
	e := entry{setl: setl, visit: "ANYTHING", psn: p.psnNo, fee: 3000, acct: 3000}
	q := b.over(b.today(), b.today())
	q.clrType, q.insutype, q.lines = "11", "310", []entry{e}
	if level, dscr := b.totals(q); !level {
		t.Error(dscr)
	}
	found := b.details(q, e.line())
	if len(found) != 1 || found[0].rslt != "0" || found[0].visit != "null" || found[0].setl != setl {
		t.Errorf("%+v", found)
	}
	q.clrType, q.lines = "21", []entry{{fee: 4000, acct: 4000}}
	if level, dscr := b.totals(q); !level {
		t.Error(dscr)
	}
}

// R15: one settlement and sign is one row: of several lines that name it the first is compared, right or wrong, and each further one is told as a repetition,
// whatever its figures; a refund beside its settlement is none. The sums of the message are the file's with all its lines.
func TestStatementRepeats(t *testing.T) {
	b := &shopBook{fixture: start(t, setup{})}
	b.shop()
	p := b.newPerson(true)
	b.credit(p, "500.00")
	first, second := *b.buy(p, "310", "41", "75.00"), *b.buy(p, "310", "41", "8.00")
	b.giveBack(second)
	refund := b.lines[len(b.lines)-1]
	wrong := first
	wrong.fee++
	strange := first
	strange.setl = "X-0001"
	q := b.over(b.today(), b.today())
	q.lines = []entry{wrong, first, second, first, refund, refund, strange, strange}
	found := b.details(q, linesOf(q.lines)...)
	want := []resultLine{
		judged(first.want(fmt.Sprintf("医疗费总额：机构%s，中心%s", money.Text(wrong.fee), money.Text(first.fee))), "1"),
		judged(alone(&first, memoTwice), "1"),
		judged(second.want("null"), "0"),
		judged(alone(&first, memoTwice), "1"),
		judged(refund.want("null"), "0"),
		judged(alone(&refund, memoTwice), "1"),
		judged(alone(&strange, memoUnknown), "1"),
		judged(alone(&strange, memoUnknown), "1"),
	}
	if !slices.Equal(found, want) {
		t.Errorf("%+v\nwant %+v", found, want)
	}
	text := strings.Join(linesOf(q.lines), "\n")
	q.lines = q.lines[:7] // the sums of a file without the last repetition
	q.no = b.upload(shopCode, zipOf(t, "stmt.txt", text))
	b.send(pathStmtDetail, b.message("3202", shopCode, q.detail())).refused("amount_parts", "data.medfee_sumamt")
}
