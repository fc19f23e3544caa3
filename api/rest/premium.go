package rest

import (
	"errors"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	premiumShape = strictjson.MustShape("msgid channel payer_psn_no insured_psn_no premium_type year amount tax_order_no")
	refundShape  = strictjson.MustShape("msgid channel payer_psn_no reason")
	premiumTypes = [...]string{"resident", "similar"} // the number is the index + 1 and part of the log
	premiumEnum  = strictjson.MustEnum(premiumTypes[:]...)
)

// States of a premium.
const (
	statePaid     = "paid"
	stateRefunded = "refunded"
)

// premiumIn are the fields of both calls. Its slices lie in the request body.
type premiumIn struct {
	msgid, payer, insured, taxOrder, reason []byte

	channel, sort int // indexes in channelEnum and premiumEnum
	year          uint32
	amount        int64
}

func (in *premiumIn) decode(d *strictjson.Decoder, shape *strictjson.Shape) fault {
	for d.Object(shape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "channel":
			in.channel = d.Enum(channelEnum)
		case "payer_psn_no":
			in.payer = d.Token(psnNoMax)
		case "insured_psn_no":
			in.insured = d.Token(psnNoMax)
		case "premium_type":
			in.sort = d.Enum(premiumEnum)
		case "year":
			in.year = typeCode(d, 4, 4)
		case "amount":
			in.amount = positive(d)
		case "tax_order_no":
			in.taxOrder = d.Token(command.TaxOrderMax)
		case "reason":
			in.reason = text(d, reasonMax)
		}
	}
	return faultOf(d.Done())
}

// command fills in what both calls share.
func (in *premiumIn) command(w *work, kind ledger.Kind) {
	w.begin(kind)
	caller := []byte(channelNames[in.channel])
	w.cmd.ID, w.cmd.Person = ledger.K(caller, in.msgid), ledger.K(in.payer)
	w.details.Message, w.details.Caller = in.msgid, caller
}

