package province

import (
	"testing"

	"pgregory.net/rapid"
)

func checkParts(t rapid.TB, s Settlement) {
	t.Helper()
	parts := []int64{s.Medfee, s.FundPay, s.PsnPart, s.HospPart, s.Preself, s.Inscp, s.Overlmt, s.Fulamt, s.Payable}
	for _, part := range parts {
		if part < 0 {
			t.Fatalf("negative part: %+v", s)
		}
	}
	fundOnScope := min(s.FundPay, s.Inscp)
	fundOnFirst := min(s.FundPay-fundOnScope, s.Preself)
	payable := min(s.Inscp-fundOnScope+s.Preself-fundOnFirst, s.PsnPart)
	switch {
	case s.Medfee <= 0:
		t.Fatalf("bill of nothing: %+v", s)
	case s.Medfee != s.Fulamt+s.Overlmt+s.Preself+s.Inscp:
		t.Fatalf("parts by scope do not add up: %+v", s)
	case s.Medfee != s.FundPay+s.PsnPart+s.HospPart:
		t.Fatalf("parts by payer do not add up: %+v", s)
	case s.Payable != payable:
		t.Fatalf("payable %d by R1: %+v", payable, s)
	}
}

func TestPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := New(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, MaxPersons).Draw(t, "persons"))
		d := p.Day(rapid.Uint64().Draw(t, "day")).WithAidPPM(rapid.IntRange(0, million).Draw(t, "aid")).WithCount(1 << 40)
		s := d.At(rapid.IntRange(0, d.Len()-1).Draw(t, "n"))
		checkParts(t, s)
		if s.Patient < 0 || s.Patient >= p.Persons() || s.Institution < 0 || s.Institution >= p.Institutions() {
			t.Fatalf("%+v", s)
		}
	})
}

func TestDayHasThePublishedShape(t *testing.T) {
	p := New(1, testPersons)
	d := p.Day(1).WithCount(60_000)
	var aid, aidSum, own, ownSum, employees, pharmacies, hosp, zero int64
	seen := map[string]bool{}
	for s := range d.All() {
		checkParts(t, s)
		x, place := p.Person(s.Patient), p.Institution(s.Institution)
		needs := x.OpeningFen < s.Payable && p.Authorizers(s.Patient) > 0
		if needs != s.NeedsAuthorizers || seen[s.Msgid] || len(s.Msgid) > 30 || x.Enrolment.Insutype != s.Insutype ||
			(place.Type == "2") != (s.MedType == "41") || x.Enrolment.PsnInsuStas != "1" {
			t.Fatalf("%+v by %+v at %+v", s, x, place)
		}
		seen[s.Msgid] = true
		if needs {
			aid++
			aidSum += s.Payable
		} else {
			own++
			ownSum += s.Payable
		}
		if s.Insutype == "310" {
			employees++
		}
		if place.Type == "2" {
			pharmacies++
		}
		if s.HospPart > 0 {
			hosp++
		}
		if s.Payable == 0 {
			zero++
		}
	}
	within(t, "uses with mutual aid", aid, 60_000*464/8754, 5)
	within(t, "mean payable of those, fen", aidSum/aid, 14_828, 5)
	within(t, "mean payable of the others, fen", ownSum/own, 10_540, 3)
	if hosp == 0 || zero == 0 {
		t.Errorf("%d bills with a hospital part, %d with nothing payable", hosp, zero)
	}
	t.Logf("aid %d (mean %d), others mean %d, employees %d, pharmacies %d, hosp part %d, payable 0 %d",
		aid, aidSum/aid, ownSum/own, employees, pharmacies, hosp, zero)
}

func TestAidKnob(t *testing.T) {
	d := New(1, testPersons).Day(9).WithCount(3000)
	for _, ppm := range []int{0, million} {
		for s := range d.WithAidPPM(ppm).All() {
			if s.NeedsAuthorizers != (ppm == million) {
				t.Fatalf("share %d ppm: %+v", ppm, s)
			}
		}
	}
}

func TestDayLength(t *testing.T) {
	// 8.754 bn uses a year over 1,330.6939 M insured: 18,023 a day for a million.
	for persons, want := range map[int]int{1: 1, 1_000_000: 18_023, 100_000_000: 1_802_334} {
		if got := New(1, persons).Day(1).Len(); got != want {
			t.Errorf("%d persons: %d bills a day, want %d", persons, got, want)
		}
	}
}

func TestDaysDiffer(t *testing.T) {
	p := New(1, testPersons)
	a, b := p.Day(1).At(0), p.Day(2).At(0)
	if a.Msgid == b.Msgid || a == b || a != p.Day(1).At(0) {
		t.Errorf("%+v\n%+v", a, b)
	}
}
