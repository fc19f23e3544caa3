package province

import "iter"

// Settlement is one bill at a till, amounts in fen. By R1 (decisions.md)
// Medfee = Fulamt + Overlmt + Preself + Inscp = FundPay + PsnPart + HospPart.
type Settlement struct {
	Index                int // in the day
	Patient, Institution int
	Msgid                string // 30 characters or fewer, unique over days with different seeds
	MedType, Insutype    string
	Medfee               int64
	FundPay              int64
	PsnPart              int64
	HospPart             int64
	Preself              int64
	Inscp                int64
	Overlmt              int64
	Fulamt               int64
	// Payable is what accounts may pay when the profile names the in-scope and the first-borne part, as `hubei` does.
	Payable int64
	// NeedsAuthorizers: at opening balances, Payable is more than the patient's own account holds, and somebody shares with him.
	NeedsAuthorizers bool
}

// A Day is the day's bills as a rule: bill n is computed when asked. Any goroutine may use it.
type Day struct {
	p      *Province
	seed   uint64
	count  int
	aidPPM int
}

// Day gives a day's workload with the published number of uses for the province's size and the published share of uses
// with mutual aid. Days with different seeds have different bills and message ids.
func (p *Province) Day(seed uint64) *Day {
	const usesPerYear = (employeeUses + residentUses) * million
	count := p.persons * (usesPerYear / 365) / (insuredHundreds * 100)
	return &Day{p: p, seed: mix64(p.seed) ^ seed*golden, count: max(count, 1), aidPPM: DefaultAidPPM}
}

// WithCount is the same day with another number of bills.
func (d *Day) WithCount(n int) *Day {
	c := *d
	c.count = n
	return &c
}

// WithAidPPM is the same day with another share of bills that need authorizers, in parts per million.
func (d *Day) WithAidPPM(ppm int) *Day {
	c := *d
	c.aidPPM = ppm
	return &c
}

// Len is the number of bills.
func (d *Day) Len() int { return d.count }

// All yields the bills in order.
func (d *Day) All() iter.Seq[Settlement] {
	return func(yield func(Settlement) bool) {
		for n := range d.count {
			if !yield(d.At(n)) {
				return
			}
		}
	}
}

// A care is the kind of place and visit.
type care uint8

const (
	outpatient care = iota
	pharmacy
	inpatient
)

// At computes bill n, 0 <= n < Len().
func (d *Day) At(n int) Settlement {
	word := func(stream uint64) uint64 { return draw(d.seed, stream, uint64(n), 0) }
	aid := happens(word(streamBillKind), d.aidPPM)
	s := Settlement{Index: n, Msgid: d.msgid(n)}
	switch {
	case aid:
		s.Payable = skewBill.amount(word(streamBillPayable), MeanAidFen)
	case !happens(mix64(word(streamBillKind)), zeroPayablePPM):
		s.Payable = skewBill.amount(word(streamBillPayable), MeanPayableFen*million/(million-zeroPayablePPM))
	}
	s.Patient, s.NeedsAuthorizers = d.patient(n, aid, s.Payable)
	seat, block := d.p.seat(s.Patient)
	category := d.p.category(seat, block)
	place := drawCare(word(streamBillPlace), s.NeedsAuthorizers, category != Resident)
	s.Insutype = category.Insutype()
	s.MedType = [...]string{outpatient: "11", pharmacy: "41", inpatient: "2101"}[place]
	area := d.p.areaOf(s.Patient, seat, block*blockFamilies+seat.family)
	s.Institution = d.p.pickInstitution(word(streamBillInstitution), place == pharmacy, area)
	s.fillParts(word(streamBillParts), place)
	return s
}

// patientTries bounds the search. In a province of some thousands one person in ten can need authorizers, so 512 tries
// miss with probability 10^-23; where nobody fits (a province of a few persons) the last candidate is taken.
const patientTries = 512

