package rest

import (
	"io"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// resultsMax bounds result files under way: each holds a batch of log and journal, 40 MiB at the very worst and 1 MiB as a rule.
const resultsMax = 4

// runResult is the result file of a run (R26): one line for each credit that the ledger refused between its opening and its closing (or now),
// in log order, then a line that ends it. It is read from the journal while it is sent, a batch at a time, so it needs no memory of what
// happened and survives a restart. It belongs to the goroutine of its connection.
type runResult struct {
	face    *face
	reader  *engine.Reader
	run     ledger.Key
	next    uint64          // batch to read
	last    uint64          // the last one that belongs to it
	after   ledger.Position // lines up to here are known to the caller
	refused int64
	out     strictjson.Appender
	sent    int // of out
	ended   bool
}

// getRun is GET /v1/credit-runs/{run_id}.
func (f *face) getRun(c *api.Call) {
	c.Out.Begin()
	if p := f.appendRun(&c.Out, c.Param(0)); p.Code != "" {
		c.Fail(p)
		return
	}
	c.Out.End()
	c.OK(200)
}

// runRefusals is GET /v1/credit-runs/{run_id}/refusals: the result file; ?after= the entry_id of the last line that somebody has goes on behind it.
func (f *face) runRefusals(c *api.Call) {
	values, x := readQuery(c, "after")
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	r := &runResult{face: f, reader: f.engine.NewReader(), run: runKey(c.Param(0))}
	if v := values[0]; v != nil {
		n, err := ids.ParseEntry(v)
		if r.after = ledger.Position(n); err != nil || n == 0 || n > settlementMax {
			c.Fail(badValue("after").problem())
			return
		}
	}
	found := false
	if p := f.ask(func(v engine.View) { found = r.bounds(v) }); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("run_id"))
		return
	}
	if f.results.Add(1) > resultsMax {
		f.results.Add(-1)
		c.Fail(notAdmitted(sequencer.ErrBusy))
		return
	}
	c.SendStream(mediaNDJSON, r)
}

// bounds sets the batches to read; false: there is no such run.
func (r *runResult) bounds(v engine.View) bool {
	n, found := v.State.FindRun(r.run)
	if !found {
		return false
	}
	run := v.State.Runs.At(n)
	r.next, r.last = max(run.Opened.Sequence(), r.after.Sequence()), v.Sequence
	if run.Closed != 0 {
		r.last = run.Closed.Sequence()
	}
	return true
}

// Read gives the next lines, nothing for a batch without any.
func (r *runResult) Read(p []byte) (n int, err error) {
	if r.sent == len(r.out.B) {
		if r.ended {
			return 0, io.EOF
		}
		r.out.Reset()
		r.sent = 0
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n = copy(p, r.out.B[r.sent:])
	r.sent += n
	return n, nil
}

// fill reads one batch, or ends the file.
func (r *runResult) fill() error {
	if r.next > r.last {
		r.ended = true
		r.out.Begin()
		r.out.Bool("end", true)
		r.out.Int("refused", r.refused)
		r.out.Uint("sequence", r.last)
		r.out.End()
		endLine(&r.out)
		return nil
	}
	err := r.reader.Scan(r.next, refusedCredit, r.line)
	r.next++
	return err
}

func refusedCredit(f *ledger.Effect) bool {
	return f.Kind == ledger.KindCredit && !f.Outcome.IsAccepted()
}

// line writes one refusal. It names the line by its msgid, never the person.
func (r *runResult) line(e *engine.Entry) {
	if e.Command.Other != r.run || e.Position <= r.after {
		return
	}
	r.refused++
	p := refused(ledger.KindCredit, e.Effect.Outcome)
	a := &r.out
	a.Begin()
	a.String("entry_id", idText(ids.Entry, uint64(e.Position)))
	a.Bytes("msgid", e.Details.Message)
	a.Amount("amount", e.Command.Amount)
	a.String("code", string(p.Code))
	if p.Field != "" {
		a.String("field", p.Field)
	}
	a.Int("outcome", int64(p.Outcome))
	a.Time("entry_time", e.TimeMS)
	a.End()
	endLine(a)
}

// Close lets the next result file in.
func (r *runResult) Close() error {
	r.face.results.Add(-1)
	return nil
}
