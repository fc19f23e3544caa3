package rest

import (
	"math"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
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
	w.cmd.Channel, w.cmd.Steps = uint8(in.channel+1), in.application.steps()
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
