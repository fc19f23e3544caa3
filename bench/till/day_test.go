package till

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDay: many tills of a pharmacy and a hospital, with declines, cut lines and repeats, end level, and the books agree settlement by settlement with
// the centre's own.
func TestDay(t *testing.T) {
	const tills, bills, people = 6, 180, 24
	var citizens []*citizen
	var patients []Credential
	for i := range people {
		p := someone()
		p.psn, p.certno, p.balance = fmt.Sprintf("PSN%d", i), fmt.Sprintf("99476920140520%04d", i), 1_000_00
		citizens = append(citizens, p)
		patients = append(patients, Credential{Type: "02", Number: p.certno})
	}
	c := newCentre(t, citizens...)
	dir := t.TempDir()
	var institutions []*Institution
	for i, kind := range []string{TypePharmacy, TypeHospital} {
		b, err := OpenBook(filepath.Join(dir, fmt.Sprint("book", i)))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		institutions = append(institutions, NewInstitution(Place{Code: fmt.Sprintf("X9910000000%d", i), Area: "991000", Type: kind}, b, 0, nil))
	}
	var trace strings.Builder
	d := &Day{URL: c.URL, Institutions: institutions, Patients: patients, Tills: tills, Bills: bills, Seed: 7, Trace: &trace}
	r, err := d.Play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(trace.String(), ">>> ") != strings.Count(trace.String(), "<<< ") || strings.Count(trace.String(), "\n>>> 2102 ") < 50 {
		t.Error("the trace has lost messages")
	}
	c.faults = nil // one centre, two books: judged below
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	if len(r.Cuts) != len(Points()) || r.Late == 0 || r.Visits != bills || len(r.Wrong) > 0 || r.Unresolved > 0 {
		t.Errorf("the script did too little, or too much:\n%s", &out)
	}
	live, undone := 0, 0
	spent := int64(0)
	for _, x := range c.deals {
		switch {
		case x.void:
			undone++
		case !x.cancelled:
			live++
			spent += x.acct
		}
	}
	left, settled, cancelled, acct := int64(0), 0, 0, Fen(0)
	for _, p := range citizens {
		left += p.balance
	}
	for _, in := range r.Institutions {
		settled, cancelled, acct = settled+in.Settled, cancelled+in.Cancelled, acct+in.Acct
		if in.Settled == 0 || in.Cancelled == 0 || in.Reversed == 0 {
			t.Errorf("%s had an empty day:\n%s", in.Code, &out)
		}
	}
	if settled-cancelled != live || int64(acct) != spent || left != people*1_000_00-spent || undone == 0 {
		t.Errorf("%d live and %s spent at the centre, %d and %s in the books\n%s", live, yuanOf(spent), settled-cancelled, acct, &out)
	}
	for i := range r.Institutions {
		unclosed := *r
		unclosed.Institutions = slices.Clone(r.Institutions)
		unclosed.Institutions[i].Close = &Reconciliation{}
		if unclosed.Level() {
			t.Error("a day is level that nobody reconciled")
		}
	}
	if !r.Level() || !strings.Contains(out.String(), "level") {
		t.Errorf("not level:\n%s", &out)
	}
}

// TestDayLimits: a day that cannot be played is refused.
func TestDayLimits(t *testing.T) {
	in := []*Institution{NewInstitution(Place{}, nil, 0, nil)}
	one := []Credential{{}}
	for _, d := range []Day{{Institutions: in, Patients: one, Tills: 0, Bills: 1}, {Institutions: in, Patients: one, Tills: TillsMax + 1, Bills: 1},
		{Institutions: in, Patients: one, Tills: 1, Bills: 0}, {Institutions: in, Patients: one, Tills: 1, Bills: BillsMax + 1},
		{Patients: one, Tills: 1, Bills: 1}, {Institutions: in, Patients: one, Tills: 2, Bills: 1}} {
		if _, err := d.Play(t.Context()); !errors.Is(err, errDay) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}
