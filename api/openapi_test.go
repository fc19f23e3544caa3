package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var writeOpenAPI = flag.Bool("openapi", false, "write openapi.json anew from openapi.yaml")

// TestOpenAPI: the served document is the written one.
func TestOpenAPI(t *testing.T) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	compact, err := yamlToJSON(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, compact, "", " "); err != nil {
		t.Fatalf("%v in %s", err, compact)
	}
	want.WriteByte('\n')
	if *writeOpenAPI {
		if err := os.WriteFile("openapi.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want.Bytes(), OpenAPI) {
		t.Error("openapi.json is not what openapi.yaml says: go test ./api -run TestOpenAPI -openapi")
	}
}

// TestYAML: the converter keeps order and types, and refuses what it could get wrong.
func TestYAML(t *testing.T) {
	for in, want := range map[string]string{
		"b: 1\na: [x, '1', -2, true]":                              `{"b":1,"a":["x","1",-2,true]}`,
		"a: >-\n  one\n  two\nb:\n  - {c: {d: e f}}":               `{"a":"one two","b":[{"c":{"d":"e f"}}]}`,
		"'200': {}\nservers:\n  - url: http://x:1\n    n: 'a: #b'": `{"200":{},"servers":[{"url":"http://x:1","n":"a: #b"}]}`,
		"a: []\n\nb: 420100":                                       `{"a":[],"b":420100}`,
	} {
		if got, err := yamlToJSON(in); err != nil || string(got) != want {
			t.Errorf("%q gives %s, %v, want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{"a: 1\na: 2", "a: {b: 1, b: 2}", "a: 01", "a: 1.5", "a: ~", "a: x # y", "a: 'x", "a: [x", "a: {x}", "a: &x", "a: *x", "a: \"x\"",
		"a:", "a: |", "a: b: c", "a: 1\n  b: 2", "a: [x] y", "x", "a: 0x1F", "a: 1e3", "a: {b: True}", "a: -"} {
		if got, err := yamlToJSON(bad); err == nil {
			t.Errorf("%q gives %s", bad, got)
		}
	}
}
