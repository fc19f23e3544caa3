package ledger

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestTwoChannels: the same pair is bound through two channels at once; the second is a duplicate, also while the first waits (R20).
func TestTwoChannels(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.OfflineReview = 1 })
	w.person("father", 100, 0)
	w.person("child", -1, 0)
	w.person("other", -1, 0)
	got := w.batch(online("father", "child"), counter("father", "child"))
	if got[0].Outcome != Accepted || got[1].Outcome != DuplicateBinding {
		t.Fatalf("%s and %s", got[0].Outcome, got[1].Outcome)
	}
	got = w.batch(counter("father", "other"), online("father", "other"))
	if got[0].Outcome != Accepted || got[0].Source != uint8(InReview) || got[1].Outcome != DuplicateBinding {
		t.Fatalf("%s and %s", got[0].Outcome, got[1].Outcome)
	}
	w.paid("other", 10, 0) // a pending one never pays
	w.paid("child", 10, 10)
}

// TestSteps: K22, F9, C4, K1, C2, K18, C9, each step missing by itself.
func TestSteps(t *testing.T) {
	letter, questions := K([]byte("letter")), K([]byte("questions"))
	w := newWorld(t, func(p *Policy) {
		p.Commitment, p.Questions, p.DataConsentRequired, p.Evouchers = letter, questions, 1, 2
	})
	w.person("a", 100, 0)
	w.person("b", -1, 0)
	w.person("c", -1, 0)
	whole := func() Command {
		cmd := online("a", "b")
		cmd.Steps, cmd.More.Commitment, cmd.More.Questions = StepDataConsent, letter, questions
		return cmd
	}
	for _, x := range []struct {
		want   Outcome
		change func(*Command)
	}{
		{ChannelNotAllowed, func(c *Command) { c.Channel = 3 }},
		{ChannelNotAllowed, func(c *Command) { c.Channel = 255 }},
		{ApplicationMissing, func(c *Command) { c.Channel, c.Login = 2, 4 }},
		{LoginNotAllowed, func(c *Command) { c.Login = 0 }},
		{LoginNotAllowed, func(c *Command) { c.Login = 4 }},
		{LoginNotAllowed, func(c *Command) { c.Login = 9 }},
		{RelationNotAllowed, func(c *Command) { c.Relation = 3 }},
		{RelationNotAllowed, func(c *Command) { c.Relation = 99 }},
		{UnknownUser, func(c *Command) { c.Other = Key{1} }},
		{SelfBinding, func(c *Command) { c.Other = cert("a") }},
		{DataConsentMissing, func(c *Command) { c.Steps = 0 }},
		{CommitmentMissing, func(c *Command) { c.More.Commitment = Key{} }},
		{CommitmentMissing, func(c *Command) { c.More.Commitment = questions }},
		{QuestionsMissing, func(c *Command) { c.More.Questions = Key{} }},
	} {
		cmd := whole()
		x.change(&cmd)
		w.want(x.want, cmd)
	}
	w.want(Accepted, whole())
	second := online("a", "c") // C9, K18: at the first binding only
	second.Steps = StepDataConsent
	w.want(Accepted, second)
}

// TestLetterEachTime: K18 of Hubei.
func TestLetterEachTime(t *testing.T) {
	letter := K([]byte("letter"))
	w := newWorld(t, func(p *Policy) { p.Commitment, p.CommitmentEachTime = letter, 1 })
	w.person("a", 100, 0)
	w.person("b", -1, 0)
	w.person("c", -1, 0)
	cmd := online("a", "b")
	cmd.More.Commitment = letter
	w.want(Accepted, cmd)
	w.want(CommitmentMissing, online("a", "c"))
}

