package nhsa

import (
	"github.com/cespare/xxhash/v2"

	"gongji/api/ids"
	"gongji/api/nhsa/fund"
	"gongji/engine"
	"gongji/engine/ledger"
)

// costParts are the four parts of a bill as 2207 must and 2303 and 2304 may send them back (R3).
func costParts(need need) []field {
	return []field{amount("fulamt_ownpay_amt", need, "全自费金额"), amount("overlmt_selfpay", need, "超限价金额"), amount("preselfpay_amt", need, "先行自付金额"), amount("inscp_scp_amt", need, "符合政策范围金额")}
}

func outpatientFields(psn need) []field {
	return []field{
		token("psn_no", 30, must, "人员编号"), coded("mdtrt_cert_type", 3, dictCredential, must, "就诊凭证类型"), token("mdtrt_cert_no", 50, must, "就诊凭证编号"), token("card_sn", 32, may, "卡识别码"),
		coded("psn_cert_type", 6, dictCert, must, "证件类型"), token("certno", 50, must, "证件号码"), token("psn_type", 6, psn, "人员类别"), text("psn_name", 50, psn, "人员姓名"),
		coded("med_type", 6, dictCareOut, must, "医疗类别"), amount("medfee_sumamt", must, "医疗费总额"), coded("psn_setlway", 6, dictSetlway, must, "个人结算方式"), token("mdtrt_id", 30, must, "就诊ID"),
		token("chrg_bchno", 30, must, "收费批次号"), coded("acct_used_flag", 1, dictUsed, should, "个人账户使用标志"), // absent: 1 (R6)
		coded("insutype", 6, dictInsurance, must, "险种类型"), extension(), token("pub_hosp_rfom_flag", 6, may, "公立医院改革标志"),
	}
}

func inpatientFields() []field {
	return append([]field{
		token("psn_no", 30, must, "人员编号"), coded("mdtrt_cert_type", 3, dictCredential, must, "就诊凭证类型"), token("mdtrt_cert_no", 50, may, "就诊凭证编号"), token("card_sn", 32, may, "卡识别码"),
		coded("psn_cert_type", 6, dictCert, must, "证件类型"), token("certno", 50, must, "证件号码"), token("psn_type", 6, must, "人员类别"), text("psn_name", 50, must, "人员姓名"),
		amount("medfee_sumamt", must, "医疗费总额"), coded("psn_setlway", 6, dictSetlway, must, "个人结算方式"), token("mdtrt_id", 30, must, "就诊ID"),
		coded("acct_used_flag", 1, dictUsed, should, "个人账户使用标志"), coded("insutype", 6, dictInsurance, must, "险种类型"), coded("mid_setl_flag", 3, dictFlag, must, "中途结算标志"),
		day("dscgTime", may, "出院时间"), token("insuplc_admdvs", 6, must, "参保地医保区划"), token("mdtrtarea_admvs", 6, must, "就医地医保区划"), extension(),
	}, costParts(may)...)
}

var (
	outpatientPreData = newNode("data", "预结算信息", 0, outpatientFields(must)...)
	outpatientData    = newNode("data", "结算信息", 0, fields(outpatientFields(may), []field{text("invono", 20, may, "发票号")}, costParts(must))...)
	inpatientPreData  = newNode("data", "预结算信息", 0, inpatientFields()...)
	inpatientData     = newNode("data", "结算信息", 0, append(inpatientFields(), text("invono", 20, may, "发票号"))...)
)

// visitBill is the table of a visit's settlement: the places of what a purchase does not have; -1: not in it.
type visitBill struct {
	billIn
	visitForm
	batch, interim int
	parts          [4]int
}

func visitBillOf(n *node, kind ids.Kind) visitBill {
	return visitBill{billInOf(n), visitFormOf(n, kind), n.maybe("chrg_bchno"), n.maybe("mid_setl_flag"),
		[4]int{n.maybe("fulamt_ownpay_amt"), n.maybe("overlmt_selfpay"), n.maybe("preselfpay_amt"), n.maybe("inscp_scp_amt")}}
}

