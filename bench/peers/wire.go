package peers

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"
)

// The world as bodies of api.md's calls. Identity numbers begin with 990 as those of bench/province do: no area has such a code, so nobody has such a number.

const (
	area       = "420100"
	enrolled   = "2020-01-01"
	acceptedAt = "2025-01-01T08:00:00+08:00"
	openingRun = "peers-opening"
	// OpeningPeriod and OpeningSource of the credit run that fills the accounts.
	OpeningPeriod = "202501"
	OpeningSource = "opening"
	psnDigits     = 20
	certnoBytes   = 18
)

// OpeningRun is the id of that run.
const OpeningRun = openingRun

// AppendPsnNo appends the platform's number of person i.
func AppendPsnNo(dst []byte, i int) []byte { return appendPadded(dst, i, psnDigits) }

// AppendCertno appends the identity number of person i (GB 11643): area 990 and three digits of i, a birth date by the rest of i, order 001, check character.
func AppendCertno(dst []byte, i int) []byte {
	const days = 9_000 // from 1950 on: nobody is a child
	at := len(dst)
	dst = appendPadded(append(dst, "990"...), i%1000, 3)
	y, m, d := time.Unix(int64(i/1000%days-7305)*86_400, 0).UTC().Date() // 7305 days before 1970
	dst = appendPadded(dst, y*10_000+int(m)*100+d, 8)
	dst = append(dst, "001"...)
	sum := 0
	for k, w := range [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(dst[at+k]-'0') * w
	}
	return append(dst, "10X98765432"[sum%11])
}

func appendBirth(dst []byte, i int) []byte {
	n := AppendCertno(nil, i)
	dst = append(append(dst, n[6:10]...), '-')
	dst = append(append(dst, n[10:12]...), '-')
	return append(dst, n[12:14]...)
}

// AppendCode appends the fixmedins_code of institution k: 12 characters, all pharmacies.
func AppendCode(dst []byte, k int) []byte { return appendPadded(append(dst, "P"+area...), k, 5) }

