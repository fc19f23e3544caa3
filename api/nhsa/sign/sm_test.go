package sign

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"pgregory.net/rapid"
)

// unhex reads hexadecimal digits with blanks.
func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// GB/T 32905-2016, appendix A: both examples.
func TestSM3(t *testing.T) {
	for text, want := range map[string]string{
		"abc":                      "66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 4167c487 5cf2f7a2 297da02b 8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff9 2275b8a1 38604889 c18e5a4d 6fdb70e5 387e5765 293dcba3 9c0c5732",
	} {
		if got := sm3.Sum([]byte(text)); !bytes.Equal(got[:], unhex(want)) {
			t.Errorf("%q: %x", text, got)
		}
	}
}

// GB/T 32907-2016, appendix A: one block once, and a million times over.
func TestSM4(t *testing.T) {
	key := unhex("01234567 89abcdef fedcba98 76543210")
	var b block
	if !b.set(key) {
		t.Fatal("key refused")
	}
	got := b.encrypt(key, false)
	if !bytes.Equal(got[:16], unhex("681edf34 d206965e 86b3e94f 536e4246")) {
		t.Errorf("%x", got[:16])
	}
	x := bytes.Clone(key)
	for range 1_000_000 {
		b.cipher.Encrypt(x, x)
	}
	if !bytes.Equal(x, unhex("595298c7 c6fd271f 0402f804 c33d3f66")) {
		t.Errorf("a million times: %x", x)
	}
}

// GB/T 32918.5-2017, appendix A: the example on the recommended curve.
const (
	standardPrivate = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
	standardPublic  = "04 09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020 CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
	standardText    = "message digest"
	standardZ       = "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"
	standardE       = "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"
	standardRS      = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3 B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)

func TestSM2(t *testing.T) {
	var v verifier
	var s signer
	if !v.set(unhex(standardPublic)) || !s.set(unhex(standardPrivate)) {
		t.Fatal("keys refused")
	}
	if !s.key.Equal(v.key) {
		t.Error("the private key's public half is another")
	}
	if !bytes.Equal(v.z, unhex(standardZ)) || !bytes.Equal(s.z, v.z) {
		t.Errorf("Z %x", v.z)
	}
	if e := v.digest([]byte(standardText)); !bytes.Equal(e, unhex(standardE)) {
		t.Errorf("e %x", e)
	}
	sig := unhex(standardRS)
	if !v.verifyRaw([]byte(standardText), sig) {
		t.Error("the standard's signature is refused")
	}
	for i := range sig {
		sig[i] ^= 1
		if v.verifyRaw([]byte(standardText), sig) {
			t.Errorf("byte %d changed and taken", i)
		}
		sig[i] ^= 1
	}
	for _, bad := range [][]byte{nil, sig[:63], append(bytes.Clone(sig), 0), slices.Insert(bytes.Clone(sig), 32, 0), make([]byte, 64), bytes.Repeat([]byte{0xff}, 64)} {
		if v.verifyRaw([]byte(standardText), bad) || v.verifyDER([]byte(standardText), bad) {
			t.Errorf("%x taken", bad)
		}
	}
	for range 50 { // r or s with leading zeros turn up
		raw, err := s.signRaw([]byte(standardText))
		if err != nil || len(raw) != 64 || !v.verifyRaw([]byte(standardText), raw) {
			t.Fatalf("our own signature %x: %v", raw, err)
		}
		der, err := s.signDER([]byte(standardText))
		if err != nil || len(der) > sm2DERMax || !v.verifyDER([]byte(standardText), der) || v.verifyDER([]byte(standardText), append(der, 0)) {
			t.Fatalf("our own signature %x: %v", der, err)
		}
	}
}

func TestSM2Keys(t *testing.T) {
	var v verifier
	var s signer
	for _, bad := range []string{"", "04", standardPublic[:100], standardPublic + "00", "05" + standardPublic[2:], strings.Replace(standardPublic, "13", "14", 1), "02" + standardPublic[2:67]} {
		raw, err := hex.DecodeString(strings.ReplaceAll(bad, " ", ""))
		if err == nil && v.set(raw) {
			t.Errorf("public key %q taken", bad)
		}
	}
	for _, bad := range []string{"", strings.Repeat("00", 32), strings.Repeat("ff", 32), standardPrivate[:62], standardPrivate + "00"} {
		if s.set(unhex(bad)) {
			t.Errorf("private key %q taken", bad)
		}
	}
}

// SM4 with padding gives back what went in, and damage in CBC or a torn text is noticed or changes the text.
func TestSM4Modes(t *testing.T) {
	var b block
	b.set(unhex("01234567 89abcdef fedcba98 76543210"))
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "plain")
		cbc := rapid.Bool().Draw(t, "cbc")
		sealed := b.encrypt(bytes.Clone(plain), cbc)
		got, ok := b.decrypt(bytes.Clone(sealed), cbc)
		if !ok || !bytes.Equal(got, plain) {
			t.Fatalf("%x: %x %t", plain, got, ok)
		}
		cut := rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")
		if got, ok := b.decrypt(bytes.Clone(sealed[:cut]), cbc); ok && bytes.Equal(got, plain) {
			t.Fatalf("cut to %d bytes and still %x", cut, got)
		}
	})
	first, second := b.encrypt([]byte("the same"), true), b.encrypt([]byte("the same"), true)
	if bytes.Equal(first, second) {
		t.Error("two IVs are the same")
	}
	for pad, want := range map[string]bool{"\x00": false, "\x11": false, "\x02\x01": true, "\x01\x02": false, "\x02\x02": true} {
		raw := append(bytes.Repeat([]byte("a"), 16-len(pad)), pad...)
		b.cipher.Encrypt(raw, raw)
		if _, ok := b.decrypt(raw, false); ok != want {
			t.Errorf("padding %x: %t", pad, ok)
		}
	}
}

// Nothing that holds keys prints them.
func TestHidden(t *testing.T) {
	for name, f := range fixtures(t) {
		for _, v := range []any{f.platform, f.institution, f.platform.callers[0], *f.platform.callers[0], f.scheme, f.client} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				if got := fmt.Sprintf(verb, v); got != "sign(hidden)" {
					t.Errorf("%s: %T prints %.40q with %s", name, v, got, verb)
				}
			}
		}
	}
}
