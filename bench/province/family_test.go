package province

import "testing"

const testPersons = 100_000

func TestBlocksAreAlike(t *testing.T) {
	for v, l := range layouts {
		var counts [3]int
		for _, s := range l.seats {
			counts[s.group]++
		}
		if counts != [3]int{blockSeniors, blockWorkers, blockMinors} || l.starts[blockFamilies] != blockPersons {
			t.Errorf("variant %d: groups %v, %d persons", v, counts, l.starts[blockFamilies])
		}
	}
}

func TestFamiliesPartitionTheProvince(t *testing.T) {
	for _, persons := range []int{1, 2, 23, 24, 25, 1000, testPersons} {
		p := New(5, persons)
		next := 0
		for f := range p.Families() {
			first, n := p.Family(f)
			if first != next || n < 1 {
				t.Fatalf("%d persons: family %d is [%d, +%d), want to start at %d", persons, f, first, n, next)
			}
			for i := first; i < first+n; i++ {
				if p.FamilyOf(i) != f {
					t.Fatalf("person %d: family %d, want %d", i, p.FamilyOf(i), f)
				}
			}
			next = first + n
		}
		if next != persons {
			t.Fatalf("families hold %d of %d persons", next, persons)
		}
	}
}

var inverse = map[string]string{
	"": "", RelationSpouse: RelationSpouse, RelationSibling: RelationSibling, RelationChild: RelationParent,
	RelationParent: RelationChild, RelationGrandchild: RelationGrandparent, RelationGrandparent: RelationGrandchild,
}

// minimal age difference in days, authorizer minus user: 18 years less the 255 days by which a birth date may move.
var olderBy = map[string]int{RelationChild: 17 * 365, RelationGrandchild: 34 * 365}

func TestRelationsAreConsistent(t *testing.T) {
	p := New(11, 30_000)
	for f := range p.Families() {
		first, n := p.Family(f)
		members := make([]Person, n)
		for k := range members {
			members[k] = p.Person(first + k)
		}
		for a := range members {
			for u := range members {
				checkPair(t, p, members, a, u)
			}
		}
	}
	if p.Relation(0, 29_999) != "" {
		t.Error("strangers are related")
	}
}

func checkPair(t *testing.T, p *Province, members []Person, a, u int) {
	t.Helper()
	x, y := &members[a], &members[u]
	relation := p.Relation(x.Index, y.Index)
	if a == u && relation != "" {
		t.Fatalf("person %d is his own %s", x.Index, relation)
	}
	if p.Relation(y.Index, x.Index) != inverse[relation] {
		t.Fatalf("persons %d, %d: %q and back %q", x.Index, y.Index, relation, p.Relation(y.Index, x.Index))
	}
	if least, ok := olderBy[relation]; ok && y.BirthDay-x.BirthDay < least {
		t.Fatalf("person %d (born %s) has %s %d (born %s)", x.Index, x.Brdy(), relation, y.Index, y.Brdy())
	}
	if relation == RelationSpouse && x.Gend == y.Gend {
		t.Fatalf("couple %d, %d of one gender", x.Index, y.Index)
	}
	for k := range members { // a child's child is a grandchild, a child's sibling a child, a child's other parent the spouse
		z := members[k].Index
		next, whole := p.Relation(y.Index, z), p.Relation(x.Index, z)
		switch {
		case z == x.Index:
		case relation == RelationChild && next == RelationChild && whole != RelationGrandchild,
			relation == RelationChild && next == RelationSibling && whole != RelationChild,
			relation == RelationChild && next == RelationParent && whole != RelationSpouse:
			t.Fatalf("persons %d, %d, %d: %s then %s, but %q", x.Index, y.Index, z, relation, next, whole)
		}
	}
}

func TestBindings(t *testing.T) {
	p := New(1, testPersons)
	counts, users, crossing, total := map[string]int{}, map[int]int{}, 0, 0
	for f := range p.Families() {
		for _, b := range p.Bindings(f) {
			a, u := p.Person(b.Authorizer), p.Person(b.User)
			switch {
			case b.Authorizer == b.User, a.Family != f, u.Family != f:
				t.Fatalf("binding %+v in family %d", b, f)
			case !a.Category.HasAccount(), a.Enrolment.Insutype != "310", a.Enrolment.PsnInsuStas != "1", u.Enrolment.PsnInsuStas != "1":
				t.Fatalf("binding %+v: authorizer %+v, user %+v", b, a, u)
			case b.Relation == "" || b.Relation != p.Relation(b.Authorizer, b.User):
				t.Fatalf("binding %+v", b)
			}
			counts[b.Relation]++
			users[b.User]++
			total++
			if a.Enrolment.InsuplcAdmdvs != u.Enrolment.InsuplcAdmdvs {
				crossing++
			}
		}
	}
	for relation := range inverse {
		if relation != "" && counts[relation] < total/100 {
			t.Errorf("relation %s: %d of %d bindings", relation, counts[relation], total)
		}
	}
	several := 0
	for user, n := range users {
		if p.Authorizers(user) != n {
			t.Fatalf("person %d: %d authorizers, want %d", user, p.Authorizers(user), n)
		}
		if n > 1 {
			several++
		}
	}
	if several < len(users)/20 {
		t.Errorf("%d of %d users have several authorizers", several, len(users))
	}
	if crossing*1000 < total*50 || crossing*1000 > total*110 {
		t.Errorf("%d of %d bindings cross areas, want 5 to 11 %%", crossing, total)
	}
	t.Logf("%d bindings, %d users, %d with several authorizers, %d across areas, by relation %v", total, len(users), several, crossing, counts)
}
