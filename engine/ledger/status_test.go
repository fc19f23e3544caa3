package ledger

import (
	"strings"
	"testing"
)

// cells is the table of DESIGN.md 8, written out by hand: a line a standing, columns in the order of the actions. y may, - may not, e only
// where enrolled is enough.
const cells = `
normal y y y y y y y y y y y
paused y - e y - y - e y y -
ended  y - - y - y - - y y -
dead   - - - - - - - - - y -
moved  y - - y - - - - y y -
`

const today = 20_000

// standing makes a person with an account of a standing today.
func standing(name string) *Summary {
	p := &Summary{Flags: HasAccount}
	p.enrol(&Enrolment{Insutype: InsutypeEmployee, Status: StatusNormal, Begin: today - 100})
	switch name {
	case "normal":
	case "paused":
		p.enrol(&Enrolment{Insutype: InsutypeEmployee, Status: 2, Begin: today - 10})
	case "ended":
		p.enrol(&Enrolment{Insutype: InsutypeEmployee, Status: 4, Begin: today - 10, Reason: ReasonEnded})
	case "dead":
		p.enrol(&Enrolment{Insutype: InsutypeEmployee, Status: 4, Begin: today, Reason: ReasonDead})
	case "moved":
		p.enrol(&Enrolment{Insutype: InsutypeEmployee, Status: 4, Begin: today - 10, Reason: ReasonMoved})
	default:
		panic(name)
	}
	return p
}

// TestMay is the whole table of R19, cell by cell, with and without K16's strictness, without an account, and with a frozen one (R21).
func TestMay(t *testing.T) {
	strict, lax := &Context{Day: today}, &Context{Day: today}
	strict.Policy.RequireNormalUser = 1
	needsAccount := "y y - y y - y - - - y"
	freezable := "y y - - y - - - - - y"
	tried := 0
	for line := range strings.Lines(strings.TrimSpace(cells)) {
		fields := strings.Fields(line)
		if len(fields) != int(Actions)+1 {
			t.Fatalf("%d columns in %q", len(fields), line)
		}
		for i, cell := range fields[1:] {
			a, p := Action(i), standing(fields[0])
			if got, want := p.May(a, lax), cell != "-"; got != want {
				t.Errorf("%s, action %d, enrolled is enough: %t", fields[0], a, got)
			}
			if got, want := p.May(a, strict), cell == "y"; got != want {
				t.Errorf("%s, action %d: %t", fields[0], a, got)
			}
			p.Flags |= AccountFrozen
			if got, want := p.May(a, lax), cell != "-" && strings.Fields(freezable)[i] == "-"; got != want {
				t.Errorf("%s with a frozen account, action %d: %t", fields[0], a, got)
			}
			p.Flags &^= HasAccount | AccountFrozen
			if got, want := p.May(a, lax), cell != "-" && strings.Fields(needsAccount)[i] == "-"; got != want {
				t.Errorf("%s without an account, action %d: %t", fields[0], a, got)
			}
			tried += 4
		}
	}
	if tried != 5*11*4 {
		t.Fatalf("%d cells tried", tried)
	}
}

// TestDays: R19's dates. The day of death counts, the day before does not; a pause begins on its day; a resident is normal and lends nothing.
func TestDays(t *testing.T) {
	p := standing("dead")
	if !p.MayLend(today-1) || p.MayLend(today) || !p.IsNormal(today-1) || p.IsNormal(today) {
		t.Error("death begins on its day")
	}
	p.enrol(&Enrolment{Insutype: 390, Status: StatusNormal, Begin: today - 5, Reason: ReasonCorrection})
	if p.Died != 0 || !p.IsNormal(today) {
		t.Error("a correction takes a death back")
	}
	if p.MayLend(today) || !p.MayLend(today-6) || !p.May(OwnSpending, &Context{Day: today}) { // B10, R19
		t.Error("an employee who became a resident keeps his account and lends no more")
	}
	p.enrol(&Enrolment{Insutype: InsutypeEmployee, Status: StatusNormal, Begin: today + 1})
	if p.MayLend(today) || !p.MayLend(today+1) {
		t.Error("employed again from tomorrow")
	}
	old := standing("normal")
	old.enrol(&Enrolment{Insutype: 390, Status: StatusNormal, Begin: today - 300, End: today - 200})
	if !old.MayLend(today) {
		t.Error("resident insurance of long ago takes nothing")
	}
	none := &Summary{Flags: HasAccount}
	if none.StandingOn(today, true) != Ended || none.StandingOn(today, false) != Ended || none.MayLend(0) {
		t.Error("never enrolled is ended")
	}
}

