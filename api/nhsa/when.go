package nhsa

import (
	"gongji/engine"
	"gongji/engine/ledger"
)

// What a message may say of when a visit began and ended. No source has a number; a visit's first day decides what a patient is on it (R19), so it may not
// be chosen at will.
const (
	// aheadMaxMS is how far a clock of the institution may be ahead of ledger time.
	aheadMaxMS = 30 * 60 * 1000
	// registrationDaysMax: a registration is entered when the patient comes; a month is what a hospital needs that was cut off.
	registrationDaysMax = 31
	// admissionDaysMax: who lies longer when his stay is entered first has had a settlement at the end of the year (ars_year_ipt_flag), from which the stay is counted.
	admissionDaysMax = 366
)

// textLater compares two times as they were sent; where one is a day alone, their days. The spelling is fixed, so texts compare as times do.
func textLater(a, b []byte) bool {
	n := min(len(a), len(b))
	return string(a[:n]) > string(b[:n])
}

// notAhead refuses a time of row r that has not come.
func (f *face) notAhead(m *message, r int32, field int) fault {
	var latest [24]byte
	if textLater(m.get(r, field).text, appendMoment(latest[:0], f.engine.NowMS()+aheadMaxMS)) {
		return m.wrongTime(r, field, "晚于当前时间")
	}
	return fault{}
}

func (m *message) wrongTime(r int32, field int, text string) fault {
	return fault{code: codeTime, where: m.lineWhere(r, field), label: m.rows[r].node.fields[field].text, text: text}
}

// begun refuses the first day of a visit that has not come or is too long ago.
func (f *face) begun(m *message, r int32, field int, daysMax int64) fault {
	if x := f.notAhead(m, r, field); x.bad() {
		return x
	}
	if m.get(r, field).num < dayOf(f.engine.NowMS())-daysMax {
		return f.unlessUsed(m, m.wrongTime(r, field, "早于允许补录的期限"))
	}
	return fault{}
}

// unlessUsed drops a refusal of what time or others have changed since, if the message's id is used: the ledger has the first answer (R10), or says that it
// is another message's.
func (f *face) unlessUsed(m *message, refusal fault) fault {
	used := false
	if x := f.ask(func(v engine.View) { _, used = v.FindID(m.cmd.ID) }); x.bad() {
		return x
	}
	if used {
		return fault{}
	}
	return refusal
}

// notBeforeAdmission refuses a discharge that is earlier than the admission as it was told last, by 2401 or 2403.
func (f *face) notBeforeAdmission(m *message, r int32, field int) fault {
	var row ledger.Visit
	found := false
	if x := f.ask(func(v engine.View) {
		n, held := v.State.FindVisit(m.cmd.Visit, ledger.DayOf(v.TimeMS))
		if found = held && v.State.Visits.At(n).Institution == m.place.number; found {
			row = *v.State.Visits.At(n)
		}
	}); x.bad() || !found {
		return x // the ledger says so
	}
	s, x := f.sentOf(&row)
	if x.bad() {
		return x
	}
	if begun := s.last("begntime"); len(begun) > 0 && textLater(begun, m.get(r, field).text) {
		return f.unlessUsed(m, m.wrongTime(r, field, "早于入院时间"))
	}
	return fault{}
}
