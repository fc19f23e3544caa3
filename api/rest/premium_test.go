package rest

import (
	"fmt"
	"strings"
	"testing"

	"gongji/engine"
	"gongji/engine/ledger"
)

func premiumBody(msgid string, payer, insured someone, year, amount string) string {
	return fmt.Sprintf(`{"msgid":%q,"channel":"wechat","payer_psn_no":%q,"insured_psn_no":%q,"premium_type":"resident","year":%q,"amount":%q,"tax_order_no":"TAX-1"}`,
		msgid, payer.psnNo, insured.psnNo, year, amount)
}

// TestPremium: R25, M6, Q3, R28: paid, told, refunded once, also after unbinding; statements of payer and insured.
func TestPremium(t *testing.T) {
	policy := engine.Hubei
	policy.PremiumTypes, policy.MinBindMonths = 1, 0
	f := start(t, setup{policy: policy})
	father, child, stranger := f.newPerson(true), f.newPerson(false), f.newPerson(true)
	f.credit(father, "1000.00")
	f.credit(stranger, "1000.00")
	binding := f.bind(father, child, "")

	f.post("/v1/premiums", premiumBody(f.msgid(), stranger, child, "2026", "400.00")).want(422, "code", "not_bound", "outcome", "610")
	f.post("/v1/premiums", premiumBody(f.msgid(), father, child, "2026", "1000.01")).want(422, "code", "short_of_funds", "id_used", "true")
	f.post("/v1/premiums", premiumBody(f.msgid(), father, someone{psnNo: "4711"}, "2026", "400.00")).want(404, "code", "unknown_user", "field", "insured_psn_no")
	similar := strings.Replace(premiumBody(f.msgid(), father, child, "2026", "400.00"), `"resident"`, `"similar"`, 1)
	f.post("/v1/premiums", similar).want(422, "code", "premium_not_allowed", "field", "premium_type")
	body := premiumBody("PR1", father, child, "2026", "400.00")
	paid := f.post("/v1/premiums", body).want(200, "state", "paid", "amount", "400.00", "tax_order_no", "TAX-1", "year", "2026")
	if again := f.post("/v1/premiums", body); !again.replayed || again.text != paid.text {
		t.Errorf("repeat: %t %s", again.replayed, again.text)
	}
	f.post("/v1/premiums", strings.Replace(body, "TAX-1", "TAX-2", 1)).want(409, "code", "id_reused")
	f.post("/v1/premiums", premiumBody(f.msgid(), father, child, "2026", "400.00")).want(422, "code", "premium_paid", "field", "year")
	id := paid.str("premium_id")
	f.get("/v1/premiums/"+id).want(200, "state", "paid", "payer_psn_no", father.psnNo, "insured_psn_no", child.psnNo, "premium_type", "resident", "tax_order_no", "TAX-1")
	f.get("/v1/persons/"+father.psnNo+"/statement").want(200, "postings.0.kind", "premium", "postings.0.amount", "-400.00", "postings.0.member_psn_no", child.psnNo,
		"postings.0.premium_id", id, "postings.0.balance_after", "600.00")
	f.get("/v1/persons/"+child.psnNo+"/premiums?year=2026").want(200, "premiums.0.premium_id", id, "premiums.0.state", "paid", "premiums.1.state", "")
	f.send("GET", f.admin+"/v1/ledger/totals", "", "").want(200, "totals.premium_payable", "400.00", "sum", "0.00")

	f.post("/v1/unbindings", fmt.Sprintf(`{"msgid":%q,"channel":"wechat","authorizer_psn_no":%q,"binding_ids":[%q]}`, f.msgid(), father.psnNo, binding)).
		want(200, "results.0.result", "unbound")
	refund := func(msgid string, payer someone) *answer {
		return f.post("/v1/premiums/"+id+"/refund", fmt.Sprintf(`{"msgid":%q,"channel":"hall","payer_psn_no":%q,"reason":"重复缴费"}`, msgid, payer.psnNo))
	}
	refund("RF0", child).want(422, "code", "wrong_person", "field", "payer_psn_no")
	back := refund("RF1", father).want(200, "state", "refunded", "premium_id", id, "amount", "400.00")
	if again := refund("RF1", father); !again.replayed || again.text != back.text {
		t.Errorf("repeat: %t %s", again.replayed, again.text)
	}
	refund("RF2", father).want(422, "code", "premium_refunded", "outcome", "724")
	f.get("/v1/premiums/"+id).want(200, "state", "refunded", "refund.entry_id", back.str("entry_id"))
	f.get("/v1/persons/"+father.psnNo+"/statement").want(200, "postings.0.kind", "premium_refund", "postings.0.amount", "400.00", "postings.0.premium_id", id,
		"postings.0.balance_after", "1000.00")

	f.bind(father, child, "") // a refund makes room for the year's premium
	second := f.post("/v1/premiums", premiumBody(f.msgid(), father, child, "2026", "380.00")).want(200).str("premium_id")
	f.get("/v1/persons/"+child.psnNo+"/premiums?year=2026").want(200, "premiums.0.state", "refunded", "premiums.1.premium_id", second, "premiums.1.state", "paid")
	f.get("/v1/persons/"+child.psnNo+"/premiums?year=2027").want(200, "premiums.0.state", "")
	f.get("/v1/persons/"+child.psnNo+"/premiums").want(400, "code", "missing_field", "field", "year")
	f.get("/v1/persons/"+child.psnNo+"/premiums?year=02026").want(400, "code", "bad_value", "field", "year")
	f.get("/v1/persons/4711/premiums?year=2026").want(404, "code", "not_found")
	for _, no := range []string{"P123", idText('P', uint64(ledger.At(9, 9))), idText('P', 7), strings.Replace(id, "P", "S", 1)} {
		f.get("/v1/premiums/"+no).want(404, "code", "not_found", "field", "id")
	}
	f.post("/v1/premiums/"+idText('P', uint64(ledger.At(1, 0)))+"/refund", `{"msgid":"RF9","channel":"hall","payer_psn_no":"420","reason":"x"}`).
		want(404, "code", "unknown_premium", "outcome", "723", "field", "id")
}

