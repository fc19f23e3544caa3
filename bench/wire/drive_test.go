package wire

import (
	"strings"
	"testing"
	"time"

	"gongji/bench/result"
)

// TestCounts: every request has a message id of its own, every answer is counted, and what is counted is what the server did. Whether writes and reads
// come in pieces changes nothing.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		face              Face
		pipeline          int
		room, piece, each int
		serve             func([]byte) string
	}{
		{Settlements, 1, 0, 0, 1, right}, {Settlements, 16, 0, 0, 1, right}, {Settlements, 4, 333, 0, 1, right}, {Settlements, 4, 0, 97, 1, right},
		{Batch, 1, 0, 0, 5, rightLines}, {Batch, 3, 1000, 211, 5, rightLines},
	} {
		j := testJob(c.face, 8, c.pipeline)
		j.Warm, j.For = int64(100*time.Millisecond), int64(500*time.Millisecond)
		w := newFakeWires(8, func(_, _ int, body []byte) string { return c.serve(body) })
		w.room, w.piece = c.room, c.piece
		o := drive(t, j, w)
		if o.WrongCount != 0 || o.Requests != uint64(w.served) || o.Answers != o.Requests || o.Accepted != o.Requests*uint64(c.each) {
			t.Errorf("%+v: %d requests, %d answers, %d settlements of %d served, wrong %q", c, o.Requests, o.Answers, o.Accepted, w.served, o.Wrong)
		}
		if o.Relatives+o.AllCash != o.Accepted || o.Own != 0 || o.Relatives == 0 || o.Paid == 0 {
			t.Errorf("%+v: mix of %+v", c, o.Tally)
		}
		if len(w.ids) != w.served*c.each {
			t.Errorf("%+v: %d message ids in %d settlements", c, len(w.ids), w.served*c.each)
		}
		for id := range w.ids {
			if !strings.HasPrefix(id, testTag) {
				t.Fatalf("message id %q", id)
			}
		}
		// 8 connections, each answers a request a ms: 4,000 in the half second, 800 while it warms up.
		if c.room+c.piece == 0 && (o.Count != 4_000 || o.Requests < 4_800 || o.Seconds != 0.5 || o.CPU != 0.25) {
			t.Errorf("%+v: %d counted of %d in %g s, CPU %g", c, o.Count, o.Requests, o.Seconds, o.CPU)
		}
		sum := uint64(0)
		for _, in := range o.Intervals {
			sum += in.Count
		}
		if sum != o.Count || len(o.Intervals) != 2 {
			t.Errorf("%+v: %d in %d intervals, counted %d", c, sum, len(o.Intervals), o.Count)
		}
	}
}

