package catalogue

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gongji/api/nhsa/tabfile"
)

func day(text string) int32 {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return int32(at.Unix() / 86400)
}

var today = day("2026-03-10")

// line is a fee line of yuan in 1e-6 and whole pieces.
func line(code string, pieces, price, amount int64, approved uint8) *Line {
	return &Line{Code: []byte(code), Count: pieces * 10_000, Price: price, Amount: amount, Day: today, Approved: approved}
}

// R3, E4: the four parts, in their order.
func TestClassify(t *testing.T) {
	c := MustDemo()
	for _, x := range []struct {
		name                   string
		line                   *Line
		ful, over, pre, inscp  int64
		level                  uint8
		ratio, ceiling, charge int64
		why                    Why
	}{
		{"class A under the ceiling", line("XA01DEMO0001", 2, 12_000000, 2400, Absent), 0, 0, 0, 2400, 1, 0, 12_500000, 9, Listed},
		{"at it, a fen more by rounding", line("XA01DEMO0001", 1, 12_500000, 1251, 0), 0, 0, 0, 1251, 1, 0, 12_500000, 9, Listed},
		{"class A above it", line("XA01DEMO0001", 2, 13_000000, 2600, 0), 0, 100, 0, 2500, 1, 0, 12_500000, 9, Listed},
		{"class B", line("XA01DEMO0005", 1, 9_870000, 987, 0), 0, 0, 99, 888, 2, 1000, 9_870000, 9, Listed}, // 98.7 up
		{"class B above", line("XA01DEMO0005", 1, 10_000000, 1000, 0), 0, 13, 99, 888, 2, 1000, 9_870000, 9, Listed},
		{"half a fen up", line("XA01DEMO0004", 1, 100000, 10, 0), 0, 0, 1, 9, 2, 500, 18_900000, 9, Listed}, // 0.5
		{"ceiling of a third", line("XA01DEMO0009", 3, 17_340000, 5202, 0), 0, 2, 780, 4420, 2, 1500, 17_333333, 9, Listed},
		{"class C", line("XA01DEMO0015", 1, 20_000000, 2000, Approved), 2000, 0, 0, 0, 3, 10000, 0, 9, OutsideList},
		{"unknown", line("NOBODY", 1, 20_000000, 2000, Approved), 2000, 0, 0, 0, 3, 10000, 0, ChargeOther, Unknown},
		{"no longer", line("XA01DEMO0016", 1, 11_000000, 1100, 0), 1100, 0, 0, 0, 3, 10000, 0, ChargeOther, NotThatDay},
		{"returned", line("XA01DEMO0005", -1, 10_000000, -1000, 0), 0, -13, -99, -888, 2, 1000, 9_870000, 9, Listed},
		{"returned class C", line("XA01DEMO0015", -1, 20_000000, -2000, 0), -2000, 0, 0, 0, 3, 10000, 0, 9, OutsideList},
		{"nothing", line("XA01DEMO0005", 0, 0, 0, 0), 0, 0, 0, 0, 2, 1000, 9_870000, 9, Listed},
	} {
		t.Run(x.name, func(t *testing.T) {
			p := c.Classify(x.line)
			if p.Fulamt != x.ful || p.Overlmt != x.over || p.Preselfpay != x.pre || p.Inscp != x.inscp {
				t.Errorf("parts %d %d %d %d, want %d %d %d %d", p.Fulamt, p.Overlmt, p.Preselfpay, p.Inscp, x.ful, x.over, x.pre, x.inscp)
			}
			if p.Level != x.level || p.SelfpayProp != x.ratio || p.CeilingPrice != x.ceiling || int64(p.ChargeType) != x.charge || p.Why != x.why {
				t.Errorf("told %+v", p)
			}
			if !x.line.AmountAgrees() {
				t.Error("the line's amount does not agree")
			}
		})
	}
}

