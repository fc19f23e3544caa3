package sequencer

import (
	"sync/atomic"
	"time"
)

// limit bounds the wait for a request's answer. Its timer is not armed and stopped for each use: it stays armed while its request goes from call to call, and when
// it rings it looks whether somebody waits, and since when. So a call costs a look at the clock, and a timer rings once a limit.
type limit struct {
	epoch time.Time // when it was made
	after time.Duration
	timer *time.Timer
	due   atomic.Int64 // when the wait ends, since epoch, ns; or one of the states below
	armed atomic.Bool
}

// States of limit.due beside a time.
const (
	idle     = 0  // nobody waits
	answered = -1 // Finish came first
	expired  = -2 // the limit came first
)

// NewLimited makes an empty request whose Wait ends after a time from Submit on. Its Done is not for use.
func NewLimited(after time.Duration) *Request {
	r := NewRequest()
	l := &limit{epoch: time.Now(), after: max(after, 1)}
	l.timer = time.AfterFunc(time.Hour, func() { l.ring(r.done) })
	l.timer.Stop()
	r.limit = l
	return r
}

// begin is called before the request can be answered.
func (r *Request) begin() {
	if l := r.limit; l != nil {
		// First due, then armed; ring does it the other way round: either it sees this wait, or we see that it is not armed.
		l.due.Store(int64(time.Since(l.epoch) + l.after))
		l.arm(l.after)
	}
}

// unbegin takes begin back: the request was not admitted.
func (r *Request) unbegin() {
	if l := r.limit; l != nil && l.due.Swap(idle) == expired {
		<-r.done
	}
}

func (l *limit) arm(after time.Duration) {
	if !l.armed.Load() && l.armed.CompareAndSwap(false, true) {
		l.timer.Reset(after)
	}
}

// ring is the timer's function. The value of due is that of one wait, so a wait that begins meanwhile is never ended.
func (l *limit) ring(done chan<- struct{}) {
	l.armed.Store(false)
	due := l.due.Load()
	if due <= 0 {
		return
	}
	if left := time.Duration(due) - time.Since(l.epoch); left > 0 {
		l.arm(left)
	} else if l.due.CompareAndSwap(due, expired) {
		done <- struct{}{}
	}
}

// finish tells whether the answer came first.
func (l *limit) finish() bool { return l.due.Swap(answered) != expired }

func (l *limit) expired() bool { return l.due.Load() == expired }
