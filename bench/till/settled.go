package till

import (
	"fmt"
	"strings"
)

// amounts are the money fields of a settlement's answer in the order of the table, with what a slip calls them.
var amounts = []struct{ name, zh string }{
	{"medfee_sumamt", "医疗费总额"}, {"fulamt_ownpay_amt", "全自费金额"}, {"overlmt_selfpay", "超限价自费"}, {"preselfpay_amt", "先行自付"}, {"inscp_scp_amt", "符合政策范围"},
	{"act_pay_dedc", "起付线"}, {"hifp_pay", "基本统筹基金"}, {"cvlserv_pay", "公务员补助"}, {"hifes_pay", "企业补充"}, {"hifmi_pay", "居民大病"}, {"hifob_pay", "职工大额"},
	{"maf_pay", "医疗救助"}, {"hifdm_pay", "伤残人员保障"}, {"oth_pay", "其他支出"}, {"fund_pay_sumamt", "基金支付总额"}, {"hosp_part_amt", "医院负担"}, {"psn_part_amt", "个人负担总额"},
	{"acct_pay", "个人账户支出"}, {"acct_mulaid_pay", "其中共济支付"}, {"psn_cash_pay", "个人现金支出"}, {"balc", "账户余额"},
}

// needed are those without which an answer says nothing; the others read as 0.
var needed = map[string]bool{"medfee_sumamt": true, "fund_pay_sumamt": true, "acct_pay": true, "psn_cash_pay": true}

// Settled is the answer of a settlement or a pre-settlement.
type Settled struct {
	SetlID, MdtrtID, MedinsSetlID, Insutype, ClrType, Optins, Time string
	Amounts                                                        map[string]Fen
	Lines, Details                                                 []Node // detlcutinfo, setldetail
}

// readSettled takes an answer apart. A settlement without setl_id, or an answer without its sums, is an error: nothing can be concluded from it.
func readSettled(output Node, preview bool) (*Settled, error) {
	info := output.Child("setlinfo")
	s := &Settled{SetlID: info.Text("setl_id"), MdtrtID: info.Text("mdtrt_id"), MedinsSetlID: info.Text("medins_setl_id"), Insutype: info.Text("insutype"),
		ClrType: info.Text("clr_type"), Optins: info.Text("clr_optins"), Time: info.Text("setl_time"), Amounts: map[string]Fen{},
		Lines: output.Rows("detlcutinfo"), Details: output.Rows("setldetail")}
	for _, a := range amounts {
		f, err := info.Fen(a.name)
		if a.name == "psn_cash_pay" && info.Text(a.name) == "" {
			f, err = info.Fen("pdn_cash_pay") // 2208's own spelling (nhsa-interface.md 1.9)
		}
		if err != nil && (needed[a.name] || info.Text(a.name) != "") {
			return nil, fmt.Errorf("setlinfo.%w", err)
		}
		s.Amounts[a.name] = f
	}
	if !preview && s.SetlID == "" {
		return nil, fmt.Errorf("%w: a settlement without setl_id", ErrUnresolved)
	}
	return s, nil
}

// into writes what the book keeps.
func (s *Settled) into(e *Entry) {
	e.SetlID, e.MdtrtID = s.SetlID, s.MdtrtID
	e.Medfee, e.Fund, e.Acct, e.Mulaid, e.Cash = s.Amounts["medfee_sumamt"], s.Amounts["fund_pay_sumamt"], s.Amounts["acct_pay"], s.Amounts["acct_mulaid_pay"], s.Amounts["psn_cash_pay"]
	for to, v := range map[*string]string{&e.Insutype: s.Insutype, &e.ClrType: s.ClrType, &e.Optins: s.Optins, &e.Day: firstN(s.Time, len("2006-01-02"))} {
		if v != "" {
			*to = v
		}
	}
}

func firstN(s string, n int) string { return s[:min(n, len(s))] }

// Difference is an amount that a settlement has otherwise than its pre-settlement (R4).
type Difference struct {
	Field, Label string
	Before, Now  Fen
}

// Compare lists what differs between a pre-settlement and the settlement.
func Compare(before, now *Settled) (list []Difference) {
	for _, a := range amounts {
		if before.Amounts[a.name] != now.Amounts[a.name] {
			list = append(list, Difference{a.name, a.zh, before.Amounts[a.name], now.Amounts[a.name]})
		}
	}
	return list
}

// Check holds an answer against the equations of nhsa-interface.md 1.10. E1 is taken in both readings: with account money in fund_pay_sumamt, and
// without.
func (s *Settled) Check() (wrong []string) {
	a := s.Amounts
	must := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	paid := a["fund_pay_sumamt"] + a["psn_part_amt"] + a["hosp_part_amt"]
	must(a["medfee_sumamt"] == paid || a["medfee_sumamt"] == paid-a["acct_pay"], "E1: medfee_sumamt %s is not fund_pay_sumamt %s + psn_part_amt %s + hosp_part_amt %s",
		a["medfee_sumamt"], a["fund_pay_sumamt"], a["psn_part_amt"], a["hosp_part_amt"])
	must(a["psn_part_amt"] == a["acct_pay"]+a["psn_cash_pay"], "E2: psn_part_amt %s is not acct_pay %s + psn_cash_pay %s", a["psn_part_amt"], a["acct_pay"], a["psn_cash_pay"])
	must(a["acct_mulaid_pay"] >= 0 && a["acct_mulaid_pay"] <= a["acct_pay"], "E3: acct_mulaid_pay %s is not within acct_pay %s", a["acct_mulaid_pay"], a["acct_pay"])
	parts := a["fulamt_ownpay_amt"] + a["overlmt_selfpay"] + a["preselfpay_amt"] + a["inscp_scp_amt"]
	must(a["medfee_sumamt"] == parts, "E4: medfee_sumamt %s is not the sum of its parts %s", a["medfee_sumamt"], parts)
	sum := Fen(0)
	for i, l := range s.Lines {
		amount, err := l.Fen("det_item_fee_sumamt")
		count, err2 := parseDecimal(l.Text("cnt"), 4)
		price, err3 := parseDecimal(l.Text("pric"), 6)
		must(err == nil && err2 == nil && err3 == nil, "line %d: amount, cnt or pric is no number", i+1)
		if off := amount - product(price, count); err == nil && err2 == nil && err3 == nil {
			must(off >= -1 && off <= 1, "E5: line %d: %s is not pric x cnt", i+1, amount)
		}
		sum += amount
	}
	must(len(s.Lines) == 0 || sum == a["medfee_sumamt"], "the lines' sum %s is not medfee_sumamt %s", sum, a["medfee_sumamt"])
	return wrong
}

func describe(list []Difference) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "    %s %s: pre-settled %s, settled %s\n", d.Field, d.Label, d.Before, d.Now)
	}
	return b.String()
}
