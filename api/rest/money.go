package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	creditShape   = strictjson.MustShape("msgid psn_no amount source business_date")
	runShape      = strictjson.MustShape("run_id source period count amount")
	runLineShape  = strictjson.MustShape("msgid psn_no amount")
	runCloseShape = strictjson.MustShape("msgid?")
)

// countMax of a run: every person once.
const countMax = ledger.PersonsMax

// credit is POST /v1/credits: one credit outside a run, with no period.
func (f *face) credit(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var msgid, psnNo []byte
	var source int
	var date strictjson.Date
	w := f.take()
	w.begin(ledger.KindCredit)
	for d.Object(creditShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			msgid = d.Token(msgidMax)
		case "psn_no":
			psnNo = d.Token(psnNoMax)
		case "amount":
			w.cmd.Amount = positive(d)
		case "source":
			source = d.Enum(sourceEnum)
		case "business_date":
			date = d.Date()
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	w.cmd.ID = ledger.K(callerBureau, msgid)
	w.cmd.Person = ledger.K(psnNo)
	w.cmd.Source = uint8(source + 1)
	w.details.Message, w.details.Caller, w.details.BusinessDate = msgid, callerBureau, int32(date.Days())
	amount := w.cmd.Amount
	w.add()
	out, ok := f.accepted(c, w, sequencer.Till)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.String("entry_id", idText(ids.Entry, uint64(out.position)))
	a.Bytes("psn_no", psnNo)
	a.Amount("amount", amount)
	a.String("source", sourceNames[source])
	a.Date("business_date", date)
	a.Time("entry_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

func runKey(id []byte) ledger.Key { return ledger.K([]byte("run"), id) }

// openRun is POST /v1/credit-runs (R26). It has no message id: a second run of the same run_id is run_exists.
func (f *face) openRun(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var id []byte
	w := f.take()
	w.begin(ledger.KindRunOpen)
	for d.Object(runShape); d.Next(); {
		switch d.Field() {
		case "run_id":
			if id = d.Token(runIDMax); !pathText(id) { // it stands in a path from now on
				d.Refuse(strictjson.CodeBadValue)
			}
		case "source":
			w.cmd.Source = uint8(d.Enum(sourceEnum) + 1)
		case "period":
			w.cmd.Period = period(d)
		case "count":
			w.cmd.Count = d.Int(0, countMax)
		case "amount":
			w.cmd.Amount = d.Amount()
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	w.cmd.Other = runKey(id)
	w.details.Text, w.details.Caller = id, callerBureau
	w.add()
	if out, ok := f.accepted(c, w, sequencer.Structural); ok {
		f.answerRun(c, id, &out)
	}
}

// pathText reports whether a text can stand in a path: the characters that the router lets through.
func pathText(s []byte) bool {
	for _, b := range s {
		switch {
		case b >= '0' && b <= '9', b|0x20 >= 'a' && b|0x20 <= 'z':
		case b == '-', b == '_', b == '.', b == '~', b == '*', b == '$', b == '=':
		default:
			return false
		}
	}
	return true
}

// closeRun is POST /v1/credit-runs/{run_id}/close: refused unless count and sum are as announced.
func (f *face) closeRun(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var msgid []byte
	for d.Object(runCloseShape); d.Next(); {
		msgid = d.Token(msgidMax)
	}
	if x := faultOf(d.Done()); x.bad() {
		c.Fail(x.problem())
		return
	}
	id := c.Param(0)
	w := f.take()
	w.begin(ledger.KindRunClose)
	if msgid != nil {
		w.cmd.ID = ledger.K(callerBureau, msgid)
	}
	w.cmd.Other = runKey(id)
	w.details.Message, w.details.Caller = msgid, callerBureau
	w.add()
	if out, ok := f.accepted(c, w, sequencer.Structural); ok {
		f.answerRun(c, id, &out)
	}
}

func (f *face) answerRun(c *api.Call, id []byte, out *decided) {
	c.Out.Begin()
	if p := f.appendRun(&c.Out, id); p.Code != "" {
		c.Fail(unknownOutcome()) // decided, but it cannot be told what
		return
	}
	c.Out.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// appendRun writes a run as it stands.
func (f *face) appendRun(a *strictjson.Appender, id []byte) api.Problem {
	var run ledger.Run
	var found bool
	var sequence uint64
	p := f.ask(func(v engine.View) {
		var n uint32
		sequence = v.Sequence
		if n, found = v.State.FindRun(runKey(id)); found {
			run = *v.State.Runs.At(n)
		}
	})
	switch {
	case p.Code != "":
		return p
	case !found:
		return notFound("run_id")
	}
	state := "open"
	if run.Closed != 0 {
		state = "closed"
	}
	var code [10]byte
	a.Bytes("run_id", id)
	a.String("state", state)
	if n := int(run.Source); n <= len(sourceNames) {
		a.String("source", sourceNames[n-1])
	}
	a.Bytes("period", codeText(code[:0], run.Period))
	a.Int("count", run.Count)
	a.Amount("amount", run.Amount)
	a.Int("count_done", run.CountDone)
	a.Amount("amount_done", run.AmountDone)
	a.Uint("sequence", sequence)
	return api.Problem{}
}

// runCredits is POST /v1/credit-runs/{run_id}/lines: a stream of credits. Source and period are the run's.
func (f *face) runCredits(c *api.Call) {
	id := append([]byte(nil), c.Param(0)...)
	var probe strictjson.Appender
	probe.Begin()
	if p := f.appendRun(&probe, id); p.Code != "" {
		c.CloseConnection() // its body is not read
		c.Fail(p)
		return
	}
	l := f.newLoader(ledger.KindCredit)
	l.read = func(d *strictjson.Decoder, _ int) fault { return readRunLine(l.w, d, runKey(id)) }
	if p := l.run(c.Stream()); p.Code != "" {
		c.Fail(p)
		return
	}
	a := &c.Out
	a.Begin()
	l.append(a)
	a.BeginKey("run")
	if p := f.appendRun(a, id); p.Code != "" {
		c.Fail(p)
		return
	}
	a.End()
	a.End()
	c.OK(200)
}

func readRunLine(w *work, d *strictjson.Decoder, run ledger.Key) fault {
	w.begin(ledger.KindCredit)
	var msgid []byte
	for d.Object(runLineShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			msgid = d.Token(msgidMax)
		case "psn_no":
			w.cmd.Person = ledger.K(d.Token(psnNoMax))
		case "amount":
			w.cmd.Amount = positive(d)
		}
	}
	if err := d.Done(); err != nil {
		return faultOf(err)
	}
	w.cmd.ID, w.cmd.Other = ledger.K(callerBureau, msgid), run
	w.cmd.Source = 1 // the ledger takes the run's; it looks at this one's range first
	w.details.Message, w.details.Caller = msgid, callerBureau
	return fault{}
}
