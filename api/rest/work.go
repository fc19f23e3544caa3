package rest

import (
	"errors"
	"time"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// work is all the memory that one command needs on its way: the fields read, the command built of them, its bytes, and the request that
// carries them. It is pooled, and dropped instead when the engine may still hold the request.
type work struct {
	request *sequencer.Request
	cmd     ledger.Command
	more    ledger.More
	details command.Details
	blob    strictjson.Appender // Details.Blob under construction
	bill    billIn
	number  [50]byte // canonical form of a certificate number
}

// commandsKeep is the largest command buffer that a pooled work keeps: one command has at most command.BytesMax.
const commandsKeep = 2 * command.BytesMax

func newWork(deadline time.Duration) *work { return &work{request: sequencer.NewLimited(deadline)} }

func (f *face) take() *work { return f.works.Get().(*work) }

// give returns w, whose request is idle, to the pool.
func (f *face) give(w *work) {
	if cap(w.request.Commands) > commandsKeep {
		return
	}
	w.request.Reset()
	w.bill = billIn{} // it points into a request body
	w.details = command.Details{}
	f.works.Put(w)
}

// begin starts a command of a kind.
func (w *work) begin(kind ledger.Kind) {
	w.cmd = ledger.Command{Kind: kind}
	w.details = command.Details{}
	w.blob.Reset()
	if !kind.IsMoney() {
		w.more.Enrolments, w.more.Bindings = w.more.Enrolments[:0], w.more.Bindings[:0]
		w.more.Commitment, w.more.Questions = ledger.Key{}, ledger.Key{}
		w.cmd.More = &w.more
	}
}

// add appends the command to the request. Its fields have been checked: nothing can be refused any more.
func (w *work) add() {
	w.details.Blob = w.blob.B
	w.request.Commands = command.Append(w.request.Commands, &w.cmd, &w.details)
	w.request.Count++
}

// decided is what came of a command; for a repeat, what came of it the first time.
type decided struct {
	position ledger.Position
	effect   ledger.Effect
	items    []ledger.Item
	timeMS   int64 // ledger time of its batch
	replayed bool
}

// run submits w's request, waits, and gives the result of its only command. If the problem has a code nothing else is known and w is gone.
func (f *face) run(w *work, class sequencer.Class) (out decided, p api.Problem) {
	if p = f.submit(w, class); p.Code != "" {
		return out, p
	}
	out, err := f.resolve(&w.request.Results[0])
	if err != nil {
		f.give(w)
		return out, unknownOutcome()
	}
	return out, api.Problem{}
}

// accepted runs w's only command and takes w back. false: it was not accepted, and the call has been answered.
func (f *face) accepted(c *api.Call, w *work, class sequencer.Class) (out decided, ok bool) {
	kind := w.cmd.Kind
	out, p := f.run(w, class)
	if p.Code != "" {
		c.Fail(p)
		return out, false
	}
	f.give(w)
	if !out.effect.Outcome.IsAccepted() {
		fail(c, refused(kind, out.effect.Outcome), out.replayed)
		return out, false
	}
	return out, true
}

// submit is run for any number of commands. w is gone if it fails. If the clock halts on the way, a request of many may come back with fewer
// results than commands: those are decided, the rest is refused by halted. With none decided the whole is refused.
func (f *face) submit(w *work, class sequencer.Class) api.Problem {
	w.request.Class = class
	if err := f.engine.Submit(w.request); err != nil {
		f.give(w)
		return notAdmitted(err)
	}
	if err := w.request.Wait(); err != nil {
		if !errors.Is(err, sequencer.ErrClock) {
			return unknownOutcome() // the engine may still write into the request: w is left to it
		}
		if len(w.request.Results) == 0 {
			f.give(w)
			return notAdmitted(err)
		}
	}
	return api.Problem{}
}

// resolve turns a repeat into the first answer, read from log and journal (R10).
func (f *face) resolve(r *sequencer.Result) (decided, error) {
	if r.Effect.Outcome != ledger.Repeated {
		return decided{position: r.Position, effect: r.Effect, items: r.Items, timeMS: r.TimeMS}, nil
	}
	return first(f.engine.NewReader(), r.Effect.First)
}

// first is what came of a command the first time it was sent.
func first(r *engine.Reader, at ledger.Position) (decided, error) {
	entry, err := r.Entry(at)
	if err != nil {
		return decided{}, err
	}
	return decided{position: entry.Position, effect: entry.Effect, items: entry.Items, timeMS: entry.TimeMS, replayed: true}, nil
}

// halted refuses what a halted clock left of a request: nothing of it was decided.
func halted() api.Problem {
	p := notAdmitted(sequencer.ErrClock)
	p.Status = 503
	return p
}

// notAdmitted is the answer when nothing was decided: the id is free.
func notAdmitted(err error) api.Problem {
	switch {
	case errors.Is(err, sequencer.ErrBusy):
		return api.Problem{Code: api.CodeOverloaded, RetryAfter: time.Second}
	case errors.Is(err, sequencer.ErrStopping):
		return api.Problem{Code: api.CodeStopping, RetryAfter: retryAfterRestart}
	case errors.Is(err, sequencer.ErrClock):
		return api.Problem{Code: api.CodeUnavailable, Detail: "The clock stepped and waits for an operator.", RetryAfter: retryAfterOperator}
	case errors.Is(err, engine.ErrStalled):
		return api.Problem{Code: api.CodeUnavailable, Detail: "Storage is stalled.", RetryAfter: retryAfterRestart}
	case errors.Is(err, engine.ErrFailed):
		return api.Problem{Code: api.CodeUnavailable, Detail: "Storage has failed.", RetryAfter: retryAfterRestart}
	}
	return api.Problem{Code: api.CodeInternal}
}

const (
	retryAfterRestart  = 2 * time.Second  // a restart with a checkpoint takes about this long (design.md 7)
	retryAfterOperator = 30 * time.Second // somebody has to come and look
)

func unknownOutcome() api.Problem {
	return api.Problem{Code: api.CodeOutcomeUnknown, IDUsed: api.IDUnknown}
}

// ask runs a question with the deadline of a command; a problem with a code means that it was not answered. A question uses no id.
func (f *face) ask(q func(engine.View)) api.Problem {
	if err := f.engine.AskWithin(f.opt.Deadline, q); err != nil {
		return notAnswered(err)
	}
	return api.Problem{}
}

// notAnswered is the answer to a question that was not answered: nothing was decided or changed, so 503 and not 504.
func notAnswered(err error) api.Problem {
	if errors.Is(err, engine.ErrDeadline) {
		return api.Problem{Code: api.CodeUnavailable, Detail: "No answer within the deadline.", RetryAfter: retryAfterRestart}
	}
	if p := notAdmitted(err); p.Code != api.CodeInternal {
		return p
	}
	return api.Problem{Code: api.CodeUnavailable}
}
