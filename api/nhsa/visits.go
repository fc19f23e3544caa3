package nhsa

import (
	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// visitsMax is how many visits 5201 answers, the newest: a row has some 1.5 KB, and nobody has more at one institution in a range worth asking for.
const visitsMax = 100

// Names of 5201's answer that are told as they were sent last: at the discharge, by the newest change, at the opening.
var (
	sentTexts = []string{"coner_name", "tel", "medrcdno", "atddr_no", "chfpdr_name", "adm_dept_codg", "adm_dept_name", "adm_bed", "dscg_maindiag_code", "dscg_maindiag_name", "main_cond_dscr",
		"dise_codg", "dise_name", "oprn_oprt_code", "oprn_oprt_name", "fpsc_no", "matn_type", "birctrl_type", "latechb_flag", "pret_flag", "birctrl_matn_date", "cop_flag", "dscg_dept_codg",
		"dscg_dept_name", "dscg_bed", "dscg_way", "die_date"}
	sentNumbers = []string{"geso_val", "fetts", "fetus_cnt"}
)

var (
	visitsData = newNode("data", "查询条件", 0, token("psn_no", 30, must, "人员编号"), moment("begntime", must, "开始时间"), moment("endtime", must, "结束时间"),
		coded("med_type", 6, dictCare, must, "医疗类别"), token("mdtrt_id", 30, may, "就诊ID"))
	visitsPsn  = visitsData.at("psn_no")
	visitsFrom = visitsData.at("begntime")
	visitsTo   = visitsData.at("endtime")
	visitsCare = visitsData.at("med_type")
	visitsID   = visitsData.at("mdtrt_id")

	visitsInfo = newNode("mdtrtinfo", "就诊信息", visitsMax, fields([]field{
		token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), token("psn_cert_type", 6, must, "人员证件类型"), token("certno", 50, must, "证件号码"), text("psn_name", 50, must, "人员姓名"),
		token("gend", 6, must, "性别"), token("naty", 3, may, "民族"), day("brdy", may, "出生日期"), number("age", 4, 1, may, "年龄"), token("insutype", 6, must, "险种类型"), token("psn_type", 6, must, "人员类别"),
		token("maf_psn_flag", 3, may, "医疗救助对象标志"), token("cvlserv_flag", 3, must, "公务员标志"), token("flxempe_flag", 3, may, "灵活就业标志"), token("nwb_flag", 3, may, "新生儿标志"),
		token("insu_optins", 6, may, "参保机构医保区划"), text("emp_name", 200, may, "单位名称"), moment("begntime", must, "开始时间"),
		moment("endtime", may, "结束时间"), // HN has it as required; a visit that goes on has none
		token("mdtrt_cert_type", 3, may, "就诊凭证类型"), token("med_type", 6, may, "医疗类别"), token("ars_year_ipt_flag", 3, may, "跨年度住院标志"), token("pre_pay_flag", 3, may, "先行支付标志"),
		token("ipt_otp_no", 30, may, "住院/门诊号"), free("otp_diag_info", 200, "门诊诊断信息"), token("inhosp_stas", 3, may, "在院状态"), number("ipt_days", 4, 0, may, "住院天数"),
	}, sentFields(), []field{
		text("opter_id", 30, may, "经办人ID"), text("opter_name", 50, may, "经办人姓名"), moment("opt_time", may, "经办时间"), text("memo", 500, may, "备注"),
	})...)
)

// sentFields are the fields of sentTexts and sentNumbers as the tables of 2401 and 2402 have them.
func sentFields() (list []field) {
	for _, name := range append(append([]string(nil), sentTexts...), sentNumbers...) {
		n := admissionData
		if n.maybe(name) < 0 {
			n = dischargeData
		}
		f := n.fields[n.at(name)]
		f.need = may
		if name == "dise_codg" || name == "dise_name" {
			f.kind = kindFree
		}
		list = append(list, f)
	}
	return list
}

var visitQuery = transaction{infno: "5201", text: "就诊信息查询", input: inputOf(inside(visitsData, must)), output: []*node{visitsInfo}, handle: (*face).queryVisits}

// queryVisits is 5201: a patient's visits at the caller's institution that the ledger holds, begun in a range of days, newest first. Cancelled ones are none.
func (f *face) queryVisits(m *message) (x fault) {
	if m.place, x = f.placeOf(m.institution()); x.bad() {
		return x
	}
	d, _ := m.child(m.in, 0)
	var list []ledger.Visit
	var person ledger.Summary
	var patient uint32
	var today int32
	known := false
	if x = f.ask(func(v engine.View) {
		today = ledger.DayOf(v.TimeMS)
		if patient, known = v.State.FindPerson(ledger.K(m.get(d, visitsPsn).text)); !known {
			return
		}
		person = v.State.Summary(v.State.Persons.At(patient))
		for _, n := range v.State.VisitsOf(patient, today, nil) {
			if row := v.State.Visits.At(n); len(list) < visitsMax && m.asksFor(d, row) {
				list = append(list, *row)
			}
		}
	}); x.bad() {
		return x
	}
	if !known {
		x = refused(ledger.UnknownPerson)
		x.where = "data.psn_no"
		return x
	}
	_, who, x := f.record(patient)
	if x.bad() {
		return x
	}
	who.birth, who.known = person.Birth, person.Birth != ledger.BirthUnknown // a correction is in the row
	m.out.list("mdtrtinfo")
	for i := range list {
		v := &list[i]
		if v.MedType == 0 && v.Newest != 0 {
			if v.MedType, x = f.settledAs(v.Newest); x.bad() {
				return x
			}
			if v.MedType != medTypeRegistration && v.MedType != numberOf(m.get(d, visitsCare).text) {
				continue
			}
		}
		if x := f.tellVisit(m, &list[i], &who, patient, today); x.bad() {
			return x
		}
	}
	m.out.endList()
	return fault{}
}

