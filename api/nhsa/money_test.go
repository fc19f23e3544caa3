package nhsa

import (
	"time"

	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gongji/api/money"
	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
	"gongji/engine/policy"
)

// fenAt is an amount of an answer, exactly.
func fenAt(t interface{ Fatalf(string, ...any) }, v any) int64 {
	n, ok := v.(json.Number)
	if !ok {
		t.Fatalf("%v is no number", v)
	}
	fen, err := money.Parse(n.String())
	if err != nil {
		t.Fatalf("%s: %v", n, err)
	}
	return fen
}

// demoCodes are those of the demo catalogue, and one that is not in it.
func demoCodes() (codes []string) {
	lines := bufio.NewScanner(bytes.NewReader(catalogue.DemoText))
	for lines.Scan() {
		if code, _, ok := strings.Cut(lines.Text(), "\t"); ok && strings.HasSuffix(code[:len(code)-4], "DEMO") {
			codes = append(codes, code)
		}
	}
	return append(codes, "NOTINLIST")
}

// drawBill makes a random bill whose lines agree (E5) up to a fen and add up.
func drawBill(t *rapid.T, who someone, codes []string) bought {
	b := bought{who: who, care: rapid.SampledFrom([]string{"41", "18", "14"}).Draw(t, "care"), used: rapid.SampledFrom([]string{"0", "1", "2"}).Draw(t, "used")}
	total := int64(0)
	for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
		count, price := rapid.Int64Range(1, 90_0000).Draw(t, "cnt"), rapid.Int64Range(0, 200_000000).Draw(t, "pric")
		exact := new(big.Int).Mul(big.NewInt(count), big.NewInt(price)) // 1e-10 yuan
		amount := new(big.Int).Div(exact, big.NewInt(1e8)).Int64()      // down; the next fen above is as near as 0.01 too
		if rapid.Bool().Draw(t, "up") && exact.Int64()%1e8 != 0 {
			amount++
		}
		total += amount
		b.lines = append(b.lines, line{fmt.Sprint(i + 1), rapid.SampledFrom(codes).Draw(t, "code"), string(appendNumber(nil, count, scale4)), string(appendNumber(nil, price, scale6)), money.Text(amount)})
	}
	b.total = money.Text(total)
	return b
}

// checkMoney holds the equations E1 to E3 and R1's parts in an answer's figures; sumAll is the profile's fund_sum_includes_acct.
func checkMoney(t *rapid.T, a *answer, b *bought, sumAll bool) {
	at := func(path string) int64 { return fenAt(t, a.at("output."+path)) }
	s := func(name string) int64 { return at("setlinfo." + name) }
	medfee, fundSum, part, acct, aid, cash, hosp := s("medfee_sumamt"), s("fund_pay_sumamt"), s("psn_part_amt"), s("acct_pay"), s("acct_mulaid_pay"), s("psn_cash_pay"), s("hosp_part_amt")
	if money.Text(medfee) != b.total {
		t.Fatalf("medfee_sumamt %d", medfee)
	}
	if sumAll {
		fundSum -= acct
	}
	funds := int64(0)
	for _, n := range []string{"hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "hifdm_pay", "oth_pay"} {
		funds += s(n)
	}
	switch {
	case medfee != fundSum+part+hosp: // E1
		t.Fatalf("E1: %d = %d + %d + %d", medfee, fundSum, part, hosp)
	case funds != fundSum:
		t.Fatalf("funds add up to %d, not %d", funds, fundSum)
	case part != acct+cash: // E2
		t.Fatalf("E2: %d = %d + %d", part, acct, cash)
	case aid < 0 || aid > acct: // E3
		t.Fatalf("E3: 0 <= %d <= %d", aid, acct)
	case b.used == "0" && acct != 0: // R6
		t.Fatalf("%d from accounts against the flag", acct)
	case medfee != s("fulamt_ownpay_amt")+s("overlmt_selfpay")+s("preselfpay_amt")+s("inscp_scp_amt"): // R1
		t.Fatalf("the parts do not add up: %s", a.text)
	}
	accounts := 0
	for i := range a.at("output.setldetail").([]any) {
		if row := fmt.Sprintf("setldetail.%d.", i); a.str("output."+row+"fund_pay_type") == fundAccount {
			accounts++
			if at(row+"fund_payamt") != acct { // R8
				t.Fatalf("R8: %s", a.text)
			}
		}
	}
	if accounts != 1 {
		t.Fatalf("%d lines of accounts", accounts)
	}
	var parts [4]int64
	for i := range b.lines {
		sum := int64(0)
		for k, n := range []string{"fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt"} {
			v := at(fmt.Sprintf("detlcutinfo.%d.%s", i, n))
			parts[k] += v
			sum += v
		}
		if sum != at(fmt.Sprintf("detlcutinfo.%d.det_item_fee_sumamt", i)) {
			t.Fatalf("line %d: %s", i+1, a.text)
		}
	}
	if parts != [4]int64{s("fulamt_ownpay_amt"), s("overlmt_selfpay"), s("preselfpay_amt"), s("inscp_scp_amt")} {
		t.Fatalf("lines give %v: %s", parts, a.text)
	}
}

