package province

// Families are made of blocks, so that person i, family f and everything about them are found in O(1).
// Each block holds the same number of persons, families and age groups; only the arrangement differs.
const (
	blockPersons  = 24
	blockFamilies = 8
	familyMax     = 7 // largest template
	blockSeniors  = 5
	blockWorkers  = 14
	blockMinors   = 5
)

// A group is the age group of a person on RefDay.
type group uint8

const (
	senior group = iota // 61 years and more
	worker              // 19 to 60
	minor               // under 18
)

// A kind is the place of a member in the family, seen from the anchor.
type kind uint8

const (
	anchor  kind = iota
	spouse       // of the anchor
	sibling      // of the anchor
	child        // of the anchor and of the spouse, minor or grown up
	parent       // of the anchor and the sibling; two parents are a couple
)

// The codes of agnter_rlts, used for "the user's relation to the authorizer" (nhsa-interface.md 1.11).
const (
	RelationSpouse      = "1"
	RelationChild       = "2"
	RelationGrandchild  = "4"
	RelationParent      = "5"
	RelationGrandparent = "6"
	RelationSibling     = "7"
)

// relations[a][u] is what u is to a. Empty: no near relative in the sense of the rules (in-laws, nephews).
var relations = [5][5]string{
	anchor:  {spouse: RelationSpouse, sibling: RelationSibling, child: RelationChild, parent: RelationParent},
	spouse:  {anchor: RelationSpouse, child: RelationChild},
	sibling: {anchor: RelationSibling, parent: RelationParent},
	child:   {anchor: RelationParent, spouse: RelationParent, child: RelationSibling, parent: RelationGrandparent},
	parent:  {anchor: RelationChild, sibling: RelationChild, child: RelationGrandchild, parent: RelationSpouse},
}

type slot struct {
	kind  kind
	group group
}

// A template is one shape of family. The anchor's age lies in [ageLo, ageHi) years; unused without an anchor.
type template struct {
	slots        []slot
	ageLo, ageHi int
}

var (
	aAnchor  = slot{anchor, worker}
	aSpouse  = slot{spouse, worker}
	aSibling = slot{sibling, worker}
	aGrown   = slot{child, worker}
	aChild   = slot{child, minor}
	aParent  = slot{parent, senior}

	single         = template{[]slot{aAnchor}, 19, 59}
	singleParent   = template{[]slot{aAnchor, aChild}, 26, 50}
	couple         = template{[]slot{aAnchor, aSpouse}, 26, 59}
	coupleChild    = template{[]slot{aAnchor, aSpouse, aChild}, 26, 50}
	coupleTwo      = template{[]slot{aAnchor, aSpouse, aChild, aChild}, 28, 50}
	siblings       = template{[]slot{aAnchor, aSibling}, 26, 59}
	coupleSibling  = template{[]slot{aAnchor, aSpouse, aSibling}, 26, 59}
	withParent     = template{[]slot{aAnchor, aParent}, 26, 59}
	threeAges      = template{[]slot{aAnchor, aSpouse, aChild, aParent, aParent}, 26, 50}
	threeSibling   = template{[]slot{aAnchor, aSpouse, aSibling, aChild, aParent}, 26, 50}
	threeLarge     = template{[]slot{aAnchor, aSpouse, aSibling, aChild, aChild, aParent, aParent}, 28, 50}
	threeGrown     = template{[]slot{aAnchor, aSpouse, aGrown, aParent}, 43, 59}
	elderly        = template{[]slot{aParent}, 0, 0}
	elderlyCouple  = template{[]slot{aParent, aParent}, 0, 0}
	blockTemplates = [...][blockFamilies]template{
		{threeLarge, coupleChild, coupleChild, withParent, elderlyCouple, singleParent, couple, coupleSibling},
		{threeAges, couple, elderly, coupleTwo, threeAges, siblings, coupleChild, couple},
		{single, threeAges, withParent, coupleTwo, threeSibling, couple, withParent, coupleChild},
		{threeGrown, single, coupleTwo, threeAges, elderly, threeGrown, coupleTwo, single},
	}
)

