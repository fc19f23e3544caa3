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
	consentShape  = strictjson.MustShape("msgid channel? user_psn_no? decision face_passed? auth?")
	withdrawShape = strictjson.MustShape("msgid channel? authorizer_psn_no?")
	reviewShape   = strictjson.MustShape("msgid decision reviewer opinion? reviewed_at?")
	forcedShape   = strictjson.MustShape("msgid reason first_officer second_officer opinion?")
)

// answerIn are the fields of the calls that come after a binding. Its slices lie in the request body.
type answerIn struct {
	msgid, psnNo, reviewer, second, opinion []byte

	channel, reason int
	hasChannel      bool
	no, face        bool // decline, reject
	reviewedMS      int64
	auth            authIn
}

func (in *answerIn) decode(d *strictjson.Decoder, shape *strictjson.Shape) fault {
	for d.Object(shape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "channel":
			in.channel, in.hasChannel = d.Enum(channelEnum), true
		case "user_psn_no", "authorizer_psn_no":
			in.psnNo = d.Token(psnNoMax)
		case "decision":
			if shape == reviewShape {
				in.no = d.Enum(reviewEnum) == 1
			} else {
				in.no = d.Enum(answerEnum) == 1
			}
		case "face_passed":
			in.face = d.Bool()
		case "auth":
			in.auth.decode(d)
		case "reviewer", "first_officer":
			in.reviewer = d.Token(opterMax)
		case "second_officer":
			in.second = d.Token(opterMax)
		case "opinion":
			in.opinion = text(d, reasonMax)
		case "reviewed_at":
			in.reviewedMS = d.Time()
		case "reason":
			in.reason = d.Enum(endReasonEnum)
		}
	}
	return faultOf(d.Done())
}

// blob writes what the ledger does not look at.
func (in *answerIn) blob(a *strictjson.Appender) {
	a.Begin()
	if in.reviewer != nil {
		a.Bytes("reviewer", in.reviewer)
	}
	if in.second != nil {
		a.Bytes("second_officer", in.second)
	}
	if in.opinion != nil {
		a.Bytes("opinion", in.opinion)
	}
	if in.reviewedMS != 0 {
		a.Time("reviewed_at", in.reviewedMS)
	}
	in.auth.append(a)
	a.End()
}

// caller is whose message ids these are.
func (in *answerIn) caller() []byte {
	if in.hasChannel {
		return []byte(channelNames[in.channel])
	}
	return callerBinding
}

// consent is POST /v1/bindings/{id}/consent: the user's answer to an invitation (K10).
func (f *face) consent(c *api.Call) {
	f.answerBinding(c, ledger.KindBindingConsent, consentShape, func(w *work, in *answerIn, user, _ ledger.Key) {
		w.cmd.Person, w.cmd.Accept = user, !in.no
		if in.face {
			w.cmd.Steps = ledger.StepFace
		}
	})
}

// withdraw is POST /v1/bindings/{id}/withdraw: the authorizer takes it back before it is active.
func (f *face) withdraw(c *api.Call) {
	f.answerBinding(c, ledger.KindBindingWithdraw, withdrawShape, func(w *work, _ *answerIn, _, authorizer ledger.Key) {
		w.cmd.Person = authorizer
	})
}

// review is POST /v1/bindings/{id}/review: a clerk's decision on an application to bind or to unbind (K19, G4).
func (f *face) review(c *api.Call) {
	f.answerBinding(c, ledger.KindBindingReview, reviewShape, func(w *work, in *answerIn, _, _ ledger.Key) {
		w.cmd.Accept = !in.no
	})
}

// forceUnbind is POST /v1/bindings/{id}/forced-unbinding: the bureau ends it, two persons together, whatever its age (R21).
func (f *face) forceUnbind(c *api.Call) {
	f.answerBinding(c, ledger.KindForcedUnbinding, forcedShape, func(w *work, in *answerIn, _, _ ledger.Key) {
		w.cmd.Reason = uint8(in.reason + 1)
		w.cmd.Person, w.cmd.Other = ledger.K([]byte("officer"), in.reviewer), ledger.K([]byte("officer"), in.second)
	})
}