var (
	outpatientPreBill = visitBillOf(outpatientPreData, registrationKind)
	outpatientBill    = visitBillOf(outpatientData, registrationKind)
	inpatientPreBill  = visitBillOf(inpatientPreData, stayKind)
	inpatientBill     = visitBillOf(inpatientData, stayKind)
)

var outpatientPreview = transaction{infno: "2206", text: "门诊预结算", input: inputOf(inside(outpatientPreData, must)), output: []*node{setlInfo, setlDetail},
	paths: []string{pathPreSettle}, handle: func(f *face, m *message) fault { return f.previewVisit(m, &outpatientPreBill) }}

var outpatientSettle = transaction{infno: "2207", text: "门诊结算", input: inputOf(inside(outpatientData, must)), output: []*node{setlInfo, setlDetail},
	paths: []string{pathSettle, pathSettleV2}, handle: func(f *face, m *message) fault { return f.settleVisit(m, &outpatientBill) }}

var inpatientPreview = transaction{infno: "2303", text: "住院预结算", input: inputOf(inside(inpatientPreData, must)), output: []*node{setlInfo, setlDetail},
	handle: func(f *face, m *message) fault { return f.previewVisit(m, &inpatientPreBill) }}

var inpatientSettle = transaction{infno: "2304", text: "住院结算", input: inputOf(inside(inpatientData, must)), output: []*node{setlInfo, setlDetail},
	handle: func(f *face, m *message) fault { return f.settleVisit(m, &inpatientBill) }}

// medTypeRegistration is that of a settlement of the registration fee alone, whatever the visit's (nhsa-inpatient.md 4, rule 6).
const medTypeRegistration = 12

// looksMax: a fund calculator that answers slowly leaves time for other lines to come. Their sums are read again behind it, and it is asked anew so
// often before the till is told to wait for the uploads to end.
const looksMax = 3

// look is what the ledger has of a visit and of a message's id at one moment.
type look struct {
	id      ledger.IDEntry
	used    bool // the id is
	held    bool // the visit is held and of this institution
	his     bool // it is the patient's
	covered bool // his insurance was in force on the visit's first day, by the ledger's summary
	visit   ledger.Visit
	day     int32
	sums    ledger.LineSums
	settled bool // lines of the batch are
}

// lookAt asks for a visit's lines, and whether the message id was used before.
func (f *face) lookAt(m *message, preview bool) (l look, x fault) {
	x = f.ask(func(v engine.View) {
		l.day = ledger.DayOf(v.TimeMS)
		if !preview {
			if l.id, l.used = v.FindID(m.cmd.ID); l.used {
				return
			}
		}
		n, found := v.State.FindVisit(m.cmd.Visit, l.day)
		if !found {
			return
		}
		row := v.State.Visits.At(n)
		if l.held = row.Institution == m.place.number; !l.held {
			return
		}
		person := v.State.Persons.At(row.Patient)
		if l.his = person.Key == m.cmd.Person; l.his {
			l.visit = *row
			l.covered = summaryCovers(v.State.Summary(person), m.details.Insutype, row.FirstDay)
			l.sums, l.settled = v.State.UnsettledOf(n, m.cmd.Batch)
		}
	})
	return l, x
}

// judge says why nothing of a visit can be settled, as the ledger would (12.4 of its DESIGN.md). Nothing has been logged: the message id stays free.
func (l *look) judge(m *message, t *visitBill) fault {
	o, field := ledger.Outcome(0), t.visit
	switch state := l.visit.StateOn(l.day); {
	case !l.held:
		o = ledger.VisitUnknown
	case !l.his:
		o, field = ledger.VisitPatient, t.visitForm.psnNo
	case state != ledger.VisitOpened && state != ledger.VisitDischarged:
		o = ledger.VisitClosed
	case l.visit.Final != 0:
		o = ledger.StaySettled
	case l.settled:
		o, field = ledger.BatchSettled, t.batch
	case l.sums.Lines == 0:
		if t.batch >= 0 {
			field = t.batch
		}
		return fault{code: codeNoLines, where: m.lineWhere(m.bill, field)}
	default:
		return l.agrees(m, t)
	}
	x := refused(o)
	x.where = m.lineWhere(m.bill, field)
	return x
}

