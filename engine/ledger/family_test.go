package ledger

import "testing"

// family is a world with a creator of 1000 fen and a member, the family open and holding what was allocated.
func family(t *testing.T, allocate int64, change func(*Policy)) (w *world, membership uint32) {
	t.Helper()
	w = newWorld(t, func(p *Policy) {
		allocated(p)
		if change != nil {
			change(p)
		}
	})
	w.person("creator", 1000, 0)
	w.person("member", 20, 0)
	w.want(Accepted, open("creator"))
	membership = w.bind("creator", "member")
	if allocate > 0 {
		w.want(Accepted, allocate1("creator", allocate))
	}
	return w, membership
}

func open(name string) Command {
	return Command{Kind: KindFamilyOpen, Person: psn(name), Channel: 1}
}

func allocate1(name string, amount int64) Command {
	return Command{Kind: KindAllocation, Person: psn(name), Channel: 1, Amount: amount}
}

func dissolve(name string) Command {
	return Command{Kind: KindFamilyDissolution, Person: psn(name), Channel: 1}
}

func reversalOf(patient string, at Position) Command {
	return Command{Kind: KindReversalByID, Institution: NewCode([]byte("H1")), Person: psn(patient), Settlement: at}
}

// TestOneFamily: X6, L1: who is in a family, or invited into one, enters no other and opens none.
func TestOneFamily(t *testing.T) {
	w, _ := family(t, 0, nil)
	w.person("second", 1000, 0)
	w.want(Accepted, open("second"))
	w.want(InOtherFamily, online("second", "member"))
	w.want(InOtherFamily, online("second", "creator"))
	w.want(InOtherFamily, open("member"))
	w.want(InOtherFamily, open("creator"))
	w.want(DuplicateBinding, online("creator", "member"))
	w.person("third", 10, 0)
	w.policy(Accepted, func(p *Policy) { allocated(p); p.ConsentRequired, p.ConsentDays = 1, 7 })
	n := w.bind("creator", "third")
	w.want(InOtherFamily, online("second", "third"))
	w.want(InOtherFamily, open("third"))
	w.day += 7 // the invitation expires by itself
	w.want(Accepted, online("second", "third"))
	w.want(InvitationExpired, consentOf("third", n, true))
}

// TestFamilyPays: D6 to D8, M8: own money first, then the family account, never what the creator did not allocate; he is inside.
func TestFamilyPays(t *testing.T) {
	w, _ := family(t, 100, nil)
	f := w.paid("member", 150, 100)
	if f.Own != 20 || f.Cash != 30 {
		t.Errorf("%+v", f)
	}
	w.balance("creator", 900)
	w.want(Accepted, allocate1("creator", 100))
	w.paid("creator", 850, 50)
	w.balance("creator", 0)
}

// TestPausedCreator: R24, K16: no new allocation; what is allocated stays usable by the knob, and always for himself.
func TestPausedCreator(t *testing.T) {
	w, n := family(t, 100, nil)
	w.insured("creator", 2)
	w.want(StatusForbids, allocate1("creator", 1))
	w.stateOf(n, Active, 0)
	w.paid("member", 30, 10)
	w.policy(Accepted, func(p *Policy) { allocated(p); p.PausedMoneyUsable = 0 })
	w.stateOf(n, Suspended, AuthorizerNotEligible)
	w.paid("member", 30, 0)
	w.paid("creator", 910, 10)
	w.policy(Accepted, func(p *Policy) { allocated(p); p.Relations = 1 << 2 })
	w.stateOf(n, Suspended, RelationNotAllowed)
	w.paid("member", 30, 0)
}

// TestAllocationLimits: K21: one amount, and how many in a calendar year.
func TestAllocationLimits(t *testing.T) {
	w, _ := family(t, 0, func(p *Policy) { p.AllocMax, p.AllocTimes = 300, 2 })
	w.want(AllocationAmount, allocate1("creator", 301))
	w.want(AmountRange, allocate1("creator", 0))
	w.want(Accepted, allocate1("creator", 300))
	w.want(Accepted, allocate1("creator", 299))
	w.want(AllocationTimes, allocate1("creator", 1))
	w.day = dayNumber(2025, 12, 31)
	w.want(AllocationTimes, allocate1("creator", 1))
	w.day = dayNumber(2026, 1, 1)
	w.want(Accepted, allocate1("creator", 1))
	if f := w.state().Families.At(0); f.AllocCount != 1 || f.AllocSum != 1 || f.AllocYear != 2026 || f.Balance != 600 {
		t.Errorf("%+v", f)
	}
	w.want(UnknownFamily, allocate1("member", 1))
	w.policy(FamilyMoney, nil)
}

// TestLeaving: R24: who leaves, leaves the money; the last one to leave sends it back, in the same entry.
func TestLeaving(t *testing.T) {
	w, first := family(t, 100, nil)
	w.person("second", -1, 0)
	second := w.bind("creator", "second")
	w.want(Accepted, unbindAll("creator", first))
	if w.amounts() != "" || w.state().Families.At(0).Balance != 100 || w.state().Families.At(0).Members != 2 {
		t.Fatalf("%s %+v", w.amounts(), w.state().Families.At(0))
	}
	w.paid("member", 30, 0)
	w.want(Accepted, unbindAll("creator", second))
	if got, want := w.amounts(), "2:0 -100; 1:0 +100; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	w.balance("creator", 1000)
	w.want(UnknownFamily, allocate1("creator", 1))
	w.want(UnknownFamily, dissolve("creator"))
	w.want(Accepted, open("creator")) // and may begin anew
	w.policy(Accepted, nil)
}

