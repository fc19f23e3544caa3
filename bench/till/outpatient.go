package till

import (
	"context"
	"errors"
	"fmt"
)

// The hospital's doctor and departments of the demonstration.
const (
	doctorNo, doctorName = "D990001", "演示医师"
	deptNo, deptName     = "A03", "内科"
	wardNo, wardName     = "B04", "外科病区"
)

// outpatient plays an outpatient visit: 1101, 2201, 2203, 2204, 2206, 2207, and 2208, 2205, 2202 if the patient declines.
func (t *Till) outpatient(ctx context.Context, p *Play, d *Dialogue) (*Visit, error) {
	v := &Visit{Items: d.Items}
	var err error
	if v.Patient, err = t.Identify(ctx, d.Credential); err != nil {
		return v, err
	}
	number := t.ownNumber("MZ")
	mdtrt, err := t.register(ctx, v.Patient, number)
	if err != nil {
		return v, err
	}
	err = t.charge(ctx, p, d, v, mdtrt)
	if v.Cancelled || errors.Is(err, ErrRefused) { // a refused visit is not left lying about either
		err = errors.Join(err, t.leave(ctx, v.Patient, mdtrt, number))
	}
	return v, err
}

// charge is a visit from its diagnosis to its settlement.
func (t *Till) charge(ctx context.Context, p *Play, d *Dialogue, v *Visit, mdtrt string) error {
	batch := t.ownNumber("SF")
	if err := t.diagnose(ctx, v.Patient, mdtrt); err != nil {
		return err
	}
	if _, err := t.ask(ctx, infLines, func(o *object) {
		o.rows("feedetail", len(d.Items), func(i int, o *object) { t.clinicLine(o, i, &d.Items[i], v.Patient, mdtrt, batch) })
	}); err != nil {
		return err
	}
	bill := func(o *object) {
		v.Patient.person(o)
		o.text("med_type", medClinic)
		o.money("medfee_sumamt", Total(d.Items))
		o.texts("psn_setlway", "01", "mdtrt_id", mdtrt, "chrg_bchno", batch, "acct_used_flag", "1", "insutype", v.Patient.Insutype)
	}
	return t.preview(ctx, p, d, v, func(o *object) { o.node("data", bill) }, func(before *Settled) func(*object) {
		return func(o *object) {
			o.node("data", func(o *object) {
				bill(o)
				o.text("invono", t.invoice())
				before.parts(o)
			})
		}
	})
}

// parts writes the four cost parts, which 2207 and 2304 send back as the pre-settlement told them.
func (s *Settled) parts(o *object) {
	for _, name := range []string{"fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"} {
		o.money(name, s.Amounts[name])
	}
}

// invoice is an invoice's number: invono has 20 characters.
func (t *Till) invoice() string { return t.ownNumber("")[len("yyyy"):] }

// ownNumber is a number of the institution's own, unique as its message ids are.
func (t *Till) ownNumber(kind string) string { return kind + t.NextMsgid()[len(t.Code):] }

// register is 2201.
func (t *Till) register(ctx context.Context, p *Patient, number string) (mdtrt string, err error) {
	r, err := t.ask(ctx, infRegister, func(o *object) {
		o.node("data", func(o *object) {
			p.person(o)
			o.texts("insutype", p.Insutype, "begntime", t.stamp(), "ipt_otp_no", number, "atddr_no", doctorNo, "dr_name", doctorName, "dept_code", deptNo,
				"dept_name", deptName, "caty", "A03")
		})
	})
	if err != nil {
		return "", err
	}
	if mdtrt = r.Output.Child("data").Text("mdtrt_id"); mdtrt == "" {
		return "", fmt.Errorf("%w: 2201 tells no mdtrt_id", ErrUnresolved)
	}
	return mdtrt, nil
}

// diagnose is 2203.
func (t *Till) diagnose(ctx context.Context, p *Patient, mdtrt string) error {
	_, err := t.ask(ctx, infDiagnosis, func(o *object) {
		o.node("mdtrtinfo", func(o *object) {
			o.texts("mdtrt_id", mdtrt, "psn_no", p.PsnNo, "med_type", medClinic, "begntime", t.stamp(), "main_cond_dscr", "咳嗽三天",
				"dise_type_code", "", "dise_codg", "J06.900", "dise_name", "急性上呼吸道感染", "birctrl_type", "", "birctrl_matn_date", "")
		})
		o.rows("diseinfo", 1, func(_ int, o *object) {
			o.text("diag_type", "1")
			o.count("diag_srt_no", 1)
			o.texts("diag_code", "J06.900", "diag_name", "急性上呼吸道感染", "diag_dept", deptName, "dise_dor_no", doctorNo, "dise_dor_name", doctorName,
				"diag_time", t.stamp(), "vali_flag", "1")
		})
	})
	return err
}

// clinicLine writes a line of 2204.
func (t *Till) clinicLine(o *object, i int, item *Item, p *Patient, mdtrt, batch string) {
	o.count("feedetl_sn", i+1)
	o.texts("mdtrt_id", mdtrt, "psn_no", p.PsnNo, "chrg_bchno", batch, "dise_codg", "", "rxno", "", "rx_circ_flag", "0")
	t.line(o, i, item)
	o.texts("bilg_dept_codg", deptNo, "bilg_dept_name", deptName, "bilg_dr_codg", doctorNo, "bilg_dr_name", doctorName, "hosp_appr_flag", "1")
}

// line writes what fee lines of both departments have.
func (t *Till) line(o *object, i int, item *Item) {
	o.texts("fee_ocur_time", t.stamp(), "med_list_codg", item.Code, "medins_list_codg", fmt.Sprintf("L%04d", i+1))
	o.money("det_item_fee_sumamt", item.Amount())
	o.number("cnt", decimal(item.Count, 4))
	o.number("pric", decimal(item.Price, 6))
}

// leave takes back lines and registration, 2205 and 2202, after a cancel.
func (t *Till) leave(ctx context.Context, p *Patient, mdtrt, number string) error {
	if _, err := t.ask(ctx, infLinesCancel, func(o *object) {
		o.node("data", func(o *object) { o.texts("mdtrt_id", mdtrt, "chrg_bchno", "0000", "psn_no", p.PsnNo) })
	}); err != nil {
		return err
	}
	_, err := t.ask(ctx, infRegisterCancel, func(o *object) {
		o.node("data", func(o *object) { o.texts("psn_no", p.PsnNo, "mdtrt_id", mdtrt, "ipt_otp_no", number) })
	})
	return err
}
