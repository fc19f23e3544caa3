package model

import (
	"fmt"
	"slices"
	"testing"
)

func id(name string) Message { return Message{ID: K("id", name), Digest: 1} }

func TestMessageIDs(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("a", 1000)
	c := bill("a", 100)
	c.Message = id("one")
	w.want(Accepted, c)
	first := Position(w.sequence, 0)
	same(t, "repeat", w.want(Repeated, c), Result{Outcome: Repeated, First: first})
	other := c
	other.Digest = 2
	same(t, "other content", w.want(IDReused, other), Result{Outcome: IDReused})
	w.want(IDReused, Allocation{Message: Message{ID: c.ID, Digest: 3}, Creator: psnOf("a"), Amount: 1})
	w.balance("a", 900)

	refused := bill("a", 5000)
	refused.Message, refused.OnShortfall = id("short"), 1
	w.want(ShortOfFunds, refused)
	w.want(Accepted, Credit{Psn: psnOf("a"), Amount: 9000, Source: 1})
	w.want(Repeated, refused) // P6: still the refusal
	undo := ReversalByMessage{Institution: "H1", OriginalID: refused.ID, OriginalKind: 1, Psn: psnOf("a")}
	w.want(NothingToUndo, undo)

	undo.OriginalID, undo.OriginalKind = c.ID, 2
	w.want(WrongOriginalKind, undo)
	undo.OriginalKind, undo.Institution = 1, "P1"
	w.want(UnknownSettlement, undo)
	undo.Institution, undo.Psn = "H1", psnOf("nobody")
	w.want(WrongPerson, undo)
	undo.Psn, undo.Message = psnOf("a"), id("undo")
	same(t, "undone", w.want(Accepted, undo).Original, first)
	w.want(Repeated, undo)
	again := undo
	again.Message = id("undo again")
	w.want(AlreadyReversed, again)
	again.Message, again.OriginalID, again.OriginalKind = id("undo the undo"), undo.ID, 2
	w.want(CancelFinal, again)
	w.balance("a", 10000)
}

func TestTombstones(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("a", 1000)
	c := bill("a", 100)
	c.Message = id("late")
	undo := ReversalByMessage{Message: id("early"), Institution: "H1", OriginalID: c.ID, OriginalKind: 1, Psn: psnOf("a")}
	second := undo
	second.Message = id("second")
	wrong := undo
	wrong.Message, wrong.OriginalKind = id("third"), 2
	results := w.batch(undo, c, c, second, wrong, Allocation{Message: Message{ID: c.ID, Digest: 9}, Amount: 1})
	got := []int{}
	for _, r := range results {
		got = append(got, r.Outcome)
	}
	same(t, "outcomes", got, []int{Tombstoned, Blocked, Blocked, AlreadyReversed, WrongOriginalKind, IDReused})
	same(t, "entry", w.m.IDs()[c.ID], IDEntry{Position: Position(w.sequence, 0), Tag: TagTombstone, Digest: 1})

	self := ReversalByMessage{Message: id("self"), Institution: "H1", OriginalID: id("self").ID, OriginalKind: 2}
	w.want(Tombstoned, self)
	same(t, "own tombstone", w.m.IDs()[self.ID], IDEntry{Position: Position(w.sequence, 0), Tag: TagTombstone, Digest: 2})
	w.want(IDReused, self)
	if h := w.m.Institutions()[0]; h.TombstoneDay == 0 || h.Tombstones != 2 {
		t.Errorf("%d tombstones on day %d, want 2", h.Tombstones, h.TombstoneDay)
	}
	late := bill("a", 100)
	late.Message = id("self")
	w.want(IDReused, late) // the tombstone is for a reversal, not for a settlement
	w.balance("a", 1000)
}