// TestFace: X5, L2 to L4, K9: by the age on the Chinese civil day, also of those born on 29 February and those whose birth date is missing.
func TestFace(t *testing.T) {
	for _, x := range []struct {
		name  string
		birth int32
		day   int32
		want  Outcome
	}{
		{"15 years old", dayNumber(2010, 12, 1), day2025, Accepted},
		{"16 today", dayNumber(2009, 11, 30), day2025, FaceMissing},
		{"16 tomorrow", dayNumber(2009, 12, 1), day2025, Accepted},
		{"16 for long", dayNumber(1955, 1, 1), day2025, FaceMissing},
		{"missing", BirthUnknown, day2025, FaceMissing},
		{"born on 29 February, on 28 February", dayNumber(2012, 2, 29), dayNumber(2028, 2, 28), Accepted},
		{"born on 29 February, on 29 February", dayNumber(2012, 2, 29), dayNumber(2028, 2, 29), FaceMissing},
		{"leap day, common year, 28 February", dayNumber(2012, 2, 29), dayNumber(2029, 2, 28), FaceMissing},
		{"born on 28 February 2013", dayNumber(2013, 2, 28), dayNumber(2029, 2, 27), Accepted},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t, func(p *Policy) { allocated(p); p.ConsentRequired, p.ConsentDays, p.FaceFromAge = 1, 7, 16 })
			w.day = x.day
			w.person("creator", 100, 0)
			w.person("member", -1, x.birth)
			w.want(Accepted, Command{Kind: KindFamilyOpen, Person: psn("creator"), Channel: 1})
			n := w.bind("creator", "member")
			w.want(x.want, consentOf("member", n, true))
			if x.want == FaceMissing {
				w.stateOf(n, Invited, 0)
				passed := consentOf("member", n, true)
				passed.Steps = StepFace
				w.want(Accepted, passed)
			}
			w.stateOf(n, Active, 0)
		})
	}
}

// TestAge: the birthday counts, and 1 March for a leap day in a year without one (L4).
func TestAge(t *testing.T) {
	for _, x := range []struct {
		birth, day int32
		want       int
	}{
		{dayNumber(2012, 2, 29), dayNumber(2013, 2, 28), 0}, {dayNumber(2012, 2, 29), dayNumber(2013, 3, 1), 1},
		{dayNumber(2012, 2, 29), dayNumber(2016, 2, 28), 3}, {dayNumber(2012, 2, 29), dayNumber(2016, 2, 29), 4},
		{dayNumber(1969, 12, 31), dayNumber(1970, 12, 30), 0}, {dayNumber(1969, 12, 31), dayNumber(1970, 12, 31), 1},
	} {
		if got := Age(x.birth, x.day); got != x.want {
			t.Errorf("born on day %d, %d years old on day %d, want %d", x.birth, got, x.day, x.want)
		}
	}
}

// TestConsent: K10: declined, expired on its day, answered by a stranger, withdrawn; an expired one blocks nobody.
func TestConsent(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.ConsentRequired, p.ConsentDays, p.MaxAuthorizers = 1, 7, 1 })
	for _, name := range []string{"a", "b", "u"} {
		w.person(name, 100, 0)
	}
	n := w.bind("a", "u")
	w.stateOf(n, Invited, 0)
	w.want(TooManyAuthorizers, online("b", "u")) // K4: the invitation counts
	w.want(UnknownBinding, consentOf("b", n, true))
	w.want(UnknownBinding, consentOf("u", 99, true))
	w.want(UnknownPerson, consentOf("nobody", n, true))
	w.want(Accepted, consentOf("u", n, false))
	w.stateOf(n, Rejected, 0)
	w.want(NotPending, consentOf("u", n, true))

	n = w.bind("a", "u")
	w.day += 6
	w.stateOf(n, Invited, 0)
	w.day++
	w.stateOf(n, Expired, 0)
	w.want(InvitationExpired, consentOf("u", n, true))
	w.want(InvitationExpired, consentOf("u", n, true)) // the same, now that the row says so
	w.stateOf(n, Expired, 0)

	n = w.bind("a", "u")
	w.day += 7
	m := w.bind("b", "u") // met by another binding
	w.want(InvitationExpired, Command{Kind: KindBindingWithdraw, Person: psn("a"), Binding: n})
	w.want(UnknownBinding, Command{Kind: KindBindingWithdraw, Person: psn("a"), Binding: m})
	w.want(Accepted, Command{Kind: KindBindingWithdraw, Person: psn("b"), Binding: m})
	w.stateOf(m, Unbound, 0)
	w.want(NotPending, Command{Kind: KindBindingWithdraw, Person: psn("b"), Binding: m})
	w.want(NotPending, consentOf("u", m, true))

	n = w.bind("a", "u")
	w.day += 3
	w.want(Accepted, consentOf("u", n, true))
	if since := DayOf(w.state().Bindings.At(n).Since); since != w.day { // the 3 months begin when it becomes active
		t.Errorf("since day %d, want %d", since, w.day)
	}
	w.want(NotPending, Command{Kind: KindBindingWithdraw, Person: psn("a"), Binding: n})
}

