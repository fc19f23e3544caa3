package rest

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// Limits of streamed loads.
const (
	// chunkLines become one request (api.md; sequencer.CommandsPerRequestMax is the same).
	chunkLines = sequencer.CommandsPerRequestMax
	// lineBytesMax is more than any valid line: 64 KiB as a business body, which a person with eight enrolments is far below.
	lineBytesMax = 64 << 10
	// refusalsMax is how many refused lines the answer lists.
	refusalsMax = 100
	// loadDeadline for one chunk: loads get what tills leave, so it is long; after it the client sends again and resumes.
	loadDeadline = 30 * time.Second
	// loadRetryEvery and loadRetryFor: a full queue of loads empties in some tens of milliseconds.
	loadRetryEvery = 10 * time.Millisecond
	loadRetryFor   = 10 * time.Second
)

// loader turns the lines of a stream into requests of the bulk class, one after the other.
type loader struct {
	face    *face
	w       *work
	timer   *time.Timer
	decoder strictjson.Decoder
	read    func(d *strictjson.Decoder, number int) fault // makes the line's command in w, ready for add
	kind    ledger.Kind
	numbers []int     // line number of each command of the open request
	pending []refusal // refused lines since the last request

	lines, accepted, repeated, refused int
	first                              []refusal
}

// refusal is one refused line.
type refusal struct {
	line, outcome int
	fault
}

func (f *face) newLoader(kind ledger.Kind) *loader {
	return &loader{face: f, w: &work{request: sequencer.NewRequest()}, timer: time.NewTimer(loadDeadline), kind: kind}
}

// run reads the whole stream. A problem with a code ends it: lines before it are in the ledger, and sending all again resumes.
func (l *loader) run(stream io.Reader) api.Problem {
	in := bufio.NewReaderSize(stream, lineBytesMax)
	for {
		text, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return api.Problem{Code: api.CodeBodyCutOff, IDUsed: api.IDUnknown}
		}
		if len(text) > 0 {
			if p := l.line(text, long); p.Code != "" {
				return p
			}
		}
		if err != nil {
			return l.send()
		}
	}
}

func (l *loader) line(text []byte, long bool) api.Problem {
	l.lines++
	x := fault{code: api.CodeTooLong}
	if !long {
		l.decoder.Reset(text)
		x = l.read(&l.decoder, l.lines)
	}
	if x.bad() {
		l.pending = append(l.pending, refusal{line: l.lines, fault: x})
	} else {
		l.w.add()
		l.numbers = append(l.numbers, l.lines)
	}
	if len(l.numbers) == chunkLines || len(l.pending) == chunkLines {
		return l.send()
	}
	return api.Problem{}
}

// send submits the open request and counts what came of it.
func (l *loader) send() api.Problem {
	defer l.tellRefused()
	r := l.w.request
	if r.Count == 0 {
		return api.Problem{}
	}
	r.Class = sequencer.Bulk
	if err := l.admit(); err != nil {
		return notAdmitted(err)
	}
	if err := l.wait(loadDeadline); errors.Is(err, sequencer.ErrClock) {
		return notAdmitted(err) // a part of the chunk may be decided: sending again resumes, as after any end of a load
	} else if err != nil {
		return unknownOutcome()
	}
	for i := range r.Results {
		switch o := r.Results[i].Effect.Outcome; {
		case o == ledger.Repeated:
			l.repeated++
		case o.IsAccepted():
			l.accepted++
		default:
			p := refused(l.kind, o)
			l.pending = append(l.pending, refusal{line: l.numbers[i], outcome: int(o), fault: fault{p.Code, p.Field}})
		}
	}
	// A new request with the old memory: the sequencer may look at the counters of a bulk request for a moment after its answer.
	l.w.request = sequencer.NewRequest()
	l.w.request.Commands, l.w.request.Results = r.Commands[:0], r.Results[:0]
	l.numbers = l.numbers[:0]
	return api.Problem{}
}

// tellRefused moves refused lines to the summary, in order of lines.
func (l *loader) tellRefused() {
	slices.SortFunc(l.pending, func(a, b refusal) int { return a.line - b.line })
	l.refused += len(l.pending)
	l.first = append(l.first, l.pending[:min(len(l.pending), refusalsMax-len(l.first))]...)
	l.pending = l.pending[:0]
}

// admit submits, waiting while the queue of loads is full.
func (l *loader) admit() error {
	for end := time.Now().Add(loadRetryFor); ; {
		err := l.face.engine.Submit(l.w.request)
		if !errors.Is(err, sequencer.ErrBusy) || time.Now().After(end) {
			return err
		}
		l.timer.Reset(loadRetryEvery)
		<-l.timer.C
	}
}

// wait blocks until the request is answered or the deadline has passed.
func (l *loader) wait(deadline time.Duration) error {
	l.timer.Reset(deadline)
	select {
	case <-l.w.request.Done():
		l.timer.Stop()
		return l.w.request.Err
	case <-l.timer.C:
		return sequencer.ErrDeadline
	}
}

// append writes the summary.
func (l *loader) append(a *strictjson.Appender) {
	a.Int("lines", int64(l.lines))
	a.Int("accepted", int64(l.accepted))
	a.Int("repeated", int64(l.repeated))
	a.Int("refused", int64(l.refused))
	a.ArrayKey("first_refusals")
	for _, r := range l.first {
		a.Begin()
		a.Int("line", int64(r.line))
		a.String("code", string(r.code))
		if r.field != "" {
			a.String("field", r.field)
		}
		if r.outcome != 0 {
			a.Int("outcome", int64(r.outcome))
		}
		a.End()
	}
	a.EndArray()
}

// addPersons is POST /v1/persons as a stream: the id of a line is (file, line number), so sending again resumes. A line's own msgid is
// not looked at.
func (f *face) addPersons(c *api.Call) {
	file, x := readFile(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	l := f.newLoader(ledger.KindPerson)
	in := &personIn{}
	var number [20]byte
	l.read = func(d *strictjson.Decoder, line int) fault {
		if x := f.readPerson(l.w, in, d); x.bad() {
			return x
		}
		l.w.cmd.ID = ledger.K(callerLoad, file, strconv.AppendInt(number[:0], int64(line), 10))
		return fault{}
	}
	if p := l.run(c.Stream()); p.Code != "" {
		c.Fail(p)
		return
	}
	c.Out.Begin()
	l.append(&c.Out)
	c.Out.End()
	c.OK(200)
}

// readFile reads ?file=, the name of a load.
func readFile(c *api.Call) (file []byte, x fault) {
	values, x := readQuery(c, "file")
	file = values[0]
	switch {
	case x.bad():
	case len(file) == 0:
		x = fault{api.CodeMissingField, "file"}
	case len(file) > fileMax:
		x = fault{api.CodeTooLong, "file"}
	}
	return file, x
}
