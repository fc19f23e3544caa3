package rest

import (
	"math"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	familyShape      = strictjson.MustShape("msgid channel psn_no")
	allocationShape  = strictjson.MustShape("msgid channel psn_no amount")
	dissolutionShape = strictjson.MustShape("msgid channel psn_no?")
	orderShape       = strictjson.MustShape("msgid order")
)

// familyIn are the fields of the calls about families. Its slices lie in the request body.
type familyIn struct {
	msgid, psnNo []byte
	channel      int
	amount       int64
}

func (in *familyIn) decode(d *strictjson.Decoder, shape *strictjson.Shape) fault {
	for d.Object(shape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "channel":
			in.channel = d.Enum(channelEnum)
		case "psn_no":
			in.psnNo = d.Token(psnNoMax)
		case "amount":
			in.amount = positive(d)
		}
	}
	return faultOf(d.Done())
}

// familyCommand reads a body and begins its command; false: the call has been answered.
func (f *face) familyCommand(c *api.Call, kind ledger.Kind, shape *strictjson.Shape, in *familyIn) (*work, bool) {
	d, ok := c.Decode()
	if !ok {
		return nil, false
	}
	if x := in.decode(d, shape); x.bad() {
		c.Fail(x.problem())
		return nil, false
	}
	channel := []byte(channelNames[in.channel])
	w := f.take()
	w.begin(kind)
	w.cmd.ID, w.cmd.Person, w.cmd.Channel = ledger.K(channel, in.msgid), ledger.K(in.psnNo), uint8(in.channel+1)
	w.details.Message, w.details.Caller = in.msgid, channel
	return w, true
}

// openFamily is POST /v1/families: a person with an account makes a family account (R24).
func (f *face) openFamily(c *api.Call) {
	var in familyIn
	w, ok := f.familyCommand(c, ledger.KindFamilyOpen, familyShape, &in)
	if !ok {
		return
	}
	w.add()
	f.answerFamily(c, w, "opened", nil)
}

// allocate is POST /v1/allocations: from the creator's own account to his family's, whole or refused (C10, K21).
func (f *face) allocate(c *api.Call) {
	var in familyIn
	w, ok := f.familyCommand(c, ledger.KindAllocation, allocationShape, &in)
	if !ok {
		return
	}
	w.cmd.Amount = in.amount
	w.add()
	f.answerFamily(c, w, "entry_time", &in)
}

// dissolve is POST /v1/families/{id}/dissolution: the rest goes back to the creator, whole (R24).
func (f *face) dissolve(c *api.Call) {
	n, err := ids.ParseFamily(c.Param(0))
	if err != nil || n > math.MaxUint32 {
		c.Fail(notFound("family_id"))
		return
	}
	var in familyIn
	w, ok := f.familyCommand(c, ledger.KindFamilyDissolution, dissolutionShape, &in)
	if !ok {
		return
	}
	found := true
	if in.psnNo == nil { // taken for the creator, until callers are authenticated (R31)
		if p := f.ask(func(v engine.View) {
			if found = uint32(n) < v.State.Families.Len(); found {
				w.cmd.Person = v.State.Persons.At(v.State.Families.At(uint32(n)).Creator).Key
			}
		}); p.Code != "" {
			c.Fail(p) // the question may still be asked: w is left to it
			return
		}
	}
	if !found {
		f.give(w)
		c.Fail(notFound("family_id"))
		return
	}
	w.cmd.Binding = uint32(n)
	w.add()
	f.answerFamily(c, w, "dissolved", nil)
}

