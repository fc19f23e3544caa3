package nhsa

import "strings"

// dict is a dictionary of the specification (nhsa-interface.md 1.11). Regions add codes of their own, which begin with 99; a dictionary that
// takes them says so. Codes are digits without a leading zero, or two digits: the log keeps numbers, and one number has one text.
type dict struct {
	name  string
	codes map[string]bool
	local bool // 99 and two digits or more behind it
}

func newDict(name, codes string, local bool) *dict {
	d := &dict{name: name, codes: map[string]bool{}, local: local}
	for _, c := range strings.Fields(codes) {
		d.codes[c] = true
	}
	return d
}

func (d *dict) has(s []byte) bool {
	if d.codes[string(s)] {
		return true
	}
	if !d.local || len(s) < 4 || len(s) > 6 || s[0] != '9' || s[1] != '9' {
		return false
	}
	for _, c := range s {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

var (
	dictCredential = newDict("mdtrt_cert_type", "01 02 03", false)
	dictCert       = newDict("psn_cert_type", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 90 99", true)
	dictInsurance  = newDict("insutype", "310 320 330 340 350 360 370 380 390 391 392 399 39905 410 510", true)
	dictCare       = newDict("med_type", "11 1103 12 13 1301 14 18 21 2101 2102 2105 2106 2107 2109 21303 22 28 41 51 52 71", true)
	// Of them what is settled without a stay, and with one. Emergencies (13, 1301) may end in a bed (nhsa-inpatient.md 5 (g)); of home beds (71) no source tells.
	dictCareOut   = newDict("med_type", "11 1103 12 13 1301 14 18 41 51 71", true)
	dictCareStay  = newDict("med_type", "13 1301 21 2101 2102 2105 2106 2107 2109 21303 22 28 52 71", true)
	dictDiagnosis = newDict("diag_type", "1 2 3", false)
	dictUsed      = newDict("acct_used_flag", "0 1 2", false)
	dictFlag      = newDict("flag", "0 1", false)
	dictPlace     = newDict("fixmedins_type", "1 2 3 4 5", false)
	dictOperator  = newDict("opter_type", "1 2 3", false)
	dictAppraisal = newDict("hosp_appr_flag", "0 1 2", false)
	dictLeaving   = newDict("dscg_way", "1 2 3 4 5 9", false)
	dictSetlway   = newDict("psn_setlway", "01 02", false)
)

// numberOf is a code as the log keeps it.
func numberOf(s []byte) (n uint32) {
	for _, c := range s {
		n = n*10 + uint32(c-'0')
	}
	return n
}

// appendCode is a kept code as text: at least two digits.
func appendCode(dst []byte, n uint32) []byte {
	if n < 10 {
		dst = append(dst, '0')
	}
	return appendNumber(dst, int64(n), 0)
}
