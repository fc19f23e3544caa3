package result

import "time"

// At is the time that the share q of what was recorded stays below; q from 0 to 1.
func (h Histogram) At(q float64) time.Duration {
	return time.Duration(h.h.ValueAtPercentile(100 * q))
}
