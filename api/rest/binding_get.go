package rest

import (
	"math"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
)

// boundRow is a binding as it stood when it was asked for.
type boundRow struct {
	ledger.Binding
	number   uint32
	earliest int32
	state    ledger.BindingState
	family   uint32         // as MembershipOf
	why      ledger.Outcome // it is suspended; 0: it is not
	until    int64          // ms; as UntilOf
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
	row := boundRow{Binding: *v.State.Bindings.At(n), number: n, family: v.State.MembershipOf(n), until: v.State.UntilOf(n)}
	c := ledger.NewContext(v.State, v.Sequence, v.TimeMS, nil)
	row.state, row.why = v.State.BindingOn(&c, n)
	if c.HasPolicy {
		row.earliest = ledger.UnbindableFrom(&c.Policy, &row.Binding)
	}
	return row
}

func (row *boundRow) append(a *strictjson.Appender) {
	a.String("binding_id", idText(ids.Binding, uint64(row.number)))
	appendState(a, row.state)
	switch row.State {
	case ledger.Active:
		a.Date("unbindable_from", dateOf(row.earliest))
		if row.why != 0 {
			a.String("reason", row.why.String())
		}
		if row.Marks&ledger.MarkLeaving != 0 {
			a.Bool("unbinding_in_review", true)
		}
		a.Time("since", row.Since)
	case ledger.Invited:
		a.Date("answer_until", dateOf(row.Expires()-1))
		a.Time("asked", row.Since)
	case ledger.InReview:
		a.Time("asked", row.Since)
	default:
		a.Time("since", row.Since)
		a.Time("until", row.until)
	}
	a.String("relation", string('0'+rune(row.Relation)))
	if n := int(row.Channel); n >= 1 && n <= len(channelNames) {
		a.String("channel", channelNames[n-1])
	}
	if row.Order <= orderMax {
		a.Int("order", int64(row.Order))
	}
	if row.family != 0 {
		a.String("family_id", idText(ids.Family, uint64(row.family-1)))
	}
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

// walkBindings reads a page of a person's living bindings. The chain of shares goes down in number, that of draws up, so a cursor needs
// no place in the chain and bears that its binding has ended meanwhile. What waits for the person's answer comes before the first page of those
// he draws on.
func walkBindings(v engine.View, person uint32, shares bool, after uint64) (rows []boundRow, more bool) {
	p := v.State.Persons.At(person)
	today := ledger.DayOf(v.TimeMS)
	if !shares && after == 0 {
		for at := v.State.FirstPending(person); at != 0; at = v.State.Bindings.At(at - 1).NextDraw {
			if v.State.Bindings.At(at - 1).IsPending(today) {
				rows = append(rows, readBound(v, at-1))
			}
		}
	}
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
		if b.IsLiving(today) && (after == 0 || shares && link < after || !shares && link > after) {
			if len(rows) >= listMax {
				return rows, true
			}
			rows = append(rows, readBound(v, at-1))
		}
		at = next
	}
	return rows, false
}

// appendBound writes a binding as one of a list of people: who the other is, then the binding.
func (f *face) appendBound(a *strictjson.Appender, row *boundRow, other uint32) error {
	person, err := f.person(other)
	if err != nil {
		return err
	}
	a.Begin()
	a.Bytes("psn_no", person.psnNo)
	if person.name != nil {
		a.Bytes("psn_name", person.name)
	}
	row.append(a)
	a.End()
	return nil
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
		if err := f.appendBound(a, &rows[i], other); err != nil {
			c.Fail(api.Problem{Code: api.CodeUnavailable})
			return
		}
	}
	a.EndArray()
	if more {
		a.String("cursor", idText(ids.Binding, uint64(rows[len(rows)-1].number)))
	}
	a.Uint("sequence", sequence)
	a.End()
	c.OK(200)
}
