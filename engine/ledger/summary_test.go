package ledger

import (
	"math/rand/v2"
	"testing"
)

// TestSummaryRoundTrip: R19: whatever days a summary has, taking it apart into row and person and putting it together gives the same, and equal ones are
// one row. The days are drawn from the edges of what 16 bits hold.
func TestSummaryRoundTrip(t *testing.T) {
	days := []int32{ownDay, -1, 0, 1, 2, 18_000, 1<<16 - 1, 1 << 16, openEnded}
	births := []int32{BirthUnknown, birthFirst - 1, birthFirst, 0, 20_000, birthLast, birthLast + 1, openEnded}
	r := rand.New(rand.NewPCG(1, 1))
	day := func() int32 { return days[r.IntN(len(days))] }
	s := NewState(Shifts{})
	given := map[uint32]Summary{}
	own, elsewhere := 0, 0
	for i := range 20_000 {
		x := Summary{LendFrom: day(), LendUntil: day(), NormalFrom: day(), NormalUntil: day(), Birth: births[r.IntN(len(births))], Area: uint32(r.IntN(2))}
		n := uint32(r.IntN(300))
		if n < s.Persons.Len() {
			s.setSummary(n, x)
		} else {
			n = s.AddPerson(Key{byte(i), byte(i >> 8)}, Key{byte(i), byte(i >> 8), 1}, x)
		}
		given[n] = x
		p := s.Persons.At(n)
		if p.Day != 0 {
			own++
		}
		if p.Birth == 0 {
			elsewhere++
		}
		if i%500 == 0 {
			s.Reindex()
		}
	}
	for n, want := range given {
		if got := s.summary(n); got != want {
			t.Fatalf("person %d is %+v, was given %+v", n, got, want)
		}
	}
	if rows := s.Summaries.Len(); rows > s.Persons.Len() || own == 0 || elsewhere == 0 {
		t.Errorf("%d rows for %d persons, %d own days, %d births in a summary", rows, s.Persons.Len(), own, elsewhere)
	}
}

// TestSummaryShared: people who differ in birth and in the day their insurance began share one row; the last to leave frees it.
func TestSummaryShared(t *testing.T) {
	w := newWorld(t, nil)
	for i, name := range []string{"a", "b", "c"} {
		w.want(Accepted, Command{Kind: KindPerson, Person: psn(name), Other: cert(name), Birth: int32(i * 100), Has: HasAccount,
			More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Status: StatusNormal, Begin: 18_000 + int32(i), Area: 420100}}}})
	}
	if n := w.state().Summaries.Len(); n != 1 {
		t.Fatalf("%d summaries for three who differ in days only", n)
	}
	for _, step := range []struct {
		name   string
		status uint8
	}{{"a", 2}, {"a", StatusNormal}, {"b", 2}} { // a new row while paused, free again afterwards
		w.want(Accepted, Command{Kind: KindEnrolment, Person: psn(step.name), More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Status: step.status, Begin: w.day, Area: 420100}}}})
	}
	if n, free := w.state().Summaries.Len(), w.state().Scalars.At(0).FreeSummary; n != 2 || free != 0 {
		t.Errorf("%d rows, free row %d: the row that was given back is not taken again", n, free)
	}
}

// TestPersonHeads: cards, visits and families are found by their person's number, before and after the indexes are rebuilt (R24, R27).
func TestPersonHeads(t *testing.T) {
	w := newWorld(t, func(p *Policy) { allocated(p); visits(p) })
	w.person("a", 1000, 0)
	w.person("u", -1, 0)
	a, _ := w.state().FindPerson(psn("a"))
	u, _ := w.state().FindPerson(psn("u"))
	for _, card := range []string{"one", "two"} {
		w.want(Accepted, Command{Kind: KindCredential, Person: psn("a"), CredType: CredentialCard, Other: cert(card), More: &More{State: CardActive}})
	}
	w.want(Accepted, Command{Kind: KindFamilyOpen, Person: psn("a"), Channel: 1})
	w.bind("a", "u")
	w.open("u", Registration)
	w.open("u", Registration)
	check := func(when string) {
		t.Helper()
		if s := w.state(); s.NewestCard(a) != 2 || s.NewestCard(u) != 0 || s.NewestVisit(u) != 2 || s.NewestVisit(a) != 0 || s.FamilyOf(a) != 1 || s.FamilyOf(u) != 1 {
			t.Errorf("%s: cards %d %d, visits %d %d, families %d %d", when, s.NewestCard(a), s.NewestCard(u), s.NewestVisit(a), s.NewestVisit(u), s.FamilyOf(a), s.FamilyOf(u))
		}
	}
	check("before")
	w.state().Reindex()
	check("after")
}
