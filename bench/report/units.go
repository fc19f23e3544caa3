package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// none stands where nothing was measured.
const none = "–"

// number is a figure with thousands apart: 1,234,567; small ones keep digits that mean something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case a != 0 && a < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 100 && a != math.Trunc(a):
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return thousands(int64(math.Round(v)))
}

func thousands(n int64) string {
	text, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		text, sign = text[1:], "-"
	}
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return sign + b.String()
}

// three writes three digits that mean something.
func three(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// micros is a time given in microseconds, in the unit that fits; none if 0.
func micros(us float64) string {
	switch {
	case math.IsNaN(us) || us <= 0:
		return none
	case us < 999.5:
		return three(us) + " µs"
	case us < 999_500:
		return three(us/1e3) + " ms"
	}
	return three(us/1e6) + " s"
}

// size is a number of bytes, none if 0.
func size(n float64) string {
	if math.IsNaN(n) || n <= 0 {
		return none
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n >= 999.5 && i < len(units)-1 {
		n /= 1024
		i++
	}
	if i == 0 {
		return strconv.FormatFloat(n, 'f', 0, 64) + " B"
	}
	return three(n) + " " + units[i]
}

// percent of a share.
func percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return none
	}
	switch p := 100 * share; {
	case p == 0:
		return "0 %"
	case math.Abs(p) < 10:
		return strconv.FormatFloat(p, 'f', 2, 64) + " %"
	case math.Abs(p) < 100:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	}
}

// times is a ratio: 1.31 ×.
func times(ratio float64) string {
	if math.IsNaN(ratio) || math.IsInf(ratio, 0) || ratio <= 0 {
		return none
	}
	return three(ratio) + " ×"
}

// short is a figure for an axis: 1.2 M, 350 k.
func short(v float64) string {
	a := math.Abs(v)
	trim := func(v float64, unit string) string {
		return strconv.FormatFloat(v, 'g', 4, 64) + unit
	}
	switch {
	case a >= 1e9:
		return trim(v/1e9, " G")
	case a >= 1e6:
		return trim(v/1e6, " M")
	case a >= 1e4:
		return trim(v/1e3, " k")
	}
	return trim(v, "")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", thousands(int64(n)), what)
}