// TestLateActivation: an invitation answered late takes the place of its number in the patient's list (D4, ties in binding order).
func TestLateActivation(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.ConsentRequired, p.ConsentDays = 1, 7 })
	for _, name := range []string{"a", "b", "c"} {
		w.person(name, 100, 0)
	}
	w.person("u", -1, 0)
	first := w.bind("a", "u")
	w.policy(Accepted, nil)
	w.bind("b", "u")
	w.policy(Accepted, func(p *Policy) { p.ConsentRequired, p.ConsentDays = 1, 7 })
	third := w.bind("c", "u")
	w.want(Accepted, consentOf("u", third, true))
	w.want(Accepted, consentOf("u", first, true))
	w.paid("u", 250, 250)
	if got, want := w.amounts(), "1:0 -100; 1:1 -100; 1:2 -50; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
}

// TestReview: K19, G3: preconditions are judged again at approval; the authorizer's insurance pauses meanwhile and comes back.
func TestReview(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.OfflineReview = 1 })
	w.person("a", 100, 0)
	w.person("u", -1, 0)
	n := w.want(Accepted, counter("a", "u")).Number
	w.stateOf(n, InReview, 0)
	w.insured("a", 2)
	w.want(AuthorizerNotEligible, reviewOf(n, true))
	w.stateOf(n, InReview, 0)
	w.day++
	w.insured("a", 1)
	w.want(Accepted, reviewOf(n, true))
	w.stateOf(n, Active, 0)
	w.want(NotPending, reviewOf(n, true))
	w.want(UnknownBinding, reviewOf(9, true))
	w.paid("u", 10, 10)

	leave := unbindAll("a", n) // G4: leaving at the counter goes to the clerk too
	leave.Channel = 2
	w.want(ApplicationMissing, leave)
	leave.Steps = StepApplication
	w.want(Accepted, leave)
	if got := w.fx.Items[0].Outcome; got != WaitsForReview {
		t.Fatalf("%s", got)
	}
	w.paid("u", 10, 10) // it pays until the clerk has decided
	w.want(Accepted, reviewOf(n, false))
	w.want(NotPending, reviewOf(n, true))
	w.want(Accepted, leave)
	w.want(Accepted, reviewOf(n, true))
	w.stateOf(n, Unbound, 0)
	w.paid("u", 10, 0)
	n = w.want(Accepted, counter("a", "u")).Number
	w.want(Accepted, reviewOf(n, false))
	w.stateOf(n, Rejected, 0)
}

// TestUnbindThree: X4, U1, U2, U5: three members in one call, one bound for 2 months and 29 days: that one refused, the others unbound.
func TestUnbindThree(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.MinBindMonths = 3 })
	w.day = dayNumber(2026, 3, 10)
	w.person("a", 100, 0)
	var numbers []uint32
	for i := range 3 {
		w.person(fmt.Sprint(i), -1, 0)
		numbers = append(numbers, w.bind("a", fmt.Sprint(i)))
		if i == 1 {
			w.day++
		}
	}
	w.day = dayNumber(2026, 6, 10) // the third: since 11 March, 2 months and 29 days and more
	w.want(Accepted, unbindAll("a", numbers...))
	want := []Item{{0, Accepted, 0}, {1, Accepted, 0}, {2, Locked, dayNumber(2026, 6, 11)}}
	for i, item := range w.fx.Items {
		if item != want[i] {
			t.Errorf("%+v, want %+v", item, want[i])
		}
	}
}

// TestUnbindForty: U1, K5: 40 members in one call, three of them locked.
func TestUnbindForty(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.MinBindMonths = 3 })
	w.person("a", 100, 0)
	var numbers []uint32
	for i := range 40 {
		if i == 37 {
			w.day += 20
		}
		w.person(fmt.Sprint(i), -1, 0)
		numbers = append(numbers, w.bind("a", fmt.Sprint(i)))
	}
	w.day = dayNumber(2026, 2, 28) // three months after 30 November
	w.want(Accepted, unbindAll("a", numbers...))
	ended, locked := 0, 0
	for i, item := range w.fx.Items {
		switch {
		case item.Outcome == Accepted && i < 37:
			ended++
		case item.Outcome == Locked && i >= 37 && item.Earliest == dayNumber(2026, 3, 20):
			locked++
		}
	}
	if ended != 37 || locked != 3 {
		t.Fatalf("%d ended, %d locked", ended, locked)
	}
	a, _ := w.state().FindPerson(psn("a"))
	left := 0
	for i := w.state().Persons.At(a).Shares; i != 0; i = w.state().Bindings.At(i - 1).NextShare {
		left++
	}
	if left != 3 {
		t.Errorf("%d members left", left)
	}
}

