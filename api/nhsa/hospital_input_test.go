package nhsa

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
	"gongji/engine/ledger"
)

// diag_type 1 to 3 (nhsa-inpatient.md 2, diseinfo), in a registration and in a stay.
func TestDiagnosisKind(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	v := f.registered(f.newPerson(true))
	stay := f.admitted(v.who)
	for _, x := range []struct {
		v  *visit
		tx *transaction
	}{{v, &visitUpload}, {stay, &admissionChange}, {stay, &discharge}} {
		good := tableInput(x.tx, x.v.values(with{"med_type": map[bool]string{false: `"11"`, true: `"2101"`}[x.v.stay]}))
		for kind, fine := range map[string]bool{"0": false, "4": false, "ZZ": false, "3": true} {
			bad := strings.Replace(good, `"diag_type":"1"`, `"diag_type":`+quote(kind), 1)
			if bad == good {
				t.Fatal("no diagnosis in it")
			}
			if fine && x.tx == &discharge {
				continue
			}
			a := f.send(pathCall, sent{infno: x.tx.infno, msgid: f.msgid(), code: hospitalCode, input: bad}.body())
			if fine {
				a.ok()
				continue
			}
			a.refused("bad_value", "diseinfo[1].diag_type")
		}
	}
}

// Bad input of hospitals: each is refused with its place, logs nothing that it need not, changes no balance, and repeats no value of the message.
func TestHospitalRefusals(t *testing.T) {
	var log bytes.Buffer
	f := start(t, setup{log: &log})
	f.hospital()
	f.institution("H42010000002", "1")
	f.shop()
	p, stranger := f.newPerson(true), f.newPerson(true)
	f.credit(p, "500.00")
	v, stay := f.registered(p), f.admitted(p)
	v.now(&outpatientLines, fees("B1", threeLines...)...).ok()
	stay.now(&inpatientLines, fees("", threeLines...)...).ok()
	cancelled := f.registeredAs(p, "MZ002")
	cancelled.now(&registrationCancel, with{"ipt_otp_no": `"MZ002"`}).ok()
	elsewhere := *v
	elsewhere.code = "H42010000002"
	shop := *stay
	shop.code = shopCode
	const marked = "SECRET77"
	one := threeLines[0]
	line := func(more with) with {
		w := fee("B2", one)
		w["feedetl_sn"] = "77"
		for k, x := range more {
			w[k] = x
		}
		return w
	}
	ret := func(more with) with {
		w := back("78", "1", lineOf("XA01DEMO0001", "-1", "12.5", "-12.5"))
		for k, x := range more {
			w[k] = x
		}
		return w
	}
	wrong := with{"psn_no": quote(stranger.psnNo), "certno": quote(stranger.certno), "mdtrt_cert_no": quote(stranger.certno)}
	full := batchBill("B1", partsOf75)
	but := func(w with, name, value string) with {
		c := with{}
		for k, x := range w {
			c[k] = x
		}
		c[name] = value
		return c
	}
	many := make([]with, ledger.LinesMax+1)
	for i := range many {
		many[i] = line(with{"feedetl_sn": fmt.Sprint(1000 + i)})
	}
	long := make([]with, ledger.LinesMax)
	for i := range long {
		long[i] = line(with{"feedetl_sn": fmt.Sprint(2000 + i), "memo": quote(strings.Repeat("长", 300))})
	}
	for i, c := range []struct {
		v           *visit
		tx          *transaction
		rows        []with
		code, where string
	}{
		{v, &registration, []with{{"mdtrt_cert_no": quote(stranger.certno), "certno": quote(stranger.certno)}}, "wrong_credential", "data.mdtrt_cert_no"},
		{v, &registration, []with{{"ipt_otp_no": `""`}}, "missing_field", "data.ipt_otp_no"},
		{v, &registration, []with{{"psn_no": quote(marked)}}, "unknown_person", "data.psn_no"},
		{v, &registration, []with{{"begntime": `"` + marked + `"`}}, "bad_value", "data.begntime"},
		{v, &visitUpload, []with{{"med_type": `"99"`}}, "bad_value", "mdtrtinfo.med_type"},
		{v, &visitUpload, []with{{"med_type": `"2101"`}}, "bad_value", "mdtrtinfo.med_type"}, // a stay's kind of care
		{stay, &admission, []with{{"med_type": `"11"`}}, "bad_value", "mdtrtinfo.med_type"},  // and none of a stay's
		{stay, &admissionChange, []with{{"med_type": `"41"`}}, "bad_value", "adminfo.med_type"},
		{stay, &inpatientLines, []with{line(with{"med_type": `"11"`})}, "bad_value", "feedetail[1].med_type"},
		{v, &visitUpload, []with{{"mdtrt_id": quote(marked)}}, "visit_unknown", "mdtrtinfo.mdtrt_id"},
		{v, &visitUpload, []with{{"mdtrt_id": quote(stay.id)}}, "visit_unknown", "mdtrtinfo.mdtrt_id"},
		{v, &visitUpload, []with{{"psn_no": quote(stranger.psnNo)}}, "visit_patient", "mdtrtinfo.psn_no"},
		{&elsewhere, &visitUpload, nil, "visit_unknown", "mdtrtinfo.mdtrt_id"},
		{cancelled, &visitUpload, nil, "visit_closed", "mdtrtinfo.mdtrt_id"},

		{v, &outpatientLines, []with{line(with{"det_item_fee_sumamt": "25.02"})}, "amount_product", "feedetail[1].det_item_fee_sumamt"},
		{v, &outpatientLines, []with{line(nil), line(with{"feedetl_sn": "79", "cnt": "0"})}, "amount_zero", "feedetail[2].cnt"},
		{v, &outpatientLines, []with{line(with{"cnt": "-2", "det_item_fee_sumamt": "-25.00"})}, "amount_negative", "feedetail[1].det_item_fee_sumamt"},
		{v, &outpatientLines, []with{line(with{"feedetl_sn": "1234567890123456789012345678901"})}, "too_long", "feedetail[1].feedetl_sn"},
		{v, &outpatientLines, []with{line(with{"feedetl_sn": "0"})}, "bad_value", "feedetail[1].feedetl_sn"},
		{v, &outpatientLines, []with{line(with{"chrg_bchno": `"0000"`})}, "bad_value", "feedetail[1].chrg_bchno"},
		{v, &outpatientLines, []with{line(with{"hosp_appr_flag": `"3"`})}, "bad_value", "feedetail[1].hosp_appr_flag"},
		{v, &outpatientLines, []with{line(with{"bilg_dr_name": `"` + strings.Repeat("长", 51) + `"`})}, "too_long", "feedetail[1].bilg_dr_name"},
		{v, &outpatientLines, []with{line(with{"cnt": "1", "pric": "30000000", "det_item_fee_sumamt": "30000000.00"})}, "amount_too_large", "feedetail[1].det_item_fee_sumamt"},
		{v, &outpatientLines, []with{line(nil), line(with{"feedetl_sn": "79", "mdtrt_id": quote(cancelled.id)})}, "bad_value", "feedetail[2].mdtrt_id"},
		{v, &outpatientLines, []with{line(nil), line(with{"feedetl_sn": "79", "psn_no": quote(stranger.psnNo)})}, "bad_value", "feedetail[2].psn_no"},
		{v, &outpatientLines, many, "too_many", "feedetail"},
		{v, &outpatientLines, long, "too_long", "feedetail"},
		{v, &outpatientLines, []with{line(nil), line(with{"feedetl_sn": "1"})}, "line_exists", "feedetail[2].feedetl_sn"},
		{cancelled, &outpatientLines, []with{line(nil)}, "visit_closed", "feedetail[1].mdtrt_id"},
		{&elsewhere, &outpatientLines, []with{line(nil)}, "visit_unknown", "feedetail[1].mdtrt_id"},
		{v, &outpatientLines, []with{line(with{"psn_no": quote(stranger.psnNo)})}, "visit_patient", "feedetail[1].psn_no"},
		{stay, &inpatientLines, []with{ret(with{"init_feedetl_sn": `""`})}, "missing_field", "feedetail[1].init_feedetl_sn"},
		{stay, &inpatientLines, []with{ret(with{"init_feedetl_sn": `"1x"`})}, "bad_value", "feedetail[1].init_feedetl_sn"},
		{stay, &inpatientLines, []with{ret(with{"cnt": "1", "det_item_fee_sumamt": "12.5"})}, "bad_value", "feedetail[1].cnt"},
		{stay, &inpatientLines, []with{ret(with{"pric": "-12.5"})}, "amount_negative", "feedetail[1].pric"},
		{stay, &inpatientLines, []with{ret(with{"cnt": "-3", "det_item_fee_sumamt": "-37.5"})}, "return_exceeds", "feedetail[1].init_feedetl_sn"},

		{v, &outpatientLinesCancel, []with{{"chrg_bchno": `"B9"`}}, "line_unknown", "data.chrg_bchno"},
		{stay, &inpatientLinesCancel, []with{{"feedetl_sn": `"99"`}}, "line_unknown", "data[1].feedetl_sn"},
		{stay, &inpatientLinesCancel, []with{{"feedetl_sn": `"1"`}, {"feedetl_sn": `"1"`}}, "line_unknown", "data[2].feedetl_sn"},
		{stay, &inpatientLinesCancel, []with{{"feedetl_sn": `"1"`}, {"feedetl_sn": `"0000"`}}, "bad_value", "data[2].feedetl_sn"},
		{stay, &inpatientLinesCancel, []with{{"feedetl_sn": `"0000"`}, {"feedetl_sn": `"1"`}}, "bad_value", "data[2].feedetl_sn"},

		{v, &outpatientSettle, []with{but(full, "medfee_sumamt", "76.00")}, "amount_parts", "data.medfee_sumamt"},
		{v, &outpatientSettle, []with{but(full, "fulamt_ownpay_amt", "10.01")}, "amount_parts", "data.fulamt_ownpay_amt"},
		{v, &outpatientSettle, []with{but(full, "overlmt_selfpay", "0")}, "amount_parts", "data.overlmt_selfpay"},
		{v, &outpatientSettle, []with{but(full, "preselfpay_amt", "0")}, "amount_parts", "data.preselfpay_amt"},
		{v, &outpatientSettle, []with{but(full, "inscp_scp_amt", "58.47")}, "amount_parts", "data.inscp_scp_amt"},
		{v, &outpatientSettle, []with{but(full, "inscp_scp_amt", `""`)}, "missing_field", "data.inscp_scp_amt"},
		{v, &outpatientSettle, []with{but(full, "chrg_bchno", `"B9"`)}, "no_lines", "data.chrg_bchno"},
		{v, &outpatientSettle, []with{but(full, "med_type", `"14"`)}, "bad_value", "data.med_type"},
		{v, &outpatientSettle, []with{but(full, "med_type", `"2101"`)}, "bad_value", "data.med_type"},
		{v, &outpatientSettle, []with{but(full, "psn_setlway", `"1"`)}, "bad_value", "data.psn_setlway"},
		{v, &outpatientSettle, []with{but(full, "medfee_sumamt", "0")}, "amount_zero", "data.medfee_sumamt"},
		{v, &outpatientSettle, []with{but(but(full, "mdtrt_cert_no", quote(stranger.certno)), "certno", quote(stranger.certno))}, "wrong_credential", "data.mdtrt_cert_no"},
		{v, &outpatientSettle, []with{but(full, "mdtrt_cert_no", quote(stranger.certno))}, "bad_value", "data.certno"},
		{v, &outpatientSettle, []with{but(but(but(full, "psn_no", wrong["psn_no"]), "certno", wrong["certno"]), "mdtrt_cert_no", wrong["mdtrt_cert_no"])}, "visit_patient", "data.psn_no"},
		{&elsewhere, &outpatientSettle, []with{full}, "visit_unknown", "data.mdtrt_id"},
		{cancelled, &outpatientSettle, []with{full}, "visit_closed", "data.mdtrt_id"},
		{stay, &outpatientSettle, []with{but(full, "mdtrt_cert_no", quote(p.certno))}, "visit_unknown", "data.mdtrt_id"},
		{v, &inpatientSettle, []with{{"medfee_sumamt": "75.00"}}, "visit_unknown", "data.mdtrt_id"},
		{stay, &inpatientSettle, []with{{"medfee_sumamt": "75.00", "mid_setl_flag": `"2"`}}, "bad_value", "data.mid_setl_flag"},
		{stay, &inpatientSettle, []with{{"medfee_sumamt": "75.00", "inscp_scp_amt": "58.00"}}, "amount_parts", "data.inscp_scp_amt"},
		{stay, &inpatientPreview, []with{{"medfee_sumamt": "70.00"}}, "amount_parts", "data.medfee_sumamt"},
		{v, &outpatientCancel, []with{{"setl_id": quote(marked)}}, "not_found", "data.setl_id"},

		{&shop, &admission, []with{{"med_type": `"2101"`}}, "not_supported", "fixmedins_code"},
		{stay, &admission, []with{{"med_type": `"2101"`, "insuplc_admdvs": `"4201"`}}, "bad_value", "mdtrtinfo.insuplc_admdvs"},
		{stay, &discharge, []with{{"dscg_way": `"8"`}}, "bad_value", "dscginfo.dscg_way"},
		{stay, &discharge, []with{{"mdtrt_id": quote(v.id)}}, "visit_unknown", "dscginfo.mdtrt_id"},
		{stay, &dischargeCancel, nil, "not_discharged", "data.mdtrt_id"},
		{v, &registrationCancel, []with{{"ipt_otp_no": `"MZ999"`}}, "not_found", "data.ipt_otp_no"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			a := c.v.now(c.tx, c.rows...)
			a.t = t
			a.refused(c.code, c.where)
			if c.code == "too_many" && !strings.HasSuffix(a.str("err_msg"), "最多100") {
				t.Errorf("the limit is not named: %s", a.text)
			}
			for _, value := range []string{marked, p.certno, p.psnNo, stranger.certno, stranger.psnNo, "王小明", "李医生"} {
				if strings.Contains(a.text, value) {
					t.Errorf("echoes %s: %s", value, a.text)
				}
			}
		})
	}
	for _, value := range []string{marked, p.certno, p.psnNo, stranger.psnNo, "王小明", "李医生"} {
		if strings.Contains(log.String(), value) {
			t.Errorf("%s in the log", value)
		}
	}
	if f.balance(p) != "500.00" {
		t.Errorf("%s left", f.balance(p))
	}
	v.now(&outpatientLines, many[1:]...).ok("result.99.feedetl_sn", "1100")
	// Nothing of all that has touched the lines.
	v.now(&outpatientSettle, full).ok()
	stay.now(&inpatientSettle, with{"medfee_sumamt": "75.00"}).ok()
}

