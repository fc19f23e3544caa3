package rest

import (
	"bytes"
	"slices"
	"strconv"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/money"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

var statementShape = strictjson.MustShape("msgid? setl_id? refd_setl_flag? infno? mdtrt_id? psn_no? medfee_sumamt fund_pay_sumamt acct_pay acct_mulaid_pay? psn_cash_pay?")

const (
	// statementLinesMax of a reconciliation: the largest hospitals send some 20,000 bills a day (TombstonesMaxDefault), and refunds come beside them.
	statementLinesMax = 24_000
	// statementBodyMax is room for as many lines with the fields of a national file (3202: some 160 bytes as JSON).
	statementBodyMax = 4 << 20
	// statementOursMax bounds our rows in the range asked for: with more than twice as many as the other side can send there is nothing to compare.
	statementOursMax = 2 * statementLinesMax
	// statementTold bounds each list of an answer; the counts are whole.
	statementTold = 1_000
)

// statementLine is a line of the institution's own. Its texts lie in the request body.
type statementLine struct {
	infno, mdtrtID []byte
}

// houseStatement are an institution's lines: for reconcile, and what is only told back.
type houseStatement struct {
	lines []reconcile.Line
	more  []statementLine
}

// reconcile is POST /v1/institutions/{code}/reconciliation?from=&to=: the institution's own lines of these days, refunds as negative lines, compared with
// ours as GET …/settlements tells them. It changes nothing.
func (f *face) reconcile(c *api.Call) {
	values, x := readQuery(c, "from", "to")
	var from, to int32
	if !x.bad() {
		from, to, x = readRange(values[0], values[1])
	}
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	body, ok := c.Body()
	if !ok {
		return
	}
	var theirs houseStatement
	if x := theirs.read(c.Decoder(), body); x.bad() {
		c.Fail(x.problem())
		return
	}
	h, ok := f.askHouse(c)
	if !ok {
		return
	}
	w := rowWalk{house: &h, from: from, to: to}
	ours, rows, p := f.ourLines(&w)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	found := reconcile.Compare(ours, theirs.lines)
	fates, p := f.fatesOf(&w, theirs.lines, found.TheirsOnly[:min(len(found.TheirsOnly), statementTold)])
	if p.Code != "" {
		c.Fail(p)
		return
	}
	a := &c.Out
	a.Begin()
	a.Bytes("fixmedins_code", h.code.Bytes())
	a.Date("from", dateOf(from))
	a.Date("to", dateOf(to))
	a.Bool("level", found.Level())
	appendSide(a, "ours", ours)
	appendSide(a, "theirs", theirs.lines)
	if p := f.appendOursOnly(a, rows, found.OursOnly); p.Code != "" {
		c.Fail(p)
		return
	}
	theirs.appendOnly(a, found.TheirsOnly, fates)
	theirs.appendDifferent(a, ours, found.Different)
	h.appendDays(a, from, to)
	a.Uint("sequence", h.sequence)
	a.End()
	auditRows(c, &h)
	c.OK(200)
}

// ourLines are the rows asked for, twice: as they are compared and as they are told.
func (f *face) ourLines(w *rowWalk) (lines []reconcile.Line, rows []instRow, p api.Problem) {
	p = f.eachRow(w, func(r *instRow) api.Problem {
		if len(lines) == statementOursMax {
			return fault{api.CodeTooMany, "to"}.problem()
		}
		lines, rows = append(lines, r.line), append(rows, *r)
		return api.Problem{}
	})
	return lines, rows, p
}

// read reads the lines; the first bad one refuses all.
func (s *houseStatement) read(d *strictjson.Decoder, body []byte) fault {
	body = bytes.TrimSuffix(body, []byte{'\n'})
	n := 0
	if len(body) > 0 {
		n = bytes.Count(body, []byte{'\n'}) + 1
	}
	if n > statementLinesMax {
		return fault{api.CodeTooMany, "lines"}
	}
	s.lines, s.more = make([]reconcile.Line, n), make([]statementLine, n)
	for i := range s.lines {
		var text []byte
		text, body, _ = bytes.Cut(body, []byte{'\n'})
		d.Reset(text)
		if x := s.more[i].decode(d, &s.lines[i]); x.bad() {
			x.field = "lines[" + strconv.Itoa(i+1) + "]." + x.field
			return x
		}
	}
	return fault{}
}

func (m *statementLine) decode(d *strictjson.Decoder, l *reconcile.Line) fault {
	settlement := []byte(nil)
	for d.Object(statementShape); d.Next(); {
		switch name := d.Field(); name {
		case "msgid":
			l.Message = string(d.Token(msgidMax))
		case "setl_id":
			settlement = d.Token(ids.Len)
		case "refd_setl_flag":
			l.Refund = d.Enum(flagEnum) == 1
		case "infno":
			m.infno = d.Token(infnoMax)
		case "mdtrt_id":
			m.mdtrtID = d.Token(msgidMax)
		case "psn_no":
			d.Token(psnNoMax)
		default:
			l.Tell(reconcile.Figure(slices.Index(figureNames[:], name)), signedAmount(d))
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		return x
	}
	if settlement != nil {
		at, err := ids.ParseSettlement(settlement)
		if l.Settlement = ledger.Position(at); err != nil || at == 0 {
			return badValue("setl_id")
		}
	}
	if l.Message == "" && l.Settlement == 0 {
		return fault{api.CodeMissingField, "msgid"}
	}
	for i, fen := range l.Figures {
		if l.Refund && fen > 0 || !l.Refund && fen < 0 {
			return badValue(figureNames[i])
		}
	}
	return fault{}
}

// infnoMax: numbers of transactions have four digits, and some regions a letter.
const infnoMax = 6

// signedAmount reads an amount that may be below 0, as a refund's is in lists.
func signedAmount(d *strictjson.Decoder) int64 {
	s := d.Token(money.DigitsMax + len("-.00"))
	if d.Err() != nil {
		return 0
	}
	text, negative := bytes.CutPrefix(s, []byte{'-'})
	fen, err := money.Parse(text)
	if err != nil || negative && fen == 0 {
		d.Refuse(strictjson.CodeBadValue)
		return 0
	}
	if negative {
		return -fen
	}
	return fen
}

// appendSide writes count and sums of one side, of what it tells.
func appendSide(a *strictjson.Appender, name string, lines []reconcile.Line) {
	total := sums{count: int64(len(lines))}
	for i := range lines {
		for f, fen := range lines[i].Figures {
			total.figures[f] += fen
		}
	}
	a.BeginKey(name)
	total.append(a)
	a.End()
}

func (f *face) appendOursOnly(a *strictjson.Appender, rows []instRow, only []int) api.Problem {
	a.Int("ours_only_count", int64(len(only)))
	a.ArrayKey("ours_only")
	for _, i := range only[:min(len(only), statementTold)] {
		if p := f.appendRow(a, &rows[i]); p.Code != "" {
			return p
		}
	}
	a.EndArray()
	return api.Problem{}
}

func (s *houseStatement) appendOnly(a *strictjson.Appender, only []int, fates []string) {
	a.Int("theirs_only_count", int64(len(only)))
	a.ArrayKey("theirs_only")
	for n, fate := range fates {
		i := only[n]
		a.Begin()
		s.appendNames(a, i)
		for f, name := range figureNames {
			if l := &s.lines[i]; l.Has(reconcile.Figure(f)) {
				a.Amount(name, l.Figures[f])
			}
		}
		a.String("fate", fate)
		a.End()
	}
	a.EndArray()
}

// appendNames writes how the institution named a line.
func (s *houseStatement) appendNames(a *strictjson.Appender, i int) {
	l, m := &s.lines[i], &s.more[i]
	a.Int("line", int64(i+1))
	if m.infno != nil {
		a.Bytes("infno", m.infno)
	}
	if l.Message != "" {
		a.String("msgid", l.Message)
	}
	if l.Settlement != 0 {
		a.String("setl_id", idText(ids.Settlement, uint64(l.Settlement)))
	}
	if m.mdtrtID != nil {
		a.Bytes("mdtrt_id", m.mdtrtID)
	}
	a.String("refd_setl_flag", refundFlag(l.Refund))
}

// appendDifferent writes, line by line, the fields that are not the same, with what each side says.
func (s *houseStatement) appendDifferent(a *strictjson.Appender, ours []reconcile.Line, different []reconcile.Match) {
	a.Int("different_count", int64(len(different)))
	a.ArrayKey("different")
	for i := range different[:min(len(different), statementTold)] {
		m := &different[i]
		o, t := &ours[m.Ours], &s.lines[m.Theirs]
		a.Begin()
		s.appendNames(a, m.Theirs)
		a.ArrayKey("fields")
		both := func(field, ours, theirs string) {
			a.Begin()
			a.String("field", field)
			a.String("ours", ours)
			a.String("theirs", theirs)
			a.End()
		}
		if m.Message {
			both("msgid", o.Message, t.Message)
		}
		if m.Settlement {
			both("setl_id", idText(ids.Settlement, uint64(o.Settlement)), idText(ids.Settlement, uint64(t.Settlement)))
		}
		if m.Refund {
			both("refd_setl_flag", refundFlag(o.Refund), refundFlag(t.Refund))
		}
		for f, name := range figureNames {
			if m.Figures&(1<<f) != 0 {
				both(name, money.Text(o.Figures[f]), money.Text(t.Figures[f]))
			}
		}
		a.EndArray()
		a.End()
	}
	a.EndArray()
}
