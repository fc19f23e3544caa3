package ledger

import "testing"

// TestPoliciesMax: the last place is taken, then the ledger is full.
func TestPoliciesMax(t *testing.T) {
	s := NewState(DefaultShifts)
	for range PoliciesMax - 1 {
		s.Policies.Append(Policy{})
	}
	p := Policy{Version: 1, Strategy: Random, Relations: 1 << 1}
	if o := s.addPolicy(&Context{TimeMS: 1}, &p, At(1, 0), &Effect{}); o != Accepted {
		t.Errorf("the last place: %s", o)
	}
	p.Version = 2
	if o := s.addPolicy(&Context{TimeMS: 1}, &p, At(1, 1), &Effect{}); o != LedgerFull {
		t.Errorf("behind it: %s", o)
	}
}

// TestNameText: the name is what stands before the zeros, also when there are none.
func TestNameText(t *testing.T) {
	full := "a-name-as-long-as-can-be"
	for _, want := range []string{"", "hubei", full} {
		var p Policy
		copy(p.Name[:], want)
		if got := p.NameText(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if len(full) != NameMax {
		t.Errorf("%d bytes, the longest name has %d", len(full), NameMax)
	}
}
