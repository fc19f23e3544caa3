package province

import "fmt"

// MaxPersons is how many persons have distinct identity numbers: 500,000 classes times 256 dates (identity.go).
const MaxPersons = identityClasses * dateSlots

// RefDay is the day on which ages and statuses hold, as days since 1970-01-01: 2025-01-01.
const RefDay = 20_089

// A Province is a rule, not a table: everything in it is computed from (seed, index) when asked, so a province of
// 100 million persons costs no memory. It never changes: any goroutine may use it.
type Province struct {
	seed    uint64
	persons int
}

// New makes a province of 1 to MaxPersons persons; another number is a programming error and panics.
func New(seed uint64, persons int) *Province {
	if persons < 1 || persons > MaxPersons {
		panic(fmt.Sprintf("province: %d persons, must be 1 to %d", persons, MaxPersons))
	}
	return &Province{seed: seed, persons: persons}
}

// Persons is the number of persons; they are numbered from 0.
func (p *Province) Persons() int { return p.persons }

// Areas are the three pooling areas (admdvs), fictitious: no Chinese area code begins with 99.
var Areas = [3]string{"991000", "992000", "993000"}

var areaNames = [3]string{"东江", "西岭", "南浦"}

// areaOfTenth deals areas to tenths of the families and institutions: 5, 3, 2 (assumed).
var areaOfTenth = [10]int{0, 0, 0, 0, 0, 1, 1, 1, 2, 2}

func (p *Province) familyArea(family int) int {
	return areaOfTenth[below(draw(p.seed, streamFamilyArea, uint64(family), 0), 10)]
}
