package rest

import (
	"strings"
	"testing"

	"gongji/engine/policy"
)

// FuzzPolicyFile (T19): any text as a profile's file, sent to the real handler to hold at once. What engine/policy refuses is 400 and is not logged; what it takes is decided by the ledger, whose log gives
// back the canonical text, which is the same profile; under it a settlement is still answered and moves what it says.
func FuzzPolicyFile(f *testing.F) {
	s := start(f, setup{})
	fuzzWorld(s)
	settle := fuzzCalls("S")[1]
	for _, name := range policy.Names {
		f.Add([]byte(strings.Replace(string(policy.ShippedText(name)), "version = 1\n", "version = 2\n", 1)))
		f.Add(policy.MustShipped(name).Canonical())
	}
	for _, line := range []string{"version = 4000000000", "min_bind_months = 0", "effective_from = 2026-03-10", "effective_from = 2026-06-01", `allowed_relations = []`, `name = "测"`} {
		f.Add([]byte(profileText(f, "hubei", line)))
	}
	for _, text := range []string{"", "a = [[]]\n[[channel]]\n[channel.x]\nb.c = {d = 1}\n", "\xff", strings.Repeat("[a]\n", 1000)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s.t = t
		before, sequence := s.sums()
		a := s.activate("?at=now", string(text))
		after, now := s.sums()
		profile, err := policy.Parse("f", text)
		switch {
		case before != after || a.status >= 500:
			t.Fatalf("%d %s", a.status, a.text)
		case len(text) > policy.FileMax && a.status != 413, len(text) <= policy.FileMax && err != nil && a.status != 400:
			t.Fatalf("%v: %d %s", err, a.status, a.text)
		case a.status/100 == 4 && a.status != 422 && now != sequence:
			t.Fatalf("%d, and logged", a.status)
		}
		if a.status != 201 {
			return
		}
		kept := s.getAdmin("/v1/policies/"+a.str("number")).want(200, "in_force", "true", "sha256", a.str("sha256"))
		again, err := policy.Parse("kept", []byte(kept.str("text")))
		if err != nil || again.Hash() != profile.Hash() {
			t.Fatalf("the log keeps another profile: %v\n%s", err, kept.str("text"))
		}
		judge(t, s.judged(&settle, []byte(settle.body)))
	})
}
