package ledger

import "testing"

func reversible(p *Policy) { p.CancelReversible = 1 }

func named(id string, cmd Command) Command {
	cmd.ID, cmd.Digest = K([]byte("message"), []byte(id)), 1
	return cmd
}

// byMessage undoes a settlement (kind 1) or redoes it (kind 2) by the message id of what is undone.
func byMessage(patient, original string, kind OriginalKind) Command {
	return Command{Kind: KindReversalByMessage, Institution: NewCode([]byte("H1")), Person: psn(patient), Other: K([]byte("message"), []byte(original)), Original: kind}
}

// bound is a world with a patient of 20 fen and an authorizer of 100, and a settlement "bill" of 50 that is cancelled by message "cancel".
func bound(t *testing.T, change func(*Policy)) (w *world, at Position) {
	t.Helper()
	w = newWorld(t, change)
	w.person("father", 100, 0)
	w.person("son", 20, 0)
	w.bind("father", "son")
	w.want(Accepted, named("bill", billOf("son", 50)))
	at = At(w.sequence, 0)
	w.want(Accepted, named("cancel", byMessage("son", "bill", OriginalSettlement)))
	return w, at
}

func (w *world) payable(want int64) {
	w.t.Helper()
	if got := w.state().Institutions.At(0).Payable; got != want {
		w.t.Fatalf("payable %d fen, want %d", got, want)
	}
}

// TestRedo: R11, R12: exactly the same legs again, in the same order, whatever became of binding and standing; the marks chain from the settlement to
// its living end; what lives can be cancelled again by either way, with a new message id.
func TestRedo(t *testing.T) {
	w, at := bound(t, reversible)
	w.want(Accepted, unbindAll("father", 0))
	w.insured("father", 2)
	w.want(Accepted, Command{Kind: KindEnrolment, Person: psn("son"), More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Begin: w.day, Reason: ReasonDead}}}})
	w.payable(0)
	redo := named("redo", byMessage("son", "cancel", OriginalReversal))
	f := w.want(Accepted, redo)
	if got, want := w.amounts(), "1:1 -20; 1:0 -30; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	if !f.IsRedo() || f.First != at || f.Own != 20 || f.Mulaid != 30 || f.Balc != 0 || f.Prev != 0 {
		t.Errorf("%+v", f)
	}
	w.payable(50)
	redone := At(w.sequence, 0)
	if end, steps := UndoChain(w.ledger.IDs, at); end != redone || steps != 2 {
		t.Errorf("chain ends at %d after %d steps, want %d after 2", end, steps, redone)
	}
	w.want(Repeated, redo)
	w.want(AlreadyReversed, byMessage("son", "cancel", OriginalReversal))
	w.want(WrongOriginalKind, byMessage("son", "redo", OriginalReversal)) // to undo a redo the settlement is cancelled
	w.want(UnknownSettlement, reversalOf("son", redone))
	w.want(WrongOriginalKind, byMessage("son", "redo", OriginalSettlement))
	w.want(WrongPerson, reversalOf("father", at))
	again := w.want(Accepted, named("cancel again", reversalOf("son", at)))
	if got, want := w.amounts(), "1:1 +20; 1:0 +30; "; got != want || again.First != at || again.Source != 0 {
		t.Errorf("legs %s, want %s; %+v", got, want, again)
	}
	if e, found := w.ledger.IDs.Find(UndoKey(redone)); !found || e.Position != At(w.sequence, 0) {
		t.Errorf("mark of the redo: %+v %t", e, found)
	}
	w.want(AlreadyReversed, reversalOf("son", at))
	w.want(AlreadyReversed, byMessage("son", "cancel", OriginalReversal)) // not the last cancel
	w.want(Accepted, byMessage("son", "cancel again", OriginalReversal))
	w.payable(50)
}

