package nhsa

import (
	"encoding/binary"

	"gongji/api/ids"
	"gongji/api/nhsa/catalogue"
	"gongji/engine/ledger"
)

// Digits of a feedetl_sn: the table has 30, and a log of changes says at most 15 in practice (nhsa-interface.md 1.4.10 and 11: the larger is taken). The
// ledger's serial has 64 bits: numbers of 15 digits are themselves, longer ones a key of their text beyond all of these.
const (
	serialDigits    = 30
	serialDigitsOwn = 15
	serialKeyed     = 1 << 63
)

// orderFields are those that 2204 and 2301 share, from the ordering department on.
func orderFields() []field {
	return []field{
		text("bilg_dept_codg", 30, must, "开单科室编码"), text("bilg_dept_name", 100, must, "开单科室名称"), text("bilg_dr_codg", 30, must, "开单医生编码"), text("bilg_dr_name", 50, must, "开单医师姓名"),
		free("acord_dept_codg", 30, "受单科室编码"), free("acord_dept_name", 100, "受单科室名称"), free("orders_dr_code", 30, "受单医生编码"), free("orders_dr_name", 50, "受单医生姓名"),
		token("tcmdrug_used_way", 6, may, "中药使用方式"), token("etip_flag", 3, may, "外检标志"), free("etip_hosp_code", 30, "外检医院编码"), token("dscg_tkdrug_flag", 3, may, "出院带药标志"),
		token("matn_fee_flag", 6, may, "生育费用标志"), free("memo", 1000, "备注"), free("comb_no", 3, "组套编号"), extension(),
	}
}

// minus lets a number be negative.
func minus(f field) field { f.minus = true; return f }

// signed are fields of a line that may be a return: amounts and count are negative.
func signed(list []field) []field {
	list = append([]field(nil), list...)
	for i := range list {
		list[i].minus = list[i].kind == kindNumber && list[i].scale != scale6 && list[i].name != "selfpay_prop"
	}
	return list
}

func serial(name string, need need, zh string) field {
	return field{name: name, kind: kindDigits, length: serialDigits, need: need, text: zh}
}

var (
	outpatientLine = newNode("feedetail", "门诊费用明细", ledger.LinesMax, fields([]field{
		serial("feedetl_sn", must, "费用明细流水号"), token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), token("chrg_bchno", 30, must, "收费批次号"),
		free("dise_codg", 30, "病种编码"), free("rxno", 30, "处方号"), coded("rx_circ_flag", 3, dictFlag, must, "外购处方标志"), moment("fee_ocur_time", must, "费用发生时间"),
		token("med_list_codg", 50, must, "医疗目录编码"), text("medins_list_codg", 150, must, "医药机构目录编码"), amount("det_item_fee_sumamt", must, "明细项目费用总额"),
		number("cnt", 16, scale4, must, "数量"), number("pric", 16, scale6, must, "单价"), free("sin_dos_dscr", 200, "单次剂量描述"), free("used_frqu_dscr", 200, "使用频次描述"),
		number("prd_days", 4, 2, may, "周期天数"), free("medc_way_dscr", 200, "用药途径描述"), coded("hosp_appr_flag", 3, dictAppraisal, must, "医院审批标志"),
	}, orderFields())...)
	inpatientLine = newNode("feedetail", "住院费用明细", ledger.LinesMax, fields([]field{
		serial("feedetl_sn", must, "费用明细流水号"), token("init_feedetl_sn", 30, may, "原费用流水号"), token("mdtrt_id", 30, must, "就诊ID"), free("drord_no", 30, "医嘱号"),
		token("psn_no", 30, must, "人员编号"), coded("med_type", 6, dictCareStay, must, "医疗类别"), moment("fee_ocur_time", must, "费用发生时间"), token("med_list_codg", 50, must, "医疗目录编码"),
		text("medins_list_codg", 150, must, "医药机构目录编码"), minus(amount("det_item_fee_sumamt", must, "明细项目费用总额")), minus(number("cnt", 16, scale4, must, "数量")),
		number("pric", 16, scale6, must, "单价"), coded("hosp_appr_flag", 3, dictAppraisal, may, "医院审批标志"),
	}, orderFields())...)

	lineInfo = newNode("result", "费用明细分割信息", rowsMax, fields(signed(cutInfo.fields), []field{token("lmt_used_flag", 3, must, "限制使用标志"), extension()})...)

	batchCancelData = newNode("data", "费用明细撤销", 0,
		token("mdtrt_id", 30, must, "就诊ID"), token("chrg_bchno", 30, must, "收费批次号"), token("psn_no", 30, must, "人员编号"), extension())
	lineCancelData = newNode("data", "费用明细撤销", ledger.LinesMax,
		token("feedetl_sn", 30, must, "费用明细流水号"), token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), extension())
)

