package nhsa

import (
	"context"

	"github.com/cespare/xxhash/v2"

	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
	"gongji/engine"
	"gongji/engine/ledger"
)

// linesMax of a purchase: no source has a limit; the input's 40,000 characters are about 50 full lines (nhsa-inpatient.md 4, rule 10), and the
// parts of 50 lines fit the command's personal fields.
const linesMax = 50

// traceMax is the trace codes of a line: one a pack; no source has a limit.
const traceMax = 200

var (
	traceInfo = newNode("durg_trac_info", "追溯码节点信息", traceMax,
		token("feedetl_sn", 30, should, "费用明细流水号"),
		token("drug_trac_codg", 100, must, "药品追溯码"),
		coded("trdn_flag", 3, dictFlag, should, "拆零标志"),
	)
	drugInfo = newNode("druginfo", "购药信息", 0,
		token("psn_no", 30, must, "人员编号"),
		coded("mdtrt_cert_type", 3, dictCredential, must, "就诊凭证类型"),
		token("mdtrt_cert_no", 50, must, "就诊凭证编号"),
		token("card_sn", 32, may, "卡识别码"),
		coded("psn_cert_type", 6, dictCert, must, "证件类型"),
		token("certno", 50, must, "证件号码"),
		token("psn_type", 6, must, "人员类别"),
		text("psn_name", 50, must, "人员姓名"),
		moment("begntime", must, "开始时间"),
		amount("medfee_sumamt", must, "医疗费总额"),
		coded("insutype", 6, dictInsurance, must, "险种类型"),
		free("dise_codg", 30, "病种编码"),
		free("dise_name", 500, "病种名称"),
		coded("acct_used_flag", 1, dictUsed, should, "个人账户使用标志"), // absent: 1 (R6)
		coded("med_type", 6, dictCareOut, must, "医疗类别"),
		extension(),
		text("invono", 20, may, "发票号"),
	)
	drugDetail = newNode("drugdetail", "购药费用明细", linesMax,
		serial("feedetl_sn", must, "费用明细流水号"),
		free("rxno", 30, "处方号"),
		token("rx_circ_flag", 3, should, "外购处方标志"),
		moment("fee_ocur_time", must, "费用发生时间"),
		token("med_list_codg", 50, must, "医疗目录编码"),
		text("medins_list_codg", 150, should, "医药机构目录编码"),
		amount("det_item_fee_sumamt", must, "明细项目费用总额"),
		number("cnt", 16, scale4, must, "数量"),
		number("pric", 16, scale6, must, "单价"),
		free("sin_dos_dscr", 200, "单次剂量描述"),
		free("used_frqu_dscr", 200, "使用频次描述"),
		number("prd_days", 4, 2, may, "周期天数"),
		free("medc_way_dscr", 200, "用药途径描述"),
		free("bilg_dr_codg", 30, "开单医生编码"),
		free("bilg_dr_name", 50, "开单医师姓名"),
		token("tcmdrug_used_way", 6, may, "中药使用方式"),
		extension(),
		traceField(),
	)
	purchaseInput = inputOf(inside(drugInfo, must), inside(drugDetail, must))
)

// traceField has both spellings of the sources (nhsa-inpatient.md 6).
func traceField() field {
	f := inside(traceInfo, may)
	f.alias = "drug_trac_info"
	return f
}

var purchasePreview = transaction{infno: "2101", text: "药店预结算", input: purchaseInput, output: []*node{setlInfo, setlDetail, cutInfo},
	paths: []string{pathPreSettle}, handle: (*face).previewPurchase}

var purchaseSettle = transaction{infno: "2102", text: "药店结算", input: purchaseInput, output: []*node{setlInfo, setlDetail, cutInfo},
	paths: []string{pathSettle, pathSettleV2}, handle: (*face).settlePurchase}

// billIn are the places of a settlement's fields in its table; -1: not in it.
type billIn struct {
	psnNo, psnType, psnName, medfee, insutype, used, medType, invono int
	shown
}

func billInOf(n *node) billIn {
	return billIn{n.at("psn_no"), n.maybe("psn_type"), n.maybe("psn_name"), n.at("medfee_sumamt"), n.at("insutype"), n.at("acct_used_flag"),
		n.maybe("med_type"), n.maybe("invono"), shownIn(n)}
}

var (
	drugBill  = billInOf(drugInfo)
	inDrug    = purchaseInput.at("druginfo")
	inDetail  = purchaseInput.at("drugdetail")
	lineSN    = drugDetail.at("feedetl_sn")
	lineTime  = drugDetail.at("fee_ocur_time")
	lineCode  = drugDetail.at("med_list_codg")
	lineSum   = drugDetail.at("det_item_fee_sumamt")
	lineCount = drugDetail.at("cnt")
	linePrice = drugDetail.at("pric")
)

