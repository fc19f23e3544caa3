package nhsa

import (
	"bytes"
	"unicode/utf8"
)

// value is one field as it was sent. Texts point into the message.
type value struct {
	text []byte // of a number: its text as sent
	num  int64  // of kindNumber: in units of its last decimal; of kindDate, kindTime: days since 1970-01-01
	row  int32  // of kindNode: its first row + 1
	rows int32  // of kindNode: how many
	has  bool   // sent, and not empty: "" and null are nothing (nhsa-interface.md 1.4)
}

// row is one object read by a node's table.
type row struct {
	node   *node
	at     int32 // of its first field in tree.values
	next   int32 // row + 1 of the next one in the same list
	number int32 // in its list, from 1; 0: not in a list
}

// step is a place on the way to a field.
type step struct {
	node   *node
	number int32
}

// tree is a decoded message. It is reused: what it gives out is good until the next message.
type tree struct {
	reader
	values []value
	rows   []row
	trail  []step
	table  map[string]*transaction // for the envelope's input
}

func (t *tree) begin(body []byte) {
	t.reset(body)
	t.values, t.rows, t.trail = t.values[:0], t.rows[:0], t.trail[:0]
}

// get is a field of a row.
func (t *tree) get(r int32, field int) *value { return &t.values[int(t.rows[r].at)+field] }

// child is the first row of a node inside a row; ok is false if there is none.
func (t *tree) child(r int32, field int) (first int32, ok bool) {
	v := t.get(r, field)
	return v.row - 1, v.has
}

// where is the name of the place that a fault is about: "drugdetail[2].cnt", rows counted from 1.
func (t *tree) where(field string) string {
	var b []byte
	for _, s := range t.trail {
		b = appendStep(b, s.node.name, s.number)
	}
	if field == "" && len(b) > 0 {
		return string(b[:len(b)-1])
	}
	return string(append(b, field...))
}

func appendStep(b []byte, name string, number int32) []byte {
	if name == "" {
		return b
	}
	b = append(b, name...)
	if number > 0 {
		b = append(b, '[')
		b = appendNumber(b, int64(number), 0)
		b = append(b, ']')
	}
	return append(b, '.')
}

// object reads an object by a node's table.
func (t *tree) object(n *node, number int32) (int32, fault) {
	t.trail = append(t.trail, step{n, number})
	if x := t.open('{'); x != "" {
		return 0, fault{code: x, where: t.where("")}
	}
	r := int32(len(t.rows))
	t.rows = append(t.rows, row{node: n, at: int32(len(t.values)), number: number})
	for range n.fields {
		t.values = append(t.values, value{})
	}
	var seen uint64
	hint := 0
	for first := true; ; first = false {
		more, x := t.more('}', first)
		if x != "" {
			return r, fault{code: x, where: t.where("")}
		}
		if !more {
			break
		}
		i, x := t.name(n, hint)
		if x != "" {
			return r, fault{code: x, where: t.where("")}
		}
		if i < 0 {
			if x := t.skip(); x != "" {
				return r, fault{code: x, where: t.where("")}
			}
			continue
		}
		if seen>>i&1 != 0 {
			return r, fault{code: codeDuplicate, where: t.where(n.fields[i].name)}
		}
		seen |= 1 << i
		hint = i + 1
		if x := t.field(r, n, i); x.bad() {
			return r, x
		}
	}
	if x := t.complete(r, n); x.bad() {
		return r, x
	}
	t.trail = t.trail[:len(t.trail)-1]
	return r, fault{}
}

// name reads a name and gives its place in the table, -1 if it is not there. Most senders keep the order of the tables, so the one that comes next
// there is compared first, in one piece.
func (t *tree) name(n *node, hint int) (int, code) {
	if t.peek(); hint < len(n.fields) {
		want := n.fields[hint].name
		if rest := t.data[t.pos:]; len(rest) > len(want)+2 && rest[0] == '"' && string(rest[1:1+len(want)]) == want && rest[1+len(want)] == '"' && rest[2+len(want)] == ':' {
			t.pos += len(want) + 3
			return hint, ""
		}
	}
	name, x := t.key()
	if x != "" {
		return -1, x
	}
	if i, ok := n.byName[string(name)]; ok {
		return int(i), ""
	}
	return -1, ""
}

// complete refuses a row without a field that must be there.
func (t *tree) complete(r int32, n *node) fault {
	for i := range n.fields {
		if n.fields[i].need == must && !t.get(r, i).has {
			return fault{code: codeMissing, where: t.where(n.fields[i].name), label: n.fields[i].text}
		}
	}
	return fault{}
}

