package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// childEnv makes the test binary a client process.
const childEnv = "GONGJI_TEST_WIRE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := Child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

const testTag = "Wtesttesttest0"

// testBills are few and the same in all tests.
var testBills = Bills{Seed: 1, Day: 2, Persons: 2_000, Count: 40}

func testJob(f Face, connections, pipeline int) Job {
	return Job{Server: "127.0.0.1:1", Face: f, Group: 5, Bills: testBills, Tag: testTag, Connections: connections, Pipeline: pipeline, Processes: 1, For: int64(1e9)}
}

// fakeWires are a server and a clock of their own: time goes on only in wait. Each connection answers one request after the other.
type fakeWires struct {
	clock  int64
	conns  []fakeConn
	room   int                                // bytes that a write takes; 0: all
	piece  int                                // bytes that a read gives; 0: all
	serve  func(c, n int, body []byte) string // the answer to the n-th request of a connection, from 0
	takes  func(c, n int) int64               // how long it takes, ns
	ids    map[string]int                     // message ids seen
	served int
}

type fakeConn struct {
	in      []byte // of the client, not yet understood
	out     []fakeAnswer
	n       int
	busy    int64 // until then
	blocked bool
	ended   bool
	shut    bool
}

type fakeAnswer struct {
	at   int64
	text []byte // nil: the connection ends
}

func newFakeWires(connections int, serve func(c, n int, body []byte) string) *fakeWires {
	return &fakeWires{conns: make([]fakeConn, connections), serve: serve, takes: func(int, int) int64 { return 1e6 }, ids: map[string]int{}}
}

func (f *fakeWires) now() int64            { return f.clock }
func (f *fakeWires) cpu() float64          { return float64(f.clock) / 2e9 }
func (f *fakeWires) shut(c int)            { f.conns[c].shut = true }
func (f *fakeWires) blocked(c int, y bool) { f.conns[c].blocked = y }

func (f *fakeWires) wait(until int64, ready []int) []int {
	next := until
	for c := range f.conns {
		x := &f.conns[c]
		if x.shut {
			continue
		}
		if x.blocked {
			next = f.clock
		}
		if len(x.out) > 0 {
			next = min(next, x.out[0].at)
		}
	}
	f.clock = max(f.clock, next)
	for c := range f.conns {
		if x := &f.conns[c]; !x.shut && (x.blocked || len(x.out) > 0 && x.out[0].at <= f.clock) {
			ready = append(ready, c)
		}
	}
	return ready
}

func (f *fakeWires) read(c int, buf []byte) (n int, err error) {
	x := &f.conns[c]
	for len(x.out) > 0 && x.out[0].at <= f.clock && n < len(buf) {
		a := &x.out[0]
		if a.text == nil {
			return n, io.EOF
		}
		take := len(a.text)
		if f.piece > 0 {
			take = min(take, f.piece-n)
		}
		k := copy(buf[n:], a.text[:take])
		n += k
		if a.text = a.text[k:]; len(a.text) == 0 {
			x.out = x.out[1:]
		}
		if f.piece > 0 && n == f.piece {
			break
		}
	}
	return n, nil
}

// write takes bytes and understands the requests that are whole.
func (f *fakeWires) write(c int, buf []byte) (int, error) {
	x := &f.conns[c]
	if x.ended {
		return 0, errors.New("broken pipe")
	}
	n := len(buf)
	if f.room > 0 {
		n = min(n, f.room)
	}
	x.in = append(x.in, buf[:n]...)
	for {
		head, rest, found := bytes.Cut(x.in, crlfcrlf)
		if !found {
			return n, nil
		}
		_, after, _ := bytes.Cut(head, []byte("Content-Length: "))
		length, err := strconv.Atoi(string(after))
		if err != nil {
			return 0, fmt.Errorf("a request without a length: %q", head)
		}
		if len(rest) < length {
			return n, nil
		}
		f.request(c, rest[:length])
		x.in = rest[length:]
	}
}

func (f *fakeWires) request(c int, body []byte) {
	x := &f.conns[c]
	for rest := body; ; {
		_, after, found := bytes.Cut(rest, []byte(`"msgid":"`))
		if !found {
			break
		}
		f.ids[string(after[:msgidLen])]++
		rest = after
	}
	f.served++
	x.busy = max(x.busy, f.clock) + f.takes(c, x.n)
	text := f.serve(c, x.n, body)
	x.n++
	if more, ends := strings.CutSuffix(text, endOfLine); ends {
		text, x.ended = more, true
	}
	if text != "" {
		x.out = append(x.out, fakeAnswer{x.busy, []byte(text)})
	}
	if x.ended {
		x.out = append(x.out, fakeAnswer{x.busy, nil})
	}
}

// endOfLine behind an answer ends its connection.
const endOfLine = "<END>"

func field(body []byte, name string) string {
	_, after, _ := strings.Cut(string(body), `"`+name+`":"`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

func fenOf(body []byte, name string) int64 {
	n, err := parseFen(field(body, name))
	if err != nil {
		panic(err)
	}
	return n
}

// money are the figures of a bill that a relative pays as far as accounts may.
func money(body []byte) string {
	part := fenOf(body, "medfee_sumamt") - fenOf(body, "fund_pay_sumamt") - fenOf(body, "hosp_part_amt")
	pays := min(part, fenOf(body, "preselfpay_amt")+fenOf(body, "inscp_scp_amt")-fenOf(body, "fund_pay_sumamt"))
	return fmt.Sprintf(`"setl_id":"S0123456789ABCD","psn_part_amt":"%s","acct_pay":"%s","acct_mulaid_pay":"%s","psn_cash_pay":"%s","balc":"0.00","clr_type":"11","setl_time":"2026-01-01T00:00:00+08:00","sequence":7`,
		yuan(part), yuan(pays), yuan(pays), yuan(part-pays))
}

func answered(status int, body string, headers ...string) string {
	return fmt.Sprintf("HTTP/1.1 %d Name\r\nDate: now\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", status, strings.Join(headers, ""), len(body), body)
}

// right is the answer to a bill.
func right(body []byte) string { return answered(200, "{"+money(body)+"}") }

// rightLines is the answer to a batch.
func rightLines(body []byte) string {
	var out strings.Builder
	n := 0
	for line := range bytes.Lines(body) {
		n++
		fmt.Fprintf(&out, `{"line":%d,"msgid":"%s","status":200,%s}`+"\n", n, field(line, "msgid"), money(line))
	}
	return answered(200, out.String())
}

// drive runs a job over fake wires.
func drive(t *testing.T, j Job, w *fakeWires) *Outcome {
	t.Helper()
	list, err := j.templates()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.check(); err != nil {
		t.Fatal(err)
	}
	o := newGenerator(&j, list, w, w.clock).run()
	if err := o.encode(); err != nil {
		t.Fatal(err)
	}
	return o
}
