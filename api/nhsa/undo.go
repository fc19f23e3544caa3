package nhsa

import (
	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// cancelFields are those that the answers of 2208 and 2305 share; cash is the name that the table has for psn_cash_pay.
func cancelFields(cash string) []field {
	return fields([]field{
		token("mdtrt_id", 30, must, "就诊ID"), token("setl_id", 30, must, "结算ID"), token("clr_optins", 6, may, "清算经办机构"), amount("medfee_sumamt", must, "医疗费总额"), moment("setl_time", must, "结算时间"),
	}, moneyFields(), []field{
		amount("psn_part_amt", must, "个人负担总金额"), amount("acct_pay", must, "个人账户支出"), amount(cash, must, "个人现金支出"), amount("hosp_part_amt", must, "医院负担金额"), amount("balc", must, "余额"),
		amount("acct_mulaid_pay", must, "个人账户共济支付金额"), token("medins_setl_id", 30, must, "医药机构结算ID"), extension(),
	})
}

var (
	outpatientCancelInfo = newNode("setlinfo", "结算信息", 0, fields(cancelFields("pdn_cash_pay"), []field{ // spelt so in this one table
		token("psn_no", 30, may, "人员编号"), text("psn_name", 50, may, "人员姓名"), token("psn_cert_type", 6, may, "人员证件类型"), token("certno", 50, may, "证件号码"), token("gend", 6, may, "性别"),
		token("naty", 3, may, "民族"), day("brdy", may, "出生日期"), number("age", 4, 1, may, "年龄"), token("insutype", 6, may, "险种类型"), token("psn_type", 6, may, "人员类别"),
		token("cvlserv_flag", 3, may, "公务员标志"), token("mdtrt_cert_type", 3, may, "就诊凭证类型"), token("med_type", 6, may, "医疗类别"), token("clr_type", 6, may, "清算类别"), token("clr_way", 6, may, "清算方式"),
	})...)
	inpatientCancelInfo = newNode("setlinfo", "结算信息", 0, fields(cancelFields("psn_cash_pay"), []field{
		token("psn_insu_rlts_id", 20, may, "人员参保关系ID"), token("insu_admdvs", 6, may, "参保机构行政区划"), day("begndate", may, "开始日期"), day("enddate", may, "结算日期"),
		token("mdtrt_cert_no", 50, may, "就诊凭证编号"), token("setl_type", 6, may, "结算类别"), amount("crt_dedc", may, "本次起付线"), text("invono", 20, may, "发票号"),
	})...)
)

var outpatientCancel = transaction{infno: "2208", text: "门诊结算撤销", input: cancelInput, output: []*node{outpatientCancelInfo, setlDetail},
	paths: []string{pathCancel}, anytime: true, handle: func(f *face, m *message) fault { return f.cancelBill(m, registrationKind) }}

var inpatientCancel = transaction{infno: "2305", text: "住院结算撤销", input: cancelInput, output: []*node{inpatientCancelInfo, setlDetail},
	anytime: true, handle: func(f *face, m *message) fault { return f.cancelBill(m, stayKind) }}

// cancelBill is 2208 and 2305: the whole settlement back, positive amounts and the old setl_id (R14); its lines are unsettled again (R29).
func (f *face) cancelBill(m *message, kind ids.Kind) fault {
	if x := f.allow(m); x.bad() {
		return x
	}
	var x fault
	if m.place, x = f.placeOf(m.institution()); x.bad() {
		return x
	}
	d, _ := m.child(m.in, 0)
	at, ok := settlementAt(m.get(d, cancelSetl).text)
	if !ok {
		return fault{code: codeNotFound, where: "data.setl_id", label: "结算ID"}
	}
	entry, x := f.settlementOf(m, at, m.get(d, cancelPsn).text)
	if x.bad() {
		return x
	}
	if !isVisitOf(&entry, kind, m.get(d, cancelVisit).text) {
		return fault{code: codeNotFound, where: "data.mdtrt_id", label: "就诊ID"}
	}
	m.command(ledger.KindReversalByID)
	m.cmd.Settlement = at
	m.cmd.Person = entry.Command.Person
	m.blob = appendOperator(m.blob, m)
	if x := f.run(m); x.bad() {
		return x
	}
	if m.effect.Outcome != ledger.Accepted {
		return m.refusal(cancelData)
	}
	return f.answerUndone(m, &entry, kind)
}

// isVisitOf tells whether an mdtrt_id is that of a settlement's visit.
func isVisitOf(entry *engine.Entry, kind ids.Kind, text []byte) bool {
	at, ok := visitAt(kind, text)
	return ok && entry.Command.Visit == at
}

func (f *face) answerUndone(m *message, entry *engine.Entry, kind ids.Kind) fault {
	k, _ := keptOf(entry)
	x := figures{bill: entry.Command.Bill, own: m.effect.Own, mulaid: m.effect.Mulaid, cash: entry.Effect.Cash, balc: m.effect.Balc, ratio: k.ratio, sumAll: k.sumAll}
	setl, visit := settlementID(entry.Position), visitID(kind, entry.Command.Visit)
	o := &m.out
	o.begin("setlinfo")
	o.text("mdtrt_id", visit[:])
	o.text("setl_id", setl[:])
	clearing(o, &m.effect)
	o.money("medfee_sumamt", x.bill.Medfee)
	o.moment("setl_time", m.timeMS)
	x.parts(o)
	o.money("psn_part_amt", x.acctPay()+x.cash)
	o.money("acct_pay", x.acctPay())
	if kind == stayKind {
		o.money("psn_cash_pay", x.cash)
	} else {
		o.money("pdn_cash_pay", x.cash)
	}
	o.money("hosp_part_amt", x.bill.HospPart)
	o.money("balc", x.balc)
	o.money("acct_mulaid_pay", x.mulaid)
	o.text("medins_setl_id", m.header(envMsgid))
	o.blank("exp_content")
	var bad fault
	if kind == stayKind {
		bad = f.stayUndone(m, entry)
	} else {
		bad = f.visitUndone(m, entry, k.psnType)
	}
	if bad.bad() {
		return unknownOutcome() // it was done; a repeat tells how
	}
	o.end()
	x.details(o, entry.Details.Insutype, x.balc)
	return fault{}
}

// visitUndone writes what only 2208 tells. Certificates are not sent back.
func (f *face) visitUndone(m *message, entry *engine.Entry, psnType uint32) fault {
	_, a, x := f.record(entry.Effect.Patient)
	if x.bad() {
		return x
	}
	o := &m.out
	d, _ := m.child(m.in, 0)
	o.text("psn_no", m.get(d, cancelPsn).text)
	o.text("psn_name", a.name)
	o.code("psn_cert_type", a.certType)
	o.str("certno", ids.Mask(a.certno))
	a.write(o, dayOf(entry.TimeMS))
	o.code("insutype", entry.Details.Insutype)
	if psnType == 0 {
		o.blank("psn_type")
	} else {
		o.code("psn_type", psnType)
	}
	o.str("cvlserv_flag", "0")
	o.str("mdtrt_cert_type", credentialText[entry.Command.CredType])
	o.code("med_type", entry.Details.MedType)
	if bad := f.clrType(o, entry.Position, entry.TimeMS, entry.Details.MedType, entry.Details.Insutype, m.place.kind); bad.bad() {
		return bad
	}
	o.blank("clr_way")
	return fault{}
}

// stayUndone writes what only 2305 tells.
func (f *face) stayUndone(m *message, entry *engine.Entry) fault {
	opened, x := f.openedBy(m, entry.Command.Visit)
	if x.bad() {
		return x
	}
	p, ok := openBlob(entry)
	if !ok {
		return fault{code: codeUnavailable}
	}
	o := &m.out
	o.blank("psn_insu_rlts_id")
	o.text("insu_admdvs", m.header(envHome))
	o.day("begndate", firstDay(&opened))
	o.day("enddate", dayOf(entry.TimeMS))
	o.blank("mdtrt_cert_no", "setl_type")
	o.zeros("crt_dedc")
	o.text("invono", p.invono)
	return fault{}
}

// firstDay of a visit: as told, or the day of its opening.
func firstDay(opened *engine.Entry) int64 {
	if d := int64(opened.Command.Day); d != 0 {
		return min(d, dayOf(opened.TimeMS))
	}
	return dayOf(opened.TimeMS)
}
