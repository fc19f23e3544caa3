package engine

import (
	"errors"
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

// health knows since when a store has been in trouble. Store callbacks write it from any goroutine.
type health struct {
	since atomic.Int64 // unix ns of the begin of the trouble; 0: none
}

func (h *health) trouble(now time.Time) { h.since.CompareAndSwap(0, now.UnixNano()) }

func (h *health) cured() { h.since.Store(0) }

// lasting is how long the trouble has lasted.
func (h *health) lasting(now time.Time) time.Duration {
	s := h.since.Load()
	if s == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, s))
}

func (h *health) refuse() error {
	if h.since.Load() != 0 && h.lasting(time.Now()) > StallRefuse {
		return ErrStalled
	}
	return nil
}
