package province

// Institution is a designated institution, in the terms of api.md.
type Institution struct {
	Code string // 12 characters: P or H, area, 5 digits
	Name string
	Type string // 1 medical institution, 2 retail pharmacy
	Lv   string // hosp_lv, empty for a pharmacy
	Area string // admdvs
}

// institutionRound is the least number of institutions that gives the areas 5 : 3 : 2 of both types.
const institutionRound = 2 * len(areaOfTenth)

// Institutions is the number of institutions: one for about 1,700 persons, half of them pharmacies, at least 20.
func (p *Province) Institutions() int {
	rounds := (p.persons/personsPerInstitution + institutionRound - 1) / institutionRound
	return max(rounds, 1) * institutionRound
}

// hospitalLevels: third class A, second class A, first class A, none (general knowledge; assumed 1 : 3 : 8 : 20).
var hospitalLevels = [...]string{"02", "05", "05", "05", "08", "08", "08", "08", "08", "08", "08", "08",
	"11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11", "11"}

// Institution computes institution k, 0 <= k < Institutions(). Even ones are pharmacies.
func (p *Province) Institution(k int) Institution {
	if k < 0 || k >= p.Institutions() {
		panic("province: no such institution")
	}
	area := areaOfTenth[k/2%len(areaOfTenth)]
	serial := appendPadded(nil, k+1, 5)
	x := Institution{Area: Areas[area]}
	if k%2 == 0 {
		x.Type, x.Name = "2", areaNames[area]+"示范大药房"+string(serial)+"店"
		x.Code = "P" + x.Area + string(serial)
		return x
	}
	x.Type, x.Name = "1", areaNames[area]+"示范医院"+string(serial)
	x.Code = "H" + x.Area + string(serial)
	x.Lv = hospitalLevels[below(draw(p.seed, streamHospitalLevel, uint64(k), 0), len(hospitalLevels))]
	return x
}

// pickInstitution draws a pharmacy or a hospital, mostly of the given area (index in Areas).
func (p *Province) pickInstitution(word uint64, pharmacy bool, area int) int {
	tenth := below(mix64(word), len(areaOfTenth))
	if happens(mix64(word+golden), localPPM) {
		lo := [...]int{0, 5, 8, 10}
		tenth = lo[area] + below(mix64(word), lo[area+1]-lo[area])
	}
	round := below(word, p.Institutions()/institutionRound)
	k := round*institutionRound + tenth*2
	if pharmacy {
		return k
	}
	return k + 1
}
