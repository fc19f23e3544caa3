package nhsa

import (
	"bytes"
	"unicode/utf8"
)

// reader walks through the JSON of one message. It is tolerant where real senders differ (a byte order mark, any white space, unknown names,
// numbers as text) and says so in DESIGN.md; what it does not take is anything of which two readers could make two things. Texts without
// escapes are slices of data, others lie in scratch; both are good until the next message.
type reader struct {
	data    []byte
	pos     int
	depth   int
	scratch []byte
}

// depthMax of nesting: envelope, input, node, list, row, list, row are 7; the rest is for unknown fields.
const depthMax = 12

var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

func (r *reader) reset(body []byte) {
	r.data, r.pos, r.depth, r.scratch = bytes.TrimPrefix(body, byteOrderMark), 0, 0, r.scratch[:0]
}

// peek skips white space and gives the next byte, 0 at the end.
func (r *reader) peek() byte {
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take steps over c if it comes next.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	return true
}

// open and shut count nesting; open is false if it is too deep or does not begin with c.
func (r *reader) open(c byte) code {
	if !r.take(c) {
		return codeWrongType
	}
	if r.depth++; r.depth > depthMax {
		return codeTooDeep
	}
	return ""
}

// more tells whether another element follows before end, stepping over the comma. first: none has come yet.
func (r *reader) more(end byte, first bool) (bool, code) {
	c := r.peek()
	switch {
	case c == end:
		r.pos++
		r.depth--
		return false, ""
	case first:
		return true, ""
	case c != ',':
		return false, codeMalformed
	}
	r.pos++
	if r.peek() == end { // a comma before the end
		return false, codeMalformed
	}
	return true, ""
}

// key reads a name and its colon.
func (r *reader) key() ([]byte, code) {
	s, x := r.text()
	if x != "" {
		return nil, x
	}
	if !r.take(':') {
		return nil, codeMalformed
	}
	return s, ""
}

// text reads a string. Control characters as such are not JSON; escaped ones are the caller's to judge.
func (r *reader) text() ([]byte, code) {
	if !r.take('"') {
		return nil, codeMalformed
	}
	start, high := r.pos, byte(0)
	for i := start; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			s := r.data[start:i:i]
			if high >= utf8.RuneSelf && !utf8.Valid(s) {
				return nil, codeBadUTF8
			}
			return s, ""
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			return nil, codeMalformed
		default:
			high |= c
		}
	}
	return nil, codeMalformed
}

// escaped continues text at its first backslash.
func (r *reader) escaped(start, i int) ([]byte, code) {
	from := len(r.scratch)
	r.scratch = append(r.scratch, r.data[start:i]...)
	for i < len(r.data) {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			s := r.scratch[from:len(r.scratch):len(r.scratch)]
			if !utf8.Valid(s) {
				return nil, codeBadUTF8
			}
			return s, ""
		case c == '\\':
			ch, n := unescape(r.data[i:])
			if n == 0 {
				return nil, codeMalformed
			}
			r.scratch = utf8.AppendRune(r.scratch, ch)
			i += n
		case c < ' ':
			return nil, codeMalformed
		default:
			r.scratch = append(r.scratch, c)
			i++
		}
	}
	return nil, codeMalformed
}

const escapes = `"\/bfnrt`
const escapeMeans = "\"\\/\b\f\n\r\t"

// unescape decodes the escape at the beginning of s and gives its length; 0: it is none. A lone surrogate is none.
func unescape(s []byte) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	if i := bytes.IndexByte([]byte(escapes), s[1]); i >= 0 {
		return rune(escapeMeans[i]), 2
	}
	ch, ok := hex4(s)
	switch {
	case !ok || ch >= 0xdc00 && ch < 0xe000:
		return 0, 0
	case ch < 0xd800 || ch >= 0xe000:
		return ch, 6
	}
	low, ok := hex4(s[6:])
	if !ok || low < 0xdc00 || low >= 0xe000 {
		return 0, 0
	}
	return (ch-0xd800)<<10 + (low - 0xdc00) + 0x10000, 12
}

// hex4 reads a \uXXXX.
func hex4(s []byte) (ch rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range s[2:6] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		ch = ch<<4 | rune(c)
	}
	return ch, true
}

// bare reads a number, true, false or null as the letters it is made of.
func (r *reader) bare() ([]byte, code) {
	r.peek()
	start := r.pos
	for ; r.pos < len(r.data); r.pos++ {
		c := r.data[r.pos]
		if c-'0' > 9 && (c|0x20)-'a' > 25 && c != '-' && c != '+' && c != '.' {
			break
		}
	}
	s := r.data[start:r.pos:r.pos]
	switch string(s) {
	case "true", "false", "null":
		return s, ""
	}
	if !isJSONNumber(s) {
		return nil, codeMalformed
	}
	return s, ""
}

// isJSONNumber is the grammar of RFC 8259; what of it is an amount is decided elsewhere.
func isJSONNumber(s []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	first := i
	if !digits() || s[first] == '0' && i > first+1 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

// skip steps over one value of any kind.
func (r *reader) skip() code {
	switch r.peek() {
	case '"':
		_, x := r.text()
		return x
	case '{':
		if x := r.open('{'); x != "" {
			return x
		}
		for first := true; ; first = false {
			more, x := r.more('}', first)
			if x != "" || !more {
				return x
			}
			if _, x = r.key(); x == "" {
				x = r.skip()
			}
			if x != "" {
				return x
			}
		}
	case '[':
		if x := r.open('['); x != "" {
			return x
		}
		for first := true; ; first = false {
			more, x := r.more(']', first)
			if x != "" || !more {
				return x
			}
			if x = r.skip(); x != "" {
				return x
			}
		}
	}
	_, x := r.bare()
	return x
}
