package nhsa

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gongji/api"
	"gongji/engine"
)

func ask1101(certType, number, sn, more string) string {
	return fmt.Sprintf(`{"data":{"mdtrt_cert_type":%q,"mdtrt_cert_no":%q,"card_sn":%q,"begntime":"","psn_cert_type":"","certno":"","psn_name":""%s}}`, certType, number, sn, more)
}

// R7, R8, R27: 1101 by each credential; the balance stands at the employee insurance.
func TestPersonInfo(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	p, resident := f.newPerson(true), f.newPerson(false)
	f.credit(p, "88.80")
	f.card(p, "C0001", "SN01")
	send := func(input string) *answer {
		return f.send(pathPerson, sent{infno: "1101", msgid: f.msgid(), input: input}.body())
	}
	before := f.sequence()
	for kind, number := range map[string]string{"01": f.voucher(p), "02": p.certno, "03": "C0001"} {
		a := send(ask1101(kind, number, "SN01", "")).ok("baseinfo.psn_no", p.psnNo, "baseinfo.certno", p.certno, "baseinfo.psn_name", "王小明", "baseinfo.gend", "1", "baseinfo.brdy", "1980-01-02",
			"baseinfo.age", "46.0", "insuinfo.0.balc", "88.80", "insuinfo.0.insutype", "310", "insuinfo.0.psn_insu_stas", "1", "insuinfo.0.psn_insu_date", "2015-01-01",
			"insuinfo.0.insuplc_admdvs", "420100", "insuinfo.0.psn_type", "11")
		checkTables(t, "1101", a)
	}
	send(ask1101("02", resident.certno, "", "")).ok("insuinfo.0.insutype", "390", "insuinfo.0.balc", "0.00")
	// He becomes a resident: the account stays his, its balance at the employee line.
	f.setUp("/v1/persons/"+p.psnNo+"/enrolments", fmt.Sprintf(`{"msgid":%q,"insutype":"390","psn_type":"15","flxempe_flag":"0","psn_insu_stas":"1","insuplc_admdvs":"420200","begndate":"2026-03-01"}`, f.msgid()))
	a := send(ask1101("02", p.certno, "", "")).ok("insuinfo.0.insutype", "390", "insuinfo.0.balc", "0.00", "insuinfo.1.insutype", "310", "insuinfo.1.balc", "88.80")
	checkTables(t, "1101", a)
	past := strings.Replace(ask1101("02", p.certno, "", ""), `"begntime":""`, `"begntime":"2020-01-01 00:00:00"`, 1)
	if a := send(past).ok("insuinfo.0.insutype", "310"); a.at("output.insuinfo.1") != nil {
		t.Errorf("of 2020: %s", a.text)
	}
	before++
	send(ask1101("02", certnoOf(999_999), "", "")).refused("unknown_credential", "data.mdtrt_cert_no")
	send(ask1101("03", "C0001", "SN02", "")).refused("unknown_credential", "data.mdtrt_cert_no")
	send(ask1101("03", "C0001", "", "")).refused("missing_field", "data.card_sn")
	send(ask1101("01", "token", "", "")).refused("evoucher_invalid", "data.mdtrt_cert_no")
	other := strings.Replace(ask1101("03", "C0001", "SN01", ""), `"psn_cert_type":"","certno":""`, fmt.Sprintf(`"psn_cert_type":"01","certno":%q`, resident.certno), 1)
	send(other).refused("wrong_credential", "data.certno")
	if f.sequence() != before {
		t.Errorf("questions were logged: %d, was %d", f.sequence(), before)
	}
	// R27: each credential settles, too.
	for kind, number := range map[string]string{"01": f.voucher(p), "02": p.certno, "03": "C0001"} {
		f.settle(f.msgid(), bought{who: p, certType: kind, certNo: number, cardSN: "SN01", total: "1.00", lines: []line{{"1", "XA01DEMO0001", "1", "1", "1.00"}}}).ok("setlinfo.acct_pay", "1.00")
	}
}

// 1201 and 2001.
func TestInstitutionAndBenefit(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	f.setUp("/v1/institutions", `{"fixmedins_code":"H42010000001","fixmedins_name":"第一医院","fixmedins_type":"1","hosp_lv":"03","admdvs":"420100"}`)
	ask := func(kind, name, code string) *answer {
		return f.send(pathCall, sent{infno: "1201", msgid: f.msgid(), input: fmt.Sprintf(`{"medinsinfo":{"fixmedins_type":%q,"fixmedins_name":%q,"fixmedins_code":%q}}`, kind, name, code)}.body())
	}
	checkTables(t, "1201", ask("1", "", "H42010000001").ok("medinsinfo.fixmedins_name", "第一医院", "medinsinfo.fixmedins_type", "1"))
	ask("2", "大药房", "").ok("medinsinfo.fixmedins_code", shopCode)
	ask("2", "第一", "").refused("not_found", "medinsinfo.fixmedins_name")
	ask("2", "", "H42010000001").refused("not_found", "medinsinfo.fixmedins_type")
	ask("2", "", "H42010000009").refused("not_found", "medinsinfo.fixmedins_code")
	ask("2", "", "").refused("missing_field", "medinsinfo.fixmedins_code")

	owner, alone := f.newPerson(true), f.newPerson(false)
	benefit := func(psnNo, code string) *answer {
		return f.send(pathCall, sent{infno: "2001", msgid: f.msgid(), input: fmt.Sprintf(`{"data":{"psn_no":%q,"insutype":"310","fixmedins_code":%q,"med_type":"41","begntime":"2026-03-10 11:00:00"}}`, psnNo, code)}.body())
	}
	checkTables(t, "2001", benefit(owner.psnNo, shopCode).ok("trtinfo.0.fund_pay_type", "310200", "trtinfo.0.trt_chk_type", "01", "trtinfo.0.trt_enjymnt_flag", "1", "trtinfo.0.begndate", "2026-03-10"))
	benefit(alone.psnNo, shopCode).ok("trtinfo.0.trt_enjymnt_flag", "0", "trtinfo.0.trt_chk_rslt", "没有个人账户，也没有可用的共济关系")
	f.bind(owner, alone)
	benefit(alone.psnNo, shopCode).ok("trtinfo.0.trt_enjymnt_flag", "1")
	benefit("nobody", shopCode).refused("unknown_person", "data.psn_no")
	benefit(owner.psnNo, "P42010000009").refused("bad_value", "data.fixmedins_code")
	f.setUp("/v1/persons/"+owner.psnNo+"/enrolments", fmt.Sprintf(`{"msgid":%q,"insutype":"310","psn_type":"11","flxempe_flag":"0","psn_insu_stas":"4","insuplc_admdvs":"420100","begndate":"2026-03-09","reason":"dead"}`, f.msgid()))
	benefit(owner.psnNo, shopCode).ok("trtinfo.0.trt_enjymnt_flag", "0")
}