// TestUnbindableFrom: U2, K5 as a property: the day shown is the first on which unbinding succeeds, whatever the month's end or the leap year.
func TestUnbindableFrom(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		months := rapid.IntRange(0, 24).Draw(r, "months")
		w := newWorld(t, func(p *Policy) { p.MinBindMonths = uint8(months) })
		w.day = day2025 + int32(rapid.IntRange(0, 1500).Draw(r, "day"))
		if rapid.Bool().Draw(r, "edge") {
			w.day = rapid.SampledFrom([]int32{dayNumber(2028, 2, 29), dayNumber(2027, 11, 29), dayNumber(2027, 11, 30), dayNumber(2026, 1, 31), dayNumber(2026, 12, 31)}).Draw(r, "month's end")
		}
		w.ms = rapid.SampledFrom([]int64{0, dayMS / 2, dayMS - 1}).Draw(r, "time")
		w.person("a", 100, 0)
		w.person("u", -1, 0)
		n := w.bind("a", "u")
		c := w.context()
		earliest := UnbindableFrom(&c.Policy, w.state().Bindings.At(n))
		if by, bm, bd := civil(w.day); true { // another way to say it: the same day of the month, or its last
			y, m := by+(bm-1+months)/12, (bm-1+months)%12+1
			if earliest != dayNumber(y, m, min(bd, daysInMonth(y, m))) {
				r.Fatalf("%d-%d-%d and %d months: day %d", by, bm, bd, months, earliest)
			}
		}
		try := func() Outcome { w.batch(unbindAll("a", n)); return w.fx.Items[0].Outcome }
		if w.day < earliest {
			w.day, w.ms = earliest-1, dayMS-1
			if o := try(); o != Locked || w.fx.Items[0].Earliest != earliest {
				r.Fatalf("on the last locked day: %s", o)
			}
			w.day, w.ms = earliest, 0
		}
		if o := try(); o != Accepted {
			r.Fatalf("on the first free day: %s", o)
		}
	})
}

// TestUnbindRaces: the log's order decides between an unbinding and a settlement of one batch.
// T20: defect_unbind_late.
func TestUnbindRaces(t *testing.T) {
	w := newWorld(t, nil)
	w.person("a", 100, 0)
	w.person("u", -1, 0)
	n := w.bind("a", "u")
	got := w.batch(billOf("u", 10), unbindAll("a", n), billOf("u", 10))
	if got[0].Mulaid != 10 || got[1].Outcome != Accepted || got[2].Mulaid != 0 || got[2].Cash != 10 {
		t.Fatalf("%+v", got)
	}
	w.balance("a", 90)
}

// TestWhoMayUnbind: R21: the user by the knob, the bureau by force with two persons, whatever the lock.
func TestWhoMayUnbind(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.MinBindMonths, p.UserMayUnbind = 3, 0 })
	w.person("a", 100, 0)
	w.person("u", -1, 0)
	n := w.bind("a", "u")
	leave := unbindAll("u", n)
	leave.AsUser = true
	w.want(NotAllowed, leave)
	force := Command{Kind: KindForcedUnbinding, Binding: n, Reason: 1, Person: Key{1}, Other: Key{1}}
	w.want(SameOperator, force)
	force.Other = Key{2}
	force.Binding = 7
	w.want(UnknownBinding, force)
	force.Binding = n
	w.want(Accepted, force)
	w.want(NotBound, force)
	n = w.bind("a", "u")
	w.policy(Accepted, func(p *Policy) { p.UserMayUnbind = 1 })
	leave.More.Bindings[0] = n
	w.want(Accepted, leave)
	w.stateOf(n, Unbound, 0)
}

