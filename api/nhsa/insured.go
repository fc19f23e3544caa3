package nhsa

import (
	"gongji/api/nhsa/fund"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/state"
)

// What a bill's insutype says is believed where nobody but the patient pays. Where the fund or the hospital would pay, it must be an insurance of the
// patient's: employees' and residents' ratios differ (DESIGN.md 5).

// cover is what a person's enrolments say of an insurance on a day.
type cover uint8

const (
	neverTold cover = iota // he was never enrolled in it: a wrong insutype
	lapsed                 // he was and is not: paused, ended, moved, or in another basic insurance since
	inForce
)

// summaryCovers reports whether the ledger's summary of a person shows an insurance to be in force on a day. False says nothing: the summary has
// the employee insurance and the one he was told last to be normally in, the history has all.
func summaryCovers(p ledger.Summary, insutype uint32, day int32) bool {
	return p.StandingOn(day, false) == ledger.Normal && uint32(p.NormalType) == insutype ||
		insutype == ledger.InsutypeEmployee && p.StandingOn(day, true) == ledger.Normal
}

// coverIn reads a history, newest first: what was told last of the insurance and had begun on the day. Nobody is in two basic insurances (R19; the
// ledger's DESIGN.md 8): one that began later ends the earlier, although nobody tells the earlier's end.
func coverIn(history []state.EnrolmentRecord, insutype uint32, day int32) cover {
	var e *ledger.Enrolment
	for i := range history {
		if h := &history[i].Enrolment; uint32(h.Insutype) == insutype && h.Begin <= day {
			e = h
			break
		}
	}
	switch {
	case e == nil:
		return neverTold
	case e.Standing() != ledger.Normal, e.End != 0 && e.End <= day:
		return lapsed
	}
	for i := range history {
		if h := &history[i].Enrolment; h.Insutype != e.Insutype && isBasic(h.Insutype) && isBasic(e.Insutype) && h.Standing() == ledger.Normal && h.Begin > e.Begin && h.Begin <= day {
			return lapsed
		}
	}
	return inForce
}

// isBasic: employees', residents', and the two that residents' took the place of.
func isBasic(insutype uint16) bool {
	switch insutype {
	case ledger.InsutypeEmployee, 390, 380, 391:
		return true
	}
	return false
}

// othersPay reports whether somebody but the patient and his relatives would bear a part of the bill.
func (m *message) othersPay() bool { return m.cmd.Bill.Fund > 0 || m.cmd.Bill.HospPart > 0 }

// insure holds the bill's insurance against the history of a patient whom the summary does not show to be covered. An insurance that is not in force
// pays nothing, and the bill is the patient's: his account may pay while he is paused (R19). One that he never had is refused.
func (f *face) insure(m *message, patient uint32, day int32) fault {
	history, err := f.engine.Enrolments(patient)
	if err != nil {
		return fault{code: codeUnavailable}
	}
	switch coverIn(history, m.details.Insutype, day) {
	case neverTold:
		return fault{code: codeNotInsured, where: m.lineWhere(m.bill, m.form.insutype), label: m.rows[m.bill].node.fields[m.form.insutype].text}
	case lapsed:
		m.result = fund.Result{Version: m.result.Version}
		m.cmd.Bill.Fund, m.cmd.Bill.HospPart = 0, 0
	}
	return fault{}
}

// insurePurchase is insure for a bill without a visit, on today: one question, and only where the fund or the hospital would pay. A message whose id is
// used has its first answer although the insurance would be refused now; m.effect says so.
func (f *face) insurePurchase(m *message, preview bool) fault {
	if !m.othersPay() {
		return fault{}
	}
	var day int32
	var n uint32
	var id ledger.IDEntry
	known, covered, used := false, false, false
	if x := f.ask(func(v engine.View) {
		day = ledger.DayOf(v.TimeMS)
		if n, known = v.State.FindPerson(m.cmd.Person); !known {
			return // the ledger says so
		}
		if covered = summaryCovers(v.State.Summary(v.State.Persons.At(n)), m.details.Insutype, day); !covered && !preview {
			id, used = v.FindID(m.cmd.ID)
		}
	}); x.bad() || !known || covered {
		return x
	}
	if used {
		return f.usedBy(m, &id)
	}
	return f.insure(m, n, day)
}
