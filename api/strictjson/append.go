package strictjson

import (
	"strconv"
	"time"
	"unicode/utf8"

	"gongji/api/money"
)

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string to dst. Quotes, backslashes and control characters are
// escaped, bytes that are not UTF-8 become U+FFFD; everything else is written as it is.
func AppendString[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch class[c] {
		case plain:
			i++
			continue
		case high:
			// Copying at most 4 bytes lets one function serve both types without an allocation.
			var buf [utf8.UTFMax]byte
			r, n := utf8.DecodeRune(buf[:copy(buf[:], s[i:])])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
		case control:
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default: // quote and backslash
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', c)
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// AppendAmount appends fen as a JSON string of yuan: "184.00" with its quotes.
func AppendAmount(dst []byte, fen int64) []byte {
	return append(money.Append(append(dst, '"'), fen), '"')
}

// AppendDate appends a date as a JSON string: "2006-01-02" with its quotes.
func AppendDate(dst []byte, date Date) []byte {
	y, m, d := date.Parts()
	dst = append(dst, '"')
	dst = appendPadded(dst, y, 1000)
	dst = appendPadded(append(dst, '-'), m, 10)
	dst = appendPadded(append(dst, '-'), d, 10)
	return append(dst, '"')
}

// zone is China's only zone; it has had no daylight saving since 1991 and ledger time has none.
var zone = time.FixedZone("+08:00", zoneSeconds)

// AppendTime appends milliseconds since 1970 as a JSON string, RFC 3339 at +08:00 with three
// decimals of a second.
func AppendTime(dst []byte, ms int64) []byte {
	dst = append(dst, '"')
	if ms < 0 || ms >= plainTimesEnd {
		dst = time.UnixMilli(ms).In(zone).AppendFormat(dst, "2006-01-02T15:04:05.000-07:00")
		return append(dst, '"')
	}
	seconds := int(ms/1000) + zoneSeconds
	y, m, d := dateOf(seconds / 86400).Parts()
	at := len(dst)
	dst = append(dst, `0000-00-00T00:00:00.000+08:00"`...)
	for _, p := range [...]struct{ end, v int }{{4, y % 100}, {2, y / 100}, {7, m}, {10, d}, {13, seconds / 3600 % 24}, {16, seconds / 60 % 60}, {19, seconds % 60}, {22, int(ms % 1000 / 10)}} {
		dst[at+p.end-2], dst[at+p.end-1] = '0'+byte(p.v/10), '0'+byte(p.v%10)
	}
	dst[at+22] = '0' + byte(ms%10)
	return dst
}

// plainTimesEnd is 2200-01-01 in ms: times before it are written by digits, which costs a tenth of package time's way.
const plainTimesEnd = 7_258_118_400_000

func appendPadded(dst []byte, v, weight int) []byte {
	for ; weight > 0; weight /= 10 {
		dst = append(dst, '0'+byte(v/weight%10))
	}
	return dst
}

// Appender builds one JSON value in B, placing the commas. The zero value is ready; set B to reuse a
// buffer. Names given to it are constants of ours and are written unescaped. It belongs to one
// goroutine. Wrong nesting is a bug of the caller and not detected here; tests parse the answers.
type Appender struct {
	B     []byte
	comma bool
}

// Reset starts a new value in the same buffer.
func (a *Appender) Reset() { a.B, a.comma = a.B[:0], false }

func (a *Appender) sep() {
	if a.comma {
		a.B = append(a.B, ',')
	}
	a.comma = true
}

// Begin opens an object as the next element (or the whole value).
func (a *Appender) Begin() { a.sep(); a.B = append(a.B, '{'); a.comma = false }

// BeginKey opens an object as the value of a field.
func (a *Appender) BeginKey(name string) { a.key(name); a.B = append(a.B, '{'); a.comma = false }

// End closes an object.
func (a *Appender) End() { a.B = append(a.B, '}'); a.comma = true }

// ArrayKey opens an array as the value of a field.
func (a *Appender) ArrayKey(name string) { a.key(name); a.B = append(a.B, '['); a.comma = false }

// EndArray closes an array.
func (a *Appender) EndArray() { a.B = append(a.B, ']'); a.comma = true }

func (a *Appender) key(name string) {
	b := a.B
	if a.comma {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	a.B, a.comma = append(b, '"', ':'), true
}

// String adds a field of text.
func (a *Appender) String(name, value string) { a.key(name); a.B = AppendString(a.B, value) }

// Bytes adds a field of text.
func (a *Appender) Bytes(name string, value []byte) { a.key(name); a.B = AppendString(a.B, value) }

// Amount adds a field of money: fen, written as a string of yuan.
func (a *Appender) Amount(name string, fen int64) { a.key(name); a.B = AppendAmount(a.B, fen) }

// Int adds a field with a number.
func (a *Appender) Int(name string, v int64) { a.key(name); a.B = strconv.AppendInt(a.B, v, 10) }

// Uint adds a field with a number.
func (a *Appender) Uint(name string, v uint64) { a.key(name); a.B = strconv.AppendUint(a.B, v, 10) }

// Bool adds a field that is true or false.
func (a *Appender) Bool(name string, v bool) { a.key(name); a.B = strconv.AppendBool(a.B, v) }

// Date adds a field with a date.
func (a *Appender) Date(name string, v Date) { a.key(name); a.B = AppendDate(a.B, v) }

// Time adds a field with a time, given in milliseconds since 1970.
func (a *Appender) Time(name string, ms int64) { a.key(name); a.B = AppendTime(a.B, ms) }

// StringElem adds an element of text to an array.
func (a *Appender) StringElem(value string) { a.sep(); a.B = AppendString(a.B, value) }