var outpatientLines = transaction{infno: "2204", text: "门诊费用明细信息上传", input: inputOf(inside(outpatientLine, must)), output: []*node{lineInfo},
	handle: func(f *face, m *message) fault { return f.uploadLines(m, &outpatientForm) }}

var outpatientLinesCancel = transaction{infno: "2205", text: "门诊费用明细信息撤销", input: inputOf(inside(batchCancelData, must)), anytime: true, handle: (*face).removeBatch}

var inpatientLines = transaction{infno: "2301", text: "住院费用明细上传", input: inputOf(inside(inpatientLine, must)), output: []*node{lineInfo},
	handle: func(f *face, m *message) fault { return f.uploadLines(m, &inpatientForm) }}

var inpatientLinesCancel = transaction{infno: "2302", text: "住院费用明细撤销", input: inputOf(inside(lineCancelData, must)), anytime: true, handle: (*face).removeLines}

// lineForm are the places of a fee line's fields; -1: not in the table.
type lineForm struct {
	visitForm
	sn, init, batch, time, code, sum, count, price, appraisal int
}

func lineFormOf(n *node, kind ids.Kind) lineForm {
	return lineForm{visitFormOf(n, kind), n.at("feedetl_sn"), n.maybe("init_feedetl_sn"), n.maybe("chrg_bchno"), n.at("fee_ocur_time"), n.at("med_list_codg"),
		n.at("det_item_fee_sumamt"), n.at("cnt"), n.at("pric"), n.at("hosp_appr_flag")}
}

var (
	outpatientForm  = lineFormOf(outpatientLine, registrationKind)
	inpatientForm   = lineFormOf(inpatientLine, stayKind)
	batchCancelForm = visitFormOf(batchCancelData, registrationKind)
	lineCancelForm  = visitFormOf(lineCancelData, stayKind)
	batchCancelNo   = batchCancelData.at("chrg_bchno")
	lineCancelSN    = lineCancelData.at("feedetl_sn")
)

// allLines is the batch of 2205 and the serial of 2302 that mean every unsettled line.
const allLines = "0000"

// uploadLines is 2204 and 2301: the lines are split by the catalogue and kept with their parts (R3).
func (f *face) uploadLines(m *message, t *lineForm) fault {
	first, _ := m.child(m.in, 0)
	if x := f.beginVisit(m, ledger.KindLinesAdd, first, &t.visitForm); x.bad() {
		return x
	}
	if x := f.readLines(m, t, first); x.bad() {
		return x
	}
	if x := f.meetRows(m); x.bad() {
		return x
	}
	for i := range m.lines {
		p, l := &m.lines[i].Parts, &m.more.Lines[i]
		l.Fulamt, l.Overlmt, l.Preselfpay = p.Fulamt, p.Overlmt, p.Preselfpay
	}
	if x := m.keepTexts(f); x.bad() {
		return x
	}
	if x := f.run(m); x.bad() {
		return x
	}
	if !m.effect.Outcome.IsAccepted() {
		return m.lineRefusal(t)
	}
	return f.answerLines(m, t)
}

