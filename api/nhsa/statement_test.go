package nhsa

import (
	"fmt"
	"math/rand/v2"
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

// planted is one difference put into an institution's file: what becomes of the lines, and what the result must say of it, and of nothing else.
type planted struct {
	name string
	// plant changes lines and gives the line of the result that must not be level, by its setl_id and flag, and a piece of its memo.
	plant func(b *shopBook, list []entry, lines []string) ([]string, resultLine)
}

// anyOf picks a line that a test accepts.
func anyOf(list []entry, fits func(e *entry) bool) (at int) {
	at = -1
	for i := range list {
		if fits(&list[i]) {
			at = i
		}
	}
	return at
}

func changed(l string, column int, v string) string {
	c := strings.Split(l, "\t")
	c[column] = v
	return strings.Join(c, "\t")
}

func (e *entry) want(memo string) resultLine {
	flag := "0"
	if e.refund {
		flag = "1"
	}
	return resultLine{psn: e.psn, visit: e.visit, setl: e.setl, msgid: e.msgid, flag: flag, memo: memo, fee: money.Text(e.fee), fund: money.Text(e.fund), acct: money.Text(e.acct)}
}

func alone(e *entry, memo string) resultLine {
	w := e.want(memo)
	w.msgid, w.fee, w.fund, w.acct = "null", "null", "null", "null"
	return w
}

// plants are the kinds of difference. In each list is what the institution has, today's lines included.
var plants = []planted{
	{"a settlement left out", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		i := anyOf(list, func(e *entry) bool { return !e.refund })
		return slices.Delete(lines, i, i+1), list[i].want(memoOurs)
	}},
	{"a refund left out", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		i := anyOf(list, func(e *entry) bool { return e.refund })
		return slices.Delete(lines, i, i+1), list[i].want(memoOursRefund)
	}},
	{"another fee", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		i := anyOf(list, func(e *entry) bool { return !e.refund })
		lines[i] = changed(lines[i], sentFee, money.Text(list[i].fee+1))
		return lines, list[i].want(fmt.Sprintf("医疗费总额：机构%s，中心%s", money.Text(list[i].fee+1), money.Text(list[i].fee)))
	}},
	{"another fund", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		i := anyOf(list, func(e *entry) bool { return e.refund })
		lines[i] = changed(lines[i], sentFund, money.Text(list[i].fund-5))
		return lines, list[i].want(fmt.Sprintf("基金支付总额：机构%s，中心%s", money.Text(list[i].fund-5), money.Text(list[i].fund)))
	}},
	{"other account money", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		i := anyOf(list, func(e *entry) bool { return !e.refund })
		lines[i] = changed(lines[i], sentAcct, money.Text(list[i].acct+100))
		return lines, list[i].want(fmt.Sprintf("个人账户支出：机构%s，中心%s", money.Text(list[i].acct+100), money.Text(list[i].acct)))
	}},
	{"another person", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		lines[0] = changed(lines[0], sentPsn, "42019999999999")
		return lines, list[0].want(memoPerson)
	}},
	{"another visit", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		lines[0] = changed(lines[0], sentVisit, "D0000000010007$")
		return lines, list[0].want(memoVisit)
	}},
	{"a settlement flagged that stands", func(b *shopBook, list []entry, lines []string) ([]string, resultLine) {
		standing := b.alive()
		i := anyOf(list, func(e *entry) bool { return slices.Contains(standing, *e) })
		lines[i] = changed(lines[i], sentFlag, "1")
		return lines, list[i].want(memoFlag)
	}},
	{"a refund without its flag", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		i := anyOf(list, func(e *entry) bool { return e.refund })
		lines[i] = changed(lines[i], sentFlag, "0")
		return lines, list[i].want(memoFlag)
	}},
	{"a line twice", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		return append(lines, lines[0]), alone(&list[0], memoTwice)
	}},
	{"a settlement nobody knows", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		e := list[0]
		e.setl, e.refund, e.fee, e.fund, e.acct = "X-0001", false, 100, 0, 0
		return append(lines, e.line()), alone(&e, memoUnknown)
	}},
	{"a settlement that was never made", func(_ *shopBook, list []entry, lines []string) ([]string, resultLine) {
		e := list[0]
		id := settlementID(1 << 50)
		e.setl, e.refund, e.fee, e.fund, e.acct = string(id[:]), false, 100, 0, 0
		return append(lines, e.line()), alone(&e, memoUnknown)
	}},
	{"a settlement undone on its day", func(b *shopBook, _ []entry, lines []string) ([]string, resultLine) {
		e := b.voids[len(b.voids)-1]
		return append(lines, e.line()), alone(&e, memoUndone)
	}},
	{"a refund never made", func(b *shopBook, list []entry, lines []string) ([]string, resultLine) {
		e := b.alive()[0]
		e.fee, e.fund, e.acct, e.refund = -e.fee, -e.fund, -e.acct, true
		return append(lines, e.line()), alone(&e, memoNoRefund)
	}},
}

