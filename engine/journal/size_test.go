package journal

import (
	"testing"

	"gongji/engine/ledger"
)

// TestCrossingSize: R18: areas cost bytes only where they differ.
func TestCrossingSize(t *testing.T) {
	size := func(area uint32) int {
		f := ledger.Effect{Area: 420100, Kind: ledger.KindSettlement, Outcome: ledger.Accepted, Patient: 70_000_000, Institution: 20_000, Payable: 18_400, Mulaid: 18_400, LegCount: 1}
		l := ledger.Leg{Account: ledger.Account(ledger.KindPersonal, 70_000_300), Amount: -18_400, After: 481_600, Prev: ledger.At(900_000, 77)}
		if area != 0 {
			l.Area = area
		}
		return len(Append(nil, 1_000_000, 1, &ledger.Effects{List: []ledger.Effect{f}, Legs: []ledger.Leg{l}}))
	}
	within, across := size(0), size(420500)
	t.Logf("a settlement takes %d bytes more if its payer is insured in another pooling area", across-within)
	if across-within > 20 || across == within {
		t.Errorf("%d bytes inside one area, %d across", within, across)
	}
}