// TestDissolution: R24: by request, whole, under every strategy; not around the lock (U2); pending ones end too.
func TestDissolution(t *testing.T) {
	w, n := family(t, 100, func(p *Policy) { p.MinBindMonths = 1 })
	w.person("invited", -1, 0)
	w.policy(Accepted, func(p *Policy) { allocated(p); p.MinBindMonths, p.ConsentRequired, p.ConsentDays = 1, 1, 60 })
	m := w.bind("creator", "invited")
	w.want(UnknownFamily, dissolve("member"))
	w.want(Locked, dissolve("creator"))
	w.day = dayNumber(2025, 12, 30)
	w.want(Accepted, dissolve("creator"))
	if got, want := w.amounts(), "2:0 -100; 1:0 +100; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	w.stateOf(n, Unbound, 0)
	w.stateOf(m, Unbound, 0)
	w.want(NotPending, consentOf("invited", m, true))
	w.balance("creator", 1000)
}

// TestReversalAfterDissolution: R24: posted to the closed family account and swept to the creator in the same entry; chains stay walkable.
func TestReversalAfterDissolution(t *testing.T) {
	w, _ := family(t, 100, nil)
	w.paid("member", 50, 30)
	at := At(w.sequence, 0)
	w.paid("creator", 930, 30) // the creator as a patient: his account has two postings in the reversal
	both := At(w.sequence, 0)
	w.want(Accepted, dissolve("creator"))
	w.balance("creator", 40)
	w.want(Accepted, reversalOf("member", at))
	if got, want := w.amounts(), "1:1 +20; 2:0 +30; 2:0 -30; 1:0 +30; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	w.want(Accepted, reversalOf("creator", both))
	if got, want := w.amounts(), "1:0 +900; 2:0 +30; 2:0 -30; 1:0 +30; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	w.want(AlreadyReversed, reversalOf("member", at))
	w.balance("creator", 1000)
	now := At(w.sequence-1, 0)
	legs := w.legs[now]
	if legs[0].Prev >= now || legs[3].Prev != now || legs[2].Prev != now || legs[3].After != legs[0].After+30 {
		t.Errorf("chain %+v", legs)
	}
	if f := w.state().Families.At(0); f.Balance != 0 || f.Members != 0 {
		t.Errorf("%+v", f)
	}
}

// TestSweptToThePatient: R8, R24: others paid and he did not, so the settlement is an entry of his without a leg; its reversal comes back to him
// from his dissolved family and has a leg, so it is one entry and not two.
func TestSweptToThePatient(t *testing.T) {
	w, _ := family(t, 1000, nil) // all he has
	w.paid("creator", 30, 30)
	at := At(w.sequence, 0)
	n, _ := w.state().FindPerson(psn("creator"))
	if w.state().Persons.At(n).Last != at {
		t.Fatal("the settlement is no entry of his")
	}
	w.want(Accepted, dissolve("creator"))
	before := w.state().Persons.At(n).Last
	if f := w.want(Accepted, reversalOf("creator", at)); f.Prev != 0 {
		t.Errorf("an entry without a leg besides: previous %d", f.Prev)
	}
	now := At(w.sequence, 0)
	legs := w.legs[now]
	if len(legs) != 3 || legs[2].Prev != before || w.state().Persons.At(n).Last != now {
		t.Errorf("legs %+v, his entry before was %d", legs, before)
	}
	w.balance("creator", 1000)
}

// TestFrozenFamily: R21, R24: a frozen family account gives nothing: to no patient, not back to its creator, and not when the last member leaves.
func TestFrozenFamily(t *testing.T) {
	w, n := family(t, 100, nil)
	freeze := func(want Outcome, frozen bool) {
		w.want(want, Command{Kind: KindFreeze, More: &More{Freeze: Freeze{IsFamily: true, Frozen: frozen, Operators: [2]Key{{1}, {2}}}}})
	}
	freeze(Accepted, true)
	w.stateOf(n, Suspended, AccountIsFrozen)
	w.paid("member", 30, 0)
	w.want(AccountIsFrozen, dissolve("creator"))
	w.want(Accepted, unbindAll("creator", n))
	if f := w.state().Families.At(0); f.Balance != 100 || f.Members != 1 || f.Until != 0 {
		t.Fatalf("%+v", f)
	}
	freeze(Accepted, false)
	w.want(Accepted, dissolve("creator"))
	w.balance("creator", 1000)
	freeze(UnknownFamily, true)
}

// TestFarAway: K14, R19: somebody insured in another province pays nothing until he is back.
func TestFarAway(t *testing.T) {
	w, n := family(t, 100, nil)
	c, _ := w.state().FindPerson(psn("creator"))
	was := w.state().shared(c).Area
	w.move(c, was+10_000)
	w.stateOf(n, Suspended, OutsideTerritory)
	w.paid("member", 30, 0)
	w.paid("creator", 910, 10)
	w.move(c, was)
	w.stateOf(n, Active, 0)
}
