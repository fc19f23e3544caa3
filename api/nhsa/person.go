package nhsa

import (
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/state"
)

var (
	// HN marks certificate and name as required; a token or a card says already who it is, so they are taken without (nhsa-interface.md 4.12).
	personData = newNode("data", "人员信息", 0,
		coded("mdtrt_cert_type", 3, dictCredential, must, "就诊凭证类型"), token("mdtrt_cert_no", 50, must, "就诊凭证编号"), token("card_sn", 32, may, "卡识别码"),
		moment("begntime", may, "开始时间"), coded("psn_cert_type", 6, dictCert, should, "人员证件类型"), token("certno", 50, should, "证件号码"), text("psn_name", 50, should, "人员姓名"))
	personShown = shownIn(personData)
	personSince = personData.at("begntime")

	baseInfo = newNode("baseinfo", "基本信息", 0,
		token("psn_no", 30, must, "人员编号"), token("psn_cert_type", 6, must, "人员证件类型"), token("certno", 50, must, "证件号码"), text("psn_name", 50, must, "人员姓名"),
		token("gend", 6, must, "性别"), token("naty", 3, may, "民族"), day("brdy", may, "出生日期"), number("age", 4, 1, must, "年龄"), extension())
	insuInfo = newNode("insuinfo", "参保信息", rowsMax,
		amount("balc", must, "余额"), token("insutype", 6, must, "险种类型"), token("psn_type", 6, must, "人员类别"), token("psn_insu_stas", 6, may, "人员参保状态"),
		day("psn_insu_date", may, "个人参保日期"), day("paus_insu_date", may, "暂停参保日期"), token("cvlserv_flag", 3, must, "公务员标志"),
		token("insuplc_admdvs", 6, must, "参保地医保区划"), text("emp_name", 200, may, "单位名称"))
	idetInfo = newNode("idetinfo", "身份信息", rowsMax,
		token("psn_idet_type", 3, must, "人员身份类别"), token("psn_type_lv", 3, may, "人员类别等级"), text("memo", 500, may, "备注"), moment("begntime", must, "开始时间"), moment("endtime", may, "结束时间"))
)

var personInfo = transaction{infno: "1101", text: "人员基本信息获取", input: inputOf(inside(personData, must)), output: []*node{baseInfo, insuInfo, idetInfo},
	paths: []string{pathPerson}, handle: (*face).personInfo}

// personInfo is 1101: who the credential belongs to. It is a question: no id is used up.
func (f *face) personInfo(m *message) fault {
	d, _ := m.child(m.in, 0)
	kind, key, x := f.credential(m, d, &personShown)
	if x.bad() {
		return x
	}
	var summary ledger.Summary
	var balance int64
	var number uint32
	var today int32
	o := ledger.UnknownCredential
	if x := f.ask(func(v engine.View) {
		today = ledger.DayOf(v.TimeMS)
		number, o = holder(v.State, kind, key)
		if o == 0 {
			row := v.State.Persons.At(number)
			summary, balance = v.State.Summary(row), row.Balance
		}
	}); x.bad() {
		return x
	}
	if o != 0 {
		x := refused(o)
		x.where = "data.mdtrt_cert_no"
		return x
	}
	psnNo, who, x := f.record(number)
	if x.bad() {
		return x
	}
	if x := f.samePerson(m, d, &who); x.bad() {
		return x
	}
	who.birth, who.known = summary.Birth, summary.Birth != ledger.BirthUnknown
	list, err := f.engine.Enrolments(number)
	if err != nil {
		return fault{code: codeUnavailable}
	}
	day := today
	if v := m.get(d, personSince); v.has {
		day = int32(v.num)
	}
	answerPerson(&m.out, psnNo, &who, int64(today))
	if !summary.HasAccount() {
		balance = 0
	}
	answerEnrolments(&m.out, balance, list, day)
	m.out.list("idetinfo") // none is recorded
	m.out.endList()
	return fault{}
}

