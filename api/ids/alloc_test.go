//go:build !race

package ids

import "testing"

func TestAllocs(t *testing.T) {
	buf := make([]byte, 0, 64)
	no := []byte("11010519491231002X")
	if n := testing.AllocsPerRun(1000, func() {
		buf = AppendSettlement(buf[:0], 1<<20|7)
		if v, err := ParseSettlement(buf); err != nil || v != 1<<20|7 {
			t.Fatal("round trip")
		}
		if _, err := ParseBinding(buf); err == nil {
			t.Fatal("wrong kind accepted")
		}
		if _, err := ParseCertno(no); err != nil {
			t.Fatal(err)
		}
		buf = AppendMask(buf[:0], no)
	}); n != 0 {
		t.Fatalf("%v allocations, want 0", n)
	}
}

func BenchmarkAppendSettlement(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendSettlement(buf[:0], 987654321<<20|7)
	}
}

func BenchmarkParseSettlement(b *testing.B) {
	id := AppendSettlement(nil, 987654321<<20|7)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSettlement(id); err != nil {
			b.Fatal(err)
		}
	}
}
