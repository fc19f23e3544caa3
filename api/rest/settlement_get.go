package rest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"

	"gongji/api"
	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// States of a settlement as callers see them (R9).
const (
	stateSettled   = "settled"
	stateReversed  = "reversed"
	stateRefused   = "refused"
	stateBlocked   = "blocked"
	stateNeverSeen = "never_seen"
)

// fate is what became of a settlement at a sequence.
type fate struct {
	state    string
	sequence uint64          // asked at
	at       ledger.Position // of the settlement, also of a refused one
	undone   ledger.Position // of the reversal; 0: none
}

// fateOf finds out what became of the settlement with an id key. It runs on the executor's goroutine.
func fateOf(v engine.View, key ledger.Key) fate {
	e, found := v.FindID(key)
	switch {
	case !found:
		return fate{state: stateNeverSeen, sequence: v.Sequence}
	case e.Tag == ledger.TagCommand:
		return reversalOf(v, e.Position)
	}
	return fate{state: stateBlocked, sequence: v.Sequence}
}

// reversalOf looks whether the settlement at a position was undone. Whether there is one, its entry tells.
func reversalOf(v engine.View, at ledger.Position) fate {
	x := fate{state: stateSettled, sequence: v.Sequence, at: at}
	if undo, found := v.FindID(ledger.UndoKey(at)); found {
		x.state, x.undone = stateReversed, undo.Position
	}
	return x
}

// settlementAsk is GET /v1/settlements?fixmedins_code=&msgid=: the fate of a message id, behind every command admitted before (R9).
func (f *face) settlementAsk(c *api.Call) {
	code, msgid, bad := readAsk(c)
	if bad.bad() {
		c.Fail(bad.problem())
		return
	}
	var x fate
	if p := f.ask(func(v engine.View) { x = fateOf(v, ledger.K(code, msgid)) }); p.Code != "" {
		c.Fail(p)
		return
	}
	if x.at == 0 {
		c.Out.Begin()
		c.Out.String("state", x.state)
		c.Out.Uint("sequence_asked", x.sequence)
		c.Out.End()
		c.OK(200)
		return
	}
	entry, err := f.engine.Entry(x.at)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	if entry.Effect.Kind != ledger.KindSettlement {
		x.state = stateBlocked // another call has this id: no settlement can ever have it
	} else if entry.Effect.Outcome != ledger.Accepted {
		x.state = stateRefused
	}
	f.answerFate(c, &x, &entry)
}

func readAsk(c *api.Call) (code, msgid []byte, x fault) {
	values, x := readQuery(c, "fixmedins_code", "msgid")
	code, msgid = values[0], values[1]
	switch {
	case x.bad():
	case len(code) == 0:
		x = fault{api.CodeMissingField, "fixmedins_code"}
	case len(msgid) == 0:
		x = fault{api.CodeMissingField, "msgid"}
	case len(code) > codeMax:
		x = fault{api.CodeTooLong, "fixmedins_code"}
	case len(msgid) > msgidMax:
		x = fault{api.CodeTooLong, "msgid"}
	}
	return code, msgid, x
}

// settlement is GET /v1/settlements/{setl_id}.
func (f *face) settlement(c *api.Call) {
	entry, ok := f.pathSettlement(c)
	if !ok {
		return
	}
	var x fate
	if p := f.ask(func(v engine.View) { x = reversalOf(v, entry.Position) }); p.Code != "" {
		c.Fail(p)
		return
	}
	f.answerFate(c, &x, &entry)
}

// pathSettlement reads {setl_id} and its accepted settlement; false: the call has been answered.
func (f *face) pathSettlement(c *api.Call) (engine.Entry, bool) {
	at, err := ids.ParseSettlement(c.Param(0))
	if err != nil {
		c.Fail(notFound("setl_id"))
		return engine.Entry{}, false
	}
	entry, err := f.engine.Entry(ledger.Position(at))
	switch {
	case errors.Is(err, engine.ErrNoCommand), err == nil && (entry.Effect.Kind != ledger.KindSettlement || entry.Effect.Outcome != ledger.Accepted):
		c.Fail(notFound("setl_id"))
		return entry, false
	case err != nil:
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return entry, false
	}
	return entry, true
}