// holder finds whose credential a key is; as the ledger judges it in a settlement (I1 to I4, R27).
func holder(s *ledger.State, kind ledger.CredentialType, key ledger.Key) (uint32, ledger.Outcome) {
	if kind == ledger.CredentialCard {
		n, found := s.FindCredential(key)
		switch {
		case !found:
			return 0, ledger.UnknownCredential
		case s.Credentials.At(n).State != ledger.CardActive:
			return 0, ledger.CredentialInactive
		}
		return s.Credentials.At(n).Person, 0
	}
	n, found := s.FindPseudonym(key)
	switch {
	case !found:
		return 0, ledger.UnknownCredential
	case kind == ledger.CredentialEvoucher && s.Summary(s.Persons.At(n)).Flags&ledger.EvoucherActive == 0:
		return 0, ledger.CredentialInactive
	}
	return n, 0
}

// samePerson refuses a certificate number that is not the holder's.
func (f *face) samePerson(m *message, d int32, who *about) fault {
	told := m.get(d, personShown.certno)
	if !told.has || who.certno == nil {
		return fault{}
	}
	certType := certIdentity
	if v := m.get(d, personShown.certType); v.has {
		certType = string(v.text)
	}
	x := refused(ledger.WrongCredential)
	x.where = "data.certno"
	if numberOf([]byte(certType)) != who.certType {
		return x
	}
	a, ok1 := f.pseudonym(m, certType, told.text)
	b, ok2 := f.pseudonym(m, certType, who.certno)
	if !ok1 || !ok2 || a != b {
		return x
	}
	return fault{}
}

func answerPerson(o *out, psnNo []byte, who *about, today int64) {
	o.begin("baseinfo")
	o.text("psn_no", psnNo)
	o.code("psn_cert_type", who.certType)
	o.text("certno", who.certno) // in full: a till has to send it back in 2101 and 2102
	o.text("psn_name", who.name)
	o.str("gend", sexes[who.gend%10])
	o.blank("naty")
	if who.known {
		o.day("brdy", int64(who.birth))
	} else {
		o.blank("brdy")
	}
	o.num("age", who.age(today)*10, 1)
	o.blank("exp_content")
	o.end()
}

// answerEnrolments writes insuinfo: of each insurance what was told last and had begun on the day. The account's balance stands at the employee
// insurance; of somebody who is not in it any more, at his first line, since he may still spend it (R7, R8).
func answerEnrolments(o *out, held int64, list []state.EnrolmentRecord, day int32) {
	var shown []*ledger.Enrolment
	account := 0
	for i := range list {
		e := &list[i].Enrolment
		if e.Begin > day || told(shown, e.Insutype) {
			continue
		}
		if e.Insutype == ledger.InsutypeEmployee {
			account = len(shown)
		}
		shown = append(shown, e)
	}
	o.list("insuinfo")
	for i, e := range shown {
		o.open()
		balance := int64(0)
		if i == account {
			balance = held
		}
		o.money("balc", balance)
		o.code("insutype", uint32(e.Insutype))
		o.code("psn_type", e.PsnType)
		status := e.Status
		if e.Reason == ledger.ReasonDead || e.Reason == ledger.ReasonMoved || e.End != 0 && e.End <= day {
			status = statusEnded
		}
		o.str("psn_insu_stas", string('0'+rune(status)))
		o.day("psn_insu_date", int64(e.Begin))
		if status == statusPaused {
			o.day("paus_insu_date", int64(e.Begin))
		} else {
			o.blank("paus_insu_date")
		}
		o.str("cvlserv_flag", "0")
		o.code("insuplc_admdvs", e.Area)
		o.blank("emp_name")
		o.end()
	}
	o.endList()
}

// psn_insu_stas.
const (
	statusPaused = 2
	statusEnded  = 4
)

func told(list []*ledger.Enrolment, insutype uint16) bool {
	for _, e := range list {
		if e.Insutype == insutype {
			return true
		}
	}
	return false
}

