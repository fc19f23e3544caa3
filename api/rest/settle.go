package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// settle is POST /v1/settlements, the hot path: one read, one submit, one wait, one answer.
func (f *face) settle(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	w := f.take()
	if x := f.readSettlement(w, d, settlementShape); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	if ok, after := f.allow(&w.cmd.Institution); !ok {
		f.give(w)
		c.Fail(api.Problem{Code: api.CodeRateLimited, RetryAfter: after})
		return
	}
	kind, p := f.kindOf(w)
	if p.Code != "" {
		f.give(w)
		c.Fail(p)
		return
	}
	w.add()
	out, p := f.run(w, sequencer.Till)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	f.give(w)
	if out.effect.Outcome != ledger.Accepted {
		f.failSettlement(c, &out)
		return
	}
	clr, p := f.clrType(out.position, out.timeMS, kind)
	if p.Code != "" {
		c.Fail(unknownOutcome()) // settled, but the policies cannot be read: the till asks again
		return
	}
	c.Out.Begin()
	appendSettled(&c.Out, &out, clr)
	c.Out.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// kindOf is what the clearing category of w's bill will be found by.
func (f *face) kindOf(w *work) (BillKind, api.Problem) {
	place, p := f.placeOf(w.cmd.Institution)
	return BillKind{w.details.MedType, w.details.Insutype, place}, p
}

// appendSettled writes the answer to a settlement (api.md).
func appendSettled(a *strictjson.Appender, out *decided, clr string) {
	e := &out.effect
	var id [ids.Len]byte
	a.Bytes("setl_id", ids.AppendSettlement(id[:0], uint64(out.position)))
	appendFigures(a, e)
	a.Amount("balc", e.Balc)
	a.String("clr_type", clr)
	a.Time("setl_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
}

func appendFigures(a *strictjson.Appender, e *ledger.Effect) {
	a.Amount("psn_part_amt", e.AcctPay()+e.Cash)
	a.Amount("acct_pay", e.AcctPay())
	a.Amount("acct_mulaid_pay", e.Mulaid)
	a.Amount("psn_cash_pay", e.Cash)
}

// failSettlement answers a refusal; amount_changed carries the new figures (R4).
func (f *face) failSettlement(c *api.Call, out *decided) {
	p := refused(ledger.KindSettlement, out.effect.Outcome)
	if out.effect.Outcome != ledger.AmountChanged {
		fail(c, p, out.replayed)
		return
	}
	failWithFigures(c, &p, &out.effect)
	if out.replayed {
		c.Replayed()
	}
}

// failWithFigures is Call.Fail with the figures as further members (RFC 9457 3.2).
func failWithFigures(c *api.Call, p *api.Problem, e *ledger.Effect) {
	failWith(c, p, func(a *strictjson.Appender) { appendFigures(a, e) })
}

// failWith is Call.Fail with further members.
func failWith(c *api.Call, p *api.Problem, more func(*strictjson.Appender)) {
	a := &c.Out
	a.Reset()
	a.Begin()
	a.String("type", "urn:gongji:problem:"+string(p.Code))
	a.String("title", p.Title)
	a.Int("status", int64(p.Status))
	appendProblemTail(a, p)
	more(a)
	a.Bytes("trace_id", c.TraceID())
	a.End()
	c.Send(p.Status, "application/problem+json", a.B)
}

// preview is POST /v1/settlements/preview: what would be paid now. It changes and reserves nothing.
func (f *face) preview(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	w := f.take()
	defer f.give(w)
	if x := f.readSettlement(w, d, previewShape); x.bad() {
		c.Fail(x.problem())
		return
	}
	kind, p := f.kindOf(w)
	var e ledger.Effect
	var sequence uint64
	var ms int64
	var err error
	if p.Code == "" {
		p = f.ask(func(v engine.View) {
			sequence, ms = v.Sequence, v.TimeMS
			e, err = v.Preview(&w.cmd)
		})
	}
	var clr string
	if p.Code == "" {
		clr, p = f.clrType(NextPosition, ms, kind)
	}
	switch {
	case p.Code != "":
		c.Fail(p)
	case err != nil:
		c.Fail(api.Problem{Code: api.CodeUnavailable})
	case e.Outcome == ledger.Accepted:
		c.Out.Begin()
		appendFigures(&c.Out, &e)
		c.Out.Amount("balc", e.Balc)
		c.Out.String("clr_type", clr)
		c.Out.Uint("sequence", sequence)
		c.Out.End()
		c.OK(200)
	default:
		p = refused(ledger.KindSettlement, e.Outcome)
		p.IDUsed = api.IDFree // a preview has none
		if e.Outcome == ledger.AmountChanged {
			failWithFigures(c, &p, &e)
			return
		}
		c.Fail(p)
	}
}
