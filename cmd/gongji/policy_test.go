package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gongji/engine"
	"gongji/engine/policy"
)

// writeProfile writes a shipped profile with some of its canonical lines replaced.
func writeProfile(t *testing.T, name string, replace ...string) string {
	t.Helper()
	text := string(policy.MustShipped(name).Canonical())
	changed := strings.NewReplacer(replace...).Replace(text)
	if len(replace) > 0 && changed == text {
		t.Fatalf("nothing to replace of %q", replace)
	}
	path := filepath.Join(t.TempDir(), name+".toml")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// says runs a command of gongji policy and compares exit code and text.
func says(t *testing.T, want error, run func(*bytes.Buffer) error, parts ...string) {
	t.Helper()
	var out bytes.Buffer
	if err := run(&out); !errors.Is(err, want) {
		t.Errorf("ends with %v, want %v: %s", err, want, out.String())
	}
	for _, part := range parts {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q does not say %q", out.String(), part)
		}
	}
}

func TestPolicyCheck(t *testing.T) {
	good := writeProfile(t, "hubei")
	bad := writeProfile(t, "gansu", "min_bind_months = 0", "min_bind_months = 121", "user_may_unbind = false\n", "")
	says(t, nil, func(w *bytes.Buffer) error { return (&policyCheckCmd{append([]string{good}, policy.Names...)}).run(w) },
		good+": good: hubei version 1, from 2023-03-06", "gansu: good")
	says(t, exitNo, func(w *bytes.Buffer) error { return (&policyCheckCmd{[]string{bad, good}}).run(w) },
		bad+":17: min_bind_months: takes a whole number from 0 to 120 (K5 U2)", "user_may_unbind: is missing", good+": good")
	says(t, exitTrouble, func(w *bytes.Buffer) error { return (&policyCheckCmd{[]string{bad, good + ".gone", bad}}).run(w) }, bad+":17:")
}

func TestPolicyShowAndDiff(t *testing.T) {
	says(t, nil, func(w *bytes.Buffer) error { return (&policyShowCmd{"hubei"}).run(w) }, "K1 B1-B3", "可绑定亲属", "鄂医保")
	says(t, nil, func(w *bytes.Buffer) error { return (&policyDiffCmd{"hubei", writeProfile(t, "hubei")}).run(w) })
	says(t, exitNo, func(w *bytes.Buffer) error { return (&policyDiffCmd{"hubei", "hubei-narrow"}).run(w) }, "allowed_relations", "[spouse, child, parent]")
	says(t, exitNo, func(w *bytes.Buffer) error {
		return (&policyDiffCmd{"hubei", writeProfile(t, "hubei", "self_first = true", "self_first = 1")}).run(w)
	}, "self_first: takes true or false")
	says(t, exitTrouble, func(w *bytes.Buffer) error { return (&policyDiffCmd{"hubei", "hubei.gone"}).run(w) })
}

// TestPolicyActivate against a real server: a day ahead, at once, again, too early, in the past, no server.
func TestPolicyActivate(t *testing.T) {
	h, err := openHouse()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.stop(), h.remove()); err != nil {
			t.Error(err)
		}
	})
	var first engine.Entry
	if err := h.engine.Ask(func(v engine.View) { first.Position = v.State.Policies.At(0).At }); err != nil {
		t.Fatal(err)
	}
	if first, err = h.engine.Entry(first.Position); err != nil || !bytes.Equal(first.Details.Text, policy.MustShipped("hubei").Canonical()) {
		t.Errorf("a new ledger begins with %q, %v", first.Details.Text, err)
	}
	activate := func(profile, at string) func(*bytes.Buffer) error {
		return func(w *bytes.Buffer) error {
			return (&policyActivateCmd{Profile: profile, At: at, Server: h.admin()}).run(w)
		}
	}
	says(t, nil, activate("gansu", "2199-01-01"), "activated: gansu version 1 holds from 2199-01-01T00:00:00.000+08:00 (policy 1,")
	says(t, exitNo, activate("gansu", "2199-01-01"), "this very text is in the ledger, from 2199-01-01T00:00:00.000+08:00 (policy 1)")
	says(t, exitNo, activate(writeProfile(t, "gansu", "min_bind_months = 0", "min_bind_months = 1"), "now"), "the ledger has gansu in version 1 or a later one")
	second := writeProfile(t, "gansu", "version = 1\neffective_from = 2023-01-01", "version = 2\neffective_from = 2198-07-01")
	says(t, exitNo, activate(second, "2198-06-30"), "holds from 2198-07-01, not earlier")
	says(t, exitNo, activate(second, "soon"), "bad_value", "field at")
	says(t, nil, activate(second, ""), "holds from 2198-07-01T00")
	says(t, exitNo, activate("ordered", ""), "that day has begun", "--at now")
	says(t, nil, activate("ordered", "now"), "activated: ordered version 1")
	var inForce string
	if err := h.engine.Ask(func(v engine.View) { p, _ := v.State.PolicyAt(v.TimeMS); inForce = p.NameText() }); err != nil || inForce != "ordered" {
		t.Errorf("%q is in force, want ordered: %v", inForce, err)
	}
	says(t, exitNo, activate(writeProfile(t, "gansu", "self_first = true", "self_first = 1"), "now"), "self_first")
	says(t, exitTrouble, func(w *bytes.Buffer) error {
		return (&policyActivateCmd{Profile: "hubei-narrow", At: "now", Server: "http://127.0.0.1:1"}).run(w)
	})
}