// TestStatements (R14, R15, R16, R2): random days of purchases, cancels and reversals before and after the close. Whatever the range, the institution's sums and
// lines, from its own answers, are level; each planted difference is found and named where it is, and nothing else is.
func TestStatements(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			b := randomBook(t, seed)
			b.checkFlags()
			first, last := b.lines[0].day, b.today()
			for _, r := range [][2]int32{{first, last}, {first, first}, {last, last}, {first + 1, last - 1}} {
				b.checkLevel(r[0], r[1])
			}
			list := b.between(first, last, "")
			for _, p := range plants {
				lines, want := p.plant(b, list, linesOf(list))
				b.checkPlanted(p.name, b.over(first, last), lines, want)
			}
		})
	}
}

// randomBook is some days of a shop's business.
func randomBook(t *testing.T, seed uint64) *shopBook {
	b := &shopBook{fixture: start(t, setup{})}
	b.shop()
	r := rand.New(rand.NewPCG(seed, 7))
	employee, resident := b.newPerson(true), b.newPerson(false)
	b.credit(employee, "5000.00")
	b.bind(employee, resident)
	late := 0
	for day := range 5 {
		if day > 0 {
			b.nextDay()
		}
		for range 6 {
			price := fmt.Sprintf("%d.%02d", 1+r.IntN(40), r.IntN(100))
			switch r.IntN(3) {
			case 0:
				b.buy(resident, "390", "18", price) // the fund pays 70 %
			default:
				b.buy(employee, "310", "41", price)
			}
		}
		alive := b.alive()
		b.giveBack(alive[r.IntN(len(alive))])
		b.undo(alive[len(alive)-1-r.IntN(2)%len(alive)])
		if alive = b.alive(); b.closed() >= alive[0].day {
			b.undo(alive[0])
			late++
		}
		b.undo(*b.buy(employee, "310", "41", "9.00"))
	}
	refunds := 0
	for _, e := range b.lines {
		if e.refund {
			refunds++
		}
	}
	if late == 0 || len(b.voids) == 0 || refunds < 4 {
		t.Fatalf("%d behind the close, %d voids, %d refunds: nothing is tested", late, len(b.voids), refunds)
	}
	return b
}

// checkLevel holds sums and lines of some days against the book.
func (b *shopBook) checkLevel(from, to int32) {
	b.t.Helper()
	for _, insutype := range []string{"310", "390"} {
		q := b.over(from, to)
		q.insutype, q.lines = insutype, b.between(from, to, insutype)
		if level, dscr := b.totals(q); !level || !strings.HasPrefix(dscr, "总账一致") || strings.Contains(dscr, "未日结") != (to > b.closed()) {
			b.t.Errorf("%s to %s, %s: %s", q.begin, q.end, insutype, dscr)
		}
		q.refunds = "0" // without refunds
		q.lines = slices.DeleteFunc(slices.Clone(q.lines), func(e entry) bool { return e.refund })
		if level, dscr := b.totals(q); !level {
			b.t.Errorf("%s to %s, %s without refunds: %s", q.begin, q.end, insutype, dscr)
		}
	}
	q := b.over(from, to)
	q.lines = b.between(from, to, "")
	found := b.details(q, linesOf(q.lines)...)
	if len(found) != len(q.lines) {
		b.t.Errorf("%d lines of result for %d", len(found), len(q.lines))
	}
	for i, l := range found {
		want := q.lines[i].want("null")
		if want.rslt = "0"; l != want {
			b.t.Errorf("line %d: %+v, want %+v", i+1, l, want)
		}
	}
}

// checkFlags: both lines of what was given back may be flagged.
func (b *shopBook) checkFlags() {
	b.t.Helper()
	q := b.over(b.lines[0].day, b.today())
	q.lines = b.lines
	standing, lines := b.alive(), linesOf(b.lines)
	for i := range lines {
		if !slices.Contains(standing, b.lines[i]) {
			lines[i] = changed(lines[i], sentFlag, "1")
		}
	}
	for _, l := range b.details(q, lines...) {
		if l.rslt != "0" {
			b.t.Errorf("%+v", l)
		}
	}
}

// checkPlanted sends lines with one difference.
func (b *shopBook) checkPlanted(name string, q asked, lines []string, want resultLine) {
	b.t.Helper()
	s, x := parseSent([]byte(strings.Join(lines, "\n")))
	if x.bad() {
		b.t.Fatalf("%s: %s", name, x.appendText(nil))
	}
	for i := range s.lines { // the sums of what is sent
		q.fee, q.fund, q.count = q.fee+s.lines[i].fee, q.fund+s.lines[i].fund, q.count+1
	}
	want.rslt = "1"
	differing := 0
	for _, l := range b.details(q, lines...) {
		if l.rslt == "0" {
			continue
		}
		if differing++; l != want {
			b.t.Errorf("%s: %+v, want %+v", name, l, want)
		}
	}
	if differing != 1 {
		b.t.Errorf("%s: %d lines differ", name, differing)
	}
}

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