func TestUnbindingLock(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("a", 0)
	w.person("b", -1)
	number := w.bind("a", "b", 0) // on 30 November
	unbind := Unbinding{Actor: psnOf("a"), Channel: 1, Bindings: []uint32{number, 77, number}}
	earliest := dayOf(2026, 2, 28)
	w.timeMS = int64(earliest)*dayMS - chinaMS - 1
	locked := UnbindResult{Binding: number, Outcome: Locked, EarliestDay: earliest}
	same(t, "before", w.want(Accepted, unbind).Items,
		[]UnbindResult{locked, {Binding: 77, Outcome: UnknownBinding}, locked})
	w.timeMS++
	same(t, "on the day", w.want(Accepted, unbind).Items, []UnbindResult{
		{Binding: number, Outcome: Accepted}, {Binding: 77, Outcome: UnknownBinding}, {Binding: number, Outcome: NotBound}})
	if w.m.Bindings()[number].State != Unbound {
		t.Fatal("still active")
	}
}

// switchTo puts another strategy in force from the next batch on.
func (w *world) switchTo(version uint32, strategy uint8) {
	w.t.Helper()
	w.want(Accepted, Policy{Version: version, EffectiveFromMS: w.timeMS, Strategy: strategy, SelfFirst: true,
		PayableParts: 15, PayablePlaces: 3, AllowedRelations: relationsKnown, MaxFamilies: uint32(strategy / 3), Channels: []uint8{1}, Logins: [4][]uint8{{1}}})
}

// TestPairOnce: a pair is bound once whatever the strategy, so that no account stands twice among the relatives.
func TestPairOnce(t *testing.T) {
	w := newWorld(t, orderedSelfFirst)
	w.person("mother", 100)
	w.person("child", -1)
	number := w.bind("mother", "child", 0)
	w.switchTo(2, 3)
	w.want(Accepted, FamilyOpen{Creator: psnOf("mother"), Channel: 1})
	again := Binding{Authorizer: psnOf("mother"), UserPseudonym: certOf("child"), Relation: 1, Channel: 1, Login: 1}
	w.want(DuplicateBinding, again)
	w.want(Accepted, Unbinding{Actor: psnOf("mother"), Channel: 1, Bindings: []uint32{number}})
	w.want(Accepted, again)
	w.want(DuplicateBinding, again)
	w.want(Accepted, Allocation{Creator: psnOf("mother"), Amount: 60, Channel: 1})
	same(t, "family pays", amounts(w.want(Accepted, bill("child", 70)).Legs), []int64{-60})
	w.switchTo(3, 2) // the family is empty; allocated bindings lend as well under the other strategies (Q17)
	same(t, "mother pays", amounts(w.want(Accepted, bill("child", 70)).Legs), []int64{-40})
}

// TestThirtyTwoAuthorizers: the limit holds under every strategy, so a draw never has more than 32 relatives.
func TestThirtyTwoAuthorizers(t *testing.T) {
	w := newWorld(t, orderedSelfFirst)
	w.person("crowded", -1)
	for i := range 34 {
		w.person(fmt.Sprint(i), 1)
	}
	for i := range 32 {
		w.bind(fmt.Sprint(i), "crowded", 0)
	}
	w.want(TooManyAuthorizers, Binding{Authorizer: psnOf("32"), UserPseudonym: certOf("crowded"), Relation: 1, Channel: 1, Login: 1})
	w.switchTo(2, 3)
	w.want(Accepted, FamilyOpen{Creator: psnOf("33"), Channel: 1})
	w.want(TooManyAuthorizers, Binding{Authorizer: psnOf("33"), UserPseudonym: certOf("crowded"), Relation: 1, Channel: 1, Login: 1})
	w.switchTo(3, 1)
	r := w.want(Accepted, bill("crowded", 40))
	same(t, "legs and cash", []int64{int64(len(r.Legs)), r.Cash}, []int64{32, 8})
}

