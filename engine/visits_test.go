package engine_test

import (
	"bytes"
	"testing"

	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// TestVisitTexts: R29: what a face reads of a visit, its lines and their texts, is there after a restart and after a crash, settled or not.
func TestVisitTexts(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(nil)
	do := func(class sequencer.Class, cmd ledger.Command, texts string) ledger.Effect {
		t.Helper()
		r := sequencer.NewRequest()
		r.Class, r.Count = class, 1
		r.Commands = command.Append(nil, &cmd, &command.Details{Blob: []byte(texts)})
		must(t, e.Do(r))
		if o := r.Results[0].Effect.Outcome; o != ledger.Accepted {
			t.Fatalf("kind %d: %s", cmd.Kind, o)
		}
		return r.Results[0].Effect
	}
	hospital, psn, cert := ledger.NewCode([]byte("H1")), ledger.Key{1}, ledger.Key{1, 1}
	do(sequencer.Structural, ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: hospital, InstitutionOf: 1, More: &ledger.More{}}, "")
	do(sequencer.Structural, ledger.Command{Kind: ledger.KindPerson, Person: psn, Other: cert, More: &ledger.More{}}, "")
	at := do(sequencer.Structural, ledger.Command{Kind: ledger.KindVisitOpen, Institution: hospital, Person: psn, Other: cert,
		More: &ledger.More{Visit: ledger.VisitInput{Kind: ledger.Stay}}}, "admission").Visit
	add := func(serial uint64, texts string) {
		do(sequencer.Structural, ledger.Command{Kind: ledger.KindLinesAdd, Institution: hospital, Person: psn, Visit: at,
			More: &ledger.More{Lines: []ledger.LineInput{{Serial: serial, Count: 1, Amount: 100}}}}, texts)
	}
	long := string(bytes.Repeat([]byte("line one "), command.TextsMax/9))
	add(1, long)
	settled := do(sequencer.Till, ledger.Command{Kind: ledger.KindSettlement, Institution: hospital, Person: psn, Visit: at, Interim: true, UsedFlag: 1,
		Bill: ledger.BillInput{Medfee: 100, Inscp: 100}}, "")
	add(2, "line two")

	check := func() {
		t.Helper()
		var lines []ledger.FeeLine
		var visit ledger.Visit
		must(t, e.Ask(func(v engine.View) {
			n, found := v.State.FindVisit(at, ledger.DayOf(v.TimeMS))
			if !found {
				t.Error("the visit is not held")
				return
			}
			visit = *v.State.Visits.At(n)
			v.State.Lines(n, 0, 10, func(l *ledger.FeeLine) { lines = append(lines, *l) })
		}))
		if len(lines) != 2 || lines[0].Settled != 0 || lines[1].Settled != visit.Newest || settled.Visit != at {
			t.Fatalf("%+v with lines %+v", visit, lines)
		}
		for i, want := range []string{"line two", long} {
			entry, err := e.Entry(lines[i].At)
			must(t, err)
			if string(entry.Details.Blob) != want || entry.Command.More.Lines[0].Serial != lines[i].Serial {
				t.Errorf("line %d has %d bytes of texts, want %d", lines[i].Serial, len(entry.Details.Blob), len(want))
			}
		}
		if entry, err := e.Entry(visit.Opened); err != nil || string(entry.Details.Blob) != "admission" {
			t.Errorf("the opening reads %q, %v", entry.Details.Blob, err)
		}
	}
	check()
	must(t, e.Close())
	e = p.open(nil)
	check()
	must(t, e.Crash())
	e = p.open(nil)
	check()
	must(t, e.Close())
}
