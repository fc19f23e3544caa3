package money

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

var grammar = regexp.MustCompile(`^(0|[1-9][0-9]{0,13})(\.[0-9]{1,2})?$`)

// checkAgainstDecimal is the oracle: the regular expression decides what is an amount, decimal
// decides how much it is.
func checkAgainstDecimal(t interface{ Fatalf(string, ...any) }, s string) {
	got, err := Parse(s)
	gotB, errB := Parse([]byte(s))
	if got != gotB || err != errB {
		t.Fatalf("string and []byte differ for %q: %d %v, %d %v", s, got, err, gotB, errB)
	}
	if want := grammar.MatchString(s); want != (err == nil) {
		t.Fatalf("Parse(%q) = %v, grammar says %v", s, err, want)
	}
	if err != nil {
		if got != 0 {
			t.Fatalf("Parse(%q) failed but returned %d", s, got)
		}
		return
	}
	d, derr := decimal.NewFromString(s)
	if derr != nil {
		t.Fatalf("decimal refuses %q: %v", s, derr)
	}
	want := d.Mul(decimal.New(100, 0))
	if !want.Equal(decimal.New(got, 0)) {
		t.Fatalf("Parse(%q) = %d, decimal says %s", s, got, want)
	}
	if back := Text(got); back != d.StringFixed(2) {
		t.Fatalf("Append(%d) = %q, decimal says %q", got, back, d.StringFixed(2))
	}
}

func TestParseCases(t *testing.T) {
	for _, c := range []struct {
		text string
		fen  int64
		err  error
	}{
		{"0", 0, nil}, {"0.00", 0, nil}, {"0.01", 1, nil}, {"0.1", 10, nil}, {"184.00", 18400, nil},
		{"184", 18400, nil}, {"184.5", 18450, nil}, {"99999999999999.99", Max, nil},
		{"", 0, ErrMalformed}, {"-", 0, ErrMalformed}, {".5", 0, ErrMalformed}, {"5.", 0, ErrMalformed},
		{"-5.", 0, ErrMalformed}, {"00", 0, ErrMalformed}, {"01.00", 0, ErrMalformed}, {"-01", 0, ErrMalformed},
		{"+1", 0, ErrMalformed}, {"1e2", 0, ErrMalformed}, {"1.0e1", 0, ErrMalformed}, {" 1", 0, ErrMalformed},
		{"1 ", 0, ErrMalformed}, {"1,000", 0, ErrMalformed}, {"１８４", 0, ErrMalformed}, {"0x10", 0, ErrMalformed},
		{"1.0.0", 0, ErrMalformed}, {"--1", 0, ErrMalformed}, {"1\x00", 0, ErrMalformed}, {"NaN", 0, ErrMalformed},
		{"-0", 0, ErrNegative}, {"-0.00", 0, ErrNegative}, {"-184.00", 0, ErrNegative}, {"-1.001", 0, ErrNegative},
		{"1.001", 0, ErrDecimals}, {"1.000", 0, ErrDecimals},
		{"100000000000000", 0, ErrTooLarge}, {"9223372036854775808", 0, ErrTooLarge},
		{strings.Repeat("9", 400), 0, ErrTooLarge}, {"0." + strings.Repeat("0", 400), 0, ErrDecimals},
	} {
		fen, err := Parse(c.text)
		if fen != c.fen || err != c.err {
			t.Errorf("Parse(%q) = %d, %v; want %d, %v", c.text, fen, err, c.fen, c.err)
		}
		checkAgainstDecimal(t, c.text)
	}
}

func TestParseAgreesWithDecimal(t *testing.T) {
	near := rapid.StringMatching(`-?[0-9]{0,17}(\.[0-9]{0,4})?`)
	wild := rapid.StringMatching(`[-+0-9.eE ,０-９]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		checkAgainstDecimal(t, near.Draw(t, "near"))
		checkAgainstDecimal(t, wild.Draw(t, "wild"))
		checkAgainstDecimal(t, Text(rapid.Int64Range(0, Max).Draw(t, "fen")))
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "184.00", "-1", "1.005", "99999999999999.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkAgainstDecimal(t, s) })
}

func TestAppendExtremes(t *testing.T) {
	for fen, want := range map[int64]string{
		0: "0.00", 1: "0.01", -1: "-0.01", 18400: "184.00", -99: "-0.99",
		math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	} {
		if got := Text(fen); got != want {
			t.Errorf("Text(%d) = %q, want %q", fen, got, want)
		}
	}
}

// TestMulRatioIsHalfUp compares with whole-number arithmetic: floor((fen*num*2 + den) / (den*2)).
func TestMulRatioIsHalfUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Int64Range(0, Max).Draw(t, "fen")
		places := rapid.Int32Range(0, RatioDecimalsMax).Draw(t, "places")
		den := int64(math.Pow10(int(places)))
		num := rapid.Int64Range(0, den).Draw(t, "num")
		got, err := MulRatio(fen, decimal.New(num, -places))
		if err != nil {
			t.Fatalf("MulRatio: %v", err)
		}
		want := new(big.Int).Mul(big.NewInt(fen), big.NewInt(2*num))
		want.Add(want, big.NewInt(den)).Div(want, big.NewInt(2*den))
		if want.Int64() != got {
			t.Fatalf("%d x %d/%d = %d, want %s", fen, num, den, got, want)
		}
	})
}

func TestMulRatioCases(t *testing.T) {
	half := decimal.New(5, -1)
	for _, c := range []struct {
		fen   int64
		ratio decimal.Decimal
		want  int64
		err   error
	}{
		{46000, decimal.New(6, -1), 27600, nil}, {1, half, 1, nil}, {3, half, 2, nil}, {0, half, 0, nil},
		{-1, half, 0, ErrNegative}, {Max + 1, half, 0, ErrTooLarge},
		{1, decimal.New(11, -1), 0, ErrRatio}, {1, decimal.New(-1, -1), 0, ErrRatio},
		{1, decimal.New(1, -2_000_000_000), 0, ErrRatio}, {1, decimal.New(1, 2_000_000_000), 0, ErrRatio},
	} {
		if got, err := MulRatio(c.fen, c.ratio); got != c.want || err != c.err {
			t.Errorf("MulRatio(%d, exp %d) = %d, %v; want %d, %v", c.fen, c.ratio.Exponent(), got, err, c.want, c.err)
		}
	}
	for _, s := range []string{"", "1.", ".5", "1.1", "-0.5", "0.123456789", "1e-1", "00.5", "2", "0.5.5", "０"} {
		if _, err := ParseRatio(s); err != ErrRatio {
			t.Errorf("ParseRatio(%q) = %v, want ErrRatio", s, err)
		}
	}
	for _, s := range []string{"0", "1", "0.6", "1.00000000", "0.87250000"} {
		if _, err := ParseRatio(s); err != nil {
			t.Errorf("ParseRatio(%q) = %v", s, err)
		}
	}
}