var (
	benefitData = newNode("data", "待遇检查", 0,
		token("psn_no", 30, must, "人员编号"), coded("insutype", 6, dictInsurance, must, "险种类型"), token("fixmedins_code", 30, must, "定点医药机构编号"),
		coded("med_type", 6, dictCare, must, "医疗类别"), moment("begntime", must, "开始时间"), moment("endtime", may, "结束时间"), free("dise_codg", 30, "病种编码"), free("dise_name", 500, "病种名称"),
		free("oprn_oprt_code", 30, "手术操作代码"), free("oprn_oprt_name", 500, "手术操作名称"), token("matn_type", 6, may, "生育类别"), token("birctrl_type", 6, may, "计划生育手术类别"), extension())
	benefitPsn   = benefitData.at("psn_no")
	benefitCode  = benefitData.at("fixmedins_code")
	benefitSince = benefitData.at("begntime")

	benefitInfo = newNode("trtinfo", "待遇信息", rowsMax,
		token("psn_no", 30, must, "人员编号"), token("trt_chk_type", 6, must, "待遇检查类型"), token("fund_pay_type", 6, must, "基金支付类型"), token("trt_enjymnt_flag", 3, must, "基金款项待遇享受标志"),
		day("begndate", must, "开始日期"), day("enddate", may, "结束日期"), text("trt_chk_rslt", 500, may, "待遇检查结果"), extension())
)

var benefitCheck = transaction{infno: "2001", text: "人员待遇享受检查", input: inputOf(inside(benefitData, must)), output: []*node{benefitInfo}, handle: (*face).checkBenefit}

// checkFund is trt_chk_type 01, a fund's item (nhsa-inpatient.md 3); 99 is other.
const checkFund = "01"

// checkBenefit is 2001: whether accounts can pay for this person. Nothing is known here of the funds' benefits, so there is one line, the accounts'.
func (f *face) checkBenefit(m *message) fault {
	d, _ := m.child(m.in, 0)
	if string(m.get(d, benefitCode).text) != string(m.header(envCode)) {
		return fault{code: codeBadValue, where: "data.fixmedins_code", text: "与报文的定点医药机构编号不一致"}
	}
	if _, x := f.placeOf(m.institution()); x.bad() {
		return x
	}
	since := int32(m.get(d, benefitSince).num)
	known, why := false, ""
	if x := f.ask(func(v engine.View) {
		n, found := v.State.FindPerson(ledger.K(m.get(d, benefitPsn).text))
		if !found {
			return
		}
		known = true
		why = whyNot(v, n, min(since, ledger.DayOf(v.TimeMS)))
	}); x.bad() {
		return x
	}
	if !known {
		x := refused(ledger.UnknownPerson)
		x.where = "data.psn_no"
		return x
	}
	o := &m.out
	o.list("trtinfo")
	o.open()
	o.text("psn_no", m.get(d, benefitPsn).text)
	o.str("trt_chk_type", checkFund)
	o.str("fund_pay_type", fundAccount)
	flag := "1"
	if why != "" {
		flag = "0"
	}
	o.str("trt_enjymnt_flag", flag)
	o.day("begndate", int64(since))
	o.blank("enddate")
	o.str("trt_chk_rslt", why)
	o.blank("exp_content")
	o.end()
	o.endList()
	return fault{}
}

// whyNot says why no account could pay a bill of a person on a day; "": one could, if there is money in it.
func whyNot(v engine.View, n uint32, day int32) string {
	p := v.State.Summary(v.State.Persons.At(n))
	policy, found := v.State.PolicyAt(v.TimeMS)
	switch {
	case !found:
		return outcomeTexts[ledger.NoPolicy]
	case p.StandingOn(day, false) == ledger.Dead:
		return outcomeTexts[ledger.StatusForbids]
	case p.MayOn(ledger.OwnSpending, day, &policy):
		return ""
	case p.MayOn(ledger.Borrowing, day, &policy) && (v.State.Persons.At(n).Draws != 0 || v.State.FamilyOf(n) != 0):
		return ""
	case p.Flags&ledger.AccountFrozen != 0:
		return outcomeTexts[ledger.AccountIsFrozen]
	}
	return "没有个人账户，也没有可用的共济关系"
}
