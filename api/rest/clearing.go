package rest

import (
	"errors"
	"strconv"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
	"gongji/engine/sequencer"
)

var clearingShape = strictjson.MustShape("msgid from to clr_type? amount")

// clearingFilter says which rows count (R16); "" is no bound.
type clearingFilter struct{ insutype, clr, area string }

func (x *clearingFilter) takes(r *instRow) bool {
	var code [10]byte
	return (x.insutype == "" || x.insutype == string(codeText(code[:0], r.kind.Insutype))) && (x.clr == "" || x.clr == r.clr) &&
		(x.area == "" || x.area == string(codeText(code[:0], r.area)))
}

// clearing is GET /v1/institutions/{code}/clearing?from=&to=&insutype=&clr_type=&clr_optins=: what an institution's days come to (R15, R16).
func (f *face) clearing(c *api.Call) {
	values, x := readQuery(c, "from", "to", "insutype", "clr_type", "clr_optins")
	var from, to int32
	if !x.bad() {
		from, to, x = readRange(values[0], values[1])
	}
	for i, name := range [...]string{"insutype", "clr_type", "clr_optins"} {
		if v := values[i+2]; !x.bad() && v != nil && !isCode(v) {
			x = badValue(name)
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
	given, back, p := f.clearingSums(&h, from, to, clearingFilter{string(values[2]), string(values[3]), string(values[4])})
	if p.Code != "" {
		c.Fail(p)
		return
	}
	net := given
	net.count += back.count
	for i := range net.figures {
		net.figures[i] += back.figures[i]
	}
	a := &c.Out
	a.Begin()
	a.Bytes("fixmedins_code", h.code.Bytes())
	a.Date("from", dateOf(from))
	a.Date("to", dateOf(to))
	given.append(a)
	a.BeginKey("refunds")
	back.append(a)
	a.End()
	a.BeginKey("net")
	net.append(a)
	a.End()
	h.appendDays(a, from, to)
	a.Uint("sequence", h.sequence)
	a.End()
	c.OK(200)
}

// isCode: a national code of a question, 2 to 6 digits.
func isCode(v []byte) bool {
	for _, ch := range v {
		if ch < '0' || ch > '9' {
			return false
		}
	}
	return len(v) >= 2 && len(v) <= 6
}

// clearingSums adds up the rows of some days: settlements and, apart and negative, refunds.
func (f *face) clearingSums(h *house, from, to int32, x clearingFilter) (given, back sums, p api.Problem) {
	w := rowWalk{house: h, from: from, to: to}
	p = f.eachRow(&w, func(r *instRow) api.Problem {
		switch {
		case !x.takes(r):
		case r.line.Refund:
			back.add(r)
		default:
			given.add(r)
		}
		return api.Problem{}
	})
	return given, back, p
}

// clearingIn are the fields of a clearing. msgid lies in the request body.
type clearingIn struct {
	msgid    []byte
	from, to int32
	clr      string // "": all
	clrCode  uint16
	amount   int64
}

func (in *clearingIn) decode(d *strictjson.Decoder) fault {
	for d.Object(clearingShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "from":
			in.from = day(d)
		case "to":
			in.to = day(d)
		case "clr_type":
			if in.clrCode = uint16(typeCodeMost(d, 2, 5, clrCodeMax)); in.clrCode == 0 {
				d.Refuse(strictjson.CodeBadValue) // to the ledger that is all categories, and the amount would be that of one
			}
			in.clr = string(codeText(nil, uint32(in.clrCode)))
		case "amount":
			in.amount = positive(d)
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		return x
	}
	if in.to < in.from || in.to-in.from >= clearingDaysMax {
		return badValue("to")
	}
	return fault{}
}

// clearingDaysMax of one clearing: ten years. What a quiet institution owes of refunds is netted by its next bill, whenever that is (R17), and a clearing
// over a month only could leave the refund in none. Rows bound the work and not days, and both are read before the log within rowsTime.
const clearingDaysMax = 3_660

// clrCodeMax is the largest clearing category that the ledger's command can hold; the nation's have at most four digits (nhsa-interface.md 1.11).
const clrCodeMax = 1<<16 - 1

// addClearing is POST /v1/institutions/{code}/clearings (R17): what these days come to is paid out. The days are closed and the amount is theirs: as closed days
// never change, both are looked at before the log. An id that the ledger knows goes there at once: it can only be repeated or refused.
func (f *face) addClearing(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in clearingIn
	if x := in.decode(d); x.bad() {
		c.Fail(x.problem())
		return
	}
	h, ok := f.askHouse(c)
	if !ok {
		return
	}
	id := ledger.K(callerBureau, in.msgid)
	known := false
	if p := f.ask(func(v engine.View) { _, known = v.FindID(id) }); p.Code != "" {
		c.Fail(p)
		return
	}
	if !known && !f.clearingFits(c, &h, &in) {
		return
	}
	w := f.take()
	w.begin(ledger.KindClearing)
	w.cmd.ID, w.cmd.Institution, w.cmd.Amount = id, h.code, in.amount
	w.more.Clearing = ledger.ClearingDays{From: in.from, To: in.to, ClrType: in.clrCode}
	w.details.Message, w.details.Caller = in.msgid, callerBureau
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	if !ok {
		return
	}
	row := ledger.Clearing{From: in.from, To: in.to, ClrType: in.clrCode, Amount: in.amount, At: out.position}
	a := &c.Out
	a.Begin()
	a.Bytes("fixmedins_code", h.code.Bytes())
	appendClearing(a, &row)
	a.Time("entry_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// clearingFits looks whether the days are closed and come to the amount; false: the call has been answered, the id is free.
func (f *face) clearingFits(c *api.Call, h *house, in *clearingIn) bool {
	if in.to > h.closedThrough {
		c.Fail(fault{CodeDayOpen, "to"}.problem())
		return false
	}
	given, back, p := f.clearingSums(h, in.from, in.to, clearingFilter{clr: in.clr})
	if p.Code != "" {
		c.Fail(p)
		return false
	}
	if figure := given.figures[reconcile.Acct] + back.figures[reconcile.Acct]; figure != in.amount {
		p := fault{CodeClearing, "amount"}.problem()
		failWith(c, &p, func(a *strictjson.Appender) { a.Amount("acct_pay", figure) })
		return false
	}
	return true
}

func appendClearing(a *strictjson.Appender, row *ledger.Clearing) {
	a.String("clearing_id", idText(ids.Entry, uint64(row.At)))
	a.Date("from", dateOf(row.From))
	a.Date("to", dateOf(row.To))
	if row.ClrType != 0 {
		var code [10]byte
		a.Bytes("clr_type", codeText(code[:0], uint32(row.ClrType)))
	}
	a.Amount("amount", row.Amount)
}

// clearingsPage is a page of the list.
const clearingsPage = 100

// clearings is GET /v1/institutions/{code}/clearings: what was paid out to an institution, newest first.
func (f *face) clearings(c *api.Call) {
	values, x := readQuery(c, "cursor")
	next := uint64(0)
	if v := values[0]; v != nil && !x.bad() {
		var err error
		if next, err = strconv.ParseUint(string(v), 10, 32); err != nil || next == 0 {
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
	rows, err := f.engine.InstitutionClearings(f.opt.Deadline, h.number, 0, uint32(next), clearingsPage)
	switch {
	case errors.Is(err, engine.ErrCursor):
		c.Fail(badValue("cursor").problem())
		return
	case err != nil:
		c.Fail(notAnswered(err))
		return
	}
	a := &c.Out
	a.Begin()
	a.Bytes("fixmedins_code", h.code.Bytes())
	a.ArrayKey("clearings")
	for i := range rows.List {
		a.Begin()
		appendClearing(a, &rows.List[i].Clearing)
		a.End()
	}
	a.EndArray()
	if rows.Next != 0 {
		a.String("cursor", strconv.FormatUint(uint64(rows.Next), 10))
	}
	if h.closedThrough != 0 {
		a.Date("closed_through", dateOf(h.closedThrough))
	}
	a.Uint("sequence", rows.Sequence)
	a.End()
	c.OK(200)
}
