package model

import "testing"

// TestFreezeByHand: R21. Own and lent money stay, credits and refunds come in, the next source pays.
func TestFreezeByHand(t *testing.T) {
	w := newWorld(t, orderedSelfFirst)
	w.person("a", 100)
	w.person("b", 100)
	w.person("child", -1)
	w.bind("a", "child", 1)
	w.bind("b", "child", 2)
	paid := Position(w.sequence+1, 0)
	w.want(Accepted, bill("child", 10))
	ab := [2]Key{{1}, {2}}
	w.want(SameOperator, Freeze{Psn: psnOf("a"), Frozen: true, Operators: [2]Key{{1}, {1}}})
	w.want(NoAccount, Freeze{Psn: psnOf("child"), Frozen: true, Operators: ab})
	w.want(NotFrozen, Freeze{Psn: psnOf("a"), Operators: ab})
	w.want(Accepted, Freeze{Psn: psnOf("a"), Frozen: true, Operators: ab})
	w.want(AlreadyFrozen, Freeze{Psn: psnOf("a"), Frozen: true, Operators: ab})
	same(t, "b pays", w.want(Accepted, bill("child", 10)).Legs[0].Account, w.account("b"))
	same(t, "a pays cash", w.want(Accepted, bill("a", 10)).Cash, int64(10))
	w.want(Accepted, Credit{Psn: psnOf("a"), Amount: 5, Source: 1})
	w.want(Accepted, ReversalByID{Settlement: paid, Institution: "H1", Psn: psnOf("child")})
	w.balance("a", 105)
	w.want(Accepted, Freeze{Psn: psnOf("a"), Operators: ab})
	w.switchTo(2, 3)
	w.want(Accepted, FamilyOpen{Creator: psnOf("a"), Channel: 1})
	w.want(Accepted, Allocation{Creator: psnOf("a"), Amount: 50, Channel: 1})
	w.want(Accepted, Freeze{Psn: psnOf("a"), Frozen: true, Operators: ab})
	w.want(AccountFrozen, Allocation{Creator: psnOf("a"), Amount: 1, Channel: 1})
	same(t, "from the family", w.want(Accepted, bill("a", 10)).Mulaid, int64(10))
	w.want(Accepted, Freeze{IsFamily: true, Frozen: true, Operators: ab})
	same(t, "cash", w.want(Accepted, bill("a", 10)).Cash, int64(10))
	w.want(UnknownFamily, Freeze{IsFamily: true, Family: 1, Frozen: true, Operators: ab})
}

// TestPasswordsByHand: R23, K20. Two tries lock for an hour; a refused bill counts as well; the lock ends on the minute.
func TestPasswordsByHand(t *testing.T) {
	p := orderedSelfFirst
	p.PasswordTries, p.LockMinutes = 2, 60
	w := newWorld(t, p)
	w.person("a", 100)
	w.person("b", 100)
	w.person("child", -1)
	w.bind("a", "child", 1)
	w.bind("b", "child", 2)
	right, wrong := Key{1}, Key{2}
	pay := func(want int64, typed ...Typed) {
		t.Helper()
		c := bill("child", 10)
		c.Passwords = typed
		same(t, "paid", w.want(Accepted, c).Mulaid, want)
	}
	a, bad := Typed{psnOf("a"), right}, Typed{psnOf("a"), wrong}
	pay(0, a) // he has none
	w.want(Accepted, Password{Psn: psnOf("a"), Action: passwordSet, New: right})
	w.want(PasswordExists, Password{Psn: psnOf("a"), Action: passwordSet, New: right})
	w.want(NoPassword, Password{Psn: psnOf("b"), Action: passwordChange, Old: right, New: right})
	pay(0)
	pay(10, a)
	pay(0, bad)
	pay(10, a, bad) // the first pair counts
	pay(0, bad, a)
	refused := bill("child", 1000)
	refused.Passwords, refused.OnShortfall = []Typed{bad}, 1
	w.want(ShortOfFunds, refused)
	pay(0, a) // locked by the refused bill
	w.want(PasswordLocked, Password{Psn: psnOf("a"), Action: passwordChange, Old: right, New: wrong})
	w.timeMS += 60*60*1000 - 1
	pay(0, a)
	w.timeMS++
	pay(10, a)
	w.want(WrongPassword, Password{Psn: psnOf("a"), Action: passwordChange, Old: wrong, New: wrong})
	w.want(Accepted, Password{Psn: psnOf("a"), Action: passwordChange, Old: right, New: wrong})
	pay(10, bad)
	w.want(Accepted, Password{Psn: psnOf("a"), Action: passwordReset})
	pay(0, bad)
	w.balance("a", 60)
}

// TestVisits: R19. The patient is judged on the visit's first day, those who lend today; a day to come is today.
func TestVisits(t *testing.T) {
	w := newWorld(t, orderedSelfFirst)
	w.person("a", 100)
	w.person("b", 100)
	w.bind("b", "a", 0)
	w.want(Accepted, Enrolment{Psn: psnOf("a"), Insurance: Insurance{Insutype: employee, Status: 4, Begin: testDay - 3, Reason: reasonDead}})
	visit := func(outcome int, day int32, medfee int64) Result {
		t.Helper()
		c := bill("a", medfee)
		c.Visit = day
		return w.want(outcome, c)
	}
	visit(StatusForbids, 0, 10)
	visit(StatusForbids, testDay-3, 10)
	visit(StatusForbids, testDay+1, 10)
	same(t, "own, then the relative", amounts(visit(Accepted, testDay-4, 120).Legs), []int64{-100, -20})
	w.want(StatusForbids, Credit{Psn: psnOf("a"), Amount: 1, Source: 1})
	w.want(Accepted, Enrolment{Psn: psnOf("b"), Insurance: Insurance{Insutype: employee, Status: 4, Begin: testDay, Reason: reasonDead}})
	same(t, "the dead lend nothing, whenever the visit began", visit(Accepted, testDay-4, 10).Cash, int64(10))
	w.want(StatusForbids, Unbinding{Channel: 1, Actor: psnOf("b"), Bindings: []uint32{0}})
}
