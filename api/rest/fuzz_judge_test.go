package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"gongji/api/money"
	"gongji/engine/ledger"
)

// verdictOf is all that is known of a fuzzed call.
type verdictOf struct {
	call          *fuzzCall
	body          []byte
	answer        *answer
	before, after ledger.Totals
	logged        bool
}

func judge(t *testing.T, v *verdictOf) {
	t.Helper()
	if wrong := v.wrong(); wrong != "" {
		t.Errorf("%s: %s\n%q\n%d %.2000s\nbefore %+v\nafter  %+v", v.call.path, wrong, v.body, v.answer.status, v.answer.text, v.before, v.after)
	}
}

// wrong says what must not be; "": nothing.
func (v *verdictOf) wrong() string {
	status := v.answer.status
	if status >= 500 || status < 200 {
		return "not an answer to a body"
	}
	if v.after.Sum() != 0 {
		return "the accounts do not add up to 0"
	}
	want, wrong := v.moved()
	if wrong != "" {
		return wrong
	}
	if got := v.after.Personal + v.after.Family - v.before.Personal - v.before.Family; got != want {
		return fmt.Sprintf("persons and families gained %d fen, the answer says %d", got, want)
	}
	if v.call.fields == nil {
		return ""
	}
	if problem := readable(v.body, v.call.fields); problem != "" && (status/100 == 2 || status == 409 || status == 422 || v.logged) {
		return "a bad body was not refused before the log: " + problem
	}
	return ""
}

// fenIn is an amount of an answer or body, 0 if it is not there.
func fenIn(text string) int64 {
	fen, err := money.Parse(strings.TrimPrefix(text, "-"))
	if err != nil {
		return 0
	}
	return fen
}

// moved is by how much persons and families should have gained, in fen, by what the answer tells.
func (v *verdictOf) moved() (fen int64, wrong string) {
	a, path := v.answer, v.call.path
	if strings.HasSuffix(path, "/lines") { // credited from the bank, line by line
		return v.before.Funding - v.after.Funding, ""
	}
	if a.status/100 != 2 || a.replayed {
		return 0, ""
	}
	switch {
	case path == "/v1/settlements/batch":
		return v.batchMoved(), ""
	case path == "/v1/settlements", strings.HasSuffix(path, "/preview"):
		wrong = billWrong(v.body, a)
		if path == "/v1/settlements" {
			fen = -fenIn(a.str("acct_pay"))
		}
		return fen, wrong
	case path == "/v1/reversals", strings.HasSuffix(path, "/reversal"):
		return fenIn(a.str("acct_pay")), ""
	case path == "/v1/credits", strings.HasSuffix(path, "/refund"):
		return fenIn(a.str("amount")), ""
	case path == "/v1/account-debits", path == "/v1/premiums":
		return -fenIn(a.str("amount")), ""
	}
	return 0, ""
}

// batchMoved adds up the lines that were settled now.
func (v *verdictOf) batchMoved() (fen int64) {
	for _, l := range strings.Split(strings.TrimSpace(v.answer.text), "\n") {
		var x struct {
			Status   int    `json:"status"`
			Replayed bool   `json:"replayed"`
			Pay      string `json:"acct_pay"`
		}
		if json.Unmarshal([]byte(l), &x) == nil && x.Status == 200 && !x.Replayed {
			fen -= fenIn(x.Pay)
		}
	}
	return fen
}

// billWrong compares the answer of a settlement with what its bill says (R1): parts add up, and what the patient bears is paid by accounts and cash.
func billWrong(body []byte, a *answer) string {
	var x map[string]any
	if json.Unmarshal(body, &x) != nil {
		return "no JSON was settled"
	}
	in := func(name string) int64 { s, _ := x[name].(string); return fenIn(s) }
	if in("medfee_sumamt") != in("inscp_scp_amt")+in("preselfpay_amt")+in("overlmt_selfpay")+in("fulamt_ownpay_amt") {
		return "the parts do not add up"
	}
	part := in("medfee_sumamt") - in("fund_pay_sumamt") - in("hosp_part_amt")
	pay, cash := fenIn(a.str("acct_pay")), fenIn(a.str("psn_cash_pay"))
	if part < 0 || fenIn(a.str("psn_part_amt")) != part || pay+cash != part || fenIn(a.str("acct_mulaid_pay")) > pay {
		return fmt.Sprintf("the patient bears %d fen", part)
	}
	return ""
}

