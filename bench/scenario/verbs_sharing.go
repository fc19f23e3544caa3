package scenario

import (
	"fmt"
	"math/bits"
	"strconv"
	"time"

	"gongji/engine"
	"gongji/engine/ledger"
)

// ways are a channel of the policy in force, a way to sign in that it has, and what a binding must name.
type ways struct {
	policy         ledger.Policy
	channel, login uint8
}

// ways gives the first channel that is no counter, or the first that is one.
func (p *Player) ways(counter bool) (w ways, err error) {
	err = p.see(func(v engine.View) error {
		var found bool
		if w.policy, found = v.State.PolicyAt(p.clock.Wall()); !found {
			return fmt.Errorf("no policy")
		}
		return nil
	})
	channels := w.policy.Channels &^ w.policy.Counters
	if counter {
		channels = w.policy.Counters
	}
	w.channel = uint8(bits.TrailingZeros32(channels))
	for i, takes := range w.policy.Logins {
		if w.login == 0 && ledger.In(takes, w.channel) {
			w.login = uint8(i + 1)
		}
	}
	return w, err
}

// application makes a binding with every step that a profile can ask for; words leave some out.
func (p *Player) application(a *args) (*ledger.Command, error) {
	w, err := p.ways(a.flag("counter"))
	cmd := &ledger.Command{Kind: ledger.KindBinding, ID: p.id(), Relation: 5, Channel: w.channel, Login: w.login,
		Steps: ledger.StepDataConsent | ledger.StepApplication | ledger.StepFace, More: &ledger.More{Commitment: w.policy.Commitment, Questions: w.policy.Questions}}
	for word, leave := range map[string]func(){
		"no-login": func() { cmd.Login = 0 }, "no-letter": func() { cmd.More.Commitment = ledger.Key{} }, "no-questions": func() { cmd.More.Questions = ledger.Key{} },
		"no-data-consent": func() { cmd.Steps &^= ledger.StepDataConsent }, "no-application": func() { cmd.Steps &^= ledger.StepApplication },
		"no-face": func() { cmd.Steps &^= ledger.StepFace },
	} {
		if a.flag(word) {
			leave()
		}
	}
	return cmd, err
}

// bind AUTHORIZER USER [relation 5] [channel 1] [order 2] [counter] [no-consent] [no-login] [no-letter] [no-questions] [no-data-consent]
// [no-application] [no-face]: takes every step the profile in force asks for, but for those left out; where it asks the user too, he consents at
// once. At a counter it waits for its review.
func bind(p *Player, a *args) ([]string, error) {
	authorizer, err := a.next()
	if err != nil {
		return nil, err
	}
	user, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd, err := p.application(a)
	if err != nil {
		return nil, err
	}
	cmd.Other = pseudonym(user)
	if cmd.Person, err = p.person(authorizer); err != nil {
		return nil, err
	}
	for _, n := range []struct {
		name string
		set  func(uint64)
	}{{"relation", func(v uint64) { cmd.Relation = uint8(v) }}, {"channel", func(v uint64) { cmd.Channel = uint8(v) }}, {"order", func(v uint64) { cmd.Order = uint16(v) }}} {
		if text := a.value(n.name); text != "" {
			v, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return nil, err
			}
			n.set(v)
		}
	}
	waits := a.flag("no-consent")
	r, err := p.do(cmd, nil)
	if err != nil || r.Effect.Outcome != ledger.Accepted {
		return []string{r.Effect.Outcome.String()}, err
	}
	p.bindings[authorizer+" "+user] = r.Effect.Number
	if ledger.BindingState(r.Effect.Source) != ledger.Invited || waits {
		return []string{r.Effect.Outcome.String()}, nil
	}
	key, err := p.person(user)
	if err != nil {
		return nil, err
	}
	return p.plain(&ledger.Command{Kind: ledger.KindBindingConsent, ID: p.id(), Person: key, Binding: r.Effect.Number, Accept: true, Steps: ledger.StepFace}, nil)
}

// pair reads AUTHORIZER USER and gives their keys and the number of their last binding.
func (p *Player) pair(a *args) (authorizer, user ledger.Key, n uint32, err error) {
	first, err := a.next()
	if err != nil {
		return
	}
	second, err := a.next()
	if err != nil {
		return
	}
	if authorizer, err = p.person(first); err != nil {
		return
	}
	if user, err = p.person(second); err != nil {
		return
	}
	n, found := p.bindings[first+" "+second]
	if !found {
		err = fmt.Errorf("%s was never bound to %s", second, first)
	}
	return
}

// consent AUTHORIZER USER [decline] [no-face]: the user's answer.
func consent(p *Player, a *args) ([]string, error) {
	_, user, n, err := p.pair(a)
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindBindingConsent, ID: p.id(), Person: user, Binding: n, Accept: !a.flag("decline"), Steps: ledger.StepFace}
	if a.flag("no-face") {
		cmd.Steps = 0
	}
	return p.plain(cmd, nil)
}

