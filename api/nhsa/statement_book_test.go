package nhsa

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gongji/api/money"
	"gongji/engine"
	"gongji/engine/ledger"
)

// entry is a line of a till's own book: a settlement, or a refund with negative amounts, with what its answers told.
type entry struct {
	setl, visit, psn, msgid string
	insutype                string
	fee, fund, acct, cash   int64
	refund                  bool
	day                     int32
}

func (e *entry) line() string {
	flag := "0"
	if e.refund {
		flag = "1"
	}
	return strings.Join([]string{e.setl, e.visit, e.psn, money.Text(e.fee), money.Text(e.fund), money.Text(e.acct), flag}, "\t")
}

// shopBook is a till's book of its own answers.
type shopBook struct {
	*fixture
	lines []entry
	voids []entry // settlements undone while their day was open
}

func fenOf(t testing.TB, s string) int64 {
	t.Helper()
	fen, err := money.Parse(strings.TrimPrefix(s, "-"))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return fen
}

func (b *shopBook) today() int32 { return ledger.DayOf(b.clock.ms.Load()) }

// buy settles a purchase and writes it down.
func (b *shopBook) buy(p someone, insutype, care, price string) *entry {
	b.t.Helper()
	e := entry{msgid: b.msgid(), psn: p.psnNo, insutype: insutype}
	a := b.settle(e.msgid, bought{who: p, insutype: insutype, care: care, total: price, lines: []line{{"1", "XA01DEMO0001", "1", price, price}}}).ok()
	in := func(name string) string { return a.str("output.setlinfo." + name) }
	e.setl, e.visit, e.day = in("setl_id"), in("mdtrt_id"), b.today()
	e.fee, e.fund, e.acct, e.cash = fenOf(b.t, in("medfee_sumamt")), fenOf(b.t, in("fund_pay_sumamt")), fenOf(b.t, in("acct_pay")), fenOf(b.t, in("psn_cash_pay"))
	if in("clr_type") != "41" || in("clr_optins") != "420100" || !strings.HasPrefix(in("setl_time"), dateText(e.day)) {
		b.t.Fatalf("category, area or time: %s", a.text)
	}
	b.lines = append(b.lines, e)
	return &b.lines[len(b.lines)-1]
}

func (b *shopBook) refund(e entry, msgid string) {
	e.fee, e.fund, e.acct, e.cash, e.refund, e.day, e.msgid = -e.fee, -e.fund, -e.acct, -e.cash, true, b.today(), msgid
	b.lines = append(b.lines, e)
}

// giveBack cancels a settlement by its id (2103): a negative row on its own day (R15).
func (b *shopBook) giveBack(e entry) {
	b.t.Helper()
	msgid := b.msgid()
	b.cancel(msgid, e.setl, e.visit, someone{psnNo: e.psn}).ok("setlinfo.medfee_sumamt", money.Text(e.fee))
	b.refund(e, msgid)
}

// undo reverses a settlement by its message (2601): gone if its day is open, a negative row if it is closed (R15). Whether it is closed the ledger says.
func (b *shopBook) undo(e entry) {
	b.t.Helper()
	msgid, closed := b.msgid(), e.day <= b.closed()
	b.reverse(msgid, e.msgid, "2102", someone{psnNo: e.psn}).ok()
	if closed {
		b.refund(e, msgid)
		return
	}
	b.lines = slices.DeleteFunc(b.lines, func(x entry) bool { return x.setl == e.setl })
	b.voids = append(b.voids, e)
}

// closed is the last closed day.
func (b *shopBook) closed() (day int32) {
	b.t.Helper()
	if err := b.engine.Ask(func(v engine.View) { day = v.State.Scalars.At(0).ClosedThrough }); err != nil {
		b.t.Fatal(err)
	}
	return day
}

