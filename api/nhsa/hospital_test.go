package nhsa

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

const hospitalCode = "H42010000001"

// usual are the values of a table's required fields, as JSON, unless a test says another.
var usual = map[string]string{
	"insutype": `"310"`, "begntime": `"2026-03-10 08:00:00"`, "mdtrt_cert_type": `"02"`, "psn_cert_type": `"01"`, "cert_type": `"01"`, "psn_type": `"11"`, "psn_name": `"王小明"`,
	"ipt_otp_no": `"MZ001"`, "ipt_no": `"ZY001"`, "dept_code": `"D01"`, "dept_name": `"内科"`, "caty": `"A03"`, "med_type": `"11"`, "dise_codg": `"J06.900"`, "dise_name": `"急性上呼吸道感染"`,
	"diag_type": `"1"`, "diag_srt_no": `1`, "diag_code": `"J06.900"`, "diag_name": `"急性上呼吸道感染"`, "diag_dept": `"D01"`, "dise_dor_no": `"YS001"`, "dise_dor_name": `"李医生"`,
	"diag_time": `"2026-03-10 08:10:00"`, "vali_flag": `"1"`, "maindiag_flag": `"1"`, "rx_circ_flag": `"0"`, "fee_ocur_time": `"2026-03-10 08:20:00"`, "medins_list_codg": `"Y1"`,
	"bilg_dept_codg": `"D01"`, "bilg_dept_name": `"内科"`, "bilg_dr_codg": `"YS001"`, "bilg_dr_name": `"李医生"`, "hosp_appr_flag": `"0"`, "psn_setlway": `"01"`, "acct_used_flag": `"1"`,
	"mid_setl_flag": `"0"`, "insuplc_admdvs": `"420100"`, "mdtrtarea_admvs": `"420100"`, "atddr_no": `"YS001"`, "chfpdr_name": `"李医生"`, "adm_diag_dscr": `"上感"`, "adm_dept_codg": `"D01"`,
	"adm_dept_name": `"内科"`, "adm_bed": `"12"`, "dscg_maindiag_code": `"J06.900"`, "dscg_maindiag_name": `"急性上呼吸道感染"`, "endtime": `"2026-03-10 11:00:00"`, "dscg_dept_codg": `"D01"`,
	"dscg_dept_name": `"内科"`, "dscg_way": `"1"`,
}

// with are fields of a message, as JSON, by name.
type with map[string]string

