package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gongji/api"
	"gongji/engine/policy"
)

// document is the served OpenAPI document.
type document struct{ root map[string]any }

func readDocument(t testing.TB) *document {
	t.Helper()
	d := &document{}
	if err := json.Unmarshal(api.OpenAPI, &d.root); err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	return d
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
			t.Errorf("%s %s is not in openapi.json", method, target)
		}
		return
	}
	response := d.in(op, "responses", fmt.Sprint(a.status))
	if response == nil && a.status >= 400 {
		response = d.in(op, "responses", "default")
	}
	schema := d.in(response, "content", a.media, "schema")
	if schema == nil {
		t.Errorf("%s %s: openapi.json has no answer %d as %s", method, template, a.status, a.media)
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
				t.Errorf("%s: field %s is not in openapi.json", where, name)
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
			t.Errorf("%s is not in openapi.json", name)
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
				t.Errorf("%s is in openapi.json, but no route", name)
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
		t.Errorf("%s: openapi.json has fields %v, the code %v", name, got, want)
	}
	if d.in(schema, "additionalProperties") != false {
		t.Errorf("%s: unknown fields are refused, but the document allows them", name)
	}
}

// The document is served on both listeners, and names the version of OpenAPI.
func TestDocumentServed(t *testing.T) {
	f := start(t, setup{})
	for _, listener := range []string{f.business, f.admin} {
		if a := f.sendAny("GET", listener+"/v1/openapi.json", "", "").want(200, "openapi", "3.1.0"); a.text != string(api.OpenAPI) || a.media != "application/json" {
			t.Errorf("%s answers %d bytes as %s", listener, len(a.text), a.media)
		}
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
			t.Errorf("%s: openapi.json requires %v, the call %v", where, got, want)
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
