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

var unbindingShape = strictjson.MustShape("msgid channel authorizer_psn_no? user_psn_no? binding_ids application?")

// unbindingIn are the fields of an unbinding. Its slices lie in the request body.
type unbindingIn struct {
	msgid, authorizer, user []byte

	channel     int
	application applicationIn
}

func (in *unbindingIn) decode(d *strictjson.Decoder, w *work) fault {
	empty := true
	for d.Object(unbindingShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "channel":
			in.channel = d.Enum(channelEnum)
		case "authorizer_psn_no":
			in.authorizer = d.Token(psnNoMax)
		case "user_psn_no":
			in.user = d.Token(psnNoMax)
		case "binding_ids":
			for d.Array(ledger.UnbindingsMax); d.Next(); empty = false {
				n, err := ids.ParseBinding(d.Token(ids.Len))
				if err != nil || n > math.MaxUint32 {
					d.Refuse(strictjson.CodeBadValue)
				}
				w.more.Bindings = append(w.more.Bindings, uint32(n))
			}
		case "application":
			in.application.decode(d)
		}
	}
	switch x := faultOf(d.Done()); {
	case x.bad():
		return x
	case empty:
		return badValue("binding_ids")
	case in.authorizer == nil && in.user == nil:
		return fault{api.CodeMissingField, "authorizer_psn_no"}
	case in.authorizer != nil && in.user != nil:
		return badValue("user_psn_no") // one of the two asks
	}
	return fault{}
}

// unbind is POST /v1/unbindings: a result for each binding, in order (U1, U2, R21).
func (f *face) unbind(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in unbindingIn
	w := f.take()
	w.begin(ledger.KindUnbinding)
	if x := in.decode(d, w); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	channel, actor := []byte(channelNames[in.channel]), in.authorizer
	if w.cmd.AsUser = in.user != nil; w.cmd.AsUser {
		actor = in.user
	}
	w.cmd.ID = ledger.K(channel, in.msgid)
	w.cmd.Person = ledger.K(actor)
	w.details.Message, w.details.Caller = in.msgid, channel
	w.blob.Begin()
	in.application.append(&w.blob)
	w.blob.End()
	asUser := w.cmd.AsUser
	w.add()
	out, p := f.run(w, sequencer.Structural)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	f.give(w)
	if !out.effect.Outcome.IsAccepted() {
		p := refused(ledger.KindUnbinding, out.effect.Outcome)
		if out.effect.Outcome == ledger.UnknownPerson {
			if p.Field = "authorizer_psn_no"; asUser {
				p.Field = "user_psn_no"
			}
		}
		fail(c, p, out.replayed)
		return
	}
	answerUnbinding(c, &out)
}

