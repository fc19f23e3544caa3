package engine_test

import (
	"bytes"
	"strings"
	"testing"

	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/policy"
	"gongji/engine/sequencer"
)

// shipped opens a ledger that begins with a shipped profile.
func (p place) shipped(name string) *engine.Engine {
	p.t.Helper()
	profile := policy.MustShipped(name)
	return p.open(func(o *engine.Options) { o.FirstPolicy, o.FirstPolicyText = profile.Ledger(), profile.Canonical() })
}

func logPolicy(t *testing.T, e *engine.Engine, p ledger.Policy, text []byte) ledger.Outcome {
	t.Helper()
	r := sequencer.NewRequest()
	r.Class, r.Count = sequencer.Structural, 1
	r.Commands = command.Append(r.Commands, &ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: p}}, &command.Details{Text: text})
	must(t, e.Do(r))
	return r.Results[0].Effect.Outcome
}

// TestPoliciesAreKept: each policy stays with its text and its time, over a restart and a replay from zero.
func TestPoliciesAreKept(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.shipped("hubei")
	var dates []int64
	for i, name := range []string{"gansu", "ordered", "hubei-narrow"} {
		profile := policy.MustShipped(name)
		row := profile.Ledger()
		must(t, e.Ask(func(v engine.View) { row.EffectiveFrom = v.TimeMS + int64(i+1)*86_400_000 }))
		dates = append(dates, row.EffectiveFrom)
		if o := logPolicy(t, e, row, profile.Canonical()); o != ledger.Accepted {
			t.Fatal(o)
		}
	}
	for round := range 2 {
		for i, name := range []string{"hubei", "gansu", "ordered", "hubei-narrow"} {
			var row ledger.Policy
			must(t, e.Ask(func(v engine.View) {
				row = *v.State.Policies.At(uint32(i))
				if i > 0 {
					if at, _ := v.State.PolicyAt(dates[i-1]); at != row {
						t.Errorf("round %d: %s does not hold on its day", round, name)
					}
					if before, _ := v.State.PolicyAt(dates[i-1] - 1); before == row {
						t.Errorf("round %d: %s holds before its day", round, name)
					}
				}
			}))
			entry, err := e.Entry(row.At)
			must(t, err)
			back, err := policy.Parse("log", entry.Details.Text)
			must(t, err)
			want := back.Ledger()
			want.EffectiveFrom, want.At = row.EffectiveFrom, row.At
			if want != row || back.Hash() != row.Hash || !bytes.Equal(entry.Details.Text, policy.MustShipped(name).Canonical()) {
				t.Errorf("round %d: the text of %s is not what holds", round, name)
			}
		}
		must(t, e.Close())
		if round == 0 {
			e = p.open(nil)
		}
	}
	o := p.options()
	_, err := engine.Verify(engine.VerifyOptions{Dir: o.Dir, KeyFile: o.KeyFile, Scratch: t.TempDir()})
	must(t, err)
}

// TestForeignText: a text that is not the hash's is refused at the start, and found by Verify.
func TestForeignText(t *testing.T) {
	o := place{t, t.TempDir()}.options()
	o.FirstPolicy, o.FirstPolicyText = engine.Hubei, []byte("another")
	if e, err := engine.Open(o); err == nil || !strings.Contains(err.Error(), "its text") {
		t.Errorf("opened as %v with %v", e, err)
	}
	p := place{t, t.TempDir()}
	e := p.shipped("hubei")
	if out := logPolicy(t, e, policy.MustShipped("ordered").Ledger(), policy.MustShipped("gansu").Canonical()); out != ledger.Accepted {
		t.Fatal(out)
	}
	must(t, e.Close())
	o = p.options()
	if _, err := engine.Verify(engine.VerifyOptions{Dir: o.Dir, KeyFile: o.KeyFile, Scratch: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "policy 1") {
		t.Errorf("verified: %v", err)
	}
}
