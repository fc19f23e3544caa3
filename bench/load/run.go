package load

import (
	"errors"
	"sync/atomic"
	"time"

	"gongji/bench/result"
)

// run is one measurement: warm up, measure, wait for what is under way, look at the books.
func (b *bench) run() (result.Run, error) {
	before, err := readBooks(b.engine)
	if err != nil {
		return result.Run{}, err
	}
	d := newDrive(b.engine, b.callers, b.plan.Rate, b.plan.Warm, b.plan.For)
	d.start()
	b.warm(d)
	disk, written, gc, cpu := bytesIn(b.options.Dir), writtenBytes(), readCollector(), cpuSeconds()
	b.stages.reset()
	s := newSampler(d, b.stages, b.options.Dir)
	begin := time.Now()
	d.measured.Store(true)
	beside, bulk, err := b.measured(d, s)
	d.measured.Store(false)
	r := result.Run{Seconds: time.Since(begin).Seconds(), CPU: cpuSeconds() - cpu, Series: s.points, Memory: memory(gc)}
	r.Disk = &result.Disk{Ledger: bytesIn(b.options.Dir), Device: writtenBytes() - written}
	counted := b.stages.counts()
	var failed error
	r.Stages, r.Batches, failed = b.stages.report()
	if err := errors.Join(err, failed, d.wait()); err != nil {
		return r, err
	}
	after, err := readBooks(b.engine)
	if err != nil {
		return r, err
	}
	sum := sumOf(d)
	r.Count, r.Rate = sum.inside, float64(sum.inside)/r.Seconds
	r.Disk.Commands = int64(sum.window.Bytes + bulk.Bytes)
	r.Disk.PerSettlement = float64(r.Disk.Ledger-disk) / float64(max(1, sum.window.Accepted))
	r.Mix = mixOf(&sum.window, &bulk, counted, before.totals.Personal+before.totals.Family)
	r.Mix.Extra = extraOf(&sum.window, d)
	if err := b.latencies(&r, &sum, &bulk, beside); err != nil {
		return r, err
	}
	sum.total.add(&bulk)
	r.Breaches = append(check(before, after, &sum.total), b.shape.Bands.outside(r.Mix, sum.window.Accepted, r.Batches.Commands)...)
	return r, nil
}

// sums are those of all workers of a drive that is over.
type sums struct {
	total, window Tally
	inside        uint64
	latency       [2]result.Histogram
}

func sumOf(d *drive) sums {
	out := sums{latency: [2]result.Histogram{result.NewHistogram(), result.NewHistogram()}}
	for _, w := range d.workers {
		out.total.add(&w.total)
		out.window.add(&w.window)
		out.inside += w.inside
		for i := range out.latency {
			out.latency[i].Merge(w.latency[i])
		}
	}
	return out
}

// latencies writes those of all requests, and of the tills before and beside a credit run.
func (b *bench) latencies(r *result.Run, sum *sums, bulk *Tally, beside time.Duration) (err error) {
	if beside > 0 {
		if err := besideOf(r.Mix.Extra, sum.latency, bulk, beside); err != nil {
			return err
		}
	}
	sum.latency[0].Merge(sum.latency[1])
	r.Latency, err = sum.latency[0].Latency(true)
	return err
}

// warm waits for the measured part.
func (b *bench) warm(d *drive) {
	if b.plan.Calls == 0 {
		time.Sleep(time.Until(d.begin.Add(d.from)))
		return
	}
	for d.done.Load() < b.plan.WarmCalls && !d.stop.Load() {
		time.Sleep(countEvery)
	}
}

// countEvery is how often a run that is bounded by calls looks at them: some requests' time.
const countEvery = 5 * time.Millisecond

// last samples until a part of the measured calls or time is over.
func (b *bench) last(d *drive, s *sampler, part float64) {
	if b.plan.Calls == 0 {
		s.until(d.begin.Add(d.from + time.Duration(part*float64(d.until-d.from))))
		return
	}
	end := b.plan.WarmCalls + uint64(part*float64(b.plan.Calls))
	for next := s.at.Add(seriesEvery); d.done.Load() < end && !d.stop.Load(); time.Sleep(countEvery) {
		if time.Now().After(next) {
			s.sample()
			next = s.at.Add(seriesEvery)
		}
	}
	if part == 1 {
		s.sample()
	}
}

// measured waits for the end of the measured part; a credit run goes over its second half. beside is how long that took.
func (b *bench) measured(d *drive, s *sampler) (beside time.Duration, bulk Tally, err error) {
	if b.field.run == nil {
		b.last(d, s, 1)
		return 0, Tally{}, nil
	}
	b.last(d, s, 0.5)
	b.field.run.tally = Tally{}
	var stop atomic.Bool
	ended := make(chan error, 1)
	begin := time.Now()
	d.beside.Store(true)
	go func() { ended <- b.field.run.drive(b.engine, stop.Load) }()
	b.last(d, s, 1)
	d.beside.Store(false)
	beside = time.Since(begin)
	stop.Store(true)
	err = <-ended
	return beside, b.field.run.tally, err
}

// Names in Mix.Extra.
const (
	extraSeveral   = "several_postings"   // share of settlements
	extraCalls     = "calls_a_settlement" // without credits
	extraLateP99   = "behind_p99_us"      // open loop: requests were sent so much later than they were due
	extraLateMax   = "behind_max_us"
	extraAlone     = "tills_p99_alone_us" // credit run: the tills before it and beside it
	extraBeside    = "tills_p99_beside_us"
	extraRatio     = "tills_p99_ratio"
	extraRunCredit = "run_credits_s"
	extraBusy      = "busy" // requests that found a queue full and were sent again; the waiting counts
)

func mixOf(t, bulk *Tally, n batchCounts, money int64) *result.Mix {
	m := &result.Mix{Postings: share(t.Legs, t.Accepted), Relatives: share(t.Relatives, t.Accepted), AllCash: share(t.Cash, t.Accepted),
		Contested: share(n.contested, n.commands), Serial: share(n.serial, n.commands), Calls: map[string]uint64{}}
	if money > 0 {
		m.Drift = float64(t.Credited+bulk.Credited+t.Returned-t.Paid) / float64(money)
	}
	for c, k := range t.Calls {
		if k += bulk.Calls[c]; k > 0 {
			m.Calls[callNames[c]] = k
		}
	}
	for o, k := range t.Refused {
		if m.Refused == nil {
			m.Refused = map[string]uint64{}
		}
		m.Refused[o.String()] = k
	}
	return m
}

func extraOf(t *Tally, d *drive) map[string]float64 {
	x := map[string]float64{extraSeveral: share(t.Several, t.Accepted), extraCalls: share(t.all(), t.Accepted)}
	if busy := d.busy.Load(); busy > 0 {
		x[extraBusy] = float64(busy)
	}
	if d.rate > 0 {
		late := d.late.counts()
		x[extraLateP99], x[extraLateMax] = float64(late.quantile(0.99))/1e3, float64(late.most())/1e3
	}
	return x
}

func besideOf(x map[string]float64, h [2]result.Histogram, bulk *Tally, took time.Duration) error {
	alone, err := h[0].Latency(false)
	if err != nil {
		return err
	}
	beside, err := h[1].Latency(false)
	if err != nil {
		return err
	}
	x[extraAlone], x[extraBeside], x[extraRunCredit] = alone.P99, beside.P99, float64(bulk.Calls[CallRunCredit])/took.Seconds()
	if alone.P99 > 0 {
		x[extraRatio] = beside.P99 / alone.P99
	}
	return nil
}
