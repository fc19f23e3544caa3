package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
	"gongji/engine/sequencer"
)

var (
	bindingShape = strictjson.MustShape("msgid channel authorizer_psn_no user_cert_type user_certno relation user_phone? commitment " +
		"qa_version? data_consent_at? auth? application? face_passed? order?")
	commitmentShape  = strictjson.MustShape("version accepted_at declaration")
	authShape        = strictjson.MustShape("method txn_no time")
	applicationShape = strictjson.MustShape("no clerk document_shown")
)

// orderMax is the last place in a debit order; engine/command has the same limit.
const orderMax = 999

// bindingIn are the fields of a binding. Its slices lie in the request body.
type bindingIn struct {
	msgid, authorizer, certno, phone, qaVersion []byte

	channel, relation int // indexes in channelNames, relationNames
	certType          uint32
	order             uint16
	consentMS         int64
	face              uint8 // 0: not told, 1: no, 2: yes
	commitment        struct {
		version, declaration []byte
		acceptedMS           int64
	}
	auth        authIn
	application applicationIn
}

type authIn struct {
	given  bool
	method int // index in policy.LoginNames
	txnNo  []byte
	timeMS int64
}

type applicationIn struct {
	given               bool
	no, clerk, document []byte
}

func (in *bindingIn) decode(d *strictjson.Decoder) fault {
	*in = bindingIn{}
	for d.Object(bindingShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "channel":
			in.channel = d.Enum(channelEnum)
		case "authorizer_psn_no":
			in.authorizer = d.Token(psnNoMax)
		case "user_cert_type":
			in.certType = typeCode(d, 2, 6)
		case "user_certno":
			in.certno = d.Token(certnoMax)
		case "relation":
			in.relation = d.Enum(relationEnum)
		case "user_phone":
			in.phone = d.Token(opterMax)
		case "commitment":
			in.decodeCommitment(d)
		case "qa_version":
			in.qaVersion = d.Token(versionMax)
		case "data_consent_at":
			in.consentMS = d.Time()
		case "auth":
			in.auth.decode(d)
		case "application":
			in.application.decode(d)
		case "face_passed":
			if in.face = 1; d.Bool() {
				in.face = 2
			}
		case "order":
			in.order = uint16(d.Int(1, orderMax))
		}
	}
	return faultOf(d.Done())
}

func (in *bindingIn) decodeCommitment(d *strictjson.Decoder) {
	for d.Object(commitmentShape); d.Next(); {
		switch d.Field() {
		case "version":
			in.commitment.version = d.Token(versionMax)
		case "accepted_at":
			in.commitment.acceptedMS = d.Time()
		case "declaration":
			in.commitment.declaration = text(d, letterMax)
		}
	}
}

func (in *authIn) decode(d *strictjson.Decoder) {
	in.given = true
	for d.Object(authShape); d.Next(); {
		switch d.Field() {
		case "method":
			in.method = d.Enum(loginEnum)
		case "txn_no":
			in.txnNo = d.Token(opterMax)
		case "time":
			in.timeMS = d.Time()
		}
	}
}

func (in *authIn) append(a *strictjson.Appender) {
	if !in.given {
		return
	}
	a.BeginKey("auth")
	a.String("method", policy.LoginNames[in.method])
	a.Bytes("txn_no", in.txnNo)
	a.Time("time", in.timeMS)
	a.End()
}

func (in *applicationIn) decode(d *strictjson.Decoder) {
	in.given = true
	for d.Object(applicationShape); d.Next(); {
		switch d.Field() {
		case "no":
			in.no = d.Token(opterMax)
		case "clerk":
			in.clerk = text(d, nameMax)
		case "document_shown":
			in.document = text(d, nameMax)
		}
	}
}

func (in *applicationIn) append(a *strictjson.Appender) {
	if !in.given {
		return
	}
	a.BeginKey("application")
	a.Bytes("no", in.no)
	a.Bytes("clerk", in.clerk)
	a.Bytes("document_shown", in.document)
	a.End()
}

// login is the way of signing in; at a counter the document shown is one.
func (in *bindingIn) login() uint8 {
	switch {
	case in.auth.given:
		return uint8(in.auth.method + 1)
	case in.application.given:
		return loginDocument
	}
	return 0
}

// loginDocument is the number of "document" in policy.LoginNames.
const loginDocument = 4

// steps is what has been done; the ledger judges whether that is enough.
func (in *bindingIn) steps() (steps uint8) {
	if in.consentMS != 0 {
		steps |= ledger.StepDataConsent
	}
	if in.face == 2 {
		steps |= ledger.StepFace
	}
	return steps | in.application.steps()
}

func (in *applicationIn) steps() uint8 {
	if in.given {
		return ledger.StepApplication
	}
	return 0
}

// readBinding decodes and checks a binding and makes its command, ready for add. letter gives the key of a version of the commitment letter.
func (f *face) readBinding(w *work, in *bindingIn, d *strictjson.Decoder, letter func(version []byte) ledger.Key) fault {
	if x := in.decode(d); x.bad() {
		return x
	}
	canonical, ok := w.canonicalCertno(in.certType, in.certno)
	if !ok {
		return badValue("user_certno")
	}
	channel := []byte(channelNames[in.channel])
	w.begin(ledger.KindBinding)
	w.cmd.ID = ledger.K(channel, in.msgid)
	w.cmd.Person = ledger.K(in.authorizer)
	w.cmd.Other = f.pseudonym(in.certType, canonical)
	w.cmd.Relation = relationNames[in.relation][0] - '0'
	w.cmd.Channel = uint8(in.channel + 1)
	w.cmd.Order = in.order
	w.cmd.Login, w.cmd.Steps = in.login(), in.steps()
	if w.more.Commitment = letter(in.commitment.version); in.qaVersion != nil {
		w.more.Questions = policy.QuestionsKey(string(in.qaVersion))
	}
	w.details.Message, w.details.Caller = in.msgid, channel
	in.blob(&w.blob)
	return fault{}
}

