package wire

import (
	"errors"
	"fmt"
	"math"
	"time"

	"gongji/bench/result"
)

// span is which templates a process has sent: n from one on, in turn.
type span struct {
	from int
	n    uint64
}

// uses counts how often each bill was sent; group bills make a template.
func uses(bills, group int, spans []span) []uint64 {
	out := make([]uint64, bills)
	templates := uint64((bills + group - 1) / group)
	for _, s := range spans {
		rounds, rest := s.n/templates, s.n%templates
		for t := range templates {
			n := rounds
			if (t+templates-uint64(s.from))%templates < rest {
				n++
			}
			for i := int(t) * group; i < min(bills, (int(t)+1)*group); i++ {
				out[i] += n
			}
		}
	}
	return out
}

// books is the server's books at a moment without load.
type books struct {
	counters
	money, sum int64
}

func (b *bench) books() (x books, err error) {
	if x.money, x.sum, err = b.operator.books(); err == nil {
		x.counters, err = b.operator.counters()
	}
	return x, err
}

// run drives a job with the own client, holds what it was told against the server's books, and puts the money back.
func (b *bench) run(j Job) (result.Run, *Outcome, error) {
	before, err := b.books()
	if err != nil {
		return result.Run{}, nil, err
	}
	j.Tag = b.tag()
	if j.From = b.from; j.Face == Batch {
		j.From /= j.Group
	}
	var seen []reading
	var watching error
	o, err := b.children.Run(j, func(begin time.Time) {
		seen, watching = b.Server.watch(b.operator, begin, time.Duration(j.For))
	})
	if err == nil {
		err = watching
	}
	if err != nil {
		return result.Run{}, nil, err
	}
	b.from = (b.from + int(o.Requests%uint64(b.Bodies))*each(&j)) % b.Bodies
	r, err := measured(o, each(&j), seen)
	if err != nil {
		return r, o, err
	}
	r.Breaches = append(r.Breaches, o.wrongs()...)
	if isEcho(j.Face) {
		return r, o, nil
	}
	if r.Disk != nil {
		r.Disk.Ledger = b.Server.disk()
	}
	after, err := b.settled(before, o.Accepted, o.Accepted)
	if err != nil {
		return r, o, err
	}
	r.Breaches = append(r.Breaches, o.against(before, after)...)
	b.judge(&r, before, after)
	r.Mix.Extra["client_cpu_s"] = o.CPU
	return r, o, b.level(uses(b.Bodies, each(&j), o.spans), before.money-after.money)
}

// countersLag is how long the counters of the server may lag behind its answers.
const countersLag = 5 * time.Second

// settled reads the books when between least and most settlements have been counted since before, or as they are when that takes too long.
func (b *bench) settled(before books, least, most uint64) (after books, err error) {
	for end := time.Now().Add(countersLag); ; time.Sleep(10 * time.Millisecond) {
		if after, err = b.books(); err != nil {
			return after, err
		}
		if n := after.accepted - before.accepted; n >= least && n <= most || time.Now().After(end) {
			return after, nil
		}
	}
}

// wrongs tells what answers were wrong.
func (o *Outcome) wrongs() (breaches []string) {
	if o.WrongCount > 0 {
		breaches = append(breaches, fmt.Sprintf("%d of %d answers or connections were wrong, the first: %q", o.WrongCount, o.Answers, o.Wrong))
	}
	if o.Count == 0 {
		breaches = append(breaches, "nothing was answered in the measured time")
	}
	return breaches
}

// against holds what answers said against the server's books.
func (o *Outcome) against(before, after books) (breaches []string) {
	d := after.since(before.counters)
	for _, x := range []struct {
		what      string
		say, have int64
	}{
		{"settlements", int64(o.Accepted), int64(d.accepted)}, {"settlements using relatives", int64(o.Relatives), int64(d.relatives)},
		{"settlements all in cash", int64(o.AllCash), int64(d.allCash)}, {"fen paid out of accounts", o.Paid, before.money - after.money},
	} {
		if x.say != x.have {
			breaches = append(breaches, fmt.Sprintf("%s: answers come to %d, the books to %d", x.what, x.say, x.have))
		}
	}
	return breaches
}

// judge makes the mix of a run and tells where it left its bands.
func (b *bench) judge(r *result.Run, before, after books) {
	d := after.since(before.counters)
	n, commands := float64(max(1, d.accepted)), float64(max(1, d.commands))
	m := &result.Mix{Postings: float64(d.postings) / n, Relatives: float64(d.relatives) / n, AllCash: float64(d.allCash) / n,
		Contested: float64(d.contested) / commands, Serial: float64(d.serial) / commands, Drift: float64(after.money-before.money) / float64(max(1, before.money)),
		Extra: map[string]float64{"relatives_expected": b.expected.relatives, "all_cash_expected": b.expected.allCash}}
	r.Mix = m
	breach := func(format string, a ...any) { r.Breaches = append(r.Breaches, fmt.Sprintf(format, a...)) }
	if after.sum != 0 {
		breach("the books do not balance: all accounts come to %d fen", after.sum)
	}
	if m.Postings < postingsMin {
		breach("%.2f postings a settlement, at least %.2f", m.Postings, postingsMin)
	}
	if math.Abs(m.Relatives-b.expected.relatives) > mixMax || math.Abs(m.AllCash-b.expected.allCash) > mixMax {
		breach("%.1f %% use relatives, %.1f %% are all cash; the bills at opening balances %.1f %% and %.1f %%", 100*m.Relatives, 100*m.AllCash, 100*b.expected.relatives, 100*b.expected.allCash)
	}
	if math.Abs(m.Drift) > b.Drift {
		breach("the run took %.1f %% of the money, at most %.1f %%: take more persons or a shorter time", -100*m.Drift, 100*b.Drift)
	}
}

