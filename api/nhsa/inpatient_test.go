package nhsa

import (
	"fmt"
	"strings"
	"testing"

	"gongji/engine/ledger"
)

// R27, R29: a stay with an interim settlement, returns, its discharge, its final settlement, and both cancelled. No settlement tells a credential's
// number: that of the admission counts.
func TestInpatient(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	p := f.newPerson(true)
	f.credit(p, "1000.00")
	v := f.admitted(p)
	v.now(&inpatientLines, fees("", threeLines...)...).ok("result.1.preselfpay_amt", "3.72")
	interim := v.now(&inpatientPreview, with{"medfee_sumamt": "75.00", "mid_setl_flag": `"1"`}).ok("setlinfo.acct_pay", "62.20", "setlinfo.med_type", "2101", "setlinfo.clr_type", "21")
	checkTables(t, "2303", interim)
	first := v.now(&inpatientSettle, with{"medfee_sumamt": "75.00", "mid_setl_flag": `"1"`}).ok("setlinfo.acct_pay", "62.20", "setlinfo.balc", "937.80", "setlinfo.mdtrt_id", v.id).str("output.setlinfo.setl_id")

	// XA01DEMO0006 twice in two calls, one of three given back, then the rest: what is left is nothing, to the fen.
	v.now(&inpatientLines, fees("", line{"11", "XA01DEMO0006", "3", "20", "60.00"}, line{"12", "XA01DEMO0001", "1", "12.5", "12.5"})...).ok("result.0.overlmt_amt", "4.20", "result.0.preselfpay_amt", "5.58")
	v.now(&inpatientLines, back("13", "11", line{"", "XA01DEMO0006", "-1", "20", "-20.00"})).ok("result.0.overlmt_amt", "-1.40", "result.0.preselfpay_amt", "-1.86", "result.0.inscp_scp_amt", "-16.74", "result.0.cnt", "-1.0000")
	again := back("14", "11", line{"", "XA01DEMO0006", "-3", "20", "-60.00"})
	v.now(&inpatientLines, again).refused("return_exceeds", "feedetail[1].init_feedetl_sn")
	v.now(&inpatientLines, back("14", "1", line{"", "XA01DEMO0001", "-1", "12.5", "-12.5"})).refused("line_settled", "feedetail[1].init_feedetl_sn")
	v.now(&inpatientLines, back("14", "99", line{"", "XA01DEMO0001", "-1", "12.5", "-12.5"})).refused("line_unknown", "feedetail[1].init_feedetl_sn")
	v.now(&inpatientLinesCancel, with{"feedetl_sn": `"11"`}).refused("line_returned", "data[1].feedetl_sn")
	v.now(&inpatientLinesCancel, with{"feedetl_sn": `"12"`}, with{"feedetl_sn": `"1"`}).refused("line_settled", "data[2].feedetl_sn")
	// 60.00 - 20.00 + 12.50
	v.now(&inpatientPreview, with{"medfee_sumamt": "52.50"}).ok("setlinfo.overlmt_selfpay", "2.80", "setlinfo.preselfpay_amt", "3.72", "setlinfo.inscp_scp_amt", "45.98")
	v.now(&discharge).ok()
	v.now(&discharge).refused("visit_closed", "dscginfo.mdtrt_id")
	final := v.now(&inpatientSettle, with{"medfee_sumamt": "52.50"}).ok("setlinfo.acct_pay", "49.70", "setlinfo.psn_cash_pay", "2.80", "setlinfo.balc", "888.10").str("output.setlinfo.setl_id")
	v.now(&inpatientLines, fees("", line{"20", "X", "1", "1", "1"})...).refused("stay_settled", "feedetail[1].mdtrt_id")
	v.now(&inpatientSettle, with{"medfee_sumamt": "52.50", "mid_setl_flag": `"1"`}).refused("stay_settled", "data.mdtrt_id")
	v.now(&dischargeCancel).refused("stay_settled", "data.mdtrt_id")
	v.now(&admissionCancel).refused("visit_closed", "data.mdtrt_id")

	v.now(&inpatientCancel, with{"setl_id": quote(final)}).ok("setlinfo.setl_id", final, "setlinfo.acct_pay", "49.70", "setlinfo.psn_cash_pay", "2.80", "setlinfo.balc", "937.80", "setlinfo.begndate", "2026-03-10")
	v.now(&dischargeCancel).ok()
	v.now(&dischargeCancel).refused("not_discharged", "data.mdtrt_id")
	v.now(&admissionCancel).refused("visit_settled", "data.mdtrt_id") // the interim one stands
	v.now(&inpatientCancel, with{"setl_id": quote(first)}).ok("setlinfo.balc", "1000.00")
	v.now(&inpatientLinesCancel, with{"feedetl_sn": `"0000"`}).ok()
	v.now(&inpatientSettle, with{"medfee_sumamt": "52.50"}).refused("no_lines", "data.mdtrt_id")
	var lines, serials []with // as many as a call takes
	for i := range ledger.LinesMax {
		l := fee("", lineOf("X", "1", "1", "1"))
		l["feedetl_sn"] = fmt.Sprint(999_999_999_999_000 + i)
		lines, serials = append(lines, l), append(serials, with{"feedetl_sn": quote(l["feedetl_sn"]), "exp_content": quote(strings.Repeat("x", 100))})
	}
	v.now(&inpatientLines, lines...).ok()
	v.now(&inpatientPreview, with{"medfee_sumamt": "100.00"}).ok("setlinfo.fulamt_ownpay_amt", "100.00", "setlinfo.psn_cash_pay", "100.00")
	v.now(&inpatientLinesCancel, serials...).ok()
	v.now(&admissionChange, with{"med_type": `"2102"`}).ok()
	v.now(&admissionCancel, with{"exp_content": quote(strings.Repeat("x", 4000))}).ok()
	v.now(&admissionChange, with{"med_type": `"2102"`}).refused("visit_closed", "adminfo.mdtrt_id")
	if f.balance(p) != "1000.00" {
		t.Errorf("%s left", f.balance(p))
	}
}

