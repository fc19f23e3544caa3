package wire

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gongji/bench/result"
)

// TestMix: the workload has the postings that the issue asks for, at the published share of bills that need a relative.
func TestMix(t *testing.T) {
	b := Bills{Seed: 1, Day: 2, Persons: 50_000, Count: 10_000}
	p := b.province()
	list := b.make(p)
	if len(list) != b.Count {
		t.Fatalf("%d bills", len(list))
	}
	m := mixOf(p, list)
	if m.postings < 0.85 || m.postings > 0.95 || m.relatives < 0.06 || m.relatives > 0.10 || m.allCash < 0.06 || m.allCash > 0.14 {
		t.Errorf("%+v", m)
	}
	b.AidPPM = 300_000
	if more := mixOf(p, b.make(p)); more.relatives < 2*m.relatives {
		t.Errorf("relatives %.3f with --aid-ppm, %.3f without", more.relatives, m.relatives)
	}
	if err := (&Bills{Persons: 0, Count: 1}).check(); err == nil {
		t.Error("a province of nobody")
	}
	if err := (&Bills{Persons: 1, Count: BillsMax + 1}).check(); err == nil {
		t.Error("more bills than memory")
	}
}

// TestRefill: what was lost comes back to the fen, to accounts of the bills that were sent and to nobody else.
func TestRefill(t *testing.T) {
	b := Bills{Seed: 1, Day: 2, Persons: 5_000, Count: 600}
	p := b.province()
	list := b.make(p)
	used := uses(len(list), 1, []span{{590, 20}, {0, 5}}) // 590 ... 599, 0 ... 9, and 0 ... 4 again
	total := uint64(0)
	for i, n := range used {
		if total += n; (i < 5) != (n == 2) || (i >= 10 && i < 590) != (n == 0) {
			t.Errorf("bill %d used %d times", i, n)
		}
	}
	if total != 25 {
		t.Errorf("%d uses", total)
	}
	if group := uses(10, 5, []span{{1, 3}}); group[0] != 1 || group[4] != 1 || group[5] != 2 || group[9] != 2 {
		t.Errorf("uses of groups: %v", group)
	}
	may := map[int]bool{}
	for i, n := range used {
		if n == 0 {
			continue
		}
		may[list[i].Patient] = true
		for _, x := range p.Bindings(p.FamilyOf(list[i].Patient)) {
			may[x.Authorizer] = true
		}
	}
	for _, lost := range []int64{1, 99_999, 1_000_000_007} {
		persons, fen := refill(p, list, used, lost)
		sum := int64(0)
		for i, n := range fen {
			if sum += n; n <= 0 || !may[persons[i]] || !p.CategoryOf(persons[i]).HasAccount() {
				t.Errorf("person %d gets %d fen", persons[i], n)
			}
		}
		if len(fen) > 0 && sum != lost || len(fen) == 0 && lost > 1 {
			t.Errorf("%d fen of %d, %d credits", sum, lost, len(fen))
		}
	}
}

