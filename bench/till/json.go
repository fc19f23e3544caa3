package till

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// object writes one JSON object in the order of the national tables. Numbers alternate between JSON numbers and text, as real senders differ
// (nhsa-interface.md 1.4, 12): a server must take both.
type object struct {
	b       []byte
	numbers *int // written so far in the message
}

// newInput writes the node input of a message.
func newInput(write func(*object)) []byte {
	n := 0
	return appendObject(nil, &n, write)
}

func appendObject(b []byte, numbers *int, write func(*object)) []byte {
	o := &object{b: append(b, '{'), numbers: numbers}
	write(o)
	return append(o.b, '}')
}

func (o *object) key(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(appendText(o.b, name), ':')
}

// text writes a text; what is empty is sent as "" (1.4, 3).
func (o *object) text(name, v string) {
	o.key(name)
	o.b = appendText(o.b, v)
}

// texts writes pairs of name and value.
func (o *object) texts(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		o.text(pairs[i], pairs[i+1])
	}
}

// number writes a number given by its text.
func (o *object) number(name, v string) {
	o.key(name)
	if *o.numbers++; *o.numbers%2 == 0 {
		o.b = appendText(o.b, v)
		return
	}
	o.b = append(o.b, v...)
}

func (o *object) money(name string, f Fen)  { o.number(name, f.String()) }
func (o *object) count(name string, n int)  { o.number(name, strconv.Itoa(n)) }
func (o *object) raw(name string, v []byte) { o.key(name); o.b = append(o.b, v...) }
func (o *object) node(name string, w func(*object)) {
	o.key(name)
	o.b = appendObject(o.b, o.numbers, w)
}

// rows writes a list of n objects.
func (o *object) rows(name string, n int, row func(i int, o *object)) {
	o.key(name)
	o.b = append(o.b, '[')
	for i := range n {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendObject(o.b, o.numbers, func(o *object) { row(i, o) })
	}
	o.b = append(o.b, ']')
}

func appendText(b []byte, s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("BUG: a text is not JSON: " + err.Error())
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})...)
}

// Node is a decoded object. Names are looked up as they are; what is missing reads as empty.
type Node map[string]any

var errNotObject = errors.New("till: not a JSON object")

// parseNode reads one object and nothing behind it.
func parseNode(b []byte) (Node, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var n Node
	if err := d.Decode(&n); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotObject, err)
	}
	if n == nil || d.More() {
		return nil, errNotObject
	}
	return n, nil
}

// Text is a field as text: servers send numbers in both forms.
func (n Node) Text(name string) string {
	switch v := n[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// Fen is an amount; an error if it is missing or none.
func (n Node) Fen(name string) (Fen, error) {
	f, err := parseFen(n.Text(name))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Child is a node inside, also where the server sends a list of one; nil if there is none.
func (n Node) Child(name string) Node {
	if rows := n.Rows(name); len(rows) > 0 {
		return rows[0]
	}
	return nil
}

// Rows is a list of nodes, also where the server sends the only one without a list.
func (n Node) Rows(name string) []Node {
	switch v := n[name].(type) {
	case map[string]any:
		return []Node{v}
	case []any:
		var out []Node
		for _, x := range v {
			if m, ok := x.(map[string]any); ok {
				out = append(out, m)
			}
		}
		return out
	}
	return nil
}