// agrees refuses amounts and a kind of care that were sent and are not ours (R3).
func (l *look) agrees(m *message, t *visitBill) fault {
	if got := m.get(m.bill, t.medfee).num; got != l.sums.Amount {
		return fault{code: codeParts, where: m.lineWhere(m.bill, t.medfee), text: "与已上传未结算的费用明细之和不符"}
	}
	for i, ours := range [4]int64{l.sums.Fulamt, l.sums.Overlmt, l.sums.Preselfpay, l.sums.Inscp} {
		if t.parts[i] < 0 || !m.get(m.bill, t.parts[i]).has {
			continue
		}
		if got := m.get(m.bill, t.parts[i]).num; got != ours {
			return fault{code: codeParts, where: m.lineWhere(m.bill, t.parts[i]), text: "与中心按明细计算的金额不一致，请重新预结算"}
		}
	}
	sent := m.details.MedType
	if t.billIn.medType >= 0 && l.visit.MedType != 0 && sent != l.visit.MedType && sent != medTypeRegistration {
		return fault{code: codeBadValue, where: m.lineWhere(m.bill, t.billIn.medType), text: "与就诊信息的医疗类别不一致"}
	}
	return fault{}
}

// readBill checks a settlement of a visit and makes its command, but for what the lines say.
func (f *face) readBill(m *message, t *visitBill) (x fault) {
	m.command(ledger.KindSettlement)
	if m.place, x = f.placeOf(m.cmd.Institution); x.bad() {
		return x
	}
	if m.sumAll, x = f.sumIncludesAcct(f.engine.NowMS()); x.bad() {
		return x
	}
	m.bill, _ = m.child(m.in, 0)
	m.form, m.psnType, m.lines = &t.billIn, 0, m.lines[:0]
	if m.get(m.bill, t.medfee).num == 0 {
		return fault{code: codeZero, where: m.lineWhere(m.bill, t.medfee)}
	}
	m.kinds()
	m.cmd.Person = ledger.K(m.get(m.bill, t.billIn.psnNo).text)
	var ok bool
	if m.cmd.Visit, ok = visitAt(t.kind, m.get(m.bill, t.visit).text); !ok {
		return noVisit(m.lineWhere(m.bill, t.visit))
	}
	if t.batch >= 0 {
		m.cmd.Batch = ledger.BatchKey(m.get(m.bill, t.batch).text)
	}
	m.cmd.Interim = t.interim >= 0 && string(m.get(m.bill, t.interim).text) == "1"
	m.sumVisit(t)
	return fault{}
}

// sumVisit makes the digest of what was sent (R10): who, which lines, amounts and kinds.
func (m *message) sumVisit(t *visitBill) {
	c := append(m.content[:0], m.tx.infno...)
	for _, i := range [...]int{t.billIn.psnNo, t.visit, t.batch, t.interim, t.billIn.medType, t.insutype} {
		if c = append(c, 0); i >= 0 {
			c = append(c, m.get(m.bill, i).text...)
		}
	}
	c = append(c, 0, m.cmd.UsedFlag)
	for _, i := range [...]int{t.medfee, t.parts[0], t.parts[1], t.parts[2], t.parts[3]} {
		if c = append(c, 0); i >= 0 && m.get(m.bill, i).has {
			c = appendNumber(c, m.get(m.bill, i).num, 0)
		}
	}
	m.content, m.digest = c, xxhash.Sum64(c)
}

