package wire

import (
	"errors"
	"io"
	"time"

	"gongji/bench/result"
)

// wires are the connections of a generator and its clock: sockets, or a test's.
type wires interface {
	now() int64 // ns of a clock that only goes on
	cpu() float64
	// wait appends the connections that can be read, or written if blocked, to ready. It returns at the latest at until.
	wait(until int64, ready []int) []int
	read(c int, buf []byte) (int, error)  // 0 and no error: nothing yet
	write(c int, buf []byte) (int, error) // fewer than len(buf): no more room
	blocked(c int, yes bool)              // wait for room to write too
	shut(c int)                           // it is not used any more
}

const (
	// connectionRequests are sent over one connection; the server ends it behind a million (api.RequestsPerConnectionMax).
	connectionRequests = 900_000
	// grace is how long answers owed at the end are waited for: longer than any call of the server may take.
	grace = 15 * time.Second
	// readBytes is a connection's buffer at first; it grows to what an answer needs.
	readBytes = 16 << 10
)

// generator drives connections in one goroutine. In the steady state it allocates nothing.
type generator struct {
	job       *Job
	w         wires
	templates []template
	links     []link
	out       Outcome

	start, from, until int64   // sending begins; what counts begins and ends
	next               int     // template to be sent
	number             uint64  // of the next message id
	owed               int     // answers, all connections
	alive              int     // connections in use
	period             float64 // ns between arrivals of this process; 0: closed loop
	arrived            int     // arrivals sent
	free               queue   // open loop: a connection for each request that it may yet take
	cpuFrom            float64
	measuring, done    bool
}

// link is one connection.
type link struct {
	out      []byte // what is not written yet
	written  int
	in       []byte
	have     int
	requests []request // a ring of those without answer, in the order sent
	first, n int
	sent     int
	blocked  bool
	gone     bool
}

// request is one without answer.
type request struct {
	at       int64 // sent, or in an open loop when it should have been
	template int
	number   uint64
}

// queue is a ring of connections.
type queue struct {
	list     []int
	first, n int
}

func (q *queue) push(c int) {
	q.list[(q.first+q.n)%len(q.list)] = c
	q.n++
}

func (q *queue) pop() int {
	c := q.list[q.first]
	q.first = (q.first + 1) % len(q.list)
	q.n--
	return c
}

// newGenerator readies a job over wires whose clock shows start when sending begins.
func newGenerator(j *Job, templates []template, w wires, start int64) *generator {
	g := &generator{job: j, w: w, templates: templates, links: make([]link, j.Connections), next: j.From % len(templates), alive: j.Connections,
		start: start, from: start + j.Warm, until: start + j.Warm + j.For}
	for i := range g.links {
		g.links[i] = link{in: make([]byte, readBytes), requests: make([]request, j.Pipeline)}
	}
	if j.Rate > 0 {
		g.period = 1e9 * float64(j.Processes) / j.Rate
		g.free.list = make([]int, j.Connections*j.Pipeline)
		for range j.Pipeline {
			for c := range j.Connections {
				g.free.push(c)
			}
		}
	}
	intervals := (j.For + int64(IntervalLength) - 1) / int64(IntervalLength)
	g.out.Intervals = make([]Interval, intervals)
	for range intervals {
		g.out.times = append(g.out.times, result.NewHistogram())
	}
	g.out.Seconds = float64(j.For) / 1e9
	return g
}

// run drives until the time is over and all answers are here, or the last waited long enough.
func (g *generator) run() *Outcome {
	var ready []int
	for now := g.w.now(); now < g.start; now = g.w.now() {
		ready = g.w.wait(g.start, ready[:0])
	}
	if g.period == 0 {
		now := g.w.now()
		for c := range g.links {
			g.fill(c, now)
		}
	}
	for {
		now := g.w.now()
		g.measure(now)
		g.arrivals(now)
		if g.over(now) {
			break
		}
		ready = g.w.wait(g.wake(now), ready[:0])
		for _, c := range ready {
			g.serve(c)
		}
	}
	g.end()
	return &g.out
}

// measure notes the CPU time used where the measured time begins and ends.
func (g *generator) measure(now int64) {
	if !g.measuring && now >= g.from {
		g.measuring, g.cpuFrom = true, g.w.cpu()
	}
	if !g.done && now >= g.until {
		g.done, g.out.CPU = true, g.w.cpu()-g.cpuFrom
	}
}

func (g *generator) over(now int64) bool {
	if g.alive == 0 && g.owed == 0 {
		return true
	}
	return now >= g.until && (g.owed == 0 && !g.due(g.until) || now >= g.until+int64(grace))
}

// wake is when the generator must go on though nothing arrives.
func (g *generator) wake(now int64) int64 {
	until := g.until
	if !g.measuring {
		until = g.from
	}
	if now >= g.until {
		until += int64(grace)
	}
	if g.free.n > 0 && g.due(g.until) {
		until = min(until, g.arrival())
	}
	return until
}

// arrival is when the next request of an open loop is to be sent.
func (g *generator) arrival() int64 {
	slot := float64(g.arrived) + float64(g.job.Process)/float64(g.job.Processes)
	return g.start + int64(slot*g.period)
}

