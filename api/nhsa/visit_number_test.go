package nhsa

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// R10: the hospital's own number names one visit of a patient that waits for something: a second registration or admission under it is refused at the
// number, its repeat under the same msgid has the first answer, and a settled or cancelled visit gives the number back.
func TestVisitNumbers(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	f.institution("H42010000002", "1")
	p, other := f.newPerson(true), f.newPerson(true)
	f.credit(p, "500.00")
	for _, c := range []struct {
		open       *transaction
		more       with
		where, own string
		id         string
		cancel     *transaction
		lines, pay *transaction
		row, bill  with
	}{
		{&registration, with{}, "data.ipt_otp_no", "ipt_otp_no", "data.mdtrt_id", &registrationCancel, &outpatientLines, &outpatientSettle,
			fee("B1", line{"1", "SA01DEMO0007", "1", "40", "40.00"}),
			batchBill("B1", with{"medfee_sumamt": "40.00", "fulamt_ownpay_amt": "0", "overlmt_selfpay": "0", "preselfpay_amt": "0", "inscp_scp_amt": "40"})},
		{&admission, with{"med_type": `"2101"`, "mdtrt_cert_no": quote(p.certno)}, "mdtrtinfo.ipt_no", "ipt_no", "result.mdtrt_id", &admissionCancel, &inpatientLines, &inpatientSettle,
			fee("", line{"1", "SA01DEMO0007", "1", "40", "40.00"}), with{"medfee_sumamt": "40.00", "mdtrt_cert_no": quote(p.certno)}},
	} {
		t.Run(c.open.infno, func(t *testing.T) {
			f.t = t
			v := &visit{f: f, who: p, code: hospitalCode}
			first := f.msgid()
			v.id = v.send(first, c.open, c.more).ok().str("output." + c.id)
			second := f.msgid()
			v.send(second, c.open, c.more).refused("visit_exists", c.where)
			v.send(second, c.open, c.more).refused("visit_exists", c.where) // final for its id (R10)
			v.send(first, c.open, c.more).ok(c.id, v.id)
			another := with{c.own: `"X2"`}
			for k, x := range c.more {
				another[k] = x
			}
			w := *v
			w.id = v.now(c.open, another).ok().str("output." + c.id)
			w.now(c.cancel, with{c.own: `"X2"`}).ok()
			w.now(c.open, another).ok() // cancelled: the number is free
			elsewhere := *v
			elsewhere.code = "H42010000002"
			elsewhere.now(c.open, c.more).ok()
			stranger := *v
			stranger.who = other
			same := with{}
			for k, x := range c.more {
				same[k] = x
			}
			same["mdtrt_cert_no"] = quote(other.certno)
			stranger.now(c.open, same).ok() // two patients under one number: the hospital's affair
			v.now(c.lines, c.row).ok()
			v.now(c.open, c.more).refused("visit_exists", c.where)
			v.now(c.pay, c.bill).ok()
			v.now(c.open, c.more).ok() // settled: some hospitals number the patient
			v.now(c.open, c.more).refused("visit_exists", c.where)
			v.send(first, c.open, c.more).ok(c.id, v.id)
		})
	}
	f.t = t
}

// Many tills at once under one number and msgids of their own: one is taken, the others are told so. The ledger decides, not a look before it.
func TestVisitNumberRace(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	const tills, rounds = 8, 6
	for round := range rounds {
		p := f.newPerson(true)
		v := &visit{f: f, who: p, code: hospitalCode}
		input := tableInput(&registration, v.values(with{}))
		var taken, refused atomic.Int32
		var wg sync.WaitGroup
		for till := range tills {
			wg.Go(func() {
				a := f.send(pathCall, sent{infno: "2201", msgid: fmt.Sprintf("NR%d-%d", round, till), code: hospitalCode, input: input}.body())
				switch {
				case a.str("infcode") == "0":
					taken.Add(1)
				case strings.HasPrefix(a.str("err_msg"), "[visit_exists] data.ipt_otp_no"):
					refused.Add(1)
				default:
					t.Error(a.text)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 1 || refused.Load() != tills-1 {
			t.Errorf("round %d: %d taken, %d refused", round, taken.Load(), refused.Load())
		}
	}
}
