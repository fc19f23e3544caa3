//go:build !race

package rest

import (
	"bytes"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

func hotBody(t testing.TB) (*face, []byte) {
	e, _ := openEngine(t, setup{})
	f := newFace(e, Options{})
	f.types.byCode.Store(ledger.NewCode([]byte("P42010012345")), 2)
	b := bill{msgid: "H42010012345202603101200", code: "P42010012345", patient: someone{"42010000000000000001", certnoOf(1)}, medfee: "460.00", fund: "276.00", inscp: "460.00"}
	return f, []byte(b.body())
}

// hot is all that this package does for a settlement but to wait for the engine.
func (f *face) hot(t testing.TB, d *strictjson.Decoder, out *strictjson.Appender, result *decided, body []byte) {
	w := f.take()
	d.Reset(body)
	if x := f.readSettlement(w, d, settlementShape); x.bad() {
		t.Fatal(x)
	}
	kind, p := f.kindOf(w)
	if p.Code != "" {
		t.Fatal(p)
	}
	w.add()
	f.give(w)
	out.Reset()
	out.Begin()
	clr, p := f.clrType(result.position, result.timeMS, kind)
	if p.Code != "" {
		t.Fatal(p)
	}
	appendSettled(out, result, clr)
	out.End()
}

var hotResult = decided{position: ledger.At(123456, 78), timeMS: noon, effect: ledger.Effect{Kind: ledger.KindSettlement, Outcome: ledger.Accepted, Own: 10000, Mulaid: 8400, Cash: 50}}

func TestSettleAllocs(t *testing.T) {
	f, body := hotBody(t)
	var d strictjson.Decoder
	var out strictjson.Appender
	f.hot(t, &d, &out, &hotResult, body)
	if n := testing.AllocsPerRun(1000, func() { f.hot(t, &d, &out, &hotResult, body) }); n != 0 {
		t.Errorf("%v allocations a settlement, want 0", n)
	}
}

// reportCPU adds what the process used of its processors for one operation, the robust figure on a machine that others use; the function it returns ends it.
func reportCPU(b *testing.B) (end func()) {
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	begin := used()
	return func() { b.ReportMetric(float64(used()-begin)/float64(b.N), "cpu-ns/op") }
}

// BenchmarkSettleWork is this package's own work for a settlement: decode, keys, encode, answer. No engine.
func BenchmarkSettleWork(b *testing.B) {
	f, body := hotBody(b)
	var d strictjson.Decoder
	var out strictjson.Appender
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b)()
	for b.Loop() {
		f.hot(b, &d, &out, &hotResult, body)
	}
}

// BenchmarkSettle is the same with the engine behind it, without message ids so that nothing fills up; 512 callers at once on two cores,
// who share a sync as tills do. The ledger refuses (unknown_institution): what is measured is everything around the rules.
func BenchmarkSettle(b *testing.B) {
	f, body := hotBody(b)
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b)()
	b.SetParallelism(256)
	b.RunParallel(func(pb *testing.PB) {
		var d strictjson.Decoder
		var out strictjson.Appender
		for pb.Next() {
			w := f.take()
			d.Reset(body)
			if x := f.readSettlement(w, &d, settlementShape); x.bad() {
				b.Error(x)
				return
			}
			w.cmd.ID = ledger.Key{} // or all but the first would be repeats, which are read from disk
			w.add()
			result, p := f.run(w, sequencer.Till)
			if p.Code != "" {
				b.Error(p)
				return
			}
			f.give(w)
			out.Reset()
			out.Begin()
			appendSettled(&out, &result, "41")
			out.End()
		}
	})
}

var lotIDs atomic.Int64

// lotOf is a batch call's lines, read, and answered as if the engine had accepted all.
func (f *face) lotOf(t testing.TB, d *strictjson.Decoder, body []byte, accept bool) {
	l := f.lots.Get().(*lot)
	var p api.Problem
	at := bytes.Index(body, []byte(`"msgid":"H42010012345`)) + len(`"msgid":"H42010012345`)
	for range linesMax {
		for i, n := 0, lotIDs.Add(1); i < 12; i, n = i+1, n/10 { // an id of its own
			body[at+i] = '0' + byte(n%10)
		}
		d.Reset(body)
		if f.settlementLine(l, d, &p); p.Code != "" || l.lines[0].problem != nil {
			t.Fatal(p, l.lines[0].problem)
		}
	}
	r := l.w.request
	if accept {
		r.Results = r.Results[:0]
		for i := range r.Count {
			r.Results = append(r.Results, sequencer.Result{Position: ledger.At(123456, i), TimeMS: noon, Effect: hotResult.effect})
		}
		if err := f.decide(l); err != nil {
			t.Fatal(err)
		}
	} else if p = f.runLot(l, sequencer.Till); p.Code != "" {
		t.Error(p)
		return
	}
	list, err := f.clrTypes.List()
	if err != nil {
		t.Fatal(err)
	}
	l.appendSettledLines(list)
	f.giveLot(l)
}

// A line of a batch call allocates nothing; the call as a whole has its two closures.
func TestBatchAllocs(t *testing.T) {
	f, body := hotBody(t)
	var d strictjson.Decoder
	f.lotOf(t, &d, body, true)
	if n := testing.AllocsPerRun(20, func() { f.lotOf(t, &d, body, true) }); n > 4 {
		t.Errorf("%v allocations a call of %d lines", n, linesMax)
	}
}

// BenchmarkBatchWork is this package's own work for a line of a batch call; an operation is a line.
func BenchmarkBatchWork(b *testing.B) {
	f, body := hotBody(b)
	var d strictjson.Decoder
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b)()
	for i := 0; i < b.N; i += linesMax {
		f.lotOf(b, &d, body, true)
	}
}

// BenchmarkBatch is the same with the engine behind it, eight callers; an operation is a line. The ledger refuses (unknown_institution), as in BenchmarkSettle.
func BenchmarkBatch(b *testing.B) {
	f, body := hotBody(b)
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b)()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var d strictjson.Decoder
			body := bytes.Clone(body)
			for left.Add(-linesMax) > -linesMax {
				f.lotOf(b, &d, body, false)
			}
		})
	}
	wg.Wait()
}
