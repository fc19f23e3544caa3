package engine

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gongji/engine/ledger"
)

// TestPseudonym: the hand-written HMAC is the library's, whatever the length, and costs no allocation.
func TestPseudonym(t *testing.T) {
	k, err := newKeys([16]byte{1}, make([]byte, secretBytes), []byte(strings.Repeat("k", secretBytes)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		number := []byte(strings.Repeat("7", n))
		m := hmac.New(sha256.New, k.pseudonym)
		m.Write([]byte(pseudonymTag + "\x0201"))
		m.Write(number)
		if want := ledger.Key(m.Sum(nil)[:16]); k.Pseudonym("01", number) != want {
			t.Fatalf("pseudonym of a number of %d characters differs", n)
		}
	}
	number := []byte("994769201405207743")
	if n := testing.AllocsPerRun(100, func() { k.Pseudonym("01", number) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestKeyFileSum: one flipped bit anywhere in a key file, or a line more, is refused, unless the text says the same; a file made before sums were
// written is still read. A creation that was cut short leaves no half a file in the way.
func TestKeyFileSum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path+".new", []byte(keyFileHead), keyFileMode); err != nil {
		t.Fatal(err)
	}
	id := [16]byte{7}
	if _, err := CreateKeys(path, id); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateKeys(path, id); !errors.Is(err, ErrKeyFile) {
		t.Fatalf("a key file was replaced: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := parseKeyFile(text)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for bit := range len(text) * 8 {
		b := bytes.Clone(text)
		b[bit/8] ^= 1 << (bit % 8)
		got, err := parseKeyFile(b)
		if err != nil {
			continue
		}
		if same++; !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("bit %d flipped: taken as %d other fields", bit, len(got))
		}
	}
	if same > len(text) { // a letter of either case is the same digit
		t.Errorf("%d of %d flips taken", same, len(text)*8)
	}
	for _, more := range []string{"x", "seal 00\n", "\n", "sum 0000000000000000\n"} {
		if _, err := parseKeyFile(append(bytes.Clone(text), more...)); err == nil {
			t.Errorf("%q behind it was taken", more)
		}
	}
	if got, err := parseKeyFile(text[:bytes.Index(text, []byte("sum "))]); err != nil || len(got) != 3 {
		t.Errorf("without a sum: %v", err)
	}
}
