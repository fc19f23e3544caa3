package main

import (
	"fmt"
	"time"

	"gongji/bench/province"
)

// actor is a person of the story. Names and numbers are invented: no Chinese area code begins with 99.
type actor struct {
	name    string // as printed: Chinese and English
	female  bool
	born    string // 2006-01-02
	account bool
	opening fen
	area    int // of province.Areas
	insured string

	psnNo, certno string // set by appear
}

// areaLabels names the pooling areas for the reader.
var areaLabels = [3]string{"东江 Dongjiang", "西岭 Xiling", "南浦 Nanpu"}

const (
	employee = "310"
	resident = "390"
)

// cast is everybody in the story, by a short key.
func cast() map[string]*actor {
	return map[string]*actor{
		// X1 and X1b: a child without an account and her mother.
		"xiaoman": {name: "林小满 Lin Xiaoman", female: true, born: "2014-05-20", area: 0, insured: resident},
		"linhui":  {name: "林慧 Lin Hui", female: true, born: "1986-02-11", account: true, opening: 5000_00, area: 0, insured: employee},
		// X2: own account empty, the father's is not.
		"chenan":    {name: "陈安 Chen An", born: "1996-09-03", account: true, area: 1, insured: employee},
		"chenliang": {name: "陈国梁 Chen Guoliang", born: "1966-12-30", account: true, opening: 1000_00, area: 1, insured: employee},
		// X3: own account and three relatives.
		"zhoumin":  {name: "周敏 Zhou Min", female: true, born: "1990-07-07", account: true, opening: 40_10, area: 2, insured: employee},
		"zhoubo":   {name: "周博 Zhou Bo", born: "1962-03-15", account: true, opening: 120_00, area: 2, insured: employee},
		"sunlan":   {name: "孙兰 Sun Lan", female: true, born: "1964-10-01", account: true, opening: 80_05, area: 2, insured: employee},
		"wuqiang":  {name: "吴强 Wu Qiang", born: "1988-01-25", account: true, opening: 500_00, area: 2, insured: employee},
		"heping":   {name: "何平 He Ping", born: "1975-06-18", account: true, opening: 60_00, area: 0, insured: employee},
		"heqing":   {name: "何青 He Qing", female: true, born: "1978-08-08", account: true, opening: 100_00, area: 1, insured: employee},
		"hesong":   {name: "何松 He Song", born: "2000-04-04", account: true, opening: 50_00, area: 2, insured: employee},
		"xuyun":    {name: "徐云 Xu Yun", female: true, born: "1958-11-11", area: 1, insured: resident},
		"xuwen":    {name: "徐文 Xu Wen", born: "1983-05-05", account: true, opening: 2000_00, area: 1, insured: employee},
		"guojing":  {name: "郭静 Guo Jing", female: true, born: "1992-02-29", account: true, opening: 800_00, area: 2, insured: employee},
		"majian":   {name: "马健 Ma Jian", born: "1970-09-19", account: true, opening: 640_00, area: 0, insured: employee},
		"tangyue":  {name: "唐悦 Tang Yue", female: true, born: "1999-12-12", account: true, opening: 300_00, area: 1, insured: employee},
		"fangning": {name: "方宁 Fang Ning", born: "1981-03-03", account: true, opening: 0, area: 2, insured: employee},
	}
}

// share is one binding: authorizer lets user draw on the account; relation is the user's to the authorizer (agnter_rlts).
type share struct{ authorizer, user, relation string }

var shares = []share{
	{"linhui", "xiaoman", province.RelationChild},
	{"chenliang", "chenan", province.RelationChild},
	{"zhoubo", "zhoumin", province.RelationChild}, {"sunlan", "zhoumin", province.RelationChild}, {"wuqiang", "zhoumin", province.RelationSpouse},
	{"heqing", "heping", province.RelationSibling}, {"hesong", "heping", province.RelationParent},
	{"xuwen", "xuyun", province.RelationParent},
}

