package model

import "testing"

func (w *world) move(name string, area uint32, insutype uint16) {
	w.t.Helper()
	w.want(Accepted, Enrolment{Psn: psnOf(name), Insurance: Insurance{Insutype: insutype, Status: 1, Area: area, Begin: testDay - 50}})
}

func (w *world) owes(owing, claiming uint32, want int64) {
	w.t.Helper()
	owed, claimed := dueAccounts(owing, claiming)
	if a, b := w.m.Balance(owed), w.m.Balance(claimed); a != want || b != -want {
		w.t.Fatalf("area %d owes %d %d fen, which claims %d; want %d", owing, claiming, a, -b, want)
	}
}

// TestAreaDues: R18: a payer of another pooling area, and him only; given back by the areas of then.
func TestAreaDues(t *testing.T) {
	p := premiums()
	p.Strategy = 2 // ordered
	w := newWorld(t, p)
	w.person("child", 40)
	w.move("child", 429004, 310)
	for i, name := range []string{"near", "wuhan", "yichang"} {
		w.person(name, 100)
		w.move(name, []uint32{429004, 420102, 420500}[i], 310)
		w.bind(name, "child", uint16(i+1))
	}
	c := bill("child", 300) // 40 own, 100 from the neighbour, 100 from Wuhan, 60 from Yichang
	c.Message = id("visit")
	r := w.want(Accepted, c)
	for i, want := range []uint32{0, 0, 420102, 420500} {
		same(t, "area of a leg", r.Legs[i].Area, want)
	}
	w.owes(4201, 429004, 100)
	w.owes(4205, 429004, 60)

	w.move("child", 420100, 310) // all move on; what was recorded stays
	w.move("yichang", 429004, 310)
	w.want(Accepted, ReversalByMessage{Institution: "H1", OriginalID: c.ID, OriginalKind: 1, Psn: psnOf("child")})
	w.owes(4201, 429004, 0)
	w.owes(4205, 429004, 0)
	w.owes(429004, 4201, 0)

	premium := w.want(Accepted, Premium{Payer: psnOf("yichang"), Insured: psnOf("child"), Type: 1, Year: 2026, Amount: 90})
	same(t, "area of the payer", premium.Legs[0].Area, uint32(429004))
	w.owes(429004, 4201, 90)
	w.move("child", 429004, 310)
	w.want(Accepted, PremiumRefund{Payer: psnOf("yichang"), Premium: w.m.premiums[0].position})
	w.owes(429004, 4201, 0)
}

// TestFamilyAreaDue: R18, M8: money of a family account is its creator's.
func TestFamilyAreaDue(t *testing.T) {
	p := randomSelfFirst
	p.Strategy = allocated
	w := newWorld(t, p)
	w.person("mother", 1000)
	w.person("son", -1)
	w.move("mother", 620100, 310)
	w.move("son", 620400, 390)
	w.want(Accepted, FamilyOpen{Creator: psnOf("mother"), Channel: 1})
	w.want(Accepted, Allocation{Creator: psnOf("mother"), Amount: 500, Channel: 1})
	w.bind("mother", "son", 0)
	w.want(Accepted, bill("son", 120))
	w.want(Accepted, bill("mother", 2000)) // her own and her family's: no due
	w.owes(6201, 6204, 120)
}
