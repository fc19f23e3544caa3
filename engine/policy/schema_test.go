package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

var writeSchema = flag.Bool("schema", false, "write schema.json anew")

// object and list keep JSON in the order of the knobs.
type member struct {
	name  string
	value any
}
type object []member

func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, _ := json.Marshal(m.name)
		var value bytes.Buffer
		e := json.NewEncoder(&value)
		e.SetEscapeHTML(false)
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value.Bytes()...)
	}
	return append(out, '}'), nil
}

// schemaOf is what the schema must say of a form.
func schemaOf(f *form) object {
	var o object
	text := func(p *pattern) object { return object{{"type", "string"}, {"pattern", p.text}} }
	words := object{{"type", "string"}, {"enum", f.words}}
	switch f.kind {
	case aBool:
		o = object{{"type", "boolean"}}
	case anInt:
		o = object{{"type", "integer"}, {"minimum", f.min}, {"maximum", f.max}}
	case aWord:
		o = words
	case aSet, aTextList:
		item := words
		if f.kind == aTextList {
			item = text(f.pattern)
		}
		o = object{{"type", "array"}, {"items", item}, {"minItems", f.least}, {"maxItems", listMax}, {"uniqueItems", true}}
	case aText:
		o = text(f.pattern)
	case aDate:
		o = object{{"type", "string"}, {"format", "date"}}
	case anAmount:
		o = text(amountPattern)
	}
	if f.none {
		return object{{"anyOf", []object{o, {{"const", NoText}}}}}
	}
	return o
}

func tableSchema[T any](fields []field[T], more object) object {
	var properties object
	var required []string
	for i := range fields {
		f := &fields[i]
		s := append(object{{"title", f.Label}, {"description", strings.TrimSpace(strings.TrimPrefix(f.Unit+": "+f.About, ": ")) + " (" + f.Rules + ")"}}, schemaOf(&f.form)...)
		properties, required = append(properties, member{f.Name, s}), append(required, f.Name)
	}
	properties = append(properties, more...)
	if more != nil {
		required = append(required, channelTable)
	}
	return object{{"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}}
}

func wantedSchema(t *testing.T) []byte {
	t.Helper()
	rows := func(s object, least int) object {
		return object{{"type", "array"}, {"items", s}, {"minItems", least}, {"maxItems", listMax}}
	}
	root := append(object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Gongji regional profile"},
		{"description", "A profile's TOML read as JSON, dates as texts. Which values cannot stand together, only gongji policy check tells."}},
		tableSchema(profileFields, object{{channelTable, rows(tableSchema(channelFields, nil), 1)}, {clrTable, rows(tableSchema(clrFields, nil), 0)}})...)
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return bytes.ReplaceAll(bytes.ReplaceAll(out.Bytes(), []byte(`\u003c`), []byte("<")), []byte(`\u003e`), []byte(">"))
}

// TestSchema: the shipped schema says what the table of knobs says. `go test ./engine/policy -run TestSchema -schema` writes it anew.
func TestSchema(t *testing.T) {
	want := wantedSchema(t)
	if *writeSchema {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(Schema, want) {
		t.Errorf("schema.json differs from the table of knobs")
	}
}

// TestKnobsAreAll: each field of the structs is exactly one knob, under its own name.
func TestKnobsAreAll(t *testing.T) {
	everyField(t, profileFields, map[string]bool{"Channels": true, "ClrTypes": true})
	everyField(t, channelFields, nil)
	everyField(t, clrFields, nil)
}

func everyField[T any](t *testing.T, fields []field[T], tables map[string]bool) {
	t.Helper()
	var x T
	v := reflect.ValueOf(&x).Elem()
	seen := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		if f.Label == "" || f.Rules == "" || seen[f.Name] {
			t.Errorf("%s: no label, no rules, or twice", f.Name)
		}
		seen[f.Name] = true
	}
	for i := range v.NumField() {
		name, n := v.Type().Field(i).Name, 0
		for j := range fields {
			if fields[j].at(&x) == v.Field(i).Addr().Interface() {
				n++
				if same := strings.ReplaceAll(fields[j].Name, "_", ""); same != strings.ToLower(name) {
					t.Errorf("%s is called %s", name, fields[j].Name)
				}
			}
		}
		if want := 1; tables[name] != (n == 0) || n > want {
			t.Errorf("%s.%s is %d knobs", v.Type(), name, n)
		}
	}
}

// validate is the part of JSON Schema that schema.json uses; a word it does not know fails the test.
func validate(t *testing.T, schema map[string]any, v any) error {
	t.Helper()
	for word, arg := range schema {
		if err := validateWord(t, schema, word, arg, v); err != nil {
			return err
		}
	}
	return nil
}

func validateWord(t *testing.T, schema map[string]any, word string, arg, v any) error {
	t.Helper()
	list, isList := v.([]any)
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	table, isTable := v.(map[string]any)
	n, _ := number.Int64()
	bad := false
	switch word {
	case "$schema", "title", "description":
	case "type":
		_, isBool := v.(bool)
		bad = !map[string]bool{"object": isTable, "array": isList, "string": isText, "integer": isNumber && !strings.ContainsAny(string(number), ".eE"), "boolean": isBool}[arg.(string)]
	case "enum":
		bad = !slices.Contains(arg.([]any), v)
	case "const":
		bad = v != arg
	case "pattern":
		bad = isText && !regexp.MustCompile(arg.(string)).MatchString(text)
	case "format":
		_, ok := StartOf(text)
		bad = isText && !ok
	case "minimum":
		least, _ := arg.(json.Number).Int64()
		bad = isNumber && n < least
	case "maximum":
		most, _ := arg.(json.Number).Int64()
		bad = isNumber && n > most
	case "minItems":
		least, _ := arg.(json.Number).Int64()
		bad = isList && int64(len(list)) < least
	case "maxItems":
		most, _ := arg.(json.Number).Int64()
		bad = isList && int64(len(list)) > most
	case "uniqueItems":
		for i, x := range list {
			bad = bad || slices.Contains(list[:i], x)
		}
	case "anyOf":
		bad = true
		for _, one := range arg.([]any) {
			bad = bad && validate(t, one.(map[string]any), v) != nil
		}
	case "required":
		for _, name := range arg.([]any) {
			_, found := table[name.(string)]
			bad = bad || isTable && !found
		}
	case "items":
		for _, x := range list {
			if err := validate(t, arg.(map[string]any), x); err != nil {
				return err
			}
		}
	case "properties":
		for name, x := range table {
			if s, found := arg.(map[string]any)[name]; found {
				if err := validate(t, s.(map[string]any), x); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	case "additionalProperties":
		for name := range table {
			_, found := schema["properties"].(map[string]any)[name]
			bad = bad || !found
		}
	default:
		t.Fatalf("schema.json uses %q, which this test does not know", word)
	}
	if bad {
		return fmt.Errorf("%v breaks %s %v", v, word, arg)
	}
	return nil
}

// bySchema validates a file as an editor would: with another decoder, and by schema.json alone.
func bySchema(t *testing.T, text string) error {
	t.Helper()
	var schema map[string]any
	d := json.NewDecoder(bytes.NewReader(Schema))
	d.UseNumber()
	if err := d.Decode(&schema); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := toml.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	asJSON, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	d = json.NewDecoder(bytes.NewReader(asJSON))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return validate(t, schema, v)
}
