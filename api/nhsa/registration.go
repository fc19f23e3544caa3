package nhsa

import (
	"gongji/api/ids"
	"gongji/engine/ledger"
)

// diagnosesMax of a call: diag_srt_no has two digits.
const diagnosesMax = 99

var (
	registrationData = newNode("data", "挂号信息", 0,
		token("psn_no", 30, must, "人员编号"), coded("insutype", 6, dictInsurance, must, "险种类型"), moment("begntime", must, "开始时间"),
		coded("mdtrt_cert_type", 3, dictCredential, must, "就诊凭证类型"), token("mdtrt_cert_no", 50, must, "就诊凭证编号"), token("card_sn", 32, may, "卡识别码"),
		coded("psn_cert_type", 6, dictCert, must, "证件类型"), token("certno", 50, must, "证件号码"), token("psn_type", 6, must, "人员类别"), text("psn_name", 50, must, "人员姓名"),
		token("ipt_otp_no", 30, must, "住院/门诊号"), text("atddr_no", 30, may, "医师编码"), text("dr_name", 50, may, "医师姓名"),
		text("dept_code", 30, must, "科室编码"), text("dept_name", 100, must, "科室名称"), token("caty", 10, must, "科别"), extension())
	registrationShown = shownIn(registrationData)

	registrationInfo = newNode("data", "挂号结果", 0,
		token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), token("ipt_otp_no", 30, must, "住院/门诊号"), extension())

	withdrawalData = newNode("data", "挂号撤销", 0,
		token("psn_no", 30, must, "人员编号"), token("mdtrt_id", 30, must, "就诊ID"), token("ipt_otp_no", 30, must, "住院/门诊号"), extension())

	visitInfo = newNode("mdtrtinfo", "就诊信息", 0,
		token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), coded("med_type", 6, dictCareOut, must, "医疗类别"), moment("begntime", must, "开始时间"),
		free("main_cond_dscr", 1000, "主要病情描述"), token("dise_type_code", 30, may, "病种类型代码"), text("dise_codg", 30, must, "病种编码"), text("dise_name", 500, must, "病种名称"),
		token("birctrl_type", 6, may, "计划生育手术类别"), day("birctrl_matn_date", may, "计划生育手术或生育日期"), extension())
	diagnosis = newNode("diseinfo", "诊断信息", diagnosesMax,
		coded("diag_type", 3, dictDiagnosis, must, "诊断类别"), number("diag_srt_no", 2, 0, must, "诊断排序号"), text("diag_code", 20, must, "诊断代码"), text("diag_name", 100, must, "诊断名称"),
		text("diag_dept", 50, must, "诊断科室"), text("dise_dor_no", 30, must, "诊断医生编码"), text("dise_dor_name", 50, must, "诊断医生姓名"), moment("diag_time", must, "诊断时间"),
		coded("vali_flag", 3, dictFlag, must, "有效标志"))
)

var registration = transaction{infno: "2201", text: "门诊挂号", input: inputOf(inside(registrationData, must)), output: []*node{registrationInfo}, handle: (*face).register}

var registrationCancel = transaction{infno: "2202", text: "门诊挂号撤销", input: inputOf(inside(withdrawalData, must)), anytime: true,
	handle: func(f *face, m *message) fault { return f.cancelVisit(m, &withdrawalForm) }}

var visitUpload = transaction{infno: "2203", text: "门诊就诊信息上传", input: inputOf(inside(visitInfo, must), inside(diagnosis, must)),
	handle: func(f *face, m *message) fault { return f.changeVisit(m, &visitInfoForm) }}

// visitForm are the places that name a visit in the first node of a table; -1: not in it.
type visitForm struct {
	node                         *node
	kind                         ids.Kind
	psnNo, visit, medType, ownNo int
	begin, end                   int // of the visit, as told
}

func visitFormOf(n *node, kind ids.Kind) visitForm {
	return visitForm{n, kind, n.at("psn_no"), n.maybe("mdtrt_id"), n.maybe("med_type"), n.maybe("ipt_otp_no"), n.maybe("begntime"), n.maybe("endtime")}
}

var (
	registrationForm = visitFormOf(registrationData, registrationKind)
	withdrawalForm   = visitFormOf(withdrawalData, registrationKind)
	visitInfoForm    = visitFormOf(visitInfo, registrationKind)

	registrationInsutype = registrationData.at("insutype")
	registrationSince    = registrationData.at("begntime")
)

