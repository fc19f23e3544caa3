package rest

import (
	"errors"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
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
	sequence uint64            // asked at
	at       ledger.Position   // of the settlement, also of a refused one
	acts     []ledger.Position // what was done about it, in turn: cancelled, redone, cancelled ...; at most 2 ledger.RedosMax + 1
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

// reversalOf follows what was done about the settlement at a position (DESIGN.md of the ledger, the undo chain). Whether there is one, its entry tells.
func reversalOf(v engine.View, at ledger.Position) fate {
	x := fate{state: stateSettled, sequence: v.Sequence, at: at}
	for end := at; len(x.acts) <= 2*ledger.RedosMax; end = x.acts[len(x.acts)-1] {
		undo, found := v.FindID(ledger.UndoKey(end))
		if !found {
			break
		}
		x.acts = append(x.acts, undo.Position)
	}
	x.state = afterActs(len(x.acts))
	return x
}

// afterActs is the state of a settlement after so many steps: cancelled and redone in turn.
func afterActs(n int) string {
	if n%2 == 0 {
		return stateSettled
	}
	return stateReversed
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
		x.state, x.acts = stateBlocked, nil // another call has this id, perhaps a reversal that has been redone: no settlement can ever have it
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

// answerFate writes a settlement as it was sent and decided, and what became of it. An institution sees its own bill; who paid, one by one, only
// the bureau sees, and that is audited (R28).
func (f *face) answerFate(c *api.Call, x *fate, entry *engine.Entry) {
	by := viewerOf(c, viewInstitution)
	if !by.may(seeSettlement) {
		c.Fail(notFound("setl_id"))
		return
	}
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
		clr, p := f.clrType(entry.Position, entry.TimeMS, BillKind{entry.Details.MedType, entry.Details.Insutype, place})
		if p.Code != "" {
			c.Fail(p)
			return
		}
		cleared, p := f.isCleared(entry, x, clr)
		if p.Code != "" {
			c.Fail(p)
			return
		}
		appendSettled(a, &out, clr)
		a.Bool("cleared", cleared)
		if p := f.appendBill(c, entry); p.Code != "" {
			c.Fail(p)
			return
		}
		if by.may(seePayers) {
			if p := f.appendPayers(c, entry); p.Code != "" {
				c.Fail(p)
				return
			}
			c.FullView(idText(ids.Settlement, uint64(entry.Position)))
		}
	case stateRefused:
		a.String("code", entry.Effect.Outcome.String())
		a.Int("outcome", int64(entry.Effect.Outcome))
		a.Time("setl_time", entry.TimeMS)
		a.Uint("sequence", entry.Position.Sequence())
	}
	x.appendActs(a)
	a.Uint("sequence_asked", x.sequence)
	a.End()
	c.OK(200)
}

// appendActs writes the cancel that holds, and all that was done about the settlement, oldest first.
func (x *fate) appendActs(a *strictjson.Appender) {
	if len(x.acts) == 0 {
		return
	}
	if x.state == stateReversed {
		last := x.acts[len(x.acts)-1]
		a.BeginKey("reversal")
		a.String("reversal_id", idText(ids.Reversal, uint64(last)))
		a.Uint("sequence", last.Sequence())
		a.End()
	}
	a.ArrayKey("history")
	for i, at := range x.acts {
		a.Begin()
		a.String("reversal_id", idText(ids.Reversal, uint64(at)))
		a.String("state", afterActs(i+1))
		a.Uint("sequence", at.Sequence())
		a.End()
	}
	a.EndArray()
}

// clearingsMax bounds what one question reads of an institution's clearings: with fifteen categories cleared apart every month, more than twenty years.
const clearingsMax = 4_096

// isCleared reports whether an accepted settlement was paid out (R17): it, or its redo where the settlement itself is void, which is no row of any clearing
// (R15).
func (f *face) isCleared(entry *engine.Entry, x *fate, clr string) (bool, api.Problem) {
	day, counts, p := f.countedDay(entry, x)
	if p.Code != "" || !counts {
		return false, p
	}
	cleared := false
	p = f.ask(func(v engine.View) {
		next := v.State.Institutions.At(entry.Effect.Institution).Clearings
		for looked := 0; next != 0 && !cleared && looked < clearingsMax; looked++ {
			row := v.State.Clearings.At(next - 1)
			if row.At < entry.Position { // it paid out closed days, of which the settlement's was none yet
				return
			}
			cleared, next = row.Covers(day, clrCode(clr)), row.Before
		}
	})
	return cleared, p
}

// countedDay is the ledger day of the first positive row of a settlement that counts: its own or a redo's; false if all left their days (R15).
func (f *face) countedDay(entry *engine.Entry, x *fate) (day int32, counts bool, p api.Problem) {
	day, void := ledger.DayOf(entry.TimeMS), false
	for i := 0; i < len(x.acts); i++ { // in turn what undid the row, and a redo
		act, err := f.engine.Entry(x.acts[i])
		switch {
		case err != nil:
			return 0, false, api.Problem{Code: api.CodeUnavailable}
		case i%2 != 0:
			day, void = ledger.DayOf(act.TimeMS), act.Effect.Void
		case !void && !act.Effect.Void:
			return day, true, api.Problem{}
		default:
			void = true
		}
	}
	return day, !void, api.Problem{}
}

// appendPayers writes whose money paid, leg by leg in the order taken; of a family account the creator's.
func (f *face) appendPayers(c *api.Call, entry *engine.Entry) api.Problem {
	holders := make([]uint32, len(entry.Legs))
	if p := f.ask(func(v engine.View) {
		for i, l := range entry.Legs {
			if holders[i] = l.Account.Number(); l.Account.Kind() == ledger.KindFamily {
				holders[i] = v.State.Families.At(holders[i]).Creator
			}
		}
	}); p.Code != "" {
		return p
	}
	a := &c.Out
	a.ArrayKey("payers")
	for i, l := range entry.Legs {
		person, err := f.record(holders[i])
		if err != nil {
			return api.Problem{Code: api.CodeUnavailable}
		}
		a.Begin()
		a.Bytes("psn_no", person.PsnNo)
		a.String("account", accountNames[l.Account.Kind()])
		a.Amount("amount", -l.Amount)
		a.Amount("balance_after", l.After)
		a.End()
	}
	a.EndArray()
	return api.Problem{}
}

// accountNames are the kinds of account that pay bills.
var accountNames = map[ledger.AccountKind]string{ledger.KindPersonal: "personal", ledger.KindFamily: "family"}

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
