package ledger

import (
	"strings"
	"testing"
)

// memory is the id table and the history of a test, on maps.
type memory struct {
	ids     map[Key]IDEntry
	effects map[Position]Effect
	legs    map[Position][]Leg
}

func (m *memory) Find(k Key) (IDEntry, bool) { e, ok := m.ids[k]; return e, ok }
func (m *memory) Insert(e IDEntry)           { m.ids[e.Key] = e }
func (m *memory) Original(p Position) (Effect, []Leg, bool) {
	e, ok := m.effects[p]
	return e, m.legs[p], ok
}

// cell is a small world for one cell of R19's table: somebody of a standing between an authorizer and a user who are well.
type cell struct {
	t      *testing.T
	s      *State
	m      *memory
	at     uint64
	policy Policy
}

// The people of a cell.
var (
	subject    = Key{1}
	authorizer = Key{2}
	user       = Key{3}
)

func (c *cell) apply(cmd Command) Effect {
	c.at++
	var fx Effects
	fx.Reset(1, 0)
	ctx := Context{Sequence: c.at, TimeMS: int64(today)*dayMS - zoneMS, Day: today, HasPolicy: true, Policy: c.policy}
	New(c.s, c.m, c.m).Apply(&ctx, &cmd, 0, &fx)
	c.m.effects[At(c.at, 0)] = fx.List[0]
	c.m.legs[At(c.at, 0)] = append([]Leg(nil), fx.LegsOf(&fx.List[0])...)
	return fx.List[0]
}

func (c *cell) must(cmd Command) Position {
	c.t.Helper()
	if f := c.apply(cmd); f.Outcome != Accepted {
		c.t.Fatalf("kind %d: %s", cmd.Kind, f.Outcome)
	}
	return At(c.at, 0)
}

func (c *cell) bill(who Key) Command {
	pseudonym := who
	pseudonym[1] = 9
	return Command{Kind: KindSettlement, Person: who, Other: pseudonym, Institution: NewCode([]byte("H")), UsedFlag: 1, Bill: BillInput{Medfee: 5, Inscp: 5}}
}

// newCell: the subject has an account and lends to the user; the authorizer lends to the subject; the subject has a family.
func newCell(t *testing.T, require uint8) *cell {
	c := &cell{t: t, s: NewState(DefaultShifts), m: &memory{map[Key]IDEntry{}, map[Position]Effect{}, map[Position][]Leg{}}}
	c.policy = Policy{Strategy: Ordered, SelfFirst: 1, Parts: 15, Places: 3, Relations: 1 << 1, UserMayUnbind: 1, RequireNormalUser: require, Channels: 1 << 1, Logins: [Logins]uint32{1 << 1}}
	c.must(Command{Kind: KindInstitutionAdd, Institution: NewCode([]byte("H")), InstitutionOf: 1, More: &More{}})
	for _, who := range []Key{subject, authorizer, user, {4}, {5}} {
		pseudonym := who
		pseudonym[1] = 9
		c.must(Command{Kind: KindPerson, Person: who, Other: pseudonym, Has: HasAccount,
			More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Status: StatusNormal, Begin: today - 100}}}})
		if who != user {
			c.must(Command{Kind: KindCredit, Person: who, Amount: 100, Source: 1})
		}
	}
	c.bind(subject, user)
	c.bind(authorizer, subject)
	c.policy.Strategy = Allocated
	c.must(Command{Kind: KindFamilyOpen, Person: subject, Channel: 1, More: &More{}})
	c.policy.Strategy = Ordered
	return c
}

func (c *cell) bind(a, u Key) { c.t.Helper(); c.must(c.binding(a, u)) }

func (c *cell) binding(a, u Key) Command {
	u[1] = 9
	return Command{Kind: KindBinding, Person: a, Other: u, Relation: 1, Channel: 1, Login: 1, More: &More{}}
}

// tries does what an action means and tells whether it was allowed.
var tries = [...]func(c *cell, undo Position) bool{
	OwnSpending: func(c *cell, _ Position) bool { return c.apply(c.bill(subject)).Own == 5 },
	Lending:     func(c *cell, _ Position) bool { return c.apply(c.bill(user)).Mulaid == 5 },
	Borrowing: func(c *cell, _ Position) bool {
		big := c.bill(subject)
		big.Bill = BillInput{Medfee: 120, Inscp: 120} // more than he has himself
		return c.apply(big).Mulaid > 0
	},
	Credit: func(c *cell, _ Position) bool {
		return c.apply(Command{Kind: KindCredit, Person: subject, Amount: 1, Source: 1}).Outcome == Accepted
	},
	BindAuthorizer: func(c *cell, _ Position) bool { return c.apply(c.binding(subject, Key{4})).Outcome == Accepted },
	BindUser:       func(c *cell, _ Position) bool { return c.apply(c.binding(Key{5}, subject)).Outcome == Accepted },
	Unbind: func(c *cell, _ Position) bool {
		return c.apply(Command{Kind: KindUnbinding, Person: subject, Channel: 1, More: &More{Bindings: []uint32{0}}}).Outcome == Accepted
	},
	Refund: func(c *cell, undo Position) bool {
		return c.apply(Command{Kind: KindReversalByID, Settlement: undo, Institution: NewCode([]byte("H")), Person: subject}).Outcome == Accepted
	},
	Allocate: func(c *cell, _ Position) bool {
		c.policy.Strategy = Allocated
		return c.apply(Command{Kind: KindAllocation, Person: subject, Channel: 1, Amount: 1}).Outcome == Accepted
	},
}

// TestCells runs every cell of R19's table whose command there is through the rules themselves (A1 to A6, B5, B6, K16, R24): the premium columns
// have no command yet.
func TestCells(t *testing.T) {
	ran := 0
	for line := range strings.Lines(strings.TrimSpace(cells)) {
		fields := strings.Fields(line)
		for i, want := range fields[1:] {
			for require := range uint8(2) {
				if i >= len(tries) || tries[i] == nil {
					continue
				}
				c := newCell(t, require)
				undo := c.must(c.bill(subject))
				n, _ := c.s.FindPerson(subject)
				made, was := standing(fields[0]), c.s.summary(n)
				made.Area, made.NormalType, made.Birth = was.Area, was.NormalType, was.Birth
				c.s.setSummary(n, *made)
				if got := tries[i](c, undo); got != (want == "y" || want == "e" && require == 0) {
					t.Errorf("%s, action %d, normal required %d: %t", fields[0], i, require, got)
				}
				ran++
			}
		}
	}
	if ran != 5*9*2 {
		t.Fatalf("%d cells", ran)
	}
}
