package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

const (
	// rangeDaysMax of one question: a month, which is what statements are made of (nhsa-interface.md 1.13).
	rangeDaysMax = 31
	// rowsTime is how long a question may read rows: as ledger totals.
	rowsTime = totalsDeadline
	// rowsWalksMax bounds questions that read rows at a time: each holds a batch of log and journal (as resultsMax), a reconciliation its lines too.
	rowsWalksMax = 4
)

// house is an institution at a sequence.
type house struct {
	number        uint32
	code          ledger.Code
	place         uint8
	sequence      uint64
	closedThrough int32 // ledger days up to it are closed (R15)
}

// instRow is one row of an institution's days: a settlement, or what undid one as a negative row (R15). Pairs that are void are no rows.
type instRow struct {
	line     reconcile.Line // fen, of a refund not above 0
	hospPart int64          // fen, likewise
	position ledger.Position
	timeMS   int64
	opter    string
	kind     billKind
	clr      string // clearing category, of a refund that of its settlement (R16)
	area     uint32 // clr_optins
	patient  uint32
	cleared  bool
}

// sums of rows, in fen.
type sums struct {
	count   int64
	figures [reconcile.Figures]int64
}

func (s *sums) add(r *instRow) {
	s.count++
	for i, fen := range r.line.Figures {
		s.figures[i] += fen
	}
}

func (s *sums) append(a *strictjson.Appender) {
	a.Int("count", s.count)
	for i, name := range figureNames {
		a.Amount(name, s.figures[i])
	}
}

// figureNames are the fields of reconcile's figures.
var figureNames = [reconcile.Figures]string{"medfee_sumamt", "fund_pay_sumamt", "acct_pay", "acct_mulaid_pay", "psn_cash_pay"}

// askHouse finds the institution of the path for one who may see its bills; false: the call has been answered.
func (f *face) askHouse(c *api.Call) (h house, ok bool) {
	if !viewerOf(c, viewInstitution).may(seeSettlement) || len(c.Param(0)) > codeMax {
		c.Fail(notFound("fixmedins_code"))
		return h, false
	}
	h.code = ledger.NewCode(c.Param(0))
	found := false
	if p := f.ask(func(v engine.View) { found = h.read(v) }); p.Code != "" {
		c.Fail(p)
		return h, false
	}
	if !found {
		c.Fail(notFound("fixmedins_code"))
	}
	return h, found
}

// read finds the institution; false: there is none.
func (h *house) read(v engine.View) bool {
	n, found := v.State.FindInstitution(&h.code)
	if found {
		h.number, h.place, h.sequence, h.closedThrough = n, v.State.Institutions.At(n).Type, v.Sequence, v.State.Scalars.At(0).ClosedThrough
	}
	return found
}

// auditRows notes that the bureau has looked at an institution's bills one by one (R28).
func auditRows(c *api.Call, h *house) {
	if viewerOf(c, viewInstitution).may(seePayers) {
		c.FullView(string(h.code.Bytes()))
	}
}

// readRange checks a first and a last day, both needed.
func readRange(first, last []byte) (from, to int32, x fault) {
	for i, v := range [...][]byte{first, last} {
		name := [...]string{"from", "to"}[i]
		if v == nil {
			return 0, 0, fault{api.CodeMissingField, name}
		}
		day, ok := parseDay(v)
		if !ok {
			return 0, 0, badValue(name)
		}
		if from, to = to, day; i == 0 {
			from = day
		}
	}
	if to < from || to-from >= rangeDaysMax {
		return 0, 0, badValue("to")
	}
	return from, to, fault{}
}

// appendDays tells of each day whether it is closed.
func (h *house) appendDays(a *strictjson.Appender, from, to int32) {
	a.ArrayKey("days")
	for day := from; day <= to; day++ {
		a.Begin()
		a.Date("date", dateOf(day))
		a.Bool("closed", day <= h.closedThrough)
		a.End()
	}
	a.EndArray()
}

// institutionSettlements is GET /v1/institutions/{code}/settlements?date=&opter=&cursor=: the day's list, or that of a shift's operator, newest first.
func (f *face) institutionSettlements(c *api.Call) {
	values, x := readQuery(c, "date", "opter", "cursor")
	day, ok := parseDay(values[0])
	var after rowCursor
	switch {
	case x.bad():
	case values[0] == nil:
		x = fault{api.CodeMissingField, "date"}
	case !ok:
		x = badValue("date")
	case values[1] != nil && (len(values[1]) == 0 || len(values[1]) > opterMax):
		x = badValue("opter")
	case values[2] != nil:
		if after, ok = parseRowCursor(values[2]); !ok {
			x = badValue("cursor")
		}
	}
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	h, ok := f.askHouse(c)
	if !ok {
		return
	}
	w := rowWalk{house: &h, from: day, to: day, cursor: after, pages: 1}
	a := &c.Out
	a.Begin()
	a.Bytes("fixmedins_code", h.code.Bytes())
	a.Date("date", dateOf(day))
	a.Bool("closed", day <= h.closedThrough)
	a.ArrayKey("settlements")
	p := f.eachRow(&w, func(r *instRow) api.Problem {
		if values[1] != nil && r.opter != string(values[1]) {
			return api.Problem{}
		}
		return f.appendRow(a, r)
	})
	if p.Code != "" {
		c.Fail(p)
		return
	}
	a.EndArray()
	if w.cursor.next != 0 {
		a.String("cursor", w.cursor.text())
	}
	a.Uint("sequence", w.cursor.sequence)
	a.End()
	auditRows(c, &h)
	c.OK(200)
}

// appendRow writes a row as its institution may see it: sums of its own bill, nobody who paid (R28).
func (f *face) appendRow(a *strictjson.Appender, r *instRow) api.Problem {
	person, err := f.record(r.patient)
	if err != nil {
		return api.Problem{Code: api.CodeUnavailable}
	}
	var code [10]byte
	a.Begin()
	a.String("setl_id", idText(ids.Settlement, uint64(r.line.Settlement)))
	if r.line.Refund {
		a.String("reversal_id", idText(ids.Reversal, uint64(r.position)))
	}
	a.String("refd_setl_flag", refundFlag(r.line.Refund))
	a.String("msgid", r.line.Message)
	a.Bytes("psn_no", person.PsnNo)
	a.Bytes("med_type", codeText(code[:0], r.kind.medType))
	a.Bytes("insutype", codeText(code[:0], r.kind.insutype))
	a.String("clr_type", r.clr)
	a.Bytes("clr_optins", codeText(code[:0], r.area))
	for i, name := range figureNames {
		a.Amount(name, r.line.Figures[i])
	}
	a.Amount("hosp_part_amt", r.hospPart)
	if r.opter != "" {
		a.String("opter", r.opter)
	}
	a.Time("setl_time", r.timeMS)
	a.Bool("cleared", r.cleared)
	a.End()
	return api.Problem{}
}

func refundFlag(refund bool) string {
	if refund {
		return "1"
	}
	return "0"
}