// R30: sign_no is asked for only where the option says so, and never for cancels and reversals.
func TestSignIn(t *testing.T) {
	f := start(t, setup{opt: Options{RequireSignIn: true}})
	f.shop()
	f.institution("P42010000002", "2")
	p := f.newPerson(true)
	f.credit(p, "500.00")
	in := func(opter string) string {
		a := f.send(pathSignIn, sent{infno: "9001", msgid: f.msgid(), input: fmt.Sprintf(`{"signIn":{"opter_no":%q,"mac":"00-11","ip":"10.0.0.1"}}`, opter)}.body()).ok("signinoutb.sign_time", "2026-03-10")
		checkTables(t, "9001", a)
		return a.str("output.signinoutb.sign_no")
	}
	out := func(no, opter string) *answer {
		return f.send(pathSignOut, sent{infno: "9002", msgid: f.msgid(), input: fmt.Sprintf(`{"signOut":{"sign_no":%q,"opter_no":%q}}`, no, opter)}.body())
	}
	with := func(no string, more map[string]string) *answer {
		x := map[string]string{"sign_no": quote(no)}
		for k, v := range more {
			x[k] = v
		}
		return f.send(pathCall, sent{infno: "2102", msgid: f.msgid(), input: bought{who: p, total: "1.00", lines: []line{{"1", "XA01DEMO0001", "1", "1", "1.00"}}}.input(), with: x}.body())
	}
	no := in("0001")
	msgid := f.msgid()
	a := with(no, map[string]string{"msgid": quote(msgid)}).ok()
	with("null", nil).refused("sign_no", "sign_no")
	with("", nil).refused("sign_no", "sign_no")
	last := "A"
	if no[29] == 'A' {
		last = "B"
	}
	with(no[:29]+last, nil).refused("sign_no", "sign_no")
	with(no, map[string]string{"opter": `"0002"`}).refused("sign_no", "sign_no")
	with(no, map[string]string{"fixmedins_code": `"P42010000002"`}).refused("sign_no", "sign_no")
	out(no, "0002").refused("sign_no", "signOut.sign_no")
	checkTables(t, "9002", out(no, "0001").ok("sign_time.sign_time", "2026-03-10"))
	with(no, nil).refused("sign_no", "sign_no")
	out(no, "0001").refused("sign_no", "signOut.sign_no")
	again := in("0001") // in the second of the one that has signed out: another number
	with(again, nil).ok()
	out(again[:14]+no[14:18]+again[18:], "0001").refused("sign_no", "signOut.sign_no")
	f.clock.ms.Add(12 * 3600 * 1000) // past midnight: an emergency department works on
	with(again, nil).refused("sign_no", "sign_no")
	f.cancel(f.msgid(), a.str("output.setlinfo.setl_id"), a.str("output.setlinfo.mdtrt_id"), p).ok()
	f.reverse(f.msgid(), f.msgid(), "2102", p).ok()
}

// Deadline passed: HTTP 504 and no infcode 0, so that a client takes it for "unknown"; the same message then tells what became of it.
func TestUnknownOutcome(t *testing.T) {
	var hasty *face
	f := start(t, setup{more: func(e *engine.Engine) []api.Route {
		hasty = newFace(e, Options{})
		hasty.opt.Deadline = time.Nanosecond
		return []api.Route{hasty.route("/fsi/api/test/hasty", nil)}
	}})
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "10.00")
	hasty.places.byCode.Store(institutionOf(shopCode), place{kind: 2})
	hasty.knobs.untilMS.Store(noon * 2)
	b := bought{who: p, total: "1.00", lines: []line{{"1", "XA01DEMO0001", "1", "1", "1.00"}}}
	body := sent{infno: "2102", msgid: f.msgid(), input: b.input()}.body()
	a := f.send("/fsi/api/test/hasty", body)
	if a.status != 504 || a.str("infcode") != "-1" || !strings.HasPrefix(a.str("err_msg"), "[outcome_unknown] ") {
		t.Fatalf("%d %s", a.status, a.text)
	}
	// The hasty face has no catalogue: only what was sent counts (R10).
	if a := f.send(pathCall, body).ok("setlinfo.psn_cash_pay", "1.00"); a.header.Get("Idempotency-Replayed") != "true" {
		t.Error("not the first answer")
	}
}
