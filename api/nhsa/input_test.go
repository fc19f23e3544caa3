package nhsa

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gongji/engine/ledger"
)

// change is a way to spoil a good 2102, and what is said of it.
type change struct{ old, new, code, where string }

// Bad input: a sentence that names node and field, nothing logged, the id still free, no value echoed.
func TestBadInput(t *testing.T) {
	var log bytes.Buffer
	f := start(t, setup{log: &log})
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "500.00")
	good := sent{infno: "2102", msgid: f.msgid(), input: bought{who: p, total: "75.00", lines: threeLines}.input()}.body()
	const marked = "SECRET99"
	long := strings.Repeat("长", 51)
	changes := []change{
		{`{"infno"`, `{{"infno"`, "malformed", ""},
		{`"infno":"2102"`, `"infno":"2102","infno":"2102"`, "duplicate_field", "infno"},
		{`"infno":"2102"`, `"infno":"9999"`, "not_supported", "infno"},
		{`"infno":"2102"`, `"infno":""`, "missing_field", "infno"},
		{`"infno":"2102"`, `"infon":"2102"`, "missing_field", "infno"},
		{`"infno":"2102"`, `"infno":"21020000"`, "too_long", "infno"},
		{`"mdtrtarea_admvs":"420100"`, `"mdtrtarea_admvs":"4201"`, "bad_value", "mdtrtarea_admvs"},
		{`"insuplc_admdvs":"420100"`, `"insuplc_admdvs":"SECRET"`, "bad_value", "insuplc_admdvs"},
		{`"opter_type":"1"`, `"opter_type":"9"`, "bad_value", "opter_type"},
		{`"inf_time":"2026-03-10 12:00:00"`, `"inf_time":"2026-02-30 12:00:00"`, "bad_value", "inf_time"},
		{`"opter_name":"收费员"`, `"opter_name":"a\u000ab"`, "bad_utf8", "opter_name"},
		{`"opter_name":"收费员"`, `"opter_name":"` + long + `"`, "too_long", "opter_name"},
		{`"opter_name":"收费员"`, `"opter_name":{}`, "wrong_type", "opter_name"},
		{`"opter_name":"收费员"`, `"opter_name":true`, "wrong_type", "opter_name"},
		{`"fixmedins_code":"` + shopCode, `"fixmedins_code":"P42019999999`, "unknown_institution", "fixmedins_code"},
		{`"input":{`, `"input":[`, "wrong_type", "input"},
		{`"drugdetail"`, `"drugdetal"`, "missing_field", "drugdetail"},
		{`"druginfo":{`, `"druginfo":"` + marked + `","x":{`, "wrong_type", "druginfo"},
		{`"druginfo":{`, `"druginfo":{},"druginfo":{`, "missing_field", "druginfo.psn_no"},
		{`"psn_no"`, `"psnno"`, "missing_field", "druginfo.psn_no"},
		{`"psn_no"`, `"psn_no":"` + marked + `","psn_no"`, "duplicate_field", "druginfo.psn_no"},
		{`"psn_no":"`, `"psn_no":" ` + marked, "bad_value", "druginfo.psn_no"},
		{`"psn_no":"` + p.psnNo, `"psn_no":"` + marked, "unknown_person", "druginfo.psn_no"},
		{`"mdtrt_cert_type":"02"`, `"mdtrt_cert_type":"04"`, "bad_value", "druginfo.mdtrt_cert_type"},
		{`"mdtrt_cert_type":"02"`, `"mdtrt_cert_type":"03"`, "missing_field", "druginfo.card_sn"},
		{`"mdtrt_cert_type":"02"`, `"mdtrt_cert_type":"01"`, "evoucher_invalid", "druginfo.mdtrt_cert_no"},
		{`"mdtrt_cert_no":"` + p.certno, `"mdtrt_cert_no":"` + p.certno[:17] + "?", "bad_value", "druginfo.mdtrt_cert_no"},
		{`"certno":"` + p.certno, `"certno":"` + certnoOf(987654), "bad_value", "druginfo.certno"},
		{`"psn_cert_type":"01"`, `"psn_cert_type":"1"`, "bad_value", "druginfo.psn_cert_type"},
		{`"insutype":"310"`, `"insutype":"311"`, "bad_value", "druginfo.insutype"},
		{`"med_type":"41"`, `"med_type":"041"`, "bad_value", "druginfo.med_type"},
		{`"med_type":"41"`, `"med_type":"2101"`, "bad_value", "druginfo.med_type"}, // a stay's
		{`"acct_used_flag":"1"`, `"acct_used_flag":"3"`, "bad_value", "druginfo.acct_used_flag"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":76.00`, "amount_parts", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":0`, "amount_zero", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":75.001`, "amount_decimals", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":"75.00 "`, "amount_malformed", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":7.5e1`, "amount_malformed", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":NaN`, "malformed", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":"NaN"`, "amount_malformed", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":-75.00`, "amount_negative", "druginfo.medfee_sumamt"},
		{`"medfee_sumamt":75.00`, `"medfee_sumamt":"999999999999999.00"`, "amount_too_large", "druginfo.medfee_sumamt"},
		{`"feedetl_sn":2`, `"feedetl_sn":1`, "line_repeated", "drugdetail[2].feedetl_sn"},
		{`"feedetl_sn":2`, `"feedetl_sn":0`, "bad_value", "drugdetail[2].feedetl_sn"},
		{`"feedetl_sn":2`, `"feedetl_sn":"2a"`, "bad_value", "drugdetail[2].feedetl_sn"},
		{`"pric":20`, `"pric":21`, "amount_product", "drugdetail[2].det_item_fee_sumamt"},
		{`"pric":20`, `"pric":-20`, "amount_negative", "drugdetail[2].pric"},
		{`"pric":20`, `"pric":20.0000001`, "amount_decimals", "drugdetail[2].pric"},
		{`"cnt":1,`, `"cnt":0,`, "amount_zero", "drugdetail[3].cnt"},
		{`"cnt":1,`, `"cnt":1.00001,`, "amount_decimals", "drugdetail[3].cnt"},
		{`"fee_ocur_time":"2026-03-10 11:59:00"`, `"fee_ocur_time":"2026-03-10T11:59:00"`, "bad_value", "drugdetail[1].fee_ocur_time"},
		{`"med_list_codg":"UNKNOWN0001"`, `"med_list_codg":""`, "missing_field", "drugdetail[3].med_list_codg"},
		{`"exp_content":""}]`, `"durg_trac_info":[{"drug_trac_codg":""}]}]`, "missing_field", "drugdetail[3].durg_trac_info[1].drug_trac_codg"},
		{`"exp_content":""}]`, `"drug_trac_info":[],"durg_trac_info":[]}]`, "duplicate_field", "drugdetail[3].durg_trac_info"},
		{`"exp_content":""}]`, `"exp_content":""},3]`, "wrong_type", "drugdetail[4]"},
	}
	before := f.sequence()
	for i, c := range changes {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("%s is not in the message", c.old)
			}
			a := f.send(pathCall, strings.Replace(good, c.old, c.new, 1))
			a.t = t
			a.refused(c.code, c.where)
			for _, value := range []string{marked, p.certno, p.psnNo, "收费员", "王小明"} {
				if strings.Contains(a.text, value) {
					t.Errorf("echoes %s: %s", value, a.text)
				}
			}
			if c.code != "unknown_person" && f.sequence() != before {
				t.Errorf("something was logged")
			}
			before = f.sequence()
		})
	}
	for _, value := range []string{marked, p.certno, p.psnNo, "王小明"} {
		if strings.Contains(log.String(), value) {
			t.Errorf("%s in the log", value)
		}
	}
	if f.balance(p) != "500.00" {
		t.Errorf("%s left", f.balance(p))
	}
}

// Cut anywhere, a message is refused and changes nothing.
func TestCutOff(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	p := f.newPerson(true)
	body := sent{infno: "2102", msgid: f.msgid(), input: bought{who: p, total: "75.00", lines: threeLines}.input()}.body()
	before := f.sequence()
	for n := 1; n < len(body); n += 7 {
		if a := f.send(pathCall, body[:n]); a.status != 200 || a.str("infcode") != "-1" {
			t.Fatalf("cut at %d: %s", n, a.text)
		}
	}
	for _, more := range []string{"{}", "]", "\x00", ",", `"`} {
		f.send(pathCall, body+more).refused("trailing_data", "")
	}
	if f.sequence() != before {
		t.Error("something was logged")
	}
}