// settledAs is the kind of care of a settlement: a registration that was settled and never had a 2203 is known by it.
func (f *face) settledAs(at ledger.Position) (uint32, fault) {
	entry, err := f.engine.Entry(at)
	if err != nil {
		return 0, fault{code: codeUnavailable}
	}
	return entry.Details.MedType, fault{}
}

// asksFor: the visit is the institution's and what the query says. A registration without a diagnosis yet has no kind of care and fits any, until it is settled.
func (m *message) asksFor(d int32, v *ledger.Visit) bool {
	id := visitID(visitKind(v.Kind), v.Opened)
	asked := m.get(d, visitsID)
	return v.Institution == m.place.number && v.State != ledger.VisitCancelled && int64(v.FirstDay) >= m.get(d, visitsFrom).num && int64(v.FirstDay) <= m.get(d, visitsTo).num &&
		(v.MedType == 0 || v.MedType == numberOf(m.get(d, visitsCare).text)) && (!asked.has || string(asked.text) == string(id[:]))
}

// Places of visitTexts, newest first.
const (
	sentDischarge = iota
	sentChange
	sentOpening
)

// visitTexts are what was sent of a visit by the three commands that bring texts, and who sent the newest and when.
type visitTexts struct {
	by               [3]keptTexts
	opter, opterName []byte
	timeMS           int64
}

func (s *visitTexts) last(name string) []byte {
	for i := range s.by {
		if text := s.by[i].named(name); len(text) > 0 {
			return text
		}
	}
	return nil
}

func (f *face) sentOf(v *ledger.Visit) (s visitTexts, x fault) {
	for i, at := range [...]ledger.Position{sentDischarge: v.Ended, sentChange: v.Changed, sentOpening: v.Opened} {
		if at == 0 {
			continue
		}
		entry, err := f.engine.Entry(at)
		if err != nil {
			return s, fault{code: codeUnavailable}
		}
		s.by[i], _ = f.textsOf(&entry)
		if entry.TimeMS > s.timeMS {
			s.opter, s.opterName, s.timeMS = s.by[i].opter, s.by[i].opterName, entry.TimeMS
		}
	}
	return s, fault{}
}

// tellVisit writes a row of mdtrtinfo.
func (f *face) tellVisit(m *message, v *ledger.Visit, who *about, patient uint32, today int32) fault {
	s, x := f.sentOf(v)
	if x.bad() {
		return x
	}
	enrolled, err := f.enrolledAs(patient, v.Insutype)
	if err != nil {
		return fault{code: codeUnavailable}
	}
	o := &m.out
	d, _ := m.child(m.in, 0)
	id := visitID(visitKind(v.Kind), v.Opened)
	o.open()
	o.text("mdtrt_id", id[:])
	o.text("psn_no", m.get(d, visitsPsn).text)
	o.text("psn_name", who.name)
	o.code("psn_cert_type", who.certType)
	o.str("certno", ids.Mask(who.certno))
	who.write(o, int64(today))
	o.code("insutype", v.Insutype)
	m.tellEnrolment(&enrolled)
	o.text("begntime", s.by[sentOpening].named("begntime"))
	o.text("endtime", s.by[sentDischarge].named("endtime"))
	o.str("mdtrt_cert_type", credentialText[v.CredType])
	m.codeOr("med_type", v.MedType)
	m.tellStay(v, today)
	no := s.last("ipt_otp_no")
	if len(no) == 0 {
		no = s.last("ipt_no")
	}
	o.text("ipt_otp_no", no)
	o.text("otp_diag_info", s.by[sentChange].field(diagnosis, 0, diagnosisName))
	for _, name := range sentTexts {
		o.text(name, s.last(name))
	}
	for _, name := range sentNumbers {
		o.num(name, int64(serialOf(s.last(name))), 0)
	}
	o.text("opter_id", s.opter)
	o.text("opter_name", s.opterName)
	o.moment("opt_time", s.timeMS)
	o.blank("memo")
	o.end()
	return fault{}
}

var diagnosisName = diagnosis.at("diag_name")

// codeOr writes a code, or nothing for one not told.
func (m *message) codeOr(name string, v uint32) {
	if v == 0 {
		m.out.blank(name)
		return
	}
	m.out.code(name, v)
}

func (m *message) tellEnrolment(e *ledger.Enrolment) {
	o := &m.out
	m.codeOr("psn_type", e.PsnType)
	o.blank("maf_psn_flag")
	o.str("cvlserv_flag", "0")
	o.str("flxempe_flag", flagText[e.Flexible&1])
	o.str("nwb_flag", "0")
	m.codeOr("insu_optins", e.Area)
	o.blank("emp_name")
}

// tellStay writes whether the patient is in and since how many days; of a registration nothing.
func (m *message) tellStay(v *ledger.Visit, today int32) {
	o := &m.out
	if v.Kind != ledger.Stay {
		o.blank("ars_year_ipt_flag", "pre_pay_flag", "inhosp_stas")
		o.num("ipt_days", 0, 0)
		return
	}
	until, in := today, "1"
	if v.State == ledger.VisitDischarged {
		in = "0"
		if v.LastDay != 0 {
			until = v.LastDay
		}
	}
	first, _, _ := civil(int64(v.FirstDay))
	last, _, _ := civil(int64(until))
	o.str("ars_year_ipt_flag", flagText[min(max(last-first, 0), 1)])
	o.blank("pre_pay_flag")
	o.str("inhosp_stas", in)
	o.num("ipt_days", int64(max(until-v.FirstDay, 0)), 0)
}
