package sequencer

import (
	"sync/atomic"
	"time"
)

// Clock is where ledger time comes from; tests and the simulator bring their own.
type Clock interface {
	Wall() int64      // ms since 1970 UTC
	Monotonic() int64 // ms since any fixed moment
}

// SystemClock is the machine's clock.
type SystemClock struct{ start time.Time }

// NewSystemClock starts the monotonic count.
func NewSystemClock() SystemClock { return SystemClock{start: time.Now()} }

// Wall is the machine's time of day.
func (SystemClock) Wall() int64 { return time.Now().UnixMilli() }

// Monotonic is the time since the clock was made.
func (c SystemClock) Monotonic() int64 { return time.Since(c.start).Milliseconds() }

// A jump of the clock would unlock bindings, publish keys and close days for good (design.md 1), so a large one stops admission.
const (
	StepMaxMS      = 5 * 60_000     // forward against the monotonic clock
	StartStepMaxMS = 7 * 86_400_000 // forward against the last logged time, at start
)

// ledgerTime gives batch times: max(last logged time, clock), and notices steps. The sequencer's goroutine owns it; halted is read by all.
type ledgerTime struct {
	clock    Clock
	last     int64 // last logged
	wall     int64 // at the last look
	mono     int64
	halted   atomic.Bool
	started  bool
	confirms atomic.Bool
}

// now is the time for the next batch; ok is false while an operator must confirm the clock.
func (t *ledgerTime) now() (ms int64, ok bool) {
	wall, mono := t.clock.Wall(), t.clock.Monotonic()
	if t.confirms.Swap(false) {
		t.wall, t.mono, t.started = wall, mono, true
		t.halted.Store(false)
	}
	switch {
	case !t.started && t.last != 0 && wall-t.last > StartStepMaxMS:
		t.halted.Store(true)
	case t.started && wall-t.wall-(mono-t.mono) > StepMaxMS:
		t.halted.Store(true)
	}
	if t.halted.Load() {
		return 0, false
	}
	t.wall, t.mono, t.started = wall, mono, true
	t.last = max(t.last, wall)
	return t.last, true
}