// R27: who shows no number in a stay's settlement shows what was shown at the admission, as it is today; a number that is shown counts instead.
func TestAdmissionCredential(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	p, stranger := f.newPerson(true), f.newPerson(true)
	f.card(p, "C0001", "SN01")
	bed := func(sn string) line { return line{sn, "SA01DEMO0007", "1", "40", "40.00"} }
	v := &visit{f: f, who: p, code: hospitalCode, stay: true}
	admit := func(more with) *answer {
		t.Helper()
		more["med_type"] = `"2101"`
		return v.now(&admission, more)
	}
	admit(with{"mdtrt_cert_type": `"03"`}).refused("missing_field", "mdtrtinfo.mdtrt_cert_no")
	admit(with{"mdtrt_cert_no": quote(stranger.certno), "certno": quote(stranger.certno)}).refused("wrong_credential", "mdtrtinfo.mdtrt_cert_no")
	v.id = admit(with{}).ok().str("output.result.mdtrt_id") // an identity card whose number stands in certno
	v.now(&inpatientLines, fee("", bed("1"))).ok()
	v.now(&inpatientSettle, with{"medfee_sumamt": "40.00", "mid_setl_flag": `"1"`}).ok()
	v.id = admit(with{"ipt_no": `"ZY002"`, "mdtrt_cert_type": `"03"`, "mdtrt_cert_no": `"C0001"`, "card_sn": `"SN01"`}).ok().str("output.result.mdtrt_id")
	v.now(&inpatientLines, fee("", bed("1"))).ok()
	v.now(&inpatientSettle, with{"medfee_sumamt": "40.00", "mid_setl_flag": `"1"`, "mdtrt_cert_type": `"03"`}).ok("setlinfo.mdtrt_cert_type", "03")
	v.now(&inpatientLines, fee("", bed("2"))).ok()
	f.setUp("/v1/persons/"+p.psnNo+"/credentials", fmt.Sprintf(`{"msgid":%q,"type":"03","number":"C0001","card_sn":"SN01","state":"lost"}`, f.msgid()))
	v.now(&inpatientSettle, with{"medfee_sumamt": "40.00", "mdtrt_cert_type": `"03"`}).refused("credential_inactive", "data.mdtrt_cert_no")
	v.now(&inpatientSettle, with{"medfee_sumamt": "40.00", "mdtrt_cert_no": quote(stranger.certno), "certno": quote(stranger.certno)}).refused("wrong_credential", "data.mdtrt_cert_no")
	v.now(&inpatientSettle, with{"medfee_sumamt": "40.00", "mdtrt_cert_no": quote(p.certno)}).ok("setlinfo.medfee_sumamt", "40.00")
}

