package strictjson

import (
	"bytes"
	"math/bits"
)

const (
	// DepthMax is the number of objects and arrays that may be open at once (api.md: depth 6).
	DepthMax = 6

	// scratchKeep is the largest buffer for decoded escapes that a Decoder keeps between bodies: the
	// body limit of business calls (api.md: 64 KiB). A body can never decode to more than its size.
	scratchKeep = 64 << 10
)

// Decoder reads one JSON object at a time. The zero value is ready for Reset. It belongs to one
// goroutine and is meant to be kept and reused. Byte slices it returns point into the body or into
// its own buffer and are valid until the next Reset: copy what must outlive that.
type Decoder struct {
	data    []byte
	pos     int
	scratch []byte // decoded strings that had escapes; slices handed out stay valid when it grows

	frames [DepthMax]frame
	depth  int

	// Of the outermost object: which field followed which one the last time, + 1 of both. A caller sends its fields in one order, and leaves out the same.
	follows   [fieldsMax + 1]uint8
	followsOf *Shape

	failed  bool
	pending bool // a field or element was announced and its value not yet read
	started bool
	err     *Error
}

// frame is an open object (shape != nil) or array.
type frame struct {
	shape   *Shape
	seen    uint64 // bit mask of field indexes
	current int    // field index or element index, -1 before the first
	max     int    // of an array
}

// Reset starts with a new body, which the caller must not change while slices from it are in use.
func (d *Decoder) Reset(body []byte) {
	d.data = body
	d.pos = 0
	d.depth = 0
	d.failed, d.pending, d.started = false, false, false
	d.err = nil
	if cap(d.scratch) > scratchKeep {
		d.scratch = nil
	}
	d.scratch = d.scratch[:0]
}

// Err returns the first error so far, without looking at what is left of the body. Done does both.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// Refuse records an error of the caller's own at the field being read (a value that the grammar
// allows but the handler does not). Like every error it counts only if it is the first.
func (d *Decoder) Refuse(code Code) { d.fail(code, d.pos) }

// Object opens an object, as the body or as the value of the field just announced. Loop over it
// with Next until that returns false.
func (d *Decoder) Object(s *Shape) { d.open('{', frame{shape: s, current: -1}) }

// Array opens an array of at most max elements. Loop over it with Next until that returns false.
func (d *Decoder) Array(max int) { d.open('[', frame{current: -1, max: max}) }

func (d *Decoder) open(bracket byte, f frame) {
	if !d.value() {
		return
	}
	switch c := d.data[d.pos]; {
	case c == bracket && d.depth == DepthMax:
		d.fail(CodeTooDeep, d.pos)
	case c == bracket:
		d.pos++
		d.frames[d.depth] = f
		d.depth++
	default:
		d.wrongType()
	}
}

// Next moves to the next field or element of the innermost open object or array; false means that
// it is closed, or that there is an error. The value announced must be read before the next call;
// forgetting one is a bug in the handler and panics with the field's name.
func (d *Decoder) Next() bool {
	if d.failed {
		return false
	}
	if d.pending {
		panic("strictjson: value of " + d.path(d.depth, "") + " was not read")
	}
	if d.depth == 0 {
		return false
	}
	f := &d.frames[d.depth-1]
	if f.shape == nil {
		return d.nextElement(f)
	}
	return d.nextField(f)
}

func (d *Decoder) nextField(f *frame) bool {
	if d.expected(f) {
		return true
	}
	c, ok := d.peek()
	if !ok {
		return false
	}
	previous := f.current
	if c == '}' {
		d.close(f)
		return false
	}
	if previous >= 0 {
		if c != ',' {
			f.current = -1
			d.fail(CodeMalformed, d.pos)
			return false
		}
		d.pos++
		if c, ok = d.peek(); !ok {
			return false
		}
	}
	f.current = -1
	if c != '"' {
		d.fail(CodeMalformed, d.pos)
		return false
	}
	return d.key(f, previous)
}

// expected announces the field that is likely to be next, if it is there without white space: one comparison instead of a look at each character.
// false: nothing has been read.
func (d *Decoder) expected(f *frame) bool {
	if d.depth != 1 || d.followsOf != f.shape {
		return false
	}
	next := int(d.follows[f.current+1]) - 1
	if next < 0 || f.seen&(1<<next) != 0 {
		return false
	}
	key := f.shape.keys[next] // ,"name":
	if f.current < 0 {
		key = key[1:]
	}
	if end := d.pos + len(key); end > len(d.data) || string(d.data[d.pos:end]) != key {
		return false
	}
	d.pos += len(key)
	f.current = next
	f.seen |= 1 << next
	d.pending = true
	return true
}

// followed remembers the order of fields for expected.
func (d *Decoder) followed(f *frame, previous, next int) {
	if d.depth != 1 {
		return
	}
	if d.followsOf != f.shape {
		d.followsOf, d.follows = f.shape, [fieldsMax + 1]uint8{}
	}
	d.follows[previous+1] = uint8(next + 1)
}