// R1 to R3, R6, R8, E1, E2, E3, E5 over random bills: preview, settlement and its repeat, under both values of fund_sum_includes_acct.
func TestEquations(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	son, mother := f.newPerson(true), f.newPerson(true)
	f.credit(son, "30.00")
	f.credit(mother, "20000.00")
	f.bind(mother, son)
	codes := demoCodes()
	if len(codes) < 10 {
		t.Fatalf("%d codes", len(codes))
	}
	// A bill that is sure to have the fund and a relative in it: drawn ones are often too small for the second.
	sure := bought{who: son, care: "14", used: "1"}
	for i, code := range codes {
		sure.lines = append(sure.lines, line{fmt.Sprint(i + 1), code, "1", "20.00", "20.00"})
	}
	sure.total = money.Text(int64(20_00 * len(codes)))
	sumAll, first, funded, aided := false, true, 0, 0
	property := func(t *rapid.T) {
		b := drawBill(t, son, codes)
		if first {
			b, first = sure, false
		}
		if b.total == "0.00" {
			f.settle(f.msgid(), b).refused("amount_zero", "druginfo.medfee_sumamt")
			return
		}
		preview := f.send(pathCall, sent{infno: "2101", msgid: f.msgid(), input: b.input()}.body()).ok()
		checkMoney(t, preview, &b, sumAll)
		msgid := f.msgid()
		a := f.settle(msgid, b).ok()
		checkMoney(t, a, &b, sumAll)
		again := f.settle(msgid, b).ok()
		for _, n := range purchaseSettle.output {
			if x, y := fmt.Sprint(a.at("output."+n.name)), fmt.Sprint(again.at("output."+n.name)); x != y {
				t.Fatalf("%s again: %s, was %s", n.name, y, x)
			}
		}
		// R4: nothing happened in between, so the preview's figures are those of the settlement.
		for _, n := range []string{"acct_pay", "acct_mulaid_pay", "psn_cash_pay", "balc", "fund_pay_sumamt"} {
			if x, y := preview.str("output.setlinfo."+n), a.str("output.setlinfo."+n); x != y {
				t.Fatalf("%s: previewed %s, settled %s", n, x, y)
			}
		}
		if a.str("output.setlinfo.hifp_pay") != "0.00" {
			funded++
		}
		if a.str("output.setlinfo.acct_mulaid_pay") != "0.00" {
			aided++
		}
	}
	rapid.Check(t, property)
	f.activate("fund_sum_includes_acct = true")
	sumAll, first = true, true
	rapid.Check(t, property)
	if funded == 0 || aided == 0 {
		t.Errorf("%d bills with the fund, %d with relatives: nothing was tested", funded, aided)
	}
}

