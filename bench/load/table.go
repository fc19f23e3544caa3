package load

import (
	"math"
	"math/rand/v2"
)

// A slot is one bill of one patient that a stream settles again and again, each time with a fresh message. The streams of a load hold about half as many
// slots as there are persons, drawn over the whole world: a stream walks its own in memory order, so that a command costs the generator no cache miss but
// the engine all of its own.
type slot struct {
	patient     uint32
	cell        uint32 // slot whose own and lent count for this one: the first of the same patient, if the workload merges them, else itself
	own, lent   int32  // fen that the patient's account and his relatives' have paid and not got back
	bill        uint16
	institution uint16
}

// slotsMin of a stream: fewer would make the same few patients meet in each batch.
const slotsMin = 128

// pick draws a patient and says from which list his bill comes; -1: nobody was found, which only tiny worlds give.
type pick func(rng *rand.Rand) (patient int, aid bool)

// table makes a stream's slots and raises opening balances so far that what is owed on the way round never makes somebody short who should not be.
func (w *World) table(n int, shape *Workload, b *bills, draw pick, rng *rand.Rand) []slot {
	slots := make([]slot, n)
	seen := map[uint32]uint32{}
	for j := range slots {
		s := &slots[j]
		patient, aid := draw(rng)
		list := b.own
		if aid {
			list = b.aid
		}
		s.patient, s.cell, s.bill = uint32(patient), uint32(j), list[rng.IntN(len(list))]
		s.institution = uint16(w.institution(b.list[s.bill].pharmacy, rng))
		if shape.merged {
			if first, found := seen[s.patient]; found {
				s.cell = first
			} else {
				seen[s.patient] = s.cell
			}
		}
	}
	return slots
}

func (w *World) institution(pharmacy bool, rng *rand.Rand) int {
	k := rng.IntN(w.Institutions) &^ 1
	if !pharmacy {
		k++
	}
	return min(k, w.Institutions-1)
}

// settle writes what the slots owe when a run begins, as if they had gone round for ever, and counts in need what each account needs not to run dry.
// Slot j is credited in every cycle c with (j+c) % every == 0, before it is settled, and owes one bill more in each of the others.
func (w *World) settle(slots []slot, shape *Workload, b *bills, need []int64) {
	of := make([]uint16, len(slots)) // slots of a cell
	for j := range slots {
		of[slots[j].cell]++
	}
	if shape.thin && shape.Every != 1 {
		panic("BUG: thin balances need a credit a bill")
	}
	for j := range slots {
		s := &slots[j]
		payable := b.list[s.bill].payable
		wait := (shape.Every - j%shape.Every) % shape.Every // cycles until the first credit
		owed := int64(shape.Every - wait)
		switch {
		case shape.thin: // one credit a cycle, half of it away: the second half of the slots comes to its credit first
			owed, wait = int64(2*j/len(slots)), 0
		case of[s.cell] > 1: // credits come at any time: about half of what may be owed is
			owed, wait = 0, 0
			if s.cell == uint32(j) {
				owed, wait = int64(shape.Every)/2, 2*shape.Every
			}
		}
		authorizers := w.authorizers(int(s.patient))
		switch {
		case w.pays(int(s.patient)):
			slots[s.cell].own += int32(owed * payable)
			need[s.patient] += int64(wait) * payable
		case len(authorizers) > 0:
			slots[s.cell].lent += int32(owed * payable)
			for _, a := range authorizers {
				need[a] += int64(wait)*payable/int64(len(authorizers)) + payable
			}
		}
	}
}

// Picks. All skip those whose insurance is paused: their bills would be their own affair.

// pickNational draws aidPPM in a million among those who have no money of their own and share another's, the rest among employees who pay or have nobody.
func pickNational(w *World, aidPPM int, payers func(*World, int) bool) pick {
	return func(rng *rand.Rand) (int, bool) {
		aid := rng.IntN(1_000_000) < aidPPM
		last := 0
		for range pickTries {
			i := rng.IntN(w.Persons)
			if w.has(i, isPaused) {
				continue
			}
			last = i
			shared := !w.pays(i) && len(w.authorizers(i)) > 0
			if aid && shared || !aid && !shared && payers(w, i) {
				return i, aid
			}
		}
		return last, aid
	}
}

// pickTries bounds the search: in a province of some hundreds one person in ten is fit for either kind.
const pickTries = 512

func employees(w *World, i int) bool { return w.has(i, isEmployee) }

func payers(w *World, i int) bool { return w.pays(i) }

// pickHalves draws odd persons, who need a relative, with oddPPM in a million, among the first count of the world.
func pickHalves(count, oddPPM int) pick {
	return func(rng *rand.Rand) (int, bool) {
		i := rng.IntN(count) &^ 1
		if rng.IntN(1_000_000) < oddPPM {
			return i | 1, true
		}
		return i, false
	}
}

// pickZipf draws payers by Zipf's law with exponent 1, hottest ranks scattered over the world; aidPPM in a million as pickNational.
func pickZipf(w *World, aidPPM int, seed uint64) pick {
	var ranks []uint32
	for i := range w.Persons {
		if w.pays(i) {
			ranks = append(ranks, uint32(i))
		}
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	rng.Shuffle(len(ranks), func(i, j int) { ranks[i], ranks[j] = ranks[j], ranks[i] })
	others := pickNational(w, 1_000_000, payers)
	n := float64(len(ranks))
	return func(rng *rand.Rand) (int, bool) {
		if rng.IntN(1_000_000) < aidPPM {
			return others(rng)
		}
		rank := int(math.Exp(rng.Float64()*math.Log(n+1))) - 1 // P(rank) = ln((r+2)/(r+1)) / ln(n+1): the law with exponent 1
		return int(ranks[min(rank, len(ranks)-1)]), false
	}
}
