package ids

// CertnoLen is the length of an identity number of GB 11643: 6 digits of region, 8 of birth date, 3
// of order (odd: male), 1 check character.
const CertnoLen = 18

// birthYearMin and birthYearMax bound a plausible birth year. No clock is read here; a caller that
// knows today's date compares it with Certno.Birth himself. 1850 is older than any living person.
const (
	birthYearMin = 1850
	birthYearMax = 2100
)

// Certno is what an identity number tells about its owner.
type Certno struct {
	Year, Month, Day int
	Female           bool
}

// ParseCertno checks an 18-character identity number: 17 digits, the check character by ISO 7064
// MOD 11-2 ("x" is taken for "X"), a birth date that exists. Regions are not checked against a list
// (lists change, and 8xxxxx and 9xxxxx are residence permits of people from Hong Kong, Macao,
// Taiwan and abroad); only a leading 0 is refused. The error never carries the number.
func ParseCertno[T ~string | ~[]byte](s T) (Certno, error) {
	if len(s) != CertnoLen || s[0] == '0' {
		return Certno{}, ErrCertno
	}
	// ISO 7064 pure system MOD 11-2: with the check character in place the remainder is 1.
	remainder := 0
	for i := range CertnoLen {
		d := int(s[i] - '0')
		if i == CertnoLen-1 && s[i]|0x20 == 'x' {
			d = 10
		} else if d > 9 {
			return Certno{}, ErrCertno
		}
		remainder = (remainder*2 + d) % 11
	}
	if remainder != 1 {
		return Certno{}, ErrCheck
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	c := Certno{Year: two(6)*100 + two(8), Month: two(10), Day: two(12), Female: (s[16]-'0')%2 == 0}
	if c.Year < birthYearMin || c.Year > birthYearMax || c.Month < 1 || c.Month > 12 ||
		c.Day < 1 || c.Day > daysIn(c.Year, c.Month) {
		return Certno{}, ErrBirth
	}
	return c, nil
}

// CheckCertno is ParseCertno without the facts.
func CheckCertno[T ~string | ~[]byte](s T) error {
	_, err := ParseCertno(s)
	return err
}

// AppendCertno appends the canonical form (check character in upper case), which is the one to
// derive pseudonyms from: the same person typed with "x" and "X" must stay one person.
func AppendCertno[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, s...)
	if n := len(dst); len(s) == CertnoLen && dst[n-1] == 'x' {
		dst[n-1] = 'X'
	}
	return dst
}

// maskHead and maskTail are what an authorised screen may show (reliability.md S10).
const (
	maskHead = 3
	maskTail = 4
)

// AppendMask appends s with all but the first 3 and last 4 characters replaced by '*'. A text that
// is so short that this would show more than half of it, or not ASCII, becomes stars only. (The
// length is kept: it is that of the certificate type, not a secret.)
func AppendMask[T ~string | ~[]byte](dst []byte, s T) []byte {
	show := len(s) >= 2*(maskHead+maskTail)
	for i := range len(s) {
		show = show && s[i] < 0x80
	}
	for i := range len(s) {
		if show && (i < maskHead || i >= len(s)-maskTail) {
			dst = append(dst, s[i])
		} else {
			dst = append(dst, '*')
		}
	}
	return dst
}

// Mask is AppendMask as a string.
func Mask[T ~string | ~[]byte](s T) string { return string(AppendMask(nil, s)) }

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
