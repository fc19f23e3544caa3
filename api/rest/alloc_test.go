//go:build !race

package rest

import (
	"syscall"
	"testing"

	"gongji/api/strictjson"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// settleAllocsMax is what one settlement may allocate between its body and its answer: the keyed pseudonym of the credential, made anew
// with the library's HMAC (two digests and their marshalled states, engine.Keys.Pseudonym). This package itself allocates nothing.
const settleAllocsMax = 9

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
	pseudonym := testing.AllocsPerRun(1000, func() { f.engine.Pseudonym(identityCard, body[:18]) })
	all := testing.AllocsPerRun(1000, func() { f.hot(t, &d, &out, &hotResult, body) })
	t.Logf("%v allocations, of them %v in Pseudonym", all, pseudonym)
	if all > settleAllocsMax {
		t.Errorf("%v allocations a settlement, want at most %d", all, settleAllocsMax)
	}
	if all != pseudonym {
		t.Errorf("%v allocations of our own, want 0", all-pseudonym)
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
