package rest

import (
	"sync/atomic"
	"time"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// letter remembers which template the commitment letters of the policy in force are made of: callers send a letter's version only (api.md), the
// ledger knows it by template and version (K18). It is asked for once, as a question for every binding would wait behind the commands under way.
type letter struct {
	template string
	untilMS  int64 // another policy begins to hold; 0: none is known
}

type letters struct{ last atomic.Pointer[letter] }

// forget makes the next binding ask anew: after a policy was activated, or a letter was refused.
func (l *letters) forget() { l.last.Store(nil) }

// commitmentKey is how the ledger knows a version of the letter of the policy in force. Should another come into force on the way to the ledger,
// the ledger refuses the letter.
func (f *face) commitmentKey(version []byte) (ledger.Key, api.Problem) {
	known := f.letters.last.Load()
	if known == nil || known.untilMS != 0 && time.Now().UnixMilli() >= known.untilMS {
		var p api.Problem
		if known, p = f.askLetter(); p.Code != "" {
			return ledger.Key{}, p
		}
		f.letters.last.Store(known)
	}
	return policy.CommitmentKey(known.template, string(version)), api.Problem{}
}

func (f *face) askLetter() (*letter, api.Problem) {
	var row ledger.Policy
	found := false
	known := &letter{template: policy.NoText}
	if p := f.ask(func(v engine.View) {
		row, found = v.State.PolicyAt(v.TimeMS)
		for i := uint32(0); i < v.State.Policies.Len(); i++ {
			if from := v.State.Policies.At(i).EffectiveFrom; from > v.TimeMS && (known.untilMS == 0 || from < known.untilMS) {
				known.untilMS = from
			}
		}
	}); p.Code != "" {
		return nil, p
	}
	if !found || row.Commitment.IsZero() {
		return known, api.Problem{}
	}
	text, err := f.policyText(&row)
	if err != nil {
		return nil, api.Problem{Code: api.CodeUnavailable}
	}
	if profile, err := policy.Parse("text", text); err == nil {
		known.template = profile.CommitmentTemplate
	}
	return known, api.Problem{}
}

// policyText is the text logged with a policy. One that was logged without its text may be a shipped one.
func (f *face) policyText(row *ledger.Policy) ([]byte, error) {
	entry, err := f.engine.Entry(row.At)
	if err != nil || len(entry.Details.Text) > 0 {
		return entry.Details.Text, err
	}
	for _, name := range policy.Names {
		if p := policy.MustShipped(name); p.CommitmentTemplate != policy.NoText && policy.CommitmentKey(p.CommitmentTemplate, p.CommitmentVersion) == row.Commitment {
			return p.Canonical(), nil
		}
	}
	return nil, nil
}