func lineOf(code, count, price, amount string) line { return line{"", code, count, price, amount} }

// R10: what was sent decides, not what the catalogue makes of it: an upload, a settlement and a return repeated under another catalogue have their first answers.
func TestVisitRepeats(t *testing.T) {
	lists := &switched{catalogue.MustDemo()}
	f := start(t, setup{opt: Options{Classifier: lists}})
	f.hospital()
	p, other := f.newPerson(true), f.newPerson(true)
	f.credit(p, "1000.00")
	v, stay := f.registered(p), f.admitted(p)
	token := quote(f.voucher(p))
	same := func(a, b *answer) {
		t.Helper()
		if fmt.Sprint(a.at("output")) != fmt.Sprint(b.ok().at("output")) || b.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s\nwas %s", b.text, a.text)
		}
	}
	up, bed, pay := f.msgid(), f.msgid(), f.msgid()
	upload := fees("B1", threeLines...)
	first := v.send(up, &outpatientLines, upload...).ok()
	ward := fee("", lineOf("XA01DEMO0006", "3", "20", "60.00"))
	ward["feedetl_sn"] = "1"
	stay.send(bed, &inpatientLines, ward).ok()
	lists.now = noCatalogue{}
	same(first, v.send(up, &outpatientLines, upload...))
	v.now(&outpatientLines, upload...).ok("result.1.preselfpay_amt", "3.72") // sent again under another id: the line that is there
	stay.now(&inpatientLines, back("2", "1", lineOf("XA01DEMO0006", "-1", "20", "-20.00"))).ok("result.0.fulamt_ownpay_amt", "0.00", "result.0.inscp_scp_amt", "-16.74")
	shown := batchBill("B1", partsOf75)
	shown["mdtrt_cert_type"], shown["mdtrt_cert_no"] = `"01"`, token
	settled := v.send(pay, &outpatientSettle, shown).ok()
	f.clock.ms.Add(2 * 3600_000)
	same(settled, v.send(pay, &outpatientSettle, shown)) // the token has expired since
	v.now(&outpatientCancel, with{"setl_id": quote(settled.str("output.setlinfo.setl_id"))}).ok()
	v.now(&outpatientLinesCancel, with{"chrg_bchno": `"B1"`}).ok()
	same(first, v.send(up, &outpatientLines, upload...)) // the lines are gone, the answer is not
	same(settled, v.send(pay, &outpatientSettle, shown))
	if q := v.now(&settlementQuery, with{"setl_id": quote(settled.str("output.setlinfo.setl_id"))}).ok("setlinfo.refd_setl_flag", "1"); q.header.Get("Idempotency-Replayed") != "" {
		t.Error("a question is marked as a repeat")
	}
	changed := batchBill("B1", partsOf75)
	changed["acct_used_flag"] = `"0"`
	v.send(pay, &outpatientSettle, changed).refused("id_reused", "msgid")
	v.send(pay, &outpatientSettle, batchBill("B2", partsOf75)).refused("id_reused", "msgid")
	v.send(up, &outpatientLines, upload[:2]...).refused("id_reused", "msgid")
	v.send(up, &outpatientSettle, batchBill("B1", partsOf75)).refused("id_reused", "msgid")
	stay.send(up, &discharge).refused("id_reused", "msgid")
	stay.who = other
	stay.send(bed, &inpatientLines, ward).refused("id_reused", "msgid")
}