// latencies merges the intervals of an outcome and counts those of at least d.
func latencies(t *testing.T, o *Outcome) *result.Latency {
	t.Helper()
	all := result.NewHistogram()
	for _, h := range o.times {
		all.Merge(h)
	}
	l, err := all.Latency(false)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestOpenCountsFromIntended: a server that stands still for 500 ms makes half of a second's arrivals late, and each says by how much. A closed loop
// sees one late answer: coordinated omission.
func TestOpenCountsFromIntended(t *testing.T) {
	serve := func(_, _ int, body []byte) string { return right(body) }
	stall := func(_, n int) int64 {
		if n == 300 {
			return int64(500 * time.Millisecond)
		}
		return 0
	}
	j := testJob(Settlements, 1, 1)
	j.Rate = 1000
	w := newFakeWires(1, serve)
	w.takes = stall
	o := drive(t, j, w)
	l := latencies(t, o)
	if o.WrongCount != 0 || o.Count != 1000 || o.Requests != 1000 {
		t.Fatalf("%d counted, %d sent of 1000 intended, wrong %q", o.Count, o.Requests, o.Wrong)
	}
	// Arrivals 300 to 799 wait 500, 499 ... 1 ms: the p90 of all thousand is the 400th of them, 400 ms.
	if l.Max < 499e3 || l.Max > 501e3 || l.P90 < 395e3 || l.P90 > 405e3 || l.P50 > 5e3 {
		t.Errorf("open loop: p50 %g p90 %g max %g us", l.P50, l.P90, l.Max)
	}
	closed := testJob(Settlements, 1, 1)
	w = newFakeWires(1, serve)
	w.takes = func(c, n int) int64 { return max(1e6, stall(c, n)) }
	if l := latencies(t, drive(t, closed, w)); l.P90 > 2e3 || l.Max < 499e3 {
		t.Errorf("closed loop: p90 %g max %g us", l.P90, l.Max)
	}
}

// TestOpenTakesTurns: processes take the arrivals of one schedule in turn, and a rate that the server cannot do is told, not stretched.
func TestOpenTakesTurns(t *testing.T) {
	at := map[int64]int{}
	for process := range 2 {
		j := testJob(Settlements, 4, 2)
		j.Rate, j.Process, j.Processes = 100, process, 2
		w := newFakeWires(4, func(_, _ int, body []byte) string { return right(body) })
		w.takes = func(int, int) int64 { at[w.clock]++; return 1e6 }
		if o := drive(t, j, w); o.WrongCount != 0 || o.Count != 50 {
			t.Fatalf("process %d: %d of 50, %q", process, o.Count, o.Wrong)
		}
	}
	if len(at) != 100 {
		t.Errorf("%d moments for 100 arrivals", len(at))
	}
	j := testJob(Settlements, 1, 1)
	j.Rate = 1000
	w := newFakeWires(1, func(_, _ int, body []byte) string { return right(body) })
	w.takes = func(int, int) int64 { return int64(100 * time.Millisecond) }
	if o := drive(t, j, w); o.WrongCount == 0 || !strings.Contains(strings.Join(o.Wrong, "\n"), "never sent") || o.Requests >= 1000 {
		t.Errorf("%d requests to a server that does 10 a second, wrong %q", o.Requests, o.Wrong)
	}
}

// TestPlanted: each kind of wrong answer is found, and told without what is of a person.
func TestPlanted(t *testing.T) {
	swap := func(old, new string) func([]byte) string {
		return func(body []byte) string {
			a := right(body)
			_, text, _ := strings.Cut(a, "\r\n\r\n")
			if !strings.Contains(text, old) {
				t.Fatalf("nothing to plant: %q", old)
			}
			return answered(200, strings.Replace(text, old, new, 1))
		}
	}
	batch := func(change func([]string) []string) func([]byte) string {
		return func(body []byte) string {
			_, text, _ := strings.Cut(rightLines(body), "\r\n\r\n")
			return answered(200, strings.Join(change(strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")), ""))
		}
	}
	cases := []struct {
		name, want string
		face       Face
		plant      func(body []byte) string
	}{
		{"status", "status 503 unavailable", Settlements, func([]byte) string { return answered(503, `{"code":"unavailable"}`) }},
		{"sum", "are not psn_part_amt", Settlements, swap(`"psn_cash_pay":"`, `"psn_cash_pay":"9`)},
		{"part", "the bill leaves", Settlements, func([]byte) string {
			return answered(200, `{"setl_id":"S0123456789ABCD","psn_part_amt":"0.01","acct_pay":"0.01","acct_mulaid_pay":"0.00","psn_cash_pay":"0.00"}`)
		}},
		{"more than payable", "accounts may pay", Settlements, func(b []byte) string {
			part := yuan(fenOf(b, "medfee_sumamt") - fenOf(b, "fund_pay_sumamt") - fenOf(b, "hosp_part_amt"))
			return answered(200, `{"setl_id":"S0123456789ABCD","psn_part_amt":"`+part+`","acct_pay":"`+part+`","acct_mulaid_pay":"0.00","psn_cash_pay":"0.00"}`)
		}},
		{"aid above account", "are not psn_part_amt", Settlements, swap(`"acct_mulaid_pay":"`, `"acct_mulaid_pay":"9`)},
		{"negative", "not one JSON object", Settlements, swap(`"psn_cash_pay":"`, `"psn_cash_pay":"-`)},
		{"figure missing", "without its figures", Settlements, swap(`"acct_pay"`, `"acct_paid"`)},
		{"figure twice", "not one JSON object", Settlements, swap(`"balc":"0.00"`, `"acct_pay":"0.00"`)},
		{"trailing", "not one JSON object", Settlements, swap(`"sequence":7}`, `"sequence":7}}`)},
		{"cut", "not one JSON object", Settlements, swap(`"sequence":7}`, `"sequence":7`)},
		{"replayed", "repeated one", Settlements, func(b []byte) string {
			return strings.Replace(right(b), "Date:", "Idempotency-Replayed: true\r\nDate:", 1)
		}},
		{"short", "ended by the server", Settlements, func(b []byte) string { return right(b)[:len(right(b))-9] + endOfLine }},
		{"head only", "ended by the server", Settlements, func([]byte) string { return "HTTP/1.1 200 OK\r\n" + endOfLine }},
		{"ends", "1 answers owed: ended by the server", Settlements, func([]byte) string { return endOfLine }},
		{"says that it ends", "ended by the server", Settlements, func(b []byte) string { return strings.Replace(right(b), "Date:", "Connection: close\r\nDate:", 1) }},
		{"no HTTP", "not an HTTP/1.1 answer", Settlements, func([]byte) string { return "SSH-2.0-OpenSSH\r\n\r\n" }},
		{"other version", "not an HTTP/1.1 answer", Settlements, func(b []byte) string { return strings.Replace(right(b), "HTTP/1.1", "HTTP/1.0", 1) }},
		{"chunked", "not an HTTP/1.1 answer", Settlements, func([]byte) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" }},
		{"two lengths", "not an HTTP/1.1 answer", Settlements, func(b []byte) string { return strings.Replace(right(b), "Date:", "Content-Length: 1\r\nDate:", 1) }},
		{"unasked", "an answer to no request", Settlements, func(b []byte) string { return right(b) + right(b) }},
		{"silent", "had no answer", Settlements, func([]byte) string { return "" }},
		{"lines swapped", "the answer to another", Batch, batch(func(l []string) []string { l[1], l[2] = l[2], l[1]; return l })},
		{"numbers right, lines swapped", "the answer to another", Batch, batch(func(l []string) []string {
			l[1], l[2] = strings.Replace(l[2], `"line":3`, `"line":2`, 1), strings.Replace(l[1], `"line":2`, `"line":3`, 1)
			return l
		})},
		{"line missing", "ends or goes on at line 4", Batch, batch(func(l []string) []string { return append(l[:3], strings.TrimSuffix(l[3], "\n")) })},
		{"line more", "ends or goes on at line 5", Batch, batch(func(l []string) []string { return append(l, "\n", l[4]) })},
		{"line refused", "line 3 has status 422 wrong_credential", Batch, batch(func(l []string) []string {
			l[2] = strings.Replace(l[2], `"status":200`, `"status":422,"code":"wrong_credential"`, 1)
			return l
		})},
		{"line replayed", "repeated one", Batch, batch(func(l []string) []string {
			l[2] = strings.Replace(l[2], `"status":200`, `"status":200,"replayed":true`, 1)
			return l
		})},
		{"line's sum", "are not psn_part_amt", Batch, batch(func(l []string) []string { l[4] = strings.Replace(l[4], `"acct_pay":"`, `"acct_pay":"9`, 1); return l })},
		{"infcode", "infcode is not 0", National, func([]byte) string { return answered(200, `{"infcode":-1,"err_msg":"[parts] x","output":{}}`) }},
		{"other message", "not the message id sent", National, func(b []byte) string { return answered(200, national(b, "W0000000000000000000000000000Z")) }},
		{"echo size", "want 11", Echo, func([]byte) string { return answered(200, "0123456789") }},
	}
	for _, c := range cases {
		j := testJob(c.face, 2, 1)
		j.AnswerBytes, j.For = 11, int64(200*time.Millisecond)
		rightly := map[Face]func([]byte) string{Settlements: right, Batch: rightLines, Echo: func([]byte) string { return answered(200, "0123456789a") },
			National: func(b []byte) string { return answered(200, national(b, field(b, "msgid"))) }}[c.face]
		w := newFakeWires(2, func(conn, n int, body []byte) string {
			if conn == 1 && n >= 3 {
				return c.plant(body)
			}
			return rightly(body)
		})
		o := drive(t, j, w)
		if o.WrongCount == 0 || !strings.Contains(strings.Join(o.Wrong, "\n"), c.want) {
			t.Errorf("%s: %d wrong, %q, want %q", c.name, o.WrongCount, o.Wrong, c.want)
		}
		if o.Answers < 190 {
			t.Errorf("%s: only %d answers of the other connection", c.name, o.Answers)
		}
		if len(o.wrongs()) == 0 {
			t.Errorf("%s is no breach", c.name)
		}
	}
}

// national is the answer to a purchase of which the accounts pay nothing.
func national(body []byte, msgid string) string {
	_, after, _ := strings.Cut(string(body), `"medfee_sumamt":`)
	fee, _, _ := strings.Cut(after, ",")
	return `{"infcode":0,"inf_refmsgid":"x","err_msg":"","output":{"setlinfo":{"setl_id":"S0123456789ABCD","medins_setl_id":"` + msgid + `","medfee_sumamt":` + fee +
		`,"fund_pay_sumamt":0.00,"hosp_part_amt":0.00,"psn_part_amt":` + fee + `,"acct_pay":0.00,"acct_mulaid_pay":0.00,"psn_cash_pay":` + fee + `,"exp_content":""},"setldetail":[{"a":[1,-2.5e3,null,true]}]}}`
}

// TestPipelineOrder: answers are held against the requests in the order sent; two that change places are both wrong.
func TestPipelineOrder(t *testing.T) {
	held := ""
	w := newFakeWires(1, func(_, n int, body []byte) string {
		a := answered(200, national(body, field(body, "msgid")))
		switch n {
		case 20:
			held = a
			return ""
		case 21:
			return a + held
		}
		return a
	})
	o := drive(t, testJob(National, 1, 16), w)
	if o.WrongCount != 2 || o.Answers != uint64(w.served) || o.Accepted != o.Answers-2 {
		t.Errorf("%d wrong of %d, %d accepted: %q", o.WrongCount, o.Answers, o.Accepted, o.Wrong)
	}
}