func appendPadded(dst []byte, n, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for k := at + width - 1; k >= at && n > 0; k-- {
		dst[k] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// appendYuan appends fen as yuan with two decimals.
func appendYuan(dst []byte, fen int64) []byte {
	dst = strconv.AppendInt(dst, fen/100, 10)
	return append(dst, '.', byte('0'+fen%100/10), byte('0'+fen%10))
}

// AppendSettlement appends the body of POST /v1/settlements: everything in scope, no fund, so the bill is payable as a whole.
func AppendSettlement(dst, msgid []byte, b Bill) []byte {
	dst = append(append(dst, `{"msgid":"`...), msgid...)
	dst = AppendCode(append(dst, `","fixmedins_code":"`...), b.Institution)
	dst = AppendPsnNo(append(dst, `","psn_no":"`...), b.Patient)
	dst = AppendCertno(append(dst, `","mdtrt_cert_type":"02","mdtrt_cert_no":"`...), b.Patient)
	dst = appendYuan(append(dst, `","med_type":"41","insutype":"310","medfee_sumamt":"`...), b.Fen)
	dst = appendYuan(append(dst, `","fund_pay_sumamt":"0.00","preselfpay_amt":"0.00","inscp_scp_amt":"`...), b.Fen)
	return append(dst, `","overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00","opter":"D001","opter_name":"Bench"}`...)
}

// AppendMsgid appends a message id of 30 characters: run, walk, number.
func AppendMsgid(dst []byte, run string, walk, n int) []byte {
	at := len(dst)
	dst = appendPadded(append(append(dst, run...), '-'), walk, 3)
	return appendPadded(append(dst, '-'), n, 30-(len(dst)+1-at))
}

func (w *World) appendPerson(dst []byte, i int) []byte {
	dst = AppendPsnNo(append(dst, `{"psn_no":"`...), i)
	dst = AppendCertno(append(dst, `","psn_cert_type":"01","certno":"`...), i)
	dst = appendBirth(append(dst, `","psn_name":"Bench","gend":"2","brdy":"`...), i)
	dst = append(dst, `","has_account":true,"evoucher_active":true,"enrolments":[{"insutype":"310","psn_type":"11","flxempe_flag":"0","psn_insu_stas":"1","insuplc_admdvs":"`...)
	return append(dst, area+`","begndate":"`+enrolled+`"}]}`...)
}

func appendInstitution(dst []byte, k int) []byte {
	dst = AppendCode(append(dst, `{"fixmedins_code":"`...), k)
	dst = appendPadded(append(dst, `","fixmedins_name":"Bench `...), k, 5)
	return append(dst, `","fixmedins_type":"2","admdvs":"`+area+`"}`...)
}

func appendBinding(dst []byte, authorizer, user int) []byte {
	id := AppendMsgid(nil, "b", authorizer%1000, authorizer/1000*10_000_000+user)
	dst = append(append(dst, `{"msgid":"`...), id...)
	dst = AppendPsnNo(append(dst, `","channel":"wechat","authorizer_psn_no":"`...), authorizer)
	dst = AppendCertno(append(dst, `","user_cert_type":"01","user_certno":"`...), user)
	dst = append(dst, `","relation":"1","data_consent_at":"`+acceptedAt+`","auth":{"method":"id_card","txn_no":"`...)
	dst = append(append(dst, id...), `","time":"`+acceptedAt+`"},"commitment":{"version":"1","accepted_at":"`+acceptedAt+`","declaration":"Bench"}}`...)
	return dst
}

// appendRunLine appends a line of a credit run; number makes its message id.
func appendRunLine(dst []byte, run string, number int, c Credit) []byte {
	dst = AppendMsgid(append(dst, `{"msgid":"`...), run, 0, number)
	dst = AppendPsnNo(append(dst, `","psn_no":"`...), c.Person)
	dst = appendYuan(append(dst, `","amount":"`...), c.Fen)
	return append(dst, '"', '}')
}

// WritePersons, WriteInstitutions, WriteBindings and WriteOpening write NDJSON for the import path.
func (w *World) WritePersons(out io.Writer) error {
	return writeLines(out, w.Persons(), func(dst []byte, i int) []byte { return append(w.appendPerson(dst, i), '\n') })
}

// WriteInstitutions writes 2,000 pharmacies.
func (w *World) WriteInstitutions(out io.Writer) error {
	return writeLines(out, institutions, func(dst []byte, k int) []byte { return append(appendInstitution(dst, k), '\n') })
}

// WriteBindings writes all bindings, by user.
func (w *World) WriteBindings(out io.Writer) error {
	var authorizers []int
	return writeLines(out, w.Persons(), func(dst []byte, i int) []byte {
		authorizers = w.AppendAuthorizers(authorizers[:0], i)
		for _, a := range authorizers {
			dst = append(appendBinding(dst, a, i), '\n')
		}
		return dst
	})
}

// WriteOpening writes the opening balances as lines of a credit run; an empty account has none, as a credit of 0 is refused (R2).
func (w *World) WriteOpening(out io.Writer) error {
	return writeLines(out, w.Persons(), func(dst []byte, i int) []byte {
		if w.OpeningFen(i) == 0 {
			return dst
		}
		return append(appendRunLine(dst, "open", i, Credit{i, w.OpeningFen(i)}), '\n')
	})
}

// WriteAccountsCopy and WriteAuthorizationsCopy write the same for PostgreSQL's COPY.
func (w *World) WriteAccountsCopy(out io.Writer) error {
	return writeLines(out, w.Persons(), func(dst []byte, i int) []byte {
		dst = append(strconv.AppendInt(dst, int64(i), 10), '\t')
		return append(strconv.AppendInt(dst, w.OpeningFen(i), 10), '\n')
	})
}

// WriteAuthorizationsCopy writes one row a person: himself and an array of who shares with him.
func (w *World) WriteAuthorizationsCopy(out io.Writer) error {
	var authorizers []int
	return writeLines(out, w.Persons(), func(dst []byte, i int) []byte {
		dst = append(strconv.AppendInt(dst, int64(i), 10), '\t', '{')
		authorizers = w.AppendAuthorizers(authorizers[:0], i)
		for k, a := range authorizers {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendInt(dst, int64(a), 10)
		}
		return append(dst, '}', '\n')
	})
}

// writeLines writes what add appends for each of n.
func writeLines(out io.Writer, n int, add func(dst []byte, i int) []byte) error {
	b := bufio.NewWriterSize(out, 64<<10)
	var line []byte
	for i := range n {
		line = add(line[:0], i)
		if _, err := b.Write(line); err != nil {
			return fmt.Errorf("write line %d: %w", i+1, err)
		}
	}
	return b.Flush()
}
