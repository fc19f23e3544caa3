package rest

import (
	"bytes"
	"errors"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
)

const settlementFields = "fixmedins_code psn_no mdtrt_cert_type mdtrt_cert_no card_sn? begndate? med_type insutype acct_used_flag? " +
	"medfee_sumamt fund_pay_sumamt hosp_part_amt? preselfpay_amt inscp_scp_amt overlmt_selfpay fulamt_ownpay_amt on_shortfall? " +
	"expected? passwords? agent? opter opter_name dev_no? invono?"

var (
	settlementShape = strictjson.MustShape("msgid " + settlementFields)
	previewShape    = strictjson.MustShape(settlementFields)
	expectedShape   = strictjson.MustShape("acct_pay psn_cash_pay")
	passwordShape   = strictjson.MustShape("authorizer_psn_no password")
	agentShape      = strictjson.MustShape("cert_type certno name relation principal_doc_shown")
)

// passwordMax is what a till's keyboard takes; passwordMin is K20's six digits.
const (
	passwordMax = 30
	passwordMin = 6
)

// billIn are the fields of a settlement that are not in the command yet. Its slices lie in the request body.
type billIn struct {
	msgid, institution, psnNo, credential, opter, opterName, devNo, invono, cardSN []byte

	credentialType int // index in credentials
	passwords      ledger.Passwords
	hasAgent       bool
	agent          agentIn
}

type agentIn struct {
	certType                uint32
	certno, name, relations []byte
	documentShown           bool
}

// readSettlement decodes and checks a settlement and makes its command, ready for add. d has been set to the body.
func (f *face) readSettlement(w *work, d *strictjson.Decoder, shape *strictjson.Shape) fault {
	w.begin(ledger.KindSettlement)
	w.bill = billIn{}
	w.cmd.UsedFlag = 1 // R6
	f.decodeSettlement(w, d, shape)
	if err := d.Done(); err != nil {
		return faultOf(err)
	}
	if x := checkBill(&w.cmd.Bill); x.bad() {
		return x
	}
	if x := w.bill.checkAgent(); x.bad() {
		return x
	}
	if x := f.keyCredential(w); x.bad() {
		return x
	}
	f.keySettlement(w)
	return fault{}
}

// keyCredential turns what the patient shows into the key that the ledger compares (I1 to I4, R27). The number or token goes no further.
func (f *face) keyCredential(w *work) fault {
	in := &w.bill
	switch w.cmd.CredType = ledger.CredentialType(in.credentialType + 1); w.cmd.CredType {
	case ledger.CredentialEvoucher:
		holder, err := f.opt.Vouchers.Resolve(in.credential, f.engine.NowMS())
		if errors.Is(err, engine.ErrVoucher) {
			return fault{CodeVoucher, "mdtrt_cert_no"}
		}
		if err != nil {
			return fault{api.CodeUnavailable, "mdtrt_cert_no"}
		}
		w.cmd.Other = holder
	case ledger.CredentialCard:
		if in.cardSN == nil {
			return fault{api.CodeMissingField, "card_sn"}
		}
		w.cmd.Other = f.engine.CardKey(in.credential, in.cardSN)
	default:
		number, ok := w.canonicalCertno(1, in.credential)
		if !ok {
			return badValue("mdtrt_cert_no")
		}
		w.cmd.Other = f.pseudonym(1, number)
	}
	return fault{}
}

// checkAgent is P1, P2: who buys for another shows both documents, and is not the patient himself.
func (in *billIn) checkAgent() fault {
	switch a := &in.agent; {
	case !in.hasAgent:
	case a.certType == 1 && !validCertno(a.certno):
		return badValue("agent.certno")
	case !a.documentShown:
		return fault{CodeDocument, "agent.principal_doc_shown"}
	case in.credentialType == 1 && a.certType == 1 && bytes.EqualFold(a.certno, in.credential):
		return badValue("agent.certno")
	}
	return fault{}
}

// keySettlement fills in what is derived: keys, and the personal fields that the ledger does not look at.
func (f *face) keySettlement(w *work) {
	in := &w.bill
	w.cmd.Institution = ledger.NewCode(in.institution)
	if in.msgid != nil {
		w.cmd.ID = ledger.K(in.institution, in.msgid)
	}
	w.cmd.Person = ledger.K(in.psnNo)
	w.cmd.Passwords = in.passwords
	w.details.Message, w.details.Caller = in.msgid, in.institution
	a := &w.blob
	a.Begin()
	a.Bytes("opter", in.opter)
	a.Bytes("opter_name", in.opterName)
	if in.devNo != nil {
		a.Bytes("dev_no", in.devNo)
	}
	if in.invono != nil {
		a.Bytes("invono", in.invono)
	}
	if in.hasAgent {
		a.BeginKey("agent")
		a.Uint("cert_type", uint64(in.agent.certType))
		a.Bytes("certno", in.agent.certno)
		a.Bytes("name", in.agent.name)
		a.Bytes("relation", in.agent.relations)
		a.Bool("principal_doc_shown", in.agent.documentShown)
		a.End()
	}
	a.End()
}