// answerBinding runs a command about the binding of the path. Who does not say who he is, is taken for the one who must answer, until callers
// are authenticated (R31).
func (f *face) answerBinding(c *api.Call, kind ledger.Kind, shape *strictjson.Shape, fill func(w *work, in *answerIn, user, authorizer ledger.Key)) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in answerIn
	if x := in.decode(d, shape); x.bad() {
		c.Fail(x.problem())
		return
	}
	n, err := ids.ParseBinding(c.Param(0))
	if err != nil || n > math.MaxUint32 {
		c.Fail(notFound("binding_id"))
		return
	}
	var user, authorizer ledger.Key
	found := false
	if p := f.ask(func(v engine.View) {
		if found = uint32(n) < v.State.Bindings.Len(); found {
			row := v.State.Bindings.At(uint32(n))
			user, authorizer = v.State.Persons.At(row.User).Key, v.State.Persons.At(row.Authorizer).Key
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("binding_id"))
		return
	}
	if in.psnNo != nil {
		user, authorizer = ledger.K(in.psnNo), ledger.K(in.psnNo)
	}
	w := f.take()
	w.begin(kind)
	caller := in.caller()
	if kind == ledger.KindBindingReview || kind == ledger.KindForcedUnbinding {
		caller = callerBureau
	}
	w.cmd.ID, w.cmd.Binding = ledger.K(caller, in.msgid), uint32(n)
	w.details.Message, w.details.Caller = in.msgid, caller
	fill(w, &in, user, authorizer)
	in.blob(&w.blob)
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	if !ok {
		return
	}
	c.Out.Begin()
	c.Out.String("binding_id", idText(ids.Binding, uint64(out.effect.Number)))
	appendState(&c.Out, ledger.BindingState(out.effect.Source))
	c.Out.Time("decided", out.timeMS)
	c.Out.Uint("sequence", out.position.Sequence())
	c.Out.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

const (
	// queuePage is a page of the clerk's queue.
	queuePage = 100
	// queueWalks is how often one call asks for walkMax rows more: a quarter of a million rows, some 20 ms in slices.
	queueWalks = 64
)

// queue is GET /v1/bindings?state=&area=: bindings in a state, oldest first; pending_review shows what waits for a clerk, unbindings too. A page may be
// short and still have a cursor: rows are looked through in order, a bounded number a call.
func (f *face) queue(c *api.Call) {
	values, x := readQuery(c, "state", "area", "cursor")
	var wanted ledger.BindingState
	var area uint32
	at := uint64(0)
	if !x.bad() {
		wanted, area, at, x = readQueue(values)
	}
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	var rows []boundRow
	var sequence, length uint64
	for walk := 0; walk < queueWalks && len(rows) < queuePage; walk++ {
		if p := f.ask(func(v engine.View) {
			sequence, length = v.Sequence, uint64(v.State.Bindings.Len())
			for end := min(at+walkMax, length); at < end && len(rows) < queuePage; at++ {
				if row := readBound(v, uint32(at)); row.isQueued(wanted) && (area == 0 || v.State.Summary(v.State.Persons.At(row.Authorizer)).Area == area) {
					rows = append(rows, row)
				}
			}
		}); p.Code != "" {
			c.Fail(p)
			return
		}
		if at >= length {
			break
		}
	}
	f.answerQueue(c, rows, at, length, sequence)
}

func (row *boundRow) isQueued(wanted ledger.BindingState) bool {
	return wanted == 0 || row.state == wanted || wanted == ledger.InReview && row.State == ledger.Active && row.Marks&ledger.MarkLeaving != 0
}

func readQueue(values [queryMax][]byte) (state ledger.BindingState, area uint32, at uint64, x fault) {
	if values[0] != nil {
		for i, name := range stateNames {
			if string(values[0]) == name {
				state = ledger.BindingState(i + 1)
			}
		}
		if state == 0 {
			return 0, 0, 0, badValue("state")
		}
	}
	if values[1] != nil {
		for _, ch := range values[1] {
			if ch < '0' || ch > '9' || len(values[1]) != 6 {
				return 0, 0, 0, badValue("area")
			}
			area = area*10 + uint32(ch-'0')
		}
		if area == 0 {
			return 0, 0, 0, badValue("area")
		}
	}
	if values[2] != nil {
		n, err := ids.ParseBinding(values[2])
		if err != nil || n > math.MaxUint32 {
			return 0, 0, 0, badValue("cursor")
		}
		at = n + 1
	}
	return state, area, at, fault{}
}

func (f *face) answerQueue(c *api.Call, rows []boundRow, at, length, sequence uint64) {
	a := &c.Out
	a.Begin()
	a.ArrayKey("bindings")
	for i := range rows {
		authorizer, err := f.record(rows[i].Authorizer)
		if err != nil {
			c.Fail(api.Problem{Code: api.CodeUnavailable})
			return
		}
		user, err := f.record(rows[i].User)
		if err != nil {
			c.Fail(api.Problem{Code: api.CodeUnavailable})
			return
		}
		a.Begin()
		rows[i].append(a)
		a.Bytes("authorizer_psn_no", authorizer.PsnNo)
		a.Bytes("user_psn_no", user.PsnNo)
		a.End()
	}
	a.EndArray()
	if at < length {
		a.String("cursor", idText(ids.Binding, at-1))
	}
	a.Uint("sequence", sequence)
	a.End()
	c.OK(200)
}
