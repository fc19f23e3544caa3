package engine

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrStalled says that a store has not moved for StallRefuse: new work is refused, ids stay free.
var ErrStalled = errors.New("storage is stalled")

// The stall rules of design.md 7.
const (
	StallRefuse = 2 * time.Second
	StallExit   = 30 * time.Second
)

// health knows since when a store has been in trouble. Store callbacks write it from any goroutine, the executor brackets each wait for the
// log with wait and done.
type health struct {
	since   atomic.Int64           // unix ns of the begin of the trouble of the state store; 0: none
	cause   atomic.Pointer[string] // of that trouble; nil: there never was one
	waiting atomic.Int64           // unix ns since when the executor waits for the log; 0: it does not
	now     func() time.Time
}

func (h *health) wait() { h.waiting.Store(h.now().UnixNano()) }

func (h *health) done() { h.waiting.Store(0) }

// trouble begins the trouble of the state store; false: it had begun before.
func (h *health) trouble(cause string) bool {
	h.cause.Store(&cause)
	return h.since.CompareAndSwap(0, h.now().UnixNano())
}

// stall is ErrStalled with what does not move and for how long.
func (h *health) stall() error {
	cause := "waiting for a sync of the log"
	if p := h.cause.Load(); p != nil && h.since.Load() != 0 {
		cause = *p
	}
	return fmt.Errorf("%w for %s: %s", ErrStalled, h.lasting().Round(time.Second), cause)
}

func (h *health) cured() { h.since.Store(0) }

// lasting is how long the longer of both troubles has lasted.
func (h *health) lasting() time.Duration {
	var longest time.Duration
	now := h.now()
	for _, since := range [...]int64{h.since.Load(), h.waiting.Load()} {
		if since != 0 {
			longest = max(longest, now.Sub(time.Unix(0, since)))
		}
	}
	return longest
}

func (h *health) refuse() error {
	if h.since.Load() == 0 && h.waiting.Load() == 0 {
		return nil
	}
	if h.lasting() > StallRefuse {
		return ErrStalled
	}
	return nil
}

// watch ends the process when storage has stalled for StallExit: nothing is answered meanwhile, and recovery on a working disk is quick. An operator is told
// when a stall begins to refuse work and when it is over.
func (e *Engine) watch() {
	defer close(e.watched)
	t := time.NewTicker(StallExit / 30)
	defer t.Stop()
	told := false
	for {
		select {
		case <-e.stopping:
			return
		case <-e.failed:
			return
		case <-t.C:
			switch refuses := e.health.lasting() > StallRefuse; {
			case e.overdue():
				return
			case refuses && !told:
				e.options.Report("storage stalls", map[string]any{"reason": e.health.stall().Error()})
				told = true
			case !refuses && told:
				e.options.Report("storage goes on", nil)
				told = false
			}
		}
	}
}

// overdue is one look of the watch: it fails the engine when storage has stalled for too long, and says so.
func (e *Engine) overdue() bool {
	if e.health.lasting() <= StallExit {
		return false
	}
	e.fail(e.health.stall())
	return true
}
