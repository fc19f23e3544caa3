package peers

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"gongji/api/ids"
)

// TestWorld: everybody is in one family of two to four and shares with all others of it; thin and others together are all.
func TestWorld(t *testing.T) {
	w := NewWorld(18*40+5, 1)
	if w.Persons() != 18*40 {
		t.Fatalf("%d persons", w.Persons())
	}
	seen := make([]int, w.Persons())
	for i := range w.ThinCount() {
		if p := w.Thin(i); !w.IsThin(p) {
			t.Errorf("person %d is not thin", p)
		} else {
			seen[p]++
		}
	}
	for i := range w.RichCount() {
		if p := w.Rich(i); w.IsThin(p) {
			t.Errorf("person %d is thin", p)
		} else {
			seen[p]++
		}
	}
	bindings := 0
	for i, n := range seen {
		if n != 1 {
			t.Errorf("person %d was met %d times", i, n)
		}
		authorizers := w.AppendAuthorizers(nil, i)
		bindings += len(authorizers)
		if len(authorizers) < 1 || len(authorizers) > 3 || !slices.IsSorted(authorizers) {
			t.Errorf("person %d has authorizers %v", i, authorizers)
		}
		if !slices.ContainsFunc(append(authorizers, i), func(a int) bool { return !w.IsThin(a) }) {
			t.Errorf("nobody can pay for person %d", i)
		}
		for _, a := range authorizers {
			if !slices.Contains(w.AppendAuthorizers(nil, a), i) {
				t.Errorf("person %d shares with %d, not the reverse", a, i)
			}
		}
	}
	if bindings != w.Bindings() {
		t.Errorf("%d bindings, told %d", bindings, w.Bindings())
	}
}

// TestSameSeedSameWorld: a world is a function of size and seed, and the seed matters.
func TestSameSeedSameWorld(t *testing.T) {
	text := func(seed uint64) string {
		var b bytes.Buffer
		w := NewWorld(1_800, seed)
		for _, write := range []func() error{
			func() error { return w.WritePersons(&b) }, func() error { return w.WriteBindings(&b) }, func() error { return w.WriteInstitutions(&b) }, func() error { return w.WriteOpening(&b) },
			func() error { return w.WriteAccountsCopy(&b) }, func() error { return w.WriteAuthorizationsCopy(&b) }} {
			if err := write(); err != nil {
				t.Fatal(err)
			}
		}
		k := w.NewWalk(seed, 1, 3)
		for range 1000 {
			x := k.Next()
			b.Write(AppendSettlement(nil, AppendMsgid(nil, "r", 1, k.step), x))
		}
		return b.String()
	}
	first, second := text(1), text(1)
	if first != second {
		t.Error("two worlds of a seed differ")
	}
	if first == text(2) {
		t.Error("the seed does not matter")
	}
}

// played settles bills as the rule says, with a draw of its own.
type played struct {
	world    *World
	balances []int64
	rng      *rand.Rand
	legs     Legs
	cash     int64
}

func play(w *World) *played {
	p := &played{world: w, balances: make([]int64, w.Persons()), rng: rand.New(rand.NewPCG(7, 7))}
	for i := range p.balances {
		p.balances[i] = w.OpeningFen(i)
	}
	return p
}

func (p *played) settle(b Bill) {
	sources := p.world.AppendAuthorizers([]int{b.Patient}, b.Patient)
	others := sources[1:]
	p.rng.Shuffle(len(others), func(i, k int) { others[i], others[k] = others[k], others[i] })
	todo, legs := b.Fen, 0
	for _, s := range sources {
		if give := min(p.balances[s], todo); give > 0 {
			p.balances[s] -= give
			todo -= give
			legs++
		}
	}
	p.legs[legs]++
	p.cash += todo
}

