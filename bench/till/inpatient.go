package till

import (
	"context"
	"errors"
	"fmt"
)

// The diagnosis of the demonstration's stay.
const stayCode, stayName = "K35.800", "急性阑尾炎"

// inpatient plays a stay: 1101, 2401, 2301, 2303, 2402, 2304, and 2305, 2405, 2302, 2404 if the patient declines. 2303 and 2304 carry no number of a
// credential: the admission's counts (R27).
func (t *Till) inpatient(ctx context.Context, play *Play, d *Dialogue) (*Visit, error) {
	v := &Visit{Items: d.Items}
	var err error
	if v.Patient, err = t.Identify(ctx, d.Credential); err != nil {
		return v, err
	}
	p := v.Patient
	mdtrt, err := t.admit(ctx, p, t.ownNumber("ZY"))
	if err != nil {
		return v, err
	}
	discharged := false
	err = t.chargeStay(ctx, play, d, v, mdtrt, &discharged)
	if v.Cancelled || errors.Is(err, ErrRefused) { // a refused stay is not left lying about either
		err = errors.Join(err, t.unadmit(ctx, p, mdtrt, discharged))
	}
	return v, err
}

// chargeStay is a stay from its lines to its settlement.
func (t *Till) chargeStay(ctx context.Context, play *Play, d *Dialogue, v *Visit, mdtrt string, discharged *bool) error {
	p := v.Patient
	if _, err := t.ask(ctx, infStayLines, func(o *object) {
		o.rows("feedetail", len(d.Items), func(i int, o *object) { t.wardLine(o, i, &d.Items[i], p, mdtrt) })
	}); err != nil {
		return err
	}
	bill := func(o *object) {
		o.texts("psn_no", p.PsnNo, "mdtrt_cert_type", p.Type, "mdtrt_cert_no", "", "card_sn", "", "psn_cert_type", p.CertType, "certno", p.Certno,
			"psn_type", p.PsnType, "psn_name", p.Name)
		o.money("medfee_sumamt", Total(d.Items))
		o.texts("psn_setlway", "01", "mdtrt_id", mdtrt, "acct_used_flag", "1", "insutype", p.Insutype, "mid_setl_flag", "0", "dscgTime", t.stamp()[:len("2006-01-02")],
			"insuplc_admdvs", p.Home, "mdtrtarea_admvs", t.Area)
	}
	between := *d
	between.Meanwhile = func() error {
		if d.Meanwhile != nil {
			if err := d.Meanwhile(); err != nil {
				return err
			}
		}
		err := t.discharge(ctx, p, mdtrt)
		*discharged = err == nil
		return err
	}
	return t.preview(ctx, play, &between, v, func(o *object) { o.node("data", bill) }, func(before *Settled) func(*object) {
		return func(o *object) {
			o.node("data", func(o *object) {
				bill(o)
				before.parts(o)
				o.text("invono", t.invoice())
			})
		}
	})
}

// admit is 2401. It can be reversed, so it goes the way of a trade.
func (t *Till) admit(ctx context.Context, p *Patient, number string) (mdtrt string, err error) {
	e := Entry{Infno: infAdmit, PsnNo: p.PsnNo, Insutype: p.Insutype}
	_, _, err = t.trade(ctx, e, func(o *object) {
		o.node("mdtrtinfo", func(o *object) {
			o.texts("psn_no", p.PsnNo, "insutype", p.Insutype, "coner_name", "", "tel", "", "begntime", t.stamp(), "mdtrt_cert_type", p.Type, "mdtrt_cert_no", p.Number,
				"card_sn", p.SN, "cert_type", p.CertType, "certno", p.Certno, "med_type", medStay, "ipt_no", number, "medrcdno", "", "atddr_no", doctorNo,
				"chfpdr_name", doctorName, "adm_diag_dscr", stayName, "adm_dept_codg", wardNo, "adm_dept_name", wardName, "adm_bed", "12",
				"dscg_maindiag_code", stayCode, "dscg_maindiag_name", stayName, "main_cond_dscr", "", "dise_codg", "", "dise_name", "",
				"insuplc_admdvs", p.Home, "mdtrtarea_admvs", t.Area)
		})
		o.rows("diseinfo", 1, func(_ int, o *object) { t.stayDiagnosis(o, p, "") })
	}, func(r *Reply, e *Entry) error {
		if mdtrt = r.Output.Child("result").Text("mdtrt_id"); mdtrt == "" {
			return fmt.Errorf("%w: 2401 tells no mdtrt_id", ErrUnresolved)
		}
		e.MdtrtID = mdtrt
		return nil
	})
	return mdtrt, err
}

func (t *Till) stayDiagnosis(o *object, p *Patient, mdtrt string) {
	if mdtrt != "" {
		o.text("mdtrt_id", mdtrt)
	}
	o.texts("psn_no", p.PsnNo, "diag_type", "1", "maindiag_flag", "1")
	o.count("diag_srt_no", 1)
	o.texts("diag_code", stayCode, "diag_name", stayName, "diag_dept", wardName, "dise_dor_no", doctorNo, "dise_dor_name", doctorName, "diag_time", t.stamp())
}

// wardLine writes a line of 2301.
func (t *Till) wardLine(o *object, i int, item *Item, p *Patient, mdtrt string) {
	o.count("feedetl_sn", i+1)
	returned := ""
	if item.Returns > 0 {
		returned = fmt.Sprint(item.Returns)
	}
	o.texts("init_feedetl_sn", returned, "mdtrt_id", mdtrt, "drord_no", "", "psn_no", p.PsnNo, "med_type", medStay)
	t.line(o, i, item)
	o.texts("bilg_dept_codg", wardNo, "bilg_dept_name", wardName, "bilg_dr_codg", doctorNo, "bilg_dr_name", doctorName, "hosp_appr_flag", "1")
}

// discharge is 2402.
func (t *Till) discharge(ctx context.Context, p *Patient, mdtrt string) error {
	_, err := t.ask(ctx, infDischarge, func(o *object) {
		o.node("dscginfo", func(o *object) {
			o.texts("mdtrt_id", mdtrt, "psn_no", p.PsnNo, "insutype", p.Insutype, "endtime", t.stamp(), "dise_codg", "", "dise_name", "",
				"dscg_dept_codg", wardNo, "dscg_dept_name", wardName, "dscg_bed", "12", "dscg_way", "1", "die_date", "")
		})
		o.rows("diseinfo", 1, func(_ int, o *object) { t.stayDiagnosis(o, p, mdtrt) })
	})
	return err
}

// unadmit takes everything back after a cancel: 2405, 2302, 2404.
func (t *Till) unadmit(ctx context.Context, p *Patient, mdtrt string, discharged bool) error {
	one := func(o *object) { o.texts("mdtrt_id", mdtrt, "psn_no", p.PsnNo) }
	if discharged {
		if _, err := t.ask(ctx, infDischargeCancel, func(o *object) { o.node("data", one) }); err != nil {
			return err
		}
	}
	if _, err := t.ask(ctx, infStayLinesCancel, func(o *object) {
		o.rows("data", 1, func(_ int, o *object) {
			o.text("feedetl_sn", "0000")
			one(o)
		})
	}); err != nil {
		return err
	}
	_, err := t.ask(ctx, infAdmitCancel, func(o *object) { o.node("data", one) })
	return err
}
