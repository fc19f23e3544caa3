package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	"gongji/engine/ledger"
)

func keysOf(t *testing.T, secret byte) *Engine {
	t.Helper()
	pseudonym := make([]byte, secretBytes)
	pseudonym[0] = secret
	k, err := newKeys([16]byte{1}, make([]byte, secretBytes), pseudonym)
	if err != nil {
		t.Fatal(err)
	}
	return &Engine{keys: k}
}

// TestVoucher: R27. A token resolves to its holder until it expires; one bit changed, another key file, a cut or a longer one does not.
func TestVoucher(t *testing.T) {
	v := keysOf(t, 1).TestVouchers()
	holder := ledger.Key{7, 8, 9}
	token := v.Issue(holder, 1000)
	if len(token) > 50 {
		t.Errorf("%d characters do not fit mdtrt_cert_no", len(token))
	}
	if got, err := v.Resolve(token, 999_999); err != nil || got != holder {
		t.Fatalf("%x, %v", got, err)
	}
	refused := map[string][]byte{"cut": token[:len(token)-1], "longer": append(append([]byte(nil), token...), 'A'), "empty": nil}
	for i := range token {
		changed := append([]byte(nil), token...)
		if changed[i]++; changed[i] == 'Z'+1 || changed[i] == 'z'+1 || changed[i] == '9'+1 {
			changed[i] = 'A'
		}
		refused[string(rune('a'+i))] = changed
	}
	for name, b := range refused {
		if _, err := v.Resolve(b, 0); err != ErrVoucher {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := v.Resolve(token, 1_000_000); err != ErrVoucher {
		t.Errorf("expired: %v", err)
	}
	if _, err := keysOf(t, 2).TestVouchers().Resolve(token, 0); err != ErrVoucher {
		t.Errorf("another key file: %v", err)
	}
}

// TestPasswordDigest: R23. Keyed by the file, salted by whose it is; the library's HMAC says the same.
func TestPasswordDigest(t *testing.T) {
	e, a := keysOf(t, 1), ledger.Key{1}
	got := e.PasswordDigest(a, []byte("s3cret"))
	h := hmac.New(sha256.New, e.keys.passwords[:])
	h.Write(append(append([]byte("password"), a[:]...), "s3cret"...))
	if got != ledger.Key(h.Sum(nil)[:16]) {
		t.Errorf("%x", got)
	}
	for name, other := range map[string]ledger.Key{"another file": keysOf(t, 2).PasswordDigest(a, []byte("s3cret")), "another person": e.PasswordDigest(ledger.Key{2}, []byte("s3cret")),
		"another password": e.PasswordDigest(a, []byte("s3creT")), "a pseudonym": e.keys.Pseudonym("password", []byte("s3cret"))} {
		if other == got {
			t.Errorf("%s has the same digest", name)
		}
	}
}

// TestCardKey: R27. Number and card_sn together are the card, and where one ends the other begins.
func TestCardKey(t *testing.T) {
	e := keysOf(t, 1)
	got := e.CardKey([]byte("123"), []byte("4"))
	for name, other := range map[string]ledger.Key{"another sn": e.CardKey([]byte("123"), []byte("5")), "moved": e.CardKey([]byte("12"), []byte("34")), "no sn": e.CardKey([]byte("1234"), nil)} {
		if other == got {
			t.Errorf("%s is the same card", name)
		}
	}
}
