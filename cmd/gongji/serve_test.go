package main

import "testing"

// TestQuarantineFlag: what an operator types names one command, or nothing starts.
func TestQuarantineFlag(t *testing.T) {
	for _, c := range []struct {
		at, reason string
		ok         bool
	}{
		{"", "", true}, {"812:17", "ticket 4711", true}, {"", "ticket 4711", false}, {"812", "x", false}, {"812:", "x", false}, {"812:-1", "x", false},
		{"812:17:1", "x", false}, {"812:70000", "x", false}, {"a:b", "x", false},
	} {
		q, err := (&serveCmd{Quarantine: c.at, Reason: c.reason}).quarantine()
		if (err == nil) != c.ok || c.ok && (q == nil) != (c.at == "") || q != nil && (q.Sequence != 812 || q.Index != 17 || q.Reason != c.reason) {
			t.Errorf("%q %q: %+v, %v", c.at, c.reason, q, err)
		}
	}
}
