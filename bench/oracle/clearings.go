package oracle

import (
	"fmt"

	"gongji/bench/model"
	"gongji/engine/ledger"
)

// CompareClearings reports the first difference in what has been paid out, also in the chain of each institution (R17).
func CompareClearings(m *model.Model, s *ledger.State) error {
	want := m.Clearings()
	if int(s.Clearings.Len()) != len(want) {
		return fmt.Errorf("%d clearings, model has %d", s.Clearings.Len(), len(want))
	}
	newest := map[uint32]uint32{} // by institution, + 1
	for i, w := range want {
		row := ledger.Clearing{Amount: w.Amount, At: ledger.Position(w.At), Institution: w.Institution, Before: newest[w.Institution], From: w.From, To: w.To, ClrType: w.ClrType}
		if got := *s.Clearings.At(uint32(i)); got != row {
			return fmt.Errorf("clearing %d is %+v, model says %+v", i, got, row)
		}
		newest[w.Institution] = uint32(i) + 1
	}
	for i := range s.Institutions.Len() {
		if got := s.Institutions.At(i).Clearings; got != newest[i] {
			return fmt.Errorf("institution %d's newest clearing is %d, model says %d", i, got, newest[i])
		}
	}
	return nil
}
