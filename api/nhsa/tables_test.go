package nhsa

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// checkTables holds an accepted answer's output against the tables of its transaction: nodes, names, types, lengths, decimals, what may not be left out.
func checkTables(t testing.TB, infno string, a *answer) {
	t.Helper()
	var tx *transaction
	for _, x := range transactions() {
		if x.infno == infno {
			tx = x
		}
	}
	out := a.at("output").(map[string]any)
	if len(tx.output) == 1 && tx.output[0].name == "" { // 9101: the fields are output's own
		checkRow(t, infno, tx.output[0], out)
		return
	}
	if len(out) != len(tx.output) {
		t.Errorf("%s: %d nodes, want %d: %s", infno, len(out), len(tx.output), a.text)
	}
	for _, n := range tx.output {
		rows, ok := out[n.name].([]any)
		if ok != (n.max > 0) {
			t.Errorf("%s: node %s is %T", infno, n.name, out[n.name])
			continue
		}
		if !ok {
			rows = []any{out[n.name]}
		}
		for _, r := range rows {
			checkRow(t, infno, n, r.(map[string]any))
		}
	}
}

func checkRow(t testing.TB, infno string, n *node, row map[string]any) {
	t.Helper()
	for name := range row {
		if _, ok := n.byName[name]; !ok {
			t.Errorf("%s %s.%s is in no table", infno, n.name, name)
		}
	}
	for i := range n.fields {
		f := &n.fields[i]
		v, ok := row[f.name]
		switch v := v.(type) {
		case nil:
			if ok || f.need == must || f.name != "setl_id" { // a preview has none; everything else stands there, if only as ""
				t.Errorf("%s %s.%s is missing", infno, n.name, f.name)
			}
		case json.Number:
			digits := v.String()
			if f.minus {
				digits = strings.TrimPrefix(digits, "-")
			}
			if f.kind != kindNumber || len(strings.Trim(strings.Replace(digits, ".", "", 1), "0123456789")) != 0 {
				t.Errorf("%s %s.%s is the number %s", infno, n.name, f.name, v)
			}
			if _, decimals, _ := strings.Cut(v.String(), "."); len(decimals) != f.scale {
				t.Errorf("%s %s.%s is %s, want %d decimals", infno, n.name, f.name, v, f.scale)
			}
		case string:
			if f.kind == kindNumber {
				t.Errorf("%s %s.%s is a text", infno, n.name, f.name)
			}
			if v == "" && f.need == must && !unknownHere[f.name] {
				t.Errorf("%s %s.%s is empty", infno, n.name, f.name)
			}
			if utf8.RuneCountInString(v) > f.length {
				t.Errorf("%s %s.%s is longer than %d", infno, n.name, f.name, f.length)
			}
			if v != "" {
				x := value{text: []byte(v)}
				if bad := f.check(&x); bad != "" {
					t.Errorf("%s %s.%s: %s", infno, n.name, f.name, bad)
				}
			}
		default:
			t.Errorf("%s %s.%s is %T", infno, n.name, f.name, v)
		}
	}
}

// unknownHere are required fields of which the ledger knows nothing; the README names them.
var unknownHere = map[string]bool{"uscc": true}

// The table of transactions itself: numbers are four digits and unique, every address begins as it should, inputs have names.
func TestTransactions(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range transactions() {
		if len(x.infno) != 4 || seen[x.infno] || x.handle == nil || x.input == nil || x.text == "" {
			t.Errorf("transaction %q", x.infno)
		}
		seen[x.infno] = true
		for _, p := range x.paths {
			if !strings.HasPrefix(p, servicePathHead) {
				t.Errorf("%s at %s", x.infno, p)
			}
		}
		for i := range x.input.fields {
			checkTable(t, x.infno, x.input.fields[i].node)
		}
	}
}

// checkTable: every field of a table has a length and a Chinese name.
func checkTable(t *testing.T, infno string, n *node) {
	t.Helper()
	for i := range n.fields {
		f := &n.fields[i]
		if f.kind == kindNode {
			checkTable(t, infno, f.node)
		} else if f.length == 0 || f.text == "" {
			t.Errorf("%s %s.%s has length %d, name %q", infno, n.name, f.name, f.length, f.text)
		}
	}
}
