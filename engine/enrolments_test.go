package engine_test

import (
	"testing"

	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// TestHistory: R19. What was told of a person is there in the order in which it was told, newest first, also after a restart that replays the log.
func TestHistory(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(nil)
	do := func(cmd ledger.Command) {
		t.Helper()
		r := sequencer.NewRequest()
		r.Class, r.Count = sequencer.Structural, 1
		r.Commands = command.Append(nil, &cmd, &command.Details{})
		must(t, e.Do(r))
		if o := r.Results[0].Effect.Outcome; o != ledger.Accepted {
			t.Fatal(o)
		}
	}
	person := func(n byte, list ...ledger.Enrolment) {
		do(ledger.Command{Kind: ledger.KindPerson, Person: ledger.Key{n}, Other: ledger.Key{n, 1}, More: &ledger.More{Enrolments: list}})
	}
	told := []ledger.Enrolment{
		{Insutype: 390, Status: 1, Area: 420100, Begin: -5, End: 40, PsnType: 14},
		{Insutype: 310, Status: 1, Area: 420200, Begin: 40, PsnType: 11, Flexible: 1},
		{Insutype: 310, Status: 4, Area: 420200, Begin: 90, PsnType: 11, Reason: ledger.ReasonDead},
	}
	person(1, told[0], told[1])
	person(2, told[1])
	do(ledger.Command{Kind: ledger.KindEnrolment, Person: ledger.Key{1}, More: &ledger.More{Enrolments: told[2:]}})
	check := func() {
		t.Helper()
		list, err := e.Enrolments(0)
		must(t, err)
		if len(list) != len(told) {
			t.Fatalf("%d enrolments, want %d", len(list), len(told))
		}
		for i, r := range list {
			if want := told[len(told)-1-i]; r.Enrolment != want || r.At == 0 {
				t.Errorf("enrolment %d is %+v, want %+v", i, r, want)
			}
		}
		if other, err := e.Enrolments(1); err != nil || len(other) != 1 || other[0].Enrolment != told[1] {
			t.Errorf("the other person: %+v, %v", other, err)
		}
	}
	check()
	must(t, e.Close())
	e = p.open(func(*engine.Options) {})
	check()
	must(t, e.Close())
}
