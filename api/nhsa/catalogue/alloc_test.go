//go:build !race

package catalogue

import "testing"

func TestClassifyAllocs(t *testing.T) {
	c := MustDemo()
	l, unknown := line("XA01DEMO0005", 1, 10_000000, 1000, 0), line("NOBODY", 1, 10_000000, 1000, 0)
	if n := testing.AllocsPerRun(1000, func() {
		if p := c.Classify(l); p.Overlmt != 13 || !l.AmountAgrees() || c.Classify(unknown).Fulamt != 1000 {
			t.Fatalf("wrong result %+v", p)
		}
	}); n != 0 {
		t.Fatalf("%v allocations, want 0", n)
	}
}

func BenchmarkClassify(b *testing.B) {
	c := MustDemo()
	l := line("XA01DEMO0005", 1, 10_000000, 1000, 0)
	b.ReportAllocs()
	for b.Loop() {
		if p := c.Classify(l); p.Overlmt != 13 {
			b.Fatalf("%+v", p)
		}
	}
}