// review AUTHORIZER USER [reject]: a clerk's decision.
func review(p *Player, a *args) ([]string, error) {
	_, _, n, err := p.pair(a)
	if err != nil {
		return nil, err
	}
	return p.plain(&ledger.Command{Kind: ledger.KindBindingReview, ID: p.id(), Binding: n, Accept: !a.flag("reject")}, nil)
}

// withdraw AUTHORIZER USER: the authorizer takes an invitation back.
func withdraw(p *Player, a *args) ([]string, error) {
	authorizer, _, n, err := p.pair(a)
	if err != nil {
		return nil, err
	}
	return p.plain(&ledger.Command{Kind: ledger.KindBindingWithdraw, ID: p.id(), Person: authorizer, Binding: n}, nil)
}

// force-unbind AUTHORIZER USER [alone]: two officers end a binding, or one tries to.
func forceUnbind(p *Player, a *args) ([]string, error) {
	_, _, n, err := p.pair(a)
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindForcedUnbinding, ID: p.id(), Binding: n, Reason: 1, Person: ledger.Key{1}, Other: ledger.Key{2}}
	if a.flag("alone") {
		cmd.Other = cmd.Person
	}
	return p.plain(cmd, nil)
}

// order USER AUTHORIZER|self ...: the user's debit order.
func order(p *Player, a *args) ([]string, error) {
	user, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindDebitOrder, ID: p.id(), More: &ledger.More{}}
	if cmd.Person, err = p.person(user); err != nil {
		return nil, err
	}
	for name, err := a.next(); err == nil; name, err = a.next() {
		n, found := p.bindings[name+" "+user]
		if name == "self" {
			n, found = ledger.SelfElement, true
		}
		if !found {
			return nil, fmt.Errorf("%s was never bound to %s", user, name)
		}
		cmd.More.Bindings = append(cmd.More.Bindings, n)
	}
	return p.plain(cmd, nil)
}

var stateNames = [...]string{"", "active", "invited", "in_review", "unbound", "rejected", "expired", "suspended"}

// state AUTHORIZER USER -> suspended authorizer_not_eligible: a binding today, and why it is suspended.
func stateOf(p *Player, a *args) ([]string, error) {
	_, _, n, err := p.pair(a)
	if err != nil {
		return nil, err
	}
	var out []string
	err = p.see(func(v engine.View) error {
		c := ledger.NewContext(v.State, 0, p.clock.Wall(), nil)
		state, why := v.State.BindingOn(&c, n)
		out = []string{stateNames[state]}
		if why != 0 {
			out = append(out, why.String())
		}
		return nil
	})
	return out, err
}

// dissolve NAME: ends his family and gives him its money.
func dissolve(p *Player, a *args) ([]string, error) {
	key, err := p.nextPerson(a)
	if err != nil {
		return nil, err
	}
	w, err := p.ways(false)
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindFamilyDissolution, ID: p.id(), Person: key, Channel: w.channel}
	err = p.see(func(v engine.View) error {
		n, _ := v.State.FindPerson(key)
		family := v.State.FamilyOf(n)
		if family == 0 {
			return fmt.Errorf("is in no family")
		}
		cmd.Binding = family - 1
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.plain(cmd, nil)
}

// family NAME: opens his family account.
func openFamily(p *Player, a *args) ([]string, error) {
	key, err := p.nextPerson(a)
	if err != nil {
		return nil, err
	}
	w, err := p.ways(false)
	if err != nil {
		return nil, err
	}
	return p.plain(&ledger.Command{Kind: ledger.KindFamilyOpen, ID: p.id(), Person: key, Channel: w.channel}, nil)
}

// allocate NAME 100.00: from the creator's account to his family's.
func allocate(p *Player, a *args) ([]string, error) {
	key, err := p.nextPerson(a)
	if err != nil {
		return nil, err
	}
	fen, err := a.fen()
	if err != nil {
		return nil, err
	}
	w, err := p.ways(false)
	if err != nil {
		return nil, err
	}
	return p.plain(&ledger.Command{Kind: ledger.KindAllocation, ID: p.id(), Person: key, Amount: fen, Channel: w.channel}, nil)
}

// unbind AUTHORIZER USER [USER ...] [counter] -> an outcome each, a locked one with "until" and its day
func unbind(p *Player, a *args) ([]string, error) {
	authorizer, err := a.next()
	if err != nil {
		return nil, err
	}
	w, err := p.ways(a.flag("counter"))
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindUnbinding, ID: p.id(), Channel: w.channel, Steps: ledger.StepApplication, More: &ledger.More{}}
	if cmd.Person, err = p.person(authorizer); err != nil {
		return nil, err
	}
	for user, err := a.next(); err == nil; user, err = a.next() {
		n, found := p.bindings[authorizer+" "+user]
		if !found {
			return nil, fmt.Errorf("%s was never bound to %s", user, authorizer)
		}
		cmd.More.Bindings = append(cmd.More.Bindings, n)
	}
	r, err := p.do(cmd, nil)
	out := []string{r.Effect.Outcome.String()}
	for _, item := range r.Items {
		out = append(out, item.Outcome.String())
		if item.Earliest != 0 {
			out = append(out, "until", time.UnixMilli(int64(item.Earliest)*86_400_000).UTC().Format("2006-01-02"))
		}
	}
	return out, err
}
