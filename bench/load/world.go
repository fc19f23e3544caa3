package load

import (
	"gongji/bench/province"
)

// World is a population: who has an account, how much is in it, who may draw on whom. It does not change once it is made; any goroutine may read it.
type World struct {
	Persons      int
	Institutions int

	flags    []uint8
	opening  []int64  // fen, by person; a workload raises it before Load (see table.go)
	first    []uint32 // person i draws on lenders[first[i]:first[i+1]]
	lenders  []uint32
	province *province.Province // nil: halves
}

// flags of a person.
const (
	isOwner    = 1 << iota // has an account
	isEmployee             // employee insurance; else resident
	isPaused
	hasVoucher
)

const (
	openingFen   = province.MeanOpeningFen
	institutions = 2_000
)

// NewWorld makes the world of halves: even persons own an account; odd ones have none and are bound to one to three even ones, so every settlement
// of an odd person needs an authorizer.
func NewWorld(persons int) *World {
	return halves(persons, 0, func(int) int64 { return openingFen })
}

// halves makes such a world; the first ring persons draw on each other only.
func halves(persons, ring int, opening func(i int) int64) *World {
	w := empty(persons&^1, institutions)
	for i := range w.Persons {
		w.first[i] = uint32(len(w.lenders))
		if i%2 == 0 {
			w.flags[i], w.opening[i] = isOwner|isEmployee|hasVoucher, opening(i)
			continue
		}
		among := w.Persons
		if i < ring {
			among = ring
		}
		for k := range 1 + (i/2)%3 {
			w.lenders = append(w.lenders, uint32((i/2*2+2+k*2*7919)%among&^1)) // near and far
		}
	}
	w.first[w.Persons] = uint32(len(w.lenders))
	return w
}

// national makes a world of the shape of the official figures: bench/province's persons, families, bindings and balances.
func national(persons int, seed uint64) *World {
	p := province.New(seed, persons)
	w := empty(persons, p.Institutions())
	w.province = p
	var bound []province.Binding
	for family := range p.Families() {
		first, n := p.Family(family)
		bound = p.AppendBindings(bound[:0], family)
		for i := first; i < first+n; i++ {
			w.first[i] = uint32(len(w.lenders))
			for _, b := range bound {
				if b.User == i {
					w.lenders = append(w.lenders, uint32(b.Authorizer))
				}
			}
			w.flags[i], w.opening[i] = standing(p, i), p.OpeningFen(i)
		}
	}
	w.first[persons] = uint32(len(w.lenders))
	return w
}

func standing(p *province.Province, i int) (flags uint8) {
	c := p.CategoryOf(i)
	if c.HasAccount() {
		flags |= isOwner
	}
	if c != province.Resident {
		flags |= isEmployee
	}
	normal, voucher := p.Standing(i)
	if !normal {
		flags |= isPaused
	}
	if voucher {
		flags |= hasVoucher
	}
	return flags
}

func empty(persons, institutions int) *World {
	return &World{Persons: persons, Institutions: institutions, flags: make([]uint8, persons), opening: make([]int64, persons), first: make([]uint32, persons+1)}
}

func (w *World) has(i int, flag uint8) bool { return w.flags[i]&flag != 0 }

// authorizers of a person: those who share an account with him.
func (w *World) authorizers(i int) []uint32 { return w.lenders[w.first[i]:w.first[i+1]] }

// pays reports whether a person's own account is expected to pay his bills.
func (w *World) pays(i int) bool { return w.opening[i] > 0 && !w.has(i, isPaused) }

// area is where a person is insured.
func (w *World) area(i int) uint32 {
	if w.province == nil {
		return 420100
	}
	return areaNumbers[w.province.AreaOf(i)]
}

// areaNumbers are the province's areas as the ledger has them.
var areaNumbers = func() (out [len(province.Areas)]uint32) {
	for k, text := range province.Areas {
		for _, digit := range []byte(text) {
			out[k] = out[k]*10 + uint32(digit-'0')
		}
	}
	return out
}()

// institutionType is fixmedins_type: even ones are pharmacies, as in bench/province.
func institutionType(k int) uint8 { return 2 - uint8(k%2) }