// due tells whether an arrival before a moment has not been sent.
func (g *generator) due(before int64) bool { return g.period > 0 && g.arrival() < min(before, g.until) }

// arrivals sends what is due while a connection is free. What finds none waits, and its latency counts from when it was due.
func (g *generator) arrivals(now int64) {
	for g.free.n > 0 && g.due(now+1) {
		c := g.free.pop()
		if g.links[c].gone {
			continue
		}
		g.push(c, g.arrival())
		g.arrived++
		g.flush(c)
	}
}

// fill sends over a connection of a closed loop until its pipeline is full.
func (g *generator) fill(c int, now int64) {
	l := &g.links[c]
	for !l.gone && now < g.until && l.n < g.job.Pipeline && l.sent < connectionRequests {
		g.push(c, now)
	}
	g.flush(c)
}

// push puts the next request into a connection's buffer.
func (g *generator) push(c int, at int64) {
	l, t := &g.links[c], &g.templates[g.next]
	from := len(l.out)
	l.out = append(l.out, t.bytes...)
	t.patch(l.out[from:], g.job.Tag, g.number)
	l.requests[(l.first+l.n)%len(l.requests)] = request{at: at, template: g.next, number: g.number}
	l.n++
	l.sent++
	g.owed++
	g.out.Requests++
	g.out.BytesOut += uint64(len(t.bytes))
	g.number += uint64(len(t.ids))
	if g.next++; g.next == len(g.templates) {
		g.next = 0
	}
}

// flush writes what a connection takes.
func (g *generator) flush(c int) {
	l := &g.links[c]
	if l.gone || len(l.out) == 0 {
		return
	}
	n, err := g.w.write(c, l.out[l.written:])
	if err != nil {
		g.drop(c, err)
		return
	}
	if l.written += n; l.written == len(l.out) {
		l.out, l.written = l.out[:0], 0
	}
	if full := len(l.out) > 0; full != l.blocked {
		l.blocked = full
		g.w.blocked(c, full)
	}
}

// serve reads what a connection has and sends anew.
func (g *generator) serve(c int) {
	l := &g.links[c]
	if l.gone {
		return
	}
	if l.blocked {
		g.flush(c)
	}
	if l.have == len(l.in) {
		l.in = append(l.in, make([]byte, len(l.in))...)
	}
	n, err := g.w.read(c, l.in[l.have:])
	l.have += n
	now := g.w.now()
	used := 0
	for used < l.have && !l.gone {
		size := g.answer(c, l.in[used:l.have], now)
		if size == 0 {
			break
		}
		used += size
	}
	l.have = copy(l.in, l.in[used:l.have])
	if err != nil {
		g.drop(c, err)
	}
	if g.period == 0 {
		g.fill(c, now)
	}
}

// answer takes the first answer of b and gives its size; 0: it is not complete, or the connection is gone.
func (g *generator) answer(c int, b []byte, now int64) int {
	l := &g.links[c]
	h, ok, err := readHead(b)
	if err == nil && ok && l.n == 0 {
		err = errUnasked
	}
	if err != nil {
		g.drop(c, err)
		return 0
	}
	size := h.size + h.length
	if !ok || len(b) < size {
		return 0
	}
	r := l.requests[l.first]
	l.first = (l.first + 1) % len(l.requests)
	l.n--
	g.owed--
	g.out.BytesIn += uint64(size)
	g.out.check(g.job.Face, &g.templates[r.template], g.job.Tag, r.number, &h, b[h.size:size], g.job.AnswerBytes)
	g.record(now, r.at)
	switch {
	case h.closes:
		g.drop(c, io.EOF)
	case l.sent >= connectionRequests:
		if l.n == 0 {
			g.retire(c)
		}
	case g.period > 0:
		g.free.push(c)
	}
	return size
}

// errUnasked says that an answer came to no request.
var errUnasked = errors.New("wire: an answer to no request")

// record counts an answered request and its time.
func (g *generator) record(now, at int64) {
	t := now
	if g.period > 0 {
		t = at
	}
	if t >= g.from && t < g.until {
		g.out.times[(t-g.from)/int64(IntervalLength)].Record(time.Duration(now - at))
		g.out.Count++
	}
}

// drop gives up a connection that ended or sends what is no answer. Its answers are missing.
func (g *generator) drop(c int, err error) {
	l := &g.links[c]
	if l.gone {
		return
	}
	text := err.Error()
	if errors.Is(err, io.EOF) {
		text = "ended by the server"
	}
	g.out.fault("a connection with %d answers owed: %s", l.n, text)
	g.owed -= l.n
	l.n = 0
	g.retire(c)
}

func (g *generator) retire(c int) {
	g.links[c].gone = true
	g.alive--
	g.w.shut(c)
}

// end tells what is missing.
func (g *generator) end() {
	if g.owed > 0 {
		g.out.fault("%d requests had no answer %v after the end", g.owed, grace)
	}
	if g.alive == 0 && g.w.now() < g.until {
		g.out.fault("no connection is left: one takes %d requests", connectionRequests)
	}
	if g.due(g.until) {
		g.out.fault("%d requests of an open loop were never sent: the server is slower than the rate", int(float64(g.until-g.arrival())/g.period)+1)
	}
	if !g.done {
		g.out.CPU = g.w.cpu() - g.cpuFrom
	}
}
