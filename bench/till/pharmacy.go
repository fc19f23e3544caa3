package till

import (
	"context"
	"fmt"
	"slices"
)

// Dialogue is one visit of a patient as it is played.
type Dialogue struct {
	Credential Credential
	Items      []Item
	// Decline makes the patient decline after the settlement, whatever it says. Ask, if set, is asked when the settlement differs from its
	// pre-settlement; nil accepts.
	Decline bool
	Ask     func([]Difference) (accept bool)
	// Meanwhile, if set, happens between pre-settlement and settlement; its error ends the visit there.
	Meanwhile func() error
	Twice     bool // the settlement is sent a second time, as a clerk does who presses the key again
}

// Visit is what came of a dialogue.
type Visit struct {
	Patient     *Patient
	Items       []Item
	Before, Now *Settled
	Differences []Difference
	Wrong       []string // equations that an answer breaks
	Cancelled   bool
	entry       Entry // of the settlement
}

// Play is one of the three dialogues: its messages, and how it is played.
type Play struct {
	Name                            string
	Messages                        []string // each once, those of a declined visit last
	trial, settle, cancel, med, clr string
	visit                           func(t *Till, ctx context.Context, p *Play, d *Dialogue) (*Visit, error)
	items                           func() []Item
}

// Kinds of care (med_type).
const (
	medPurchase = "41"
	medClinic   = "11"
	medStay     = "2101"
)

// The dialogues.
var (
	Pharmacy = Play{Name: "pharmacy", trial: infPurchasePreview, settle: infPurchase, cancel: infPurchaseCancel, med: medPurchase, clr: clrPharmacy,
		visit: (*Till).purchase, items: DemoPurchase, Messages: []string{infPerson, infBenefit, infPurchasePreview, infPurchase, infPurchaseCancel}}
	Clinic = Play{Name: "outpatient", trial: infOutpatientTrial, settle: infOutpatientSettle, cancel: infOutpatientCancel, med: medClinic, clr: clrOutpatient,
		visit: (*Till).outpatient, items: DemoClinic, Messages: []string{infPerson, infRegister, infDiagnosis, infLines, infOutpatientTrial, infOutpatientSettle,
			infOutpatientCancel, infLinesCancel, infRegisterCancel}}
	Ward = Play{Name: "inpatient", trial: infStayTrial, settle: infStaySettle, cancel: infStayCancel, med: medStay, clr: clrStay,
		visit: (*Till).inpatient, items: DemoWard, Messages: []string{infPerson, infAdmit, infStayLines, infStayTrial, infDischarge, infStaySettle,
			infStayCancel, infDischargeCancel, infStayLinesCancel, infAdmitCancel}}
)

// Play plays a dialogue; without items, with the demonstration's.
func (t *Till) Play(ctx context.Context, p *Play, d *Dialogue) (*Visit, error) {
	if d.Items == nil {
		own := *d
		own.Items = p.items()
		d = &own
	}
	return p.visit(t, ctx, p, d)
}

// purchase plays a pharmacy: 1101, 2001, 2101, 2102, and 2103 if the patient declines.
func (t *Till) purchase(ctx context.Context, p *Play, d *Dialogue) (*Visit, error) {
	v := &Visit{Items: d.Items}
	var err error
	if v.Patient, err = t.Identify(ctx, d.Credential); err != nil {
		return v, err
	}
	if err := t.CheckBenefit(ctx, v.Patient, p.med); err != nil {
		return v, err
	}
	in := func(invono string) func(*object) {
		return func(o *object) {
			o.node("druginfo", func(o *object) {
				v.Patient.person(o)
				o.text("begntime", t.stamp())
				o.money("medfee_sumamt", Total(d.Items))
				o.texts("insutype", v.Patient.Insutype, "dise_codg", "", "dise_name", "", "acct_used_flag", "1", "med_type", p.med)
				if invono != "" {
					o.text("invono", invono)
				}
			})
			o.rows("drugdetail", len(d.Items), func(i int, o *object) { t.drug(o, i, &d.Items[i]) })
		}
	}
	return v, t.preview(ctx, p, d, v, in(""), func(*Settled) func(*object) { return in(t.invoice()) })
}

// drug writes a line of a purchase.
func (t *Till) drug(o *object, i int, item *Item) {
	o.count("feedetl_sn", i+1)
	o.texts("rxno", "", "rx_circ_flag", "0", "fee_ocur_time", t.stamp(), "med_list_codg", item.Code, "medins_list_codg", fmt.Sprintf("L%04d", i+1))
	o.money("det_item_fee_sumamt", item.Amount())
	o.number("cnt", decimal(item.Count, 4))
	o.number("pric", decimal(item.Price, 6))
	o.texts("sin_dos_dscr", "", "used_frqu_dscr", "", "medc_way_dscr", "", "bilg_dr_codg", "", "bilg_dr_name", "")
}

