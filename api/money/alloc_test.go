//go:build !race

package money

import "testing"

func TestAllocs(t *testing.T) {
	text := []byte("1234567.89")
	bad := []byte("-1")
	buf := make([]byte, 0, 32)
	var sum int64
	if n := testing.AllocsPerRun(1000, func() {
		fen, err := Parse(text)
		_, errBad := Parse(bad)
		if err != nil || errBad == nil {
			t.Fatal("wrong result")
		}
		sum += fen
		buf = Append(buf[:0], sum)
	}); n != 0 {
		t.Fatalf("%v allocations, want 0", n)
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte("1234567.89")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	buf := make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], 123456789)
	}
}
