package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	debitShape       = strictjson.MustShape("msgid psn_no amount reason business_date opter reviewer")
	debitReasonNames = [...]string{"correction", "estate", "transfer_out", "cash_out"} // the number is the index + 1 and part of the log
	debitReasonEnum  = strictjson.MustEnum(debitReasonNames[:]...)
)

// operatorKey is the ledger's name for an operator.
func operatorKey(name []byte) ledger.Key { return ledger.K([]byte("operator"), name) }

// accountDebit is POST /v1/account-debits (R26): money leaves an account outside settlements, asked by one operator and reviewed by another.
func (f *face) accountDebit(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var msgid, psnNo, first, second []byte
	var reason int
	var date strictjson.Date
	w := f.take()
	w.begin(ledger.KindAccountDebit)
	for d.Object(debitShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			msgid = d.Token(msgidMax)
		case "psn_no":
			psnNo = d.Token(psnNoMax)
		case "amount":
			w.cmd.Amount = positive(d)
		case "reason":
			reason = d.Enum(debitReasonEnum)
		case "business_date":
			date = d.Date()
		case "opter":
			first = d.Token(opterMax)
		case "reviewer":
			second = d.Token(opterMax)
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	w.cmd.ID = ledger.K(callerBureau, msgid)
	w.cmd.Person, w.cmd.Source = ledger.K(psnNo), uint8(reason+1)
	w.cmd.Other, w.cmd.Second = operatorKey(first), operatorKey(second)
	w.details.Message, w.details.Caller, w.details.BusinessDate = msgid, callerBureau, int32(date.Days())
	w.blob.Begin()
	w.blob.Bytes("opter", first)
	w.blob.Bytes("reviewer", second)
	w.blob.End()
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
	a.String("reason", debitReasonNames[reason])
	a.Date("business_date", date)
	a.Time("entry_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}
