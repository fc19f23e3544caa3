//go:build !race

package catalogue

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

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

// BenchmarkLoad loads 100,000 codes with two rows each.
func BenchmarkLoad(b *testing.B) {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\tbench\n%s\n", kind, strings.Join(columns, "\t"))
	for i := range 100_000 {
		fmt.Fprintf(&text, "XA01ABD0%06d\t片剂 10mg*20片\t2025-01-01\t2025-12-31\t02\t09\t0.1\t9.87\t0\t1\t0\t0\t0\t0\n", i)
		fmt.Fprintf(&text, "XA01ABD0%06d\t片剂 10mg*20片\t2026-01-01\tnull\t02\t09\t0.1\t8.87\t0\t1\t0\t0\t0\t0\n", i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if c, err := Load(bytes.NewReader(text.Bytes())); err != nil || c.Rows() != 200_000 {
			b.Fatal(err)
		}
	}
}