// key reads `"name" :` and announces the field's value.
func (d *Decoder) key(f *frame, previous int) bool {
	start := d.pos + 1
	i, end := d.findKey(f.shape, start, previous+1)
	if i < 0 {
		return false
	}
	f.current = i
	if f.seen&(1<<i) != 0 {
		d.fail(CodeDuplicate, start)
		return false
	}
	f.seen |= 1 << i
	d.followed(f, previous, i)
	d.pos = end + 1
	c, ok := d.peek()
	if !ok {
		return false
	}
	if c != ':' {
		d.fail(CodeMalformed, d.pos)
		return false
	}
	d.pos++
	d.pending = true
	return true
}

// findKey looks up the key that begins at start and returns its index (-1: error) and the position
// of its closing quote. Most clients send fields in the documented order, so the field that would be
// next is compared first. Keys with escapes cannot be ours: all names are plain ASCII, so an escaped
// spelling is refused like any other unknown name, and no two spellings of one key exist.
func (d *Decoder) findKey(s *Shape, start, guess int) (index, end int) {
	rest := d.data[start:]
	if guess < len(s.names) {
		name := s.names[guess]
		if n := len(name); n < len(rest) && rest[n] == '"' && string(rest[:n]) == name {
			return guess, start + n
		}
	}
	n := bytes.IndexByte(rest, '"')
	if n < 0 {
		d.fail(CodeMalformed, len(d.data))
		return -1, 0
	}
	if i := s.lookup(rest[:n]); i >= 0 {
		return i, start + n
	}
	d.failAt(d.path(d.depth, safeKey(s, rest[:n])), CodeUnknownField, start)
	return -1, 0
}

func (d *Decoder) close(f *frame) {
	if missing := f.shape.required &^ f.seen; missing != 0 {
		f.current = -1
		d.failAt(d.path(d.depth, f.shape.names[bits.TrailingZeros64(missing)]), CodeMissing, d.pos)
		return
	}
	d.pos++
	d.depth--
}

func (d *Decoder) nextElement(f *frame) bool {
	c, ok := d.peek()
	if !ok {
		return false
	}
	if c == ']' {
		d.pos++
		d.depth--
		return false
	}
	if f.current >= 0 {
		if c != ',' {
			d.fail(CodeMalformed, d.pos)
			return false
		}
		d.pos++
	}
	f.current++
	if f.current >= f.max {
		d.fail(CodeTooMany, d.pos)
		return false
	}
	d.pending = true
	return true
}

// Field is the name of the field announced by Next, from the shape; "" outside an object.
func (d *Decoder) Field() string {
	if d.failed || d.depth == 0 {
		return ""
	}
	f := &d.frames[d.depth-1]
	if f.shape == nil || f.current < 0 {
		return ""
	}
	return f.shape.names[f.current]
}

// FieldIndex is the position of that name in the shape, or the number of the array's element.
func (d *Decoder) FieldIndex() int {
	if d.failed || d.depth == 0 {
		return -1
	}
	return d.frames[d.depth-1].current
}

// Has tells whether the innermost open object has already had field i of its shape. After Next has
// returned false the object is closed; keep what you need to know before.
func (d *Decoder) Has(i int) bool {
	return d.depth > 0 && d.frames[d.depth-1].seen&(1<<i) != 0
}

// Done ends the body: everything opened must be closed and only white space may follow. It returns
// nil or a *Error.
func (d *Decoder) Done() error {
	if d.failed {
		return d.err
	}
	if d.pending || d.depth > 0 || !d.started {
		panic("strictjson: Done before the body was read to its end")
	}
	d.space()
	if d.pos < len(d.data) {
		d.failAt("", CodeTrailing, d.pos)
		return d.err
	}
	return nil
}

// value positions at the first byte of the value that is due.
func (d *Decoder) value() bool {
	if d.failed {
		return false
	}
	if !d.pending && d.started {
		panic("strictjson: no value is due")
	}
	d.pending, d.started = false, true
	_, ok := d.peek()
	return ok
}

// peek skips white space and returns the next byte; the end of the data is an error.
func (d *Decoder) peek() (byte, bool) {
	d.space()
	if d.pos >= len(d.data) {
		d.fail(CodeMalformed, d.pos)
		return 0, false
	}
	return d.data[d.pos], true
}

func (d *Decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// wrongType fails with the code that fits the value found: null has its own, and what cannot begin
// a JSON value is malformed.
func (d *Decoder) wrongType() {
	code := CodeMalformed
	switch c := d.data[d.pos]; {
	case c == 'n' && d.literal("null"):
		code = CodeNull
	case c == '"', c == '{', c == '[', c == '-', c >= '0' && c <= '9', d.literal("true"), d.literal("false"):
		code = CodeWrongType
	}
	d.fail(code, d.pos)
}

func (d *Decoder) literal(word string) bool {
	return len(d.data)-d.pos >= len(word) && string(d.data[d.pos:d.pos+len(word)]) == word
}
