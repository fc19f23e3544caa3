package result

import (
	"encoding/json"
	"testing"
	"time"
)

// TestHistogramKept: a histogram survives JSON, to its points.
func TestHistogramKept(t *testing.T) {
	h := NewHistogram()
	for i := range 10_000 {
		h.Record(time.Duration(i) * time.Microsecond)
	}
	h.Record(2 * time.Minute) // counts as one
	l, err := h.Latency(true)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var back Latency
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := back.Decode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := again.Latency(false)
	if err != nil || m.Count != 10_001 || m.P50 != l.P50 || m.P9999 != l.P9999 || m.Max < 59e6 {
		t.Errorf("%+v, was %+v, %v", m, l, err)
	}
	if l.P50 < 4_990 || l.P50 > 5_010 {
		t.Errorf("p50 %f us of 0 to 9999", l.P50)
	}
}

// TestShare: medians, shares of ceilings, breaches.
func TestShare(t *testing.T) {
	r := Report{Cases: []Case{
		{ID: "a", Runs: []Run{{Rate: 30}, {Rate: 10, Breaches: []string{"x"}}, {Rate: 20}}},
		{ID: "b", Runs: []Run{{Rate: 40}}},
	}}
	if got := r.Find("a").Rate(); got != 20 {
		t.Errorf("median %f", got)
	}
	if got := r.Share(r.Find("a"), "b"); got != 0.5 {
		t.Errorf("share %f", got)
	}
	if b := r.Breaches(); len(b) != 1 || b[0] != "a: x" {
		t.Errorf("breaches %q", b)
	}
	if r.Share(r.Find("a"), "none") != 0 || (&Case{}).Rate() != 0 {
		t.Error("a missing ceiling gives a share")
	}
}
