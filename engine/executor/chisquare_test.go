package executor_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"gongji/bench/proof"
)

// chiLimit is the value that chi-square of df degrees of freedom passes with probability 10^-6 (reliability.md T6).
func chiLimit(df int) float64 { return distuv.ChiSquared{K: float64(df)}.Quantile(1 - 1e-6) }

// TestChiLimit compares with the limits of reliability.md.
func TestChiLimit(t *testing.T) {
	for df, want := range map[int]float64{2: 27.6, 3: 30.7, 5: 35.9, 23: 70.6} {
		if got := chiLimit(df); math.Abs(got-want) > 0.06 {
			t.Errorf("df %d: %.2f, want %.1f", df, got, want)
		}
	}
}

// table counts equally likely cells, separately in rows of whatever size.
type table struct {
	name         string
	rows, cells  int
	counts       []int
	chi, limit   float64
	freedom, sum int
}

func newTable(name string, rows, cells int) *table {
	return &table{name: name, rows: rows, cells: cells, counts: make([]int, rows*cells), freedom: rows * (cells - 1)}
}

func (x *table) add(row, cell int) { x.counts[row*x.cells+cell]++ }

// judge computes the statistic; false: too few counts to say anything.
func (x *table) judge() bool {
	x.chi, x.sum, x.limit = 0, 0, chiLimit(x.freedom)
	for r := range x.rows {
		row, sum := x.counts[r*x.cells:(r+1)*x.cells], 0
		for _, c := range row {
			sum += c
		}
		expected := float64(sum) / float64(x.cells)
		if expected < 50 { // the distribution of the statistic is chi-square only for large counts
			return false
		}
		for _, c := range row {
			x.chi += (float64(c) - expected) * (float64(c) - expected) / expected
		}
		x.sum += sum
	}
	return true
}

// labels of an authorizer among the k of one patient, by which the same draws are counted again.
const (
	byBinding = iota // binding age
	byNumber         // account number
	byPartition
	byBalance
	labelCount
)

var labelNames = [labelCount]string{"binding age", "account number", "partition", "balance"}

// family is a patient with k authorizers who have money: their ranks by each label, in binding order.
type family struct {
	k        int
	ranks    [labelCount][]int
	previous int // first debited last time; -1: none
}

// drawTally groups the draws of all families with k authorizers (T6).
type drawTally struct {
	k           int
	first       [labelCount]*table
	whole       [labelCount]*table // k <= 4
	institution *table
	previous    *table
}

const t6Institutions = 5

func newDrawTally(k int) *drawTally {
	y := &drawTally{k: k, institution: newTable("first by institution", t6Institutions, k), previous: newTable("first by previous draw", k, k)}
	for l, name := range labelNames {
		y.first[l] = newTable("first by "+name, 1, k)
		if k <= 4 {
			orders := 1
			for i := range k {
				orders *= i + 1
			}
			y.whole[l] = newTable("orders by "+name, 1, orders)
		}
	}
	return y
}

// add takes one draw: order holds places in binding order, those with money only.
func (y *drawTally) add(f *family, institution int, order []int) {
	for l := range labelNames {
		ranks := f.ranks[l]
		y.first[l].add(0, ranks[order[0]])
		if y.whole[l] != nil {
			y.whole[l].add(0, orderNumber(order, ranks))
		}
	}
	y.institution.add(institution, order[0])
	if f.previous >= 0 {
		y.previous.add(f.previous, order[0])
	}
	f.previous = order[0]
}

// orderNumber numbers the permutations from 0.
func orderNumber(order, ranks []int) (n int) {
	for i := range order {
		smaller := 0
		for _, o := range order[i+1:] {
			if ranks[o] < ranks[order[i]] {
				smaller++
			}
		}
		n = n*(len(order)-i) + smaller
	}
	return n
}

// groupings are all tables of a tally.
func (y *drawTally) groupings() []*table {
	tables := []*table{y.institution, y.previous}
	for l := range labelNames {
		tables = append(tables, y.first[l])
		if y.whole[l] != nil {
			tables = append(tables, y.whole[l])
		}
	}
	return tables
}