// E1 to E3, R1: the fund pays of a visit's lines what the calculator says of their sums, and every answer adds up. The resident has no account; his mother's pays.
func TestVisitFund(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	p, mother := f.newPerson(false), f.newPerson(true)
	f.credit(mother, "50.00")
	f.bind(mother, p)
	v := &visit{f: f, who: p, code: hospitalCode}
	v.id = v.now(&registration, with{"insutype": `"390"`}).ok().str("output.data.mdtrt_id")
	v.now(&visitUpload).ok()
	// CT 180.00, class B: 18.00 first-borne, 162.00 in scope, of which the fund pays 60 %.
	ct := fee("B1", lineOf("SA01DEMO0005", "1", "180", "180.00"))
	ct["feedetl_sn"] = "1"
	v.now(&outpatientLines, ct).ok()
	amounts := with{"insutype": `"390"`, "medfee_sumamt": "180.00", "fulamt_ownpay_amt": "0", "overlmt_selfpay": "0", "preselfpay_amt": "18", "inscp_scp_amt": "162"}
	for _, tx := range []*transaction{&outpatientPreview, &outpatientSettle} {
		v.now(tx, batchBill("B1", amounts)).ok("setlinfo.fund_pay_sumamt", "97.20", "setlinfo.hifp_pay", "97.20", "setlinfo.pool_prop_selfpay", "0.6000", "setlinfo.psn_part_amt", "82.80",
			"setlinfo.acct_pay", "50.00", "setlinfo.acct_mulaid_pay", "50.00", "setlinfo.psn_cash_pay", "32.80", "setlinfo.hosp_part_amt", "0.00", "setlinfo.balc", "0.00",
			"setldetail.0.fund_pay_type", "390100", "setldetail.0.fund_payamt", "97.20", "setldetail.1.fund_payamt", "50.00")
	}
}

// R29: a registration is good for the days of the profile and then held for some; a stay waits for its patient.
func TestVisitExpires(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	p := f.newPerson(true)
	v, stay := f.registered(p), f.admitted(p)
	v.now(&outpatientLines, fees("B1", threeLines...)...).ok()
	stay.now(&inpatientLines, fees("", threeLines...)...).ok()
	f.clock.ms.Add(3 * dayMS)
	v.now(&outpatientLines, fees("B1", threeLines...)...).refused("visit_closed", "feedetail[1].mdtrt_id")
	v.now(&outpatientSettle, batchBill("B1", partsOf75)).refused("visit_closed", "data.mdtrt_id")
	f.clock.ms.Add(400 * dayMS)
	v.now(&outpatientLines, fees("B1", threeLines...)...).refused("visit_unknown", "feedetail[1].mdtrt_id")
	v.now(&outpatientPreview, batchBill("B1", partsOf75)).refused("visit_unknown", "data.mdtrt_id")
	stay.now(&discharge).ok()
	stay.now(&inpatientSettle, with{"medfee_sumamt": "75.00"}).ok("setlinfo.medfee_sumamt", "75.00")
}

// A return has the parts of its charge, whatever the catalogue has become of, and all returns of a charge together are the charge (R29).
func TestReturnsAddUp(t *testing.T) {
	for amount := int64(1); amount <= 60; amount++ {
		for step := int64(1); step <= amount; step++ {
			full := [4]int64{amount / 7, amount / 5, amount / 3, amount - amount/7 - amount/5 - amount/3}
			c := left{unreturned: full}
			var sum [4]int64
			for rest := amount; rest > 0; {
				n := min(step, rest)
				back := c.take(n)
				all := int64(0)
				for i, v := range back {
					if v < 0 || c.unreturned[i] < 0 {
						t.Fatalf("%d by %d: %v leaves %v", amount, step, back, c.unreturned)
					}
					sum[i] += v
					all += v
				}
				if all != n {
					t.Fatalf("%d by %d: %v is not %d", amount, step, back, n)
				}
				rest -= n
			}
			if sum != full {
				t.Fatalf("%d by %d: %v, want %v", amount, step, sum, full)
			}
		}
	}
}