// TestTerritory is K14, A2, B6 to B8.
func TestTerritory(t *testing.T) {
	agreed := Policy{Territory: CrossProvince, Province: 42}
	agreed.Provinces[0] |= 1 << 43
	for _, c := range []struct {
		policy Policy
		a, u   uint32
		want   bool
	}{
		{Policy{Territory: InProvince, Province: 42}, 420100, 429004, true},
		{Policy{Territory: InProvince, Province: 42}, 420100, 430100, false},
		{Policy{Territory: InPoolingArea}, 420100, 420102, true},
		{Policy{Territory: InPoolingArea}, 420100, 420200, false},
		{Policy{Territory: InPoolingArea}, 500101, 500229, true},  // one municipality
		{Policy{Territory: InPoolingArea}, 429004, 429005, false}, // counties under the province
		{Policy{Territory: InPoolingArea}, 429004, 429004, true},
		{agreed, 420100, 430100, true},
		{agreed, 430100, 420100, true},
		{agreed, 420100, 440100, false},
		{agreed, 440100, 440100, false},
	} {
		if got := InTerritory(&c.policy, c.a, c.u); got != c.want {
			t.Errorf("territory %d, %d and %d: %t", c.policy.Territory, c.a, c.u, got)
		}
	}
}

// TestCategories is K15 and B11: for whom an account is opened.
func TestCategories(t *testing.T) {
	hubei := Policy{Categories: CategoryEmployed | CategoryRetired}
	for _, c := range []struct {
		psnType  uint32
		flexible uint8
		want     bool
	}{{11, 0, true}, {12, 0, true}, {1201, 1, true}, {11, 1, false}, {1101, 0, true}, {21, 0, false}, {0, 0, false}} {
		p := &Summary{}
		p.enrol(&Enrolment{Insutype: InsutypeEmployee, Status: StatusNormal, PsnType: c.psnType, Flexible: c.flexible})
		if got := p.hasCategory(&hubei); got != c.want {
			t.Errorf("psn_type %d flexible %d: %t", c.psnType, c.flexible, got)
		}
		if !p.hasCategory(&Policy{}) {
			t.Error("no categories: for everybody")
		}
	}
	if (&Summary{}).hasCategory(&hubei) {
		t.Error("a resident has no account opened")
	}
}

// TestVisitBeforeDeath: R19: relatives pay for a visit that began before the patient died, also where users must be normally insured, and not for a later one.
func TestVisitBeforeDeath(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.RequireNormalUser = 1 })
	w.person("a", 1000, 0)
	w.person("u", -1, 0)
	w.bind("a", "u")
	died := w.day
	w.want(Accepted, Command{Kind: KindEnrolment, Person: psn("u"), More: &More{Enrolments: []Enrolment{{Insutype: 390, Status: 4, Begin: died, Reason: ReasonDead}}}})
	w.day++
	late := billOf("u", 30)
	late.Day = died
	w.want(StatusForbids, late)
	early := billOf("u", 30)
	early.Day = died - 1
	if f := w.want(Accepted, early); f.Mulaid != 30 {
		t.Fatalf("relatives paid %d fen, want 30", f.Mulaid)
	}
}
