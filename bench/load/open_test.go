package load

import (
	"testing"
	"testing/synctest"
	"time"

	"gongji/engine"
	"gongji/engine/sequencer"
)

// stalling is an engine that answers after a millisecond, and while it stalls not before the stall is over.
type stalling struct {
	begin    time.Time
	from, to time.Duration
}

func (s *stalling) Submit(*sequencer.Request) error { return nil }
func (s *stalling) Ask(func(engine.View)) error     { return nil }

func (s *stalling) Wait(*sequencer.Request) error {
	if at := time.Since(s.begin); s.from <= at && at < s.to {
		time.Sleep(s.to - at)
	}
	time.Sleep(time.Millisecond)
	return nil
}

// single sends requests of one call; making one takes it a while, if it is slow.
type single struct {
	slow  func() time.Duration
	tally Tally
}

func (s *single) calls() int { return 1 }

func (s *single) next(*sequencer.Request) func(engine.View) {
	if s.slow != nil {
		time.Sleep(s.slow())
	}
	return nil
}

func (s *single) answered(*sequencer.Request) (*Tally, error) {
	s.tally = Tally{}
	s.tally.Calls[CallSettlement] = 1
	return &s.tally, nil
}

const (
	testWarm, testFor = 100 * time.Millisecond, 2 * time.Second
	testRate          = 1000
	testDue           = 2000 // in testFor
	stallAt, stallFor = 500 * time.Millisecond, 500 * time.Millisecond
	stalled           = 500 // of those due
	testWorkers       = 64
)

// driven runs the workers against an engine that stalls for a time, in a bubble of virtual time. slower counts requests that took longer than a time.
func driven(t *testing.T, rate float64, stall time.Duration, slow func() time.Duration) (d *drive, slower func(time.Duration) int) {
	t.Helper()
	do := &stalling{begin: time.Now(), from: stallAt, to: stallAt + stall}
	works := make([]work, testWorkers)
	for i := range works {
		works[i] = &single{slow: slow}
	}
	d = newDrive(do, works, rate, testWarm, testFor)
	d.start()
	time.Sleep(testWarm)
	d.measured.Store(true)
	time.Sleep(testFor)
	d.measured.Store(false)
	if err := d.wait(); err != nil {
		t.Fatal(err)
	}
	recent := d.recent.counts() // of the whole course: in the warm-up there is nothing slow
	return d, func(than time.Duration) (n int) {
		for class, k := range recent {
			if upper(class) > than {
				n += int(k)
			}
		}
		return n
	}
}

// TestOpenCountsFromDue: a stall of half a second shows in the latencies of all that was due while it lasted, evenly from half a second down, though
// 64 workers can only have had 64 requests under way; a closed loop of the same workers saw no more.
func TestOpenCountsFromDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, slower := driven(t, testRate, stallFor, nil)
		sum := sumOf(d)
		if n := sum.latency[0].Count(); n != testDue {
			t.Errorf("%d requests counted, %d were due", n, testDue)
		}
		for _, part := range []int{1, 2, 4} { // of the stall
			than := stallFor / time.Duration(part)
			want := stalled - stalled/part
			if n := slower(than); n < want-stalled/10 || n > want+stalled/8 { // classes are an eighth wide
				t.Errorf("%d requests took longer than %v, about %d were due early enough in the stall", n, than, want)
			}
		}
		late := d.late.counts()
		if late.most() < stallFor*3/4 { // but for those who had been waiting
			t.Errorf("sent at most %v late: the waiting for a free worker is not told", late.most())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, slower := driven(t, 0, stallFor, nil)
		if n := slower(stallFor / 4); n > testWorkers {
			t.Errorf("vacuous: a closed loop saw %d slow requests too", n)
		}
	})
}

// TestGeneratorBehind: a generator that stops for half a second is late, and that counts as latency; nothing due is dropped.
func TestGeneratorBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		d, slower := driven(t, testRate, 0, func() time.Duration {
			if at := time.Since(begin); at > stallAt && at < stallAt+stallFor {
				return stallAt + stallFor - at // all workers, so that nothing more is sent
			}
			return 0
		})
		if n := sumOf(d).latency[0].Count(); n != testDue {
			t.Errorf("%d requests counted, %d were due", n, testDue)
		}
		if n := slower(stallFor / 4); n < stalled*3/4-2*testWorkers || n > stalled { // each worker had one request ahead of its time
			t.Errorf("%d requests took longer than %v: of what the generator held up some are missing", n, stallFor/4)
		}
		if late := d.late.counts(); late.most() < stallFor/2 {
			t.Errorf("the generator says it was at most %v late", late.most())
		}
	})
}

// TestCoarse: quantiles are at most an eighth too high.
func TestCoarse(t *testing.T) {
	var c coarse
	for i := range 10_000 {
		c.record(time.Duration(i+1) * time.Microsecond)
	}
	counts := c.counts()
	for _, q := range []float64{0.1, 0.5, 0.9, 0.99, 1} {
		exact := time.Duration(q * 10_000 * float64(time.Microsecond))
		if got := counts.quantile(q); got < exact*99/100 || got > exact*9/8+time.Microsecond {
			t.Errorf("quantile %.2f: %v, exactly %v", q, got, exact)
		}
	}
	c.record(time.Hour)
	later := c.counts()
	since := later.since(&counts)
	if got := since.quantile(0.5); got < time.Hour {
		t.Errorf("only an hour came since, its median is %v", got)
	}
	if (&nothing).quantile(0.5) != 0 {
		t.Error("a quantile of nothing")
	}
}

var nothing counts
