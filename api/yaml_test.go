package api

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// yamlToJSON translates the subset of YAML 1.2 that openapi.yaml is written in: nested maps and lists by indentation, flow maps and lists on one line,
// folded texts, plain and single-quoted scalars. It keeps the order of keys and refuses what it does not know, a key given twice and a plain scalar whose
// type could be read in two ways. Rejected: a YAML library, a dependency for a file that is ours.
func yamlToJSON(text string) (out []byte, err error) {
	y := &yaml{}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) != "" {
			y.lines = append(y.lines, line)
		}
	}
	if out, err = y.block(nil, 0); err == nil && y.at != len(y.lines) {
		err = fmt.Errorf("indentation of %q", y.lines[y.at])
	}
	return out, err
}

type yaml struct {
	lines []string // consumed: "- key: value" becomes "  key: value" once its dash is read
	at    int
}

func (y *yaml) indent() int { return len(y.lines[y.at]) - len(strings.TrimLeft(y.lines[y.at], " ")) }

func (y *yaml) block(out []byte, indent int) ([]byte, error) {
	if strings.HasPrefix(y.lines[y.at][indent:], "- ") {
		return y.list(out, indent)
	}
	m := members{open: '{', shut: '}'}
	for y.at < len(y.lines) && y.indent() == indent {
		key, text, found := splitKey(y.lines[y.at][indent:])
		if !found {
			return nil, fmt.Errorf("line %q", y.lines[y.at])
		}
		var err error
		if out, err = m.key(out, key); err != nil {
			return nil, err
		}
		y.at++
		if out, err = y.value(out, text, indent); err != nil {
			return nil, err
		}
	}
	if y.at < len(y.lines) && y.indent() > indent {
		return nil, fmt.Errorf("indentation of %q", y.lines[y.at])
	}
	return m.end(out), nil
}

func (y *yaml) list(out []byte, indent int) ([]byte, error) {
	l := members{open: '[', shut: ']'}
	for y.at < len(y.lines) && y.indent() == indent && strings.HasPrefix(y.lines[y.at][indent:], "- ") {
		out = l.next(out)
		text := y.lines[y.at][indent+2:]
		var err error
		if _, _, found := splitKey(text); found && !strings.HasPrefix(text, "{") { // "- url: ..." opens a map two columns further in
			y.lines[y.at] = strings.Repeat(" ", indent+2) + text
			out, err = y.block(out, indent+2)
		} else {
			y.at++
			out, err = oneLine(out, text)
		}
		if err != nil {
			return nil, err
		}
	}
	return l.end(out), nil
}

func (y *yaml) value(out []byte, text string, indent int) ([]byte, error) {
	switch {
	case text == ">-":
		var parts []string
		for y.at < len(y.lines) && y.indent() > indent {
			parts = append(parts, strings.TrimSpace(y.lines[y.at]))
			y.at++
		}
		return appendText(out, strings.Join(parts, " ")), nil
	case text != "":
		return oneLine(out, text)
	case y.at < len(y.lines) && y.indent() > indent:
		return y.block(out, y.indent())
	}
	return nil, fmt.Errorf("nothing under the key before line %d (blank ones not counted)", y.at+1)
}

// members writes a JSON object or list.
type members struct {
	open, shut byte
	begun      bool
	keys       []string
}

func (m *members) next(out []byte) []byte {
	if m.begun {
		return append(out, ',')
	}
	m.begun = true
	return append(out, m.open)
}

func (m *members) key(out []byte, key string) ([]byte, error) {
	if slices.Contains(m.keys, key) {
		return nil, fmt.Errorf("key %q twice", key)
	}
	m.keys = append(m.keys, key)
	return append(appendText(m.next(out), key), ':'), nil
}

func (m *members) end(out []byte) []byte {
	if !m.begun {
		out = append(out, m.open)
	}
	return append(out, m.shut)
}

func splitKey(s string) (key, value string, found bool) {
	if strings.HasPrefix(s, "'") {
		end := strings.Index(s[1:], "'")
		if end < 0 || !strings.HasPrefix(s[end+2:], ":") {
			return "", "", false
		}
		return s[1 : end+1], strings.TrimSpace(s[end+3:]), true
	}
	i := strings.Index(s+" ", ": ")
	if i < 0 {
		return "", "", false
	}
	return s[:i], strings.TrimSpace(s[min(i+1, len(s)):]), true
}

func oneLine(out []byte, text string) ([]byte, error) {
	f := flow{s: text}
	out, err := f.value(out, "")
	if err == nil && f.i != len(text) {
		err = fmt.Errorf("%q after a value", text[f.i:])
	}
	return out, err
}

// flow reads a value on one line.
type flow struct {
	s string
	i int
}

func (f *flow) value(out []byte, end string) ([]byte, error) {
	switch {
	case f.i == len(f.s):
		return nil, fmt.Errorf("no value in %q", f.s)
	case f.s[f.i] == '\'':
		n := strings.IndexByte(f.s[f.i+1:], '\'')
		if n < 0 {
			return nil, fmt.Errorf("quote in %q", f.s)
		}
		out = appendText(out, f.s[f.i+1:f.i+1+n])
		f.i += n + 2
		return out, nil
	case f.s[f.i] == '{':
		return f.members(out, &members{open: '{', shut: '}'})
	case f.s[f.i] == '[':
		return f.members(out, &members{open: '[', shut: ']'})
	}
	n := len(f.s) - f.i
	if end != "" {
		if n = strings.IndexAny(f.s[f.i:], end); n < 0 {
			return nil, fmt.Errorf("no end in %q", f.s)
		}
	}
	out, err := plain(out, f.s[f.i:f.i+n])
	f.i += n
	return out, err
}

func (f *flow) members(out []byte, m *members) (_ []byte, err error) {
	for f.i++; f.i < len(f.s) && f.s[f.i] != m.shut; {
		if m.open == '[' {
			out = m.next(out)
		} else {
			n := strings.Index(f.s[f.i:], ": ")
			if n < 0 {
				return nil, fmt.Errorf("no key in %q", f.s[f.i:])
			}
			if out, err = m.key(out, strings.Trim(f.s[f.i:f.i+n], "'")); err != nil {
				return nil, err
			}
			f.i += n + 2
		}
		if out, err = f.value(out, ","+string(m.shut)); err != nil {
			return nil, err
		}
		f.i += len(f.s[f.i:]) - len(strings.TrimLeft(f.s[f.i:], ", "))
	}
	if f.i == len(f.s) {
		return nil, fmt.Errorf("no %q in %q", m.shut, f.s)
	}
	f.i++
	return m.end(out), nil
}

// Plain scalars: a whole number or a flag as JSON has it, else a text. What other readers of YAML would take for something else has to be quoted.
var (
	wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
	ambiguous   = regexp.MustCompile("^[-+.0-9]*$|^0[box]|^[0-9.]+[eE]|^[-?&*!|>%@`\"#,\\]}]|: | #|:$|^(?i:null|~|true|false)$")
)

func plain(out []byte, text string) ([]byte, error) {
	switch {
	case text == "true", text == "false", wholeNumber.MatchString(text):
		return append(out, text...), nil
	case ambiguous.MatchString(text), text != strings.TrimSpace(text):
		return nil, fmt.Errorf("plain %q: quote it", text)
	}
	return appendText(out, text), nil
}

func appendText(out []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // of a string: cannot fail
	return append(out, quoted...)
}