// activate puts a profile in force: Hubei's with one line changed.
func (f *fixture) activate(lines ...string) {
	f.t.Helper()
	text := strings.Split(string(policy.MustShipped("hubei").Canonical()), "\n")
	for _, l := range append(lines, "version = 2") {
		knob, _, _ := strings.Cut(l, " ")
		for i := range text {
			if strings.HasPrefix(text[i], knob+" =") {
				text[i] = l
			}
		}
	}
	if a := f.v1(f.admin, "/v1/policies?at=2026-03-11", "application/toml", strings.Join(text, "\n")); a.status != 201 {
		f.t.Fatal(a.text)
	}
	f.clock.ms.Add(24 * 3600 * 1000)
	f.newPerson(false) // a batch of the new day
}

// failing is a fund calculator that gives no answer.
type failing struct{}

func (failing) Calculate(context.Context, *fund.Bill) (fund.Result, error) {
	return fund.Result{}, errors.New("gone")
}

// greedy is one whose answer no bill has room for.
type greedy struct{}

func (greedy) Calculate(_ context.Context, b *fund.Bill) (fund.Result, error) {
	return fund.Result{Fund: b.Medfee() + 1, Version: "x"}, nil
}

// R3: no answer of the fund calculator, or an impossible one: infcode -1, nothing settled, the id is free.
func TestFundUnavailable(t *testing.T) {
	for _, calculator := range []fund.Calculator{failing{}, greedy{}} {
		f := start(t, setup{opt: Options{Fund: calculator}})
		f.shop()
		p := f.newPerson(true)
		before := f.sequence()
		f.settle(f.msgid(), bought{who: p, total: "75.00", lines: threeLines}).refused("fund_unavailable", "")
		if f.sequence() != before {
			t.Error("something was logged")
		}
	}
}

// R3: without a catalogue everything is full self-pay; the till is told why.
func TestNoCatalogue(t *testing.T) {
	f := start(t, setup{noCalc: true})
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "500.00")
	f.settle(f.msgid(), bought{who: p, total: "75.00", lines: threeLines}).ok("setlinfo.fulamt_ownpay_amt", "75.00", "setlinfo.acct_pay", "0.00", "setlinfo.psn_cash_pay", "75.00",
		"setlinfo.balc", "500.00", "detlcutinfo.0.memo", "目录外，全自费")
}

// daysSeen is a classifier that notes the days it is asked for.
type daysSeen struct{ days []int32 }

func (d *daysSeen) Version() string { return "days" }

func (d *daysSeen) Classify(l *catalogue.Line) catalogue.Parts {
	d.days = append(d.days, l.Day)
	return catalogue.MustDemo().Classify(l)
}

// R3: a line is judged by the catalogue of the day on which it arose; a day that has not come is today.
func TestCatalogueDay(t *testing.T) {
	seen := &daysSeen{}
	f := start(t, setup{opt: Options{Classifier: seen}})
	f.shop()
	p := f.newPerson(true)
	today := int32(dayOf(noon))
	for fee, want := range map[string]struct {
		day     int32
		ceiling string
	}{"2025-12-31": {today - 69, "21.350000"}, "2026-01-01": {today - 68, "18.900000"}, "2026-03-10": {today, "18.900000"}, "2030-01-01": {today, "18.900000"}} {
		input := bought{who: p, total: "10.00", lines: []line{{"1", "XA01DEMO0004", "1", "10", "10.00"}}}.input()
		input = strings.Replace(input, `"fee_ocur_time":"2026-03-10`, `"fee_ocur_time":"`+fee, 1)
		f.send(pathCall, sent{infno: "2101", msgid: f.msgid(), input: input}.body()).ok("detlcutinfo.0.pric_uplmt_amt", want.ceiling)
		if got := seen.days[len(seen.days)-1]; got != want.day {
			t.Errorf("%s: day %d, want %d", fee, got, want.day)
		}
	}
}