// measured makes a run of an outcome and of what was seen of the server meanwhile.
func measured(o *Outcome, each int, seen []reading) (r result.Run, err error) {
	all := result.NewHistogram()
	for _, h := range o.times {
		all.Merge(h)
	}
	r.Seconds, r.Count = o.Seconds, o.Count*uint64(each)
	r.Rate = float64(r.Count) / r.Seconds
	if all.Count() > 0 {
		if r.Latency, err = all.Latency(true); err != nil {
			return r, err
		}
	}
	r.Series = series(o, each, seen)
	see(&r, seen)
	return r, nil
}

// see adds what the server used between the first and the last reading.
func see(r *result.Run, seen []reading) {
	if len(seen) < 2 {
		return
	}
	a, z := &seen[0], &seen[len(seen)-1]
	d := z.since(a.counters)
	if z.cpu > 0 {
		r.CPU = z.cpu - a.cpu
		r.Memory = &result.Memory{Process: z.memory, GCCount: uint32(d.collections), GCCPU: d.collectionCPU / max(r.CPU, 0.01)}
		r.Disk = &result.Disk{Device: z.written - a.written}
	}
	if d.accepted > 0 {
		r.Batches = &result.Batches{Count: d.batches, Commands: float64(d.commands) / float64(d.batches)}
	}
}

// join puts a later part of a run behind the earlier ones. Shares are means weighted by what was counted.
func join(a, b *result.Run) error {
	a.Breaches = append(a.Breaches, b.Breaches...)
	if b.Latency == nil {
		return nil // nothing was answered, which is a breach
	}
	h, err1 := a.Latency.Decode()
	more, err2 := b.Latency.Decode()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	h.Merge(more)
	var err error
	if a.Latency, err = h.Latency(true); err != nil {
		return err
	}
	for _, p := range b.Series {
		p.At += a.Seconds
		a.Series = append(a.Series, p)
	}
	was, is := float64(a.Count), float64(b.Count)
	mean := func(x *float64, y float64) { *x = (*x*was + y*is) / (was + is) }
	mean(&a.Mix.Postings, b.Mix.Postings)
	mean(&a.Mix.Relatives, b.Mix.Relatives)
	mean(&a.Mix.AllCash, b.Mix.AllCash)
	mean(&a.Mix.Contested, b.Mix.Contested)
	mean(&a.Mix.Serial, b.Mix.Serial)
	a.Mix.Drift = min(a.Mix.Drift, b.Mix.Drift)
	a.Mix.Extra["client_cpu_s"] += b.Mix.Extra["client_cpu_s"]
	a.Seconds, a.Count, a.CPU = a.Seconds+b.Seconds, a.Count+b.Count, a.CPU+b.CPU
	a.Rate = float64(a.Count) / a.Seconds
	if a.Batches != nil && b.Batches != nil {
		commands := a.Batches.Commands*float64(a.Batches.Count) + b.Batches.Commands*float64(b.Batches.Count)
		a.Batches.Count += b.Batches.Count
		a.Batches.Commands = commands / float64(a.Batches.Count)
	}
	if a.Memory != nil && b.Memory != nil {
		a.Memory.Process = b.Memory.Process
		a.Memory.GCCount += b.Memory.GCCount
	}
	if a.Disk != nil && b.Disk != nil {
		a.Disk.Ledger = b.Disk.Ledger
		a.Disk.Device += b.Disk.Device
	}
	return nil
}

// runWrk drives a job with wrk for whole seconds.
func (b *bench) runWrk(j Job, seconds int) (r result.Run, err error) {
	before, err := b.books()
	if err != nil {
		return r, err
	}
	j.Tag = b.tag()
	first := reading{at: time.Now(), usage: b.Server.usage(), counters: before.counters}
	r, cpu, bodies, err := b.wrk.run(j, seconds)
	if err != nil {
		return r, err
	}
	last := reading{at: time.Now(), usage: b.Server.usage()}
	if isEcho(j.Face) {
		last.counters, err = b.operator.counters()
		see(&r, []reading{first, last})
		return r, err
	}
	// What wrk has not read when its time is over is settled and not counted: at most one a connection.
	after, err := b.settled(before, r.Count, r.Count+uint64(j.Connections))
	if err != nil {
		return r, err
	}
	last.counters = after.counters
	see(&r, []reading{first, last})
	if r.Disk != nil {
		r.Disk.Ledger = b.Server.disk()
	}
	if n := after.accepted - before.accepted; n < r.Count || n > r.Count+uint64(j.Connections) {
		r.Breaches = append(r.Breaches, fmt.Sprintf("wrk counts %d answers over %d connections, the books %d settlements", r.Count, j.Connections, n))
	}
	b.judge(&r, before, after)
	r.Mix.Extra["client_cpu_s"] = cpu
	sent := make([]uint64, b.Bodies) // by both threads, each from the second one on
	copy(sent, uses(bodies, 1, []span{{1, r.Count / wrkThreads}, {1, r.Count / wrkThreads}}))
	return r, b.level(sent, before.money-after.money)
}