func TestAllocationWholeOrRefused(t *testing.T) {
	w := newWorld(t, allocatedSelfFirst)
	w.person("creator", 50)
	w.want(UnknownFamily, Allocation{Creator: psnOf("creator"), Amount: 1, Channel: 1})
	same(t, "number", w.want(Accepted, FamilyOpen{Creator: psnOf("creator"), Channel: 1}).Number, uint32(0))
	w.want(InOtherFamily, FamilyOpen{Creator: psnOf("creator"), Channel: 1})
	w.want(ShortOfFunds, Allocation{Creator: psnOf("creator"), Amount: 51, Channel: 1})
	r := w.want(Accepted, Allocation{Creator: psnOf("creator"), Amount: 50, Channel: 1})
	same(t, "legs", r.Legs, []Leg{
		{Account: w.account("creator"), Amount: -50, After: 0, Prev: Position(w.sequence-5, 0)},
		{Account: AccountID(AccountFamily, 0), Amount: 50, After: 50},
	})
}

func TestFundingLimit(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("a", 0)
	left := int64(FundingMax)
	for left > AmountMax {
		w.want(Accepted, Credit{Psn: psnOf("a"), Amount: AmountMax, Source: uint8(1 + left%15)})
		left -= AmountMax
	}
	w.want(AmountRange, Credit{Psn: psnOf("a"), Amount: left + 1, Source: 1})
	w.want(Accepted, Credit{Psn: psnOf("a"), Amount: left, Source: 1})
	w.want(AmountRange, Credit{Psn: psnOf("a"), Amount: 1, Source: 1})
	w.balance("a", FundingMax)
}

func TestNoDayKey(t *testing.T) {
	w := newWorld(t, randomSelfFirst)
	w.person("poor", 0) // one relative, at 0: the draw is still made (Q22)
	w.person("patient", 50)
	w.bind("poor", "patient", 0)
	w.key = nil
	w.want(Accepted, bill("patient", 50)) // covered by himself
	w.want(NoDayKey, bill("patient", 1))
}

func TestPolicyInForce(t *testing.T) {
	w := newWorld(t, orderedSelfFirst)
	later := Policy{Version: 5, EffectiveFromMS: w.timeMS + 10, Strategy: 1, AllowedRelations: 2}
	w.want(Accepted, later)
	later.Version = 6
	w.want(Accepted, later) // a tie: the later version
	later.Version = 6
	w.want(PolicyVersion, later)
	later.Name = "another" // has versions of its own
	w.want(Accepted, later)
	later.Name = ""
	later.Version, later.EffectiveFromMS = 7, w.timeMS-1
	w.want(PolicyInPast, later)
	for timeMS, want := range map[int64]uint32{w.timeMS: 1, w.timeMS + 9: 1, w.timeMS + 10: 6} {
		if p, ok := w.m.PolicyAt(timeMS); !ok || p.Version != want {
			t.Errorf("version %d in force, want %d", p.Version, want)
		}
	}
	if _, ok := w.m.PolicyAt(w.timeMS - 1); ok {
		t.Error("a policy before the first one")
	}
}

// TestPoliciesMax: the last place is taken, then the ledger is full.
func TestPoliciesMax(t *testing.T) {
	w := newWorld(t, orderedSelfFirst)
	w.m.policies = append(make([]Policy, 65_534), w.m.policies...)
	more := Policy{Version: 2, Strategy: 1, AllowedRelations: 2}
	w.want(Accepted, more)
	more.Version = 3
	w.want(LedgerFull, more)
}

func TestEnrolments(t *testing.T) {
	p := &PersonState{HasAccount: true}
	p.enrol(Insurance{Insutype: employee, Status: 1, Begin: 10, Area: 7})
	p.enrol(Insurance{Insutype: 390, Status: 1, Begin: 20, End: 30, Area: 8})
	same(t, "an employee becomes a resident", *p, PersonState{HasAccount: true, NormalBegin: 20, NormalEnd: 30, NormalType: 390, NormalBehind: ended, Area: 8,
		LendBegin: 10, LendEnd: 20, LendBehind: ended})
	p.enrol(Insurance{Insutype: employee, Status: 1, Begin: 10, Area: 7})
	p.enrol(Insurance{Insutype: employee, Status: 2, Begin: 25, Area: 9})
	same(t, "employee pauses", *p, PersonState{HasAccount: true, NormalBegin: 10, NormalEnd: 25, NormalType: employee, NormalBehind: paused, Area: 7,
		LendBegin: 10, LendEnd: 25, LendBehind: paused})
	p.enrol(Insurance{Insutype: employee, Status: 2, Begin: 28}) // a later end takes nothing back
	if !p.mayLend(24) || p.mayLend(25) || p.mayLend(9) || p.inAny(24) != normal || p.inAny(25) != paused || p.inAny(9) != ended {
		t.Fatal("intervals are half open")
	}
}

