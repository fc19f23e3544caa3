package nhsa

import (
	"time"

	"gongji/api/rest"
	"gongji/engine"
	"gongji/engine/ledger"
)

// Limits of a statement, total or detail.
const (
	// statementDaysMax: statements are made of days and of months (nhsa-interface.md 1.13).
	statementDaysMax = 31
	// statementTime is how long one may read rows: below the shortest time-out seen at a client, 30 s (nhsa-interface.md 1.12). At 0.14 ms a row whose
	// batch holds no other of the institution (BenchmarkStatements), it is some 180,000 rows.
	statementTime = 25 * time.Second
	// statementsMax at a time: each holds a batch of log and journal, a detail its file and rows too (64 MiB).
	statementsMax = 4
)

// selection is which rows of an institution a statement is about.
type selection struct {
	place        place
	fromMS, toMS int64 // ledger time, the last ms included
	fromDay      int32 // business days, both included
	toDay        int32
	insutype     uint32 // 0: every one
	clrType      string
	area         uint32
	refunds      bool
	categories   *rest.ClrList // by which rows have their clr_type
}

// selected are the fields that a selection is read from, by their place in a node; -1: the node has none.
type selected struct{ insutype, clrType, area, begin, end, refunds int }

func selectedIn(n *node) selected {
	insutype := -1
	if i, ok := n.byName["insutype"]; ok {
		insutype = int(i)
	}
	return selected{insutype, n.at("clr_type"), n.at("setl_optins"), n.at("stmt_begndate"), n.at("stmt_enddate"), n.at("refd_setl_flag")}
}

// readSelection checks what a statement is about. A range may end today: the settlements of an open day so far (R15).
func (f *face) readSelection(m *message, d int32, at *selected) (s selection, x fault) {
	if s.place, x = f.placeOf(m.institution()); x.bad() {
		return s, x
	}
	if at.insutype >= 0 {
		s.insutype = numberOf(m.get(d, at.insutype).text)
	}
	s.clrType = string(m.get(d, at.clrType).text)
	area := m.get(d, at.area).text
	if !isArea(area) {
		return s, badValue("data.setl_optins")
	}
	s.area = numberOf(area)
	s.refunds = string(m.get(d, at.refunds).text) != "0"
	begin, end := m.get(d, at.begin), m.get(d, at.end)
	s.fromDay, s.toDay = int32(begin.num), int32(end.num)
	s.fromMS = begin.num*dayMS - zoneMS + secondOf(begin.text)*1000
	s.toMS = end.num*dayMS - zoneMS + secondOf(end.text)*1000 + 999
	if secondOf(end.text) == 0 { // a date, or one that was written as a time of day
		s.toMS += dayMS - 1000
	}
	switch {
	case s.toMS < s.fromMS:
		return s, fault{code: codeBadValue, where: "data.stmt_enddate", label: "对账结束日期", text: "早于对账开始日期"}
	case s.toDay-s.fromDay >= statementDaysMax:
		return s, fault{code: codeBadValue, where: "data.stmt_enddate", label: "对账结束日期", text: "一次对账不能超过31天"}
	case int64(s.toDay) > dayOf(m.gotMS):
		return s, fault{code: codeBadValue, where: "data.stmt_enddate", label: "对账结束日期", text: "不能晚于今天"}
	}
	return s, fault{}
}

// secondOf is the second of the day of a text that parseMoment has read; of a date 0.
func secondOf(s []byte) int64 {
	if len(s) == len("2006-01-02") {
		return 0
	}
	h, _ := pair(s[11:])
	m, _ := pair(s[14:])
	sec, _ := pair(s[17:])
	return int64(h*3600 + m*60 + sec)
}

