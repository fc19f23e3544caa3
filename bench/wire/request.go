package wire

import (
	"fmt"
	"strconv"
	"time"

	"gongji/bench/province"
)

// Face is what is called.
type Face string

// The faces.
const (
	Settlements Face = "settlements" // POST /v1/settlements, one a request
	Batch       Face = "batch"       // POST /v1/settlements/batch
	National    Face = "national"    // 2102, a purchase at a pharmacy
	Echo        Face = "echo"        // POST /echo: bytes of Settlements, bytes back as many as its answer has
	EchoNHSA    Face = "echo-nhsa"   // the same with the bytes of National
)

const (
	pathSettlements = "/v1/settlements"
	pathBatch       = "/v1/settlements/batch"
	pathNational    = "/fsi/api/rsfComIfsService/callService"
	pathEcho        = "/echo"
	mediaJSON       = "application/json"
	mediaNDJSON     = "application/x-ndjson"
)

// LinesMax of a batch call, and batchBytesMax of its body (api.md).
const (
	LinesMax      = 1_000
	batchBytesMax = 1 << 20
)

// msgidLen is the longest message id that both faces take; all have it, so that a template has one length.
const msgidLen = 30

// blankID stands in a template where the message id goes.
const blankID = "000000000000000000000000000000"

// tagLen characters of a message id name the run and the process, the others are a count.
const tagLen = 14

// ask is what a bill asks, in fen: what its answer is held against.
type ask struct{ medfee, psnPart, payable int64 }

// template is one request: all its bytes, where its message ids go, and what each bill asks. It is never written to.
type template struct {
	bytes []byte
	ids   []int // offset of each message id
	asks  []ask
	first int // number of its first bill
}

// templates makes the requests of a face, ready to be sent to a host.
func (j *Job) templates() ([]template, error) {
	if err := j.Bills.check(); err != nil {
		return nil, err
	}
	p := j.Bills.province()
	list := j.Bills.make(p)
	if len(list) < j.Bills.Count {
		return nil, fmt.Errorf("wire: a province of %d persons has too few bills that an account can pay", j.Bills.Persons)
	}
	switch j.Face {
	case Batch:
		return j.groups(p, list)
	case National, EchoNHSA:
		now := time.Now()
		return j.singles(list, func(dst []byte, s *province.Settlement) ([]byte, ask) { return appendPurchase(dst, p, s, now) }), nil
	case Settlements, Echo:
		return j.singles(list, func(dst []byte, s *province.Settlement) ([]byte, ask) {
			s.Msgid = blankID
			return p.AppendSettlement(dst, *s), askOf(s)
		}), nil
	}
	return nil, fmt.Errorf("wire: no face %q", j.Face)
}

func askOf(s *province.Settlement) ask {
	return ask{medfee: s.Medfee, psnPart: s.PsnPart, payable: min(s.Payable, s.PsnPart)}
}

// singles makes a request of each bill.
func (j *Job) singles(list []province.Settlement, body func([]byte, *province.Settlement) ([]byte, ask)) []template {
	out := make([]template, len(list))
	var text []byte
	for i := range list {
		var a ask
		text, a = body(text[:0], &list[i])
		out[i] = j.template(mediaJSON, text, []ask{a}, i)
	}
	return out
}

// groups makes a request of every j.Group bills.
func (j *Job) groups(p *province.Province, list []province.Settlement) ([]template, error) {
	if j.Group < 1 || j.Group > LinesMax {
		return nil, fmt.Errorf("wire: %d settlements a request, must be 1 to %d", j.Group, LinesMax)
	}
	var out []template
	for first := 0; first < len(list); first += j.Group {
		var text []byte
		var asks []ask
		for i := first; i < min(first+j.Group, len(list)); i++ {
			list[i].Msgid = blankID
			text = append(p.AppendSettlement(text, list[i]), '\n')
			asks = append(asks, askOf(&list[i]))
		}
		if len(text) > batchBytesMax {
			return nil, fmt.Errorf("wire: %d settlements are %d bytes, a batch call takes %d", len(asks), len(text), batchBytesMax)
		}
		out = append(out, j.template(mediaNDJSON, text, asks, first))
	}
	return out, nil
}

// path of the calls.
func (j *Job) path() string {
	switch j.Face {
	case Batch:
		return pathBatch
	case National:
		return pathNational
	case Echo, EchoNHSA:
		return pathEcho + "?answer=" + strconv.Itoa(j.AnswerBytes)
	}
	return pathSettlements
}

