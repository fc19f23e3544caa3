package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
)

// TestDrawGolden: the expected orders come from a few lines of Python (hmac, struct) written from s.5, not from this code.
func TestDrawGolden(t *testing.T) {
	key := []byte{}
	for i := range 32 {
		key = append(key, byte(i))
	}
	same(t, "n 1", Draw(key, 7, 3, 1), []int{0})
	same(t, "n 2", Draw(key, 7, 3, 2), []int{1, 0})
	same(t, "n 3", Draw(key, 7, 3, 3), []int{1, 2, 0})
	same(t, "n 5", Draw(key, 7, 3, 5), []int{2, 4, 1, 0, 3})
	same(t, "n 12", Draw(key, 7, 3, 12), []int{0, 2, 3, 8, 4, 5, 7, 1, 9, 11, 10, 6})
	same(t, "large numbers", Draw(key, 1<<40+1, 1048575, 9), []int{5, 4, 6, 1, 3, 0, 2, 7, 8})
}

// TestKeysGolden: also from Python.
func TestKeysGolden(t *testing.T) {
	for _, c := range []struct {
		key  Key
		want string
	}{
		{K("run", "r-1"), "2444721aef01bb85e08b919111f198a9"},
		{creditMark(258, 3, 202601), "ee6c77564493abc71b0a7156b42b1326"},
		{undoMark(5<<20 | 2), "de1e851ea3e9161e177d587fd5dd1db3"},
	} {
		if got := hex.EncodeToString(c.key[:]); got != c.want {
			t.Errorf("key %s, want %s", got, c.want)
		}
	}
}

// chiSquareLimits are one-sided limits at p = 10^-6 by degrees of freedom (reliability.md, T6; 1: the square of 4.8916).
var chiSquareLimits = map[int]float64{1: 23.9, 2: 27.6, 3: 30.7, 5: 35.9, 23: 70.6}

func chiSquare(counts map[string]int, cells, n int) float64 {
	expected := float64(n) / float64(cells)
	sum := float64(cells-len(counts)) * expected // cells never met
	for _, count := range counts {
		sum += (float64(count) - expected) * (float64(count) - expected) / expected
	}
	return sum
}

// TestDrawUniform counts whole orders and first debited for 2 to 4 relatives, over indexes, sequences and keys.
func TestDrawUniform(t *testing.T) {
	const n = 60000 // T6
	orders := map[int]int{2: 2, 3: 6, 4: 24}
	for relatives := 2; relatives <= 4; relatives++ {
		for _, grouping := range []string{"index", "sequence", "key"} {
			whole, first := map[string]int{}, map[string]int{}
			for i := range n {
				key := sha256.Sum256([]byte("fixed"))
				sequence, index := uint64(9), uint32(9)
				switch grouping {
				case "index":
					index = uint32(i)
				case "sequence":
					sequence = uint64(i)
				case "key":
					key = sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
				}
				order := Draw(key[:], sequence, index, relatives)
				whole[fmt.Sprint(order)]++
				first[fmt.Sprint(order[0])]++
			}
			check := func(what string, counts map[string]int, cells int) {
				if got := chiSquare(counts, cells, n); got > chiSquareLimits[cells-1] {
					t.Errorf("%d relatives by %s, %s: chi-square %.1f over %.1f, df %d",
						relatives, grouping, what, got, chiSquareLimits[cells-1], cells-1)
				}
			}
			check("orders", whole, orders[relatives])
			check("first debited", first, relatives)
		}
	}
}

// TestChiSquareSeesBias: the limit catches a draw from four bits taken modulo 3.
func TestChiSquareSeesBias(t *testing.T) {
	counts := map[string]int{}
	for i := range 60000 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i)))
		counts[fmt.Sprint(sum[0]%16%3)]++
	}
	if got := chiSquare(counts, 3, 60000); got <= chiSquareLimits[2] {
		t.Fatalf("chi-square %.1f of a biased draw is within the limit", got)
	}
}

// TestUniformDiscards: words below 2^64 mod m are thrown away. 2^64 mod 3 = 1.
func TestUniformDiscards(t *testing.T) {
	s := &words{rest: []uint64{0, 1, 2, 3}}
	for i, want := range []uint64{1, 2, 0} {
		if got := s.uniform(3); got != want {
			t.Fatalf("word %d gives %d, want %d", i, got, want)
		}
	}
	s = &words{rest: []uint64{0}}
	if got := s.uniform(4); got != 0 { // 2^64 mod 4 = 0: nothing is thrown away
		t.Fatalf("got %d", got)
	}
}

// TestDrawIsUsed: settlements debit relatives in the order of Draw, over the binding numbers.
func TestDrawIsUsed(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	names := []string{"a", "b", "c", "d"}
	for _, name := range names {
		w.person(name, 10)
	}
	w.person("patient", -1)
	for _, name := range names {
		w.bind(name, "patient", 0)
	}
	orders := map[string]bool{}
	for range 40 {
		results := w.batch(Tick{}, bill("patient", 40))
		got := []int{}
		for _, leg := range results[1].Legs {
			for i, name := range names {
				if w.account(name) == leg.Account {
					got = append(got, i)
				}
			}
		}
		same(t, "order", got, Draw(w.key, w.sequence, 1, 4))
		orders[fmt.Sprint(got)] = true
		w.want(Accepted, ReversalByID{Settlement: Position(w.sequence, 1), Institution: "H1", Psn: psnOf("patient")})
	}
	if len(orders) < 8 {
		t.Fatalf("only %d different orders in 40 draws", len(orders))
	}
}
