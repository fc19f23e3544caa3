package engine

import (
	"crypto/hmac"
	"crypto/sha256"
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
