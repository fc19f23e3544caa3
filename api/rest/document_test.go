package rest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gongji/api"
	"gongji/engine/policy"
)

// yaml reads the subset of YAML that openapi.yaml is written in: nested maps and lists by indentation, flow maps and lists on one line,
// folded texts, plain and single-quoted scalars. Everything is a map[string]any, []any or string. What it does not know it refuses.
type yaml struct {
	lines []string
	at    int
}

func (y *yaml) indent() int { return len(y.lines[y.at]) - len(strings.TrimLeft(y.lines[y.at], " ")) }

func (y *yaml) block(indent int) (any, error) {
	if strings.HasPrefix(y.lines[y.at][indent:], "- ") {
		var list []any
		for y.at < len(y.lines) && y.indent() == indent && strings.HasPrefix(y.lines[y.at][indent:], "- ") {
			text := y.lines[y.at][indent+2:]
			if _, _, found := splitKey(text); found && !strings.HasPrefix(text, "{") { // "- url: ..." opens a map two columns further in
				y.lines[y.at] = strings.Repeat(" ", indent+2) + text
				v, err := y.block(indent + 2)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
				continue
			}
			v, err := scalar(text)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
			y.at++
		}
		return list, nil
	}
	m := map[string]any{}
	for y.at < len(y.lines) && y.indent() == indent {
		key, text, found := splitKey(y.lines[y.at][indent:])
		if !found {
			return nil, fmt.Errorf("line %q", y.lines[y.at])
		}
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("key %q twice", key)
		}
		y.at++
		v, err := y.value(text, indent)
		if err != nil {
			return nil, err
		}
		m[key] = v
	}
	if y.at < len(y.lines) && y.indent() > indent {
		return nil, fmt.Errorf("indentation of %q", y.lines[y.at])
	}
	return m, nil
}

