package nhsa

import (
	"strings"
	"testing"
)

// R1, R3, R6, R8, R16: a purchase of three lines, previewed, settled, cancelled; the mother's account pays for the rest.
func TestPurchase(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	son, mother := f.newPerson(true), f.newPerson(true)
	f.credit(son, "20.00")
	f.credit(mother, "500.00")
	f.bind(mother, son)
	b := bought{who: son, total: "75.00", lines: threeLines}
	// XA01DEMO0006: ceiling 18.60, so 2.80 over it; of 37.20 a tenth is first-borne. The payable parts are 25.00 + 37.20.
	figures := []string{"setlinfo.psn_no", son.psnNo, "setlinfo.medfee_sumamt", "75.00", "setlinfo.fulamt_ownpay_amt", "10.00", "setlinfo.overlmt_selfpay", "2.80",
		"setlinfo.preselfpay_amt", "3.72", "setlinfo.inscp_scp_amt", "58.48", "setlinfo.fund_pay_sumamt", "0.00", "setlinfo.hifp_pay", "0.00", "setlinfo.psn_part_amt", "75.00",
		"setlinfo.acct_pay", "62.20", "setlinfo.acct_mulaid_pay", "42.20", "setlinfo.psn_cash_pay", "12.80", "setlinfo.balc", "0.00", "setlinfo.clr_type", "41", "setlinfo.clr_optins", "420100",
		"setlinfo.gend", "1", "setldetail.0.fund_pay_type", "310200", "setldetail.0.fund_payamt", "62.20", "setldetail.0.crt_payb_lmt_amt", "20.00",
		"setldetail.0.setl_proc_info", "本人账户支付20.00元，共济支付42.20元，现金支付12.80元",
		"detlcutinfo.0.feedetl_sn", "1", "detlcutinfo.0.cnt", "2.0000", "detlcutinfo.0.pric", "12.500000", "detlcutinfo.0.pric_uplmt_amt", "12.500000", "detlcutinfo.0.chrgitm_lv", "01",
		"detlcutinfo.1.overlmt_amt", "2.80", "detlcutinfo.1.preselfpay_amt", "3.72", "detlcutinfo.1.selfpay_prop", "0.1000", "detlcutinfo.1.chrgitm_lv", "02",
		"detlcutinfo.2.fulamt_ownpay_amt", "10.00", "detlcutinfo.2.chrgitm_lv", "03", "detlcutinfo.2.med_chrgitm_type", "14", "detlcutinfo.2.memo", "目录外，全自费"}
	before := f.sequence()
	preview := f.send(pathPreSettle, sent{infno: "2101", msgid: f.msgid(), input: b.input()}.body()).ok(figures...)
	if preview.at("output.setlinfo.setl_id") != nil {
		t.Error("a preview has no setl_id")
	}
	if f.sequence() != before {
		t.Error("a preview was logged")
	}
	msgid := f.msgid()
	a := f.settle(msgid, b).ok(figures...).ok("setlinfo.medins_setl_id", msgid, "setlinfo.setl_time", "2026-03-10 12:00:00")
	checkTables(t, "2101", preview)
	checkTables(t, "2102", a)
	if f.balance(son) != "0.00" || f.balance(mother) != "457.80" {
		t.Errorf("left %s and %s", f.balance(son), f.balance(mother))
	}
	setl, visit := a.str("output.setlinfo.setl_id"), a.str("output.setlinfo.mdtrt_id")
	if f.get(f.business, "/v1/settlements/"+setl).str("acct_mulaid_pay") != "42.20" {
		t.Error("/v1 does not know the settlement by its setl_id")
	}
	full := f.get(f.admin, "/v1/settlements/"+setl+"/full")
	if full.status != 200 || full.str("opter_name") != "收费员" || full.str("invono") != "F1" || strings.Contains(full.text, keptName) {
		t.Errorf("/full: %d %s", full.status, full.text)
	}
	queried := f.send(pathCall, sent{infno: "5203", msgid: f.msgid(), input: `{"data":{"psn_no":"` + son.psnNo + `","setl_id":"` + setl + `","mdtrt_id":"` + visit + `"}}`}.body()).
		ok("setlinfo.setl_id", setl, "setlinfo.refd_setl_flag", "0", "setlinfo.acct_pay", "62.20", "setlinfo.psn_pay", "75.00", "setlinfo.cash_payamt", "12.80",
			"setlinfo.medins_setl_id", msgid, "setlinfo.fixmedins_name", "示范大药房", "setlinfo.psn_name", "王小明", "setlinfo.year", "2026", "setlinfo.invono", "F1", "setlinfo.opter_name", "收费员")
	checkTables(t, "5203", queried)
	if strings.Contains(queried.text, son.certno) {
		t.Error("5203 shows a certificate number")
	}
	// R14: positive amounts, the old setl_id.
	cancelID := f.msgid()
	for range 2 {
		c := f.cancel(cancelID, setl, visit, son).ok("setlinfo.setl_id", setl, "setlinfo.mdtrt_id", visit, "setlinfo.medfee_sumamt", "75.00", "setlinfo.acct_pay", "62.20",
			"setlinfo.acct_mulaid_pay", "42.20", "setlinfo.psn_cash_pay", "12.80", "setlinfo.balc", "20.00", "setlinfo.medins_setl_id", cancelID)
		checkTables(t, "2103", c)
	}
	if f.balance(son) != "20.00" || f.balance(mother) != "500.00" {
		t.Errorf("given back: %s and %s", f.balance(son), f.balance(mother))
	}
	f.send(pathCall, sent{infno: "5203", msgid: f.msgid(), input: `{"data":{"psn_no":"` + son.psnNo + `","setl_id":"` + setl + `","mdtrt_id":"` + visit + `"}}`}.body()).ok("setlinfo.refd_setl_flag", "1")
	f.cancel(f.msgid(), setl, visit, son).refused("already_reversed", "")
}