// judge names the groupings beyond their limit, and gives the one that comes nearest to its own.
func (y *drawTally) judge(t *testing.T) (bad map[string]bool, worst *table) {
	t.Helper()
	bad = map[string]bool{}
	for _, x := range y.groupings() {
		if !x.judge() {
			t.Fatalf("k=%d %s: vacuous, %v", y.k, x.name, x.counts)
		}
		if worst == nil || x.chi/x.limit > worst.chi/worst.limit {
			worst = x
		}
		if x.chi > x.limit {
			bad[x.name] = true
		}
	}
	return bad, worst
}

// TestUniformSeesBias is the test of the test (T6): the groupings must tell a fair draw from each planted bias, by the grouping that is
// there for it.
func TestUniformSeesBias(t *testing.T) {
	fair := func(r *rand.Rand, _ *family, _ int, order []int) {
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	// favour gives one authorizer 10 % more than his share of first places.
	favour := func(which func(f *family, institution int) int) func(*rand.Rand, *family, int, []int) {
		return func(r *rand.Rand, f *family, institution int, order []int) {
			fair(r, f, institution, order)
			w := which(f, institution)
			if w < 0 || r.Float64() >= 0.1/float64(f.k-1) {
				return
			}
			for i, o := range order {
				if o == w {
					order[0], order[i] = order[i], order[0]
				}
			}
		}
	}
	label := func(l, rank int) func(*family, int) int {
		return func(f *family, _ int) int {
			for place, r := range f.ranks[l] {
				if r == rank {
					return place
				}
			}
			return -1
		}
	}
	line, seen := proof.New("T6", "sees-bias"), 0
	for _, c := range []struct {
		catches string // "": nothing may be caught
		draw    func(*rand.Rand, *family, int, []int)
	}{
		{"", fair},
		{"first by binding age", func(r *rand.Rand, _ *family, _ int, order []int) { // four bits modulo, as if rejection had been forgotten
			for i := len(order) - 1; i > 0; i-- {
				j := int(r.Uint64()&15) % (i + 1)
				order[i], order[j] = order[j], order[i]
			}
		}},
		{"first by binding age", favour(label(byBinding, 0))},
		{"first by account number", favour(label(byNumber, 0))},
		{"first by partition", favour(label(byPartition, 1))},
		{"first by balance", favour(label(byBalance, 1))},
		{"first by institution", favour(func(_ *family, institution int) int { return institution%2 - 1 })},
		{"first by previous draw", favour(func(f *family, _ int) int { return f.previous })},
		{"orders by binding age", func(r *rand.Rand, f *family, i int, order []int) { // the first is drawn well, those behind him are not
			fair(r, f, i, order)
			if n := len(order); n > 2 && order[n-2] > order[n-1] && r.IntN(10) == 0 {
				order[n-2], order[n-1] = order[n-1], order[n-2]
			}
		}},
	} {
		caught := map[string]bool{}
		for k := 2; k <= 6; k++ {
			bad, _ := planted(k, c.draw).judge(t)
			for name := range bad {
				caught[name] = true
			}
		}
		if c.catches == "" && len(caught) > 0 || c.catches != "" && !caught[c.catches] {
			t.Errorf("caught %v, want %q", caught, c.catches)
		}
		if c.catches != "" && caught[c.catches] {
			seen++
		}
	}
	line.AtLeast("n", t6Draws, t6Draws).AtLeast("biases", int64(seen), 8).Print(t)
}

// planted tallies 60,000 draws of a drawing function over some families.
func planted(k int, draw func(*rand.Rand, *family, int, []int)) *drawTally {
	r := rand.New(rand.NewPCG(uint64(k), 6))
	var families []*family
	for range 20 {
		f := &family{k: k, previous: -1}
		for l := range labelNames {
			f.ranks[l] = r.Perm(k)
		}
		f.ranks[byBinding] = identity(k)
		families = append(families, f)
	}
	y := newDrawTally(k)
	for i := range t6Draws {
		f, institution, order := families[i%len(families)], r.IntN(t6Institutions), identity(k)
		draw(r, f, institution, order)
		y.add(f, institution, order)
	}
	return y
}

func identity(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	return p
}
