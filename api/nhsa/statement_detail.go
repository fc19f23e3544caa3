package nhsa

import (
	"gongji/engine/reconcile"
)

var (
	detailData = newNode("data", "对账信息", 0,
		clearingArea(), token("file_qury_no", 64, must, "文件查询号"), moment("stmt_begndate", must, "对账开始日期"), moment("stmt_enddate", must, "对账结束日期"),
		signedAmount("medfee_sumamt", must, "医疗费总额"), signedAmount("fund_pay_sumamt", must, "基金支付总额"), signedAmount("cash_payamt", must, "现金支付金额"),
		number("fixmedins_setl_cnt", 10, 0, must, "定点医药机构结算笔数"), clearingField(), coded("refd_setl_flag", 6, dictFlag, may, "退费结算标志"),
		token("fixmedins_refd_setl_flag", 6, should, "定点医药机构退费结算标志"))
	detailAsked = selectedIn(detailData)
	detailNo    = detailData.at("file_qury_no")
	detailFee   = detailData.at("medfee_sumamt")
	detailFund  = detailData.at("fund_pay_sumamt")
	detailCount = detailData.at("fixmedins_setl_cnt")

	fileInfo = newNode("fileinfo", "文件信息", 0,
		token("file_qury_no", 30, must, "文件查询号"), text("filename", 200, must, "文件名称"), moment("dld_endtime", must, "下载截止时间"))
)

var statementDetail = transaction{infno: "3202", text: "医药机构费用结算对明细账", input: inputOf(inside(detailData, must)), output: []*node{fileInfo},
	paths: []string{pathStmtDetail}, anytime: true, handle: (*face).compareDetails}

// statementOursMax bounds our rows beside theirs: with more than twice as many as they can send there is nothing to compare line by line.
const statementOursMax = 2 * statementLinesMax

// comparison is a detail statement in the making.
type comparison struct {
	statement
	theirs sentFile
	ours   []stated // what counts
	void   []stated // what does not (R15)
	lines  []reconcile.Line
	found  reconcile.Comparison
}

// compareDetails is 3202: the institution's file of settlements and refunds beside ours, row by row; the answer is a file for 9102. It changes nothing.
func (f *face) compareDetails(m *message) fault {
	d, _ := m.child(m.in, 0)
	s, x := f.readSelection(m, d, &detailAsked)
	if x.bad() {
		return x
	}
	file := f.files.get(m.institution(), m.get(d, detailNo).text, m.gotMS)
	if file == nil {
		return noFile("data.file_qury_no")
	}
	c := comparison{statement: statement{selection: s}}
	var packed []byte
	if x := f.walk(func() (x fault) { packed, x = c.compare(f, m, d, file.data); return x }); x.bad() {
		return x
	}
	k := f.files.add(m.institution(), c.fileName(), packed, m.gotMS)
	if k == nil {
		return fault{code: codeBusy, text: "文件暂存空间已满，请稍后重新对账"}
	}
	o := &m.out
	o.begin("fileinfo")
	o.str("file_qury_no", k.no)
	o.str("filename", k.name)
	o.moment("dld_endtime", k.untilMS)
	o.end()
	return fault{}
}

// compare makes the result of a file.
func (c *comparison) compare(f *face, m *message, d int32, packed []byte) (result []byte, x fault) {
	if c.theirs, x = readSent(packed); x.bad() {
		return nil, x
	}
	if x := c.checkSums(m, d); x.bad() {
		return nil, x
	}
	if x := f.eachRow(&c.statement, c.take); x.bad() {
		return nil, x
	}
	theirs := make([]reconcile.Line, len(c.theirs.lines))
	for i := range theirs {
		theirs[i] = c.theirs.lines[i].compared()
	}
	c.found = reconcile.Compare(c.lines, theirs)
	return c.result()
}

// checkSums refuses a file that is not the one the message tells of: fee, fund and count are in both. Whether a refund counts as a settlement of its own
// no source says, so the count may leave refunds out, or take them off. Cash is in no line: it is read and nothing is made of it.
func (c *comparison) checkSums(m *message, d int32) fault {
	var fee, fund, refunds int64
	for i := range c.theirs.lines {
		l := &c.theirs.lines[i]
		if fee, fund = fee+l.fee, fund+l.fund; l.refund() {
			refunds++
		}
	}
	differs := func(field int) fault {
		f := &detailData.fields[field]
		return fault{code: codeParts, where: "data." + f.name, label: f.text, text: "与文件各行合计不符"}
	}
	rows := int64(len(c.theirs.lines))
	switch n := m.get(d, detailCount).num; {
	case fee != m.get(d, detailFee).num:
		return differs(detailFee)
	case fund != m.get(d, detailFund).num:
		return differs(detailFund)
	case n != rows && n != rows-refunds && n != rows-2*refunds:
		return differs(detailCount)
	}
	return fault{}
}

// take keeps a row of ours.
func (c *comparison) take(r *stated) fault {
	if r.void {
		if c.void = append(c.void, *r); len(c.void) <= statementOursMax {
			return fault{}
		}
		return fault{code: codeTooMany, where: "data.stmt_enddate", text: "期间内结算过多，请缩短对账期间"}
	}
	if len(c.ours) == statementOursMax {
		return fault{code: codeTooMany, where: "data.stmt_enddate", text: "期间内结算过多，请缩短对账期间"}
	}
	l := reconcile.Line{Message: r.msgid, Settlement: r.settled, Refund: r.refund}
	l.Tell(reconcile.Medfee, r.fee)
	l.Tell(reconcile.Fund, r.fund)
	l.Tell(reconcile.Acct, r.acct)
	c.ours, c.lines = append(c.ours, *r), append(c.lines, l)
	return fault{}
}

// fileName of a result says its days.
func (c *comparison) fileName() string {
	b := appendDay([]byte("dzjg_"), int64(c.selection.fromDay))
	return string(appendDay(append(b, '_'), int64(c.selection.toDay))) + ".zip"
}
