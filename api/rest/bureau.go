package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	changeShape = strictjson.MustShape("msgid has_account? evoucher_active? insuplc_admdvs? brdy?")
	cardShape   = strictjson.MustShape("msgid type number card_sn state")
	freezeShape = strictjson.MustShape("msgid psn_no? family_id? action reason operator second_operator")
)

// changePerson is POST /v1/persons/{psn_no}/changes: an account opened later, the e-voucher, the area, a birth date corrected.
func (f *face) changePerson(c *api.Call) {
	f.aboutPerson(c, ledger.KindPersonChange, func(w *work, d *strictjson.Decoder) (msgid []byte) {
		x := &w.more.Change
		*x = ledger.Change{}
		for d.Object(changeShape); d.Next(); {
			switch d.Field() {
			case "msgid":
				msgid = d.Token(msgidMax)
			case "has_account":
				if x.Mask |= ledger.ChangeAccount; !d.Bool() {
					d.Refuse(strictjson.CodeBadValue) // accounts are never closed so
				}
			case "evoucher_active":
				x.Mask |= ledger.ChangeEvoucher
				x.Evoucher = d.Bool()
			case "insuplc_admdvs":
				x.Mask |= ledger.ChangeArea
				x.Area = area(d)
			case "brdy":
				x.Mask |= ledger.ChangeBirth
				x.Birth = int32(d.Date().Days())
			}
		}
		return msgid
	}, func(w *work) fault {
		if w.more.Change.Mask == 0 {
			return fault{api.CodeMissingField, "has_account"}
		}
		return fault{}
	})
}

// registerCard is POST /v1/persons/{psn_no}/credentials: a social-security card, or its new state (R27). Only its pseudonym is kept.
func (f *face) registerCard(c *api.Call) {
	var number, sn []byte
	f.aboutPerson(c, ledger.KindCredential, func(w *work, d *strictjson.Decoder) (msgid []byte) {
		for d.Object(cardShape); d.Next(); {
			switch d.Field() {
			case "msgid":
				msgid = d.Token(msgidMax)
			case "type":
				d.Enum(cardTypeEnum)
			case "number":
				number = d.Token(certnoMax)
			case "card_sn":
				sn = d.Token(cardMax)
			case "state":
				w.more.State = uint8(d.Enum(cardStateEnum) + 1)
			}
		}
		return msgid
	}, func(w *work) fault {
		w.cmd.CredType, w.cmd.Other = ledger.CredentialCard, f.engine.CardKey(number, sn)
		return fault{}
	})
}

// aboutPerson is a bureau's command about the person of the path; read reads the body into the command, finish checks across fields.
func (f *face) aboutPerson(c *api.Call, kind ledger.Kind, read func(*work, *strictjson.Decoder) []byte, finish func(*work) fault) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	w := f.take()
	w.begin(kind)
	msgid := read(w, d)
	x := faultOf(d.Done())
	if !x.bad() {
		x = finish(w)
	}
	if x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	psnNo, ok := pathPerson(c)
	if !ok {
		f.give(w)
		c.Fail(notFound("psn_no"))
		return
	}
	w.cmd.Person = ledger.K(psnNo)
	if w.cmd.ID.IsZero() {
		w.cmd.ID = ledger.K(callerBureau, msgid)
		w.details.Caller = callerBureau
	}
	w.details.Message = msgid
	f.answerDone(c, w, "psn_no", psnNo)
}

// answerDone logs w's command and answers whom it was about, and when and where it was logged.
func (f *face) answerDone(c *api.Call, w *work, name string, value []byte) {
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.Bytes(name, value)
	a.Time("entry_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// freezeIn are the fields of a freeze. Its slices lie in the request body.
type freezeIn struct {
	msgid, psnNo, family, first, second []byte
	familyNumber                        uint64
}

// freeze is POST /v1/freezes: two operators stop an account from giving, or let it give again (R21).
func (f *face) freeze(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	w, in := f.take(), freezeIn{}
	w.begin(ledger.KindFreeze)
	if x := in.decode(d, &w.more.Freeze); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	z := &w.more.Freeze
	z.Operators = [2]ledger.Key{ledger.K([]byte("operator"), in.first), ledger.K([]byte("operator"), in.second)}
	name, value := "psn_no", in.psnNo
	if z.IsFamily = in.family != nil; z.IsFamily {
		name, value, z.Family = "family_id", in.family, uint32(in.familyNumber)
	} else {
		w.cmd.Person = ledger.K(in.psnNo)
	}
	w.cmd.ID = ledger.K(callerBureau, in.msgid)
	w.details.Message, w.details.Caller = in.msgid, callerBureau
	w.blob.Begin()
	w.blob.Bytes("operator", in.first)
	w.blob.Bytes("second_operator", in.second)
	w.blob.End()
	f.answerDone(c, w, name, value)
}

func (in *freezeIn) decode(d *strictjson.Decoder, z *ledger.Freeze) fault {
	*z = ledger.Freeze{}
	for d.Object(freezeShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "psn_no":
			in.psnNo = d.Token(psnNoMax)
		case "family_id":
			in.family = d.Token(ids.Len)
			n, err := ids.Parse(ids.Family, in.family)
			if in.familyNumber = n; err != nil || n > 1<<32-1 {
				d.Refuse(strictjson.CodeBadValue)
			}
		case "action":
			z.Frozen = d.Enum(freezeEnum) == 1
		case "reason":
			z.Reason = uint8(d.Enum(whyFrozenEnum) + 1)
		case "operator":
			in.first = d.Token(opterMax)
		case "second_operator":
			in.second = d.Token(opterMax)
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		return x
	}
	switch {
	case in.psnNo == nil && in.family == nil:
		return fault{api.CodeMissingField, "psn_no"}
	case in.psnNo != nil && in.family != nil:
		return badValue("family_id")
	}
	return fault{}
}
