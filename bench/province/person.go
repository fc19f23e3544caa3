package province

// Category is a person's insurance.
type Category uint8

// The four categories. Employees and retired have a personal account; flexible employees (in the employee
// insurance) and residents have none.
const (
	Resident Category = iota
	Active
	Retired
	Flexible
)

// HasAccount tells whether the category comes with a personal account here.
func (c Category) HasAccount() bool { return c == Active || c == Retired }

// Insutype is the insurance type: 310 employee basic, 390 resident basic.
func (c Category) Insutype() string {
	if c == Resident {
		return "390"
	}
	return "310"
}

// Enrolment is one enrolment, in the terms of api.md.
type Enrolment struct {
	Insutype, PsnType, FlxempeFlag, PsnInsuStas, InsuplcAdmdvs, Begndate string
}

// Person is one insured person, in the terms of api.md.
type Person struct {
	Index, Family          int
	PsnNo, Certno, Name    string
	Gend                   string // 1 male, 2 female
	BirthDay               int    // days since 1970-01-01
	Category               Category
	EvoucherActive         bool
	Enrolment              Enrolment
	OpeningFen, MonthlyFen int64 // 0 without an account
}

// Brdy is the birth date as 2006-01-02.
func (x *Person) Brdy() string { return string(appendDate(nil, x.BirthDay)) }

// Person computes person i, 0 <= i < Persons().
func (p *Province) Person(i int) Person {
	p.mustHave(i)
	s, block := p.seat(i)
	family := block*blockFamilies + s.family
	birth := p.birthDay(i, p.ages(family)[s.place])
	category := p.category(s, block)
	x := Person{
		Index: i, Family: family, PsnNo: p.PsnNo(i), Name: p.name(i, s, family), Gend: "2",
		BirthDay: birth, Category: category,
		EvoucherActive: p.hasVoucher(i),
		OpeningFen:     p.OpeningFen(i), MonthlyFen: p.MonthlyFen(i),
	}
	male := p.male(s, family)
	if male {
		x.Gend = "1"
	}
	x.Certno = p.certno(i, family, birth, male)
	x.Enrolment = Enrolment{
		Insutype: category.Insutype(), PsnType: psnType(category, s.group, birth), FlxempeFlag: "0", PsnInsuStas: "1",
		InsuplcAdmdvs: Areas[p.areaOf(i, s, family)], Begndate: string(appendDate(nil, p.enrolledDay(i, s.group, birth))),
	}
	if category == Flexible {
		x.Enrolment.FlxempeFlag = "1"
	}
	if p.paused(i) {
		x.Enrolment.PsnInsuStas = "2"
	}
	return x
}

func (p *Province) mustHave(i int) {
	if i < 0 || i >= p.persons {
		panic("province: no such person")
	}
}

// shareUnit is the resolution of the shares: thresholds are in 1/2^24.
const shareUnit = 1 << 24

// Thresholds of the categories inside their age group: all retired are seniors, all active and flexible
// employees are of working age.
const (
	retiredShare  = retiredHundreds * blockPersons * shareUnit / (insuredHundreds * blockSeniors)
	activeShare   = activeHundreds * blockPersons * shareUnit / (insuredHundreds * blockWorkers)
	flexibleShare = flexibleHundreds * blockPersons * shareUnit / (insuredHundreds * blockWorkers)
)

// CategoryOf is the category of person i; cheaper than Person.
func (p *Province) CategoryOf(i int) Category {
	s, block := p.seat(i)
	return p.category(s, block)
}

func (p *Province) category(s seat, block int) Category {
	switch s.group {
	case senior:
		if p.stratified(senior, block*blockSeniors+s.ordinal) < retiredShare {
			return Retired
		}
	case worker:
		u := p.stratified(worker, block*blockWorkers+s.ordinal)
		if u < activeShare {
			return Active
		}
		if u < activeShare+flexibleShare {
			return Flexible
		}
	}
	return Resident
}

// strata is how many consecutive persons of an age group share one even spread, so that the shares come out
// closer than chance would: within a stratum each 1/256 is hit exactly once.
const strata = 256