// nextDay goes to 09:00 of the next day and does what is due.
func (b *shopBook) nextDay() {
	b.t.Helper()
	day := int64(b.today()) + 1
	b.clock.ms.Store(day*dayMS - zoneMS + 9*3600*1000)
	if err := b.engine.Housekeep(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *shopBook) alive() (list []entry) {
	gone := map[string]bool{}
	for _, e := range b.lines {
		if e.refund {
			gone[e.setl] = true
		}
	}
	for _, e := range b.lines {
		if !e.refund && !gone[e.setl] {
			list = append(list, e)
		}
	}
	return list
}

// between are the lines of some days; insutype "": of all.
func (b *shopBook) between(from, to int32, insutype string) (list []entry) {
	for _, e := range b.lines {
		if e.day >= from && e.day <= to && (insutype == "" || e.insutype == insutype) {
			list = append(list, e)
		}
	}
	return list
}

func dateText(day int32) string { return string(appendDay(nil, int64(day))) }

// asked is a statement.
type asked struct {
	insutype, clrType, area string
	begin, end, refunds     string
	no                      string // of a detail
	lines                   []entry
	fee, fund, acct, count  int64 // beside the lines' sums
}

func (b *shopBook) over(from, to int32) asked {
	return asked{clrType: "41", area: "420100", begin: dateText(from), end: dateText(to)}
}

func (q *asked) sums() (fee, fund, acct, cash, count int64) {
	for i := range q.lines {
		e := &q.lines[i]
		fee, fund, acct, cash = fee+e.fee, fund+e.fund, acct+e.acct, cash+e.cash
	}
	return fee + q.fee, fund + q.fund, acct + q.acct, cash, int64(len(q.lines)) + q.count
}

func (q asked) total() string {
	fee, fund, acct, _, count := q.sums()
	return fmt.Sprintf(`{"data":{"insutype":%q,"clr_type":%q,"setl_optins":%q,"stmt_begndate":%q,"stmt_enddate":%q,"medfee_sumamt":%s,"fund_pay_sumamt":"%s","acct_pay":%s,`+
		`"fixmedins_setl_cnt":%d,"refd_setl_flag":%q,"fixmedins_refd_setl_flag":"0"}}`, q.insutype, q.clrType, q.area, q.begin, q.end, money.Text(fee), money.Text(fund), money.Text(acct), count, q.refunds)
}

func (q asked) detail() string {
	fee, fund, _, cash, count := q.sums()
	return fmt.Sprintf(`{"data":{"setl_optins":%q,"file_qury_no":%q,"stmt_begndate":%q,"stmt_enddate":%q,"medfee_sumamt":%s,"fund_pay_sumamt":%s,"cash_payamt":%s,`+
		`"fixmedins_setl_cnt":"%d","clr_type":%q,"refd_setl_flag":%q,"fixmedins_refd_setl_flag":"0"}}`, q.area, q.no, q.begin, q.end, money.Text(fee), money.Text(fund), money.Text(cash), count, q.clrType, q.refunds)
}

// totals asks a 3201 and gives what it says.
func (b *shopBook) totals(q asked) (level bool, dscr string) {
	b.t.Helper()
	a := b.send(pathStmtTotal, b.message("3201", shopCode, q.total())).ok("stmtinfo.setl_optins", q.area)
	checkTables(b.t, "3201", a)
	dscr = a.str("output.stmtinfo.stmt_rslt_dscr")
	if utf8.RuneCountInString(dscr) > 200 {
		b.t.Errorf("%s", dscr)
	}
	switch r := a.str("output.stmtinfo.stmt_rslt"); r {
	case "0", "1":
		return r == "0", dscr
	default:
		b.t.Fatalf("stmt_rslt %q", r)
	}
	return false, ""
}

// resultLine is a line of a result file (table 151).
type resultLine struct{ psn, visit, setl, msgid, rslt, flag, memo, fee, fund, acct string }

// details uploads lines, asks a 3202 and fetches its result.
func (b *shopBook) details(q asked, lines ...string) (out []resultLine) {
	b.t.Helper()
	text := strings.Join(lines, "\n")
	q.no = b.upload(shopCode, zipOf(b.t, "stmt.txt", text))
	a := b.send(pathStmtDetail, b.message("3202", shopCode, q.detail())).ok()
	checkTables(b.t, "3202", a)
	return b.result(a.str("output.fileinfo.file_qury_no"))
}

func (b *shopBook) result(no string) (out []resultLine) {
	b.t.Helper()
	packed, refused := b.download(shopCode, no)
	if refused != nil {
		b.t.Fatal(refused.text)
	}
	name, text := unzipped(b.t, packed)
	if !strings.HasSuffix(name, ".txt") {
		b.t.Errorf("a file %s", name)
	}
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		c := strings.Split(l, "\t")
		if l == "" {
			continue
		}
		if len(c) != 10 || slices.Contains(c, "") {
			b.t.Fatalf("line %q", l)
		}
		out = append(out, resultLine{c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9]})
	}
	return out
}

func linesOf(list []entry) (out []string) {
	for i := range list {
		out = append(out, list[i].line())
	}
	return out
}