// TestPurchase: a purchase adds up line by line and asks for what the bill's accounts may pay.
func TestPurchase(t *testing.T) {
	j := testJob(National, 1, 1)
	list, err := j.templates()
	if err != nil {
		t.Fatal(err)
	}
	second := 0
	for i := range list {
		body, _, _ := cutHead(list[i].bytes)
		sum := int64(0)
		parts := strings.Split(string(body), `"det_item_fee_sumamt":`)
		for _, x := range parts[1:] {
			text, _, _ := strings.Cut(x, ",")
			n, err := parseFen(text)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		if second += len(parts) - 2; sum != list[i].asks[0].medfee || list[i].asks[0].payable > sum {
			t.Errorf("lines come to %d, %+v", sum, list[i].asks[0])
		}
	}
	if second == 0 {
		t.Error("no purchase of more than one line")
	}
}

// TestScannerStrict: what is not JSON, or an amount in another form, is not read.
func TestScannerStrict(t *testing.T) {
	for _, text := range []string{``, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1 }`, `{,"a":1}`, `{"a":"x}`, "{\"a\":\"\n\"}", `{"a":tru}`, `[1,]`, `{"a":1}}`, `{"a":[1}`, strings.Repeat(`[`, 20) + strings.Repeat(`]`, 20)} {
		if s := (scanner{b: []byte(text)}); true {
			if s.skip(); s.end() {
				t.Errorf("%q is taken", text)
			}
		}
	}
	for _, text := range []string{`{}`, `[]`, `{"a":{"b":[1,-2.5e+3,"x\"y",true,false,null]},"c":""}`} {
		if s := (scanner{b: []byte(text)}); true {
			if s.skip(); !s.end() {
				t.Errorf("%q is refused", text)
			}
		}
	}
	for text, want := range map[string]int64{`"0.00"`: 0, `"12.34"`: 1234, `99.99`: 9999, `"0.1"`: -1, `"1.234"`: -1, `"-1.00"`: -1, `"01.00"`: -1, `"1,00"`: -1, `"1.00`: -1, `1e2`: -1, `"12345678901234567.00"`: -1, `"."`: -1} {
		s := scanner{b: []byte(text)}
		got := s.amount()
		if !s.end() {
			got = -1
		}
		if got != want {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
}

// TestWrkRead: what wrk prints, its faults among it.
func TestWrkRead(t *testing.T) {
	r, err := readWrk([]byte(`Running 2s test @ http://127.0.0.1:8700/echo
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20ms  600.00us  29.47ms   91.00%
    Req/Sec    18.00k     1.20k   21.00k    70.00%
  Latency Distribution
     50%    1.14ms
     75%    1.50ms
     90%    2.10ms
     99%  980.00us
  74385 requests in 2.09s, 33.00MB read
  Socket errors: connect 0, read 3, write 0, timeout 0
  Non-2xx or 3xx responses: 7
Requests/sec:  35664.08
Transfer/sec:     15.00MB
`))
	l := r.Latency
	if err != nil || r.Rate != 35664.08 || r.Count != 74385 || r.Seconds != 2.09 || l.P50 != 1140 || l.P90 != 2100 || l.P99 != 980 || l.Mean != 1200 || l.Max != 29470 || len(r.Breaches) != 2 {
		t.Errorf("%+v %+v %v", r, l, err)
	}
	if _, err := readWrk([]byte("unable to connect")); err == nil {
		t.Error("nothing measured and no error")
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := NewWrk(nil); !errors.Is(err, ErrNoWrk) {
		t.Errorf("wrk where there is none: %v", err)
	}
}

// TestBands: books that are off, a mix that left its bands and money that went too far are breaches; a run in order has none.
func TestBands(t *testing.T) {
	b := &bench{Plan: Plan{Drift: 0.05}, expected: mix{relatives: 0.08, allCash: 0.10}}
	good := books{counters: counters{commands: 100, accepted: 100, relatives: 8, allCash: 10, postings: 98}, money: 990}
	before := books{money: 1000}
	for _, c := range []struct {
		name   string
		change func(after *books)
		want   int
	}{
		{"in order", func(*books) {}, 0}, {"unbalanced", func(a *books) { a.sum = 1 }, 1}, {"few postings", func(a *books) { a.postings = 79 }, 1},
		{"few relatives", func(a *books) { a.relatives = 2 }, 1}, {"cash", func(a *books) { a.allCash = 16 }, 1}, {"drained", func(a *books) { a.money = 940 }, 1},
	} {
		after, r := good, result.Run{}
		c.change(&after)
		if b.judge(&r, before, after); len(r.Breaches) != c.want {
			t.Errorf("%s: %q", c.name, r.Breaches)
		}
	}
	o := Outcome{Tally: Tally{Accepted: 100, Relatives: 8, AllCash: 10, Paid: 10}}
	if x := o.against(before, good); len(x) != 0 {
		t.Errorf("in order: %q", x)
	}
	o.Accepted, o.Paid = 99, 11
	if x := o.against(before, good); len(x) != 2 {
		t.Errorf("a settlement and a fen off: %q", x)
	}
}

// TestAllocs: to send and to check a request costs no memory.
func TestAllocs(t *testing.T) {
	for _, c := range []struct {
		face  Face
		serve func([]byte) string
	}{{Settlements, right}, {Batch, rightLines}, {National, func(b []byte) string { return answered(200, national(b, field(b, "msgid"))) }}} {
		j := testJob(c.face, 1, 1)
		list, err := j.templates()
		if err != nil {
			t.Fatal(err)
		}
		g := newGenerator(&j, list, &deaf{}, 0)
		sent := append([]byte(nil), list[0].bytes...)
		list[0].patch(sent, j.Tag, 0)
		body, _, _ := cutHead(sent)
		text := []byte(c.serve(body))
		if n := testing.AllocsPerRun(200, func() {
			g.next, g.number = 0, 0
			g.push(0, 1)
			g.flush(0)
			if size := g.answer(0, text, 2); size != len(text) {
				t.Fatalf("%s: %d of %d bytes, %q", c.face, size, len(text), g.out.Wrong)
			}
		}); n != 0 {
			t.Errorf("%s: %g allocations a request", c.face, n)
		}
		if g.out.WrongCount != 0 || g.out.Accepted == 0 {
			t.Errorf("%s: %d accepted, wrong %q", c.face, g.out.Accepted, g.out.Wrong)
		}
	}
}

// deaf takes everything and says nothing.
type deaf struct{ wires }

func (deaf) write(_ int, b []byte) (int, error) { return len(b), nil }

// TestPlanRefused: a plan that cannot be done is refused before anything is started.
func TestPlanRefused(t *testing.T) {
	good := Plan{Persons: 1000, Pairs: []int{4}, Wide: 4, Pipeline: 2, Group: 10, Batchers: 2, Runs: 1, For: time.Second, Drift: 0.05, Client: []string{"/nonexistent"}}
	for name, change := range map[string]func(*Plan){
		"no pairs": func(p *Plan) { p.Pairs = nil }, "no runs": func(p *Plan) { p.Runs = 0 }, "no drift": func(p *Plan) { p.Drift = 0 }, "part": func(p *Plan) { p.Parts = []Part{"x"} },
		"connections": func(p *Plan) { p.Wide = 0 }, "processes": func(p *Plan) { p.Processes = 3 }, "time": func(p *Plan) { p.For = 0 }, "group": func(p *Plan) { p.Group = 1001 },
		"persons": func(p *Plan) { p.Persons = 0 }, "nobody to start": func(*Plan) {},
	} {
		p := good
		change(&p)
		if cases, _, err := Measure(context.Background(), p); err == nil || len(cases) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
