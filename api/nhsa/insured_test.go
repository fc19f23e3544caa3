package nhsa

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
)

// halfOfAll: the fund pays a half of what is in scope, of every insurance and kind of care but purchases of a pharmacy's own (41).
const halfOfAll = "gongji fund ratios 1\ttest\ninsutype\tmed_type\tfixmedins_type\thosp_lv\tbegndate\tenddate\tfund_ratio\n" +
	"any\t41\tany\tany\t2025-01-01\tnull\t0\nany\tany\tany\tany\t2025-01-01\tnull\t0.5\n"

func halfFund(t testing.TB) *fund.Ratios {
	t.Helper()
	r, err := fund.LoadRatios(strings.NewReader(halfOfAll))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// enrol tells an enrolment of a person, as the bureau does.
func (f *fixture) enrol(p someone, insutype, status, begin, more string) {
	f.t.Helper()
	f.setUp("/v1/persons/"+p.psnNo+"/enrolments", fmt.Sprintf(`{"msgid":%q,"insutype":%q,"psn_type":"11","flxempe_flag":"0","psn_insu_stas":%q,"insuplc_admdvs":"420100","begndate":%q%s}`,
		f.msgid(), insutype, status, begin, more))
}

// CT 180.00, class B: 162.00 in scope, of which the fund pays 81.00.
var ctLine = line{"1", "SA01DEMO0005", "1", "180", "180.00"}

// The insutype of a bill is one of the patient's where the fund pays: an insurance he never had is refused before the log, one that is not in force pays
// nothing and his account does (R19). In pre-settlements and settlements of purchases, registrations and stays alike.
func TestInsuranceOfBills(t *testing.T) {
	f := start(t, setup{opt: Options{Fund: halfFund(t)}})
	f.shop()
	f.hospital()
	const in, out, none = "81.00", "0.00", ""
	for _, c := range []struct {
		name     string
		employee bool
		enrol    func(p someone)
		insutype string
		fund     string // of 180.00; none: refused
	}{
		{"his own, employees'", true, nil, "310", in},
		{"his own, residents'", false, nil, "390", in},
		{"a resident sends the employees'", false, nil, "310", none},
		{"an employee sends the residents'", true, nil, "390", none},
		{"a code of a region that he is not in", true, nil, "9901", none},
		{"a second insurance beside the basic one", true, func(p someone) { f.enrol(p, "510", "1", "2020-01-01", "") }, "510", in},
		{"the basic one beside a second", false, func(p someone) { f.enrol(p, "510", "1", "2020-01-01", "") }, "390", in},
		{"paused", true, func(p someone) { f.enrol(p, "310", "2", "2026-01-01", "") }, "310", out},
		{"paused and taken up again", true, func(p someone) {
			f.enrol(p, "310", "2", "2025-01-01", "")
			f.enrol(p, "310", "1", "2026-01-01", "")
		}, "310", in},
		{"paused from tomorrow", true, func(p someone) { f.enrol(p, "310", "2", "2026-03-11", "") }, "310", in},
		{"ended by its date", true, func(p someone) { f.enrol(p, "320", "1", "2020-01-01", `,"enddate":"2026-03-09"`) }, "320", out},
		{"its last day", true, func(p someone) { f.enrol(p, "320", "1", "2020-01-01", `,"enddate":"2026-03-10"`) }, "320", in},
		{"moved away", true, func(p someone) { f.enrol(p, "310", "4", "2026-01-01", `,"reason":"moved"`) }, "310", out},
		{"begins tomorrow", true, func(p someone) { f.enrol(p, "320", "1", "2026-03-11", "") }, "320", none},
		{"a resident become employee sends the residents'", false, func(p someone) { f.enrol(p, "310", "1", "2026-01-01", "") }, "390", out},
		{"and the employees'", false, func(p someone) { f.enrol(p, "310", "1", "2026-01-01", "") }, "310", in},
		{"an employee become resident sends the employees'", true, func(p someone) { f.enrol(p, "390", "1", "2026-01-01", "") }, "310", out},
		{"and the residents'", true, func(p someone) { f.enrol(p, "390", "1", "2026-01-01", "") }, "390", in},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.t = t
			p := f.newPerson(c.employee)
			if c.enrol != nil {
				c.enrol(p)
			}
			for _, a := range f.insuredBills(p, c.insutype) {
				if c.fund != none {
					a.ok("setlinfo.fund_pay_sumamt", c.fund, "setlinfo.insutype", c.insutype)
					continue
				}
				where := "data.insutype"
				if a.at("purchase") != nil {
					where = "druginfo.insutype"
				}
				a.refused("insutype_not_enrolled", where)
			}
			if c.insutype == "9901" {
				f.settle(f.msgid(), bought{who: p, insutype: "311", care: "18", total: "180.00", lines: []line{ctLine}}).refused("bad_value", "druginfo.insutype") // in no dictionary
			}
		})
	}
	f.t = t
}

