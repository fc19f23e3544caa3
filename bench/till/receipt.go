package till

import (
	"fmt"
	"io"
	"strings"
)

// receiptWidth of a slip in columns of a terminal: 80 mm paper takes 48.
const receiptWidth = 48

// Receipt prints a slip as a pharmacy gives it, with the national field names at the amounts. The name is masked, the identity number left out.
func Receipt(w io.Writer, p Place, op Operator, v *Visit) error {
	b := &strings.Builder{}
	rule := strings.Repeat("-", receiptWidth) + "\n"
	centre := func(s string) {
		fmt.Fprintf(b, "%s%s\n", strings.Repeat(" ", max(0, (receiptWidth-columns(s))/2)), s)
	}
	s := v.Now
	centre(p.Name)
	centre("医疗保险结算单")
	fmt.Fprintf(b, "机构编号 %s  收款员 %s\n结算时间 %s\n结算ID %s  就诊ID %s\n", p.Code, op.Name, s.Time, s.SetlID, s.MdtrtID)
	fmt.Fprintf(b, "姓名 %s  险种 %s  人员编号 %s\n", maskName(v.Patient.Name), v.Patient.Insutype, v.Patient.PsnNo)
	b.WriteString(rule + leftRight("品名", "数量    单价      金额") + rule)
	for i := range v.Items {
		it := &v.Items[i]
		b.WriteString(leftRight(it.Name, fmt.Sprintf("%6s %8s %9s", short(decimal(it.Count, 4)), short(decimal(it.Price, 6)), it.Amount())))
	}
	b.WriteString(rule)
	for _, a := range amounts {
		if f := s.Amounts[a.name]; f != 0 || onSlip[a.name] {
			b.WriteString(leftRight(a.zh+" "+a.name, f.String()))
		}
	}
	for _, d := range s.Details {
		if text := d.Text("setl_proc_info"); text != "" {
			b.WriteString(text + "\n")
		}
	}
	if v.Cancelled {
		b.WriteString(rule)
		centre("*** 已撤销，金额已退回 ***")
	}
	b.WriteString(rule)
	_, err := io.WriteString(w, b.String())
	return err
}

// onSlip are printed also when they are 0.
var onSlip = map[string]bool{"medfee_sumamt": true, "fund_pay_sumamt": true, "acct_pay": true, "acct_mulaid_pay": true, "psn_cash_pay": true, "balc": true}

func leftRight(l, r string) string {
	return l + strings.Repeat(" ", max(1, receiptWidth-columns(l)-columns(r))) + r + "\n"
}

// columns of a text on a terminal: Chinese characters take two.
func columns(s string) (n int) {
	for _, r := range s {
		if n++; r >= 0x1100 {
			n++
		}
	}
	return n
}

// short drops zeros behind the point.
func short(s string) string {
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// maskName keeps the family name: 林小满 becomes 林**.
func maskName(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return ""
	}
	return string(r[0]) + strings.Repeat("*", len(r)-1)
}
