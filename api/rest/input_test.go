package rest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gongji/api/ids"
	"gongji/engine/ledger"
)

// A sort of field decides what is wrong with a value.
type sort uint8

const (
	token sort = iota
	phrase
	digits
	choice
	amount
	money0 // amount that must not be 0
	date
	instant
	boolean
	number
	object
	list // of objects
	idList
	tally // a number that may be 0
)

// field is one field of a valid body.
type field struct {
	name     string
	sort     sort
	value    string // JSON
	optional bool
	inside   []field
}

func q(s string) string { return fmt.Sprintf("%q", s) }

// render writes the body, with change applied to the text of field at (path), which may stand inside another one.
func render(fields []field, prefix, at string, change func(name, value string) string) string {
	var parts []string
	for _, x := range fields {
		path := prefix + x.name
		value := x.value
		switch x.sort {
		case object:
			value = render(x.inside, path+".", at, change)
		case list:
			value = "[" + render(x.inside, path+"[0].", at, change) + "]"
		}
		text := q(x.name) + ":" + value
		if path == at {
			text = change(q(x.name), value)
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// canary and canaryNumber stand where they must not be echoed.
const (
	canary       = "CANARY"
	canaryNumber = "7391847391"
)

// wrongCertno is an identity number as people mistype it: the check character is another one's. No answer repeats it either (P23).
func wrongCertno() string {
	number := []byte(certnoOf(9))
	number[len(number)-1] = '0' + (number[len(number)-1]+1)%10
	return string(number)
}

// wrong is one way to spoil a field.
type wrong struct {
	name, code string
	change     func(name, value string) string
}

func put(code, value string) wrong {
	return wrong{name: value, code: code, change: func(name, _ string) string { return name + ":" + value }}
}

// wrongs are the ways to spoil a field of a sort.
func wrongs(x field) []wrong {
	out := []wrong{put("null", "null"),
		{name: "twice", code: "duplicate_field", change: func(name, value string) string { return name + ":" + value + "," + name + ":" + value }}}
	if !x.optional {
		out = append(out, wrong{name: "missing", code: "missing_field", change: func(string, string) string { return "" }})
	}
	switch x.sort {
	case boolean, number, tally, object, list, idList:
		out = append(out, put("wrong_type", q(canary)))
	default:
		if x.name == "certno" || x.name == "user_certno" {
			out = append(out, put("bad_value", q(wrongCertno())), put("bad_value", q(wrongCertno()[:17])))
		}
		out = append(out, put("wrong_type", canaryNumber), put("wrong_type", "true"), put("wrong_type", `{"a":1}`), put("wrong_type", `["`+canary+`"]`),
			put("too_long", q(canary+strings.Repeat("x", 3000))), put("bad_utf8", "\""+canary+"\xff\""), put("bad_utf8", `"`+canary+`\ud800"`), put("bad_utf8", `"`+canary+`\n"`),
			put("bad_utf8", "\"\xc0\xaf\""))
	}
	return append(out, wrongsOf(x.sort)...)
}

func wrongsOf(s sort) []wrong {
	bad := func(values ...string) (out []wrong) {
		for _, v := range values {
			out = append(out, put("bad_value", v))
		}
		return out
	}
	switch s {
	case token:
		return bad(`""`, `"a `+canary+`"`, `"号`+canary+`"`)
	case phrase:
		return bad(`""`)
	case digits:
		return append(bad(`""`, `"-1"`), put("bad_value|too_long", `"x1x"`), put("bad_value|too_long", `"１１１"`))
	case choice:
		return bad(`""`, q(canary), `"01 "`)
	case date:
		return bad(`"2026-02-30"`, `"2026-2-3"`, `"20260310"`, `"`+canary+`"`)
	case instant:
		return bad(`"2026-03-10T12:00:00Z"`, `"2026-03-10 12:00:00"`, `"`+canary+`"`)
	case tally:
		return append(bad("-1", "1000000000"), put("wrong_type", "1.5"), put("wrong_type", "1e2"))
	case number:
		return append(bad("0", "-1", "1000000000"), put("wrong_type", "1.5"), put("wrong_type", "1e2"))
	case idList:
		return append(bad(`["B0000000000001X"]`, `["`+canary+`"]`, `[]`), put("wrong_type", `[`+canaryNumber+`]`))
	case boolean:
		return []wrong{put("wrong_type", "1"), put("wrong_type", canaryNumber)}
	case list:
		return []wrong{put("wrong_type", "{}"), {name: "nine", code: "too_many", change: func(name, value string) string {
			return name + ":[" + strings.TrimSuffix(strings.Repeat(value[1:len(value)-1]+",", ledger.EnrolmentsMax+1), ",") + "]"
		}}}
	case money0:
		return append(amounts(), put("amount_zero", `"0.00"`), put("amount_zero", `"0"`))
	case amount:
		return amounts()
	}
	return nil
}

func amounts() []wrong {
	return []wrong{put("wrong_type", "184.00"), put("wrong_type", "0"), put("amount_decimals", `"1.234"`), put("amount_malformed", `"1e2"`),
		put("amount_negative", `"-1.00"`), put("amount_negative", `"-0"`), put("amount_too_large", `"999999999999999.00"`),
		put("amount_too_large", `"92233720368547758.08"`), put("amount_malformed", `""`), put("amount_malformed", `" 1.00"`), put("amount_malformed", `"01.00"`),
		put("amount_malformed", `"+1.00"`), put("amount_malformed", `"1."`), put("amount_malformed", `"１.00"`), put("amount_malformed", `"1,00"`), put("amount_malformed", q(canary))}
}

// inputs are valid bodies with all fields.
type input struct {
	path   string
	admin  bool
	fields []field
}

func inputs() []input {
	certno := q(certnoOf(7))
	enrolment := []field{{name: "insutype", sort: digits, value: `"310"`}, {name: "psn_type", sort: digits, value: `"11"`}, {name: "flxempe_flag", sort: choice, value: `"0"`},
		{name: "psn_insu_stas", sort: choice, value: `"1"`}, {name: "insuplc_admdvs", sort: digits, value: `"420100"`}, {name: "begndate", sort: date, value: `"2015-01-01"`},
		{name: "enddate", sort: date, value: `"2030-01-01"`, optional: true}, {name: "reason", sort: choice, value: `"other"`, optional: true}}
	application := field{name: "application", sort: object, optional: true, inside: []field{{name: "no", value: `"A1"`}, {name: "clerk", sort: phrase, value: `"李"`},
		{name: "document_shown", sort: phrase, value: `"身份证"`}}}
	msgid := field{name: "msgid", value: `"M1"`}
	settlement := []field{msgid, {name: "fixmedins_code", value: `"P1"`}, {name: "psn_no", value: `"42010001"`}, {name: "mdtrt_cert_type", sort: choice, value: `"02"`},
		{name: "mdtrt_cert_no", value: certno}, {name: "card_sn", value: `"C1"`, optional: true}, {name: "begndate", sort: date, value: `"2026-03-01"`, optional: true}, {name: "med_type", sort: digits, value: `"11"`}, {name: "insutype", sort: digits, value: `"310"`},
		{name: "acct_used_flag", sort: choice, value: `"1"`, optional: true}, {name: "medfee_sumamt", sort: money0, value: `"100.00"`}, {name: "fund_pay_sumamt", sort: amount, value: `"10.00"`},
		{name: "hosp_part_amt", sort: amount, value: `"1.00"`, optional: true}, {name: "preselfpay_amt", sort: amount, value: `"10.00"`}, {name: "inscp_scp_amt", sort: amount, value: `"70.00"`},
		{name: "overlmt_selfpay", sort: amount, value: `"10.00"`}, {name: "fulamt_ownpay_amt", sort: amount, value: `"10.00"`}, {name: "on_shortfall", sort: choice, value: `"cash"`, optional: true},
		{name: "expected", sort: object, optional: true, inside: []field{{name: "acct_pay", sort: amount, value: `"1.00"`}, {name: "psn_cash_pay", sort: amount, value: `"2.00"`}}},
		{name: "passwords", sort: list, optional: true, inside: []field{{name: "authorizer_psn_no", value: `"420"`}, {name: "password", value: `"secret"`}}},
		{name: "agent", sort: object, optional: true, inside: []field{{name: "cert_type", sort: digits, value: `"01"`}, {name: "certno", value: q(certnoOf(8))}, {name: "name", sort: phrase, value: `"王"`},
			{name: "relation", sort: digits, value: `"1"`}, {name: "principal_doc_shown", sort: boolean, value: "true"}}},
		{name: "opter", value: `"0001"`}, {name: "opter_name", sort: phrase, value: `"李"`}, {name: "dev_no", value: `"D1"`, optional: true}, {name: "invono", value: `"I1"`, optional: true}}
	return []input{
		{"/v1/settlements", false, settlement},
		{"/v1/settlements/preview", false, settlement[1:]},
		{"/v1/bindings", false, []field{msgid, {name: "channel", sort: choice, value: `"hall"`}, {name: "authorizer_psn_no", value: `"420"`}, {name: "user_cert_type", sort: digits, value: `"01"`},
			{name: "user_certno", value: certno}, {name: "relation", sort: choice, value: `"1"`}, {name: "user_phone", value: `"138"`, optional: true},
			{name: "commitment", sort: object, inside: []field{{name: "version", value: `"1"`}, {name: "accepted_at", sort: instant, value: `"2026-03-10T12:00:00+08:00"`},
				{name: "declaration", sort: phrase, value: `"自愿"`}}},
			{name: "qa_version", value: `"1"`, optional: true}, {name: "data_consent_at", sort: instant, value: `"2026-03-10T12:00:00+08:00"`, optional: true},
			{name: "auth", sort: object, optional: true, inside: []field{{name: "method", sort: choice, value: `"real_person"`}, {name: "txn_no", value: `"T1"`}, {name: "time", sort: instant, value: `"2026-03-10T12:00:00+08:00"`}}},
			application, {name: "face_passed", sort: boolean, value: "true", optional: true}, {name: "order", sort: number, value: "3", optional: true}}},
		{"/v1/unbindings", false, []field{msgid, {name: "channel", sort: choice, value: `"hall"`}, {name: "authorizer_psn_no", value: `"420"`},
			{name: "binding_ids", sort: idList, value: `["` + idText(ids.Binding, 1) + `"]`}, application}},
		{"/v1/bindings/" + idText(ids.Binding, 1) + "/consent", false, []field{msgid, {name: "channel", sort: choice, value: `"hall"`, optional: true}, {name: "user_psn_no", value: `"420"`, optional: true},
			{name: "decision", sort: choice, value: `"accept"`}, {name: "face_passed", sort: boolean, value: "true", optional: true}}},
		{"/v1/bindings/" + idText(ids.Binding, 1) + "/withdraw", false, []field{msgid, {name: "channel", sort: choice, value: `"hall"`, optional: true},
			{name: "authorizer_psn_no", value: `"420"`, optional: true}}},
		{"/v1/bindings/" + idText(ids.Binding, 1) + "/review", true, []field{msgid, {name: "decision", sort: choice, value: `"reject"`}, {name: "reviewer", value: `"C1"`},
			{name: "opinion", sort: phrase, value: `"同意"`, optional: true}, {name: "reviewed_at", sort: instant, value: `"2026-03-10T12:00:00+08:00"`, optional: true}}},
		{"/v1/bindings/" + idText(ids.Binding, 1) + "/forced-unbinding", true, []field{msgid, {name: "reason", sort: choice, value: `"fraud"`}, {name: "first_officer", value: `"C1"`},
			{name: "second_officer", value: `"C2"`}, {name: "opinion", sort: phrase, value: `"查实"`, optional: true}}},
		{"/v1/families", false, []field{msgid, {name: "channel", sort: choice, value: `"gansu_app"`}, {name: "psn_no", value: `"420"`}}},
		{"/v1/allocations", false, []field{msgid, {name: "channel", sort: choice, value: `"gansu_app"`}, {name: "psn_no", value: `"420"`}, {name: "amount", sort: money0, value: `"1.00"`}}},
		{"/v1/families/" + idText(ids.Family, 1) + "/dissolution", false, []field{msgid, {name: "channel", sort: choice, value: `"gansu_app"`}, {name: "psn_no", value: `"420"`, optional: true}}},
		{"/v1/persons", true, []field{{name: "msgid", value: `"M1"`, optional: true}, {name: "psn_no", value: `"420"`}, {name: "psn_cert_type", sort: digits, value: `"01"`}, {name: "certno", value: certno},
			{name: "psn_name", sort: phrase, value: `"王"`}, {name: "phone", value: `"138"`, optional: true}, {name: "gend", sort: choice, value: `"1"`}, {name: "brdy", sort: date, value: `"1980-01-01"`},
			{name: "has_account", sort: boolean, value: "true"}, {name: "evoucher_active", sort: boolean, value: "true"}, {name: "enrolments", sort: list, inside: enrolment}}},
		{"/v1/persons/420/enrolments", true, append([]field{msgid}, enrolment...)},
		{"/v1/persons/420/changes", true, []field{msgid, {name: "has_account", sort: boolean, value: "true", optional: true}, {name: "evoucher_active", sort: boolean, value: "true", optional: true},
			{name: "insuplc_admdvs", sort: digits, value: `"420100"`, optional: true}, {name: "brdy", sort: date, value: `"1980-01-01"`, optional: true}}},
		{"/v1/persons/420/credentials", true, []field{msgid, {name: "type", sort: choice, value: `"03"`}, {name: "number", value: `"A1"`}, {name: "card_sn", value: `"S1"`},
			{name: "state", sort: choice, value: `"active"`}}},
		{"/v1/freezes", true, []field{msgid, {name: "psn_no", value: `"420"`, optional: true}, {name: "action", sort: choice, value: `"freeze"`}, {name: "reason", sort: choice, value: `"court"`},
			{name: "operator", value: `"o1"`}, {name: "second_operator", value: `"o2"`}}},
		{"/v1/persons/420/password", false, []field{msgid, {name: "channel", sort: choice, value: `"wechat"`}, {name: "action", sort: choice, value: `"change"`}, {name: "password", value: `"s3cret"`},
			{name: "old_password", value: `"0ther9"`, optional: true}}},
		{"/v1/persons/420/password-reset", true, []field{msgid, {name: "operator", value: `"o1"`}}},
		{"/v1/persons/lookup", false, []field{{name: "psn_cert_type", sort: digits, value: `"01"`}, {name: "certno", value: certno}}},
		{"/v1/credits", true, []field{msgid, {name: "psn_no", value: `"420"`}, {name: "amount", sort: money0, value: `"1.00"`}, {name: "source", sort: choice, value: `"opening"`},
			{name: "business_date", sort: date, value: `"2026-03-10"`}}},
		{"/v1/account-debits", true, []field{msgid, {name: "psn_no", value: `"420"`}, {name: "amount", sort: money0, value: `"1.00"`}, {name: "reason", sort: choice, value: `"estate"`},
			{name: "business_date", sort: date, value: `"2026-03-10"`}, {name: "opter", value: `"1"`}, {name: "reviewer", value: `"2"`}}},
		{"/v1/premiums", false, []field{msgid, {name: "channel", sort: choice, value: `"hall"`}, {name: "payer_psn_no", value: `"420"`}, {name: "insured_psn_no", value: `"421"`},
			{name: "premium_type", sort: choice, value: `"resident"`}, {name: "year", sort: digits, value: `"2026"`}, {name: "amount", sort: money0, value: `"400.00"`}, {name: "tax_order_no", value: `"T1"`}}},
		{"/v1/premiums/" + idText(ids.Premium, uint64(ledger.At(9, 0))) + "/refund", false, []field{msgid, {name: "channel", sort: choice, value: `"hall"`}, {name: "payer_psn_no", value: `"420"`},
			{name: "reason", sort: phrase, value: `"退"`}}},
		{"/v1/credit-runs", true, []field{{name: "run_id", value: `"R1"`}, {name: "source", sort: choice, value: `"opening"`}, {name: "period", sort: digits, value: `"202601"`},
			{name: "count", sort: tally, value: "1"}, {name: "amount", sort: amount, value: `"1.00"`}}},
		{"/v1/institutions", true, []field{{name: "fixmedins_code", value: `"P1"`}, {name: "fixmedins_name", sort: phrase, value: `"店"`}, {name: "fixmedins_type", sort: choice, value: `"2"`},
			{name: "hosp_lv", sort: digits, value: `"02"`, optional: true}, {name: "admdvs", sort: digits, value: `"420100"`}}},
		{"/v1/institutions/P1/clearings", true, []field{msgid, {name: "from", sort: date, value: `"2026-03-10"`}, {name: "to", sort: date, value: `"2026-03-11"`},
			{name: "clr_type", sort: digits, value: `"11"`, optional: true}, {name: "amount", sort: money0, value: `"1.00"`}}},
		{"/v1/reversals", false, []field{msgid, {name: "fixmedins_code", value: `"P1"`}, {name: "original_msgid", value: `"M0"`}, {name: "original_kind", sort: choice, value: `"settlement"`},
			{name: "psn_no", value: `"420"`}}},
		{"/v1/settlements/" + idText(ids.Settlement, uint64(ledger.At(9, 0))) + "/reversal", false, []field{msgid, {name: "fixmedins_code", value: `"P1"`}, {name: "psn_no", value: `"420"`},
			{name: "opter", value: `"1"`}, {name: "reason", sort: phrase, value: `"退"`}}},
		{"/v1/clock/confirm", true, []field{{name: "confirm", sort: boolean, value: "true"}}},
		{"/v1/ledger/copies", true, []field{{name: "name", value: `"c1"`}}},
	}
}

// Every field of every call, spoiled in every way: refused before the log, with code and field, and nothing of the value told back.
// Rules: F1, F2, F3, C8.
// T20: defect_number_told.
func TestBadInput(t *testing.T) {
	f := start(t, setup{})
	before := f.sequence()
	count := 0
	for _, in := range inputs() {
		for _, x := range in.fields {
			spoil(f, in, in.fields, x, "", &count)
		}
		whole := render(in.fields, "", "", nil)
		f.spoiled(in, strings.TrimSuffix(whole, "}")+`,"surprise":1}`, "unknown_field", "surprise")
		f.spoiled(in, strings.TrimSuffix(whole, "}")+`,"`+certnoOf(9)+`":1}`, "unknown_field", "")
		f.spoiled(in, strings.ToUpper(whole[:5])+whole[5:], "unknown_field", strings.Trim(strings.ToUpper(whole[2:5])+strings.SplitN(whole[5:], `"`, 2)[0], `"`))
		f.spoiled(in, whole+"{}", "trailing_data", "")
		f.spoiled(in, whole[:len(whole)-1], "malformed", in.fields[len(in.fields)-1].name)
		f.spoiled(in, "\ufeff"+whole, "malformed", "")
		f.spoiled(in, "[]", "wrong_type", "")
		f.spoiled(in, "", "malformed", "")
		f.spoiled(in, strings.Repeat(" ", 20), "malformed", "")
		count += 9
	}
	if got := f.sequence(); got != before {
		t.Errorf("the log went from %d to %d", before, got)
	}
	if count < 2000 {
		t.Errorf("only %d bodies were tried", count)
	}
}

func spoil(f *fixture, in input, all []field, x field, prefix string, count *int) {
	path := prefix + x.name
	for _, w := range wrongs(x) {
		*count++
		want := path
		switch {
		case w.name == `["B0000000000001X"]`, w.name == `["`+canary+`"]` && w.code == "bad_value", w.name == "["+canaryNumber+"]":
			want += "[0]"
		case w.code == "too_many":
			want += fmt.Sprintf("[%d]", ledger.EnrolmentsMax)
		}
		f.spoiled(in, render(all, "", path, w.change), w.code, want)
	}
	for i := range x.inside {
		inner := path + "."
		if x.sort == list {
			inner = path + "[0]."
		}
		spoil(f, in, all, x.inside[i], inner, count)
	}
}

func (f *fixture) spoiled(in input, body, code, field string) {
	f.t.Helper()
	base := f.business
	if in.admin {
		base = f.admin
	}
	before := f.sequence()
	a := f.send("POST", base+in.path, "application/json", body)
	if a.status != 400 || !slices.Contains(strings.Split(code, "|"), a.str("code")) || a.str("field") != field || a.str("id_used") != "false" || a.str("status") != "400" {
		f.t.Errorf("%s %.300s\n  answer %d %s, want 400 %s at %q", in.path, body, a.status, a.text, code, field)
	}
	if strings.Contains(a.text, canary) || strings.Contains(a.text, canaryNumber) || strings.Contains(a.text, certnoOf(9)[:17]) {
		f.t.Errorf("%s %.300s\n  the answer tells a value back: %s", in.path, body, a.text)
	}
	if f.sequence() != before {
		f.t.Errorf("%s %.300s\n  was logged", in.path, body)
	}
}

// The same bodies unspoiled pass every check before the ledger: or the table above would prove nothing.
func TestGoodInput(t *testing.T) {
	f := start(t, setup{})
	for _, in := range inputs() {
		base := f.business
		if in.admin {
			base = f.admin
		}
		if a := f.send("POST", base+in.path, "application/json", render(in.fields, "", "", nil)); a.status == 400 {
			t.Errorf("%s: %s", in.path, a.text)
		}
	}
}

// Checks beyond single fields.
func TestRefusedBeforeTheLog(t *testing.T) {
	f := start(t, setup{})
	shop, p := f.institution("2"), f.newPerson(true)
	for p.certno[17] != 'X' {
		p = f.newPerson(true)
	}
	good := bill{msgid: "X1", code: shop, patient: p, medfee: "10.00", inscp: "10.00"}.body()
	settle := input{path: "/v1/settlements"}
	for _, c := range []struct{ old, new, code, field string }{
		{`"inscp_scp_amt":"10.00"`, `"inscp_scp_amt":"9.99"`, "amount_parts", "medfee_sumamt"},
		{`"inscp_scp_amt":"10.00"`, `"inscp_scp_amt":"99999999999999.99"`, "amount_parts", "medfee_sumamt"},
		{`"fund_pay_sumamt":"0.00"`, `"fund_pay_sumamt":"10.01"`, "amount_parts", "fund_pay_sumamt"},
		{`"opter":`, `"hosp_part_amt":"10.01","opter":`, "amount_parts", "hosp_part_amt"},
		{`"mdtrt_cert_type":"02"`, `"mdtrt_cert_type":"01"`, "evoucher_invalid", "mdtrt_cert_no"},
		{`"mdtrt_cert_type":"02"`, `"mdtrt_cert_type":"03"`, "missing_field", "card_sn"},
		{`"opter":`, `"agent":{"cert_type":"01","certno":"` + certnoOf(9) + `","name":"王","relation":"1","principal_doc_shown":false},"opter":`, "document_not_shown", "agent.principal_doc_shown"},
		{`"opter":`, `"agent":{"cert_type":"01","certno":"` + p.certno + `","name":"王","relation":"1","principal_doc_shown":true},"opter":`, "bad_value", "agent.certno"},
		{p.certno, p.certno[:17] + "Y", "bad_value", "mdtrt_cert_no"},
		{`"med_type":"11"`, `"med_type":"011"`, "bad_value", "med_type"},
		{`"opter":`, `"agent":{"cert_type":"01","certno":"110101199001011234","name":"王","relation":"1","principal_doc_shown":true},"opter":`, "bad_value", "agent.certno"},
	} {
		body := strings.Replace(good, c.old, c.new, 1)
		if body == good {
			t.Fatalf("%s is not in the body", c.old)
		}
		f.spoiled(settle, body, c.code, c.field)
	}
	f.spoiled(input{path: "/v1/unbindings"}, `{"msgid":"1","channel":"hall","binding_ids":["`+idText(ids.Binding, 1)+`"]}`, "missing_field", "authorizer_psn_no")
	f.spoiled(input{path: "/v1/unbindings"}, `{"msgid":"1","channel":"hall","binding_ids":["`+idText(ids.Binding, 1)+`"],"user_psn_no":"1","authorizer_psn_no":"2"}`, "bad_value", "user_psn_no")
	f.spoiled(input{path: "/v1/unbindings"}, `{"msgid":"1","channel":"hall","binding_ids":["`+idText(ids.Binding, 1<<32)+`"],"user_psn_no":"1"}`, "bad_value", "binding_ids[0]")
	change := input{path: "/v1/persons/420/changes", admin: true}
	f.spoiled(change, `{"msgid":"1"}`, "missing_field", "has_account")
	f.spoiled(change, `{"msgid":"1","has_account":false}`, "bad_value", "has_account")
	freeze := input{path: "/v1/freezes", admin: true}
	f.spoiled(freeze, `{"msgid":"1","action":"freeze","reason":"court","operator":"a","second_operator":"b"}`, "missing_field", "psn_no")
	f.spoiled(freeze, `{"msgid":"1","psn_no":"4","family_id":"`+idText(ids.Family, 1)+`","action":"freeze","reason":"court","operator":"a","second_operator":"b"}`, "bad_value", "family_id")
	f.spoiled(freeze, `{"msgid":"1","family_id":"`+idText(ids.Binding, 1)+`","action":"freeze","reason":"court","operator":"a","second_operator":"b"}`, "bad_value", "family_id")
	password := input{path: "/v1/persons/420/password"}
	for _, weak := range []string{"00000", "000000", "123456", "987654", "aaaaaaaa"} { // L5, K20
		f.spoiled(password, `{"msgid":"1","channel":"hall","action":"set","password":"`+weak+`"}`, "password_weak", "password")
	}
	f.spoiled(password, `{"msgid":"1","channel":"hall","action":"change","password":"s3cret"}`, "missing_field", "old_password")
	f.spoiled(password, `{"msgid":"1","channel":"hall","action":"set","password":"s3cret","old_password":"x"}`, "bad_value", "old_password")
	f.spoiled(input{path: "/v1/institutions", admin: true}, `{"fixmedins_code":"wechat","fixmedins_name":"a","fixmedins_type":"1","admdvs":"420100"}`, "bad_value", "fixmedins_code")
	f.spoiled(input{path: "/v1/clock/confirm", admin: true}, `{"confirm":false}`, "bad_value", "confirm")
	f.spoiled(input{path: "/v1/ledger/copies", admin: true}, `{"name":"../x"}`, "bad_value", "name")
	f.spoiled(input{path: "/v1/credit-runs", admin: true}, `{"run_id":"a/b","source":"opening","period":"202601","count":1,"amount":"1.00"}`, "bad_value", "run_id")
	f.spoiled(input{path: "/v1/credit-runs", admin: true}, `{"run_id":"ab","source":"opening","period":"202613","count":1,"amount":"1.00"}`, "bad_value", "period")
	// The id is free: the same one settles now.
	f.post("/v1/settlements", good).want(200)
	lower := strings.Replace(good, p.certno, strings.ToLower(p.certno), 1)
	if lower == good || !f.post("/v1/settlements", lower).want(200).replayed {
		t.Error("not a repeat")
	}
	lower = strings.Replace(lower, `"X1"`, `"X2"`, 1)
	f.post("/v1/settlements", lower).want(200) // x and X are one person
}