// insuredBills are the six bills of 180.00 of a patient: a purchase, a registration, a stay, each pre-settled and settled.
func (f *fixture) insuredBills(p someone, insutype string) (list []*answer) {
	f.t.Helper()
	b := bought{who: p, insutype: insutype, care: "18", total: "180.00", lines: []line{ctLine}}
	for _, infno := range []string{"2101", "2102"} {
		a := f.send(pathCall, sent{infno: infno, msgid: f.msgid(), input: b.input()}.body())
		a.json["purchase"] = true
		list = append(list, a)
	}
	visits := []struct {
		v           *visit
		lines       *transaction
		row         with
		pre, settle *transaction
	}{
		{f.registered(p), &outpatientLines, fee("B1", ctLine), &outpatientPreview, &outpatientSettle},
		{f.admitted(p), &inpatientLines, fee("", ctLine), &inpatientPreview, &inpatientSettle},
	}
	for _, x := range visits {
		x.v.now(x.lines, x.row).ok()
		bill := batchBill("B1", with{"insutype": quote(insutype), "medfee_sumamt": "180.00", "fulamt_ownpay_amt": "0", "overlmt_selfpay": "0", "preselfpay_amt": "18", "inscp_scp_amt": "162"})
		if x.v.stay {
			delete(bill, "med_type")
			bill["mdtrt_cert_no"] = quote(p.certno)
		}
		for _, tx := range []*transaction{x.pre, x.settle} {
			list = append(list, x.v.now(tx, bill))
		}
	}
	return list
}

// A refusal for the insurance is before the log and leaves the id free; a bill that the fund pays nothing of is not looked at; a visit is judged on its
// first day; a repeat has its first answer although the same bill would be refused now (R10).
func TestInsuranceRefusal(t *testing.T) {
	with18 := &switchedFund{now: fund.None{}}
	f := start(t, setup{opt: Options{Fund: with18, Classifier: catalogue.MustDemo()}})
	f.shop()
	f.hospital()
	p := f.newPerson(false)
	b := bought{who: p, insutype: "310", care: "18", total: "180.00", lines: []line{ctLine}}
	first := f.msgid()
	f.settle(first, b).ok("setlinfo.fund_pay_sumamt", "0.00") // no fund: insutype decides no money
	with18.now = halfFund(t)
	before := f.sequence()
	msgid := f.msgid()
	f.settle(msgid, b).refused("insutype_not_enrolled", "druginfo.insutype")
	if f.sequence() != before {
		t.Error("a refusal was logged")
	}
	if a := f.settle(first, b).ok("setlinfo.fund_pay_sumamt", "0.00"); a.header.Get("Idempotency-Replayed") != "true" {
		t.Error("not marked as a repeat")
	}
	other := b
	other.care = "14"
	f.settle(first, other).refused("id_reused", "msgid")
	b.insutype = "390"
	f.settle(msgid, b).ok("setlinfo.fund_pay_sumamt", "81.00") // the id was free
	stay := f.admitted(p)
	stay.now(&inpatientLines, fee("", ctLine)).ok()
	f.clock.ms.Add(dayMS)
	f.enrol(p, "390", "2", "2026-03-11", "") // paused on the day after the admission
	bill := with{"insutype": `"390"`, "medfee_sumamt": "180.00", "mdtrt_cert_no": quote(p.certno)}
	stay.now(&inpatientPreview, bill).ok("setlinfo.fund_pay_sumamt", "81.00")
	f.settle(f.msgid(), b).ok("setlinfo.fund_pay_sumamt", "0.00", "setlinfo.pool_prop_selfpay", "0.0000", "setlinfo.hifp_pay", "0.00")
	f.settle(msgid, b).ok("setlinfo.fund_pay_sumamt", "81.00") // its first answer
	b.who.psnNo = "nobody"
	f.settle(f.msgid(), b).refused("unknown_person", "druginfo.psn_no")
}

// switchedFund is a calculator that a test changes while the server runs.
type switchedFund struct{ now fund.Calculator }

func (s *switchedFund) Calculate(ctx context.Context, b *fund.Bill) (fund.Result, error) {
	return s.now.Calculate(ctx, b)
}