// patient finds one who needs authorizers for this payable, or one who does not and has the drawn insurance. The
// second result is the truth about the person found.
func (d *Day) patient(n int, aid bool, payable int64) (int, bool) {
	word := draw(d.seed, streamBillPatient, uint64(n), 0)
	employee := below(mix64(word+golden), employeeUses+residentUses) < employeeUses
	last := 0
	for range patientTries {
		word = mix64(word + golden)
		candidate := below(word, d.p.persons)
		if d.p.paused(candidate) {
			continue
		}
		last = candidate
		if !aid && (d.p.CategoryOf(candidate) != Resident) != employee {
			continue
		}
		if d.p.needsAuthorizers(candidate, payable) == aid {
			return candidate, aid
		}
	}
	return last, d.p.needsAuthorizers(last, payable)
}

func (p *Province) needsAuthorizers(i int, payable int64) bool {
	return p.OpeningFen(i) < payable && p.Authorizers(i) > 0
}

func drawCare(word uint64, aid, employee bool) care {
	ppm := func(part, whole int) int { return part * million / whole }
	pharmacyPPM, inpatientPPM := ppm(residentPharmacyUses, residentUses), ppm(residentInpatientUses, residentUses)
	if employee {
		pharmacyPPM, inpatientPPM = ppm(employeePharmacyUses, employeeUses), ppm(employeeInpatientUses, employeeUses)
	}
	if aid {
		pharmacyPPM = ppm(aidPharmacyYuan, aidPharmacyYuan+aidInstitutionYuan)
	}
	switch u := below(word, million); {
	case u < pharmacyPPM:
		return pharmacy
	case u < pharmacyPPM+inpatientPPM:
		return inpatient
	}
	return outpatient
}

// fillParts builds the bill around its payable part, so that every equation of R1 holds by construction: the payable is
// the first-borne part and what the fund leaves of the in-scope part; the rest is added on top.
func (s *Settlement) fillParts(word uint64, place care) {
	chance := func(ppm int) bool { word = mix64(word + golden); return happens(word, ppm) }
	percent := func(of int64, lo, hi int) int64 {
		word = mix64(word + golden)
		return of * int64(lo+below(word, hi-lo)) / 100
	}
	fundLo, fundHi := 40, 75 // the fund's share of the in-scope part in percent (assumed)
	switch place {
	case pharmacy:
		if !chance(pharmacyPooledPPM) {
			fundLo, fundHi = 0, 1
		}
	case inpatient:
		fundLo, fundHi = 65, 91
	}
	if place != pharmacy && chance(firstBornePPM) {
		s.Preself = percent(s.Payable, 1, 31)
	}
	left := s.Payable - s.Preself // of the in-scope part, after the fund
	rate := percent(100, fundLo, fundHi)
	s.FundPay = left * rate / (100 - rate)
	s.Inscp = left + s.FundPay
	if chance(overLimitPPM) {
		s.Overlmt = percent(s.Payable, 1, 11)
		if place != pharmacy && chance(hospitalBearsPPM) {
			s.HospPart = percent(s.Overlmt, 10, 101)
		}
	}
	if chance(ownPayPPM) || s.Payable == 0 { // a bill of 0 would be refused (R2)
		s.Fulamt = max(percent(max(s.Payable, MeanPayableFen/2), 1, 61), 1)
	}
	s.Medfee = s.Fulamt + s.Overlmt + s.Preself + s.Inscp
	s.PsnPart = s.Medfee - s.FundPay - s.HospPart
}

// msgid is S, 16 hexadecimal digits of the day and 12 digits of the bill: 29 characters.
func (d *Day) msgid(n int) string {
	buf := make([]byte, 0, 29)
	buf = append(buf, 'S')
	tag := draw(d.seed, streamDayTag, 0, 0)
	for shift := 60; shift >= 0; shift -= 4 {
		buf = append(buf, "0123456789abcdef"[tag>>shift&15])
	}
	return string(appendPadded(buf, n, 12))
}