func (y *yaml) value(text string, indent int) (any, error) {
	switch {
	case text == ">-":
		var parts []string
		for y.at < len(y.lines) && y.indent() > indent {
			parts = append(parts, strings.TrimSpace(y.lines[y.at]))
			y.at++
		}
		return strings.Join(parts, " "), nil
	case text != "":
		return scalar(text)
	case y.at < len(y.lines) && y.indent() > indent:
		return y.block(y.indent())
	}
	return nil, fmt.Errorf("nothing under a key before line %d", y.at)
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

func scalar(text string) (any, error) {
	f := flow{s: text}
	v, err := f.value("")
	if err == nil && f.i != len(text) {
		err = fmt.Errorf("%q after a value", text[f.i:])
	}
	return v, err
}

// flow reads a value on one line.
type flow struct {
	s string
	i int
}

func (f *flow) value(end string) (any, error) {
	switch {
	case f.i == len(f.s):
		return nil, fmt.Errorf("no value in %q", f.s)
	case f.s[f.i] == '\'':
		n := strings.IndexByte(f.s[f.i+1:], '\'')
		if n < 0 {
			return nil, fmt.Errorf("quote in %q", f.s)
		}
		v := f.s[f.i+1 : f.i+1+n]
		f.i += n + 2
		return v, nil
	case f.s[f.i] == '{':
		m := map[string]any{}
		err := f.list('}', func() error {
			n := strings.Index(f.s[f.i:], ": ")
			if n < 0 {
				return fmt.Errorf("no key in %q", f.s[f.i:])
			}
			key := strings.Trim(f.s[f.i:f.i+n], "'")
			f.i += n + 2
			v, err := f.value(",}")
			m[key] = v
			return err
		})
		return m, err
	case f.s[f.i] == '[':
		list := []any{}
		err := f.list(']', func() error {
			v, err := f.value(",]")
			list = append(list, v)
			return err
		})
		return list, err
	}
	n := len(f.s) - f.i
	if end != "" {
		if n = strings.IndexAny(f.s[f.i:], end); n < 0 {
			return nil, fmt.Errorf("no end in %q", f.s)
		}
	}
	v := f.s[f.i : f.i+n]
	f.i += n
	return v, nil
}

func (f *flow) list(end byte, one func() error) error {
	for f.i++; f.i < len(f.s) && f.s[f.i] != end; {
		if err := one(); err != nil {
			return err
		}
		f.i += len(f.s[f.i:]) - len(strings.TrimLeft(f.s[f.i:], ", "))
	}
	if f.i == len(f.s) {
		return fmt.Errorf("no %q in %q", end, f.s)
	}
	f.i++
	return nil
}

// document is the served OpenAPI document.
type document struct{ root map[string]any }

func readDocument(t testing.TB) *document {
	t.Helper()
	y := &yaml{}
	for in := bufio.NewScanner(strings.NewReader(string(api.OpenAPI))); in.Scan(); {
		if strings.TrimSpace(in.Text()) != "" {
			y.lines = append(y.lines, in.Text())
		}
	}
	v, err := y.block(0)
	if err != nil || y.at != len(y.lines) {
		t.Fatalf("openapi.yaml near line %d: %v", y.at, err)
	}
	return &document{v.(map[string]any)}
}

// in walks down by keys and follows references.
func (d *document) in(v any, keys ...string) any {
	for _, k := range keys {
		m, ok := d.resolve(v).(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return d.resolve(v)
}

func (d *document) resolve(v any) any {
	if m, ok := v.(map[string]any); ok {
		if ref, ok := m["$ref"].(string); ok {
			return d.in(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return v
}

// operation finds the call of a method and a target by the templates of the paths.
func (d *document) operation(method, target string) (string, any) {
	path, _, _ := strings.Cut(target, "?")
	if op := d.in(d.root, "paths", path, strings.ToLower(method)); op != nil {
		return path, op
	}
	have := strings.Split(path, "/")
	for template := range d.root["paths"].(map[string]any) {
		want := strings.Split(template, "/")
		fits := len(want) == len(have)
		for i := 0; fits && i < len(want); i++ {
			fits = want[i] == have[i] || strings.HasPrefix(want[i], "{")
		}
		if fits {
			if op := d.in(d.root, "paths", template, strings.ToLower(method)); op != nil {
				return template, op
			}
		}
	}
	return "", nil
}

// check holds an answer against the document: its status, its media type, every field.
func (d *document) check(t testing.TB, method, target string, a *answer) {
	t.Helper()
	template, op := d.operation(method, target)
	if op == nil {
		if a.status != 404 && a.status != 405 {
			t.Errorf("%s %s is not in openapi.yaml", method, target)
		}
		return
	}
	response := d.in(op, "responses", fmt.Sprint(a.status))
	if response == nil && a.status >= 400 {
		response = d.in(op, "responses", "default")
	}
	schema := d.in(response, "content", a.media, "schema")
	if schema == nil {
		t.Errorf("%s %s: openapi.yaml has no answer %d as %s", method, template, a.status, a.media)
		return
	}
	if a.media != mediaNDJSON {
		d.fits(t, template, schema, a.json)
		return
	}
	for _, line := range strings.Split(strings.TrimSuffix(a.text, "\n"), "\n") {
		var v map[string]any
		r := json.NewDecoder(strings.NewReader(line))
		r.UseNumber()
		if err := r.Decode(&v); err != nil {
			t.Errorf("%s: line %s: %v", template, line, err)
		}
		d.fits(t, template, schema, v)
	}
}

// fits checks a value against a schema as far as this document uses them.
func (d *document) fits(t testing.TB, where string, schema, v any) {
	t.Helper()
	var types []any
	switch x := d.in(schema, "type").(type) {
	case []any:
		types = x
	default:
		types = []any{x}
	}
	kind := map[bool]string{}
	switch x := v.(type) {
	case nil:
		kind[true] = "null"
	case string:
		kind[true] = "string"
		if list, ok := d.in(schema, "enum").([]any); ok && !slices.Contains(list, any(x)) {
			t.Errorf("%s: %q is not one of %v", where, x, list)
		}
	case bool:
		kind[true] = "boolean"
	case json.Number:
		kind[true] = "integer"
	case []any:
		kind[true] = "array"
		for _, e := range x {
			d.fits(t, where+"[]", d.in(schema, "items"), e)
		}
	case map[string]any:
		kind[true] = "object"
		for _, name := range d.required(schema) {
			if _, found := x[name]; !found {
				t.Errorf("%s: required %s is missing", where, name)
			}
		}
		for name, e := range x {
			if s := d.in(schema, "properties", name); s != nil {
				d.fits(t, where+"."+name, s, e)
			} else {
				t.Errorf("%s: field %s is not in openapi.yaml", where, name)
			}
		}
	}
	if !slices.Contains(types, any(kind[true])) {
		t.Errorf("%s: %v is %s, not %v", where, v, kind[true], types)
	}
}

func (d *document) required(schema any) (names []string) {
	list, _ := d.in(schema, "required").([]any)
	for _, v := range list {
		names = append(names, v.(string))
	}
	return names
}

func (d *document) properties(schema any) []string {
	m, _ := d.in(schema, "properties").(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

func mediaOf(m api.Media) string {
	switch m {
	case api.NDJSON:
		return mediaNDJSON
	case api.TOML:
		return mediaTOML
	}
	return "application/json"
}

// Every route of the code is in the document and the other way round, on the right listener, with the same fields.
func TestDocumentHasAllRoutes(t *testing.T) {
	d := readDocument(t)
	seen := map[string]bool{}
	for _, c := range newFace(nil, Options{}).calls() {
		name := c.Method + " " + c.Pattern
		seen[name] = true
		op := d.in(d.root, "paths", c.Pattern, strings.ToLower(c.Method))
		if op == nil {
			t.Errorf("%s is not in openapi.yaml", name)
			continue
		}
		tag := "B"
		if c.Listener == api.Admin {
			tag = "A"
		}
		if tags, _ := d.in(op, "tags").([]any); len(tags) != 1 || tags[0] != tag {
			t.Errorf("%s: tags %v, want [%s]", name, tags, tag)
		}
		d.checkParameters(t, name, op, &c)
		if c.body != nil {
			schema := d.in(op, "requestBody", "content", mediaOf(c.Media), "schema")
			d.checkShape(t, name, schema, c.body.Names())
			for part, shape := range c.parts {
				inner := d.in(schema, "properties", part)
				if d.in(inner, "type") == "array" {
					inner = d.in(inner, "items")
				}
				d.checkShape(t, name+" "+part, inner, shape.Names())
			}
		}
	}
	for path, item := range d.root["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if name := strings.ToUpper(method) + " " + path; !seen[name] {
				t.Errorf("%s is in openapi.yaml, but no route", name)
			}
		}
	}
}

func (d *document) checkParameters(t *testing.T, name string, op any, c *call) {
	var query, inPath, want []string
	list, _ := d.in(op, "parameters").([]any)
	for _, p := range list {
		switch n := d.in(p, "name").(string); d.in(p, "in") {
		case "query":
			query = append(query, n)
		case "path":
			inPath = append(inPath, "{"+n+"}")
		}
	}
	for _, segment := range strings.Split(c.Pattern, "/") {
		if strings.HasPrefix(segment, "{") {
			want = append(want, segment)
		}
	}
	if !slices.Equal(inPath, want) {
		t.Errorf("%s: path parameters %v, want %v", name, inPath, want)
	}
	if c.query != nil && !slices.Equal(query, c.query) {
		t.Errorf("%s: query %v, want %v", name, query, c.query)
	}
	if c.query == nil && len(query) > 0 && c.Pattern != "/v1/persons" {
		t.Errorf("%s: query %v, want none", name, query)
	}
}

func (d *document) checkShape(t *testing.T, name string, schema any, want []string) {
	want = slices.Sorted(slices.Values(want))
	if got := d.properties(schema); !slices.Equal(got, want) {
		t.Errorf("%s: openapi.yaml has fields %v, the code %v", name, got, want)
	}
	if d.in(schema, "additionalProperties") != "false" {
		t.Errorf("%s: unknown fields are refused, but the document allows them", name)
	}
}

// What the document calls required is what the calls refuse to miss: TestBadInput has proved the table inputs.
func TestDocumentRequired(t *testing.T) {
	d := readDocument(t)
	var compare func(where string, schema any, fields []field)
	compare = func(where string, schema any, fields []field) {
		var want []string
		for _, x := range fields {
			if !x.optional && !(where == "/v1/unbindings" && x.name == "authorizer_psn_no") { // one of two
				want = append(want, x.name)
			}
			inner := d.in(schema, "properties", x.name)
			switch x.sort {
			case object:
				compare(where+" "+x.name, inner, x.inside)
			case list:
				compare(where+" "+x.name, d.in(inner, "items"), x.inside)
			}
		}
		if got := d.required(schema); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: openapi.yaml requires %v, the call %v", where, got, want)
		}
	}
	for _, in := range inputs() {
		_, op := d.operation("POST", in.path)
		compare(in.path, d.in(op, "requestBody", "content", "application/json", "schema"), in.fields)
	}
}

// Enumerations of the document are the tables of the code.
func TestDocumentTables(t *testing.T) {
	d := readDocument(t)
	for name, want := range map[string][]string{"Channel": channelNames[:], "Source": sourceNames[:], "Relation": relationNames[:], "Login": policy.LoginNames[:],
		"BindingState": stateNames[:], "Reason": endReasonNames[:], "DebitReason": debitReasonNames[:], "PremiumType": premiumTypes[:]} {
		var got []string
		for _, v := range d.in(d.root, "components", "schemas", name, "enum").([]any) {
			got = append(got, v.(string))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