// readLines checks the lines and splits each by the catalogue of its day; a day that has not come is taken for today.
func (f *face) readLines(m *message, t *lineForm, first int32) fault {
	m.lines = m.lines[:0]
	today := dayOf(f.engine.NowMS())
	for r, ok := first, true; ok; r, ok = m.rows[r].next-1, m.rows[r].next != 0 {
		for _, i := range [...]int{t.visit, t.psnNo} {
			if string(m.get(r, i).text) != string(m.get(first, i).text) {
				return fault{code: codeBadValue, where: m.lineWhere(r, i), text: "一次上传的明细须属于同一次就诊"}
			}
		}
		l := lineIn{row: r, line: catalogue.Line{Code: m.get(r, t.code).text, Count: m.get(r, t.count).num, Price: m.get(r, t.price).num,
			Amount: m.get(r, t.sum).num, Day: int32(min(m.get(r, t.time).num, today)), Approved: catalogue.Absent}}
		if v := m.get(r, t.appraisal); v.has {
			l.line.Approved = v.text[0] - '0'
		}
		in := ledger.LineInput{Serial: serialOf(m.get(r, t.sn).text), Text: m.textDigest(r), Count: l.line.Count, Amount: l.line.Amount}
		if t.batch >= 0 {
			batch := m.get(r, t.batch).text
			if string(batch) == allLines {
				return fault{code: codeBadValue, where: m.lineWhere(r, t.batch), text: "0000不能作为收费批次号"}
			}
			in.Batch = ledger.BatchKey(batch)
		}
		for i := range m.more.Lines { // unique in a visit, so in an upload (nhsa-inpatient.md 4, rule 8)
			if m.more.Lines[i].Serial == in.Serial {
				return fault{code: codeRepeated, where: m.lineWhere(r, t.sn), label: t.node.fields[t.sn].text}
			}
		}
		if x := m.checkLine(t, &l, &in); x.bad() {
			return x
		}
		l.Parts = f.opt.Classifier.Classify(&l.line)
		m.lines = append(m.lines, l)
		m.more.Lines = append(m.more.Lines, in)
	}
	return fault{}
}

// checkLine judges signs and amounts of a line (R29, E5).
func (m *message) checkLine(t *lineForm, l *lineIn, in *ledger.LineInput) fault {
	bad := func(field int, code code, text string) fault {
		return fault{code: code, where: m.lineWhere(l.row, field), text: text}
	}
	if t.init >= 0 {
		text := m.get(l.row, t.init).text
		if in.Init = serialOf(text); in.Init == 0 && len(text) > 0 && string(text) != "0" || len(text) > serialDigits {
			return bad(t.init, codeBadValue, "")
		}
	}
	switch {
	case l.line.Count == 0:
		return bad(t.count, codeZero, "数量不能为零")
	case in.Init == 0 && l.line.Count < 0:
		return bad(t.init, codeMissing, "退费明细须填原费用流水号")
	case in.Init != 0 && l.line.Count > 0:
		return bad(t.count, codeBadValue, "退费明细的数量须为负数")
	case !l.line.AmountAgrees():
		return bad(t.sum, codeProduct, "")
	case l.line.Amount > ledger.LineAmountMax, l.line.Amount < -ledger.LineAmountMax:
		return bad(t.sum, codeTooLarge, "")
	}
	return fault{}
}

// serialOf is the ledger's serial of digits; 0 if there are none or something else.
func serialOf(text []byte) (n uint64) {
	if len(text) > serialDigits {
		return 0
	}
	for _, c := range text {
		if c-'0' > 9 {
			return 0
		}
		n = n*10 + uint64(c-'0') // runs over where it is not used
	}
	if len(text) > serialDigitsOwn {
		k := ledger.K([]byte("serial"), text)
		return serialKeyed | binary.BigEndian.Uint64(k[:])
	}
	return n
}

