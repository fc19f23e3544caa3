package rest

import (
	"bytes"
	"cmp"
	"slices"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// linesMax of a …/batch call (api.md).
const linesMax = 1_000

const mediaNDJSON = "application/x-ndjson"

// line is what is known of one line of a batch.
type line struct {
	msgid   []byte       // in the lot's memory
	problem *api.Problem // refused before the log
	at      int          // index of its command in the request, if it has one
	kind    BillKind
}

// lot is all the memory that a batch call needs. That of settlements is pooled: a line costs no allocation. It is dropped instead when the engine may still hold
// its request, and when it has grown beyond what a thousand ordinary lines need.
type lot struct {
	w       *work
	lines   []line
	texts   []byte // message ids
	outs    []decided
	repeats []int
	answer  strictjson.Appender
}

// Largest buffers of a pooled lot: three times what a thousand lines of the province's bills need (150 bytes of command and 330 of answer each).
const (
	lotCommandsKeep = 512 << 10
	lotAnswerKeep   = 1 << 20
)

func (f *face) newLot() *lot { return &lot{w: newWork(f.opt.Deadline)} }

// giveLot returns l, whose request is idle, to the pool.
func (f *face) giveLot(l *lot) {
	if cap(l.w.request.Commands) > lotCommandsKeep || cap(l.answer.B) > lotAnswerKeep {
		return
	}
	l.w.request.Reset()
	l.w.bill, l.w.details = billIn{}, command.Details{} // they point into a request body
	l.lines, l.texts, l.outs, l.repeats = l.lines[:0], l.texts[:0], l.outs[:0], l.repeats[:0]
	f.lots.Put(l)
}

// keep copies a text into the lot: what the decoder gave goes to the next line.
func (l *lot) keep(text []byte) []byte {
	from := len(l.texts)
	l.texts = append(l.texts, text...)
	return l.texts[from:len(l.texts):len(l.texts)]
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
	l, d := f.lots.Get().(*lot), c.Decoder()
	var p api.Problem
	if !eachLine(c, body, func(text []byte) {
		d.Reset(text)
		f.settlementLine(l, d, &p)
	}) {
		f.giveLot(l)
		return
	}
	if p.Code == "" {
		p = f.runLot(l, sequencer.Till)
	}
	if p.Code != "" { // the lot is dropped: the engine may have its request
		c.Fail(p)
		return
	}
	list, err := f.clrTypes.List() // of all policies that a line can have been decided under
	if err != nil {
		c.Fail(unknownOutcome()) // settled, but the policies cannot be read: the till asks again
		return
	}
	l.appendSettledLines(list)
	c.Send(200, mediaNDJSON, l.answer.B)
	f.giveLot(l)
}

func (l *lot) appendSettledLines(list *ClrList) {
	l.appendLines(ledger.KindSettlement, func(a *strictjson.Appender, i int, out *decided) {
		if out.effect.Outcome == ledger.Accepted {
			appendSettled(a, out, list.Of(out.position, out.timeMS, l.lines[i].kind))
		} else if out.effect.Outcome == ledger.AmountChanged {
			appendFigures(a, &out.effect)
		}
	})
}

// settlementLine reads one line. stopped is set if the engine takes nothing now, which is not the line's fault: then the call is refused
// as a whole, and nothing of it has been submitted.
func (f *face) settlementLine(l *lot, d *strictjson.Decoder, stopped *api.Problem) {
	w := l.w
	x := f.readSettlement(w, d, settlementShape)
	one := line{msgid: l.keep(w.bill.msgid)}
	if x.bad() {
		p := x.problem()
		one.problem = &p
	} else if ok, after := f.allow(&w.cmd.Institution); !ok {
		one.problem = &api.Problem{Code: api.CodeRateLimited, RetryAfter: after}
	} else {
		kind, p := f.kindOf(w)
		if p.Code != "" {
			*stopped = p
		}
		one.kind, one.at = kind, w.request.Count
		w.add()
	}
	l.lines = append(l.lines, one)
}

// runLot submits what lines asked for and resolves repeats. outs has one element a command; fewer, if the clock halted behind them. With a problem the lot is not
// used again.
func (f *face) runLot(l *lot, class sequencer.Class) api.Problem {
	r := l.w.request
	if r.Count == 0 {
		return api.Problem{}
	}
	r.Results = slices.Grow(r.Results[:0], r.Count)
	if p := f.submit(l.w, class); p.Code != "" {
		return p
	}
	if err := f.decide(l); err != nil {
		return unknownOutcome()
	}
	return api.Problem{}
}

// decide gives what came of each command. Repeats are looked up in order of their first positions, so that each old batch is read once (a load sent again repeats
// 1,000 lines of one).
func (f *face) decide(l *lot) error {
	results := l.w.request.Results
	l.outs = slices.Grow(l.outs[:0], len(results))[:len(results)]
	for i := range results {
		if r := &results[i]; r.Effect.Outcome == ledger.Repeated {
			l.repeats = append(l.repeats, i)
		} else {
			l.outs[i] = decided{position: r.Position, effect: r.Effect, items: r.Items, timeMS: r.TimeMS}
		}
	}
	if len(l.repeats) == 0 {
		return nil
	}
	reader := f.engine.NewReader()
	slices.SortFunc(l.repeats, func(a, b int) int { return cmp.Compare(results[a].Effect.First, results[b].Effect.First) })
	for _, i := range l.repeats {
		var err error
		if l.outs[i], err = first(reader, results[i].Effect.First); err != nil {
			return err
		}
	}
	return nil
}

// appendLines writes one object a line: line, msgid if it could be read, status, and either the answer's fields or the problem's.
func (l *lot) appendLines(kind ledger.Kind, more func(a *strictjson.Appender, i int, out *decided)) {
	a := &l.answer
	a.Reset()
	for i := range l.lines {
		one := &l.lines[i]
		a.Begin()
		a.Int("line", int64(i+1))
		if len(one.msgid) > 0 {
			a.Bytes("msgid", one.msgid)
		}
		if one.problem == nil && one.at >= len(l.outs) {
			p := halted()
			one.problem = &p
		}
		switch {
		case one.problem != nil:
			appendVerdict(a, one.problem, false)
		case l.outs[one.at].effect.Outcome.IsAccepted():
			appendVerdict(a, &settled, l.outs[one.at].replayed)
			more(a, i, &l.outs[one.at])
		default:
			p := refused(kind, l.outs[one.at].effect.Outcome)
			appendVerdict(a, &p, l.outs[one.at].replayed)
			more(a, i, &l.outs[one.at])
		}
		a.End()
		endLine(a)
	}
}

var settled = api.Problem{Status: 200}

func appendVerdict(a *strictjson.Appender, p *api.Problem, replayed bool) {
	a.Int("status", int64(statusOf(p)))
	if replayed {
		a.Bool("replayed", true)
	}
	if p.Code != "" {
		appendProblemTail(a, p)
	}
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
