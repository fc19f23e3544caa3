package strictjson

import (
	"slices"
	"strconv"
	"strings"
)

// Code is a stable name of what is wrong with a request; it becomes the code of the problem answer.
type Code string

// The codes. They are part of the HTTP contract and never change. Amounts have further ones, those
// of package money.
const (
	CodeMalformed    Code = "malformed"     // not JSON
	CodeUnknownField Code = "unknown_field" // a key that the shape does not have, in exactly this case
	CodeDuplicate    Code = "duplicate_field"
	CodeMissing      Code = "missing_field"
	CodeWrongType    Code = "wrong_type"
	CodeTooLong      Code = "too_long" // more characters or bytes than the field may have
	CodeBadUTF8      Code = "bad_utf8" // invalid UTF-8, a lone surrogate or a control character
	CodeTooDeep      Code = "too_deep"
	CodeTooMany      Code = "too_many" // elements of an array
	CodeTrailing     Code = "trailing_data"
	CodeNull         Code = "null"
	CodeBadValue     Code = "bad_value" // well-formed, but not one of the values the field may have
)

// Error says what is wrong and where. It never contains a value of the request.
type Error struct {
	Field  string // dotted path, "expected.acct_pay" or "passwords[2]"; "" is the whole body
	Code   Code
	Offset int // byte in the body at which it was noticed
}

// Error implements error.
func (e *Error) Error() string {
	text := "strictjson: " + string(e.Code)
	if e.Field != "" {
		text += " at " + e.Field
	}
	return text + " (byte " + strconv.Itoa(e.Offset) + ")"
}

// fail records the first error and empties the input, so that everything after it ends quickly.
func (d *Decoder) fail(code Code, offset int) {
	d.failAt(d.path(d.depth, ""), code, offset)
}

func (d *Decoder) failAt(path string, code Code, offset int) {
	if d.failed {
		return
	}
	d.failed = true
	d.err = &Error{Field: path, Code: code, Offset: offset}
}

// path is the dotted path of the value being read: one element per open object or array, then leaf.
func (d *Decoder) path(depth int, leaf string) string {
	var dst []byte
	for i := range depth {
		f := &d.frames[i]
		switch {
		case f.shape == nil:
			dst = append(dst, '[')
			dst = strconv.AppendInt(dst, int64(f.current), 10)
			dst = append(dst, ']')
		case f.current >= 0:
			dst = appendName(dst, f.shape.names[f.current])
		}
	}
	if leaf != "" {
		dst = appendName(dst, leaf)
	}
	return string(dst)
}

func appendName(dst []byte, name string) []byte {
	if len(dst) > 0 {
		dst = append(dst, '.')
	}
	return append(dst, name...)
}

// safeKeyMax bounds what of an unknown key may be told back: the longest national field name has 30 characters.
const safeKeyMax = 40

// safeKey returns an unknown key if it looks like a field name, letters of one case and underscores, or is a field of the shape in the wrong case, else "". A caller who puts
// an identity number, a token or its base64 (letters of both cases) where a key belongs must not find it in our answers and logs.
func safeKey(shape *Shape, key []byte) string {
	small, capital := false, false
	for _, c := range key {
		switch {
		case c >= 'a' && c <= 'z':
			small = true
		case c >= 'A' && c <= 'Z':
			capital = true
		case c != '_':
			return ""
		}
	}
	known := func(name string) bool { return strings.EqualFold(name, string(key)) }
	if len(key) > safeKeyMax || small && capital && !slices.ContainsFunc(shape.names, known) {
		return ""
	}
	return string(key)
}