// late is a calculator that asks elsewhere: while it thinks, something happens.
type late struct{ meanwhile func() }

func (l *late) Calculate(context.Context, *fund.Bill) (fund.Result, error) {
	if l.meanwhile != nil {
		l.meanwhile()
	}
	return fund.Result{Version: "late"}, nil
}

// R3, R29: lines that come while the fund calculator thinks are seen: it is asked anew, a bounded number of times.
func TestLinesMove(t *testing.T) {
	slow := &late{}
	f := start(t, setup{opt: Options{Fund: slow}})
	f.hospital()
	p := f.newPerson(true)
	v := f.admitted(p)
	v.now(&inpatientLines, fees("", threeLines...)...).ok()
	asked, sn := 0, 100
	slow.meanwhile = func() {
		asked++
		sn++
		row := fee("", lineOf("SA01DEMO0007", "1", "40", "40.00"))
		row["feedetl_sn"] = fmt.Sprint(sn)
		v.now(&inpatientLines, row).ok()
		row = with{"feedetl_sn": quote(fmt.Sprint(sn))}
		v.now(&inpatientLinesCancel, row).ok()
	}
	v.now(&inpatientPreview, with{"medfee_sumamt": "75.00"}).ok()
	if asked != 1 { // what came has gone again: the same lines
		t.Errorf("asked %d times", asked)
	}
	slow.meanwhile = func() {
		asked++
		sn++
		for _, row := range []with{fee("", lineOf("SA01DEMO0007", "1", "40", "40.00")), back("", "", lineOf("SA01DEMO0007", "-1", "40", "-40.00"))} {
			row["feedetl_sn"] = fmt.Sprint(sn)
			if _, is := row["init_feedetl_sn"]; is {
				row["feedetl_sn"], row["init_feedetl_sn"] = fmt.Sprint(sn+1000), quote(fmt.Sprint(sn))
			}
			v.now(&inpatientLines, row).ok()
		}
	}
	asked = 0
	msgid := f.msgid()
	v.send(msgid, &inpatientSettle, with{"medfee_sumamt": "75.00"}).refused("lines_differ", "data.mdtrt_id")
	if asked != looksMax {
		t.Errorf("asked %d times, want %d", asked, looksMax)
	}
	slow.meanwhile = nil
	v.send(msgid, &inpatientSettle, with{"medfee_sumamt": "75.00"}).ok("setlinfo.medfee_sumamt", "75.00") // nothing was logged: the id is free
}

