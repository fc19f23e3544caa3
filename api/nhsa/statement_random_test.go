package nhsa

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gongji/api/money"
)

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
