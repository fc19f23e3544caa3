package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// View is the ledger at a definite place of the log, on the executor's goroutine, between batches. Nothing of it may be kept.
type View struct {
	Sequence uint64
	TimeMS   int64
	State    *ledger.State
	core     *core
}

// ErrDeadline says that a question was not answered in time: its function has not run and never will. Nothing was decided or changed.
var ErrDeadline = errors.New("no answer within the deadline")

// AskLimit is how long Ask waits. A store that stalls refuses new questions after StallRefuse and ends the process after StallExit: who waits
// longer than that waits for a fault that the stall rules do not see.
const AskLimit = StallExit

// Ask is AskWithin with AskLimit, for callers without a deadline of their own.
func (e *Engine) Ask(f func(View)) error { return e.AskWithin(AskLimit, f) }

// AskWithin runs f behind everything admitted before, at a definite sequence, and returns when it has run. f must be short and bounded, must
// not block and must not change anything: all tills wait for it. Any goroutine. Errors: those of Submit; ErrDeadline if f has not begun within
// limit; ErrFailed. With an error f does not run any more once AskWithin has returned, so what it uses is the caller's again; f that has begun is waited for.
func (e *Engine) AskWithin(limit time.Duration, f func(View)) error {
	r := sequencer.NewRequest()
	var taken atomic.Bool          // by the executor, to run it, or by the caller, to give it up
	answered := make(chan bool, 1) // f has ended; false: by a panic
	r.Query = func(sequence uint64) {
		if !taken.CompareAndSwap(false, true) {
			return
		}
		whole := false
		defer func() { answered <- whole }()
		f(View{Sequence: sequence, TimeMS: e.core.timeMS, State: e.core.tables, core: &e.core})
		whole = true
	}
	if err := e.admit(r); err != nil {
		return err
	}
	e.alone.settle()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	err := ErrFailed
	select {
	case whole := <-answered:
		return answerOf(whole)
	case <-e.failed:
	case <-timer.C:
		err = ErrDeadline
	}
	if taken.CompareAndSwap(false, true) {
		return err
	}
	return answerOf(<-answered)
}

// answerOf: a panic inside a question is a failed store (guarded), or a bug that ends the process.
func answerOf(whole bool) error {
	if !whole {
		return ErrFailed
	}
	return nil
}

// FindID looks a message id up, also among the old ones on disk.
func (v View) FindID(key ledger.Key) (ledger.IDEntry, bool) { return v.core.ids.Find(key) }

// IsReversed reports whether the settlement at a position is cancelled and no redo has settled it again (R11).
func (v View) IsReversed(settlement ledger.Position) bool {
	_, steps := ledger.UndoChain(v.core.ids, settlement)
	return steps%2 == 1
}

// Context is what a command would see if it ran now.
func (v View) Context() (ledger.Context, error) {
	key, err := v.core.keys.of(v.State, ledger.DayOf(v.TimeMS))
	return ledger.NewContext(v.State, v.Sequence+1, v.TimeMS, key), err
}

// Preview decides a settlement as if it came now, and changes nothing. Which relative would pay is drawn anew at the real settlement.
func (v View) Preview(cmd *ledger.Command) (ledger.Effect, error) {
	f := ledger.Effect{Kind: ledger.KindSettlement}
	c, err := v.Context()
	if err != nil {
		return f, err
	}
	ledger.PreviewSettlement(v.State, &c, cmd, &f)
	return f, nil
}
