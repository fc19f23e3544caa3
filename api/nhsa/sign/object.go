package sign

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// fieldsMax bounds the top level of a signed message: an envelope has 18 fields and a few local ones.
const fieldsMax = 64

// member is a field of a JSON object's top level. raw is its value as written, text what is signed of it: a string's contents, a number,
// true or false as written; flat is false for objects and arrays, whose text is "". null is left out of everything.
type member struct {
	name string
	raw  []byte
	text string
	flat bool
	free bool // bound in another way than by its place: may hold what pretends refuses
}

// readObject reads the top level of a JSON object. ok is false if it is none, has a name twice (then it has two readings), has more than
// fieldsMax fields, or is not UTF-8.
func readObject(body []byte) (members []member, ok bool) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, false
	}
	p := bytes.TrimLeft(body, blanks)
	if p[0] != '{' {
		return nil, false
	}
	p = bytes.TrimLeft(p[1:], blanks)
	for p[0] != '}' {
		if p[0] == ',' {
			p = bytes.TrimLeft(p[1:], blanks)
		}
		end := valueEnd(p)
		name, fine := unquote(p[:end])
		p = bytes.TrimLeft(p[end:], blanks)
		p = bytes.TrimLeft(p[1:], blanks) // the colon
		end = valueEnd(p)
		m := member{name: name, raw: p[:end]}
		p = bytes.TrimLeft(p[end:], blanks)
		if !fine || len(members) == fieldsMax || slices.ContainsFunc(members, func(o member) bool { return o.name == name }) {
			return nil, false
		}
		switch m.raw[0] {
		case '{', '[':
		case '"':
			m.flat = true
			if m.text, fine = unquote(m.raw); !fine {
				return nil, false
			}
		default:
			m.flat, m.text = true, string(m.raw)
		}
		members = append(members, m)
	}
	return members, true
}

const blanks = " \t\r\n"

// valueEnd is where the value at p's start ends. p is the rest of valid JSON, so nothing can be missing.
func valueEnd(p []byte) int {
	depth := 0
	for i := 0; ; {
		switch p[i] {
		case '"':
			for i++; p[i] != '"'; i++ {
				if p[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
			continue
		default: // number or word
			for i < len(p) && strings.IndexByte(" \t\r\n,:}]", p[i]) < 0 {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// unquote reads a JSON string. A lone surrogate is refused: it would be read as the same U+FFFD as any other.
func unquote(raw []byte) (string, bool) {
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside), true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil && !strings.ContainsRune(s, utf8.RuneError)
}

// find gives the text of a flat field; "" if it is missing.
func find(members []member, name string) string {
	for i := range members {
		if members[i].name == name && members[i].flat {
			return members[i].text
		}
	}
	return ""
}

// signedText joins the fields as name=value with '&', names ascending by their bytes, without those named in except and null ones.
// ok is false if the text could be read in two ways, or if a field that is to be signed is no flat value.
func signedText(members []member, omitEmpty bool, except ...string) (text []byte, ok bool) {
	signed := make([]member, 0, len(members))
	for _, m := range members {
		if slices.Contains(except, m.name) || string(m.raw) == "null" || omitEmpty && m.flat && m.text == "" {
			continue
		}
		if !m.flat || strings.ContainsAny(m.name, "&=") || !m.free && pretends(m.text) {
			return nil, false
		}
		signed = append(signed, m)
	}
	slices.SortFunc(signed, func(a, b member) int { return strings.Compare(a.name, b.name) })
	for i, m := range signed {
		if i > 0 {
			text = append(text, '&')
		}
		text = append(append(append(text, m.name...), '='), m.text...)
	}
	return text, true
}

// pretends tells whether a value could pass for a value and further fields: "x&name=y".
func pretends(value string) bool {
	_, behind, found := strings.Cut(value, "&")
	return found && strings.Contains(behind, "=")
}
