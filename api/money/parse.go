package money

// DigitsMax is the number of digits an amount may have before the decimal point (reliability.md S8:
// "at most 14 digits and 2 decimals"; the national fields are numeric(16,2)).
const DigitsMax = 14

// Max is the largest amount in fen that Parse accepts: 14 nines and 99 fen. It is above 2^53, which
// is one more reason why amounts travel as text and never as JSON numbers.
const Max int64 = 9_999_999_999_999_999

// Error says why a text is not an amount. It never carries the text. The values are constants, so
// returning one allocates nothing and == works.
type Error uint8

// The reasons. Their Code() texts are part of the HTTP contract and never change.
const (
	ErrMalformed Error = iota + 1 // not of the grammar: empty, spaces, exponent, leading zero, "+", full-width digits ...
	ErrNegative                   // a well-formed amount behind a minus sign; "-0" too
	ErrDecimals                   // well-formed, but more than two decimals
	ErrTooLarge                   // well-formed, but more than DigitsMax digits before the point, or a result beyond Max
)

// Code returns the stable problem code.
func (e Error) Code() string {
	switch e {
	case ErrNegative:
		return "amount_negative"
	case ErrDecimals:
		return "amount_decimals"
	case ErrTooLarge:
		return "amount_too_large"
	default:
		return "amount_malformed"
	}
}

// Error implements error.
func (e Error) Error() string { return "money: " + e.Code() }

// Parse reads an amount of yuan, returns fen. The grammar is
//
//	^(0|[1-9][0-9]{0,13})(\.[0-9]{1,2})?$
//
// No sign, exponent, leading zero, space or full-width digit is accepted. On error the amount is 0
// and the error is one of the constants of type Error. Parse keeps nothing of s.
func Parse[T ~string | ~[]byte](s T) (fen int64, err error) {
	i := 0
	if len(s) > 0 && s[0] == '-' {
		i = 1
	}
	first := i
	for i < len(s) && isDigit(s[i]) {
		if i-first < DigitsMax {
			fen = fen*10 + int64(s[i]-'0')
		}
		i++
	}
	digits := i - first
	if digits == 0 || (digits > 1 && s[first] == '0') {
		return 0, ErrMalformed
	}
	fen *= 100
	decimals := 0
	if i < len(s) {
		if s[i] != '.' {
			return 0, ErrMalformed
		}
		weight := int64(10)
		for i++; i < len(s) && isDigit(s[i]); i++ {
			fen += weight * int64(s[i]-'0') // weight is 10, 1, then 0: a third decimal adds nothing and is refused below
			weight /= 10
			decimals++
		}
		if decimals == 0 || i != len(s) {
			return 0, ErrMalformed
		}
	}
	// The text is a number; what remains is whether it is one of ours.
	switch {
	case first == 1:
		return 0, ErrNegative
	case decimals > 2:
		return 0, ErrDecimals
	case digits > DigitsMax:
		return 0, ErrTooLarge
	}
	return fen, nil
}

func isDigit(c byte) bool { return c-'0' <= 9 }