// answerFamily runs w's command and names the family and the time.
func (f *face) answerFamily(c *api.Call, w *work, timeName string, allocation *familyIn) {
	class := sequencer.Structural
	if w.cmd.Kind.IsMoney() {
		class = sequencer.Till
	}
	out, ok := f.accepted(c, w, class)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	if allocation != nil {
		a.String("entry_id", idText(ids.Entry, uint64(out.position)))
	}
	a.String("family_id", idText(ids.Family, uint64(out.effect.Number)))
	if allocation != nil {
		a.Bytes("psn_no", allocation.psnNo)
		a.Amount("amount", allocation.amount)
	}
	a.Time(timeName, out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// getFamily is GET /v1/families/{id}: balance, this year's allocations, and who is in it or invited.
func (f *face) getFamily(c *api.Call) {
	n, err := ids.ParseFamily(c.Param(0))
	if err != nil || n > math.MaxUint32 {
		c.Fail(notFound("family_id"))
		return
	}
	var row ledger.Family
	var members []boundRow
	found := false
	var sequence uint64
	if p := f.ask(func(v engine.View) {
		sequence = v.Sequence
		if found = uint32(n) < v.State.Families.Len(); found {
			row = *v.State.Families.At(uint32(n))
			members = membersOf(v, uint32(n), row.Creator)
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("family_id"))
		return
	}
	creator, err := f.record(row.Creator)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	a := &c.Out
	a.Begin()
	a.String("family_id", idText(ids.Family, n))
	a.Bytes("creator_psn_no", creator.PsnNo)
	a.Amount("balc", row.Balance)
	a.Int("allocation_year", int64(row.AllocYear))
	a.Int("allocations", int64(row.AllocCount))
	a.Amount("allocated", row.AllocSum)
	a.Time("opened", row.Since)
	if row.Until != 0 {
		a.Time("dissolved", row.Until)
	}
	a.ArrayKey("members")
	for i := range members {
		if err := f.appendBound(a, &members[i], members[i].User); err != nil {
			c.Fail(api.Problem{Code: api.CodeUnavailable})
			return
		}
	}
	a.EndArray()
	a.Uint("sequence", sequence)
	a.End()
	c.OK(200)
}

// membersOf are the living memberships of a family, newest first, listMax at most.
func membersOf(v engine.View, family, creator uint32) (rows []boundRow) {
	today := ledger.DayOf(v.TimeMS)
	at := v.State.Persons.At(creator).Shares
	for steps := 0; at != 0 && steps < walkMax && len(rows) < listMax; steps++ {
		b := v.State.Bindings.At(at - 1)
		if v.State.MembershipOf(at-1) == family+1 && b.IsLiving(today) {
			rows = append(rows, readBound(v, at-1))
		}
		at = b.NextShare
	}
	return rows
}

// ownAccount stands for the patient's own account in a debit order.
const ownAccount = "self"

// debitOrder is PUT /v1/persons/{psn_no}/debit-order: every active binding once, and the own account at a place if self_first is off (R22).
func (f *face) debitOrder(c *api.Call) {
	psnNo, ok := pathPerson(c)
	if !ok {
		c.Fail(notFound("psn_no"))
		return
	}
	d, ok := c.Decode()
	if !ok {
		return
	}
	w := f.take()
	w.begin(ledger.KindDebitOrder)
	var msgid []byte
	for d.Object(orderShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			msgid = d.Token(msgidMax)
		case "order":
			for d.Array(ledger.OrderMax); d.Next(); {
				w.more.Bindings = append(w.more.Bindings, orderElement(d))
			}
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	w.cmd.ID, w.cmd.Person = ledger.K(callerOrder, psnNo, msgid), ledger.K(psnNo)
	w.details.Message, w.details.Caller = msgid, callerOrder
	list := append([]uint32(nil), w.more.Bindings...)
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.Bytes("psn_no", psnNo)
	a.ArrayKey("order")
	for _, n := range list {
		if n == ledger.SelfElement {
			a.StringElem(ownAccount)
		} else {
			a.StringElem(idText(ids.Binding, uint64(n)))
		}
	}
	a.EndArray()
	a.Time("ordered", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

func orderElement(d *strictjson.Decoder) uint32 {
	token := d.Token(ids.Len)
	if string(token) == ownAccount {
		return ledger.SelfElement
	}
	n, err := ids.ParseBinding(token)
	if err != nil || n >= ledger.SelfElement {
		d.Refuse(strictjson.CodeBadValue)
	}
	return uint32(n)
}
