package ledger

import (
	"fmt"
	"testing"
)

// BenchmarkVisit is a registration with five lines from its opening to its settlement, three commands, and what went before swept behind it: 1,000
// visits a day are held five days.
func BenchmarkVisit(b *testing.B) {
	w := visitWorld(b)
	w.policy(Accepted, func(p *Policy) { visits(p); p.OpenVisits, p.VisitRows = OpenVisitsMax, VisitRowsMax })
	for i := range 1000 {
		w.person(fmt.Sprint(i), 0, 0)
	}
	var fx Effects
	n := 0
	run := func(c Context, cmd *Command) *Effect {
		fx.Reset(1, 0)
		w.ledger.Apply(&c, cmd, 0, &fx)
		if fx.List[0].Outcome != Accepted {
			b.Fatal(cmd.Kind, fx.List[0].Outcome)
		}
		return &fx.List[0]
	}
	bill, open, lines := billOf("0", 15), openOf("0", Registration), linesOf(0, chargeOf(1, "a", 1), chargeOf(2, "a", 2), chargeOf(3, "a", 3), chargeOf(4, "a", 4), chargeOf(5, "a", 5))
	people := make([][2]Key, 1000)
	for i := range people {
		people[i] = [2]Key{psn(fmt.Sprint(i)), cert(fmt.Sprint(i))}
	}
	b.ReportAllocs()
	for b.Loop() {
		if n++; n%1000 == 0 {
			w.day++
		}
		p := people[n%1000]
		w.sequence++
		c := w.context()
		open.Person, open.Other, lines.Person, bill.Person, bill.Other = p[0], p[1], p[0], p[0], p[1]
		lines.Visit = run(c, &open).Visit
		bill.Visit, bill.Batch = lines.Visit, lines.More.Lines[0].Batch
		run(c, &lines)
		run(c, &bill)
	}
	rows := w.state().Scalars.At(0).Visits
	b.ReportMetric(float64(rows.Visits), "visits")
	b.ReportMetric(float64(w.state().FeeLines.Len()), "line-rows")
}
