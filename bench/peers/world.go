package peers

import (
	"math/rand/v2"
)

// World is the population that both sides hold, computed and not stored. Persons come in blocks of 18, each of them six families of 2, 3 and 4; everybody
// owns an account and is bound to all others of his family, so everybody has one to three authorizers. Five of a block are *thin*: their account holds less
// than any bill, so a bill of theirs takes what they have and then relatives, in an order drawn at random. The others can pay all their bills.
type World struct {
	blocks int
	seed   uint64
}

const (
	blockPersons = 18
	blockThin    = 5
	blockRich    = blockPersons - blockThin
)

// families of a block by place. The places of the thin, 1, 5, 9, 13 and 17, let a formula find them (Thin, Rich), also in SQL, pgbench and Lua.
var families = [6][]int{{0, 1}, {2, 3}, {4, 5, 17}, {6, 7, 8}, {9, 10, 11, 12}, {13, 14, 15, 16}}

// Two thin persons share a family: a bill of one may take the other's money first, and one in pairEmpty of them finds nothing of his own when his turn comes. A
// world begins with half as many empty: somewhere between two visits.
var (
	pair      = [2]int{5, 17}
	pairEmpty = uint64(4)
)

// familyOf a place.
var familyOf = func() (of [blockPersons]int) {
	for f, places := range families {
		for _, p := range places {
			of[p] = f
		}
	}
	return of
}()

// Amounts in fen. Bills are peers.md's. A thin account holds at most 0.99 yuan, the others 2,000 to 20,000 yuan: several thousand bills of the largest rate
// measured here, and credits bring back what was spent (Walk).
const (
	billMin, billMax       = 100, 10_000
	thinMin, thinSpread    = 50, 50
	richMin, richSpread    = 2_000_00, 18_000_00
	institutions           = 2_000
	creditRichFen          = 150_900 // of a round: 30 bills of 50.50 yuan on average, less eight credits of thin accounts
	thinStride, richStride = 2_654_435_761, 2_246_822_519
)

// PersonsMax keeps every number of the world inside PostgreSQL's int and an identity number apart (Certno).
const PersonsMax = 9_000_000

// NewWorld has about so many persons: whole blocks.
func NewWorld(persons int, seed uint64) *World {
	return &World{blocks: max(1, min(persons, PersonsMax)/blockPersons), seed: seed}
}

// Persons of the world.
func (w *World) Persons() int { return w.blocks * blockPersons }

// ThinCount and RichCount add up to Persons.
func (w *World) ThinCount() int { return w.blocks * blockThin }

// RichCount is the number of those who can pay.
func (w *World) RichCount() int { return w.blocks * blockRich }

// Thin is thin person t, 0 <= t < ThinCount.
func (w *World) Thin(t int) int { return t/blockThin*blockPersons + t%blockThin*4 + 1 }

// Rich is person r of the others, 0 <= r < RichCount.
func (w *World) Rich(r int) int {
	k := r % blockRich
	return r/blockRich*blockPersons + k + (k+2)/3
}

// IsThin tells thin persons.
func (w *World) IsThin(i int) bool { return i%blockPersons%4 == 1 }

// AppendAuthorizers appends who shares an account with person i, in rising order.
func (w *World) AppendAuthorizers(dst []int, i int) []int {
	block, place := i/blockPersons*blockPersons, i%blockPersons
	for _, p := range families[familyOf[place]] {
		if p != place {
			dst = append(dst, block+p)
		}
	}
	return dst
}

// Bindings is their number.
func (w *World) Bindings() int {
	n := 0
	for _, f := range families {
		n += len(f) * (len(f) - 1)
	}
	return n * w.blocks
}

// OpeningFen is the balance that person i begins with.
func (w *World) OpeningFen(i int) int64 {
	word := mix(w.seed + uint64(i))
	if place := i % blockPersons; (place == pair[0] || place == pair[1]) && word%pairEmpty == 0 {
		return 0
	}
	if w.IsThin(i) {
		return thinFen(i)
	}
	return richMin + int64(word%(richSpread+1))
}

// thinFen is what the account of thin person i is filled with, each time.
func thinFen(i int) int64 { return thinMin + int64(i%thinSpread) }

// mix is splitmix64: uniform words from neighbours.
func mix(x uint64) uint64 {
	x *= 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// Of a Walk.
const (
	thinBills, ofBills = 4, 15
	roundBills         = 2 * ofBills
	roundThin          = 2 * thinBills
)

// Bill is one settlement to ask for.
type Bill struct {
	Patient, Institution int
	Fen                  int64 // payable
}

// Credit is one credit.
type Credit struct {
	Person int
	Fen    int64
}

// Walk makes the bills of one client and the credits that keep the world as it is. Four bills of 15 are thin persons', the next ones of a lap through all of
// them; the others are drawn at random from those who can pay. The credits of a *round* of 30 bills fill its eight thin accounts again and give one of the
// others, by a lap as well, what was spent otherwise on average. The same numbers are computed in SQL, pgbench and Lua. It belongs to one goroutine.
type Walk struct {
	world        *World
	rng          *rand.Rand
	thin0, rich0 int
	step         int // bills made
	credited     int // rounds
}

// NewWalk begins the walk of client number of several, at a place of its own in the laps.
func (w *World) NewWalk(seed uint64, number, of int) *Walk {
	thin0, rich0 := w.Starts(seed, number, of)
	return &Walk{world: w, rng: rand.New(rand.NewPCG(seed, uint64(number))), thin0: thin0, rich0: rich0}
}

// Starts are the places of a walk in the laps through thin and rich persons: as far from each other on the way as can be.
func (w *World) Starts(seed uint64, number, of int) (thin0, rich0 int) {
	t, r := w.ThinCount(), w.RichCount()
	return lap(int(mix(seed)%uint64(t)), number*(t/of), thinStride, t), lap(int(mix(^seed)%uint64(r)), number*(r/of), richStride, r)
}

// Next bill.
func (k *Walk) Next() Bill {
	n := k.step
	k.step++
	b := Bill{Institution: k.rng.IntN(institutions), Fen: billMin + k.rng.Int64N(billMax-billMin+1)}
	if n*thinBills%ofBills < thinBills {
		b.Patient = k.world.Thin(lap(k.thin0, n*thinBills/ofBills, thinStride, k.world.ThinCount()))
	} else {
		b.Patient = k.world.Rich(k.rng.IntN(k.world.RichCount()))
	}
	return b
}

// lap is place n of a lap through all of size from start: the stride is prime to every size here, so a lap meets each once before it meets one again.
func lap(start, n, stride, size int) int {
	return int((uint64(start) + uint64(n)%uint64(size)*(uint64(stride)%uint64(size))) % uint64(size))
}

// AppendCredits appends the credits of all whole rounds since the last call.
func (k *Walk) AppendCredits(dst []Credit) []Credit { return k.AppendCreditsUpTo(dst, k.step) }

// AppendCreditsUpTo is AppendCredits of a walk whose bills somebody else makes: steps is how many.
func (k *Walk) AppendCreditsUpTo(dst []Credit, steps int) []Credit {
	w := k.world
	for ; k.credited < steps/roundBills; k.credited++ {
		for v := k.credited * roundThin; v < (k.credited+1)*roundThin; v++ {
			i := w.Thin(lap(k.thin0, v, thinStride, w.ThinCount()))
			dst = append(dst, Credit{i, thinFen(i)})
		}
		dst = append(dst, Credit{w.Rich(lap(k.rich0, k.credited, richStride, w.RichCount())), creditRichFen})
	}
	return dst
}