var amountText = regexp.MustCompile(`^(0|[1-9][0-9]{0,13})(\.[0-9]{1,2})?$`)

// readable says why a body is none of the call's, by encoding/json and the table of inputs(), which share no code with strictjson: "" if it may be one.
func readable(body []byte, fields []field) string {
	if !utf8.Valid(body) {
		return "not UTF-8"
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	problem := readableObject(d, fields, true)
	switch problem {
	case undecided:
		return ""
	case "":
		if _, err := d.Token(); err != io.EOF {
			return "something behind the object"
		}
	}
	return problem
}

// readableObject reads an object; its brace is still to come if opening.
func readableObject(d *json.Decoder, fields []field, opening bool) string {
	if opening {
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			return "no object"
		}
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] {
			return fmt.Sprintf("name %v: %v or twice", t, err)
		}
		seen[name] = true
		at := -1
		for i := range fields {
			if fields[i].name == name {
				at = i
			}
		}
		if at < 0 {
			return readableUnlisted(name)
		}
		if problem := readableValue(d, &fields[at]); problem != "" {
			return name + ": " + problem
		}
	}
	if _, err := d.Token(); err != nil {
		return "not closed"
	}
	for _, x := range fields {
		if !x.optional && !seen[x.name] {
			return x.name + " is missing"
		}
	}
	return ""
}

// listedElsewhere are names that some call takes and the table of inputs() leaves out of one or another: nothing can be said of such a body.
var listedElsewhere = map[string]bool{"user_psn_no": true, "authorizer_psn_no": true, "family_id": true, "psn_no": true, "old_password": true, "agent": true, "expected": true,
	"passwords": true, "card_sn": true, "auth": true, "msgid": true, "channel": true, "clr_type": true, "application": true}

// undecided: the table does not say whether the body is one.
const undecided = "undecided"

func readableUnlisted(name string) string {
	if listedElsewhere[name] {
		return undecided
	}
	return "unknown name " + name
}

func readableValue(d *json.Decoder, x *field) string {
	t, err := d.Token()
	if err != nil {
		return err.Error()
	}
	_, isBool := t.(bool)
	_, isNumber := t.(json.Number)
	text, isText := t.(string)
	switch x.sort {
	case object:
		if t != json.Delim('{') {
			return "no object"
		}
		return readableObject(d, x.inside, false)
	case list, idList:
		return readableList(d, x, t)
	case boolean:
		return unless(isBool, "no boolean")
	case number, tally:
		return unless(isNumber, "no number")
	case amount:
		return unless(isText && amountText.MatchString(text), "no amount")
	case money0:
		return unless(isText && amountText.MatchString(text) && strings.Trim(text, "0.") != "", "no amount above 0")
	}
	return unless(isText && text != "" && strings.IndexFunc(text, func(r rune) bool { return r < ' ' }) < 0, "no text")
}

func unless(ok bool, problem string) string {
	if ok {
		return ""
	}
	return problem
}

func readableList(d *json.Decoder, x *field, t json.Token) string {
	if t != json.Delim('[') {
		return "no list"
	}
	for d.More() {
		if x.sort == list {
			if problem := readableObject(d, x.inside, true); problem != "" {
				return problem
			}
		} else if t, err := d.Token(); err != nil {
			return err.Error()
		} else if _, ok := t.(string); !ok {
			return "no id"
		}
	}
	if _, err := d.Token(); err != nil {
		return err.Error()
	}
	return ""
}