// reckon makes the bill of the visit's lines as they are now, and asks for the fund's share of it. repeat: the id was used before, and what came of it is in m.
func (f *face) reckon(m *message, t *visitBill, preview bool) (repeat bool, x fault) {
	_, local := f.opt.Fund.(fund.None)
	if _, file := f.opt.Fund.(*fund.Ratios); file {
		local = true
	}
	l, x := f.lookAt(m, preview)
	for looks := 1; ; looks++ {
		switch {
		case x.bad():
			return false, x
		case l.used:
			return true, f.usedBy(m, &l.id)
		}
		if x = l.judge(m, t); x.bad() {
			return false, x
		}
		s := l.sums
		m.cmd.Bill = ledger.BillInput{Medfee: s.Amount, Fulamt: s.Fulamt, Overlmt: s.Overlmt, Preselfpay: s.Preselfpay, Inscp: s.Inscp}
		if t.billIn.medType < 0 {
			m.details.MedType = l.visit.MedType
		}
		if x = f.calculate(m, dayOf(f.engine.NowMS())); !x.bad() && m.othersPay() && !l.covered {
			x = f.insure(m, l.visit.Patient, l.visit.FirstDay)
		}
		if m.patient = l.visit.Patient; x.bad() || local {
			return false, x
		}
		if l, x = f.lookAt(m, preview); !x.bad() && !l.used && l.sums == s {
			return false, fault{}
		}
		if looks == looksMax {
			x = refused(ledger.LinesDiffer)
			x.where = m.lineWhere(m.bill, t.visit)
			return false, x
		}
	}
}

// complete adds who shows what, passwords, and what is kept.
func (f *face) complete(m *message, t *visitBill) (x fault) {
	if x = f.readPasswords(m); x.bad() {
		return x
	}
	if !m.get(m.bill, t.number).has { // of a stay: the credential of its admission (R27)
		m.cmd.CredType, m.cmd.Other = 0, ledger.Key{}
	} else if m.cmd.CredType, m.cmd.Other, x = f.credential(m, m.bill, &t.shown); x.bad() {
		return x
	}
	if t.psnType < 0 || !m.get(m.bill, t.psnType).has {
		if m.psnType, x = f.psnTypeOf(m); x.bad() {
			return x
		}
	}
	return m.keep(f.opt.Classifier.Version())
}

// psnTypeOf is the category of the newest enrolment in the bill's insurance, for a table that does not send it: the answer has to tell it.
func (f *face) psnTypeOf(m *message) (uint32, fault) {
	e, err := f.enrolledAs(m.patient, m.details.Insutype)
	if err != nil {
		return 0, fault{code: codeUnavailable}
	}
	return e.PsnType, fault{}
}

// settleVisit is 2207 and 2304.
func (f *face) settleVisit(m *message, t *visitBill) fault {
	if x := f.allow(m); x.bad() {
		return x
	}
	if x := f.readBill(m, t); x.bad() {
		return x
	}
	repeat, x := f.reckon(m, t, false)
	if x.bad() {
		return x
	}
	if !repeat {
		if x := f.complete(m, t); x.bad() {
			return x
		}
		if x := f.run(m); x.bad() {
			return x
		}
	}
	if m.effect.Outcome != ledger.Accepted {
		return m.refusal(t.node)
	}
	return f.answerVisit(m, t, settlementID(m.position))
}

// previewVisit is 2206 and 2303. It changes and reserves nothing.
func (f *face) previewVisit(m *message, t *visitBill) fault {
	if x := f.readBill(m, t); x.bad() {
		return x
	}
	if _, x := f.reckon(m, t, true); x.bad() {
		return x
	}
	if x := f.complete(m, t); x.bad() {
		return x
	}
	if x := f.preview(m, t.node); x.bad() {
		return x
	}
	return f.answerVisit(m, t, id{})
}

func (f *face) answerVisit(m *message, t *visitBill, setl id) fault {
	var who billed
	b := m.bill
	if t.psnName >= 0 {
		who.name = m.get(b, t.psnName).text
	}
	if t.psnType >= 0 {
		who.psnType = m.get(b, t.psnType).text
	}
	if m.first != nil {
		m.details.MedType = m.first.Details.MedType
		if k, ok := keptOf(m.first); ok {
			m.psnType = k.psnType
		}
	}
	if len(who.psnType) == 0 && m.psnType != 0 {
		who.psnType = appendCode(nil, m.psnType)
	}
	if len(who.name) == 0 {
		_, a, x := f.record(m.effect.Patient)
		if x.bad() {
			return unknownOutcome() // it was done; a repeat tells how
		}
		who.name = a.name
	}
	return f.answerBill(m, setl, visitID(t.kind, m.cmd.Visit), &who)
}