// Uploads, removals and settlements of one stay at the same time: what is settled is always what its lines make, and every line is settled at most once.
func TestVisitRace(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	p := f.newPerson(true)
	f.credit(p, "100000.00")
	v := f.admitted(p)
	var serials, there, settled, refused, raced, ids atomic.Int64
	var still sync.RWMutex
	post := func(tx *transaction, row with) *answer {
		body := sent{infno: tx.infno, msgid: fmt.Sprintf("RACE%026d", ids.Add(1)), code: v.code, input: tableInput(tx, v.values(row))}.body()
		return f.send(pathCall, body)
	}
	const lines, settles = 60, 60
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range lines {
				row := fee("", lineOf("SA01DEMO0007", "1", "40", "40.00"))
				row["feedetl_sn"] = fmt.Sprint(serials.Add(1))
				still.RLock()
				if a := post(&inpatientLines, row); a.str("infcode") != "0" {
					t.Error(a.text)
				}
				there.Add(1)
				still.RUnlock()
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for i := range settles {
				unlock := still.RUnlock
				if i%5 == 4 { // nobody else moves, so this one is right
					still.Lock()
					unlock = still.Unlock
				} else {
					still.RLock()
				}
				sum := 40*there.Load() - settled.Load() + int64(40*(i%5%2)) // what is there and not settled, as far as anybody knows
				a := post(&inpatientSettle, with{"medfee_sumamt": fmt.Sprintf("%d.00", max(sum, 40)), "mid_setl_flag": `"1"`})
				switch {
				case a.str("infcode") == "0":
					settled.Add(max(sum, 40))
					if i%5 != 4 {
						raced.Add(1)
					}
				case strings.Contains(a.text, "[amount_parts] data.medfee_sumamt"), strings.Contains(a.text, "[lines_differ] data.mdtrt_id"), strings.Contains(a.text, "[no_lines]"):
					refused.Add(1)
				default:
					t.Error(a.text)
				}
				unlock()
			}
		})
	}
	wg.Wait()
	rest := 40*4*lines - settled.Load()
	if settled.Load() == 0 || refused.Load() == 0 {
		t.Errorf("no race: %d settled, %d refused", settled.Load(), refused.Load())
	}
	if rest > 0 {
		v.now(&inpatientSettle, with{"medfee_sumamt": fmt.Sprintf("%d.00", rest)}).ok()
	}
	if got := f.balance(p); got != yuan(10_000_000-40*4*lines*100) {
		t.Errorf("%s left", got)
	}
	t.Logf("%d settled while uploads ran, %d of them of their own luck, %d refused", settled.Load(), raced.Load(), refused.Load())
}
