package till

import (
	"fmt"
	"strings"
	"testing"
)

// cutCase is a visit with its line cut at some messages.
type cutCase struct {
	decline bool
	cuts    []plannedCut
}

func (c *cutCase) name() string {
	var b strings.Builder
	if c.decline {
		b.WriteString("declined")
	}
	for _, p := range c.cuts {
		fmt.Fprintf(&b, " %s %s", p.infno, p.point)
	}
	return b.String()
}

// cutCases: every message of a dialogue at every point; and for the messages that are undone, the undoing and the question behind it cut as well.
func cutCases(messages, declined []string, settles, cancel string) (list []cutCase) {
	for _, p := range Points() {
		for _, infno := range append([]string{infSignIn, infSignOut, infTotals}, messages...) {
			list = append(list, cutCase{false, []plannedCut{{infno, p}}})
		}
		for _, infno := range declined {
			list = append(list, cutCase{true, []plannedCut{{infno, p}}})
		}
		for _, first := range []Point{Unsent, Held, Unread} {
			list = append(list, cutCase{false, []plannedCut{{settles, first}, {infReverse, p}}},
				cutCase{false, []plannedCut{{settles, first}, {settles, p}, {infReverse, p}}},
				cutCase{true, []plannedCut{{cancel, first}, {infReverse, p}}}, cutCase{true, []plannedCut{{cancel, first}, {infQuery, p}}})
		}
	}
	return list
}

// sweep plays a dialogue with its line cut in every way. Whatever was lost, the books are level, the account has paid once or not at all, nothing that
// moves money was sent twice, and all of it was in the till's book first (the centre watches).
func sweep(t *testing.T, kind string, cases []cutCase, play *Play, prepare func(*centre)) {
	for _, c := range cases {
		t.Run(c.name(), func(t *testing.T) {
			w := newWorld(t, kind)
			prepare(w.centre)
			for _, p := range c.cuts {
				w.till.Server.Line.Cut(p.infno, p.point)
			}
			v, r, err := w.play(t.Context(), play, &Dialogue{Decline: c.decline})
			if err != nil {
				t.Fatal(err)
			}
			if made := w.till.Server.Line.Cuts(); len(made) != len(c.cuts) {
				t.Fatalf("%d cuts were made of %d: %v", len(made), len(c.cuts), made)
			} else {
				late(t, made)
			}
			if !r.Level() {
				t.Errorf("not level: %+v", r)
			}
			if v.Cancelled != c.decline || len(v.Wrong) > 0 || len(v.Differences) > 0 {
				t.Errorf("cancelled %t, wrong %v, differences %v", v.Cancelled, v.Wrong, v.Differences)
			}
			w.same(t)
			if spent := openingFen - w.person.balance; (spent == 0) != c.decline {
				t.Errorf("%s of the account are spent", yuanOf(spent))
			}
		})
	}
}

// late: a settlement that arrives behind its own reversal must be refused.
func late(t *testing.T, made []Made) {
	t.Helper()
	for _, m := range made {
		if m.Point == Held && (afterUnknown[m.Infno] == undo || afterUnknown[m.Infno] == undoCancel) && !strings.Contains(string(m.Answer), "[blocked]") {
			t.Errorf("%s held on the way was answered %q when it arrived, should be blocked", m.Infno, m.Answer)
		}
	}
}

// TestCutPharmacy (R9, R11): a pharmacy whose line is cut at every point of every message.
func TestCutPharmacy(t *testing.T) {
	cases := cutCases([]string{infPerson, infBenefit, infPurchasePreview, infPurchase}, []string{infPurchaseCancel}, infPurchase, infPurchaseCancel)
	sweep(t, TypePharmacy, cases, &Pharmacy, func(*centre) {})
}

// TestCutPharmacyReversibleCancel (R11): the same cancels where the region lets 2601 take an executed cancel back.
func TestCutPharmacyReversibleCancel(t *testing.T) {
	var cases []cutCase
	for _, p := range Points() {
		cases = append(cases, cutCase{true, []plannedCut{{infPurchaseCancel, p}}}, cutCase{true, []plannedCut{{infPurchaseCancel, p}, {infPurchaseCancel, p}}})
	}
	sweep(t, TypePharmacy, cases, &Pharmacy,
		func(c *centre) { c.cancelsReverse = true })
}

// TestCutOutpatient: an outpatient visit whose line is cut at every point of every message.
func TestCutOutpatient(t *testing.T) {
	cases := cutCases([]string{infRegister, infDiagnosis, infLines, infOutpatientTrial, infOutpatientSettle},
		[]string{infOutpatientCancel, infLinesCancel, infRegisterCancel}, infOutpatientSettle, infOutpatientCancel)
	sweep(t, TypeHospital, cases, &Clinic, func(*centre) {})
}

// TestCutInpatient: a stay whose line is cut at every point of every message.
func TestCutInpatient(t *testing.T) {
	cases := cutCases([]string{infAdmit, infStayLines, infStayTrial, infDischarge, infStaySettle},
		[]string{infStayCancel, infDischargeCancel, infStayLinesCancel, infAdmitCancel}, infStaySettle, infStayCancel)
	sweep(t, TypeHospital, cases, &Ward, func(*centre) {})
}
