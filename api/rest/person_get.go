package rest

import (
	"errors"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/state"
)

// personBlobShape is what personIn.blob writes.
var (
	personBlobShape = strictjson.MustShape("psn_name certno phone?")
)

// privatePerson are the personal fields of a person as the record keeps them. Its slices belong to the record.
type privatePerson struct {
	psnNo, name, certno []byte
	certType            uint32
	sex                 uint8
	birth               int32
}

// errNoRecord says that a person of the ledger has no record, which is an accident.
var errNoRecord = errors.New("person without a record")

// record reads a person's record, which is there for every person of the ledger.
func (f *face) record(number uint32) (state.PersonRecord, error) {
	r, found, err := f.engine.Person(number)
	if err == nil && !found {
		err = errNoRecord
	}
	return r, err
}

// person reads a person's record and opens its personal fields.
func (f *face) person(number uint32) (privatePerson, error) {
	r, err := f.record(number)
	if err != nil {
		return privatePerson{}, err
	}
	p := privatePerson{psnNo: r.PsnNo, certType: r.CertType, sex: r.Sex, birth: r.Birth}
	if r.Cipher != 0 || len(r.Blob) == 0 { // sealed for somebody else, erased, or loaded by another way
		return p, nil
	}
	var d strictjson.Decoder
	d.Reset(r.Blob)
	for d.Object(personBlobShape); d.Next(); {
		switch d.Field() {
		case "psn_name":
			p.name = append([]byte(nil), d.String(nameMax, nameMax*bytesAChar)...)
		case "certno":
			p.certno = append([]byte(nil), d.Token(certnoMax)...)
		case "phone":
			d.Token(opterMax)
		}
	}
	return p, d.Done()
}

// append writes who a person is; the certificate number is masked in every answer.
func (p *privatePerson) append(a *strictjson.Appender) {
	var code [10]byte
	a.Bytes("psn_no", p.psnNo)
	a.Bytes("psn_cert_type", codeText(code[:0], p.certType))
	if p.certno != nil {
		a.String("certno", ids.Mask(p.certno))
		a.Bytes("psn_name", p.name)
	}
	a.String("gend", string('0'+rune(p.sex)))
	a.Date("brdy", dateOf(p.birth))
}

// getPerson is GET /v1/persons/{psn_no}: the person and the accounts with their balances.
func (f *face) getPerson(c *api.Call) {
	psnNo, ok := pathPerson(c)
	if !ok {
		c.Fail(notFound("psn_no"))
		return
	}
	var row ledger.Person
	var summary ledger.Summary
	var number uint32
	var found bool
	var family ledger.Family
	var in uint32 // number of the family + 1
	var cards []ledger.Credential
	var at engine.View
	if p := f.ask(func(v engine.View) {
		at.Sequence, at.TimeMS = v.Sequence, v.TimeMS
		if number, found = v.State.FindPerson(ledger.K(psnNo)); found {
			row = *v.State.Persons.At(number)
			summary = v.State.Summary(&row)
			for n := v.State.NewestCard(number); n != 0 && len(cards) < cardsShown; n = cards[len(cards)-1].Next {
				cards = append(cards, *v.State.Credentials.At(n - 1))
			}
			if in = v.State.FamilyOf(number); in != 0 {
				family = *v.State.Families.At(in - 1)
			}
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("psn_no"))
		return
	}
	person, err := f.person(number)
	history, err2 := f.engine.Enrolments(number)
	if err != nil || err2 != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	person.birth = summary.Birth // a correction is in the row
	a := &c.Out
	a.Begin()
	person.append(a)
	a.Bool("has_account", summary.HasAccount())
	a.Bool("evoucher_active", summary.Flags&ledger.EvoucherActive != 0)
	appendEnrolment(a, &summary, ledger.DayOf(at.TimeMS))
	appendHistory(a, history)
	a.ArrayKey("credentials")
	for i := range cards {
		a.Begin()
		a.String("type", "03")
		a.String("state", cardStates[cards[i].State-1])
		a.End()
	}
	a.EndArray()
	a.ArrayKey("accounts")
	if summary.HasAccount() {
		appendAccount(a, "personal", "", row.Balance, summary.Flags&ledger.AccountFrozen != 0)
	}
	if in != 0 {
		appendAccount(a, "family", idText(ids.Family, uint64(in-1)), family.Balance, family.Frozen != 0)
	}
	a.EndArray()
	a.Uint("sequence", at.Sequence)
	a.End()
	c.OK(200)
}

// cardsShown is how many of a person's newest cards are told; who has more loses them often.
const cardsShown = 16

func appendAccount(a *strictjson.Appender, kind, family string, balance int64, frozen bool) {
	a.Begin()
	a.String("kind", kind)
	if family != "" {
		a.String("family_id", family)
	}
	a.Amount("balc", balance)
	a.Bool("frozen", frozen)
	a.End()
}

// standingNames of R19, by ledger.Standing.
var standingNames = [...]string{"normal", "paused", "ended", "dead", "moved"}

// appendHistory writes all that was told of a person's enrolments, newest first (R19).
func appendHistory(a *strictjson.Appender, list []state.EnrolmentRecord) {
	a.ArrayKey("enrolments")
	for i := range list {
		a.Begin()
		appendTold(a, &list[i].Enrolment)
		a.Uint("sequence", list[i].At.Sequence())
		a.End()
	}
	a.EndArray()
}

// appendEnrolment writes the standing and the enrolment that counts now.
func appendEnrolment(a *strictjson.Appender, row *ledger.Summary, today int32) {
	a.String("standing", standingNames[row.StandingOn(today, false)])
	if row.HasAccount() {
		a.String("employee_standing", standingNames[row.StandingOn(today, true)])
	}
	if row.Died != 0 {
		a.Date("death_date", dateOf(row.Died))
	}
	if row.NormalType == 0 {
		return
	}
	var code [10]byte
	a.BeginKey("enrolment")
	a.Bytes("insutype", codeText(code[:0], uint32(row.NormalType)))
	a.Bytes("insuplc_admdvs", codeText(code[:0], row.Area))
	a.Date("normal_from", dateOf(row.NormalFrom))
	if row.NormalUntil < farDay {
		a.Date("normal_until", dateOf(row.NormalUntil))
	}
	a.Bool("normal", row.IsNormal(today))
	a.Bool("may_lend", row.MayLend(today))
	a.End()
}

// farDay is after every date that can be sent (year 2199) and before the ledger's open end.
const farDay = 100_000

// lookup is POST /v1/persons/lookup: whose certificate this is.
func (f *face) lookup(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var certType uint32
	var certno []byte
	for d.Object(lookupShape); d.Next(); {
		switch d.Field() {
		case "psn_cert_type":
			certType = typeCode(d, 2, 6)
		case "certno":
			certno = d.Token(certnoMax)
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		c.Fail(x.problem())
		return
	}
	w := f.take()
	defer f.give(w)
	canonical, ok := w.canonicalCertno(certType, certno)
	if !ok {
		if numberToldDefect {
			c.Fail(api.Problem{Code: api.CodeBadValue, Field: "certno", Detail: string(certno) + " is no certificate number"})
			return
		}
		c.Fail(badValue("certno").problem())
		return
	}
	key := f.pseudonym(certType, canonical)
	var number uint32
	var found bool
	if p := f.ask(func(v engine.View) { number, found = v.State.FindPseudonym(key) }); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("certno"))
		return
	}
	r, err := f.record(number)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	c.Out.Begin()
	c.Out.Bytes("psn_no", r.PsnNo)
	c.Out.End()
	c.OK(200)
}
