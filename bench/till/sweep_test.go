package till

import (
	"testing"
)

// TestSweep: the sweep that `gongji till --cut all` plays cuts everywhere, ends level, and says so only if it did cut.
func TestSweep(t *testing.T) {
	for _, p := range []*Play{&Pharmacy, &Clinic, &Ward} {
		w := newWorld(t, TypeHospital)
		list, err := w.till.Sweep(t.Context(), p, func(int) Credential { return Credential{Type: "02", Number: w.person.certno} })
		if err != nil || len(list) != len(p.Messages)*len(Points()) || len(w.till.Server.Line.Cuts()) != len(list) {
			t.Fatalf("%s: %d dialogues, %d cuts, %v", p.Name, len(list), len(w.till.Server.Line.Cuts()), err)
		}
		declined := 0
		for _, r := range list {
			if r.Err != nil || len(r.Wrong) > 0 {
				t.Errorf("%s: %+v", p.Name, r)
			}
			if r.Cancelled {
				declined++
			}
		}
		if declined == 0 || declined == len(list) {
			t.Errorf("%s: %d of %d declined", p.Name, declined, len(list))
		}
		if r := closeDay(t, w); !r.Level() {
			t.Errorf("%s: %+v", p.Name, r)
		}
		w.same(t)
	}
	w := newWorld(t, TypePharmacy)
	never := Pharmacy
	never.Messages = []string{infAdmit, infPurchaseCancel}
	list, err := w.till.Sweep(t.Context(), &never, func(int) Credential { return Credential{Type: "02", Number: w.person.certno} })
	if err != nil || list[0].Err == nil || list[len(list)-1].Err != nil {
		t.Errorf("a cut that was not made is not told: %+v %v", list, err)
	}
}
