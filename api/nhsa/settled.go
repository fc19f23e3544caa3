package nhsa

import (
	"gongji/api/nhsa/catalogue"
	"gongji/api/rest"
	"gongji/engine/ledger"
)

// rowsMax is an output list's; nothing is refused by it.
const rowsMax = 1000

// moneyFields are those that the answers of settlements and cancels share, in the order of the tables.
func moneyFields() []field {
	return []field{
		amount("fulamt_ownpay_amt", must, "全自费金额"), amount("overlmt_selfpay", must, "超限价自费费用"), amount("preselfpay_amt", must, "先行自付金额"),
		amount("inscp_scp_amt", must, "符合政策范围金额"), amount("act_pay_dedc", may, "实际支付起付线"), amount("hifp_pay", must, "基本医疗保险统筹基金支出"),
		number("pool_prop_selfpay", 5, percent, must, "基本医疗保险统筹基金支付比例"), amount("cvlserv_pay", must, "公务员医疗补助资金支出"),
		amount("hifes_pay", must, "企业补充医疗保险基金支出"), amount("hifmi_pay", must, "居民大病保险资金支出"), amount("hifob_pay", must, "职工大额医疗费用补助基金支出"),
		amount("maf_pay", must, "医疗救助基金支出"), amount("hifdm_pay", must, "伤残人员医疗保障基金支出"), amount("oth_pay", must, "其他支出"), amount("fund_pay_sumamt", must, "基金支付总额"),
	}
}

func fields(lists ...[]field) (all []field) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

var (
	setlInfo = newNode("setlinfo", "结算信息", 0, fields([]field{
		token("setl_id", 30, may, "结算ID"), token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), text("psn_name", 50, must, "人员姓名"),
		token("psn_cert_type", 6, must, "人员证件类型"), token("certno", 50, must, "证件号码"), token("gend", 6, may, "性别"), token("naty", 3, may, "民族"), day("brdy", may, "出生日期"),
		number("age", 4, 1, must, "年龄"), token("insutype", 6, must, "险种类型"), token("psn_type", 6, must, "人员类别"), token("cvlserv_flag", 3, must, "公务员标志"),
		moment("setl_time", must, "结算时间"), token("mdtrt_cert_type", 3, may, "就诊凭证类型"), token("med_type", 6, must, "医疗类别"), amount("medfee_sumamt", must, "医疗费总额"),
	}, moneyFields(), []field{
		amount("psn_part_amt", must, "个人负担总金额"), amount("acct_pay", must, "个人账户支出"), amount("psn_cash_pay", must, "个人现金支出"), amount("hosp_part_amt", may, "医院负担金额"),
		amount("balc", must, "余额"), amount("acct_mulaid_pay", must, "个人账户共济支付金额"), token("medins_setl_id", 30, must, "医药机构结算ID"), token("clr_optins", 6, may, "清算经办机构"),
		token("clr_way", 6, may, "清算方式"), token("clr_type", 6, must, "清算类别"), extension(),
	})...)
	setlDetail = newNode("setldetail", "结算明细", rowsMax,
		token("fund_pay_type", 6, must, "基金支付类型"), amount("inscp_scp_amt", must, "符合政策范围金额"), amount("crt_payb_lmt_amt", must, "本次可支付限额金额"),
		amount("fund_payamt", must, "基金支付金额"), text("fund_pay_type_name", 200, may, "基金支付类型名称"), text("setl_proc_info", 4000, may, "结算过程信息"))
	cutInfo = newNode("detlcutinfo", "费用明细分割信息", rowsMax,
		token("feedetl_sn", 30, must, "费用明细流水号"), amount("det_item_fee_sumamt", must, "明细项目费用总额"), number("cnt", 16, scale4, must, "数量"), number("pric", 16, scale6, must, "单价"),
		number("pric_uplmt_amt", 16, scale6, must, "定价上限金额"), number("selfpay_prop", 5, percent, may, "自付比例"), amount("fulamt_ownpay_amt", may, "全自费金额"),
		amount("overlmt_amt", may, "超限价金额"), amount("preselfpay_amt", may, "先行自付金额"), amount("inscp_scp_amt", may, "符合政策范围金额"), token("chrgitm_lv", 3, must, "收费项目等级"),
		token("med_chrgitm_type", 6, must, "医疗收费项目类别"), token("bas_medn_flag", 3, may, "基本药物标志"), token("hi_nego_drug_flag", 3, may, "医保谈判药品标志"),
		token("chld_medc_flag", 3, may, "儿童用药标志"), token("list_sp_item_flag", 3, may, "目录特项标志"), token("drt_reim_flag", 3, may, "直报标志"), text("memo", 500, may, "备注"))
)

// figures are what every answer about a settlement tells of its money: the bill as logged and what was decided. Amounts in fen.
type figures struct {
	bill              ledger.BillInput
	own, mulaid, cash int64
	balc              int64
	ratio             int64 // 1e-4
	sumAll            bool  // fund_pay_sumamt contains account money (R1)
}

func (x *figures) acctPay() int64 { return x.own + x.mulaid }