// P8, R11, R12, R13: 2601 of 2207, 2304 and 2401, before and after them.
func TestReverseVisits(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	f.institution("H42010000002", "1")
	p, stranger := f.newPerson(true), f.newPerson(true)
	f.credit(p, "1000.00")
	v := f.registered(p)
	undo := &transaction{infno: "2601", input: reversal.input}
	reverse := func(msgid, omsgid, oinfno string, psn someone) *answer {
		t.Helper()
		return v.send(msgid, undo, with{"omsgid": quote(omsgid), "oinfno": quote(oinfno), "psn_no": quote(psn.psnNo)})
	}
	v.now(&outpatientLines, fees("B1", threeLines...)...).ok()
	late, done := f.msgid(), f.msgid()
	reverse(f.msgid(), late, "2207", p).ok()
	v.send(late, &outpatientSettle, batchBill("B1", partsOf75)).refused("blocked", "msgid")
	v.send(done, &outpatientSettle, batchBill("B1", partsOf75)).ok("setlinfo.balc", "937.80")
	reverse(f.msgid(), done, "2304", p).refused("wrong_original_kind", "data.oinfno")
	reverse(f.msgid(), done, "2401", p).refused("wrong_original_kind", "data.oinfno")
	registered := f.msgid()
	v.send(registered, &registration).ok()
	reverse(f.msgid(), registered, "2401", p).refused("wrong_original_kind", "data.oinfno") // a registration has no reversal
	reverse(f.msgid(), done, "2207", stranger).refused("wrong_person", "data.psn_no")
	undoID := f.msgid()
	for range 2 {
		reverse(undoID, done, "2207", p).ok()
	}
	v.now(&outpatientSettle, batchBill("B1", partsOf75)).ok("setlinfo.balc", "937.80") // its lines were given back

	// Admissions.
	stay := &visit{f: f, who: p, code: hospitalCode, stay: true}
	admit := func(msgid string) *answer {
		t.Helper()
		return stay.send(msgid, &admission, with{"med_type": `"2101"`})
	}
	lateStay, doneStay, refusedStay := f.msgid(), f.msgid(), f.msgid()
	first := f.msgid()
	for range 2 {
		reverse(first, lateStay, "2401", p).ok()
	}
	admit(lateStay).refused("blocked", "msgid")
	reverse(f.msgid(), lateStay, "2401", p).refused("already_reversed", "data.omsgid")
	stay.id = admit(doneStay).ok().str("output.result.mdtrt_id")
	if again := admit(doneStay).ok().str("output.result.mdtrt_id"); again != stay.id {
		t.Errorf("admitted as %s and %s", stay.id, again)
	}
	stay.now(&inpatientLines, fees("", threeLines...)...).ok()
	settled := f.msgid()
	stay.send(settled, &inpatientSettle, with{"medfee_sumamt": "75.00", "mid_setl_flag": `"1"`}).ok("setlinfo.balc", "875.60")
	reverse(f.msgid(), doneStay, "2304", p).refused("wrong_original_kind", "data.oinfno")
	reverse(f.msgid(), doneStay, "2401", p).refused("visit_settled", "data.omsgid")
	reverse(f.msgid(), settled, "2304", p).ok()
	reverse(f.msgid(), doneStay, "2401", stranger).refused("wrong_person", "data.psn_no")
	v.code = "H42010000002"
	reverse(f.msgid(), doneStay, "2401", p).ok() // not known of that institution: a tombstone of its own
	v.code = hospitalCode
	gone := f.msgid()
	for range 2 {
		reverse(gone, doneStay, "2401", p).ok()
	}
	reverse(f.msgid(), doneStay, "2401", p).refused("visit_closed", "data.omsgid")
	stay.now(&inpatientLines, fees("", line{"30", "X", "1", "1", "1"})...).refused("visit_closed", "feedetail[1].mdtrt_id")
	stay.send(refusedStay, &admission, with{"med_type": `"2101"`, "certno": quote(stranger.certno)}).refused("wrong_credential", "mdtrtinfo.mdtrt_cert_no")
	reverse(f.msgid(), refusedStay, "2401", p).ok() // nothing to undo
	if f.balance(p) != "937.80" {
		t.Errorf("%s left", f.balance(p))
	}
}