// TestAccountDebit: R26, R31: by two operators, whole or refused, on the admin listener only.
func TestAccountDebit(t *testing.T) {
	f := start(t, setup{})
	p, resident := f.newPerson(true), f.newPerson(false)
	f.credit(p, "100.00")
	body := func(msgid string, who someone, amount, reviewer string) string {
		return fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"amount":%q,"reason":"transfer_out","business_date":"2026-03-10","opter":"01","reviewer":%q}`, msgid, who.psnNo, amount, reviewer)
	}
	f.postAdmin("/v1/account-debits", body("D0", p, "1.00", "01")).want(422, "code", "same_operator", "outcome", "450", "field", "reviewer")
	f.postAdmin("/v1/account-debits", body("D1", p, "100.01", "02")).want(422, "code", "short_of_funds")
	f.postAdmin("/v1/account-debits", body("D2", resident, "1.00", "02")).want(422, "code", "no_account", "field", "psn_no")
	first := f.postAdmin("/v1/account-debits", body("D3", p, "40.00", "02")).want(200, "amount", "40.00", "reason", "transfer_out", "business_date", "2026-03-10")
	if again := f.postAdmin("/v1/account-debits", body("D3", p, "40.00", "03")); !again.replayed || again.text != first.text { // operators are not content (R10)
		t.Errorf("repeat: %t %s", again.replayed, again.text)
	}
	f.postAdmin("/v1/account-debits", body("D3", p, "41.00", "02")).want(409, "code", "id_reused")
	f.post("/v1/account-debits", body("D4", p, "1.00", "02")).want(404)
	f.get("/v1/persons/"+p.psnNo+"/statement").want(200, "postings.0.kind", "account_debit", "postings.0.amount", "-40.00", "postings.0.balance_after", "60.00",
		"postings.0.entry_id", first.str("entry_id"))
	f.send("GET", f.admin+"/v1/ledger/totals", "", "").want(200, "totals.fund_bank", "40.00", "totals.personal", "60.00", "totals.funding", "-100.00", "sum", "0.00")
}
