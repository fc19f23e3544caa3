package province

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// Writers of NDJSON with the field names of api.md: one object a line, in index order. The texts written hold no
// character that JSON escapes, so they are appended as they are (a test decodes them again).

// acceptedAt is when the demo's commitment letters were accepted: RefDay, 08:00.
const acceptedAt = "2025-01-01T08:00:00+08:00"

const declaration = "本人自愿将职工医保个人账户资金用于支付近亲属的医疗费用"

// chunkBytes is the writers' buffer: about 150 lines of 400 bytes.
const chunkBytes = 64 << 10

// AppendPerson appends the line of person i, without the line feed.
func (p *Province) AppendPerson(dst []byte, i int) []byte {
	x := p.Person(i)
	e := &x.Enrolment
	dst = appendField(append(dst, '{'), "psn_no", x.PsnNo)
	dst = appendField(dst, "psn_cert_type", "01")
	dst = appendField(dst, "certno", x.Certno)
	dst = appendField(dst, "psn_name", x.Name)
	dst = appendField(dst, "gend", x.Gend)
	dst = append(dst, `"brdy":"`...)
	dst = append(appendDate(dst, x.BirthDay), `","has_account":`...)
	dst = append(strconv.AppendBool(dst, x.Category.HasAccount()), `,"evoucher_active":`...)
	dst = append(strconv.AppendBool(dst, x.EvoucherActive), `,"enrolments":[{`...)
	dst = appendField(dst, "insutype", e.Insutype)
	dst = appendField(dst, "psn_type", e.PsnType)
	dst = appendField(dst, "flxempe_flag", e.FlxempeFlag)
	dst = appendField(dst, "psn_insu_stas", e.PsnInsuStas)
	dst = appendField(dst, "insuplc_admdvs", e.InsuplcAdmdvs)
	dst = appendField(dst, "begndate", e.Begndate)
	return append(closed(dst), `]}`...)
}

// AppendBinding appends the line of a binding, without the line feed.
func (p *Province) AppendBinding(dst []byte, b Binding) []byte {
	dst = appendField(append(dst, '{'), "msgid", b.Msgid())
	dst = appendField(dst, "channel", "wechat")
	dst = appendField(dst, "authorizer_psn_no", p.PsnNo(b.Authorizer))
	dst = appendField(dst, "user_cert_type", "01")
	dst = appendField(dst, "user_certno", p.Person(b.User).Certno)
	dst = appendField(dst, "relation", b.Relation)
	dst = appendField(dst, "data_consent_at", acceptedAt)
	dst = append(dst, `"auth":{`...)
	dst = appendField(dst, "method", "id_card")
	dst = appendField(dst, "txn_no", b.Msgid())
	dst = appendField(dst, "time", acceptedAt)
	dst = append(closed(dst), `,"commitment":{`...)
	dst = appendField(dst, "version", "1")
	dst = appendField(dst, "accepted_at", acceptedAt)
	dst = appendField(dst, "declaration", declaration)
	return append(closed(dst), '}')
}

// AppendInstitution appends the line of institution k, without the line feed. A pharmacy has no hosp_lv.
func (p *Province) AppendInstitution(dst []byte, k int) []byte {
	x := p.Institution(k)
	dst = appendField(append(dst, '{'), "fixmedins_code", x.Code)
	dst = appendField(dst, "fixmedins_name", x.Name)
	dst = appendField(dst, "fixmedins_type", x.Type)
	if x.Lv != "" {
		dst = appendField(dst, "hosp_lv", x.Lv)
	}
	dst = appendField(dst, "admdvs", x.Area)
	return closed(dst)
}

// AppendCredit appends one credit line, without the line feed. The message id is run + psn_no, so run has at most 10 characters.
func (p *Province) AppendCredit(dst []byte, run string, i int, fen int64) []byte {
	psnNo := p.PsnNo(i)
	dst = appendField(append(dst, '{'), "msgid", run+psnNo)
	dst = appendField(dst, "psn_no", psnNo)
	return closed(appendAmount(dst, "amount", fen))
}

