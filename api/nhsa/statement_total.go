package nhsa

import (
	"strconv"
	"unicode/utf8"

	"gongji/api/money"
)

var (
	totalData = newNode("data", "对账信息", 0,
		coded("insutype", 6, dictInsurance, must, "险种类型"), clearingField(), clearingArea(), moment("stmt_begndate", must, "对账开始日期"), moment("stmt_enddate", must, "对账结束日期"),
		signedAmount("medfee_sumamt", must, "医疗费总额"), signedAmount("fund_pay_sumamt", must, "基金支付总额"), signedAmount("acct_pay", must, "个人账户支付金额"),
		number("fixmedins_setl_cnt", 10, 0, must, "定点医药机构结算笔数"), coded("refd_setl_flag", 6, dictFlag, may, "退费结算标志"),
		token("fixmedins_refd_setl_flag", 6, should, "定点医药机构退费结算标志")) // nothing says what it is beside the other one
	totalAsked = selectedIn(totalData)
	totalFee   = totalData.at("medfee_sumamt")
	totalFund  = totalData.at("fund_pay_sumamt")
	totalAcct  = totalData.at("acct_pay")
	totalCount = totalData.at("fixmedins_setl_cnt")

	stmtInfo = newNode("stmtinfo", "对账结果", 0,
		token("setl_optins", 6, may, "结算经办机构"), token("stmt_rslt", 6, must, "对账结果"), text("stmt_rslt_dscr", stmtDscrMax, may, "对账结果说明"))
)

// clearingField is clr_type: dozens of local codes, so any digits.
func clearingField() field {
	return field{name: "clr_type", kind: kindDigits, length: 6, need: must, text: "清算类别"}
}

// clearingArea is setl_optins, which the settlements' answers call clr_optins.
func clearingArea() field {
	f := token("setl_optins", 6, must, "结算经办机构")
	f.alias = "clr_optins"
	return f
}

var statementTotal = transaction{infno: "3201", text: "医药机构费用结算对总账", input: inputOf(inside(totalData, must)), output: []*node{stmtInfo},
	paths: []string{pathStmtTotal}, anytime: true, handle: (*face).compareTotals}

// totals of a statement, in fen. Refunds are rows, with negative amounts.
type totals struct {
	fee, fund, acct int64
	rows, refunds   int64
}

func (t *totals) add(r *stated) {
	if r.void {
		return
	}
	t.fee, t.fund, t.acct = t.fee+r.fee, t.fund+r.fund, t.acct+r.acct
	if t.rows++; r.refund {
		t.refunds++
	}
}

// compareTotals is 3201: the institution's sums of a period beside ours. It changes nothing and uses up no id.
func (f *face) compareTotals(m *message) fault {
	d, _ := m.child(m.in, 0)
	s, x := f.readSelection(m, d, &totalAsked)
	if x.bad() {
		return x
	}
	var ours totals
	w := statement{selection: s}
	if x := f.walk(func() fault {
		return f.eachRow(&w, func(r *stated) fault { ours.add(r); return fault{} })
	}); x.bad() {
		return x
	}
	theirs := totals{fee: m.get(d, totalFee).num, fund: m.get(d, totalFund).num, acct: m.get(d, totalAcct).num, rows: m.get(d, totalCount).num}
	result, dscr := f.opt.StatementLevel, theirs.differ(&ours)
	if len(dscr) > 0 {
		result = f.opt.StatementDiffers
	} else {
		dscr = append(dscr, "总账一致"...)
	}
	if w.open {
		dscr = append(dscr, "；期间内有未日结日期，结果可能变化"...)
	}
	o := &m.out
	o.begin("stmtinfo")
	o.text("setl_optins", m.get(d, totalAsked.area).text)
	o.str("stmt_rslt", result)
	o.text("stmt_rslt_dscr", cutRunes(dscr, stmtDscrMax))
	o.end()
	return fault{}
}

// stmtDscrMax characters of stmt_rslt_dscr.
const stmtDscrMax = 200

// differ says which figures are not the same, and what each side has; nothing if all are.
func (t *totals) differ(ours *totals) (b []byte) {
	b = appendBoth(b, "医疗费总额", t.fee, ours.fee)
	b = appendBoth(b, "基金支付总额", t.fund, ours.fund)
	b = appendBoth(b, "个人账户支付", t.acct, ours.acct)
	if t.rows != ours.rows {
		b = strconv.AppendInt(append(beginNext(b), "结算笔数：机构"...), t.rows, 10)
		b = strconv.AppendInt(append(b, "，中心"...), ours.rows, 10)
		if ours.refunds > 0 {
			b = append(strconv.AppendInt(append(b, "（含退费"...), ours.refunds, 10), "）"...)
		}
	}
	return b
}

// appendBoth writes an amount that the two sides do not have alike.
func appendBoth(b []byte, name string, theirs, ours int64) []byte {
	if theirs == ours {
		return b
	}
	b = money.Append(append(append(beginNext(b), name...), "：机构"...), theirs)
	return money.Append(append(b, "，中心"...), ours)
}

func beginNext(b []byte) []byte {
	if len(b) > 0 {
		b = append(b, "；"...)
	}
	return b
}

// cutRunes shortens a text to so many characters.
func cutRunes(b []byte, most int) []byte {
	for n := utf8.RuneCount(b); n > most; n-- {
		_, size := utf8.DecodeLastRune(b)
		b = b[:len(b)-size]
	}
	return b
}
