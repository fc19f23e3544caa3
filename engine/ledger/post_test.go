package ledger_test

import (
	"strings"
	"testing"

	"gongji/engine/ledger"
)

// TestPostLegRefuses: what can never be posted ends the process with account and position: below the floor, nothing at all, before the account's last
// entry. (P2)
func TestPostLegRefuses(t *testing.T) {
	account := ledger.Account(ledger.KindPersonal, 0)
	for _, c := range []struct {
		name   string
		amount int64
		at     ledger.Position
		dies   bool
	}{
		{"all of it", -100, 9, false}, {"one fen more", -101, 9, true}, {"nothing", 0, 9, true}, {"behind its entry", -1, 8, false}, {"before its entry", -1, 7, true},
	} {
		s := ledger.NewState(ledger.DefaultShifts)
		s.Persons.Append(ledger.Person{Balance: 100, Last: 8})
		died := panicOf(func() { ledger.PostLeg(s, &ledger.Leg{Account: account, Amount: c.amount}, c.at) })
		if c.dies != (died != "") || c.dies && !strings.HasPrefix(died, "BUG: account 100000000000000 at ") {
			t.Errorf("%s: %q", c.name, died)
		}
	}
}

// TestPostSumsRefuses: an entry whose sides differ, and a refusal with a leg. (P1)
func TestPostSumsRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		f    ledger.Effect
		leg  int64
		dies bool
	}{
		{"credit", ledger.Effect{Kind: ledger.KindCredit, Outcome: ledger.Accepted, Funding: 5, Source: 1}, 5, false},
		{"credit of a fen more", ledger.Effect{Kind: ledger.KindCredit, Outcome: ledger.Accepted, Funding: 5, Source: 1}, 6, true},
		{"premium to the wrong side", ledger.Effect{Kind: ledger.KindPremium, Outcome: ledger.Accepted, Funding: 5, Source: 1}, 5, true},
		{"refusal with a leg", ledger.Effect{Kind: ledger.KindCredit, Outcome: ledger.AmountRange}, 5, true},
	} {
		s := ledger.NewState(ledger.DefaultShifts)
		fx := ledger.Effects{List: []ledger.Effect{c.f}, Legs: []ledger.Leg{{Account: ledger.Account(ledger.KindPersonal, 0), Amount: c.leg}}}
		fx.List[0].LegCount = 1
		died := panicOf(func() { ledger.PostSums(s, 1, &fx.List[0], &fx, ledger.At(2, 0)) })
		if c.dies != (died != "") || c.dies && !strings.Contains(died, "(P1)") {
			t.Errorf("%s: %q", c.name, died)
		}
	}
}

func panicOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text, _ = v.(string)
		}
	}()
	f()
	return ""
}
