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
	kind     BillKind
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

// readRange reads a first and a last day, both included and both needed: an institution's rows have no bound else.
func readRange(first, last []byte) (from, to int32, x fault) {
	if first == nil {
		return 0, 0, fault{api.CodeMissingField, "from"}
	}
	if last == nil {
		return 0, 0, fault{api.CodeMissingField, "to"}
	}
	from, ok := parseDay(first)
	if !ok {
		return 0, 0, badValue("from")
	}
	if to, ok = parseDay(last); !ok || to < from || to-from >= rangeDaysMax {
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

// listQuery is what is asked of a day: all, or the rows of an operator.
type listQuery struct {
	day   int32
	opter []byte // nil: all
	after rowCursor
}

func readList(c *api.Call) (q listQuery, x fault) {
	values, x := readQuery(c, "date", "opter", "cursor")
	if x.bad() {
		return q, x
	}
	if values[0] == nil {
		return q, fault{api.CodeMissingField, "date"}
	}
	ok := true
	if q.day, ok = parseDay(values[0]); !ok {
		return q, badValue("date")
	}
	if q.opter = values[1]; q.opter != nil && (len(q.opter) == 0 || len(q.opter) > opterMax) {
		return q, badValue("opter")
	}
	if values[2] != nil {
		if q.after, ok = parseRowCursor(values[2]); !ok {
			return q, badValue("cursor")
		}
	}
	return q, fault{}
}

// institutionSettlements is GET /v1/institutions/{code}/settlements?date=&opter=&cursor=: the day's list, or that of a shift's operator, newest first.
func (f *face) institutionSettlements(c *api.Call) {
	q, x := readList(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	h, ok := f.askHouse(c)
	if !ok {
		return
	}
	w := rowWalk{house: &h, from: q.day, to: q.day, cursor: q.after, pages: 1}
	a := &c.Out
	a.Begin()
	a.Bytes("fixmedins_code", h.code.Bytes())
	a.Date("date", dateOf(q.day))
	a.Bool("closed", q.day <= h.closedThrough)
	a.ArrayKey("settlements")
	p := f.eachRow(&w, func(r *instRow) api.Problem {
		if q.opter != nil && r.opter != string(q.opter) {
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
	a.Bytes("med_type", codeText(code[:0], r.kind.MedType))
	a.Bytes("insutype", codeText(code[:0], r.kind.Insutype))
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