// blob writes what the ledger does not look at (R20, F1 to F9).
func (in *bindingIn) blob(a *strictjson.Appender) {
	a.Begin()
	if in.phone != nil {
		a.Bytes("user_phone", in.phone)
	}
	a.BeginKey("commitment")
	a.Bytes("version", in.commitment.version)
	a.Time("accepted_at", in.commitment.acceptedMS)
	a.Bytes("declaration", in.commitment.declaration)
	a.End()
	if in.qaVersion != nil {
		a.Bytes("qa_version", in.qaVersion)
	}
	if in.consentMS != 0 {
		a.Time("data_consent_at", in.consentMS)
	}
	in.auth.append(a)
	in.application.append(a)
	if in.face != 0 {
		a.Bool("face_passed", in.face == 2)
	}
	a.End()
}

// bind is POST /v1/bindings. The answer's state says whether it pays at once, or waits for its user or a clerk (R20).
func (f *face) bind(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in bindingIn
	var unknown api.Problem
	w := f.take()
	x := f.readBinding(w, &in, d, func(version []byte) (key ledger.Key) {
		key, unknown = f.commitmentKey(version)
		return key
	})
	if x.bad() || unknown.Code != "" {
		f.give(w)
		if x.bad() {
			unknown = x.problem()
		}
		c.Fail(unknown)
		return
	}
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	f.letterRefused(&out)
	if !ok {
		return
	}
	var earliest int32
	if p := f.ask(func(v engine.View) {
		if policy, found := v.State.PolicyAt(out.timeMS); found {
			earliest = ledger.UnbindableFrom(&policy, &ledger.Binding{Since: out.timeMS})
		}
	}); p.Code != "" {
		c.Fail(unknownOutcome()) // decided, but not all of the answer can be told
		return
	}
	c.Out.Begin()
	appendBound(&c.Out, &in, &out)
	if out.isActive() {
		c.Out.Date("unbindable_from", dateOf(earliest))
	}
	c.Out.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

func (out *decided) isActive() bool { return out.effect.Source == uint8(ledger.Active) }

func appendBound(a *strictjson.Appender, in *bindingIn, out *decided) {
	a.String("binding_id", idText(ids.Binding, uint64(out.effect.Number)))
	appendState(a, ledger.BindingState(out.effect.Source))
	a.Bytes("authorizer_psn_no", in.authorizer)
	a.String("relation", relationNames[in.relation])
	a.String("channel", channelNames[in.channel])
	if in.order != 0 {
		a.Int("order", int64(in.order))
	}
	if out.isActive() {
		a.Time("since", out.timeMS)
	} else {
		a.Time("asked", out.timeMS)
	}
	a.Uint("sequence", out.position.Sequence())
}

func appendState(a *strictjson.Appender, state ledger.BindingState) {
	a.String("state", stateNames[state-1])
}

// bindBatch is POST /v1/bindings/batch, for loading: up to 1,000 lines, each with its own id and verdict.
func (f *face) bindBatch(c *api.Call) {
	body, ok := c.Body()
	if !ok {
		return
	}
	l, d := f.newLot(), c.Decoder() // not pooled: the sequencer may look at the counters of a bulk request for a moment after its answer
	var ins []bindingIn
	var unknown api.Problem
	letter := func(version []byte) (key ledger.Key) {
		if unknown.Code == "" {
			key, unknown = f.commitmentKey(version)
		}
		return key
	}
	if !eachLine(c, body, func(text []byte) {
		d.Reset(text)
		ins = append(ins, bindingIn{})
		f.bindingLine(l, &ins[len(ins)-1], d, letter)
	}) {
		return
	}
	if unknown.Code != "" {
		c.Fail(unknown)
		return
	}
	if p := f.runLot(l, sequencer.Bulk); p.Code != "" {
		c.Fail(p)
		return
	}
	for i := range l.outs {
		f.letterRefused(&l.outs[i])
	}
	l.appendLines(ledger.KindBinding, func(a *strictjson.Appender, i int, out *decided) {
		if out.effect.Outcome.IsAccepted() {
			appendBound(a, &ins[i], out)
		}
	})
	c.Send(200, mediaNDJSON, l.answer.B)
}

// letterRefused asks for the letter anew before the next binding.
func (f *face) letterRefused(out *decided) {
	if out.effect.Outcome == ledger.CommitmentMissing {
		f.letters.forget()
	}
}

func (f *face) bindingLine(l *lot, in *bindingIn, d *strictjson.Decoder, letter func(version []byte) ledger.Key) {
	x := f.readBinding(l.w, in, d, letter)
	one := line{msgid: l.keep(in.msgid), at: l.w.request.Count}
	in.authorizer = l.keep(in.authorizer)
	if x.bad() {
		p := x.problem()
		one.problem = &p
	} else {
		l.w.add()
	}
	l.lines = append(l.lines, one)
}
