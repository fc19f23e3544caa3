package rest

import (
	"gongji/api/strictjson"
	"gongji/engine/ledger"
)

const settlementFields = "fixmedins_code psn_no mdtrt_cert_type mdtrt_cert_no card_sn? med_type insutype acct_used_flag? " +
	"medfee_sumamt fund_pay_sumamt hosp_part_amt? preselfpay_amt inscp_scp_amt overlmt_selfpay fulamt_ownpay_amt on_shortfall? " +
	"expected? passwords? agent? opter opter_name dev_no? invono?"

var (
	settlementShape = strictjson.MustShape("msgid " + settlementFields)
	previewShape    = strictjson.MustShape(settlementFields)
	expectedShape   = strictjson.MustShape("acct_pay psn_cash_pay")
	passwordShape   = strictjson.MustShape("authorizer_psn_no password")
	agentShape      = strictjson.MustShape("cert_type certno name relation principal_doc_shown")
)

// passwordsMax: one for each relative who could pay at all would be 32; nobody types more than 8.
const passwordsMax = 8

// billIn are the fields of a settlement that are not in the command yet. Its slices lie in the request body.
type billIn struct {
	msgid, institution, psnNo, credential, opter, opterName, devNo, invono []byte

	credentialType int // index in credentials
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
	w.decodeSettlement(d, shape)
	if err := d.Done(); err != nil {
		return faultOf(err)
	}
	if x := checkBill(&w.cmd.Bill); x.bad() {
		return x
	}
	if w.bill.credentialType != 1 {
		return fault{CodeCredentialType, "mdtrt_cert_type"}
	}
	credential, ok := w.canonicalCertno(1, w.bill.credential)
	if !ok {
		return badValue("mdtrt_cert_no")
	}
	if in := &w.bill; in.hasAgent && in.agent.certType == 1 && !validCertno(in.agent.certno) {
		return badValue("agent.certno")
	}
	f.keySettlement(w, credential)
	return fault{}
}

// keySettlement fills in what is derived: keys, and the personal fields that the ledger does not look at.
func (f *face) keySettlement(w *work, credential []byte) {
	in := &w.bill
	w.cmd.Institution = ledger.NewCode(in.institution)
	if in.msgid != nil {
		w.cmd.ID = ledger.K(in.institution, in.msgid)
	}
	w.cmd.Person = ledger.K(in.psnNo)
	w.cmd.Other = f.pseudonym(1, credential)
	w.details.Message, w.details.Caller = in.msgid, in.institution
	w.cmd.CredType = ledger.CredentialType(in.credentialType + 1)
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

// decodeSettlement reads the fields; the switch is long because the call has 24 of them.
func (w *work) decodeSettlement(d *strictjson.Decoder, shape *strictjson.Shape) {
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
			d.Token(cardMax) // only cards have one, and cards come with R27
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
			decodePasswords(d)
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

// decodePasswords checks the form and forgets: no source has a password in any shipped profile (K20, R23), and what is not needed is not
// kept.
func decodePasswords(d *strictjson.Decoder) {
	for d.Array(passwordsMax); d.Next(); {
		for d.Object(passwordShape); d.Next(); {
			switch d.Field() {
			case "authorizer_psn_no":
				d.Token(psnNoMax)
			case "password":
				d.Token(opterMax)
			}
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