// answerFate writes a settlement as it was sent and decided, and what became of it. Personal fields and the paying relatives stay
// inside: whoever asks is not authenticated yet (R28).
func (f *face) answerFate(c *api.Call, x *fate, entry *engine.Entry) {
	place, p := f.placeOf(entry.Command.Institution)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	a := &c.Out
	a.Begin()
	a.String("state", x.state)
	switch x.state {
	case stateSettled, stateReversed:
		out := decided{position: entry.Position, effect: entry.Effect, timeMS: entry.TimeMS}
		appendSettled(a, &out, entry.Details.MedType, place)
		if p := f.appendBill(c, entry); p.Code != "" {
			c.Fail(p)
			return
		}
	case stateRefused:
		a.String("code", entry.Effect.Outcome.String())
		a.Int("outcome", int64(entry.Effect.Outcome))
		a.Time("setl_time", entry.TimeMS)
		a.Uint("sequence", entry.Position.Sequence())
	}
	if x.undone != 0 {
		a.BeginKey("reversal")
		a.String("reversal_id", idText(ids.Reversal, uint64(x.undone)))
		a.Uint("sequence", x.undone.Sequence())
		a.End()
	}
	a.Uint("sequence_asked", x.sequence)
	a.End()
	c.OK(200)
}

// appendBill writes what the institution sent, but for the credential.
func (f *face) appendBill(c *api.Call, entry *engine.Entry) api.Problem {
	person, err := f.record(entry.Effect.Patient)
	if err != nil {
		return api.Problem{Code: api.CodeUnavailable}
	}
	a, b := &c.Out, &entry.Command.Bill
	a.Bytes("msgid", entry.Details.Message)
	a.Bytes("fixmedins_code", entry.Command.Institution.Bytes())
	a.Bytes("psn_no", person.PsnNo)
	var code [10]byte
	a.Bytes("med_type", codeText(code[:0], entry.Details.MedType))
	a.Bytes("insutype", codeText(code[:0], entry.Details.Insutype))
	a.Amount("medfee_sumamt", b.Medfee)
	a.Amount("fund_pay_sumamt", b.Fund)
	a.Amount("hosp_part_amt", b.HospPart)
	a.Amount("preselfpay_amt", b.Preselfpay)
	a.Amount("inscp_scp_amt", b.Inscp)
	a.Amount("overlmt_selfpay", b.Overlmt)
	a.Amount("fulamt_ownpay_amt", b.Fulamt)
	return api.Problem{}
}

const (
	// drawLabel is the label of the keyed function (engine/ledger DESIGN.md 5).
	drawLabel = "gongji draw 0"
	// drawPseudonym separates the pseudonyms of draws from those of certificates: no certificate type has a space.
	drawPseudonym = "of draw"
)

// draw is GET /v1/settlements/{setl_id}/draw: what anybody needs to repeat the draw once the day's key is published, and who paid, by
// names that mean nothing outside this draw (R28).
func (f *face) draw(c *api.Call) {
	entry, ok := f.pathSettlement(c)
	if !ok {
		return
	}
	day := ledger.DayOf(entry.TimeMS)
	var key ledger.DayKey
	var found, random bool
	if p := f.ask(func(v engine.View) {
		policy, have := v.State.PolicyAt(entry.TimeMS)
		random = have && policy.Strategy == ledger.Random
		var n uint32
		if n, found = v.State.FindDayKey(day); found {
			key = *v.State.DayKeys.At(n)
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !random || !found {
		c.Fail(notFound("setl_id")) // nothing was drawn
		return
	}
	f.answerDraw(c, &entry, &key)
}

func (f *face) answerDraw(c *api.Call, entry *engine.Entry, key *ledger.DayKey) {
	a := &c.Out
	a.Begin()
	a.String("setl_id", idText(ids.Settlement, uint64(entry.Position)))
	a.Uint("sequence", entry.Position.Sequence())
	a.Int("index", int64(entry.Position.Index()))
	a.Date("day", dateOf(key.Day))
	a.String("label", drawLabel)
	a.String("key_hash", hex.EncodeToString(key.Hash[:]))
	if key.Published != 0 {
		a.String("key", hex.EncodeToString(key.Key[:]))
	} else {
		a.Int("key", 0)
		a.B = append(a.B[:len(a.B)-1], "null"...) // the one field of ours that may be null
	}
	a.ArrayKey("paid")
	own := ledger.Account(ledger.KindPersonal, entry.Effect.Patient)
	for _, l := range entry.Legs {
		if l.Account != own {
			a.StringElem(f.drawName(entry.Position, l.Account))
		}
	}
	a.EndArray()
	a.End()
	c.OK(200)
}

// drawName is an account's name in one draw: keyed, so that it cannot be found by trying all accounts, and different in every draw.
func (f *face) drawName(p ledger.Position, account ledger.AccountID) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(p))
	binary.BigEndian.PutUint64(b[8:], uint64(account))
	name := f.engine.Pseudonym(drawPseudonym, b[:])
	return hex.EncodeToString(name[:])
}