// purchase is what is worked out of a bill's lines before the log.
type purchase struct {
	place   place
	form    *billIn // the table of bill
	bill    int32   // row of druginfo, or of a visit's settlement
	lines   []lineIn
	asked   fund.Bill
	result  fund.Result
	digest  uint64 // of what was sent (R10)
	sumAll  bool   // fund_pay_sumamt contains account money (R1)
	psnType uint32 // of a bill that does not tell it
	patient uint32 // of a visit's settlement
	charges []left // that are returned
	known   []bool // of lines: the ledger has them already
	content []byte // what digest is made of
	certno  [50]byte
}

// lineIn is a line with its parts.
type lineIn struct {
	row  int32
	line catalogue.Line
	catalogue.Parts
}

// readPurchase checks a purchase and makes its command. Nothing has been logged when it returns. If m.effect has an outcome then, the id was used before.
func (f *face) readPurchase(m *message, preview bool) (x fault) {
	m.command(ledger.KindSettlement)
	if m.place, x = f.placeOf(m.cmd.Institution); x.bad() {
		return x
	}
	if m.place.kind != placePharmacy {
		return fault{code: codeNotSupported, where: "fixmedins_code", text: "药店结算仅限定点零售药店，医疗机构请办理门诊或住院结算"}
	}
	now := f.engine.NowMS()
	if m.sumAll, x = f.sumIncludesAcct(now); x.bad() {
		return x
	}
	m.bill, _ = m.child(m.in, inDrug)
	m.form, m.psnType = &drugBill, 0
	m.kinds()
	medfee := m.get(m.bill, drugBill.medfee).num
	if medfee == 0 {
		return fault{code: codeZero, where: "druginfo.medfee_sumamt"}
	}
	if x = f.classify(m, medfee, dayOf(now)); x.bad() {
		return x
	}
	if x = f.calculate(m, dayOf(now)); x.bad() {
		return x
	}
	m.cmd.Person = ledger.K(m.get(m.bill, drugBill.psnNo).text)
	m.sum(m.tx.infno)
	if x = f.insurePurchase(m, preview); x.bad() || m.effect.Outcome != 0 {
		return x
	}
	if x = f.readPasswords(m); x.bad() {
		return x
	}
	if m.cmd.CredType, m.cmd.Other, x = f.credential(m, m.bill, &drugBill.shown); x.bad() {
		return x
	}
	return m.keep(f.opt.Classifier.Version())
}

// kinds reads what a settlement is told besides amounts.
func (m *message) kinds() {
	m.cmd.UsedFlag = 1 // R6: absent
	if v := m.get(m.bill, m.form.used); v.has {
		m.cmd.UsedFlag = v.text[0] - '0'
	}
	m.details.Insutype = numberOf(m.get(m.bill, m.form.insutype).text)
	if m.form.medType >= 0 {
		m.details.MedType = numberOf(m.get(m.bill, m.form.medType).text)
	}
}

// classify checks the lines and splits each by the catalogue of its day; a day that has not come is taken for today.
func (f *face) classify(m *message, medfee, today int64) fault {
	m.lines = m.lines[:0]
	b := &m.cmd.Bill
	sum := int64(0)
	for r, ok := m.child(m.in, inDetail); ok; r, ok = m.rows[r].next-1, m.rows[r].next != 0 {
		if m.hasSN(m.get(r, lineSN).text) {
			return fault{code: codeRepeated, where: m.lineWhere(r, lineSN), label: drugDetail.fields[lineSN].text}
		}
		m.lines = append(m.lines, lineIn{row: r, line: catalogue.Line{Code: m.get(r, lineCode).text, Count: m.get(r, lineCount).num, Price: m.get(r, linePrice).num,
			Amount: m.get(r, lineSum).num, Day: int32(min(m.get(r, lineTime).num, today)), Approved: catalogue.Absent}})
		l := &m.lines[len(m.lines)-1]
		if l.line.Count == 0 {
			return fault{code: codeZero, where: m.lineWhere(r, lineCount), text: "数量不能为零"}
		}
		if !l.line.AmountAgrees() {
			return fault{code: codeProduct, where: m.lineWhere(r, lineSum)}
		}
		l.Parts = f.opt.Classifier.Classify(&l.line)
		b.Fulamt += l.Fulamt
		b.Overlmt += l.Overlmt
		b.Preselfpay += l.Preselfpay
		b.Inscp += l.Inscp
		sum += l.line.Amount // 50 amounts of 16 digits do not overflow
	}
	if b.Medfee = medfee; sum != medfee {
		return fault{code: codeParts, where: "druginfo.medfee_sumamt", text: "与各明细金额之和不符"}
	}
	return fault{}
}

// hasSN looks for a serial number among the lines read: it is unique in a purchase (nhsa-inpatient.md 4, rule 8).
func (m *message) hasSN(sn []byte) bool {
	for i := range m.lines {
		if string(m.get(m.lines[i].row, lineSN).text) == string(sn) {
			return true
		}
	}
	return false
}

