package nhsa

import "strconv"

// Decimals of the national numbers (nhsa-interface.md 1.4): money 16,2, quantity 16,4, unit price 16,6, ratio 5,4. A number is kept as an
// int64 in units of its last decimal.
const (
	fen     = 2
	scale4  = 4
	scale6  = 6
	percent = 4 // ratios
)

var powers = [...]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// parseNumber reads digits with a point and at most scale decimals that are not 0, of digits digits together: "1.1", "1.10" and "1.100" are the
// same amount, 1.101 is none, and no exponent is taken. Leading zeros, a plus sign and spaces are refused.
func parseNumber(s []byte, digits, scale int) (n int64, x code) {
	i, negative := 0, false
	if len(s) > 0 && s[0] == '-' {
		i, negative = 1, true
	}
	first := i
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		if i-first < digits-scale {
			n = n*10 + int64(s[i]-'0')
		}
	}
	whole := i - first
	if whole == 0 || whole > 1 && s[first] == '0' {
		return 0, codeNumber
	}
	n *= powers[scale]
	if i < len(s) {
		if s[i] != '.' || i+1 == len(s) {
			return 0, codeNumber
		}
		weight := powers[scale]
		for i++; i < len(s) && s[i]-'0' <= 9; i++ {
			if weight /= 10; weight == 0 && s[i] != '0' {
				x = codeDecimals
			}
			n += weight * int64(s[i]-'0')
		}
	}
	switch {
	case i != len(s):
		return 0, codeNumber
	case x != "":
		return 0, x
	case whole > digits-scale:
		return 0, codeTooLarge
	case negative:
		n = -n
	}
	return n, ""
}

// appendNumber writes n, in units of its last decimal, with all its decimals.
func appendNumber(dst []byte, n int64, scale int) []byte {
	u := uint64(n)
	if n < 0 {
		dst, u = append(dst, '-'), -u
	}
	power := uint64(powers[scale])
	dst = strconv.AppendUint(dst, u/power, 10)
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest := u % power; power > 1; rest %= power {
		power /= 10
		dst = append(dst, '0'+byte(rest/power))
	}
	return dst
}

// amountMax is 16 digits of fen, the largest amount (16,2).
const amountMax = 9_999_999_999_999_999