// TestSuspension: R20, R19, design.md 6: by itself and back by itself.
func TestSuspension(t *testing.T) {
	w := newWorld(t, nil)
	w.person("a", 1000, 0)
	w.person("b", 1000, 0)
	w.person("u", 0, 0)
	n, m := w.bind("a", "u"), w.bind("b", "u")
	w.paid("u", 1500, 1500)
	w.insured("a", 2)
	w.stateOf(n, Suspended, AuthorizerNotEligible)
	w.paid("u", 800, 500)
	w.insured("a", 1)
	w.stateOf(n, Active, 0)
	w.want(Accepted, Command{Kind: KindCredit, Person: psn("a"), Amount: 1000, Source: 1})

	w.policy(Accepted, func(p *Policy) { p.Relations = 1 << 2 })
	w.stateOf(n, Suspended, RelationNotAllowed)
	w.paid("u", 100, 0)
	w.policy(Accepted, func(p *Policy) { p.MaxFamilies = 1 }) // more than one family: none, until one is chosen
	w.stateOf(n, Suspended, InOtherFamily)
	w.paid("u", 100, 0)
	w.want(Accepted, unbindAll("b", m))
	w.stateOf(n, Active, 0)
	w.paid("u", 100, 100)

	w.policy(Accepted, func(p *Policy) { p.RequireNormalUser = 1 })
	w.insured("u", 2)
	w.stateOf(n, Suspended, UserNotNormal)
	w.paid("u", 100, 0)
	w.insured("u", 1)
	w.paid("u", 100, 100)
	w.policy(Accepted, allocated)
	w.stateOf(n, Suspended, UnknownFamily)
	w.paid("u", 100, 0)
}

// TestOneFamilyAtATime: K4 without family accounts: an authorizer is a family, own members are one.
func TestOneFamilyAtATime(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.MaxFamilies = 1 })
	for _, name := range []string{"a", "b", "c", "d"} {
		w.person(name, 100, 0)
	}
	w.bind("a", "b")
	w.want(InOtherFamily, online("c", "b")) // the user would be in two
	w.want(InOtherFamily, online("b", "c")) // the authorizer
	w.want(InOtherFamily, online("c", "a")) // the user has a family of his own
	w.bind("a", "c")
	w.bind("a", "d")
}

// TestDebitOrder: R22, D4, D5: the own account in the middle, a new binding last, and every wrong list.
func TestDebitOrder(t *testing.T) {
	w := newWorld(t, func(p *Policy) { p.SelfFirst = 0 })
	w.person("u", 40, 0)
	w.person("poor", -1, 0)
	var numbers []uint32
	for _, name := range []string{"a", "b", "c"} {
		w.person(name, 100, 0)
		numbers = append(numbers, w.bind(name, "u"))
	}
	foreign := w.bind("a", "poor")
	order := func(who string, list ...uint32) Command {
		return Command{Kind: KindDebitOrder, Person: psn(who), More: &More{Bindings: list}}
	}
	a, b, c := numbers[0], numbers[1], numbers[2]
	w.want(UnknownPerson, order("nobody"))
	w.want(OrderIncomplete, order("u", a, b))
	w.want(OrderIncomplete, order("u"))
	w.want(OrderRepeats, order("u", a, b, a, c))
	w.want(OrderRepeats, order("u", a, SelfElement, b, SelfElement, c))
	w.want(UnknownBinding, order("u", a, b, c, 99))
	w.want(UnknownBinding, order("u", a, b, c, foreign))
	w.want(NoAccount, order("poor", foreign, SelfElement))
	w.want(Accepted, order("u", c, SelfElement, a, b))
	w.paid("u", 230, 190)
	if got, want := w.amounts(), "1:4 -100; 1:0 -40; 1:2 -90; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	w.person("d", 100, 0)
	d := w.bind("d", "u") // goes last
	w.paid("u", 150, 150)
	if got, want := w.amounts(), "1:2 -10; 1:3 -100; 1:5 -40; "; got != want {
		t.Errorf("legs %s, want %s", got, want)
	}
	w.want(Accepted, unbindAll("d", d))
	w.want(NotBound, order("u", a, b, c, d))
	w.want(Accepted, order("u", a, b, c)) // without the own account: last, as without a list
	w.policy(Accepted, nil)
	w.want(SelfNotAllowed, order("u", a, b, c, SelfElement))
}