// field reads the value of field i of row r.
func (t *tree) field(r int32, n *node, i int) fault {
	f := &n.fields[i]
	var v value
	var x code
	switch c := t.peek(); {
	case f.kind == kindNode:
		return t.children(r, i, f.node)
	case f.kind == kindRaw && t.tableOf(r) != nil:
		child, x := t.object(t.tableOf(r).input, 0)
		*t.get(r, i) = value{row: child + 1, has: true}
		return x.inside(f)
	case f.kind == kindRaw || f.kind == kindAny && (c == '{' || c == '['):
		start := t.pos
		x = t.skip()
		v.text, v.has = t.data[start:t.pos:t.pos], true
	case c == '"':
		v.text, x = t.text()
		if v.has = len(v.text) > 0; v.has && f.kind <= kindDigits && isBlank(v.text) {
			v = value{} // spaces are nothing, as no text is
		}
	case c == '{' || c == '[':
		x = codeWrongType
	default:
		v.text, x = t.bare()
		v.has = true
		switch string(v.text) {
		case "null":
			v = value{}
		case "true", "false":
			x = codeWrongType
		}
	}
	if x == "" && v.has {
		x = f.check(&v)
	}
	if x != "" {
		return fault{code: x, where: t.where(f.name), label: f.text, limit: f.length}
	}
	*t.get(r, i) = v
	return fault{}
}

// tableOf is the transaction of an envelope whose infno has come already, nil if it has not: then input is read when the envelope is complete.
func (t *tree) tableOf(r int32) *transaction { return t.table[string(t.get(r, envInfno).text)] }

// inside gives a fault of the nameless node input its name.
func (x fault) inside(f *field) fault {
	if x.bad() && x.where == "" {
		x.where = f.name
	}
	return x
}

// children reads a node inside: an object or, if the table has a list, also one of it; a list of one where the table has an object. Old
// senders do both (nhsa-inpatient.md 4, rule 26).
func (t *tree) children(r int32, i int, n *node) fault {
	switch t.peek() {
	case '{':
		number := int32(0)
		if n.max > 0 {
			number = 1
		}
		child, x := t.object(n, number)
		if !x.bad() {
			*t.get(r, i) = value{row: child + 1, rows: 1, has: true}
		}
		return x
	case 'n', '"': // null, or "" for nothing
		return t.nothing(n)
	}
	return t.list(r, i, n)
}

// nothing reads null or an empty text where a node is asked for.
func (t *tree) nothing(n *node) fault {
	s, x := []byte(nil), code("")
	if t.peek() == 'n' {
		if s, x = t.bare(); string(s) == "null" {
			return fault{}
		}
	} else if s, x = t.text(); x == "" && len(s) == 0 {
		return fault{}
	}
	if x == "" {
		x = codeWrongType
	}
	return fault{code: x, where: t.where(n.name)}
}

func (t *tree) list(r int32, i int, n *node) fault {
	if x := t.open('['); x != "" {
		return fault{code: x, where: t.where(n.name)}
	}
	count, last := int32(0), int32(-1)
	for {
		more, x := t.more(']', count == 0)
		if x != "" {
			return fault{code: x, where: t.where(n.name)}
		}
		if !more {
			return fault{}
		}
		if count++; int(count) > max(n.max, 1) {
			return fault{code: codeTooMany, where: t.where(n.name), limit: max(n.max, 1)}
		}
		number := count
		if n.max == 0 {
			number = 0
		}
		child, y := t.object(n, number)
		if y.bad() {
			return y
		}
		if last < 0 {
			*t.get(r, i) = value{row: child + 1, has: true}
		} else {
			t.rows[last].next = child + 1
		}
		t.get(r, i).rows = count
		last = child
	}
}

// check looks whether a value fits its field and fills in its number.
func (f *field) check(v *value) (x code) {
	switch f.kind {
	case kindNumber:
		if v.num, x = parseNumber(v.text, f.length, f.scale); x == "" && v.num < 0 && !f.minus {
			x = codeNegative
		}
		return x
	case kindDate, kindTime:
		var ok bool
		if v.num, ok = parseMoment(v.text); !ok {
			return codeBadValue
		}
		return ""
	case kindRaw:
		return ""
	}
	if len(v.text) > f.length && utf8.RuneCount(v.text) > f.length {
		return codeTooLong
	}
	switch f.kind {
	case kindText:
		return plain(v.text)
	case kindToken:
		for _, c := range v.text {
			if c <= ' ' || c >= 0x7f {
				return codeBadValue
			}
		}
	case kindDigits:
		for i, c := range v.text {
			if c-'0' > 9 || i == 0 && c == '0' {
				return codeBadValue
			}
		}
	}
	if f.dict != nil && !f.dict.has(v.text) {
		return codeBadValue
	}
	return ""
}

// isBlank: nothing but white space, ours or China's wide one.
func isBlank(s []byte) bool {
	if c := s[0]; c > ' ' && c < utf8.RuneSelf { // most
		return false
	}
	return len(bytes.TrimSpace(s)) == 0
}

// plain refuses control characters: a text with a line feed can forge a line of a log or a receipt.
func plain(s []byte) code {
	for i, c := range s {
		if c < ' ' || c == 0x7f || c == 0xc2 && s[i+1] < 0xa0 { // U+0080 to U+009F
			return codeBadUTF8
		}
	}
	return ""
}
