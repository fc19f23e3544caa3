package sign

import (
	"bytes"
	"testing"
)

// BenchmarkOpen verifies a request of three fee lines' size.
func BenchmarkOpen(b *testing.B) {
	for name, f := range fixtures(b) {
		f.request = string(bytes.Replace([]byte(sampleRequest), []byte("a&b=c"), bytes.Repeat([]byte("x"), 2048), 1))
		h, wire := f.sent(b, noon)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(wire)))
			for b.Loop() {
				if x, ok := f.scheme.(*xtif); ok {
					clear(x.nonces.newer.seen)
					clear(x.nonces.newer.each)
				}
				if _, _, err := f.scheme.Open(h, wire, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSeal signs an answer.
func BenchmarkSeal(b *testing.B) {
	for name, f := range fixtures(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.scheme.Seal(carried{}, f.platform.callers[0], []byte(f.answer), noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