// AppendSettlement appends the body of POST /v1/settlements for a bill of this province, without a line feed. The
// patient presents the identity card.
func (p *Province) AppendSettlement(dst []byte, s Settlement) []byte {
	patient := p.Person(s.Patient)
	dst = appendField(append(dst, '{'), "msgid", s.Msgid)
	dst = appendField(dst, "fixmedins_code", p.Institution(s.Institution).Code)
	dst = appendField(dst, "psn_no", patient.PsnNo)
	dst = appendField(dst, "mdtrt_cert_type", "02")
	dst = appendField(dst, "mdtrt_cert_no", patient.Certno)
	dst = appendField(dst, "med_type", s.MedType)
	dst = appendField(dst, "insutype", s.Insutype)
	dst = appendAmount(dst, "medfee_sumamt", s.Medfee)
	dst = appendAmount(dst, "fund_pay_sumamt", s.FundPay)
	dst = appendAmount(dst, "hosp_part_amt", s.HospPart)
	dst = appendAmount(dst, "preselfpay_amt", s.Preself)
	dst = appendAmount(dst, "inscp_scp_amt", s.Inscp)
	dst = appendAmount(dst, "overlmt_selfpay", s.Overlmt)
	dst = appendAmount(dst, "fulamt_ownpay_amt", s.Fulamt)
	dst = appendField(dst, "opter", "D001")
	dst = appendField(dst, "opter_name", "演示收费员")
	return closed(dst)
}

// WritePersons writes all persons.
func (p *Province) WritePersons(w io.Writer) error {
	return writeLines(w, "persons", func(emit func([]byte) error, buf []byte) error {
		for i := range p.persons {
			buf = p.AppendPerson(buf[:0], i)
			if err := emit(buf); err != nil {
				return err
			}
		}
		return nil
	})
}

// WriteBindings writes all bindings, family by family.
func (p *Province) WriteBindings(w io.Writer) error {
	return writeLines(w, "bindings", func(emit func([]byte) error, buf []byte) error {
		var bindings []Binding
		for f := range p.Families() {
			bindings = p.AppendBindings(bindings[:0], f)
			for _, b := range bindings {
				buf = p.AppendBinding(buf[:0], b)
				if err := emit(buf); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// WriteInstitutions writes all institutions.
func (p *Province) WriteInstitutions(w io.Writer) error {
	return writeLines(w, "institutions", func(emit func([]byte) error, buf []byte) error {
		for k := range p.Institutions() {
			buf = p.AppendInstitution(buf[:0], k)
			if err := emit(buf); err != nil {
				return err
			}
		}
		return nil
	})
}

// WriteOpening writes the opening balances as credits; empty accounts have no line (a credit of 0 is refused, R2).
func (p *Province) WriteOpening(w io.Writer) error {
	return p.writeCredits(w, "OPEN", p.OpeningFen)
}

// WriteCredits writes the credits of one month, "200601": active employees' and retired persons' with a normal enrolment.
func (p *Province) WriteCredits(w io.Writer, month string) error {
	if len(month) != 6 {
		return fmt.Errorf("province: month %q, want 6 digits like 202501", month)
	}
	return p.writeCredits(w, "C"+month, func(i int) int64 {
		if p.paused(i) {
			return 0
		}
		return p.MonthlyFen(i)
	})
}

func (p *Province) writeCredits(w io.Writer, run string, fen func(i int) int64) error {
	return writeLines(w, "credits", func(emit func([]byte) error, buf []byte) error {
		for i := range p.persons {
			amount := fen(i)
			if amount == 0 {
				continue
			}
			buf = p.AppendCredit(buf[:0], run, i, amount)
			if err := emit(buf); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeLines(w io.Writer, what string, produce func(emit func([]byte) error, buf []byte) error) error {
	out := bufio.NewWriterSize(w, chunkBytes)
	emit := func(line []byte) error {
		if _, err := out.Write(line); err != nil {
			return err
		}
		return out.WriteByte('\n')
	}
	err := produce(emit, nil)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("province: write %s: %w", what, err)
	}
	return nil
}

// appendField appends "name":"value", with a comma after it; closed takes the last comma away.
func appendField(dst []byte, name, value string) []byte {
	dst = append(append(dst, '"'), name...)
	dst = append(append(dst, `":"`...), value...)
	return append(dst, `",`...)
}

// appendAmount appends an amount of fen >= 0 as a string of yuan with two decimals.
func appendAmount(dst []byte, name string, fen int64) []byte {
	dst = append(append(dst, '"'), name...)
	dst = strconv.AppendInt(append(dst, `":"`...), fen/100, 10)
	dst = appendPadded(append(dst, '.'), int(fen%100), 2)
	return append(dst, `",`...)
}

func closed(dst []byte) []byte {
	dst[len(dst)-1] = '}'
	return dst
}
