package nhsa

import (
	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

var (
	queryData = newNode("data", "查询条件", 0,
		token("psn_no", 30, must, "人员编号"), token("setl_id", 30, must, "结算ID"), token("mdtrt_id", 30, must, "就诊ID"))
	queryPsn   = queryData.at("psn_no")
	querySetl  = queryData.at("setl_id")
	queryVisit = queryData.at("mdtrt_id")

	// 1.9 names the fields of this answer; their types are those of the same names elsewhere.
	queryInfo = newNode("setlinfo", "结算信息", 0, fields([]field{
		token("setl_id", 30, must, "结算ID"), token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), text("psn_name", 50, must, "人员姓名"),
		token("psn_cert_type", 6, must, "人员证件类型"), token("certno", 50, must, "证件号码"), token("gend", 6, may, "性别"), token("naty", 3, may, "民族"), day("brdy", may, "出生日期"),
		number("age", 4, 1, must, "年龄"), token("insutype", 6, must, "险种类型"), token("psn_type", 6, must, "人员类别"), token("cvlserv_flag", 3, must, "公务员标志"),
		token("flxempe_flag", 3, may, "灵活就业标志"), token("nwb_flag", 3, may, "新生儿标志"), token("insu_optins", 6, may, "参保机构医保区划"), text("emp_name", 200, may, "单位名称"),
		token("pay_loc", 6, may, "支付地点类别"), token("fixmedins_code", 30, must, "定点医药机构编号"), text("fixmedins_name", 200, must, "定点医药机构名称"), token("hosp_lv", 6, may, "医院等级"),
		token("fixmedins_poolarea", 6, may, "定点归属机构"), token("lmtpric_hosp_lv", 6, may, "限价医院等级"), token("dedc_hosp_lv", 6, may, "起付线医院等级"),
		day("begndate", may, "开始日期"), day("enddate", may, "结束日期"), moment("setl_time", must, "结算时间"), token("mdtrt_cert_type", 3, may, "就诊凭证类型"),
		token("med_type", 6, must, "医疗类别"), token("clr_type", 6, must, "清算类别"), token("clr_way", 6, may, "清算方式"), token("clr_optins", 6, may, "清算经办机构"),
		amount("medfee_sumamt", must, "医疗费总额"),
	}, moneyFields(), []field{
		amount("psn_pay", must, "个人支付金额"), amount("acct_pay", must, "个人账户支出"), amount("cash_payamt", must, "现金支付金额"), amount("hosp_part_amt", may, "医院负担金额"),
		amount("balc", must, "余额"), amount("acct_mulaid_pay", must, "个人账户共济支付金额"), token("medins_setl_id", 30, must, "医药机构结算ID"), token("refd_setl_flag", 3, must, "退费结算标志"),
		token("year", 4, may, "年度"), token("dise_codg", 30, may, "病种编码"), text("dise_name", 500, may, "病种名称"), text("invono", 20, may, "发票号"),
		text("opter_id", 30, may, "经办人ID"), text("opter_name", 50, may, "经办人姓名"), moment("opt_time", may, "经办时间"), amount("pref_fund_pay", may, "优抚基金支出"),
	})...)
)

var settlementQuery = transaction{infno: "5203", text: "结算信息查询", input: inputOf(inside(queryData, must)), output: []*node{queryInfo, setlDetail},
	handle: (*face).querySettlement}

// querySettlement is 5203: an institution's own settlement as it was decided, and whether it has been undone since.
func (f *face) querySettlement(m *message) fault {
	d, _ := m.child(m.in, 0)
	at, ok := settlementAt(m.get(d, querySetl).text)
	if !ok {
		return fault{code: codeNotFound, where: "data.setl_id"}
	}
	entry, x := f.settlementOf(m, at, m.get(d, queryPsn).text)
	if x.bad() {
		return x
	}
	since := dayOf(entry.TimeMS)
	switch visit := m.get(d, queryVisit).text; {
	case entry.Command.Visit == 0 && isPurchase(visit, at):
	case isVisitOf(&entry, registrationKind, visit), isVisitOf(&entry, stayKind, visit):
		opened, x := f.openedBy(m, entry.Command.Visit)
		if x.bad() {
			return fault{code: codeUnavailable}
		}
		since = firstDay(&opened)
	default:
		return fault{code: codeNotFound, where: "data.mdtrt_id"}
	}
	p, x := f.placeOf(entry.Command.Institution)
	if x.bad() {
		return x
	}
	undone := false
	var row ledger.Summary
	if x := f.ask(func(v engine.View) {
		undone = v.IsReversed(at)
		row = v.State.Summary(v.State.Persons.At(entry.Effect.Patient))
	}); x.bad() {
		return x
	}
	_, who, x := f.record(entry.Effect.Patient)
	if x.bad() {
		return x
	}
	who.birth, who.known = row.Birth, row.Birth != ledger.BirthUnknown // a correction is in the row
	enrolled, err := f.enrolledAs(entry.Effect.Patient, entry.Details.Insutype)
	if err != nil {
		return fault{code: codeUnavailable}
	}
	return f.answerQuery(m, &queried{entry: &entry, place: p, who: who, enrolled: enrolled, undone: undone, since: since})
}