// preview pre-settles, settles, compares, and cancels when the patient declines. settle makes the settlement's input of the pre-settlement.
func (t *Till) preview(ctx context.Context, k *Play, d *Dialogue, v *Visit, trial func(*object), settle func(*Settled) func(*object)) error {
	r, err := t.ask(ctx, k.trial, trial)
	if err != nil {
		return err
	}
	if v.Before, err = readSettled(r.Output, true); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnresolved, k.trial, err)
	}
	v.wrong(k.trial, v.Before)
	if d.Meanwhile != nil {
		if err := d.Meanwhile(); err != nil {
			return err
		}
	}
	in := settle(v.Before)
	e := Entry{Infno: k.settle, PsnNo: v.Patient.PsnNo, Insutype: v.Patient.Insutype, ClrType: k.clr, Optins: v.Patient.Home}
	if e.Optins == "" {
		e.Optins = t.Area
	}
	took := func(r *Reply, e *Entry) (err error) {
		if v.Now, err = readSettled(r.Output, false); err == nil {
			v.Now.into(e)
		}
		return err
	}
	if _, v.entry, err = t.trade(ctx, e, in, took); err != nil {
		return err
	}
	v.wrong(k.settle, v.Now)
	if d.Twice {
		t.again(ctx, v)
	}
	return t.decide(ctx, d, v, k)
}

func (v *Visit) wrong(infno string, s *Settled) {
	for _, w := range s.Check() {
		v.Wrong = append(v.Wrong, infno+": "+w)
	}
}

// again sends the settlement's very message once more: the answer must be the first one, and nothing is paid twice (R10).
func (t *Till) again(ctx context.Context, v *Visit) {
	r := t.exchange(ctx, t.last)
	if r.Result == Unknown {
		return // nothing is at stake: the first answer is here
	}
	if r.Result == Refused {
		v.Wrong = append(v.Wrong, "the same message again is refused: "+r.Text)
		return
	}
	s, err := readSettled(r.Output, false)
	if err != nil {
		v.Wrong = append(v.Wrong, "the same message again: "+err.Error())
		return
	}
	if s.SetlID != v.Now.SetlID || len(Compare(v.Now, s)) > 0 {
		v.Wrong = append(v.Wrong, fmt.Sprintf("the same message again has another answer: setl_id %s, then %s", v.Now.SetlID, s.SetlID))
	}
}

// decide shows a difference and cancels if the patient declines (R4).
func (t *Till) decide(ctx context.Context, d *Dialogue, v *Visit, k *Play) error {
	v.Differences = Compare(v.Before, v.Now)
	accept := !d.Decline
	if len(v.Differences) > 0 {
		t.say("  the settlement is not what was pre-settled:\n%s", describe(v.Differences))
		if accept && d.Ask != nil {
			accept = d.Ask(v.Differences)
		}
	}
	if accept {
		return nil
	}
	t.say("  the patient declines: cancelled")
	return t.cancel(ctx, v, k)
}

// cancel is 2103, 2208 or 2305: the whole settlement back.
func (t *Till) cancel(ctx context.Context, v *Visit, k *Play) error {
	e := v.entry
	e.Infno = k.cancel
	took := func(r *Reply, e *Entry) error {
		s, err := readSettled(r.Output, false)
		if err != nil {
			return err
		}
		for _, name := range []string{"medfee_sumamt", "fund_pay_sumamt", "acct_pay", "acct_mulaid_pay"} {
			if s.Amounts[name] != v.Now.Amounts[name] { // R14: positive, the settlement's own
				v.Wrong = append(v.Wrong, fmt.Sprintf("%s: %s is %s, settled was %s", k.cancel, name, s.Amounts[name], v.Now.Amounts[name]))
			}
		}
		if s.Time != "" {
			e.Day = firstN(s.Time, len("2006-01-02"))
		}
		return nil
	}
	_, _, err := t.trade(ctx, e, func(o *object) {
		o.node("data", func(o *object) {
			o.texts("setl_id", v.entry.SetlID, "mdtrt_id", v.entry.MdtrtID, "psn_no", v.Patient.PsnNo)
		})
	}, took)
	v.Cancelled = err == nil
	return err
}

// Settles is the transaction that settles in this dialogue.
func (p *Play) Settles() string { return p.settle }

// Has tells whether the dialogue can send a transaction; every dialogue can be signed in, reversed, asked about and reconciled.
func (p *Play) Has(infno string) bool {
	return slices.Contains(p.Messages, infno) || slices.Contains([]string{infReverse, infQuery, infTotals, infDetails, infUpload, infDownload}, infno)
}