func answerUnbinding(c *api.Call, out *decided) {
	a := &c.Out
	a.Begin()
	a.ArrayKey("results")
	for _, item := range out.items {
		a.Begin()
		a.String("binding_id", idText(ids.Binding, uint64(item.Binding)))
		if item.Outcome == ledger.Accepted {
			a.String("result", "unbound")
		} else {
			a.String("result", item.Outcome.String())
		}
		a.Int("outcome", int64(item.Outcome))
		if item.Outcome == ledger.Locked {
			a.Date("unbindable_from", dateOf(item.Earliest))
		}
		a.End()
	}
	a.EndArray()
	a.Time("unbinding_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// boundRow is a binding as it stood when it was asked for.
type boundRow struct {
	ledger.Binding
	number   uint32
	earliest int32
}

// getBinding is GET /v1/bindings/{id}.
func (f *face) getBinding(c *api.Call) {
	n, err := ids.ParseBinding(c.Param(0))
	if err != nil || n > math.MaxUint32 {
		c.Fail(notFound("binding_id"))
		return
	}
	var row boundRow
	var found bool
	var sequence uint64
	if p := f.ask(func(v engine.View) {
		sequence = v.Sequence
		if found = uint32(n) < v.State.Bindings.Len(); found {
			row = readBound(v, uint32(n))
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("binding_id"))
		return
	}
	authorizer, err := f.record(row.Authorizer)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	user, err := f.record(row.User)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	c.Out.Begin()
	row.append(&c.Out)
	c.Out.Bytes("authorizer_psn_no", authorizer.PsnNo)
	c.Out.Bytes("user_psn_no", user.PsnNo)
	c.Out.Uint("sequence", sequence)
	c.Out.End()
	c.OK(200)
}

func readBound(v engine.View, n uint32) boundRow {
	row := boundRow{Binding: *v.State.Bindings.At(n), number: n}
	if policy, found := v.State.PolicyAt(v.TimeMS); found {
		row.earliest = ledger.UnbindableFrom(&policy, &row.Binding)
	}
	return row
}

func (row *boundRow) append(a *strictjson.Appender) {
	a.String("binding_id", idText(ids.Binding, uint64(row.number)))
	if row.Active != 0 {
		a.String("state", "active")
		a.Date("unbindable_from", dateOf(row.earliest))
	} else {
		a.String("state", "unbound")
		a.Time("until", row.Until)
	}
	a.String("relation", string('0'+rune(row.Relation)))
	if n := int(row.Channel); n >= 1 && n <= len(channelNames) {
		a.String("channel", channelNames[n-1])
	}
	if row.Order <= orderMax {
		a.Int("order", int64(row.Order))
	}
	a.Time("since", row.Since)
}

const (
	// listMax is a page of members; a family is far smaller.
	listMax = 100
	// walkMax bounds what one question reads of a chain of bindings: some 50 microseconds while all tills wait.
	walkMax = 4_096
)

// members is GET /v1/persons/{psn_no}/members: whom the person lets draw on his account (Q1), newest first.
func (f *face) members(c *api.Call) { f.relatives(c, true) }

// authorizers is GET /v1/persons/{psn_no}/authorizers: on whom the person may draw, in binding order.
func (f *face) authorizers(c *api.Call) { f.relatives(c, false) }

func (f *face) relatives(c *api.Call, shares bool) {
	psnNo, ok := pathPerson(c)
	if !ok {
		c.Fail(notFound("psn_no"))
		return
	}
	after, x := readCursor(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	var rows []boundRow
	var found, more bool
	var sequence uint64
	if p := f.ask(func(v engine.View) {
		sequence = v.Sequence
		var n uint32
		if n, found = v.State.FindPerson(ledger.K(psnNo)); found {
			rows, more = walkBindings(v, n, shares, after)
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("psn_no"))
		return
	}
	f.answerRelatives(c, rows, shares, more, sequence)
}

// readCursor reads ?cursor=, the last binding of the page before; 0: none, else its number + 1.
func readCursor(c *api.Call) (after uint64, x fault) {
	values, x := readQuery(c, "cursor")
	if x.bad() || values[0] == nil {
		return 0, x
	}
	n, err := ids.ParseBinding(values[0])
	if err != nil || n > math.MaxUint32 {
		return 0, badValue("cursor")
	}
	return n + 1, fault{}
}

// walkBindings reads a page of a person's active bindings. The chain of shares goes down in number, that of draws up, so a cursor needs
// no place in the chain and bears that its binding has ended meanwhile.
func walkBindings(v engine.View, person uint32, shares bool, after uint64) (rows []boundRow, more bool) {
	p := v.State.Persons.At(person)
	at := p.Draws
	if shares {
		at = p.Shares
	}
	for steps := 0; at != 0 && steps < walkMax; steps++ {
		b := v.State.Bindings.At(at - 1)
		link, next := uint64(at), b.NextDraw
		if shares {
			next = b.NextShare
		}
		if after == 0 || shares && link < after || !shares && link > after {
			if len(rows) == listMax {
				return rows, true
			}
			rows = append(rows, readBound(v, at-1))
		}
		at = next
	}
	return rows, false
}

func (f *face) answerRelatives(c *api.Call, rows []boundRow, shares, more bool, sequence uint64) {
	a := &c.Out
	a.Begin()
	name := "authorizers"
	if shares {
		name = "members"
	}
	a.ArrayKey(name)
	for i := range rows {
		other := rows[i].Authorizer
		if shares {
			other = rows[i].User
		}
		person, err := f.person(other)
		if err != nil {
			c.Fail(api.Problem{Code: api.CodeUnavailable})
			return
		}
		a.Begin()
		a.Bytes("psn_no", person.psnNo)
		if person.name != nil {
			a.Bytes("psn_name", person.name)
		}
		rows[i].append(a)
		a.End()
	}
	a.EndArray()
	if more {
		a.String("cursor", idText(ids.Binding, uint64(rows[len(rows)-1].number)))
	}
	a.Uint("sequence", sequence)
	a.End()
	c.OK(200)
}
