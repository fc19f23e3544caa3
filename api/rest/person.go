package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	personShape    = strictjson.MustShape("msgid? psn_no psn_cert_type certno psn_name phone? gend brdy has_account evoucher_active enrolments")
	enrolmentShape = strictjson.MustShape("insutype psn_type flxempe_flag psn_insu_stas insuplc_admdvs begndate enddate? reason?")
	enrolShape     = strictjson.MustShape("msgid insutype psn_type flxempe_flag psn_insu_stas insuplc_admdvs begndate enddate? reason?")
	lookupShape    = strictjson.MustShape("psn_cert_type certno")
)

// personIn are the fields of a person. Its slices lie in the request body.
type personIn struct {
	msgid, psnNo, certno, name, phone []byte

	certType   uint32
	gend       int // index in gends
	birth      strictjson.Date
	hasAccount bool
	evoucher   bool
	enrolments [ledger.EnrolmentsMax]enrolmentIn
	count      int
}

// enrolmentIn is one enrolment (R19).
type enrolmentIn struct {
	ledger.Enrolment
	msgid []byte
	ended bool
}

func (in *personIn) decode(d *strictjson.Decoder) fault {
	*in = personIn{}
	for d.Object(personShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "psn_no":
			in.psnNo = d.Token(psnNoMax)
		case "psn_cert_type":
			in.certType = typeCode(d, 2, 6)
		case "certno":
			in.certno = d.Token(certnoMax)
		case "psn_name":
			in.name = text(d, nameMax)
		case "phone":
			in.phone = d.Token(opterMax)
		case "gend":
			in.gend = d.Enum(gendEnum)
		case "brdy":
			in.birth = d.Date()
		case "has_account":
			in.hasAccount = d.Bool()
		case "evoucher_active":
			in.evoucher = d.Bool()
		case "enrolments":
			for d.Array(ledger.EnrolmentsMax); d.Next(); in.count++ {
				in.enrolments[in.count].decode(d, enrolmentShape)
			}
		}
	}
	return faultOf(d.Done())
}

// decode reads an enrolment; dates out of order are refused at enddate.
func (in *enrolmentIn) decode(d *strictjson.Decoder, shape *strictjson.Shape) {
	*in = enrolmentIn{}
	for d.Object(shape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "insutype":
			in.Insutype = uint16(typeCodeMost(d, 3, 6, 1<<16-1))
		case "psn_type":
			in.PsnType = typeCode(d, 2, 6)
		case "flxempe_flag":
			in.Flexible = uint8(d.Enum(flagEnum))
		case "psn_insu_stas":
			in.Status = uint8(d.Enum(statusEnum))
		case "insuplc_admdvs":
			in.Area = area(d)
		case "begndate":
			in.Begin = day(d)
		case "enddate":
			// The last day that counts; the ledger takes the first that does not. Not before 1970, where the ledger's 0 means open.
			if in.End = day(d) + 1; in.End < 1 {
				d.Refuse(strictjson.CodeBadValue)
			}
			in.ended = true
		case "reason":
			in.Reason = ledger.Reason(d.Enum(reasonEnum) + 1)
		}
	}
}

// inOrder reports whether an enrolment does not end before it begins.
func (in *enrolmentIn) inOrder() bool { return !in.ended || in.End > in.Begin }

