package nhsa

import "gongji/engine/ledger"

// careFields are those that 2401, 2402 and 2403 share, from the disease code on.
func careFields() []field {
	return []field{
		free("dise_codg", 30, "病种编码"), free("dise_name", 500, "病种名称"), free("oprn_oprt_code", 30, "手术操作代码"), free("oprn_oprt_name", 500, "手术操作名称"),
		free("fpsc_no", 50, "计划生育服务证号"), token("matn_type", 6, may, "生育类别"), token("birctrl_type", 6, may, "计划生育手术类别"), token("latechb_flag", 3, may, "晚育标志"),
		number("geso_val", 2, 0, may, "孕周数"), number("fetts", 3, 0, may, "胎次"), number("fetus_cnt", 3, 0, may, "胎儿数"), token("pret_flag", 3, may, "早产标志"),
		day("birctrl_matn_date", may, "计划生育手术或生育日期"), extension(),
	}
}

// admissionFields are those that 2401 and 2403 share.
func admissionFields() []field {
	return []field{
		free("coner_name", 50, "联系人姓名"), free("tel", 50, "联系电话"), free("medrcdno", 30, "病历号"), text("atddr_no", 30, must, "主治医生编码"), text("chfpdr_name", 50, must, "主诊医师姓名"),
		text("adm_diag_dscr", 200, must, "入院诊断描述"), text("adm_dept_codg", 30, must, "入院科室编码"), text("adm_dept_name", 100, must, "入院科室名称"), text("adm_bed", 30, must, "入院床位"),
		text("dscg_maindiag_code", 20, must, "住院主诊断代码"), text("dscg_maindiag_name", 300, must, "住院主诊断名称"), free("main_cond_dscr", 1000, "主要病情描述"), token("dise_type_code", 6, may, "病种类型"),
	}
}

// stayDiagnosis is diseinfo of 2401, 2402 and 2403.
func stayDiagnosis(more ...field) *node {
	return newNode("diseinfo", "诊断信息", diagnosesMax, fields([]field{
		token("psn_no", 30, must, "人员编号"), coded("diag_type", 3, dictDiagnosis, must, "诊断类别"), coded("maindiag_flag", 3, dictFlag, must, "主诊断标志"), number("diag_srt_no", 2, 0, must, "诊断排序号"),
		text("diag_code", 20, must, "诊断代码"), text("diag_name", 100, must, "诊断名称"), text("diag_dept", 50, must, "诊断科室"), text("dise_dor_no", 30, must, "诊断医生编码"),
		text("dise_dor_name", 50, must, "诊断医生姓名"), moment("diag_time", must, "诊断时间"),
	}, more)...)
}

var (
	admissionData = newNode("mdtrtinfo", "入院信息", 0, fields([]field{
		token("psn_no", 30, must, "人员编号"), coded("insutype", 6, dictInsurance, must, "险种类型"), moment("begntime", must, "开始时间"),
		coded("mdtrt_cert_type", 3, dictCredential, must, "就诊凭证类型"), token("mdtrt_cert_no", 50, may, "就诊凭证编号"), token("card_sn", 32, may, "卡识别码"),
		coded("cert_type", 6, dictCert, must, "证件类型"), token("certno", 50, must, "证件号码"), coded("med_type", 6, dictCareStay, must, "医疗类别"), token("ipt_no", 30, must, "住院号"),
		token("insuplc_admdvs", 6, must, "参保地医保区划"), token("mdtrtarea_admvs", 6, must, "就医地医保区划"),
	}, admissionFields(), careFields())...)
	admissionDiagnosis = stayDiagnosis(free("adm_cond", 500, "入院病情"))
	admissionInfo      = newNode("result", "入院结果", 0, token("mdtrt_id", 30, must, "就诊ID"), extension())

	dischargeData = newNode("dscginfo", "出院信息", 0, fields([]field{
		token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), coded("insutype", 6, dictInsurance, must, "险种类型"), moment("endtime", must, "结束时间"),
		token("cop_flag", 3, may, "伴有并发症标志"), text("dscg_dept_codg", 30, must, "出院科室编码"), text("dscg_dept_name", 100, must, "出院科室名称"), free("dscg_bed", 30, "出院床位"),
		coded("dscg_way", 3, dictLeaving, must, "离院方式"), day("die_date", may, "死亡日期"),
	}, careFields())...)
	dischargeDiagnosis = stayDiagnosis(token("mdtrt_id", 30, must, "就诊ID"))

	changeData = newNode("adminfo", "住院信息", 0, fields([]field{
		token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), moment("begntime", must, "开始时间"), moment("endtime", may, "结束时间"),
		coded("mdtrt_cert_type", 3, dictCredential, must, "就诊凭证类型"), coded("med_type", 6, dictCareStay, must, "医疗类别"), token("ipt_otp_no", 30, must, "住院/门诊号"),
		number("ttp_pay_prop", 5, percent, may, "第三方自付比例"),
	}, admissionFields(), careFields())...)
	changeDiagnosis = stayDiagnosis(free("adm_cond", 500, "入院病情"), token("mdtrt_id", 30, must, "就诊ID"))

	undoData = newNode("data", "撤销信息", 0, token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), extension())
)