// decodeSettlement reads the fields; the switch is long because the call has 25 of them.
func (f *face) decodeSettlement(w *work, d *strictjson.Decoder, shape *strictjson.Shape) {
	in, cmd, bill := &w.bill, &w.cmd, &w.cmd.Bill
	for d.Object(shape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "fixmedins_code":
			in.institution = d.Token(codeMax)
		case "psn_no":
			in.psnNo = d.Token(psnNoMax)
		case "mdtrt_cert_type":
			in.credentialType = d.Enum(credentials)
		case "mdtrt_cert_no":
			in.credential = d.Token(certnoMax)
		case "card_sn":
			in.cardSN = d.Token(cardMax)
		case "begndate":
			cmd.Day = day(d)
		case "med_type":
			w.details.MedType = typeCode(d, 2, 6)
		case "insutype":
			w.details.Insutype = typeCode(d, 3, 6)
		case "acct_used_flag":
			cmd.UsedFlag = uint8(d.Enum(usedFlagEnum))
		case "medfee_sumamt":
			bill.Medfee = positive(d)
		case "fund_pay_sumamt":
			bill.Fund = d.Amount()
		case "hosp_part_amt":
			bill.HospPart = d.Amount()
		case "preselfpay_amt":
			bill.Preselfpay = d.Amount()
		case "inscp_scp_amt":
			bill.Inscp = d.Amount()
		case "overlmt_selfpay":
			bill.Overlmt = d.Amount()
		case "fulamt_ownpay_amt":
			bill.Fulamt = d.Amount()
		case "on_shortfall":
			cmd.Refuse = d.Enum(shortfallEnum) == 1
		case "expected":
			w.decodeExpected(d)
		case "passwords":
			f.decodePasswords(in, d)
		case "agent":
			in.hasAgent = true
			in.agent.decode(d)
		case "opter":
			in.opter = d.Token(opterMax)
		case "opter_name":
			in.opterName = text(d, nameMax)
		case "dev_no":
			in.devNo = d.Token(opterMax)
		case "invono":
			in.invono = d.Token(opterMax)
		}
	}
}

func (w *work) decodeExpected(d *strictjson.Decoder) {
	w.cmd.HasExpected = true
	for d.Object(expectedShape); d.Next(); {
		switch d.Field() {
		case "acct_pay":
			w.cmd.ExpectedAcct = d.Amount()
		case "psn_cash_pay":
			w.cmd.ExpectedCash = d.Amount()
		}
	}
}

// decodePasswords keeps digests and forgets the texts (R23).
func (f *face) decodePasswords(in *billIn, d *strictjson.Decoder) {
	for d.Array(ledger.PasswordsMax); d.Next(); {
		var psnNo, password []byte
		for d.Object(passwordShape); d.Next(); {
			switch d.Field() {
			case "authorizer_psn_no":
				psnNo = d.Token(psnNoMax)
			case "password":
				password = d.Token(passwordMax)
			}
		}
		if d.Err() == nil {
			authorizer := ledger.K(psnNo)
			in.passwords = in.passwords.Add(authorizer, f.engine.PasswordDigest(authorizer, password))
		}
	}
}

func (in *agentIn) decode(d *strictjson.Decoder) {
	for d.Object(agentShape); d.Next(); {
		switch d.Field() {
		case "cert_type":
			in.certType = typeCode(d, 2, 6)
		case "certno":
			in.certno = d.Token(certnoMax)
		case "name":
			in.name = text(d, nameMax)
		case "relation":
			in.relations = d.Digits(1, 3)
		case "principal_doc_shown":
			in.documentShown = d.Bool()
		}
	}
}

// checkBill refuses before the log what R1 and R2 forbid in every state of the ledger. Sums of four amounts do not overflow: each is at
// most 16 digits.
func checkBill(b *ledger.BillInput) fault {
	switch {
	case b.Medfee != b.Fulamt+b.Overlmt+b.Preselfpay+b.Inscp:
		return fault{CodeParts, "medfee_sumamt"}
	case b.Fund > b.Medfee:
		return fault{CodeParts, "fund_pay_sumamt"}
	case b.Fund+b.HospPart > b.Medfee:
		return fault{CodeParts, "hosp_part_amt"}
	}
	return fault{}
}