// number gives an actor a psn_no and an identity number that no province and no earlier run has: serial is the millisecond of the run plus
// the actor's place. Provinces use areas 991 to 993 and a psn_no whose index begins with 0.
func (a *actor) number(serial uint64) {
	a.psnNo = fmt.Sprintf("%s9%013d", province.Areas[a.area], serial%1e13)
	h := serial * 0x9e3779b97f4a7c15 >> 32 // spread: runs of one day share their leading digits
	order := h / 5000 % 500 * 2            // even: a woman
	if !a.female {
		order++
	}
	a.certno = withCheck(fmt.Sprintf("99%d%03d%s%03d", 4+h/1000%5, h%1000, a.born[:4]+a.born[5:7]+a.born[8:], order))
}

// withCheck appends the check character of GB 11643 to 17 digits.
func withCheck(digits string) string {
	sum := 0
	for _, d := range digits { // ISO 7064 MOD 11-2
		sum = (sum + int(d-'0')) * 2 % 11
	}
	return digits + string("0123456789X"[(12-sum)%11])
}

// person is the body of POST /v1/persons.
func (a *actor) person() map[string]any {
	gend, psnType := "1", "11"
	if a.female {
		gend = "2"
	}
	if a.insured == resident {
		psnType = "15"
	}
	return map[string]any{
		"psn_no": a.psnNo, "psn_cert_type": "01", "certno": a.certno, "psn_name": nameOnly(a.name), "gend": gend, "brdy": a.born,
		"has_account": a.account, "evoucher_active": true,
		"enrolments": []map[string]any{{"insutype": a.insured, "psn_type": psnType, "flxempe_flag": "0", "psn_insu_stas": "1",
			"insuplc_admdvs": province.Areas[a.area], "begndate": "2015-01-01"}},
	}
}

// nameOnly is the Chinese part of a printed name.
func nameOnly(s string) string {
	for i, r := range s {
		if r == ' ' {
			return s[:i]
		}
	}
	return s
}

// binding is the body of POST /v1/bindings, sent from the mini-program.
func binding(msgid string, authorizer, user *actor, relation string, at time.Time) map[string]any {
	return map[string]any{
		"msgid": msgid, "channel": "wechat", "authorizer_psn_no": authorizer.psnNo, "user_cert_type": "01", "user_certno": user.certno,
		"relation": relation, "data_consent_at": at.Format(time.RFC3339),
		"auth":       map[string]any{"method": "evoucher", "txn_no": msgid, "time": at.Format(time.RFC3339)},
		"commitment": map[string]any{"version": "1", "accepted_at": at.Format(time.RFC3339), "declaration": "本人自愿共济"},
	}
}

// bill are the amounts of a settlement by their national names; hosp_part_amt is 0.00.
type bill struct {
	Medfee  fen `json:"medfee_sumamt"`
	Fund    fen `json:"fund_pay_sumamt"`
	Preself fen `json:"preselfpay_amt"`
	Inscp   fen `json:"inscp_scp_amt"`
	Overlmt fen `json:"overlmt_selfpay"`
	Fulamt  fen `json:"fulamt_ownpay_amt"`
}

// inScope is a bill all in scope: the fund pays its share, the rest may come from accounts.
func inScope(total, fund fen) bill { return bill{Medfee: total, Fund: fund, Inscp: total} }

// order is the body of POST /v1/settlements.
type order struct {
	Msgid    string `json:"msgid,omitempty"`
	Code     string `json:"fixmedins_code"`
	PsnNo    string `json:"psn_no"`
	CertType string `json:"mdtrt_cert_type"`
	CertNo   string `json:"mdtrt_cert_no"`
	MedType  string `json:"med_type"`
	Insutype string `json:"insutype"`
	bill
	Opter     string `json:"opter"`
	OpterName string `json:"opter_name"`
}

// settled is what a settlement answers.
type settled struct {
	ID     string `json:"setl_id"`
	Person fen    `json:"psn_part_amt"`
	Acct   fen    `json:"acct_pay"`
	Aid    fen    `json:"acct_mulaid_pay"`
	Cash   fen    `json:"psn_cash_pay"`
	Balc   fen    `json:"balc"`
	Time   string `json:"setl_time"`
	Seq    uint64 `json:"sequence"`
}