// TestRedoRefused: R11: the knob, whose it is, and what was not undone.
func TestRedoRefused(t *testing.T) {
	w, at := bound(t, nil)
	redo := byMessage("son", "cancel", OriginalReversal)
	w.want(CancelFinal, redo)
	w.policy(Accepted, reversible)
	wrong := redo
	wrong.Person = psn("father")
	w.want(WrongPerson, wrong)
	w.want(Accepted, Command{Kind: KindInstitutionAdd, Institution: NewCode([]byte("H2")), InstitutionOf: 1})
	elsewhere := redo
	elsewhere.Institution = NewCode([]byte("H2"))
	w.want(UnknownSettlement, elsewhere)
	elsewhere.Institution = NewCode([]byte("H3"))
	w.want(UnknownInstitution, elsewhere)
	w.want(WrongOriginalKind, byMessage("son", "bill", OriginalReversal))
	w.want(AlreadyReversed, named("late", reversalOf("son", at)))
	w.want(NothingToUndo, byMessage("son", "late", OriginalReversal))
	w.want(Tombstoned, named("early", byMessage("son", "never", OriginalSettlement)))
	w.want(NothingToUndo, byMessage("son", "early", OriginalReversal))
	w.payable(0)
	w.want(Accepted, redo)
}

// TestRedoOvertakes: R11, P8: a redo that comes before its cancel blocks it, by id or by message; the settlement stands.
func TestRedoOvertakes(t *testing.T) {
	w := newWorld(t, reversible)
	w.person("son", 100, 0)
	w.want(Accepted, named("bill", billOf("son", 50)))
	at := At(w.sequence, 0)
	for id, cancel := range map[string]Command{"by id": reversalOf("son", at), "by message": byMessage("son", "bill", OriginalSettlement)} {
		w.want(Tombstoned, byMessage("son", id, OriginalReversal))
		w.want(Blocked, named(id, cancel))
		w.want(Blocked, named(id, cancel))
		w.want(IDReused, named(id, billOf("son", 1)))
		w.want(AlreadyReversed, byMessage("son", id, OriginalReversal))
		w.want(WrongOriginalKind, byMessage("son", id, OriginalSettlement))
	}
	w.payable(50)
	w.balance("son", 50)
}

// TestRedoWholeOrNothing: R11, R21: one account short, or frozen, and nothing is debited; the redo can be tried again.
func TestRedoWholeOrNothing(t *testing.T) {
	w, _ := bound(t, reversible)
	redo := byMessage("son", "cancel", OriginalReversal)
	w.want(Accepted, Command{Kind: KindAccountDebit, Person: psn("father"), Amount: 71, Source: 1, Second: Key{1}})
	w.want(ShortOfFunds, redo)
	w.balance("son", 20)
	w.balance("father", 29)
	w.payable(0)
	w.want(Accepted, Command{Kind: KindCredit, Person: psn("father"), Amount: 1, Source: 1})
	for _, name := range []string{"father", "son"} {
		freeze := Command{Kind: KindFreeze, Person: psn(name), More: &More{Freeze: Freeze{Frozen: true, Operators: [2]Key{{1}, {2}}}}}
		w.want(Accepted, freeze)
		w.want(AccountIsFrozen, redo)
		freeze.More.Freeze.Frozen = false
		w.want(Accepted, freeze)
	}
	w.want(Accepted, redo)
	w.balance("father", 0)
}

// TestRedosMax: after RedosMax redos a cancel is final.
func TestRedosMax(t *testing.T) {
	w, at := bound(t, reversible)
	last := "cancel"
	for n := range RedosMax {
		w.want(Accepted, byMessage("son", last, OriginalReversal))
		last = string('a' + rune(n))
		w.want(Accepted, named(last, reversalOf("son", at)))
	}
	w.want(CancelFinal, byMessage("son", last, OriginalReversal))
	w.want(AlreadyReversed, reversalOf("son", at))
	if _, steps := UndoChain(w.ledger.IDs, at); steps != 2*RedosMax+1 {
		t.Errorf("%d steps", steps)
	}
	w.payable(0)
	w.balance("father", 100)
}

// TestRedoPaidByOthers: Q3, R28: a redo in which only others pay is an entry of the patient's, without a leg.
func TestRedoPaidByOthers(t *testing.T) {
	w := newWorld(t, reversible)
	w.person("father", 100, 0)
	w.person("son", -1, 0)
	w.bind("father", "son")
	w.want(Accepted, named("bill", billOf("son", 50)))
	w.want(Accepted, named("cancel", byMessage("son", "bill", OriginalSettlement)))
	cancelled := At(w.sequence, 0)
	f := w.want(Accepted, byMessage("son", "cancel", OriginalReversal))
	n, _ := w.state().FindPerson(psn("son"))
	if f.Prev != cancelled || w.state().Persons.At(n).Last != At(w.sequence, 0) || f.Balc != 0 {
		t.Errorf("%+v, last entry %d", f, w.state().Persons.At(n).Last)
	}
}

