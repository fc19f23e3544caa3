package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"gongji/api/nhsa"
	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
	"gongji/api/nhsa/sign"
)

// nationalFlags are the settings of the national interface (nhsa-interface.md).
type nationalFlags struct {
	Catalogue     string `help:"Catalogue file that splits the fee lines of the national interface. Default: none, all is full self-pay; with --demo an invented one." placeholder:"FILE"`
	Fund          string `help:"What the pooled fund pays on the national interface: none, a file of ratios, or the http(s) address of a calculator. With --demo invented ratios." placeholder:"none|FILE|URL"`
	SignKeys      string `help:"Key file of the institutions, mode 400: national messages are opened and their answers sealed by the scheme that it names. Default: none, everybody on this machine may speak for every institution." placeholder:"FILE"`
	StmtRslt      string `help:"The two values of stmt_rslt in 3201 and 3202, level and different: 0,1 or, as in Hubei, 000000,000103." default:"0,1" placeholder:"LEVEL,DIFFERENT"`
	RequireSignIn bool   `help:"Refuse national calls without a sign-in of the day, but for cancels and reversals."`
}

// options loads the files. The second value gives back what was opened.
func (n *nationalFlags) options(demo bool) (o nhsa.Options, closeAll func(), err error) {
	o.RequireSignIn, closeAll = n.RequireSignIn, func() {}
	if o.Guard, err = n.guard(); err != nil {
		return o, closeAll, err
	}
	if o.StatementLevel, o.StatementDiffers, err = n.results(); err != nil {
		return o, closeAll, err
	}
	switch {
	case n.Catalogue != "":
		text, err := os.ReadFile(n.Catalogue)
		if err != nil {
			return o, closeAll, err
		}
		c, err := catalogue.Load(bytes.NewReader(text))
		if err != nil {
			return o, closeAll, fmt.Errorf("catalogue: %w", err)
		}
		o.Classifier = c
	case demo:
		o.Classifier = catalogue.MustDemo()
	}
	switch {
	case n.Fund == "" && demo:
		o.Fund = fund.MustDemo()
	case n.Fund == "" || n.Fund == "none":
	case strings.HasPrefix(n.Fund, "http://") || strings.HasPrefix(n.Fund, "https://"):
		external, err := fund.NewExternal(fund.ExternalOptions{URL: n.Fund})
		if err != nil {
			return o, closeAll, err
		}
		o.Fund, closeAll = external, external.Close
	default:
		text, err := os.ReadFile(n.Fund)
		if err != nil {
			return o, closeAll, err
		}
		ratios, err := fund.LoadRatios(bytes.NewReader(text))
		if err != nil {
			return o, closeAll, fmt.Errorf("fund: %w", err)
		}
		o.Fund = ratios
	}
	return o, closeAll, nil
}

// results reads --stmt-rslt. Tills of all regions take zeros for level and anything else for different (nhsa-interface.md 1.7).
func (n *nationalFlags) results() (level, different string, err error) {
	if n.StmtRslt == "" {
		return "0", "1", nil
	}
	level, different, _ = strings.Cut(n.StmtRslt, ",")
	const digitsMax = 6 // the table's length
	for _, s := range []string{level, different} {
		if s == "" || len(s) > digitsMax || strings.Trim(s, "0123456789") != "" {
			return "", "", fmt.Errorf("--stmt-rslt %q: two numbers of at most %d digits, separated by a comma", n.StmtRslt, digitsMax)
		}
	}
	if strings.Trim(level, "0") != "" || strings.Trim(different, "0") == "" {
		return "", "", fmt.Errorf("--stmt-rslt %q: the first is zeros, the second is not", n.StmtRslt)
	}
	return level, different, nil
}

// guard makes the scheme of the key file. Without one it is none, for which both listeners must be on the loopback address: api.New refuses others (R31).
func (n *nationalFlags) guard() (*nhsa.Guard, error) {
	if n.SignKeys == "" {
		return nhsa.NewGuard(sign.None{}), nil
	}
	keys, err := sign.Load(n.SignKeys)
	if err != nil {
		return nil, err
	}
	s, err := sign.New(keys, sign.Options{})
	if err != nil {
		return nil, err
	}
	return nhsa.NewGuard(s), nil
}

const pathNational = "/fsi/api/rsfComIfsService/callService"

// printNational prints a purchase of the welcome family as a till of the national interface sends it. Where messages must be signed it names who signs them:
// the unsigned one would be refused, and a signed one would be good for minutes.
func (s *stage) printNational(business, signKeys string) error {
	if signKeys != "" {
		s.say(`
The national interface takes signed messages only (--sign-keys). A pharmacy's till that signs them, with the institution's own key file:

  gongji till --url http://%s --keys FILE --code FIXMEDINS_CODE`, business)
		return nil
	}
	body, err := json.Marshal(s.purchase())
	if err != nil {
		return err
	}
	s.say(`
A pharmacy's till on the national interface (2102, three lines of the demo catalogue, 75.00):

  curl -s http://%s%s -H 'Content-Type: application/json' -d '%s'

The answer: infcode 0, acct_pay 62.20 (all of it acct_mulaid_pay), psn_cash_pay 12.80: what is over the price ceiling and outside the catalogue.`, business, pathNational, body)
	return nil
}

// purchase is a message 2102.
func (s *stage) purchase() map[string]any {
	p, shop := s.people[welcomePatient], s.places["pharmacy0"]
	now := s.now().Format("2006-01-02 15:04:05")
	line := func(sn int, code, amount, count, price string) map[string]any {
		return map[string]any{"feedetl_sn": sn, "rx_circ_flag": "0", "fee_ocur_time": now, "med_list_codg": code, "medins_list_codg": code,
			"det_item_fee_sumamt": amount, "cnt": count, "pric": price}
	}
	input := map[string]any{
		"druginfo": map[string]any{"psn_no": p.psnNo, "mdtrt_cert_type": "02", "mdtrt_cert_no": p.certno, "psn_cert_type": "01", "certno": p.certno, "psn_type": "15",
			"psn_name": p.name, "begntime": now, "medfee_sumamt": "75.00", "insutype": p.insured, "acct_used_flag": "1", "med_type": "41"},
		"drugdetail": []any{line(1, "XA01DEMO0001", "25.00", "2", "12.5"), line(2, "XA01DEMO0006", "40.00", "2", "20"), line(3, "XA01DEMO0015", "10.00", "1", "10")},
	}
	return map[string]any{"infno": "2102", "msgid": s.msgid(), "mdtrtarea_admvs": s.province.Institution(0).Area, "insuplc_admdvs": "", "recer_sys_code": "YBXT", "infver": "V1.0",
		"opter_type": "1", "opter": "D001", "opter_name": "演示收费员", "inf_time": now, "fixmedins_code": shop.code, "fixmedins_name": "演示药店", "sign_no": "", "input": input}
}