// What is kept in the log opens again, byte for byte, and damaged bytes are told from whole ones.
func TestKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMessage(time.Second)
		m.tx = &purchaseSettle
		emptyBill(m)
		m.result = fund.Result{Ratio: rapid.Int64Range(0, 10_000).Draw(t, "ratio"), Version: rapid.StringMatching(`[a-z0-9]{1,45}`).Draw(t, "fund")}
		m.digest, m.sumAll = rapid.Uint64().Draw(t, "digest"), rapid.Bool().Draw(t, "all")
		for range rapid.IntRange(0, 20).Draw(t, "lines") {
			part := rapid.Int64Range(0, amountMax)
			m.lines = append(m.lines, lineIn{Parts: catalogue.Parts{Fulamt: part.Draw(t, "f"), Overlmt: part.Draw(t, "o"), Preselfpay: part.Draw(t, "p"), CeilingPrice: part.Draw(t, "c"),
				SelfpayProp: rapid.Int64Range(0, 10_000).Draw(t, "s"), Level: rapid.Uint8().Draw(t, "l"), ChargeType: rapid.Uint8().Draw(t, "t"), Flags: catalogue.Flags(rapid.Uint8().Draw(t, "g")),
				Why: catalogue.Why(rapid.Uint8().Draw(t, "w"))}})
		}
		version := rapid.StringMatching(`[a-z0-9]{1,45}`).Draw(t, "catalogue")
		if x := m.keep(version); x.bad() {
			t.Fatalf("%s", x.appendText(nil))
		}
		raw := append([]byte(nil), m.content...)
		var k kept
		if !k.read(raw[1:]) || k.digest != m.digest || k.sumAll != m.sumAll || k.ratio != m.result.Ratio || k.catalogue != version || k.fund != m.result.Version || k.infno != 2102 || len(k.lines) != len(m.lines) {
			t.Fatalf("%+v", k)
		}
		for i := range k.lines {
			if k.lines[i] != m.lines[i].Parts {
				t.Fatalf("line %d: %+v", i, k.lines[i])
			}
		}
		for n := range len(raw) - 1 {
			var k kept
			if k.read(raw[1 : n+1]) {
				t.Fatalf("%d of %d bytes are whole", n, len(raw))
			}
		}
	})
}

// emptyBill puts an envelope and a bill without fields into a message.
func emptyBill(m *message) {
	m.form = &drugBill
	m.rows = append(m.rows, row{node: envelope})
	for range envelope.fields {
		m.values = append(m.values, value{})
	}
	m.bill = 1
	m.rows = append(m.rows, row{node: drugInfo, at: int32(len(m.values))})
	for range drugInfo.fields {
		m.values = append(m.values, value{})
	}
}

// The largest purchase that a till may send fits the command: 50 lines, every text at its longest.
func TestLargestPurchase(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	p := f.newPerson(true)
	b := bought{who: p}
	total := int64(0)
	for i := range linesMax {
		b.lines = append(b.lines, line{fmt.Sprint(i + 1), "XA01DEMO0012", "9", "5000.123456", "45001.11"})
		total += 45001_11
	}
	b.total = money.Text(total)
	body := sent{infno: "2102", msgid: f.msgid(), input: strings.Replace(b.input(), `"F1"`, quote(strings.Repeat("票", 20)), 1),
		with: map[string]string{"opter": quote(strings.Repeat(`"`, 30)), "opter_name": quote(strings.Repeat("名", 50))}}.body()
	a := f.send(pathCall, body).ok()
	if n := len(a.at("output.detlcutinfo").([]any)); n != linesMax {
		t.Errorf("%d lines", n)
	}
	b.lines = append(b.lines, line{"51", "X", "1", "1", "1.00"})
	f.settle(f.msgid(), b).refused("too_many", "drugdetail")
}
