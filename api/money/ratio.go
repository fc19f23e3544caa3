package money

import "github.com/shopspring/decimal"

// RatioDecimalsMax bounds the decimals of a ratio. Official tables use at most 4 (0.8725); 8 leaves
// room and keeps a product below 26 digits.
const RatioDecimalsMax = 8

// ErrRatio says that a text or a decimal is not a ratio from 0 to 1 with at most RatioDecimalsMax decimals.
const ErrRatio ratioError = "money: ratio outside 0..1 or with too many decimals"

type ratioError string

func (e ratioError) Error() string { return string(e) }

// ParseRatio reads a ratio such as "0.6" or "1". Only digits and one point are accepted.
func ParseRatio(s string) (decimal.Decimal, error) {
	if len(s) == 0 || len(s) > 2+RatioDecimalsMax {
		return decimal.Decimal{}, ErrRatio
	}
	for i := range len(s) {
		if !isDigit(s[i]) && !(s[i] == '.' && i == 1 && len(s) > 2) {
			return decimal.Decimal{}, ErrRatio
		}
	}
	d, err := decimal.NewFromString(s)
	if err != nil || !ratioOK(d) {
		return decimal.Decimal{}, ErrRatio
	}
	return d, nil
}

// MulRatio returns fen x ratio, rounded half up to whole fen. fen is not negative (ErrNegative) and
// not above Max (ErrTooLarge); the ratio is between 0 and 1 (ErrRatio), so the product never
// overflows. It allocates: fund calculators run before the log, not in the hot path.
func MulRatio(fen int64, ratio decimal.Decimal) (int64, error) {
	switch {
	case fen < 0:
		return 0, ErrNegative
	case fen > Max:
		return 0, ErrTooLarge
	case !ratioOK(ratio):
		return 0, ErrRatio
	}
	// Round goes half away from zero, which is half up for what is not negative.
	return decimal.New(fen, 0).Mul(ratio).Round(0).IntPart(), nil
}

// ratioOK looks at the exponent first: comparing 1e-1000000000 with 1 would rescale it in memory.
func ratioOK(r decimal.Decimal) bool {
	if r.Exponent() < -RatioDecimalsMax || r.Exponent() > 0 {
		return false
	}
	return r.Sign() >= 0 && r.LessThanOrEqual(decimal.New(1, 0))
}