// template puts the head before a body and finds the message ids: there is one for each ask, and blankID is nothing that a bill holds elsewhere.
func (j *Job) template(media string, body []byte, asks []ask, first int) template {
	t := template{asks: asks, first: first, bytes: fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", j.path(), j.Server, media, len(body))}
	head := len(t.bytes)
	t.bytes = append(t.bytes, body...)
	for at := head; at+msgidLen <= len(t.bytes); {
		if string(t.bytes[at:at+msgidLen]) == blankID {
			t.ids = append(t.ids, at)
			at += msgidLen
			continue
		}
		at++
	}
	if len(t.ids) != len(asks) {
		panic(fmt.Sprintf("BUG: %d message ids in a request of %d bills", len(t.ids), len(asks)))
	}
	return t
}

// patch writes message ids into a copy of a template: tag and a count from number on.
func (t *template) patch(bytes []byte, tag string, number uint64) {
	for i, at := range t.ids {
		copy(bytes[at:], tag)
		appendCount(bytes[at+tagLen:at+msgidLen], number+uint64(i))
	}
}

// appendCount fills dst with the decimal digits of n.
func appendCount(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = '0' + byte(n%10)
		n /= 10
	}
}

// Catalogue is what a server is started with (--catalogue) so that purchases over the national interface have parts that accounts pay: a drug of
// class A, one of class B of which a tenth is borne first, and what is in no catalogue is the patient's.
const Catalogue = "gongji catalogue 1\tbench-1\n" +
	"med_list_codg\tname\tbegndate\tenddate\tchrgitm_lv\tmed_chrgitm_type\tselfpay_prop\tpric_uplmt_amt\tlmt_used_flag\tbas_medn_flag\thi_nego_drug_flag\tchld_medc_flag\tlist_sp_item_flag\tdrt_reim_flag\n" +
	"XA01BENCH001\tA\t2025-01-01\tnull\t01\t09\t0\tnull\t0\t1\t0\t0\t0\t0\n" +
	"XA01BENCH002\tB\t2025-01-01\tnull\t02\t09\t0.1\tnull\t0\t1\t0\t0\t0\t0\n"

// appendPurchase writes 2102 for a bill: its payable part as two drugs of the catalogue, the full self-pay part as something outside of it, at the
// pharmacy next to the bill's institution. The fund pays nothing of it (--fund none).
func appendPurchase(dst []byte, p *province.Province, s *province.Settlement, now time.Time) ([]byte, ask) {
	x := p.Person(s.Patient)
	place := p.Institution(s.Institution &^ 1) // even ones are pharmacies
	second := s.Payable / 3
	a := ask{medfee: s.Payable + s.Fulamt, psnPart: s.Payable + s.Fulamt, payable: s.Payable}
	stamp := now.In(beijing).Format(time.DateTime)
	dst = fmt.Appendf(dst, `{"infno":"2102","msgid":"%s","mdtrtarea_admvs":"%s","insuplc_admdvs":"%s","recer_sys_code":"YBXT","dev_no":"","dev_safe_info":"","cainfo":"","signtype":"","infver":"1.0.0",`+
		`"opter_type":"1","opter":"D001","opter_name":"演示收费员","inf_time":"%s","fixmedins_code":"%s","fixmedins_name":"%s","sign_no":"","input":{"druginfo":{"psn_no":"%s","mdtrt_cert_type":"02",`+
		`"mdtrt_cert_no":"%s","card_sn":"","psn_cert_type":"01","certno":"%s","psn_type":"%s","psn_name":"%s","begntime":"%s","medfee_sumamt":%s,"insutype":"%s","dise_codg":"","dise_name":"",`+
		`"acct_used_flag":"1","med_type":"41"},"drugdetail":[`,
		blankID, place.Area, x.Enrolment.InsuplcAdmdvs, stamp, place.Code, place.Name, x.PsnNo, x.Certno, x.Certno, x.Enrolment.PsnType, x.Name, stamp, yuan(a.medfee), s.Insutype)
	serial := 0
	for _, l := range [...]struct {
		code string
		fen  int64
	}{{"XA01BENCH001", s.Payable - second}, {"XA01BENCH002", second}, {"NOT-IN-LIST1", s.Fulamt}} {
		if l.fen == 0 {
			continue
		}
		if serial++; serial > 1 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"feedetl_sn":"%d","rxno":"","rx_circ_flag":"0","fee_ocur_time":"%s","med_list_codg":"%s","medins_list_codg":"L%04d","det_item_fee_sumamt":%s,"cnt":1,"pric":%s,`+
			`"sin_dos_dscr":"","used_frqu_dscr":"","medc_way_dscr":"","bilg_dr_codg":"","bilg_dr_name":""}`, serial, stamp, l.code, serial, yuan(l.fen), yuan(l.fen))
	}
	return append(dst, "]}}"...), a
}

// beijing is the zone of the platform's times.
var beijing = time.FixedZone("+08:00", 8*3600)

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }
