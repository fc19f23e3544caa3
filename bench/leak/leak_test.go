package leak

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gongji/bench/proof"
)

var planted = []Secret{
	{Identity, WithCheckDigit("99010119491231002")}, {Identity, WithCheckDigit("99010119800102031")}, {Name, "钱秘密甲"}, {Phone, "13900001111"}, {Password, "Geheim-77x"}, {Key, "0123456789abcdeffedcba9876543210"},
}

// T19, the negative control: every secret in every form, in every sort of output, is a hit; what is like one is none.
func TestScannerSees(t *testing.T) {
	l := proof.New("T19", "leak-control")
	s := New(planted...)
	seen, missed := int64(0), int64(0)
	for i, x := range planted {
		for _, f := range Forms() {
			for _, around := range []string{"%", `{"level":"info","message":"a % b"}`, "gongji_x{who=\"%\"} 1\n", "\x00\x01binary\xff%\xfe", "GET /v1/persons/% HTTP/1.1", "%\n"} {
				found := false
				for _, h := range s.Scan("here", []byte(strings.Replace(around, "%", f.Write(x.Text), 1))) {
					found = found || h.Secret == i && h.Kind == x.Kind && h.Where == "here"
				}
				if seen++; !found {
					missed++
					t.Errorf("%s %d as %s in %q is not seen", x.Kind, i, f.Name, around)
				}
			}
		}
	}
	for _, text := range []string{"", "990***********002X", "9901011949123100", "13900001112", "钱秘密乙", "0123456789abcdef", "{\"certno\":\"990***********0023\"}"} {
		if hits := s.Scan("", []byte(text)); len(hits) != 0 {
			t.Errorf("%q: %v", text, hits)
		}
	}
	l.AtLeast("planted", seen, 300).Zero("missed", missed).Print(t)
}

// In files, in their names, and as a number.
func TestScanDir(t *testing.T) {
	s, dir := New(planted...), t.TempDir()
	id := planted[1].Text
	n := uint64(0)
	for _, c := range id[:17] {
		n = n*10 + uint64(c-'0')
	}
	for name, text := range map[string]string{"a": "nothing", "b": "x" + id, id + ".log": "", "d": string(binary.BigEndian.AppendUint64([]byte{1, 2, 3}, n))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hits, files, size, err := s.ScanDir(dir)
	if err != nil || files != 4 || size == 0 {
		t.Fatalf("%d files, %d bytes, %v", files, size, err)
	}
	where := map[string]bool{}
	for _, h := range hits {
		if where[h.Where] = true; h.Secret != 1 || strings.Contains(h.String(), id[6:14]) && !strings.Contains(h.Where, id) {
			t.Errorf("%v", h)
		}
	}
	if len(where) != 3 || where["a"] || !where["b"] || !where["d"] || !where["name of a file"] {
		t.Errorf("%v", hits)
	}
}
