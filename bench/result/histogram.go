package result

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Histogram counts up to a minute in nanoseconds with three digits. It belongs to one goroutine; Merge reads others that have ended.
const (
	histogramMax    = int64(time.Minute)
	histogramDigits = 3
)

// Histogram of times.
type Histogram struct{ h *hdrhistogram.Histogram }

// NewHistogram makes an empty one.
func NewHistogram() Histogram {
	return Histogram{hdrhistogram.New(1, histogramMax, histogramDigits)}
}

// Record counts one time; what is longer than a minute counts as a minute.
func (h Histogram) Record(d time.Duration) {
	_ = h.h.RecordValue(max(1, min(int64(d), histogramMax))) // in range, so it cannot fail
}

// RecordN counts a time n times.
func (h Histogram) RecordN(d time.Duration, n int64) {
	_ = h.h.RecordValues(max(1, min(int64(d), histogramMax)), n)
}

// Merge adds another.
func (h Histogram) Merge(o Histogram) { h.h.Merge(o.h) }

// Reset empties it.
func (h Histogram) Reset() { h.h.Reset() }

// Count of what was recorded.
func (h Histogram) Count() uint64 { return uint64(h.h.TotalCount()) }

// Latency is its points and, if whole, its encoding.
func (h Histogram) Latency(whole bool) (*Latency, error) {
	us := func(q float64) float64 { return float64(h.h.ValueAtPercentile(q)) / 1e3 }
	l := &Latency{Count: h.Count(), Mean: h.h.Mean() / 1e3, P50: us(50), P90: us(90), P99: us(99), P999: us(99.9), P9999: us(99.99), Max: float64(h.h.Max()) / 1e3}
	if !whole {
		return l, nil
	}
	var err error
	if l.HDR, err = h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err != nil {
		return nil, fmt.Errorf("encode a histogram: %w", err)
	}
	return l, nil
}

// Decode reads the whole histogram of a latency back.
func (l *Latency) Decode() (Histogram, error) {
	h, err := hdrhistogram.Decode(l.HDR)
	if err != nil {
		return Histogram{}, fmt.Errorf("decode a histogram: %w", err)
	}
	return Histogram{h}, nil
}
