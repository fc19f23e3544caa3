package rest

import (
	"bytes"
	"cmp"
	"slices"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// linesMax of a …/batch call (api.md).
const linesMax = 1_000

const mediaNDJSON = "application/x-ndjson"

// line is what is known of one line of a batch.
type line struct {
	msgid   string
	problem api.Problem // a code: refused before the log
	at      int         // index of its command in the request, if it has one
	kind    BillKind
	clr     string    // its clearing category, once settled
	in      bindingIn // bindings/batch only; texts copied
}

// eachLine calls one for each line of an NDJSON body; false: there are none or too many, and the call has been answered.
func eachLine(c *api.Call, body []byte, one func(text []byte)) bool {
	body = bytes.TrimSuffix(body, []byte{'\n'})
	if n := bytes.Count(body, []byte{'\n'}) + 1; n > linesMax {
		c.Fail(api.Problem{Code: api.CodeTooMany, Field: "lines"})
		return false
	}
	if len(body) == 0 {
		c.Fail(api.Problem{Code: api.CodeMalformed})
		return false
	}
	for more := true; more; {
		var text []byte
		text, body, more = bytes.Cut(body, []byte{'\n'})
		one(text)
	}
	return true
}

// settleBatch is POST /v1/settlements/batch: one request of the till class, one verdict a line, in order; each line stands alone.
func (f *face) settleBatch(c *api.Call) {
	body, ok := c.Body()
	if !ok {
		return
	}
	w, d := newWork(f.opt.Deadline), c.Decoder()
	var lines []line
	var p api.Problem
	if !eachLine(c, body, func(text []byte) {
		d.Reset(text)
		var stopped api.Problem
		if lines = append(lines, f.settlementLine(w, d, &stopped)); stopped.Code != "" {
			p = stopped
		}
	}) {
		return
	}
	var outs []decided
	if p.Code == "" {
		outs, p = f.runLines(w, sequencer.Till)
	}
	for i := range lines {
		if l := &lines[i]; p.Code == "" && l.problem.Code == "" && l.at < len(outs) && outs[l.at].effect.Outcome == ledger.Accepted {
			if l.clr, p = f.clrType(outs[l.at].position, outs[l.at].timeMS, l.kind); p.Code != "" {
				p = unknownOutcome()
			}
		}
	}
	if p.Code != "" {
		c.Fail(p)
		return
	}
	answerLines(c, lines, outs, ledger.KindSettlement, func(a *strictjson.Appender, l *line, out *decided) {
		if out.effect.Outcome == ledger.Accepted {
			appendSettled(a, out, l.clr)
		} else if out.effect.Outcome == ledger.AmountChanged {
			appendFigures(a, &out.effect)
		}
	})
}

// settlementLine reads one line. stopped is set if the engine takes nothing now, which is not the line's fault: then the call is refused
// as a whole, and nothing of it has been submitted.
func (f *face) settlementLine(w *work, d *strictjson.Decoder, stopped *api.Problem) (l line) {
	x := f.readSettlement(w, d, settlementShape)
	l.msgid = string(w.bill.msgid)
	if x.bad() {
		l.problem = x.problem()
		return l
	}
	if ok, after := f.allow(&w.cmd.Institution); !ok {
		l.problem = api.Problem{Code: api.CodeRateLimited, RetryAfter: after}
		return l
	}
	if l.kind, *stopped = f.kindOf(w); stopped.Code == "" {
		l.at = w.request.Count
		w.add()
	}
	return l
}

// runLines submits what lines asked for and resolves repeats. outs has one element a command; fewer, if the clock halted behind them.
func (f *face) runLines(w *work, class sequencer.Class) ([]decided, api.Problem) {
	if w.request.Count == 0 {
		return nil, api.Problem{}
	}
	if p := f.submit(w, class); p.Code != "" {
		return nil, p
	}
	outs, err := f.decide(w.request)
	if err != nil {
		return nil, unknownOutcome()
	}
	return outs, api.Problem{}
}

// decide gives what came of each command of a request that may lie in several batches of the log, of which it knows the time of the last only.
// Repeats are looked up in order of their first positions, so that each old batch is read once (a load sent again repeats 1,000 lines of one).
func (f *face) decide(r *sequencer.Request) ([]decided, error) {
	outs, repeats := make([]decided, len(r.Results)), []int(nil)
	reader := f.engine.NewReader()
	last := r.Results[len(outs)-1].Position.Sequence()
	for i := range outs {
		res := &r.Results[i]
		if res.Effect.Outcome == ledger.Repeated {
			repeats = append(repeats, i)
			continue
		}
		ms := r.TimeMS
		if s := res.Position.Sequence(); s != last {
			var err error
			if ms, err = reader.TimeMS(s); err != nil {
				return nil, err
			}
		}
		outs[i] = decided{position: res.Position, effect: res.Effect, items: res.Items, timeMS: ms}
	}
	slices.SortFunc(repeats, func(a, b int) int { return cmp.Compare(r.Results[a].Effect.First, r.Results[b].Effect.First) })
	for _, i := range repeats {
		var err error
		if outs[i], err = first(reader, r.Results[i].Effect.First); err != nil {
			return nil, err
		}
	}
	return outs, nil
}

// answerLines writes one object a line: line, msgid if it could be read, status, and either the answer's fields or the problem's.
func answerLines(c *api.Call, lines []line, outs []decided, kind ledger.Kind, more func(*strictjson.Appender, *line, *decided)) {
	a := &c.Out
	a.Reset()
	for i := range lines {
		l := &lines[i]
		a.Begin()
		a.Int("line", int64(i+1))
		if l.msgid != "" {
			a.String("msgid", l.msgid)
		}
		if l.problem.Code == "" && l.at >= len(outs) {
			l.problem = halted()
		}
		if l.problem.Code != "" {
			a.Int("status", int64(statusOf(&l.problem)))
			appendProblemTail(a, &l.problem)
		} else {
			out := &outs[l.at]
			p := api.Problem{Status: 200}
			if !out.effect.Outcome.IsAccepted() {
				p = refused(kind, out.effect.Outcome)
			}
			a.Int("status", int64(statusOf(&p)))
			if out.replayed {
				a.Bool("replayed", true)
			}
			if p.Code != "" {
				appendProblemTail(a, &p)
			}
			more(a, l, out)
		}
		a.End()
		endLine(a)
	}
	c.Send(200, mediaNDJSON, a.B)
}

// endLine ends an object of NDJSON: the next one follows a line feed, not a comma.
func endLine(a *strictjson.Appender) {
	b := append(a.B, '\n')
	a.Reset()
	a.B = b
}

// statusOf is the HTTP status that a line's problem would have as an answer of its own.
func statusOf(p *api.Problem) int {
	switch {
	case p.Status != 0:
		return p.Status
	case p.Code == api.CodeIDReused:
		return 409
	case p.Code == api.CodeRateLimited:
		return 429
	}
	return 400
}
