package load

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/sequencer"
)

// target is what is driven: an engine, or a test's.
type target interface {
	Submit(*sequencer.Request) error
	Wait(*sequencer.Request) error
	Ask(func(engine.View)) error
}

// work is what a worker sends.
type work interface {
	// calls is how many calls of the unit the next request makes.
	calls() int
	// next readies the request, or gives a query instead.
	next(r *sequencer.Request) (query func(engine.View))
	// answered looks at the answers and counts them.
	answered(r *sequencer.Request) (*Tally, error)
}

// A drive is one run: its workers share a course of time, in which a part is measured. Closed loop: every worker sends its next request when the one
// before is answered. Open loop: requests are due at a fixed rate whatever becomes of those before; a worker takes the next due one when it is free and counts its
// latency from when it was due, so that neither a stall of the engine nor one of the generator hides what came meanwhile. Nothing due is left out.
type drive struct {
	do       target
	rate     float64       // calls a second; 0: closed loop
	begin    time.Time     // of the course
	from     time.Duration // open loop: the measured part of the course, [from, until); closed: measuring says when it is
	until    time.Duration
	measured atomic.Bool   // now is the measured part
	claimed  atomic.Uint64 // open loop: calls taken from the schedule
	stop     atomic.Bool
	beside   atomic.Bool   // requests sent now are counted apart: a credit run is under way
	done     atomic.Uint64 // calls answered since begin
	busy     atomic.Uint64 // requests refused because a queue was full, and sent again
	recent   coarse        // latencies since begin
	late     coarse        // open loop: how much later than due requests were sent, inside the measured part
	workers  []*worker
	running  sync.WaitGroup
	failOnce sync.Once
	failure  error
}

// worker belongs to its goroutine until the drive is over.
type worker struct {
	work    work
	request *sequencer.Request
	latency [2]result.Histogram // of requests: alone, beside a credit run
	total   Tally               // of the whole run
	window  Tally               // of the measured part
	inside  uint64              // calls answered inside the measured part
}

func newDrive(do target, works []work, rate float64, warm, measured time.Duration) *drive {
	d := &drive{do: do, rate: rate, from: warm, until: warm + measured}
	for _, w := range works {
		d.workers = append(d.workers, &worker{work: w, request: sequencer.NewRequest(), latency: [2]result.Histogram{result.NewHistogram(), result.NewHistogram()}})
	}
	return d
}

// start begins the course.
func (d *drive) start() {
	d.begin = time.Now()
	for _, w := range d.workers {
		d.running.Go(func() {
			if err := d.run(w); err != nil {
				d.fail(err)
			}
		})
	}
}

// wait ends a closed loop, or waits for all that was due in an open one.
func (d *drive) wait() error {
	if d.rate == 0 {
		d.stop.Store(true)
	}
	d.running.Wait()
	return d.failure
}

func (d *drive) fail(err error) {
	d.failOnce.Do(func() { d.failure = err })
	d.stop.Store(true)
}

func (d *drive) run(w *worker) error {
	for !d.stop.Load() {
		calls := w.work.calls()
		due, ok := d.due(calls)
		if !ok {
			return nil
		}
		query := w.work.next(w.request)
		sent := time.Since(d.begin)
		if d.rate > 0 {
			if due > sent {
				time.Sleep(due - sent)
				sent = time.Since(d.begin)
			}
			if d.measures(due) {
				d.late.record(sent - due)
			}
		} else {
			due = sent
		}
		beside := 0
		if d.beside.Load() {
			beside = 1
		}
		if err := d.send(w, query); err != nil {
			return err
		}
		end := time.Since(d.begin)
		if err := d.count(w, calls, due, end, beside); err != nil {
			return err
		}
	}
	return nil
}

// due takes the next calls of the schedule; ok is false behind its end.
func (d *drive) due(calls int) (at time.Duration, ok bool) {
	if d.rate == 0 {
		return 0, true
	}
	first := d.claimed.Add(uint64(calls)) - uint64(calls)
	at = time.Duration(float64(first) / d.rate * float64(time.Second))
	return at, at < d.until
}

// measures reports whether what is due at a moment belongs to the measured part of an open loop.
func (d *drive) measures(due time.Duration) bool { return d.from <= due && due < d.until }

func (d *drive) send(w *worker, query func(engine.View)) error {
	if query != nil {
		return d.do.Ask(query)
	}
	for {
		err := d.do.Submit(w.request)
		if err == nil {
			return d.do.Wait(w.request)
		}
		if !errors.Is(err, sequencer.ErrBusy) {
			return err
		}
		d.busy.Add(1)
		time.Sleep(busyWait)
	}
}

// busyWait is about the time of a batch.
const busyWait = time.Millisecond

// count takes an answered request in. A request belongs to the measured part of a closed loop if it was answered in it, of an open one if it was due in it:
// else the slowest, which come after the end, would be missing.
func (d *drive) count(w *worker, calls int, due, end time.Duration, beside int) error {
	bytes, commands := len(w.request.Commands), w.request.Count
	one, err := w.work.answered(w.request)
	if err != nil {
		return err
	}
	one.Requests, one.Commands, one.Bytes = 1, uint64(commands), uint64(bytes)
	w.request.Reset()
	w.total.add(one)
	d.done.Add(uint64(calls))
	d.recent.record(end - due)
	now := d.measured.Load()
	if now {
		w.inside += uint64(calls)
	}
	if d.rate == 0 && now || d.rate > 0 && d.measures(due) {
		w.window.add(one)
		w.latency[beside].Record(end - due)
	}
	return nil
}