// Row 14 of nhsa-inpatient.md 4.
func TestApproval(t *testing.T) {
	c := MustDemo()
	for _, x := range []struct {
		code     string
		approved uint8
		why      Why
	}{
		{"XA01DEMO0012", Approved, Listed}, {"XA01DEMO0012", NotNeeded, NotApproved}, {"XA01DEMO0012", Refused, RefusedByHouse},
		{"XA01DEMO0012", Absent, NotApproved}, {"XA01DEMO0012", 3, NotApproved},
		{"XA01DEMO0001", Approved, Listed}, {"XA01DEMO0001", NotNeeded, Listed}, {"XA01DEMO0001", Absent, Listed}, {"XA01DEMO0001", Refused, RefusedByHouse},
	} {
		p := c.Classify(line(x.code, 1, 1_000000, 100, x.approved))
		self := x.why != Listed
		if p.Why != x.why || (p.Fulamt == 100) != self || (p.SelfpayProp == ratioOne) != self || p.Flags&Restricted != 0 != (x.code == "XA01DEMO0012") {
			t.Errorf("%s with %d: %+v", x.code, x.approved, p)
		}
	}
}

func TestDates(t *testing.T) {
	c := MustDemo()
	for _, x := range []struct {
		day     string
		why     Why
		ceiling int64
	}{
		{"2024-12-31", NotThatDay, 0}, {"2025-01-01", Listed, 21_350000}, {"2025-12-31", Listed, 21_350000}, {"2026-01-01", Listed, 18_900000}, {"2199-01-01", Listed, 18_900000},
	} {
		l := line("XA01DEMO0004", 1, 1_000000, 100, 0)
		l.Day = day(x.day)
		if p := c.Classify(l); p.Why != x.why || p.CeilingPrice != x.ceiling {
			t.Errorf("%s: %+v", x.day, p)
		}
	}
	if c.Rows() < 36 || !strings.HasPrefix(c.Version(), "demo-2026-") || len(c.Version()) > VersionMax {
		t.Errorf("%d rows, version %q", c.Rows(), c.Version())
	}
}

// E4 for every line there can be: the parts add up, none has the wrong sign, and a returned line mirrors the bought one. The sizes are
// checked with big.Rat, which shares nothing with the code.
func TestPartsAddUp(t *testing.T) {
	c := MustDemo()
	var codes []string
	for code := range c.index {
		codes = append(codes, code)
	}
	rapid.Check(t, func(t *rapid.T) {
		l := &Line{Code: []byte(rapid.SampledFrom(append(codes, "NOBODY")).Draw(t, "code")), Day: today,
			Count: rapid.OneOf(rapid.Int64Range(0, 200_0000), rapid.Int64Range(0, 9_999_999_999_999_999)).Draw(t, "count"),
			Price: rapid.OneOf(rapid.Int64Range(0, 40_000000), rapid.Int64Range(0, 9_999_999_999_999_999)).Draw(t, "price")}
		l.Approved = rapid.SampledFrom([]uint8{0, 1, 2, 255}).Draw(t, "approved")
		l.Amount = rapid.OneOf(rapid.Int64Range(0, 100_000), rapid.Int64()).Draw(t, "amount")
		if rapid.Bool().Draw(t, "fitting") && l.Price <= 40_000000 && l.Count <= 200_0000 {
			l.Amount = (l.Price*l.Count + productsPerFen/2) / productsPerFen
			if !l.AmountAgrees() {
				t.Fatalf("%+v does not agree", l)
			}
		}
		p := c.Classify(l)
		if p.Fulamt+p.Overlmt+p.Preselfpay+p.Inscp != l.Amount {
			t.Fatalf("%+v of %+v", p, l)
		}
		for _, v := range []int64{p.Fulamt, p.Overlmt, p.Preselfpay, p.Inscp} {
			if v != 0 && v < 0 != (l.Amount < 0) {
				t.Fatalf("sign of %+v of %+v", p, l)
			}
		}
		if l.Amount >= 0 && p.Why == Listed {
			checkSizes(t, l, p)
		}
		back := *l
		back.Amount, back.Count = -l.Amount, -l.Count
		if q := c.Classify(&back); l.Amount != -1<<63 && (q.Fulamt != -p.Fulamt || q.Overlmt != -p.Overlmt || q.Preselfpay != -p.Preselfpay || q.Inscp != -p.Inscp) {
			t.Fatalf("%+v returned is %+v", p, q)
		}
	})
}