// queried is what 5203 tells.
type queried struct {
	entry    *engine.Entry
	place    place
	who      about
	enrolled ledger.Enrolment
	undone   bool
	since    int64 // first day of the visit
}

func (f *face) answerQuery(m *message, q *queried) fault {
	e, o := q.entry, &m.out
	k, _ := keptOf(e)
	p, ok := openBlob(e)
	r, known, err := f.engine.Institution(q.place.number)
	if !ok || err != nil || !known {
		return fault{code: codeUnavailable}
	}
	d, _ := m.child(m.in, 0)
	x := figures{bill: e.Command.Bill, own: e.Effect.Own, mulaid: e.Effect.Mulaid, cash: e.Effect.Cash, balc: e.Effect.Balc, ratio: k.ratio, sumAll: k.sumAll}
	o.begin("setlinfo")
	o.text("setl_id", m.get(d, querySetl).text)
	o.text("mdtrt_id", m.get(d, queryVisit).text)
	o.text("psn_no", m.get(d, queryPsn).text)
	q.person(o, e)
	o.text("fixmedins_code", e.Command.Institution.Bytes())
	o.text("fixmedins_name", r.Name)
	o.code2("hosp_lv", q.place.level)
	o.code("fixmedins_poolarea", q.place.area)
	o.blank("lmtpric_hosp_lv", "dedc_hosp_lv")
	o.day("begndate", q.since)
	o.day("enddate", dayOf(e.TimeMS))
	o.moment("setl_time", e.TimeMS)
	o.str("mdtrt_cert_type", credentialText[e.Command.CredType])
	o.code("med_type", e.Details.MedType)
	if x := f.clrType(o, e.Position, e.TimeMS, e.Details.MedType, e.Details.Insutype, q.place.kind); x.bad() {
		return x
	}
	o.blank("clr_way")
	clearing(o, &e.Effect)
	o.money("medfee_sumamt", x.bill.Medfee)
	x.parts(o)
	o.money("psn_pay", x.acctPay()+x.cash)
	o.money("acct_pay", x.acctPay())
	o.money("cash_payamt", x.cash)
	o.money("hosp_part_amt", x.bill.HospPart)
	o.money("balc", x.balc)
	o.money("acct_mulaid_pay", x.mulaid)
	o.text("medins_setl_id", e.Details.Message)
	undone := "0"
	if q.undone {
		undone = "1"
	}
	o.str("refd_setl_flag", undone)
	y, _, _ := civil(dayOf(e.TimeMS))
	o.code("year", uint32(y))
	o.blank("dise_codg", "dise_name")
	o.text("invono", p.invono)
	o.text("opter_id", p.opter)
	o.text("opter_name", p.opterName)
	o.moment("opt_time", e.TimeMS)
	o.zeros("pref_fund_pay")
	o.end()
	x.details(o, e.Details.Insutype, x.balc+x.own)
	return fault{}
}

var credentialText = [...]string{"02", "01", "02", "03"}

// person writes the patient. The certificate number is masked: the till had it, and nothing is sent back with it.
func (q *queried) person(o *out, e *engine.Entry) {
	o.text("psn_name", q.who.name)
	o.code("psn_cert_type", q.who.certType)
	o.str("certno", ids.Mask(q.who.certno))
	q.who.write(o, dayOf(e.TimeMS))
	o.code("insutype", e.Details.Insutype)
	if q.enrolled.PsnType == 0 {
		o.blank("psn_type")
	} else {
		o.code("psn_type", q.enrolled.PsnType)
	}
	o.str("cvlserv_flag", "0")
	o.str("flxempe_flag", flagText[q.enrolled.Flexible&1])
	o.str("nwb_flag", "0")
	if q.enrolled.Area == 0 {
		o.blank("insu_optins")
	} else {
		o.code("insu_optins", q.enrolled.Area)
	}
	o.blank("emp_name")
	o.str("pay_loc", "2") // at the institution
}

// enrolledAs is the newest enrolment in an insurance; the zero value if there is none.
func (f *face) enrolledAs(number uint32, insutype uint32) (ledger.Enrolment, error) {
	list, err := f.engine.Enrolments(number)
	for i := range list {
		if uint32(list[i].Insutype) == insutype {
			return list[i].Enrolment, err
		}
	}
	return ledger.Enrolment{}, err
}