// A seat is where one of the 24 persons of a block sits.
type seat struct {
	slot
	family  int // 0 to 7 in the block
	place   int // in the family
	ordinal int // among those of the same age group in the block
}

type layout struct {
	seats  [blockPersons]seat
	starts [blockFamilies + 1]int
}

var layouts = buildLayouts()

func buildLayouts() (out [len(blockTemplates)]layout) {
	for v, templates := range blockTemplates {
		n, counts := 0, [3]int{}
		for f, t := range templates {
			out[v].starts[f] = n
			for place, s := range t.slots {
				out[v].seats[n] = seat{slot: s, family: f, place: place, ordinal: counts[s.group]}
				counts[s.group]++
				n++
			}
		}
		out[v].starts[blockFamilies] = n
	}
	return out
}

func (p *Province) variant(block int) int {
	return below(draw(p.seed, streamBlock, uint64(block), 0), len(layouts))
}

func (p *Province) seat(person int) (seat, int) {
	block := person / blockPersons
	return layouts[p.variant(block)].seats[person%blockPersons], block
}

// FamilyOf is the family of a person: 0 <= family < Families().
func (p *Province) FamilyOf(person int) int {
	s, block := p.seat(person)
	return block*blockFamilies + s.family
}

// Family gives the first person of a family and how many follow it, the first included (1 to 7). Members are
// consecutive persons. The last family of the province may be cut short.
func (p *Province) Family(family int) (first, n int) {
	block := family / blockFamilies
	starts := &layouts[p.variant(block)].starts
	k := family % blockFamilies
	first = block*blockPersons + starts[k]
	return first, min(starts[k+1]-starts[k], p.persons-first)
}

// Families is the number of families.
func (p *Province) Families() int { return p.FamilyOf(p.persons-1) + 1 }

// Relation is what user is to authorizer, as a code, or "" when they are not near relatives.
func (p *Province) Relation(authorizer, user int) string {
	a, blockA := p.seat(authorizer)
	u, blockU := p.seat(user)
	if blockA != blockU || a.family != u.family || authorizer == user {
		return ""
	}
	return relations[a.kind][u.kind]
}

// yearDays is the length of a year in the age arithmetic, in days.
const yearDays = 365

// ages draws the ages of a family in days on RefDay, before they are snapped (see birthDay). Parents are at
// least 18 years older than their children.
func (p *Province) ages(family int) (out [familyMax]int) {
	t := &blockTemplates[p.variant(family/blockFamilies)][family%blockFamilies]
	between := func(place, loDays, hiDays int) int {
		return loDays + below(draw(p.seed, streamAge, uint64(family), uint64(place)), hiDays-loDays)
	}
	around := func(place, age, spread, loDays, hiDays int) int {
		return min(max(between(place, age-spread, age+spread), loDays), hiDays)
	}
	var young, old, eldest, firstParent int // of the couple, of the brothers and sisters
	for place, s := range t.slots {
		switch s.kind {
		case anchor:
			out[place] = between(place, t.ageLo*yearDays, t.ageHi*yearDays)
			young, old, eldest = out[place], out[place], out[place]
		case spouse:
			out[place] = around(place, old, 4*yearDays, 22*yearDays, 59*yearDays)
			young, old = min(young, out[place]), max(old, out[place])
		case sibling:
			out[place] = around(place, eldest, 6*yearDays, 19*yearDays, 59*yearDays)
			eldest = max(eldest, out[place])
		case child:
			lo, hi := max(0, old-42*yearDays), min(17*yearDays, young-18*yearDays)
			if s.group == worker {
				lo, hi = 19*yearDays, young-18*yearDays
			}
			out[place] = between(place, lo, hi)
		case parent:
			lo := max(61*yearDays, eldest+18*yearDays)
			hi := max(lo+yearDays, eldest+40*yearDays)
			if eldest == 0 {
				hi = 92 * yearDays
			}
			if firstParent == 0 {
				out[place] = between(place, lo, hi)
				firstParent = out[place]
			} else {
				out[place] = around(place, firstParent, 4*yearDays, lo, 99*yearDays)
			}
		}
	}
	return out
}