func checkSizes(t *rapid.T, l *Line, p Parts) {
	half := big.NewRat(1, 2)
	near := func(got int64, want *big.Rat, what string) {
		d := new(big.Rat).Sub(new(big.Rat).SetInt64(got), want) // half up: -1/2 < got - want <= 1/2
		if d.Cmp(half) > 0 || d.Cmp(new(big.Rat).Neg(half)) <= 0 {
			t.Fatalf("%s %d, exactly %s: %+v of %+v", what, got, want.FloatString(4), p, l)
		}
	}
	if p.Overlmt > 0 {
		allowed := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(p.CeilingPrice), big.NewInt(l.Count)), big.NewInt(productsPerFen))
		near(l.Amount-p.Overlmt, allowed, "up to the ceiling")
		if l.Price <= p.CeilingPrice {
			t.Fatalf("over without a price over: %+v of %+v", p, l)
		}
	}
	if left := l.Amount - p.Overlmt; left < 1<<62 {
		near(p.Preselfpay, big.NewRat(1, ratioOne).Mul(big.NewRat(p.SelfpayProp, ratioOne), new(big.Rat).SetInt64(left)), "first-borne")
	}
}

// E5, R29: 0.01 yuan to either side, not a hair more.
func TestAmountAgrees(t *testing.T) {
	for _, x := range []struct {
		count, price, amount int64
		want                 bool
	}{
		{1_0000, 1_000000, 100, true}, {1_0000, 1_000000, 101, true}, {1_0000, 1_000000, 99, true}, {1_0000, 1_000000, 102, false}, {1_0000, 1_000000, 98, false},
		{1_0000, 1_000001, 99, false}, {1_0000, 999_999, 101, false}, {3333, 3_000000, 100, true}, {1, 1, 1, true}, {1, 1, 2, false}, {0, 5, 0, true},
		{-1_0000, 1_000000, -100, true}, {-1_0000, 1_000000, -102, false}, {-1_0000, 1_000000, 100, false}, {1_0000, 1_000000, -100, false},
		{1_0000, -1_000000, -100, false}, {-1_0000, -1_000000, 100, false},
		{9_999_999_999_999_999, 9_999_999_999_999_999, 9_999_999_999_999_999, false}, {-1 << 63, 1<<63 - 1, -1 << 63, false},
	} {
		l := Line{Count: x.count, Price: x.price, Amount: x.amount}
		if l.AmountAgrees() != x.want {
			t.Errorf("%+v: %t", x, !x.want)
		}
	}
}

func TestLoadFaults(t *testing.T) {
	head := "gongji catalogue 1\tx\n" + strings.Join(columns, "\t") + "\n"
	row := func(change ...string) string {
		f := []string{"C1", "n", "2025-01-01", "null", "02", "09", "0.1", "9.87", "0", "0", "0", "0", "0", "0"}
		for i := 0; i+1 < len(change); i += 2 {
			for at, name := range columns {
				if name == change[i] {
					f[at] = change[i+1]
				}
			}
		}
		return strings.Join(f, "\t") + "\n"
	}
	if _, err := Load(strings.NewReader(head + row())); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ text, want string }{
		{row("enddate", "2024-12-31"), "line 3: enddate: is before begndate"},
		{row("chrgitm_lv", "04"), "line 3: chrgitm_lv: is 01, 02 or 03"},
		{row("chrgitm_lv", "03"), "line 3: selfpay_prop: is 1 for class C"},
		{row("selfpay_prop", "1.0001"), "line 3: selfpay_prop: is above"},
		{row("pric_uplmt_amt", "0"), "line 3: pric_uplmt_amt: is above 0"},
		{row("lmt_used_flag", "2"), "line 3: lmt_used_flag: is 0 or 1"},
		{row("drt_reim_flag", "null"), "line 3: drt_reim_flag: is 0 or 1"},
		{row("med_chrgitm_type", "9"), "line 3: med_chrgitm_type: is 01 to 99"},
		{row("med_list_codg", strings.Repeat("x", 51)), "line 3: med_list_codg: has 1 to 50 bytes"},
		{row("name", ""), "line 3: name: has 1 to 600 bytes"},
		{row() + row("begndate", "2026-01-01"), "line 4: begndate: overlaps line 3"},
		{row("begndate", "2026-01-01") + row("enddate", "2026-01-01"), "line 3: begndate: overlaps line 4"},
		{row() + row(), "line 4: begndate: overlaps line 3"},
	} {
		_, err := Load(strings.NewReader(head + x.text))
		var faults tabfile.Faults
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.HasPrefix(err.Error(), x.want) {
			t.Errorf("%v, want %q", err, x.want)
		}
	}
}