// readPerson decodes and checks a person and makes the command, but for its id.
func (f *face) readPerson(w *work, in *personIn, d *strictjson.Decoder) fault {
	if x := in.decode(d); x.bad() {
		return x
	}
	canonical, ok := w.canonicalCertno(in.certType, in.certno)
	if !ok {
		return badValue("certno")
	}
	w.begin(ledger.KindPerson)
	for i := range in.count {
		if !in.enrolments[i].inOrder() {
			return badValue("enrolments.enddate")
		}
		w.more.Enrolments = append(w.more.Enrolments, in.enrolments[i].Enrolment)
		w.cmd.Area = in.enrolments[i].Area
	}
	w.cmd.Person = ledger.K(in.psnNo)
	w.cmd.Other = f.pseudonym(in.certType, canonical)
	w.cmd.Birth = int32(in.birth.Days())
	if in.hasAccount {
		w.cmd.Has |= ledger.HasAccount
	}
	if in.evoucher {
		w.cmd.Has |= ledger.EvoucherActive
	}
	w.details.Text, w.details.CertType, w.details.Sex = in.psnNo, in.certType, gends[in.gend]
	w.details.Caller = callerBureau
	in.blob(&w.blob, canonical)
	return fault{}
}

// blob writes the personal fields; personBlobShape reads them.
func (in *personIn) blob(a *strictjson.Appender, certno []byte) {
	a.Begin()
	a.Bytes("psn_name", in.name)
	a.Bytes("certno", certno)
	if in.phone != nil {
		a.Bytes("phone", in.phone)
	}
	a.End()
}

// addPerson is POST /v1/persons with one person. A msgid is optional: psn_no says already who it is, and a second one is person_exists.
func (f *face) addPerson(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	w, in := f.take(), &personIn{}
	if x := f.readPerson(w, in, d); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	if in.msgid != nil {
		w.cmd.ID = ledger.K(callerBureau, in.msgid)
		w.details.Message = in.msgid
	}
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.Bytes("psn_no", in.psnNo)
	var code [10]byte
	a.Bytes("psn_cert_type", codeText(code[:0], in.certType))
	a.String("certno", ids.Mask(in.certno))
	a.Bytes("psn_name", in.name)
	a.String("gend", string('0'+rune(gends[in.gend])))
	a.Date("brdy", in.birth)
	a.Bool("has_account", in.hasAccount)
	a.Bool("evoucher_active", in.evoucher)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(201)
	if out.replayed {
		c.Replayed()
	}
}

// enrol is POST /v1/persons/{psn_no}/enrolments.
func (f *face) enrol(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in enrolmentIn
	in.decode(d, enrolShape)
	if x := faultOf(d.Done()); x.bad() {
		c.Fail(x.problem())
		return
	}
	if !in.inOrder() {
		c.Fail(badValue("enddate").problem())
		return
	}
	psnNo, ok := pathPerson(c)
	if !ok {
		c.Fail(notFound("psn_no"))
		return
	}
	w := f.take()
	w.begin(ledger.KindEnrolment)
	w.cmd.ID = ledger.K(callerBureau, in.msgid)
	w.cmd.Person = ledger.K(psnNo)
	w.more.Enrolments = append(w.more.Enrolments, in.Enrolment)
	w.details.Message, w.details.Caller = in.msgid, callerBureau
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	if !ok {
		return
	}
	in.answer(c, psnNo, &out)
}

// appendTold writes an enrolment as it was told.
func appendTold(a *strictjson.Appender, e *ledger.Enrolment) {
	var code [10]byte
	a.Bytes("insutype", codeText(code[:0], uint32(e.Insutype)))
	a.Bytes("psn_type", codeText(code[:0], e.PsnType))
	a.String("flxempe_flag", string('0'+rune(e.Flexible)))
	a.String("psn_insu_stas", string('0'+rune(e.Status)))
	a.Bytes("insuplc_admdvs", codeText(code[:0], e.Area))
	a.Date("begndate", dateOf(e.Begin))
	if e.End != 0 {
		a.Date("enddate", dateOf(e.End-1))
	}
	if e.Reason != ledger.ReasonNone {
		a.String("reason", reasonNames[e.Reason-1])
	}
}

func (in *enrolmentIn) answer(c *api.Call, psnNo []byte, out *decided) {
	a := &c.Out
	a.Begin()
	a.Bytes("psn_no", psnNo)
	appendTold(a, &in.Enrolment)
	a.Time("enrolment_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}
