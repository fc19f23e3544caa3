package till

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Fen is an amount in fen (1/100 yuan); in messages it is yuan.
type Fen int64

// String is the amount in yuan with two decimals.
func (f Fen) String() string { return decimal(int64(f), 2) }

// MarshalText writes yuan with two decimals, as the book keeps it.
func (f Fen) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads yuan.
func (f *Fen) UnmarshalText(b []byte) (err error) {
	*f, err = parseFen(string(b))
	return err
}

// decimal writes n, in units of its last decimal, with all decimals.
func decimal(n int64, scale int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	s := strconv.FormatInt(n, 10)
	if len(s) <= scale {
		s = strings.Repeat("0", scale+1-len(s)) + s
	}
	if scale == 0 {
		return sign + s
	}
	return sign + s[:len(s)-scale] + "." + s[len(s)-scale:]
}

var errAmount = errors.New("till: not an amount")

// fenDigitsMax is what numeric(16,2) holds before the point.
const fenDigitsMax = 14

// parseFen reads yuan as servers write them: with 0 to 2 decimals, or more if they are zeros.
func parseFen(s string) (Fen, error) {
	n, err := parseDecimal(s, 2)
	return Fen(n), err
}

// parseDecimal reads a number into units of 10^-scale.
func parseDecimal(s string, scale int) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, part, point := strings.Cut(digits, ".")
	if whole == "" || len(whole) > fenDigitsMax || point && part == "" {
		return 0, fmt.Errorf("%w: %q", errAmount, s)
	}
	for len(part) > scale && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	if len(part) > scale {
		return 0, fmt.Errorf("%w: %q has more than %d decimals", errAmount, s, scale)
	}
	n, err := strconv.ParseUint(whole+part+strings.Repeat("0", scale-len(part)), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errAmount, s)
	}
	if negative {
		return -int64(n), nil
	}
	return int64(n), nil
}

// product is price (1e-6 yuan) times count (1e-4), half up to fen, away from zero for returned goods.
func product(price, count int64) Fen {
	negative := count < 0
	if negative {
		count = -count
	}
	const unit = 100_000_000 // 1e-10 yuan in a fen
	hi, lo := bits.Mul64(uint64(price), uint64(count))
	lo, carry := bits.Add64(lo, unit/2, 0)
	q, _ := bits.Div64(hi+carry, lo, unit)
	if negative {
		return -Fen(q)
	}
	return Fen(q)
}
