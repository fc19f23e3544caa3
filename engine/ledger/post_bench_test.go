package ledger_test

import (
	"testing"

	"gongji/engine/ledger"
)

// BenchmarkPost is what a settlement's postings cost: one leg in its place, then the sums of the batch. The invariants are in it.
func BenchmarkPost(b *testing.B) {
	const persons, size = 4096, 2048
	s := ledger.NewState(ledger.DefaultShifts)
	for range persons {
		s.Persons.Append(ledger.Person{Balance: 1 << 60})
	}
	for range 64 {
		s.Institutions.Append(ledger.Institution{})
	}
	var fx ledger.Effects
	fx.Reset(size, 2)
	sequence := uint64(1)
	for b.Loop() {
		sequence++
		for i := range fx.List {
			n := uint32(i * 7 % persons)
			fx.Legs[2*i] = ledger.Leg{Account: ledger.Account(ledger.KindPersonal, n), Amount: -100}
			fx.List[i] = ledger.Effect{Kind: ledger.KindSettlement, Outcome: ledger.Accepted, Own: 100, Payable: 100, Patient: n, Institution: uint32(i) % 64, LegAt: uint32(2 * i), LegCount: 1}
			ledger.PostLeg(s, &fx.Legs[2*i], ledger.At(sequence, i))
		}
		for i := range fx.List {
			ledger.PostSums(s, 1, &fx.List[i], &fx, ledger.At(sequence, i))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/settlement")
}