// fundSum is fund_pay_sumamt.
func (x *figures) fundSum() int64 {
	if x.sumAll {
		return x.bill.Fund + x.acctPay()
	}
	return x.bill.Fund
}

// parts writes moneyFields. The fund's share is all hifp_pay: no calculator splits it (fund/DESIGN.md).
func (x *figures) parts(o *out) {
	b := &x.bill
	o.money("fulamt_ownpay_amt", b.Fulamt)
	o.money("overlmt_selfpay", b.Overlmt)
	o.money("preselfpay_amt", b.Preselfpay)
	o.money("inscp_scp_amt", b.Inscp)
	o.zeros("act_pay_dedc")
	o.money("hifp_pay", b.Fund)
	o.num("pool_prop_selfpay", x.ratio, percent)
	o.zeros("cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "hifdm_pay", "oth_pay")
	o.money("fund_pay_sumamt", x.fundSum())
}

// paid writes who pays what the fund does not (E1 to E3).
func (x *figures) paid(o *out) {
	o.money("psn_part_amt", x.acctPay()+x.cash)
	o.money("acct_pay", x.acctPay())
	o.money("psn_cash_pay", x.cash)
}

// figuresOf are those of a message: of a repeat, as they were the first time.
func (m *message) figuresOf() figures {
	x := figures{bill: m.cmd.Bill, own: m.effect.Own, mulaid: m.effect.Mulaid, cash: m.effect.Cash, balc: m.effect.Balc, ratio: m.result.Ratio, sumAll: m.sumAll}
	if m.first != nil {
		x.bill = m.first.Command.Bill
		k, _ := keptOf(m.first)
		x.ratio, x.sumAll = k.ratio, k.sumAll
	}
	return x
}

// answerPurchase writes the answer of 2101 and 2102.
func (f *face) answerPurchase(m *message, setl, mdtrt id) fault {
	b := m.bill
	who := billed{name: m.get(b, drugBill.psnName).text, psnType: m.get(b, drugBill.psnType).text}
	if x := f.answerBill(m, setl, mdtrt, &who); x.bad() {
		return x
	}
	m.cut()
	return fault{}
}

// billed is what an answer tells of the patient besides his numbers: as sent where the table has it, else as recorded.
type billed struct{ name, psnType []byte }

// answerBill writes setlinfo and setldetail of the six settlements. setl is the zero id in a preview.
func (f *face) answerBill(m *message, setl, mdtrt id, who *billed) fault {
	x := m.figuresOf()
	o, b, form := &m.out, m.bill, m.form
	in := func(i int) []byte { return m.get(b, i).text }
	o.begin("setlinfo")
	if setl != (id{}) {
		o.text("setl_id", setl[:])
	}
	o.text("mdtrt_id", mdtrt[:])
	o.text("psn_no", in(form.psnNo))
	o.text("psn_name", who.name)
	o.text("psn_cert_type", in(form.certType))
	o.text("certno", in(form.certno))
	if bad := f.person(m, b); bad.bad() {
		return bad
	}
	o.text("insutype", in(form.insutype))
	o.text("psn_type", who.psnType)
	o.str("cvlserv_flag", "0")
	o.moment("setl_time", m.timeMS)
	o.text("mdtrt_cert_type", in(form.kind))
	o.code("med_type", m.details.MedType)
	o.money("medfee_sumamt", x.bill.Medfee)
	x.parts(o)
	x.paid(o)
	o.money("hosp_part_amt", x.bill.HospPart)
	o.money("balc", x.balc)
	o.money("acct_mulaid_pay", x.mulaid)
	o.text("medins_setl_id", m.header(envMsgid))
	clearing(o, &m.effect)
	o.blank("clr_way")
	at := m.position
	if setl == (id{}) {
		at = rest.NextPosition
	}
	if bad := f.clrType(o, at, m.timeMS, m.details.MedType, m.details.Insutype, m.place.kind); bad.bad() {
		return bad
	}
	o.blank("exp_content")
	o.end()
	x.details(o, m.details.Insutype, x.balc+x.own)
	return fault{}
}

// clearing writes clr_optins: the patient's area when it was settled, which no later move changes (R16) and 3201 and 3202 select by. What the message
// says of insuplc_admdvs is not looked at: a till that told another one would never be level.
func clearing(o *out, f *ledger.Effect) {
	if f.Area == 0 { // enrolled nowhere
		o.blank("clr_optins")
		return
	}
	o.code("clr_optins", f.Area)
}

// clrType writes the clearing category by the profile in force when the bill was settled (R16).
func (f *face) clrType(o *out, at ledger.Position, ms int64, medType, insutype uint32, place uint8) fault {
	clr, err := f.clrTypes.Of(at, ms, rest.BillKind{MedType: medType, Insutype: insutype, Place: place})
	if err != nil {
		return unknownOutcome()
	}
	o.str("clr_type", clr)
	return fault{}
}

// person writes sex, birth and age: of an identity number what it says, of another certificate what the person's record says.
func (f *face) person(m *message, b int32) fault {
	a, ok := aboutCertno(m.get(b, m.form.certType).text, m.get(b, m.form.certno).text)
	if !ok {
		var x fault
		if _, a, x = f.record(m.effect.Patient); x.bad() {
			return unknownOutcome()
		}
	}
	a.write(&m.out, dayOf(m.timeMS))
	return fault{}
}

func (a *about) write(o *out, today int64) {
	if !a.known {
		o.blank("gend", "naty", "brdy")
	} else {
		o.str("gend", sexes[a.gend%10])
		o.blank("naty")
		o.day("brdy", int64(a.birth))
	}
	o.num("age", a.age(today)*10, 1)
}

var sexes = [10]string{"0", "1", "2", "0", "0", "0", "0", "0", "0", "9"}

// Funds of setldetail (nhsa-interface.md 1.11). The pooled fund of an insurance without a code of its own has no line: none is invented (R8).
const (
	fundAccount  = "310200"
	fundEmployee = "310100"
	fundResident = "390100"
	fundBirth    = "510100"
)

func pooledFund(insutype uint32) (code, name string) {
	switch insutype {
	case 310:
		return fundEmployee, "职工基本医疗保险统筹基金"
	case 390, 380, 391:
		return fundResident, "城乡居民基本医疗保险基金"
	case 510:
		return fundBirth, "生育保险基金"
	}
	return "", ""
}

// details writes setldetail: one line for accounts, own and relatives' together (R8), and one for the pooled fund if it pays. limit is what the own
// account could give; what the pooled fund could, nobody knows here: the amount it pays.
func (x *figures) details(o *out, insutype uint32, limit int64) {
	o.list("setldetail")
	if code, name := pooledFund(insutype); code != "" && x.bill.Fund > 0 {
		x.detail(o, code, name, x.bill.Fund, x.bill.Fund)
		o.blank("setl_proc_info")
		o.end()
	}
	x.detail(o, fundAccount, "职工基本医疗保险个人账户", x.acctPay(), limit)
	o.key("setl_proc_info")
	o.b = append(o.b, `"本人账户支付`...)
	o.b = appendNumber(o.b, x.own, fen)
	o.b = append(o.b, "元，共济支付"...)
	o.b = appendNumber(o.b, x.mulaid, fen)
	o.b = append(o.b, "元，现金支付"...)
	o.b = append(appendNumber(o.b, x.cash, fen), `元"`...)
	o.end()
	o.endList()
}

func (x *figures) detail(o *out, code, name string, paid, limit int64) {
	o.open()
	o.str("fund_pay_type", code)
	o.money("inscp_scp_amt", x.bill.Inscp)
	o.money("crt_payb_lmt_amt", limit)
	o.money("fund_payamt", paid)
	o.str("fund_pay_type_name", name)
}

// cut writes detlcutinfo: each line with its parts; of a repeat, as they were the first time.
func (m *message) cut() {
	if m.first != nil {
		if k, ok := keptOf(m.first); ok && len(k.lines) == len(m.lines) {
			for i := range m.lines {
				p := k.lines[i]
				p.Inscp = m.lines[i].line.Amount - p.Fulamt - p.Overlmt - p.Preselfpay
				m.lines[i].Parts = p
			}
		}
	}
	o := &m.out
	o.list("detlcutinfo")
	for i := range m.lines {
		l := &m.lines[i]
		o.open()
		o.text("feedetl_sn", m.get(l.row, lineSN).text)
		o.money("det_item_fee_sumamt", l.line.Amount)
		o.num("cnt", l.line.Count, scale4)
		o.num("pric", l.line.Price, scale6)
		appendCut(o, &l.Parts)
		o.end()
	}
	o.endList()
}

// appendCut writes what the catalogue says of a line; 2204 answers the same fields.
func appendCut(o *out, p *catalogue.Parts) {
	o.num("pric_uplmt_amt", p.CeilingPrice, scale6)
	o.num("selfpay_prop", p.SelfpayProp, percent)
	o.money("fulamt_ownpay_amt", p.Fulamt)
	o.money("overlmt_amt", p.Overlmt)
	o.money("preselfpay_amt", p.Preselfpay)
	o.money("inscp_scp_amt", p.Inscp)
	o.code2("chrgitm_lv", p.Level)
	o.code2("med_chrgitm_type", p.ChargeType)
	for i, name := range [...]string{"bas_medn_flag", "hi_nego_drug_flag", "chld_medc_flag", "list_sp_item_flag", "drt_reim_flag"} {
		o.str(name, flagText[p.Flags>>(i+1)&1])
	}
	o.str("memo", whys[p.Why])
}

var flagText = [...]string{"0", "1"}

// whys tell what a line's parts rest on.
var whys = [...]string{catalogue.Listed: "", catalogue.OutsideList: "丙类，全自费", catalogue.Unknown: "目录外，全自费", catalogue.NotThatDay: "目录当日无效，全自费",
	catalogue.NotApproved: "限制使用且未审批，全自费", catalogue.RefusedByHouse: "医院审批不予报销，全自费"}