// Tolerance: what real senders do differently is the same message (issue, point 1).
func TestTolerance(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "5000.00")
	good := bought{who: p, total: "75.00", lines: threeLines}.input()
	whole := func(input string) string { return sent{infno: "2102", msgid: f.msgid(), input: input}.body() }
	swap := func(old, new string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in the message", old)
		}
		return whole(strings.Replace(good, old, new, 1))
	}
	inputFirst := `{"input":` + good + "," + strings.TrimSuffix(strings.TrimPrefix(sent{infno: "2102", msgid: f.msgid(), with: map[string]string{"input": "-"}}.body(), "{"), "}") + "}"
	for what, body := range map[string]string{
		"byte order mark":       "\xef\xbb\xbf" + whole(good),
		"white space":           "\r\n\t " + strings.ReplaceAll(whole(good), `","`, "\",\r\n\t \"") + " \n",
		"input first":           inputFirst,
		"unknown names":         swap(`"druginfo":{`, `"druginfo":{"enc":{"a":[1,{"b":null}]},"x":-1.5e9,`),
		"amounts as text":       swap(`"medfee_sumamt":75.00`, `"medfee_sumamt":"75.0"`),
		"more zeros":            swap(`"medfee_sumamt":75.00`, `"medfee_sumamt":75.0000`),
		"a code as number":      swap(`"med_type":"41"`, `"med_type":41`),
		"a serial as text":      swap(`"feedetl_sn":1`, `"feedetl_sn":"1"`),
		"null for nothing":      swap(`"card_sn":""`, `"card_sn":null`),
		"no flag":               swap(`"acct_used_flag":"1"`, `"acct_used_flag":""`),
		"exp_content an object": swap(`"exp_content":""`, `"exp_content":{"a":"b"}`),
		"trace node":            swap(`"exp_content":""}]`, `"durg_trac_info":[{"feedetl_sn":"3","drug_trac_codg":"T1","trdn_flag":"0"}]}]`),
		"its other spelling":    swap(`"exp_content":""}]`, `"drug_trac_info":{"feedetl_sn":"3","drug_trac_codg":"T1","trdn_flag":"0"}}]`),
		"escapes":               swap(`"psn_name":"王小明"`, `"psn\u005fname":"\u738b\u5c0f\u660e"`),
		"a list of one":         whole(strings.Replace(strings.Replace(good, `"druginfo":{`, `"druginfo":[{`, 1), `},"drugdetail"`, `}],"drugdetail"`, 1)),
		"no home area":          strings.Replace(whole(good), `"insuplc_admdvs":"420100"`, `"insuplc_admdvs":""`, 1),
		"dates alone":           swap(`"begntime":"2026-03-10 11:58:00"`, `"begntime":"2026-03-10"`),
	} {
		t.Run(what, func(t *testing.T) {
			a := f.send(pathCall, body)
			a.t = t
			a.ok("setlinfo.acct_pay", "62.20", "setlinfo.psn_name", "王小明", "setlinfo.clr_optins", "420100")
		})
	}
	a := f.sendAs(pathCall, "text/plain; charset=UTF-8", whole(good)) // the sample client (nhsa-inpatient.md 4, rule 25)
	a.ok("setlinfo.acct_pay", "62.20")
	if a := f.v1(f.business, pathCall, "application/xml", whole(good)); a.status != 415 {
		t.Errorf("another media type: %d", a.status)
	}
	if a := f.v1(f.business, pathCall, "application/json", strings.Repeat(" ", 256<<10)+whole(good)); a.status != 413 {
		t.Errorf("too large: %d", a.status)
	}
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	f.send(pathCall, swap(`"druginfo":{`, `"druginfo":{"x":`+deep+",")).refused("too_deep", "druginfo")
}