// TestInvariantsSee: each check of CheckInvariants turns red when what it guards is broken.
func TestInvariantsSee(t *testing.T) {
	for name, spoil := range map[string]func(m *Model){
		"sum":            func(m *Model) { m.balances[AccountID(AccountFunding, 1)]++ },
		"negative":       func(m *Model) { move(m, m.persons[0].account(), m.institutions[0].account(), 1<<50) },
		"chain":          func(m *Model) { chain := m.chains[m.persons[1].account()]; chain[0].Prev = 3 },
		"balance":        func(m *Model) { move(m, m.persons[1].account(), AccountID(AccountFunding, 1), 1) },
		"payable":        func(m *Model) { move(m, m.institutions[0].account(), AccountID(AccountFunding, 1), 1) },
		"figures":        func(m *Model) { m.settled[0].plan.cash++ },
		"two reversals":  func(m *Model) { m.reversals = append(m.reversals, m.reversals[0]) },
		"family":         func(m *Model) { open(m).Creator++ },
		"dissolved":      func(m *Model) { open(m).Closed = true },
		"second binding": func(m *Model) { ordinary(m).Authorizer, ordinary(m).Beneficiary = 1, 1 },
		"pair twice": func(m *Model) {
			b := *ordinary(m)
			m.bindings = append(m.bindings, &b)
		},
		"line":          func(m *Model) { settledLine(m).Amount++ },
		"line of other": func(m *Model) { settledLine(m).Settled-- },
		"serial twice": func(m *Model) {
			v := m.visits[0]
			v.Lines = append(v.Lines, LineState{FeeLine: FeeLine{Serial: 1}}, LineState{FeeLine: FeeLine{Serial: 1}})
		},
		"return": func(m *Model) {
			v := m.visits[0]
			v.Lines = append(v.Lines, LineState{FeeLine: FeeLine{Serial: 98, Count: 1}}, LineState{FeeLine: FeeLine{Serial: 99, Returns: 98, Count: -2}})
		},
		"mark": func(m *Model) { m.ids[K("x")] = IDEntry{Position: 1, Tag: TagMark} },
	} {
		g := run(3, 60, func(*Generator, Step) {})
		for range 200 { // until there is something of everything to spoil
			if slices.ContainsFunc(g.model.families, func(f *FamilyState) bool { return !f.Closed && len(g.model.memberships(f)) > 0 }) && settledLine(g.model) != nil {
				break
			}
			g.MixedBatch(runSize)
		}
		if len(g.model.reversals) == 0 || len(g.model.families) == 0 || len(g.model.settled) == 0 {
			t.Fatal("vacuous: the run made nothing to spoil")
		}
		if err := g.model.CheckInvariants(); err != nil {
			t.Fatal(err)
		}
		spoil(g.model)
		if g.model.CheckInvariants() == nil {
			t.Errorf("%s: not seen", name)
		}
	}
}

func settledLine(m *Model) *LineState {
	for _, v := range m.visits {
		for i := range v.Lines {
			if v.Lines[i].Settled != 0 {
				return &v.Lines[i]
			}
		}
	}
	return nil
}

func move(m *Model, from, to uint64, amount int64) {
	m.balances[from] -= amount
	m.balances[to] += amount
}

func open(m *Model) *FamilyState {
	for _, f := range m.families {
		if !f.Closed {
			return f
		}
	}
	panic("no open family")
}

func ordinary(m *Model) *BindingState {
	for _, b := range m.bindings {
		if b.State == Active && !b.Allocated {
			return b
		}
	}
	panic("no active binding")
}