// TestShares: the mix is what peers.md says, near 74 : 21 : 3 of 98, from the first bills on and after several laps; the money stays level and nobody pays cash.
func TestShares(t *testing.T) {
	w := NewWorld(36_000, 5)
	p := play(w)
	sum := func() (s int64) {
		for _, b := range p.balances {
			s += b
		}
		return s
	}
	walks := []*Walk{w.NewWalk(9, 0, 2), w.NewWalk(9, 1, 2)}
	before := sum()
	var credits []Credit
	for part := range 8 {
		p.legs = Legs{}
		n := 0.0
		for range 10_000 {
			for _, k := range walks {
				p.settle(k.Next())
				n++
				for _, c := range k.AppendCredits(credits[:0]) {
					p.balances[c.Person] += c.Fen
				}
			}
		}
		one, two, three := float64(p.legs[1])/n, float64(p.legs[2])/n, float64(p.legs[3])/n
		if one < 0.735 || one > 0.775 || two < 0.195 || two > 0.235 || three < 0.015 || three > 0.04 {
			t.Errorf("part %d: one account %.3f, two %.3f, three %.3f", part, one, two, three)
		}
	}
	if p.cash != 0 {
		t.Errorf("%d fen were paid in cash", p.cash)
	}
	if drift := float64(sum())/float64(before) - 1; drift > 0.02 || drift < -0.02 {
		t.Errorf("the money moved by %.3f", drift)
	}
}

// TestWalksApart: walks of the same pace meet no thin person that another has met, for as long as a lap has persons for all: two visits in one credit run would be
// one credit (R26).
func TestWalksApart(t *testing.T) {
	w := NewWorld(180_000, 5)
	for _, of := range []int{2, 8, 32} {
		met := make([]bool, w.Persons())
		for number := range of {
			k := w.NewWalk(11, number, of)
			for range (w.ThinCount()/of - 1) * ofBills / thinBills {
				if b := k.Next(); w.IsThin(b.Patient) {
					if met[b.Patient] {
						t.Fatalf("walk %d of %d meets person %d again at bill %d", number, of, b.Patient, k.step)
					}
					met[b.Patient] = true
				}
			}
		}
	}
}

// TestCreditsOfAnother: a walk that only counts another's bills gives the same credits.
func TestCreditsOfAnother(t *testing.T) {
	w := NewWorld(1_800, 5)
	a, b := w.NewWalk(3, 2, 4), w.NewWalk(3, 2, 4)
	var want []Credit
	for range 1000 {
		a.Next()
		want = a.AppendCredits(want)
	}
	got := b.AppendCreditsUpTo(nil, 500)
	if got = b.AppendCreditsUpTo(got, 1000); !slices.Equal(got, want) || len(want) != 1000/roundBills*(roundThin+1) {
		t.Errorf("%d credits, want %d", len(got), len(want))
	}
}

// TestLapMeetsAll: a lap meets each once, whatever its size and start.
func TestLapMeetsAll(t *testing.T) {
	for _, size := range []int{5, 13, 5_000, 13 * 777} {
		for _, stride := range []int{thinStride, richStride} {
			seen := make([]bool, size)
			for n := range size {
				at := lap(size-2, size+n, stride, size)
				if seen[at] {
					t.Fatalf("size %d stride %d meets %d twice", size, stride, at)
				}
				seen[at] = true
			}
		}
	}
}

// TestNumbers: identity numbers are valid and differ, message ids have 30 characters, lines are JSON.
func TestNumbers(t *testing.T) {
	seen := map[string]int{}
	for i := range PersonsMax / 450 {
		for _, p := range []int{i, i * 450} {
			n := string(AppendCertno(nil, p))
			if err := ids.CheckCertno(n); err != nil {
				t.Fatalf("person %d: %v", p, err)
			}
			if other, there := seen[n]; there && other != p {
				t.Fatalf("persons %d and %d have one number", p, other)
			}
			seen[n] = p
		}
	}
	if id := AppendMsgid(nil, "r042", 7, 123456); string(id) != "r042-007-000000000000000123456" {
		t.Errorf("message id %q", id)
	}
	w := NewWorld(1_800, 1)
	for _, line := range [][]byte{w.appendPerson(nil, 1), appendInstitution(nil, 1), appendBinding(nil, 999_999, 1_000_000), appendRunLine(nil, "open", 3, Credit{4, 105}),
		AppendSettlement(nil, []byte("x"), Bill{1, 2, 1_05})} {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if id, ok := fields["msgid"].(string); ok && len(id) > 30 {
			t.Errorf("message id %q", id)
		}
	}
}
