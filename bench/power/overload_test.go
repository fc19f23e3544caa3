package power

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gongji/bench/proof"
	"gongji/engine/sequencer"
)

const (
	overloadSeed = 20_261_122_15
	// secondsFull of each load; reliability.md says 20, which with the rest would be over the minute that `make proof` has for it.
	secondsFull = 6
	// singles and batches are the connections of the overload; a batch call has as many lines as api.md allows, so the batches alone hold twice
	// sequencer.QueueCommandsMax.
	normalConnections = 64
	singles           = 2048
	batches           = 64
	batchLines        = 1000
	slowReaders       = 2000 // reliability.md S7
	// residentMax of the server: 32,768 queued commands and 64 batch calls in their buffers (64 MiB of bodies, as much again of commands and answers), 4,200
	// connections at 20 KiB, 150 MiB of tables for ids twice, and as much again for a garbage collector that lets the heap double.
	residentMax = 2 << 30
	// goroutinesMore than before the load may be left when it is over: the front door keeps some workers.
	goroutinesMore = 64
)

// TestOverload (T15; P1, P3, P16, P21): twice and ten times as many messages as the server can take, and two thousand connections that crawl. It answers 2xx, or
// 429 and 503 with Retry-After; its queue and its memory keep their limits; afterwards it is as before; and after a kill every message that was acknowledged is there.
// Goodput and latency are printed: other processes share the cores.
func TestOverload(t *testing.T) {
	if !proof.Asked() {
		return
	}
	p := proof.New("T15", "overload").Seed(proof.Seed(overloadSeed))
	s := newSetup(t, testedBinary(t), filepath.Join(t.TempDir(), "ledger"))
	x, _ := s.start(t)
	load(t, x)
	o := &overload{s: s, x: x, seconds: time.Duration(proof.Of(secondsFull)) * time.Second}
	before, err := readGauges(x)
	if err != nil {
		t.Fatal(err)
	}
	normal := o.measure()
	look := sample(x)
	twice := o.flood(2 * o.rate)
	crawl := make(chan struct{})
	crawled := make(chan int64, 1)
	go func() { crawled <- crawlers(s, slowReaders, crawl) }()
	tenfold, heap := newCrowdPair(o)
	o.floodWith(tenfold, heap, 10*o.rate)
	close(crawl)
	crawling := <-crawled
	most := look.end(t)
	ended := time.Now()
	eventually(t, "it is ready", func() bool { return ready(t, x) == 200 })
	eventually(t, "its goroutines are back", func() bool {
		g, err := readGauges(x)
		return err == nil && g.goroutines <= before.goroutines+goroutinesMore && g.queue == 0
	})
	back := time.Since(ended)
	again := newCrowd(s, 1, &o.ids)
	again.closed(normalConnections, time.After(o.seconds/4))
	x.mustKill(t)
	lines, wrong := o.book(t, normal, twice, tenfold, heap, again)
	lost := o.prove(t, lines)
	if most.queue > sequencer.QueueCommandsMax || most.resident > residentMax {
		t.Errorf("queue %d of %d, resident %d of %d bytes", most.queue, sequencer.QueueCommandsMax, most.resident, residentMax)
	}
	p.Word("max_rate", int64(o.rate)).Word("p99_normal", normal.percentile(99)).
		Word("p99_2x", twice.percentile(99)).Word("p99_10x", tenfold.percentile(99)).
		Word("goodput_2x", o.goodput(twice)).Word("goodput_10x", o.goodput(tenfold, heap)).Word("turned_2x", twice.counts[503]+twice.counts[429]).
		AtLeast("turned_10x", tenfold.counts[503]+tenfold.counts[429]+heap.counts[503]+heap.counts[429], 1).Word("late", tenfold.counts[504]+heap.counts[504]+twice.counts[504]).
		AtLeast("crawlers", crawling, slowReaders*9/10).AtLeast("samples", look.samples, 1).Word("queue_max", most.queue).Word("rss_max_mib", most.resident>>20).
		Word("goroutines_max", most.goroutines).Word("back", back.Round(100*time.Millisecond)).AtLeast("acked", int64(len(lines)), 1000).
		AtLeast("after_200", again.counts[200], 50).Zero("wrong", wrong).Zero("lost", lost).Word("arrived", o.arrived).Word("unsent", o.unsent).Fault("overload", o.arrived-o.unsent).Print(t)
}

// overload is a run of T15.
type overload struct {
	s       *setup
	x       *server
	seconds time.Duration
	rate    float64 // bills a second in a closed loop
	ids     atomic.Int64
	arrived int64 // bills
	unsent  int64 // of these, those that found every connection busy
}

// measure finds what the server takes from 64 connections that wait for their answers.
func (o *overload) measure() *crowd {
	w := newCrowd(o.s, 1, &o.ids)
	begun := time.Now()
	n := w.closed(normalConnections, time.After(o.seconds/2))
	o.rate = float64(n) / time.Since(begun).Seconds()
	return w
}

// flood lets single bills arrive at a rate.
func (o *overload) flood(rate float64) *crowd {
	w := newCrowd(o.s, 1, &o.ids)
	arrived, unsent := w.open(singles, rate, o.seconds)
	o.arrived, o.unsent = o.arrived+arrived, o.unsent+unsent
	return w
}

// newCrowdPair is one crowd of single bills and one of batches.
func newCrowdPair(o *overload) (single, heap *crowd) {
	return newCrowd(o.s, 1, &o.ids), newCrowd(o.s, batchLines, &o.ids)
}

// floodWith lets a fifth of the bills arrive one by one and the rest in batches.
func (o *overload) floodWith(single, heap *crowd, rate float64) {
	var batch, unsentBatch int64
	var done sync.WaitGroup
	done.Go(func() { batch, unsentBatch = heap.open(batches, rate*4/5/batchLines, o.seconds) })
	arrived, unsent := single.open(singles, rate/5, o.seconds)
	done.Wait()
	o.arrived, o.unsent = o.arrived+arrived+batch*batchLines, o.unsent+unsent+unsentBatch*batchLines
}

// goodput is how many bills a second were settled, as a share of the measured maximum in percent.
func (o *overload) goodput(crowds ...*crowd) int64 {
	n := 0
	for _, w := range crowds {
		n += len(w.acked)
	}
	return int64(100 * float64(n) / o.seconds.Seconds() / o.rate)
}

// book is what all crowds were acknowledged, and how many of their answers were wrong.
func (o *overload) book(t *testing.T, crowds ...*crowd) (lines []*line, wrong int64) {
	t.Helper()
	for _, w := range crowds {
		for i := range w.acked {
			lines = append(lines, &w.acked[i])
		}
		wrong += int64(len(w.wrong))
		for _, s := range w.wrong[:min(len(w.wrong), toldMax)] {
			t.Error(s)
		}
	}
	return lines, wrong
}

// prove starts the killed server once more, stops it, and lets verify look up every acknowledged bill.
func (o *overload) prove(t *testing.T, lines []*line) (lost int64) {
	t.Helper()
	x, _ := o.s.start(t)
	x.stop(t)
	path := filepath.Join(t.TempDir(), "acked")
	if _, err := writeAcked(path, lines); err != nil {
		t.Fatal(err)
	}
	if _, err := o.s.run("verify", o.s.dir, "--acked", path, "--scratch", t.TempDir()); err != nil {
		t.Error(err)
		lost++
	}
	return lost
}