func (p *Province) stratified(g group, ordinal int) uint64 {
	key := draw(p.seed, streamCategory, uint64(g), uint64(ordinal/strata))
	x := uint64(ordinal % strata)
	for range 3 { // a bijection of 8 bits: odd factor, addition, shift-xor
		x = (x*(key|1) + key>>8) & (strata - 1)
		x ^= x >> 4
		key = key>>16 | key<<48
	}
	jitter := draw(p.seed, streamCategory, uint64(g)+8, uint64(ordinal)) >> 48 // 16 bits
	return x<<16 | jitter
}

func (p *Province) paused(i int) bool {
	return happens(draw(p.seed, streamStatus, uint64(i), 0), pausedPPM)
}

func (p *Province) male(s seat, family int) bool {
	first := uint64(s.place)
	switch s.kind {
	case anchor, spouse:
		first = 0
	case parent:
		first = familyMax // one draw for the couple; the second parent is told by his place
	}
	male := draw(p.seed, streamGender, uint64(family), first)>>63 == 1
	if s.kind == spouse || (s.kind == parent && p.secondParent(s, family)) {
		return !male
	}
	return male
}

func (p *Province) secondParent(s seat, family int) bool {
	slots := blockTemplates[p.variant(family/blockFamilies)][family%blockFamilies].slots
	return s.place > 0 && slots[s.place-1].kind == parent
}

// areaOf is the index in Areas: the family's, but for some of the working, who are insured where they work.
func (p *Province) areaOf(i int, s seat, family int) int {
	if s.group == worker && happens(draw(p.seed, streamPersonArea, uint64(i), 0), otherAreaPPM) {
		return areaOfTenth[below(draw(p.seed, streamPersonArea, uint64(i), 1), 10)]
	}
	return p.familyArea(family)
}

// psnType is the person category code: 11 employed, 12 retired, 14xx minors (newborn, before school, school),
// 15 and 16 residents of working age and above. 1402 and 1403 and the sense of 15 and 16 are general knowledge.
func psnType(c Category, g group, birth int) string {
	switch {
	case c == Retired:
		return "12"
	case c != Resident:
		return "11"
	case g == senior:
		return "16"
	case g == worker:
		return "15"
	case RefDay-birth < yearDays:
		return "1401"
	case RefDay-birth < 6*yearDays:
		return "1402"
	}
	return "1403"
}

// firstEnrolment is 2001-01-01, days since 1970-01-01: the employee insurance had reached most places by then (assumed).
const firstEnrolment = 11_323

func (p *Province) enrolledDay(i int, g group, birth int) int {
	lo := max(firstEnrolment, birth)
	if g != minor {
		lo = max(lo, birth+18*yearDays)
	}
	return lo + below(draw(p.seed, streamEnrolment, uint64(i), 0), RefDay-lo)
}

// OpeningFen is the opening balance of person i in fen, 0 without an account. About 5 % of the accounts are empty.
func (p *Province) OpeningFen(i int) int64 {
	if !p.CategoryOf(i).HasAccount() || happens(draw(p.seed, streamOpeningZero, uint64(i), 0), emptyAccountPPM) {
		return 0
	}
	return skewBalance.amount(draw(p.seed, streamOpening, uint64(i), 0), MeanOpeningFen*million/(million-emptyAccountPPM))
}

// MonthlyFen is the monthly credit of person i in fen: 0 without an account, 65.40 yuan for every retired person.
func (p *Province) MonthlyFen(i int) int64 {
	switch p.CategoryOf(i) {
	case Retired:
		return RetiredMonthlyFen
	case Active:
		return skewBill.amount(draw(p.seed, streamMonthly, uint64(i), 0), MeanActiveMonthlyFen)
	}
	return 0
}

func (p *Province) hasVoucher(i int) bool {
	return happens(draw(p.seed, streamVoucher, uint64(i), 0), voucherPPM)
}

// Standing tells whether person i is enrolled with normal status and whether the e-voucher is activated; cheaper than Person.
func (p *Province) Standing(i int) (normal, voucher bool) { return !p.paused(i), p.hasVoucher(i) }

// AreaOf is the index in Areas of where person i is insured; cheaper than Person.
func (p *Province) AreaOf(i int) int {
	s, block := p.seat(i)
	return p.areaOf(i, s, block*blockFamilies+s.family)
}