// payPremium is POST /v1/premiums (R25, M6, M7).
func (f *face) payPremium(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in premiumIn
	if x := in.decode(d, premiumShape); x.bad() {
		c.Fail(x.problem())
		return
	}
	w := f.take()
	in.command(w, ledger.KindPremium)
	w.cmd.Other, w.cmd.Source, w.cmd.Period, w.cmd.Amount = ledger.K(in.insured), uint8(in.sort+1), in.year, in.amount
	w.details.Text = in.taxOrder
	w.add()
	out, ok := f.accepted(c, w, sequencer.Till)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.String("premium_id", idText(ids.Premium, uint64(out.position)))
	a.String("state", statePaid)
	appendPremium(a, in.payer, in.insured, in.sort, in.year, in.amount, in.taxOrder)
	a.Time("premium_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

func appendPremium(a *strictjson.Appender, payer, insured []byte, sort int, year uint32, amount int64, taxOrder []byte) {
	var code [10]byte
	a.Bytes("payer_psn_no", payer)
	a.Bytes("insured_psn_no", insured)
	a.String("premium_type", premiumTypes[sort])
	a.Bytes("year", codeText(code[:0], year))
	a.Amount("amount", amount)
	a.Bytes("tax_order_no", taxOrder)
}

// premiumMax is the last position the log's format can name; none is that high.
const premiumMax = 1 << 63

// refundPremium is POST /v1/premiums/{id}/refund: to the account that paid, once, also after unbinding (R25).
func (f *face) refundPremium(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in premiumIn
	if x := in.decode(d, refundShape); x.bad() {
		c.Fail(x.problem())
		return
	}
	at, err := ids.ParsePremium(c.Param(0))
	if err != nil || at > premiumMax {
		c.Fail(notFound("id"))
		return
	}
	w := f.take()
	in.command(w, ledger.KindPremiumRefund)
	w.cmd.Settlement = ledger.Position(at)
	w.blob.Begin()
	w.blob.Bytes("reason", in.reason)
	w.blob.End()
	w.add()
	out, ok := f.accepted(c, w, sequencer.Till)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.String("entry_id", idText(ids.Entry, uint64(out.position)))
	a.String("premium_id", idText(ids.Premium, at))
	a.String("state", stateRefunded)
	a.Bytes("payer_psn_no", in.payer)
	a.Amount("amount", out.effect.Funding)
	a.Time("refund_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// getPremium is GET /v1/premiums/{id}.
func (f *face) getPremium(c *api.Call) {
	at, err := ids.ParsePremium(c.Param(0))
	if err != nil {
		c.Fail(notFound("id"))
		return
	}
	p := premiumAt{at: ledger.Position(at)}
	var sequence uint64
	if problem := f.ask(func(v engine.View) { sequence = v.Sequence; p.look(v) }); problem.Code != "" {
		c.Fail(problem)
		return
	}
	c.Out.Begin()
	switch err := f.appendPremiumAt(&c.Out, &p); {
	case errors.Is(err, engine.ErrNoCommand):
		c.Fail(notFound("id"))
		return
	case err != nil:
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	c.Out.Uint("sequence_asked", sequence)
	c.Out.End()
	c.OK(200)
}

// premiumAt is a premium and what became of it.
type premiumAt struct{ at, refund ledger.Position }

// look finds the refund. Executor's goroutine.
func (p *premiumAt) look(v engine.View) {
	if e, found := v.FindID(ledger.RefundKey(p.at)); found {
		p.refund = e.Position
	}
}

// appendPremiumAt writes a premium as it was sent and what became of it. engine.ErrNoCommand: there is no such premium.
func (f *face) appendPremiumAt(a *strictjson.Appender, p *premiumAt) error {
	entry, err := f.engine.Entry(p.at)
	if err != nil {
		return err
	}
	if entry.Effect.Kind != ledger.KindPremium || entry.Effect.Outcome != ledger.Accepted {
		return engine.ErrNoCommand
	}
	payer, err := f.record(entry.Legs[0].Account.Number())
	if err != nil {
		return err
	}
	insured, err := f.record(entry.Effect.Patient)
	if err != nil {
		return err
	}
	state := statePaid
	if p.refund != 0 {
		state = stateRefunded
	}
	cmd := &entry.Command
	a.String("premium_id", idText(ids.Premium, uint64(p.at)))
	a.String("state", state)
	appendPremium(a, payer.PsnNo, insured.PsnNo, int(cmd.Source-1), cmd.Period, cmd.Amount, entry.Details.Text)
	a.Time("premium_time", entry.TimeMS)
	a.Uint("sequence", p.at.Sequence())
	if p.refund != 0 {
		a.BeginKey("refund")
		a.String("entry_id", idText(ids.Entry, uint64(p.refund)))
		a.Uint("sequence", p.refund.Sequence())
		a.End()
	}
	return nil
}

// personPremiums is GET /v1/persons/{psn_no}/premiums?year=: what others paid for a person's insurance of a year, refunded ones too. The insured has no
// posting of it: his part of a premium is not money.
func (f *face) personPremiums(c *api.Call) {
	psnNo, ok := pathPerson(c)
	if !ok {
		c.Fail(notFound("psn_no"))
		return
	}
	year, x := readYear(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	var list []premiumAt
	var sequence uint64
	var found bool
	if p := f.ask(func(v engine.View) {
		var n uint32
		sequence = v.Sequence
		if n, found = v.State.FindPerson(ledger.K(psnNo)); found {
			list = premiumsOf(v, n, year)
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("psn_no"))
		return
	}
	a := &c.Out
	a.Begin()
	a.ArrayKey("premiums")
	for i := range list {
		a.Begin()
		if err := f.appendPremiumAt(a, &list[i]); err != nil {
			c.Fail(api.Problem{Code: api.CodeUnavailable})
			return
		}
		a.End()
	}
	a.EndArray()
	a.Uint("sequence", sequence)
	a.End()
	c.OK(200)
}

// premiumsOf looks the premiums of a person and year up by their marks: at most types times tries. Executor's goroutine.
func premiumsOf(v engine.View, insured, year uint32) (list []premiumAt) {
	for sort := range uint8(ledger.PremiumsMax) {
		for n := range uint32(ledger.PremiumTries) {
			e, found := v.FindID(ledger.PremiumKey(insured, sort+1, year, n))
			if !found {
				break
			}
			p := premiumAt{at: e.Position}
			p.look(v)
			list = append(list, p)
		}
	}
	return list
}

func readYear(c *api.Call) (year uint32, x fault) {
	values, x := readQuery(c, "year")
	v := values[0]
	switch {
	case x.bad():
		return 0, x
	case len(v) == 0:
		return 0, fault{api.CodeMissingField, "year"}
	case len(v) != 4 || v[0] == '0':
		return 0, badValue("year")
	}
	for _, d := range v {
		if d < '0' || d > '9' {
			return 0, badValue("year")
		}
		year = year*10 + uint32(d-'0')
	}
	return year, fault{}
}