var admission = transaction{infno: "2401", text: "入院办理", input: inputOf(inside(admissionData, must), inside(admissionDiagnosis, must)), output: []*node{admissionInfo},
	handle: (*face).admit}

var discharge = transaction{infno: "2402", text: "出院办理", input: inputOf(inside(dischargeData, must), inside(dischargeDiagnosis, must)), handle: (*face).discharge}

var admissionChange = transaction{infno: "2403", text: "住院信息变更", input: inputOf(inside(changeData, must), inside(changeDiagnosis, should)),
	handle: func(f *face, m *message) fault { return f.changeVisit(m, &changeForm) }}

var admissionCancel = transaction{infno: "2404", text: "入院撤销", input: inputOf(inside(undoData, must)), anytime: true,
	handle: func(f *face, m *message) fault { return f.cancelVisit(m, &undoForm) }}

var dischargeCancel = transaction{infno: "2405", text: "出院撤销", input: inputOf(inside(undoData, must)), anytime: true, handle: (*face).cancelDischarge}

var (
	admissionForm = visitForm{admissionData, stayKind, admissionData.at("psn_no"), -1, admissionData.at("med_type"), admissionData.at("ipt_no"), admissionSince, -1}
	dischargeForm = visitFormOf(dischargeData, stayKind)
	changeForm    = visitFormOf(changeData, stayKind)
	undoForm      = visitFormOf(undoData, stayKind)

	admissionInsutype = admissionData.at("insutype")
	admissionSince    = admissionData.at("begntime")
	admissionAreas    = [...]int{admissionData.at("insuplc_admdvs"), admissionData.at("mdtrtarea_admvs")}
	admissionShown    = shown{admissionData.at("mdtrt_cert_type"), admissionData.at("mdtrt_cert_no"), admissionData.at("card_sn"), admissionData.at("cert_type"), admissionData.at("certno")}
	dischargeDay      = dischargeData.at("endtime")
)

// placePharmacy is fixmedins_type 2: it has no beds (nhsa-inpatient.md 4, rule 7).
const placePharmacy = 2

// admit is 2401. The credential shown here is that of the stay's settlements (R27).
func (f *face) admit(m *message) fault {
	if x := f.beginOpen(m, &admissionForm, admissionInsutype, admissionSince); x.bad() {
		return x
	}
	if m.place.kind == placePharmacy {
		return fault{code: codeNotSupported, where: "fixmedins_code", text: "零售药店不能办理住院"}
	}
	d, _ := m.child(m.in, 0)
	if x := f.begun(m, d, admissionSince, admissionDaysMax); x.bad() {
		return x
	}
	for _, i := range admissionAreas {
		if !isArea(m.get(d, i).text) {
			return fault{code: codeBadValue, where: m.lineWhere(d, i), label: admissionData.fields[i].text}
		}
	}
	var x fault
	if m.cmd.CredType, m.cmd.Other, x = f.admissionCredential(m, d); x.bad() {
		return x
	}
	if x := f.open(m, &admissionForm); x.bad() {
		return x
	}
	o, visit := &m.out, visitID(stayKind, m.position)
	o.begin("result")
	o.text("mdtrt_id", visit[:])
	o.blank("exp_content")
	o.end()
	return fault{}
}

// admissionCredential takes the certificate for an identity card whose number is not told twice: the table does not ask for mdtrt_cert_no.
func (f *face) admissionCredential(m *message, d int32) (ledger.CredentialType, ledger.Key, fault) {
	s := &admissionShown
	if m.get(d, s.number).has {
		return f.credential(m, d, s)
	}
	if string(m.get(d, s.kind).text) != "02" {
		return 0, ledger.Key{}, fault{code: codeMissing, where: m.lineWhere(d, s.number), label: admissionData.fields[s.number].text}
	}
	key, ok := f.pseudonym(m, string(m.get(d, s.certType).text), m.get(d, s.certno).text)
	if !ok {
		return 0, key, badValue(m.lineWhere(d, s.certno))
	}
	return ledger.CredentialCertificate, key, fault{}
}

// discharge is 2402.
func (f *face) discharge(m *message) fault {
	d, _ := m.child(m.in, 0)
	if x := f.beginVisit(m, ledger.KindDischarge, d, &dischargeForm); x.bad() {
		return x
	}
	m.cmd.Day = int32(m.get(d, dischargeDay).num)
	if x := f.notAhead(m, d, dischargeDay); x.bad() {
		return x
	}
	if x := f.notBeforeAdmission(m, d, dischargeDay); x.bad() {
		return x
	}
	return f.open(m, &dischargeForm)
}

// cancelDischarge is 2405.
func (f *face) cancelDischarge(m *message) fault {
	d, _ := m.child(m.in, 0)
	if x := f.beginVisit(m, ledger.KindDischargeCancel, d, &undoForm); x.bad() {
		return x
	}
	return f.open(m, &undoForm)
}