// Addresses: each takes its own transactions only, and the number in the path is that of the message.
func TestAddresses(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	p := f.newPerson(true)
	body := func(infno string) string {
		return sent{infno: infno, msgid: f.msgid(), input: bought{who: p, total: "75.00", lines: threeLines}.input()}.body()
	}
	for _, path := range []string{pathCall, "/hsa/hgs/2102", pathSettle, pathSettleV2} {
		f.send(path, body("2102")).ok("setlinfo.medfee_sumamt", "75.00")
	}
	for _, path := range []string{"/hsa/hgs/2101", pathPreSettle, pathCancel, pathSignIn} {
		f.send(path, body("2102")).refused("wrong_infno", "infno")
	}
	if a := f.v1(f.admin, pathCall, "application/json", body("2102")); a.status != 200 {
		t.Errorf("business routes answer on both listeners: %d", a.status)
	}
}

// Every outcome of the ledger has a sentence in Chinese, and every code of ours; each fits err_msg with the longest place.
func TestTexts(t *testing.T) {
	for o := ledger.Outcome(10); o < 1000; o++ {
		if name := o.String(); !strings.HasPrefix(name, "outcome_") && outcomeTexts[o] == "" {
			t.Errorf("no text for %s", name)
		}
	}
	place := strings.Repeat("drugdetail[50].", 3) + "fulamt_ownpay_amt"
	check := func(what string, x fault) {
		x.where, x.label, x.limit = place, "医药机构目录编码", 4000
		text := string(x.appendText(nil))
		s := x.text
		if s == "" {
			s = texts[x.code]
		}
		if s == "" || !strings.Contains(text, s) || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == "" {
			t.Errorf("%s: %q", what, text)
		}
	}
	for c := range texts {
		check(string(c), fault{code: c})
	}
	for o := range outcomeTexts {
		check(o.String(), refused(o))
	}
	x := fault{code: codeBadValue, where: strings.Repeat("长", 300)}
	if n := len([]rune(string(x.appendText(nil)))); n != errMsgMax {
		t.Errorf("err_msg of %d characters", n)
	}
}
