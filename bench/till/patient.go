package till

import (
	"context"
	"fmt"
)

// Credential is what a patient shows: an e-voucher token (01), an identity card (02), or a social-security card with its recognition code (03).
type Credential struct{ Type, Number, SN string }

// Patient is a person as 1101 told it.
type Patient struct {
	Credential
	PsnNo, CertType, Certno, Name string
	PsnType, Insutype, Home       string // of the enrolment used
	Balance                       Fen    // of the own account, before
}

// Identify is 1101. The enrolment used is the first normal one (status 1), or else the first.
func (t *Till) Identify(ctx context.Context, c Credential) (*Patient, error) {
	t.home = ""
	certno := c.Number
	if c.Type != "02" {
		certno = ""
	}
	r, err := t.ask(ctx, infPerson, func(o *object) {
		o.node("data", func(o *object) {
			o.texts("mdtrt_cert_type", c.Type, "mdtrt_cert_no", c.Number, "card_sn", c.SN, "begntime", "", "psn_cert_type", "01", "certno", certno, "psn_name", "")
		})
	})
	if err != nil {
		return nil, err
	}
	base := r.Output.Child("baseinfo")
	p := &Patient{Credential: c, PsnNo: base.Text("psn_no"), CertType: base.Text("psn_cert_type"), Certno: base.Text("certno"), Name: base.Text("psn_name")}
	enrolments := r.Output.Rows("insuinfo")
	if p.PsnNo == "" || len(enrolments) == 0 {
		return nil, fmt.Errorf("%w: 1101 tells no psn_no or no enrolment", ErrUnresolved)
	}
	use := enrolments[0]
	for _, e := range enrolments {
		if e.Text("psn_insu_stas") == "1" {
			use = e
			break
		}
	}
	p.PsnType, p.Insutype, p.Home = use.Text("psn_type"), use.Text("insutype"), use.Text("insuplc_admdvs")
	for _, e := range enrolments {
		if f, err := e.Fen("balc"); err == nil {
			p.Balance += f
		}
	}
	t.home = p.Home
	t.say("  %s, psn_no %s, insutype %s, psn_type %s, insuplc_admdvs %s, balc %s", p.Name, p.PsnNo, p.Insutype, p.PsnType, p.Home, p.Balance)
	return p, nil
}

// CheckBenefit is 2001: whether anything can be paid for the patient. What it says is told, not obeyed: the settlement decides.
func (t *Till) CheckBenefit(ctx context.Context, p *Patient, medType string) error {
	r, err := t.ask(ctx, infBenefit, func(o *object) {
		o.node("data", func(o *object) {
			o.texts("psn_no", p.PsnNo, "insutype", p.Insutype, "fixmedins_code", t.Code, "med_type", medType, "begntime", t.stamp(), "endtime", "",
				"dise_codg", "", "dise_name", "", "oprn_oprt_code", "", "oprn_oprt_name", "", "matn_type", "", "birctrl_type", "")
		})
	})
	if err != nil {
		return err
	}
	for _, b := range r.Output.Rows("trtinfo") {
		t.say("  fund_pay_type %s trt_enjymnt_flag %s %s", b.Text("fund_pay_type"), b.Text("trt_enjymnt_flag"), b.Text("trt_chk_rslt"))
	}
	return nil
}

// stamp is the time as messages carry it.
func (t *Till) stamp() string { return t.time().Format("2006-01-02 15:04:05") }

// person writes the fields by which all settlements name the patient.
func (p *Patient) person(o *object) {
	o.texts("psn_no", p.PsnNo, "mdtrt_cert_type", p.Type, "mdtrt_cert_no", p.Number, "card_sn", p.SN, "psn_cert_type", p.CertType, "certno", p.Certno,
		"psn_type", p.PsnType, "psn_name", p.Name)
}
