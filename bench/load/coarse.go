package load

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// coarse is a histogram of times that many goroutines write and a sampler reads while they do: eight classes an octave, so a quantile is at most an
// eighth too high.
type coarse [coarseClasses]atomic.Uint64

const coarseClasses = 64 * 8

func (c *coarse) record(d time.Duration) { c[classOf(d)].Add(1) }

func classOf(d time.Duration) int {
	n := uint64(max(d, 8))
	octave := bits.Len64(n) - 1
	return octave*8 + int(n>>(octave-3)&7)
}

// upper is the end of a class.
func upper(class int) time.Duration {
	octave := class / 8
	if octave < 3 {
		return 8
	}
	return time.Duration(uint64(9+class%8) << (octave - 3))
}

// counts are the classes at one moment.
type counts [coarseClasses]uint64

func (c *coarse) counts() (out counts) {
	for i := range c {
		out[i] = c[i].Load()
	}
	return out
}

// since is what came after an earlier moment.
func (c *counts) since(before *counts) (out counts) {
	for i := range c {
		out[i] = c[i] - before[i]
	}
	return out
}

// quantile q of 1, 0 if there is nothing.
func (c *counts) quantile(q float64) time.Duration {
	total := uint64(0)
	for _, n := range c {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank := uint64(q * float64(total-1))
	for class, n := range c {
		if rank < n {
			return upper(class)
		}
		rank -= n
	}
	return upper(coarseClasses - 1)
}

// most is the largest.
func (c *counts) most() time.Duration { return c.quantile(1) }
