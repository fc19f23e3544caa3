package sequencer

import (
	"errors"

	"gongji/engine/ledger"
)

// Refusals before the log: the message id is not used up (P6). Callers answer 429 or 503.
var (
	ErrBusy     = errors.New("too much is waiting")            // a queue is at its limit: retry later
	ErrStopping = errors.New("stopping")                       // no new work
	ErrClock    = errors.New("the clock stepped forward")      // waits for an operator (design.md 1)
	ErrTooLarge = errors.New("too many commands in a request") // over CommandsPerRequestMax
)

// ErrDeadline says that a limited request has no answer in time: its outcome is unknown, and the engine may still write into it, so it is not used again.
var ErrDeadline = errors.New("no answer within the deadline")

// Class says in which queue a request waits.
type Class uint8

// The classes.
const (
	Till       Class = iota // somebody stands at a counter; money commands only
	Structural              // persons, bindings, policies and the like, by single calls
	Bulk                    // loads: they get their share of a cycle and no more
)

// Result is what came of one command.
type Result struct {
	Position ledger.Position
	TimeMS   int64 // ledger time of its batch
	Effect   ledger.Effect
	Items    []ledger.Item // of an unbinding
}

// Request is one call: commands end to end in their log encoding, or a query. It belongs to the caller before Submit and after Done; in
// between nobody else touches it. Reuse it with Reset.
type Request struct {
	Class    Class
	Commands []byte
	Count    int
	Query    func(sequence uint64) // runs on the executor's goroutine behind everything admitted before; must be short and bounded
	Results  []Result              // one a command, in order, after Done; with ErrClock those of the first commands, as many as lay in batches
	Err      error                 // after Done: nil, or ErrClock: the commands from len(Results) on were not logged, their ids are free

	limit *limit // nil: waits for ever
	done  chan struct{}
	taken int // commands already in a batch
	at    int // their bytes

	submitted int64 // by the stamp; 0: nobody measures
}

// NewRequest makes an empty request.
func NewRequest() *Request { return &Request{done: make(chan struct{}, 1)} }

// Reset empties a request that is done and keeps its memory.
func (r *Request) Reset() {
	r.Class, r.Commands, r.Count, r.Query, r.Err = Till, r.Commands[:0], 0, nil, nil
	r.Results, r.taken, r.at = r.Results[:0], 0, 0
}

// Done is signalled once when the request is answered. Not for a limited request: Wait.
func (r *Request) Done() <-chan struct{} { return r.done }

// Wait blocks until the admitted request is answered, or its limit has passed: ErrDeadline.
func (r *Request) Wait() error {
	<-r.done
	if r.limit != nil && r.limit.expired() {
		return ErrDeadline
	}
	return r.Err
}

// Finish answers the request. The executor calls it once, after all its commands have run.
func (r *Request) Finish() {
	if r.limit == nil || r.limit.finish() {
		r.done <- struct{}{}
	}
}

// Finished reports whether all commands have results.
func (r *Request) Finished() bool { return len(r.Results) == r.Count }

// Span is the part of a request that lies in one batch, from command First of the batch on.
type Span struct {
	Request *Request
	First   int
	Count   int
}