// row writes a row of a table: what the test says, and of the rest what is required.
func tableRow(n *node, values with) string {
	var parts []string
	for i := range n.fields {
		f := &n.fields[i]
		v, told := values[f.name]
		if u, known := usual[f.name]; !told && known && f.need != may {
			v, told = u, true
		}
		if told && v != "-" {
			parts = append(parts, quote(f.name)+":"+v)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// tableInput writes the input of a transaction: one row of each node, the first with what the test says.
func tableInput(tx *transaction, rows ...with) string {
	var parts []string
	for i := range tx.input.fields {
		n := tx.input.fields[i].node
		var list []string
		if i == 0 {
			for _, r := range rows {
				list = append(list, tableRow(n, r))
			}
		} else {
			shared := with{}
			for _, name := range []string{"psn_no", "mdtrt_id"} {
				if v, ok := rows[0][name]; ok {
					if _, has := n.byName[name]; has {
						shared[name] = v
					}
				}
			}
			list = []string{tableRow(n, shared)}
		}
		s := strings.Join(list, ",")
		if n.max > 0 {
			s = "[" + s + "]"
		}
		parts = append(parts, quote(n.name)+":"+s)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// visit is a patient's at a hospital, as a test drives it.
type visit struct {
	f    *fixture
	who  someone
	id   string
	code string
	stay bool
}

func (f *fixture) hospital() string { return f.institution(hospitalCode, "1") }

func (v *visit) values(more with) with {
	all := with{"psn_no": quote(v.who.psnNo), "mdtrt_id": quote(v.id), "certno": quote(v.who.certno)}
	if !v.stay {
		all["mdtrt_cert_no"] = quote(v.who.certno)
	}
	maps.Copy(all, more)
	return all
}

// send sends a transaction of the visit; rows are of its first node.
func (v *visit) send(msgid string, tx *transaction, rows ...with) *answer {
	v.f.t.Helper()
	if len(rows) == 0 {
		rows = []with{nil}
	}
	var all []with
	for _, r := range rows {
		all = append(all, v.values(r))
	}
	a := v.f.send(pathCall, sent{infno: tx.infno, msgid: msgid, code: v.code, input: tableInput(tx, all...)}.body())
	if a.str("infcode") == "0" {
		checkTables(v.f.t, tx.infno, a)
	}
	return a
}

func (v *visit) now(tx *transaction, rows ...with) *answer {
	v.f.t.Helper()
	return v.send(v.f.msgid(), tx, rows...)
}

// registered is a registration with its diagnosis.
func (f *fixture) registered(p someone) *visit {
	f.t.Helper()
	return f.registeredAs(p, "MZ001")
}

// registeredAs is registered under another number of the hospital's.
func (f *fixture) registeredAs(p someone, no string) *visit {
	f.t.Helper()
	v := &visit{f: f, who: p, code: hospitalCode}
	a := v.now(&registration, with{"ipt_otp_no": quote(no)}).ok("data.psn_no", p.psnNo, "data.ipt_otp_no", no)
	v.id = a.str("output.data.mdtrt_id")
	v.now(&visitUpload).ok()
	return v
}

func (f *fixture) admitted(p someone) *visit {
	f.t.Helper()
	v := &visit{f: f, who: p, code: hospitalCode, stay: true}
	v.id = v.now(&admission, with{"mdtrt_cert_no": quote(p.certno), "med_type": `"2101"`}).ok().str("output.result.mdtrt_id")
	return v
}

// fee is a line of 2204 or 2301.
func fee(batch string, l line) with {
	w := with{"feedetl_sn": l.sn, "med_list_codg": quote(l.code), "cnt": l.count, "pric": l.price, "det_item_fee_sumamt": l.amount}
	if batch == "" {
		w["med_type"] = `"2101"`
	} else {
		w["chrg_bchno"] = quote(batch)
	}
	return w
}

func fees(batch string, lines ...line) (rows []with) {
	for _, l := range lines {
		rows = append(rows, fee(batch, l))
	}
	return rows
}

// back is a return of a line.
func back(sn, of string, l line) with {
	w := fee("", l)
	w["feedetl_sn"], w["init_feedetl_sn"] = sn, quote(of)
	return w
}

// partsOf75 are those of threeLines.
var partsOf75 = with{"medfee_sumamt": "75.00", "fulamt_ownpay_amt": "10.00", "overlmt_selfpay": "2.80", "preselfpay_amt": "3.72", "inscp_scp_amt": "58.48"}

func batchBill(batch string, amounts with) with {
	w := with{"chrg_bchno": quote(batch)}
	maps.Copy(w, amounts)
	return w
}

// purchaseIDOf is the mdtrt_id that the settlement would have if it were a purchase.
func purchaseIDOf(t *testing.T, setl string) string {
	t.Helper()
	at, ok := settlementAt([]byte(setl))
	if !ok {
		t.Fatalf("setl_id %q", setl)
	}
	x := purchaseID(at)
	return string(x[:])
}

// R1, R3, R8, R14, R29: an outpatient visit from registration to the cancel of its settlement.
func TestOutpatient(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	son, mother := f.newPerson(true), f.newPerson(true)
	f.credit(son, "20.00")
	f.credit(mother, "500.00")
	f.bind(mother, son)
	v := f.registered(son)
	up := f.msgid()
	for range 2 { // the repeat of a message is the first answer
		v.send(up, &outpatientLines, fees("B1", threeLines...)...).ok("result.0.feedetl_sn", "1", "result.1.overlmt_amt", "2.80", "result.1.preselfpay_amt", "3.72",
			"result.1.pric_uplmt_amt", "18.600000", "result.1.chrgitm_lv", "02", "result.2.fulamt_ownpay_amt", "10.00", "result.2.memo", "目录外，全自费", "result.0.cnt", "2.0000")
	}
	v.now(&outpatientLines, fees("B1", threeLines...)...).ok() // and lines sent again are there already
	figures := []string{"setlinfo.mdtrt_id", v.id, "setlinfo.psn_name", "王小明", "setlinfo.psn_type", "11", "setlinfo.medfee_sumamt", "75.00", "setlinfo.fulamt_ownpay_amt", "10.00",
		"setlinfo.overlmt_selfpay", "2.80", "setlinfo.preselfpay_amt", "3.72", "setlinfo.inscp_scp_amt", "58.48", "setlinfo.fund_pay_sumamt", "0.00", "setlinfo.psn_part_amt", "75.00",
		"setlinfo.acct_pay", "62.20", "setlinfo.acct_mulaid_pay", "42.20", "setlinfo.psn_cash_pay", "12.80", "setlinfo.balc", "0.00", "setlinfo.clr_type", "11", "setlinfo.med_type", "11",
		"setldetail.0.fund_payamt", "62.20"}
	before := f.sequence()
	v.now(&outpatientPreview, batchBill("B1", with{"medfee_sumamt": "75.00"})).ok(figures...)
	if f.sequence() != before {
		t.Error("a preview was logged")
	}
	fee12 := batchBill("B1", partsOf75)
	fee12["med_type"] = `"12"` // the registration fee alone is settled as such, whatever the visit is
	v.now(&outpatientPreview, fee12).ok("setlinfo.med_type", "12", "setlinfo.clr_type", "12")
	msgid := f.msgid()
	a := v.send(msgid, &outpatientSettle, batchBill("B1", partsOf75)).ok(figures...).ok("setlinfo.medins_setl_id", msgid)
	again := v.send(msgid, &outpatientSettle, batchBill("B1", partsOf75)).ok()
	if fmt.Sprint(a.at("output")) != fmt.Sprint(again.at("output")) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("repeat: %s", again.text)
	}
	if f.balance(son) != "0.00" || f.balance(mother) != "457.80" {
		t.Errorf("left %s and %s", f.balance(son), f.balance(mother))
	}
	setl := a.str("output.setlinfo.setl_id")
	v.now(&outpatientSettle, batchBill("B1", partsOf75)).refused("batch_settled", "data.chrg_bchno")
	v.now(&settlementQuery, with{"setl_id": quote(setl)}).ok("setlinfo.refd_setl_flag", "0", "setlinfo.acct_pay", "62.20", "setlinfo.begndate", "2026-03-10")
	// A visit's settlement is no purchase: 2103 does not give it back, whatever mdtrt_id is told, and its msgid stays free.
	cancelID := f.msgid()
	before = f.sequence()
	for _, mdtrt := range []string{v.id, "D" + setl[1:], purchaseIDOf(t, setl)} {
		v.send(cancelID, &purchaseCancel, with{"setl_id": quote(setl), "mdtrt_id": quote(mdtrt)}).refused("not_found", "data.mdtrt_id")
	}
	if f.sequence() != before {
		t.Error("a 2103 of a visit's settlement was logged")
	}
	for range 2 {
		v.send(cancelID, &outpatientCancel, with{"setl_id": quote(setl)}).ok("setlinfo.setl_id", setl, "setlinfo.pdn_cash_pay", "12.80", "setlinfo.acct_pay", "62.20", "setlinfo.balc", "20.00",
			"setlinfo.psn_type", "11", "setlinfo.medins_setl_id", cancelID)
	}
	if f.balance(son) != "20.00" || f.balance(mother) != "500.00" {
		t.Errorf("given back: %s and %s", f.balance(son), f.balance(mother))
	}
	v.now(&outpatientCancel, with{"setl_id": quote(setl)}).refused("already_reversed", "")
	v.send(msgid, &outpatientSettle, batchBill("B1", partsOf75)).ok("setlinfo.setl_id", setl) // still the first answer
	// Its lines are unsettled: settled again, or removed and the registration withdrawn.
	second := v.now(&outpatientSettle, batchBill("B1", partsOf75)).ok(figures...).str("output.setlinfo.setl_id")
	v.now(&registrationCancel, with{"ipt_otp_no": `"MZ001"`}).refused("visit_settled", "data.mdtrt_id")
	v.now(&outpatientLinesCancel, with{"chrg_bchno": `"B1"`}).refused("line_settled", "data.chrg_bchno")
	v.now(&outpatientCancel, with{"setl_id": quote(second)}).ok()
	v.now(&outpatientLinesCancel, with{"chrg_bchno": `"B1"`}).ok()
	v.now(&outpatientPreview, batchBill("B1", with{"medfee_sumamt": "75.00"})).refused("no_lines", "data.chrg_bchno")
	v.now(&registrationCancel, with{"ipt_otp_no": `"MZ002"`}).refused("not_found", "data.ipt_otp_no")
	v.now(&registrationCancel, with{"ipt_otp_no": `"MZ001"`}).ok()
	v.now(&outpatientLines, fees("B1", threeLines...)...).refused("visit_closed", "feedetail[1].mdtrt_id")
}

// 5201: a patient's visits at the institution that asks, as they were told last.
func TestVisitQuery(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	f.institution("H42010000002", "1")
	p := f.newPerson(true)
	v, stay := f.registered(p), f.admitted(p)
	gone := f.registeredAs(p, "MZ002")
	gone.now(&registrationCancel, with{"ipt_otp_no": `"MZ002"`}).ok()
	stay.now(&admissionChange, with{"adm_bed": `"15"`, "med_type": `"2102"`, "ipt_otp_no": `"ZY001"`}).ok()
	ask := func(v *visit, more with) *answer {
		t.Helper()
		w := with{"mdtrt_id": "-", "begntime": `"2026-03-01"`, "endtime": `"2026-03-31"`}
		maps.Copy(w, more)
		return v.now(&visitQuery, w).ok()
	}
	a := ask(v, with{"med_type": `"11"`}).ok("mdtrtinfo.0.mdtrt_id", v.id, "mdtrtinfo.0.begntime", "2026-03-10 08:00:00", "mdtrtinfo.0.endtime", "", "mdtrtinfo.0.ipt_otp_no", "MZ001", "mdtrtinfo.0.dise_codg", "J06.900",
		"mdtrtinfo.0.otp_diag_info", "急性上呼吸道感染", "mdtrtinfo.0.psn_name", "王小明", "mdtrtinfo.0.med_type", "11", "mdtrtinfo.0.opter_name", "收费员", "mdtrtinfo.0.inhosp_stas", "")
	if len(a.at("output.mdtrtinfo").([]any)) != 1 || strings.Contains(a.text, p.certno) {
		t.Errorf("%s", a.text)
	}
	ask(stay, with{"med_type": `"2102"`}).ok("mdtrtinfo.0.mdtrt_id", stay.id, "mdtrtinfo.0.adm_bed", "15", "mdtrtinfo.0.adm_dept_name", "内科", "mdtrtinfo.0.inhosp_stas", "1", "mdtrtinfo.0.ipt_otp_no", "ZY001")
	f.clock.ms.Add(4 * dayMS)
	stay.now(&discharge, with{"endtime": `"2026-03-13 10:00:00"`}).ok()
	ask(stay, with{"med_type": `"2102"`, "mdtrt_id": quote(stay.id)}).ok("mdtrtinfo.0.inhosp_stas", "0", "mdtrtinfo.0.ipt_days", "3", "mdtrtinfo.0.endtime", "2026-03-13 10:00:00", "mdtrtinfo.0.dscg_way", "1")
	elsewhere := *stay
	elsewhere.code = "H42010000002"
	for what, a := range map[string]*answer{"another day": ask(v, with{"begntime": `"2026-03-11"`, "med_type": `"11"`}), "other care": ask(v, with{"med_type": `"14"`}),
		"another institution": ask(&elsewhere, with{"med_type": `"2102"`}), "another visit": ask(v, with{"med_type": `"11"`, "mdtrt_id": quote(stay.id)})} {
		if len(a.at("output.mdtrtinfo").([]any)) != 0 {
			t.Errorf("%s: %s", what, a.text)
		}
	}
	v.now(&visitQuery, with{"psn_no": `"nobody"`, "endtime": `"2026-03-31"`}).refused("unknown_person", "data.psn_no")
}

// 5201 of a registration without a 2203: no kind of care until it is settled, then that of its newest settlement; one that has settled its registration fee
// alone (12) is still any kind.
func TestVisitQuerySettled(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	p := f.newPerson(true)
	v := &visit{f: f, who: p, code: hospitalCode}
	v.id = v.now(&registration).ok().str("output.data.mdtrt_id")
	row := func(care string) any {
		t.Helper()
		a := v.now(&visitQuery, with{"mdtrt_id": "-", "begntime": `"2026-03-10"`, "endtime": `"2026-03-10"`, "med_type": quote(care)}).ok()
		if list := a.at("output.mdtrtinfo").([]any); len(list) != 1 {
			return len(list)
		}
		return a.str("output.mdtrtinfo.0.med_type")
	}
	settle := func(batch, sn, care string) string {
		t.Helper()
		v.now(&outpatientLines, fee(batch, line{sn, "SA01DEMO0007", "1", "40", "40.00"})).ok()
		bill := batchBill(batch, with{"medfee_sumamt": "40.00", "fulamt_ownpay_amt": "0", "overlmt_selfpay": "0", "preselfpay_amt": "0", "inscp_scp_amt": "40"})
		bill["med_type"] = quote(care)
		return v.now(&outpatientSettle, bill).ok().str("output.setlinfo.setl_id")
	}
	for _, care := range []string{"11", "14"} {
		if got := row(care); got != "" {
			t.Errorf("nothing settled, asked for %s: %v", care, got)
		}
	}
	settle("B1", "1", "12")
	for _, care := range []string{"11", "14"} {
		if got := row(care); got != "12" {
			t.Errorf("the fee settled, asked for %s: %v", care, got)
		}
	}
	setl := settle("B2", "2", "14")
	if row("14") != "14" || row("11") != 0 {
		t.Errorf("settled as 14: %v and %v", row("14"), row("11"))
	}
	v.now(&outpatientCancel, with{"setl_id": quote(setl)}).ok()
	if row("14") != "14" {
		t.Errorf("cancelled: %v", row("14"))
	}
	v.now(&visitUpload, with{"med_type": `"11"`}).ok()
	if row("11") != "11" || row("14") != 0 {
		t.Errorf("diagnosed: %v and %v", row("11"), row("14"))
	}
}
