package ids

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var kinds = []Kind{Settlement, Reversal, Binding, Family, Premium, Entry}

// golden pins the format without the check symbol: these ids are printed on receipts and must parse for ever.
var golden = []struct {
	kind Kind
	v    uint64
	text string
}{
	{Settlement, 0, "S0000000000000"}, {Settlement, 1, "S0000000000001"},
	{Binding, 31, "B000000000000Z"}, {Settlement, 1<<20 | 7, "S0000000010007"},
	{Reversal, math.MaxUint64, "RFZZZZZZZZZZZZ"},
}

// slowCheck is the definition, digit by digit.
func slowCheck(k Kind, digits string) byte {
	r := int(k) % 37
	for i := range len(digits) {
		r = (r*32 + strings.IndexByte(symbols, digits[i])) % 37
	}
	return symbols[r]
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		want := g.text + string(slowCheck(g.kind, g.text[1:]))
		if got := string(Append(nil, g.kind, g.v)); got != want || len(got) != Len {
			t.Errorf("Append(%c, %d) = %q, want %q", g.kind, g.v, got, want)
		}
	}
	if got := string(AppendSettlement(nil, 1<<20|7)); got != "S0000000010007$" {
		t.Errorf("settlement 1:7 = %q", got)
	}
}

func TestRoundTripAndFolding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom(kinds).Draw(t, "kind")
		v := rapid.Uint64().Draw(t, "v")
		id := Append(nil, k, v)
		typed := bytes.Clone(id)
		for i := range typed {
			alias := string(typed[i])
			switch {
			case i > 0 && typed[i] == '1':
				alias = "1iIlL"
			case i > 0 && typed[i] == '0':
				alias = "0oO"
			case typed[i] >= 'A':
				alias = string([]byte{typed[i], typed[i] | 0x20})
			}
			if typed[i] == '~' {
				alias = "~"
			}
			typed[i] = rapid.SampledFrom([]byte(alias)).Draw(t, "typed")
		}
		for _, s := range [][]byte{id, typed} {
			if got, err := Parse(k, s); err != nil || got != v {
				t.Fatalf("Parse(%q) = %d, %v; want %d", s, got, err, v)
			}
		}
		for _, other := range kinds {
			if _, err := Parse(other, id); other != k && err != ErrKind {
				t.Fatalf("Parse as %c of %q: %v, want ErrKind", other, id, err)
			}
		}
	})
}

// TestEveryTypoIsSeen: each single wrong symbol and each swap of neighbours gives an error.
func TestEveryTypoIsSeen(t *testing.T) {
	wrong := 0
	rapid.Check(t, func(t *rapid.T) {
		id := Append(nil, Settlement, rapid.Uint64().Draw(t, "v"))
		for i := range id {
			for c := range 256 {
				bad := bytes.Clone(id)
				if bad[i] = byte(c); values[bad[i]] == values[id[i]] && i > 0 || i == 0 && bad[0]|0x20 == 's' {
					continue
				}
				wrong++
				if _, err := Parse(Settlement, bad); err == nil {
					t.Fatalf("%q accepted for %q", bad, id)
				}
			}
			if i > 0 && i+2 < len(id) && id[i] != id[i+1] {
				bad := bytes.Clone(id)
				bad[i], bad[i+1] = bad[i+1], bad[i]
				if _, err := Parse(Settlement, bad); err == nil {
					t.Fatalf("swapped %q accepted for %q", bad, id)
				}
			}
		}
	})
	if wrong == 0 {
		t.Fatal("no typo was tried")
	}
}

func TestParseErrors(t *testing.T) {
	for s, want := range map[string]error{
		"": ErrLength, "S": ErrLength, "S00000000000000000": ErrLength, "R0000000010007$": ErrKind,
		"S000000001000-$": ErrSymbol, "S000000001000U$": ErrSymbol, "S0000000010007!": ErrSymbol,
		"SG0000000000000": ErrRange, "SZZZZZZZZZZZZZ0": ErrRange, "S0000000010007K": ErrCheck,
		"S000000001000\xff$": ErrSymbol,
	} {
		if v, err := ParseSettlement(s); err != want || v != 0 {
			t.Errorf("ParseSettlement(%q) = %d, %v; want %v", s, v, err, want)
		}
	}
}

func TestPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Uint64Range(0, SequenceMax).Draw(t, "seq")
		index := rapid.Uint32Range(0, IndexMax).Draw(t, "index")
		p, err := Position(seq, index)
		if s, i := SplitPosition(p); err != nil || s != seq || i != index {
			t.Fatalf("%d:%d came back as %d:%d, %v", seq, index, s, i, err)
		}
	})
	if _, err := Position(SequenceMax+1, 0); err != ErrPosition {
		t.Error("sequence too large accepted")
	}
	if _, err := Position(1, IndexMax+1); err != ErrPosition {
		t.Error("index too large accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("S0000000010007$")
	f.Add("s00000000iooo7$")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseSettlement(s)
		if err != nil {
			return
		}
		again, err := ParseSettlement(AppendSettlement(nil, v))
		if err != nil || again != v {
			t.Fatalf("%q is %d, its canonical form %d, %v", s, v, again, err)
		}
	})
}
