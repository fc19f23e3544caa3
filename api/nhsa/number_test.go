package nhsa

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Amounts are read exactly, without a float: what a till may write, and what it may not.
func TestNumbers(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "1.1": 110, "1.10": 110, "1.100": 110, "0.01": 1, "-2.5": -250, "99999999999999.99": 9_999_999_999_999_999, "5.000000000000": 500} {
		if n, x := parseNumber([]byte(s), 16, fen); x != "" || n != want {
			t.Errorf("%s is %d, %s", s, n, x)
		}
	}
	for s, want := range map[string]code{"": codeNumber, "-": codeNumber, "1e3": codeNumber, "1.": codeNumber, ".5": codeNumber, "01": codeNumber, "+1": codeNumber, " 1": codeNumber, "1 ": codeNumber,
		"NaN": codeNumber, "Infinity": codeNumber, "1,000": codeNumber, "１": codeNumber, "0x1": codeNumber, "1.1.1": codeNumber, "1.101": codeDecimals, "0.001": codeDecimals, "1.0000000001": codeDecimals,
		"100000000000000": codeTooLarge, "99999999999999999999999999": codeTooLarge} {
		if n, x := parseNumber([]byte(s), 16, fen); x != want {
			t.Errorf("%s is %d, %s, want %s", s, n, x, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.SampledFrom([]int{0, fen, scale4, scale6}).Draw(t, "scale")
		n := rapid.Int64Range(-amountMax, amountMax).Draw(t, "n")
		if back, x := parseNumber(appendNumber(nil, n, scale), 16, scale); x != "" || back != n {
			t.Fatalf("%d became %d, %s", n, back, x)
		}
	})
}

// Dates and times against the library's.
func TestMoments(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(-3_786_000_000_000, 7_258_000_000_000).Draw(t, "ms") // 1850 to 2199
		want := time.UnixMilli(ms).In(zone)
		if ms >= 0 {
			if got := string(appendStampMS(nil, ms)); got != strings.Replace(want.Format("20060102150405.000"), ".", "", 1) {
				t.Fatalf("%d is %s", ms, got)
			}
			if got := string(appendMoment(nil, ms)); got != want.Format("2006-01-02 15:04:05") {
				t.Fatalf("%d is %s", ms, got)
			}
		}
		text := want.Format("2006-01-02")
		day, ok := parseMoment([]byte(text))
		if !ok || string(appendDay(nil, day)) != text {
			t.Fatalf("%s is day %d, %t", text, day, ok)
		}
		if d2, ok := parseMoment([]byte(text + " 23:59:59")); !ok || d2 != day {
			t.Fatalf("%s with a time: %d", text, d2)
		}
	})
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-32", "1849-01-01", "2200-01-01", "2026/01/01", "20260101", "2026-01-01T00:00:00", "2026-01-01 24:00:00", "2026-01-01 00:60:00",
		"2026-01-0a", "2026-01-01 00:00", "2026-01-01 00:00:00.1"} {
		if _, ok := parseMoment([]byte(s)); ok {
			t.Errorf("%q was taken", s)
		}
	}
}
