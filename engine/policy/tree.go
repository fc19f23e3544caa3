package policy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// entry is a key with its value and where it stands.
type entry struct {
	key   string
	line  int
	value value
}

// value is a TOML value of a profile: a scalar, a list or a table.
type value struct {
	kind  unstable.Kind
	text  string // of a scalar: a string unescaped, others as written
	list  []value
	table []entry
	line  int // of a table
}

// tree reads the text's expressions. The library's parser gives them one by one, with their places and without looking at what they
// mean; its decoder would stop at the first value of a wrong type and tells no rule number.
func tree(file string, text []byte) ([]entry, Problems) {
	p := &unstable.Parser{}
	p.Reset(text)
	root := []entry{}
	into := &root
	var bad Problems
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.KeyValue:
			*into = append(*into, keyValue(p, e))
		case unstable.ArrayTable:
			key, line := keyOf(p, e)
			into = row(&root, key, line)
		default: // [table]: what stands under it belongs to no knob
			key, line := keyOf(p, e)
			root = append(root, entry{key: key, line: line, value: value{kind: unstable.Table, line: line}})
			into = &root[len(root)-1].value.table
		}
	}
	if err := p.Error(); err != nil {
		line := 1 + bytes.Count(text, []byte{'\n'})
		var where *unstable.ParserError
		if errors.As(err, &where) && len(where.Highlight) > 0 {
			line = p.Shape(p.Range(where.Highlight)).Start.Line
		}
		bad = append(bad, Problem{File: file, Line: line, Fault: Syntax, Text: syntaxText(err)})
	}
	return root, bad
}

// syntaxText cuts the parser's message before it quotes the file.
func syntaxText(err error) string {
	text, _, _ := strings.Cut(err.Error(), ":")
	return "no TOML from here on: " + text
}

// row begins a row of a [[table]].
func row(root *[]entry, key string, line int) *[]entry {
	at := -1
	for i := range *root {
		if (*root)[i].key == key && (*root)[i].value.kind == unstable.ArrayTable {
			at = i
		}
	}
	if at < 0 {
		*root = append(*root, entry{key: key, line: line, value: value{kind: unstable.ArrayTable, line: line}})
		at = len(*root) - 1
	}
	list := &(*root)[at].value.list
	*list = append(*list, value{kind: unstable.InlineTable, line: line})
	return &(*list)[len(*list)-1].table
}

func keyOf(p *unstable.Parser, n *unstable.Node) (key string, line int) {
	for it := n.Key(); it.Next(); {
		if line == 0 {
			line = p.Shape(it.Node().Raw).Start.Line
		} else {
			key += "."
		}
		key += string(it.Node().Data)
	}
	return key, line
}

func keyValue(p *unstable.Parser, n *unstable.Node) entry {
	key, line := keyOf(p, n)
	return entry{key: key, line: line, value: valueOf(n.Value(), line)}
}

func valueOf(n *unstable.Node, line int) value {
	v := value{kind: n.Kind, text: string(n.Data), line: line}
	if n.Kind == unstable.Array {
		for it := n.Children(); it.Next(); {
			v.list = append(v.list, valueOf(it.Node(), line))
		}
	}
	return v // what is in an inline table no knob has: it is refused by its kind
}

// shownKey is a key that may be told: a text that looks like no knob, which has small letters and underscores, could be anything, as an identity number.
func shownKey(key string) string {
	if len(key) > 40 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_.") != "" {
		return fmt.Sprintf("a key of %d bytes", len(key))
	}
	return key
}