// TestRedoAfterDissolution: R24: what went on to the creator is taken from him, through the closed account; he may owe for himself too, and for both
// together he must have enough.
func TestRedoAfterDissolution(t *testing.T) {
	w, _ := family(t, 100, reversible)
	w.want(Accepted, named("member", billOf("member", 50)))
	w.want(Accepted, named("creator", billOf("creator", 930)))
	w.want(Accepted, named("cancel creator", byMessage("creator", "creator", OriginalSettlement)))
	w.want(Accepted, dissolve("creator"))
	w.want(Accepted, named("cancel member", byMessage("member", "member", OriginalSettlement)))
	w.balance("creator", 1000)
	w.want(Accepted, Command{Kind: KindAccountDebit, Person: psn("creator"), Amount: 71, Source: 1, Second: Key{1}})
	w.want(ShortOfFunds, byMessage("creator", "cancel creator", OriginalReversal)) // 900 of his own, 30 through his family
	w.want(Accepted, Command{Kind: KindCredit, Person: psn("creator"), Amount: 1, Source: 1})
	f := w.want(Accepted, byMessage("creator", "cancel creator", OriginalReversal))
	if got, want := w.amounts(), "1:0 -900; 1:0 -30; 2:0 +30; 2:0 -30; "; got != want || f.Balc != 0 {
		t.Errorf("legs %s, want %s; balc %d", got, want, f.Balc)
	}
	now := At(w.sequence, 0)
	legs := w.legs[now]
	if legs[0].Prev >= now || legs[1].Prev != now || legs[2].Prev >= now || legs[3].Prev != now {
		t.Errorf("chain %+v", legs)
	}
	w.want(ShortOfFunds, byMessage("member", "cancel member", OriginalReversal))
	w.want(Accepted, Command{Kind: KindCredit, Person: psn("creator"), Amount: 30, Source: 1})
	w.want(Accepted, byMessage("member", "cancel member", OriginalReversal))
	if got, want := w.amounts(), "1:1 -20; 1:0 -30; 2:0 +30; 2:0 -30; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	w.balance("creator", 0)
}

// TestRedoAreas: R18: a redo records the areas of the settlement and owes again.
func TestRedoAreas(t *testing.T) {
	w := newWorld(t, reversible)
	w.person("father", 100, 0)
	w.person("son", -1, 0)
	w.bind("father", "son")
	father, _ := w.state().FindPerson(psn("father"))
	son, _ := w.state().FindPerson(psn("son"))
	w.move(father, 420100)
	w.move(son, 420500)
	w.want(Accepted, named("bill", billOf("son", 50)))
	w.want(Accepted, named("cancel", byMessage("son", "bill", OriginalSettlement)))
	w.move(father, 420500)
	f := w.want(Accepted, byMessage("son", "cancel", OriginalReversal))
	if got := w.state().Balance(DueAccount(4201, 4205, false)); got != 50 || f.Area != 420500 || w.legs[At(w.sequence, 0)][0].Area != 420100 {
		t.Errorf("due %d fen, want 50; %+v", got, f)
	}
}

// TestCreditedCategory: R7: who is normally employed is credited only in a category with an account; what comes late to others arrives.
func TestCreditedCategory(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.Categories = CategoryEmployed | CategoryRetired })
	enrol := func(psnType uint32, flexible, status uint8) {
		w.want(Accepted, Command{Kind: KindEnrolment, Person: psn("a"), More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Status: status, PsnType: psnType, Flexible: flexible, Begin: w.day}}}})
	}
	w.want(Accepted, Command{Kind: KindPerson, Person: psn("a"), Other: cert("a"), Has: HasAccount, More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Status: StatusNormal, PsnType: 11}}}})
	credit := Command{Kind: KindCredit, Person: psn("a"), Amount: 10, Source: 1}
	w.want(Accepted, credit)
	enrol(11, 1, StatusNormal) // flexible
	w.want(CategoryNotAllowed, credit)
	w.paid("a", 5, 0) // his account is a fact
	w.balance("a", 5)
	enrol(11, 1, 2)
	w.want(Accepted, credit) // paused: late
	enrol(12, 1, StatusNormal)
	w.want(Accepted, credit)
	enrol(21, 0, StatusNormal)
	w.want(CategoryNotAllowed, credit)
	w.policy(Accepted, nil) // no categories: everybody
	w.want(Accepted, credit)
}
