package money

import "strconv"

// Append appends fen as yuan with exactly two decimals ("184.00") to dst and returns dst. Negative
// values get a minus sign: answers may hold them (a statement's debit), requests may not. Every
// int64 has a text; nothing is allocated if dst has room for 21 bytes.
func Append(dst []byte, fen int64) []byte {
	u := uint64(fen)
	if fen < 0 {
		dst = append(dst, '-')
		u = -u // two's complement: right for the smallest int64 as well
	}
	dst = strconv.AppendUint(dst, u/100, 10)
	cents := byte(u % 100)
	return append(dst, '.', '0'+cents/10, '0'+cents%10)
}

// Text returns the same as a string. It allocates; meant for error texts and tools.
func Text(fen int64) string { return string(Append(nil, fen)) }