// register is 2201.
func (f *face) register(m *message) fault {
	if x := f.beginOpen(m, &registrationForm, registrationInsutype, registrationSince); x.bad() {
		return x
	}
	d, _ := m.child(m.in, 0)
	x := f.begun(m, d, registrationSince, registrationDaysMax)
	if x.bad() {
		return x
	}
	if m.cmd.CredType, m.cmd.Other, x = f.credential(m, d, &registrationShown); x.bad() {
		return x
	}
	if x := f.open(m, &registrationForm); x.bad() {
		return x
	}
	o, visit := &m.out, visitID(registrationKind, m.position)
	o.begin("data")
	o.text("mdtrt_id", visit[:])
	o.text("psn_no", m.get(d, registrationForm.psnNo).text)
	o.text("ipt_otp_no", m.get(d, registrationForm.ownNo).text)
	o.blank("exp_content")
	o.end()
	return fault{}
}

// beginOpen starts the command that opens a visit, but for the credential.
func (f *face) beginOpen(m *message, t *visitForm, insutype, since int) (x fault) {
	if x = f.allow(m); x.bad() {
		return x
	}
	d, _ := m.child(m.in, 0)
	m.command(ledger.KindVisitOpen)
	if m.place, x = f.placeOf(m.cmd.Institution); x.bad() {
		return x
	}
	m.cmd.Person = ledger.K(m.get(d, t.psnNo).text)
	m.cmd.Day = int32(m.get(d, since).num)
	v := &m.more.Visit
	v.Kind = ledger.Registration
	if t.kind == stayKind {
		v.Kind = ledger.Stay
	}
	v.Insutype = numberOf(m.get(d, insutype).text)
	v.Number = ledger.NumberKey(m.get(d, t.ownNo).text)
	if t.medType >= 0 {
		v.MedType = numberOf(m.get(d, t.medType).text)
	}
	return fault{}
}

// open logs the command of a visit and says why not.
func (f *face) open(m *message, t *visitForm) fault {
	if x := m.keepTexts(f); x.bad() {
		return x
	}
	if x := f.run(m); x.bad() {
		return x
	}
	if !m.effect.Outcome.IsAccepted() {
		return m.refusal(t.node)
	}
	return fault{}
}

// beginVisit starts a command about a visit that is open; row r names it.
func (f *face) beginVisit(m *message, kind ledger.Kind, r int32, t *visitForm) (x fault) {
	if x = f.allow(m); x.bad() {
		return x
	}
	m.command(kind)
	if m.place, x = f.placeOf(m.cmd.Institution); x.bad() {
		return x
	}
	m.cmd.Person = ledger.K(m.get(r, t.psnNo).text)
	var ok bool
	if m.cmd.Visit, ok = visitAt(t.kind, m.get(r, t.visit).text); !ok {
		return noVisit(m.lineWhere(r, t.visit))
	}
	return fault{}
}

// noVisit is said of an mdtrt_id that is none of the kind asked for, as the ledger says it of one that is not there: what others have is not told.
func noVisit(where string) fault {
	x := refused(ledger.VisitUnknown)
	x.where = where
	return x
}

// cancelVisit is 2202 and 2404: unsettled lines go with the visit.
func (f *face) cancelVisit(m *message, t *visitForm) fault {
	d, _ := m.child(m.in, 0)
	if x := f.beginVisit(m, ledger.KindVisitCancel, d, t); x.bad() {
		return x
	}
	if t.ownNo >= 0 {
		if x := f.sameOwnNo(m, d, t); x.bad() {
			return x
		}
	}
	return f.open(m, t)
}

// sameOwnNo refuses a registration number of the hospital's that is not the registration's.
func (f *face) sameOwnNo(m *message, d int32, t *visitForm) fault {
	k, x := f.opening(m, m.cmd.Visit)
	if x.bad() {
		x.where = m.lineWhere(d, t.visit)
		return x
	}
	if string(k.field(registrationData, 0, registrationForm.ownNo)) != string(m.get(d, t.ownNo).text) {
		return fault{code: codeNotFound, where: m.lineWhere(d, t.ownNo), text: "与挂号时的门诊号不一致"}
	}
	return fault{}
}

// changeVisit is 2203 and 2403: what is sent is kept, and a kind of care becomes the visit's.
func (f *face) changeVisit(m *message, t *visitForm) fault {
	d, _ := m.child(m.in, 0)
	if x := f.beginVisit(m, ledger.KindVisitChange, d, t); x.bad() {
		return x
	}
	m.more.Visit.MedType = numberOf(m.get(d, t.medType).text)
	if x := f.notAhead(m, d, t.begin); x.bad() {
		return x
	}
	if t.end >= 0 && m.get(d, t.end).has && textLater(m.get(d, t.begin).text, m.get(d, t.end).text) {
		return m.wrongTime(d, t.end, "早于入院时间")
	}
	return f.open(m, t)
}
