package strictjson

import "unicode/utf8"

// Classes of bytes inside a string.
const (
	plain = iota
	quote
	escape
	control
	high // part of a multi-byte character
)

var class = func() (t [256]uint8) {
	for i := range t {
		switch {
		case i < 0x20 || i == 0x7f:
			t[i] = control
		case i == '"':
			t[i] = quote
		case i == '\\':
			t[i] = escape
		case i >= 0x80:
			t[i] = high
		}
	}
	return t
}()

// String reads a string of at most maxChars characters and maxBytes bytes of UTF-8 after decoding
// of escapes; it may be empty. Control characters are refused also where they are escaped, because
// a text with a line feed can forge a line of a log or a receipt.
func (d *Decoder) String(maxChars, maxBytes int) []byte {
	if !d.beginString() {
		return nil
	}
	start, chars := d.pos, 0
	for i := d.pos; i < len(d.data); {
		switch class[d.data[i]] {
		case plain:
			i++
			chars++
		case quote:
			d.pos = i + 1
			return d.limited(d.data[start:i], chars, maxChars, maxBytes, start)
		case escape:
			return d.stringWithEscapes(start, i, chars, maxChars, maxBytes)
		case control:
			d.fail(CodeBadUTF8, i)
			return nil
		case high:
			n := d.rune(i)
			if n == 0 {
				return nil
			}
			i += n
			chars++
		}
	}
	d.fail(CodeMalformed, len(d.data))
	return nil
}

func (d *Decoder) beginString() bool {
	if !d.value() {
		return false
	}
	if d.data[d.pos] != '"' {
		d.wrongType()
		return false
	}
	d.pos++
	return true
}

func (d *Decoder) limited(s []byte, chars, maxChars, maxBytes, offset int) []byte {
	if chars > maxChars || len(s) > maxBytes {
		d.fail(CodeTooLong, offset)
		return nil
	}
	return s[:len(s):len(s)]
}

// rune checks the multi-byte character at i and returns its length; 0 is an error. The C1 controls
// U+0080 to U+009F are refused like their 7-bit relatives.
func (d *Decoder) rune(i int) int {
	r, n := utf8.DecodeRune(d.data[i:])
	if r == utf8.RuneError && n <= 1 || r < 0xa0 {
		d.fail(CodeBadUTF8, i)
		return 0
	}
	return n
}

// stringWithEscapes continues String at the first backslash, decoding into the scratch buffer.
func (d *Decoder) stringWithEscapes(start, i, chars, maxChars, maxBytes int) []byte {
	from := len(d.scratch)
	d.scratch = append(d.scratch, d.data[start:i]...)
	for i < len(d.data) {
		switch c := d.data[i]; class[c] {
		case plain:
			d.scratch = append(d.scratch, c)
			i++
		case quote:
			d.pos = i + 1
			return d.limited(d.scratch[from:], chars, maxChars, maxBytes, start)
		case escape:
			r, n := d.unescape(i)
			if n == 0 {
				return nil
			}
			d.scratch = utf8.AppendRune(d.scratch, r)
			i += n
		case control:
			d.fail(CodeBadUTF8, i)
			return nil
		case high:
			n := d.rune(i)
			if n == 0 {
				return nil
			}
			d.scratch = append(d.scratch, d.data[i:i+n]...)
			i += n
		}
		chars++
	}
	d.fail(CodeMalformed, len(d.data))
	return nil
}

// unescape decodes the escape at i and returns the character and the length of the escape (two
// \u for a surrogate pair); length 0 is an error.
func (d *Decoder) unescape(i int) (rune, int) {
	if i+1 >= len(d.data) {
		d.fail(CodeMalformed, i)
		return 0, 0
	}
	switch c := d.data[i+1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b', 'f', 'n', 'r', 't':
		d.fail(CodeBadUTF8, i)
		return 0, 0
	case 'u':
		return d.unescapeU(i)
	}
	d.fail(CodeMalformed, i)
	return 0, 0
}

func (d *Decoder) unescapeU(i int) (rune, int) {
	r, ok := d.hex4(i)
	if !ok {
		d.fail(CodeMalformed, i)
		return 0, 0
	}
	n := 6
	if r >= 0xd800 && r < 0xe000 { // a surrogate: only high followed by low is a character
		low, ok := d.hex4(i + 6)
		if !ok || r >= 0xdc00 || low < 0xdc00 || low >= 0xe000 {
			d.fail(CodeBadUTF8, i)
			return 0, 0
		}
		r, n = (r-0xd800)<<10+(low-0xdc00)+0x10000, 12
	}
	if r < 0x20 || (r >= 0x7f && r < 0xa0) {
		d.fail(CodeBadUTF8, i)
		return 0, 0
	}
	return r, n
}

// hex4 reads \uXXXX at i.
func (d *Decoder) hex4(i int) (rune, bool) {
	if i+6 > len(d.data) || d.data[i] != '\\' || d.data[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range d.data[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