// stated is one row of ours that a statement is about: a settlement, or a refund as a negative row (R15). Amounts in fen, as the institution was told
// them: fund_pay_sumamt with account money in it where the settlement's answer had it there (R1).
type stated struct {
	settled         ledger.Position
	visited         ledger.Position // the opening of its visit; 0: a purchase
	patient         uint32
	infno           uint64 // of the settlement, as far as this face made it; 0: another one
	msgid           string
	refund          bool
	void            bool // counts nowhere (R15)
	undone          bool // a settlement with a refund, whenever that came
	fee, fund, acct int64
	cash            int64
}

// statement walks through the rows of a selection.
type statement struct {
	f         *face
	selection selection
	sequence  uint64
	open      bool           // a day of the range is not closed yet: it may still change (R15)
	originals *engine.Reader // of refunds: what their settlements' answers said
}

// walk runs a statement's work if not too many are under way.
func (f *face) walk(work func() fault) fault {
	defer f.walks.Add(-1)
	if f.walks.Add(1) > statementsMax {
		return fault{code: codeBusy}
	}
	return work()
}

// eachRow visits the rows of a selection, newest first, void ones too. They are those of one sequence, that of the question's beginning.
func (f *face) eachRow(w *statement, visit func(*stated) fault) fault {
	s := &w.selection
	if x := f.ask(func(v engine.View) {
		w.sequence, w.open = v.Sequence, s.toDay > v.State.Scalars.At(0).ClosedThrough
	}); x.bad() {
		return x
	}
	var err error
	if s.categories, err = f.clrTypes.List(); err != nil {
		return notAdmitted(err)
	}
	w.f, w.originals = f, f.engine.NewReader()
	q := engine.InstitutionQuery{Institution: s.place.number, From: s.fromDay, To: s.toDay, Sequence: w.sequence, Limit: engine.InstitutionRowsMax}
	for end := time.Now().Add(statementTime); ; {
		rows, err := f.engine.InstitutionRows(time.Until(end), q)
		if err != nil {
			return notAdmitted(err)
		}
		for i := range rows.Rows {
			r := &rows.Rows[i]
			if !s.has(r) {
				continue
			}
			row, x := w.row(r)
			if !x.bad() {
				x = visit(&row)
			}
			if x.bad() {
				return x
			}
		}
		if q.Next = rows.Next; q.Next == 0 {
			return fault{}
		}
		if !time.Now().Before(end) {
			return fault{code: codeTooMany, where: "data.stmt_enddate", text: "期间内结算过多，请缩短对账期间"}
		}
	}
}

// has tells whether a row is asked for. The settlement time is ours, never the till's (R16); clr_optins is the patient's area at that time.
func (s *selection) has(r *engine.InstitutionRow) bool {
	return r.TimeMS >= s.fromMS && r.TimeMS <= s.toMS && r.Area == s.area && (s.insutype == 0 || r.Insutype == s.insutype) && (s.refunds || r.Sign > 0) &&
		s.categories.Of(r.Settled, r.SettledMS, rest.BillKind{MedType: r.MedType, Insutype: r.Insutype, Place: s.place.kind}) == s.clrType // as its answer has it
}

func (w *statement) row(r *engine.InstitutionRow) (stated, fault) {
	sign := int64(r.Sign)
	acct := r.Own + r.Mulaid
	out := stated{settled: r.Settled, visited: r.Visit, patient: r.Patient, msgid: string(r.Details.Message), refund: sign < 0, void: r.Void, undone: r.UndoneBy != 0,
		fee: sign * r.Bill.Medfee, fund: sign * r.Bill.Fund, acct: sign * acct, cash: sign * r.Cash}
	if r.Void {
		return out, fault{}
	}
	entry := engine.Entry{Details: r.Details}
	if r.Position != r.Settled { // a cancel or a redo
		var err error
		if entry, err = w.originals.Entry(r.Settled); err != nil {
			return out, fault{code: codeUnavailable}
		}
	}
	k, _ := keptOf(&entry)
	if out.infno = k.infno; k.sumAll {
		out.fund += sign * acct
	}
	return out, fault{}
}