// answerLines writes result: of a repeat, the parts of then.
func (f *face) answerLines(m *message, t *lineForm) fault {
	if m.first != nil {
		k, ok := f.textsOf(m.first)
		if !ok || len(k.parts) != len(m.lines) {
			return fault{code: codeUnavailable}
		}
		for i := range m.lines {
			p := k.parts[i]
			p.Inscp = m.lines[i].line.Amount - p.Fulamt - p.Overlmt - p.Preselfpay
			m.lines[i].Parts = p
		}
	}
	o := &m.out
	o.list("result")
	for i := range m.lines {
		l := &m.lines[i]
		o.open()
		o.text("feedetl_sn", m.get(l.row, t.sn).text)
		o.money("det_item_fee_sumamt", l.line.Amount)
		o.num("cnt", l.line.Count, scale4)
		o.num("pric", l.line.Price, scale6)
		appendCut(o, &l.Parts)
		o.str("lmt_used_flag", flagText[l.Flags&catalogue.Restricted])
		o.blank("exp_content")
		o.end()
	}
	o.endList()
	return fault{}
}

// lineRefusal names the line that the ledger refused.
func (m *message) lineRefusal(t *lineForm) fault {
	x := m.refusal(t.node)
	if len(m.items) == 0 || int(m.items[0].Binding) >= len(m.lines) {
		switch m.effect.Outcome {
		case ledger.IDReused, ledger.Blocked:
		case ledger.UnknownPerson, ledger.VisitPatient:
			x.where = m.lineWhere(m.lines[0].row, t.psnNo)
		default:
			x.where = m.lineWhere(m.lines[0].row, t.visit)
		}
		return x
	}
	field := t.sn
	switch m.items[0].Outcome {
	case ledger.BatchSettled:
		field = t.batch
	case ledger.LineUnknown, ledger.LineSettled, ledger.ReturnExceeds:
		if field = t.init; field < 0 {
			field = t.sn
		}
	case ledger.AmountRange, ledger.AmountParts:
		field = t.sum
	}
	x.where = m.lineWhere(m.lines[m.items[0].Binding].row, field)
	return x
}

// removeBatch is 2205.
func (f *face) removeBatch(m *message) fault {
	d, _ := m.child(m.in, 0)
	if x := f.beginVisit(m, ledger.KindLinesRemove, d, &batchCancelForm); x.bad() {
		return x
	}
	if batch := m.get(d, batchCancelNo).text; string(batch) != allLines {
		m.more.Visit.Mode, m.cmd.Batch = ledger.RemoveBatch, ledger.BatchKey(batch)
	}
	return f.open(m, &batchCancelForm)
}

// removeLines is 2302: all rows are of one visit.
func (f *face) removeLines(m *message) fault {
	first, _ := m.child(m.in, 0)
	if x := f.beginVisit(m, ledger.KindLinesRemove, first, &lineCancelForm); x.bad() {
		return x
	}
	all := string(m.get(first, lineCancelSN).text) == allLines
	for r, ok := first, true; ok; r, ok = m.rows[r].next-1, m.rows[r].next != 0 {
		for _, i := range [...]int{lineCancelForm.visit, lineCancelForm.psnNo} {
			if string(m.get(r, i).text) != string(m.get(first, i).text) {
				return fault{code: codeBadValue, where: m.lineWhere(r, i), text: "一次撤销的明细须属于同一次就诊"}
			}
		}
		text := m.get(r, lineCancelSN).text
		sn := serialOf(text)
		if !all && (sn == 0 || text[0] == '0') || all && r != first {
			return badValue(m.lineWhere(r, lineCancelSN))
		}
		if !all {
			m.more.Visit.Mode = ledger.RemoveSerials
			m.more.Serials = append(m.more.Serials, sn)
		}
	}
	x := f.open(m, &lineCancelForm)
	if x.bad() && len(m.items) > 0 {
		for r, i := first, uint32(0); ; r, i = m.rows[r].next-1, i+1 {
			if i == m.items[0].Binding {
				x.where = m.lineWhere(r, lineCancelSN)
				break
			}
		}
	}
	return x
}
