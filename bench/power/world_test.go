package power

import (
	"fmt"
	"testing"

	"gongji/bench/province"
)

// The world of all tests here: enough families that their members meet in bills, few enough that every account can be compared after every
// kill.
const (
	worldSeed    = 3
	worldPersons = 300
)

func world() *province.Province { return province.New(worldSeed, worldPersons) }

// load puts the world into a server's empty ledger by the real importer.
func load(t *testing.T, x *server) {
	t.Helper()
	if _, err := x.setup.run("import", "--province", fmt.Sprint(worldSeed), "--count", fmt.Sprint(worldPersons), "--server", "http://"+x.setup.admin); err != nil {
		t.Fatal(err)
	}
}

// verify proves the ledger of a stopped server from its first record on, with a book of settlements.
func verify(t *testing.T, s *setup, book string) {
	t.Helper()
	if _, err := s.run("verify", s.dir, "--acked", book, "--scratch", t.TempDir()); err != nil {
		t.Error(err)
	}
}

// newBindings are the pairs that are related, share nothing yet, and may come to.
func newBindings(p *province.Province) (out []province.Binding) {
	for f := range p.Families() {
		bound := map[[2]int]bool{}
		for _, b := range p.Bindings(f) {
			bound[[2]int{b.Authorizer, b.User}] = true
		}
		first, n := p.Family(f)
		for a := first; a < min(first+n, p.Persons()); a++ {
			for u := first; u < min(first+n, p.Persons()); u++ {
				if relation := p.Relation(a, u); relation != "" && !bound[[2]int{a, u}] {
					out = append(out, province.Binding{Authorizer: a, User: u, Relation: relation})
				}
			}
		}
	}
	return out
}
