package strictjson

// The sample is a POST /v1/settlements with the fields of api.md: bill X1 of decisions.md.
const sample = `{"msgid":"P42010612345202601310001","fixmedins_code":"P42010612345","psn_no":"42000010000012345678",` +
	`"mdtrt_cert_type":"03","mdtrt_cert_no":"C42000018273645","card_sn":"A1B2C3D4","med_type":"41","insutype":"310",` +
	`"acct_used_flag":"1","medfee_sumamt":"460.00","fund_pay_sumamt":"276.00","preselfpay_amt":"0.00",` +
	`"inscp_scp_amt":"460.00","overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00","on_shortfall":"cash",` +
	`"expected":{"acct_pay":"184.00","psn_cash_pay":"0.00"},"opter":"0001","opter_name":"王芳"}`

var (
	settlementShape = MustShape("msgid fixmedins_code psn_no mdtrt_cert_type mdtrt_cert_no card_sn? med_type insutype " +
		"acct_used_flag? medfee_sumamt fund_pay_sumamt hosp_part_amt? preselfpay_amt inscp_scp_amt overlmt_selfpay " +
		"fulamt_ownpay_amt on_shortfall? expected? passwords? agent? opter opter_name dev_no? invono?")
	expectedShape = MustShape("acct_pay psn_cash_pay")
	passwordShape = MustShape("authorizer_psn_no password")
	agentShape    = MustShape("cert_type certno name relation principal_doc_shown")
	shortfallEnum = MustEnum("cash", "refuse")
	usedFlagEnum  = MustEnum("0", "1", "2")
)

type settlement struct {
	msgid, institution, psn, certType, certNo, cardSN, medType, insutype, opter, opterName, devNo, invono []byte

	fee, fund, hosp, preself, inscp, overlimit, own   int64
	expectedAcct, expectedCash                        int64
	usedFlag, shortfall, passwords                    int
	agentCertType, agentCertno, agentName, agentRelat []byte
	agentDocShown                                     bool
}

func decodeSettlement(d *Decoder, body []byte, in *settlement) error {
	d.Reset(body)
	d.Object(settlementShape)
	for d.Next() {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(30)
		case "fixmedins_code":
			in.institution = d.Token(12)
		case "psn_no":
			in.psn = d.Token(30)
		case "mdtrt_cert_type":
			in.certType = d.Digits(2, 3)
		case "mdtrt_cert_no":
			in.certNo = d.Token(50)
		case "card_sn":
			in.cardSN = d.Token(32)
		case "med_type":
			in.medType = d.Digits(2, 6)
		case "insutype":
			in.insutype = d.Digits(3, 6)
		case "acct_used_flag":
			in.usedFlag = d.Enum(usedFlagEnum)
		case "medfee_sumamt":
			in.fee = d.Amount()
		case "fund_pay_sumamt":
			in.fund = d.Amount()
		case "hosp_part_amt":
			in.hosp = d.Amount()
		case "preselfpay_amt":
			in.preself = d.Amount()
		case "inscp_scp_amt":
			in.inscp = d.Amount()
		case "overlmt_selfpay":
			in.overlimit = d.Amount()
		case "fulamt_ownpay_amt":
			in.own = d.Amount()
		case "on_shortfall":
			in.shortfall = d.Enum(shortfallEnum)
		case "expected":
			d.Object(expectedShape)
			for d.Next() {
				switch d.Field() {
				case "acct_pay":
					in.expectedAcct = d.Amount()
				case "psn_cash_pay":
					in.expectedCash = d.Amount()
				}
			}
		case "passwords":
			for d.Array(8); d.Next(); {
				d.Object(passwordShape)
				for d.Next() {
					d.Token(64)
				}
				in.passwords++
			}
		case "agent":
			decodeAgent(d, in)
		case "opter":
			in.opter = d.Token(30)
		case "opter_name":
			in.opterName = d.String(50, 150)
		case "dev_no":
			in.devNo = d.Token(30)
		case "invono":
			in.invono = d.Token(30)
		}
	}
	return d.Done()
}

func decodeAgent(d *Decoder, in *settlement) {
	d.Object(agentShape)
	for d.Next() {
		switch d.Field() {
		case "cert_type":
			in.agentCertType = d.Digits(2, 3)
		case "certno":
			in.agentCertno = d.Token(50)
		case "name":
			in.agentName = d.String(50, 150)
		case "relation":
			in.agentRelat = d.Digits(1, 6)
		case "principal_doc_shown":
			in.agentDocShown = d.Bool()
		}
	}
}