// lineWhere names a field of a line for a fault.
func (m *message) lineWhere(r int32, field int) string {
	n := m.rows[r].node
	return string(append(appendStep(nil, n.name, m.rows[r].number), n.fields[field].name...))
}

// calculate asks for the fund's share. It is told as of today: the platform's time decides, not the sender's (R16). A calculator that asks elsewhere
// has a time limit of its own.
func (f *face) calculate(m *message, today int64) fault {
	b := &m.cmd.Bill
	m.asked = fund.Bill{Insutype: m.details.Insutype, MedType: m.details.MedType,
		InstitutionType: m.place.kind, HospLevel: m.place.level, Day: int32(today), Fulamt: b.Fulamt, Overlmt: b.Overlmt, Preselfpay: b.Preselfpay, Inscp: b.Inscp}
	r, err := f.opt.Fund.Calculate(context.Background(), &m.asked)
	if err != nil {
		return fault{code: codeFund}
	}
	if r.Fund < 0 || r.HospPart < 0 || r.Fund+r.HospPart > b.Medfee {
		return fault{code: codeFund}
	}
	m.result = r
	b.Fund, b.HospPart = r.Fund, r.HospPart
	return fault{}
}

// sum makes the digest of what was sent (R10): who, amounts and kinds; never a token, operator, name, serial number or time.
func (m *message) sum(infno string) {
	c := append(m.content[:0], infno...)
	for _, i := range [...]int{drugBill.psnNo, drugBill.medType, drugBill.insutype} {
		c = append(append(c, 0), m.get(m.bill, i).text...)
	}
	c = append(c, 0, m.cmd.UsedFlag)
	for i := range m.lines {
		l := &m.lines[i].line
		c = append(append(c, 0), l.Code...)
		for _, n := range [...]int64{l.Count, l.Price, l.Amount} {
			c = appendNumber(append(c, 0), n, 0)
		}
	}
	m.content, m.digest = c, xxhash.Sum64(c)
}

// settlePurchase is 2102.
func (f *face) settlePurchase(m *message) fault {
	if x := f.allow(m); x.bad() {
		return x
	}
	if x := f.readPurchase(m, false); x.bad() {
		return x
	}
	if m.effect.Outcome == 0 {
		if x := f.run(m); x.bad() {
			return x
		}
	}
	if m.effect.Outcome != ledger.Accepted {
		return m.refusal(drugInfo)
	}
	return f.answerPurchase(m, settlementID(m.position), purchaseID(m.position))
}

// previewPurchase is 2101: what would be paid now. It changes and reserves nothing.
func (f *face) previewPurchase(m *message) fault {
	if x := f.readPurchase(m, true); x.bad() {
		return x
	}
	if x := f.preview(m, drugInfo); x.bad() {
		return x
	}
	return f.answerPurchase(m, id{}, previewID(f.serial.Load()))
}

// preview asks what the command would do now, and refuses what the ledger would; n is the node its fields are named by.
func (f *face) preview(m *message, n *node) fault {
	var err error
	if x := f.ask(func(v engine.View) {
		m.timeMS = v.TimeMS
		m.effect, err = v.Preview(&m.cmd)
	}); x.bad() {
		return x
	}
	if err != nil {
		return fault{code: codeUnavailable}
	}
	if m.effect.Outcome != ledger.Accepted {
		return m.refusal(n)
	}
	return fault{}
}

// refusal is what the ledger decided against, with the field it is about.
func (m *message) refusal(n *node) fault {
	x := refused(m.effect.Outcome)
	x.replayed = m.replayed
	name := ""
	switch m.effect.Outcome {
	case ledger.IDReused, ledger.Blocked:
		x.where = "msgid"
	case ledger.UnknownPerson, ledger.StatusForbids, ledger.WrongPerson:
		name = "psn_no"
	case ledger.UnknownSettlement, ledger.AlreadyReversed:
		name = "setl_id"
	case ledger.VisitUnknown, ledger.VisitClosed, ledger.VisitSettled, ledger.StaySettled, ledger.LinesDiffer, ledger.NotAStay, ledger.NotDischarged:
		name = "mdtrt_id"
	case ledger.VisitPatient:
		name = "psn_no"
	case ledger.VisitExists:
		if name = "ipt_otp_no"; n.maybe(name) < 0 {
			name = "ipt_no"
		}
	case ledger.BatchSettled, ledger.LineUnknown, ledger.LineSettled:
		name = "chrg_bchno"
	case ledger.UnknownCredential, ledger.CredentialInactive, ledger.RelativesCredential, ledger.WrongCredential:
		name = "mdtrt_cert_no"
	}
	if _, has := n.byName[name]; has {
		x.where = n.name + "." + name
	}
	return x
}
