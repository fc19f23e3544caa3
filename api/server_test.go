package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAdminCallsAreNotOnTheBusinessListener(t *testing.T) {
	f := start(t)
	for _, row := range []struct {
		raw             string
		business, admin int
	}{
		{request("POST", "/v1/persons", "application/json", "{}"), 404, 200},
		{request("POST", "/v1/persons", "application/x-ndjson", "{}\n"), 404, 200},
		{request("GET", "/v1/bindings?state=1", "", ""), 404, 200},
		{request("POST", "/v1/bindings", "application/json", "{}"), 200, 200},
		{request("PUT", "/v1/bindings", "application/json", "{}"), 405, 405},
		{request("PUT", "/v1/persons", "application/json", "{}"), 404, 405},
		{request("GET", "/healthz", "", ""), 404, 200},
		{request("GET", "/readyz", "", ""), 404, 200},
		{request("GET", "/metrics", "", ""), 404, 200},
		{good(), 200, 200},
	} {
		line, _, _ := strings.Cut(row.raw, "\r\n")
		if a := f.ask(f.BusinessAddr(), row.raw); a.status != row.business {
			t.Errorf("business %s: %d %s, want %d", line, a.status, a.body, row.business)
		}
		if a := f.ask(f.AdminAddr(), row.raw); a.status != row.admin {
			t.Errorf("admin %s: %d %s, want %d", line, a.status, a.body, row.admin)
		}
	}
	a := f.ask(f.BusinessAddr(), request("PUT", "/v1/settlements", "application/json", "{}"))
	if got := a.header.Get("Allow"); got != "POST, GET" {
		t.Errorf("Allow: %q", got)
	}
}

func TestLoopbackOnly(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:0": true, "127.8.9.10:0": true, "[::1]:0": true, "localhost:0": true, "[::ffff:127.0.0.1]:0": true,
		":8700": false, "0.0.0.0:8700": false, "[::]:8700": false, "10.0.0.1:8700": false, "gongji.local:8700": false,
		"127.0.0.1": false, "127.1:80": false,
	} {
		for _, opt := range []Options{{Listen: addr}, {AdminListen: addr}} {
			_, err := New(opt, nil)
			if ok != (err == nil) {
				t.Errorf("%+v: %v", addr, err)
			}
			if err != nil && strings.Contains(addr, ":8") && !(errors.Is(err, ErrNotLoopback) && strings.Contains(err.Error(), addr)) {
				t.Errorf("unclear error: %v", err)
			}
		}
	}
}

func TestProblemIsRFC9457(t *testing.T) {
	f := start(t)
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	raw := strings.Replace(good(), "Host: localhost", "Host: localhost\r\ntraceparent: "+trace, 1)
	raw = strings.Replace(raw, `"184.00"`, `"18 .00"`, 1)
	a := f.ask(f.BusinessAddr(), raw)
	var p map[string]any
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "urn:gongji:problem:amount_malformed", "title": codes[CodeAmountBad].title, "status": 400.0,
		"code": "amount_malformed", "field": "medfee_sumamt", "id_used": false, "trace_id": trace[3:35],
	}
	if fmt.Sprint(p) != fmt.Sprint(want) || a.status != 400 {
		t.Errorf("got  %v\nwant %v", p, want)
	}
	for _, bad := range []string{
		strings.ToUpper(trace), "01" + trace[2:], trace + "0", "00-" + strings.Repeat("0", 32) + trace[35:],
		trace[:36] + strings.Repeat("0", 16) + trace[52:], strings.Replace(trace, "-", "_", 1), trace[:54] + "g", "",
	} {
		if validTraceparent([]byte(bad)) {
			t.Errorf("traceparent %q taken", bad)
		}
	}
}

func TestCodes(t *testing.T) {
	var c Call
	for code, info := range codes {
		if info.status < 400 || info.status > 504 || info.title == "" || strings.Trim(string(code), "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
			t.Errorf("code %q: %+v", code, info)
		}
		c.Out.Reset()
		c.appendProblem(&Problem{Code: code, Title: info.title, Status: info.status, Detail: "d", Field: "a.b[1]", Outcome: 7, IDUsed: IDUsed})
		if !json.Valid(c.Out.B) {
			t.Errorf("problem %s", c.Out.B)
		}
	}
}

func TestHealthReadyMetrics(t *testing.T) {
	f := start(t)
	if a := f.ask(f.AdminAddr(), request("GET", "/readyz", "", "")); a.status != 200 {
		t.Errorf("ready: %d %s", a.status, a.body)
	}
	stalled := errors.New("log stalled")
	f.ready.Store(&stalled)
	c := dial(t, f.AdminAddr())
	c.send(request("GET", "/readyz", "", ""))
	resp := c.readReady()
	if resp.status != 503 || resp.body != `{"ready":false,"reason":"log stalled"}` || resp.header.Get("Retry-After") == "" {
		t.Errorf("not ready: %+v", resp)
	}
	f.ask(f.BusinessAddr(), good())
	f.ask(f.BusinessAddr(), request("GET", "/v1/settlements/S0000000010007$", "", ""))
	f.ask(f.BusinessAddr(), request("GET", "/v1/unknown/4200001", "", ""))
	text := f.ask(f.AdminAddr(), request("GET", "/metrics", "", "")).body
	for _, want := range []string{
		`gongji_http_requests_total{route="settle",class="2xx"} 1`, `gongji_http_requests_total{route="settlement",class="2xx"} 1`,
		`gongji_http_requests_total{route="none",class="4xx"} 1`, `gongji_http_request_seconds_bucket{route="settle",le="+Inf"} 1`,
		`gongji_http_in_flight 0`, `gongji_http_connections{listener="admin"}`, `process_open_fds`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	for _, secret := range []string{"S0000000010007", "4200001"} {
		if strings.Contains(text, secret) {
			t.Errorf("metrics tell %s", secret)
		}
	}
}

// readReady reads a 503 of /readyz, which is no problem document.
func (c *connection) readReady() answer {
	t := c.t
	c.t = quiet{t}
	defer func() { c.t = t }()
	return c.read()
}

type quiet struct{ testing.TB }

func (quiet) Errorf(string, ...any) {}

func TestPanicCostsOneConnection(t *testing.T) {
	f := start(t)
	for _, path := range []string{"/v1/panic", "/v1/silent"} {
		c := dial(t, f.BusinessAddr())
		c.send(request("POST", path, "application/json", `{"certno":"11010519491231002X"}`))
		a := c.read()
		if a.status != 500 || a.code() != "internal" || !a.closed || strings.Contains(a.body, "half") || strings.Contains(a.body, "id_used") || a.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: %d %s closed %v", path, a.status, a.body, a.closed)
		}
		if err := c.atEnd(); err != nil {
			t.Error(err)
		}
	}
	if a := f.ask(f.BusinessAddr(), good()); a.status != 200 {
		t.Errorf("after the panics: %d", a.status)
	}
	log := f.log.String()
	if !strings.Contains(log, "panic in a handler") || !strings.Contains(log, "api.(*fixture).routes.func") || strings.Contains(log, "11010519491231002X") {
		t.Errorf("log: %s", log)
	}
	if n := f.metrics.panics.Get(); n != 2 {
		t.Errorf("%d panics counted", n)
	}
	if n := f.inFlight.Load(); n != 0 {
		t.Errorf("%d calls in flight", n)
	}
}

// TestLogTellsNothing sends personal data through every place of a request and looks for it in the log.
func TestLogTellsNothing(t *testing.T) {
	f := start(t)
	const secret = "11010519491231002X"
	for _, raw := range []string{
		request("GET", "/v1/persons/"+secret+"/members", "", ""),
		request("GET", "/v1/settlements?a="+secret, "", ""),
		request("GET", "/"+secret, "", ""),
		strings.Replace(good(), `"4200001"`, `"`+secret+`"`, 1)[:len(good())],
		header("X-Name: " + secret), header("Bad Name " + secret), header("X: \x01" + secret),
		edit("Host: localhost", "Host: "+secret), edit("POST", secret), edit("application/json", secret),
		edit("POST /v1", "POST \x01"+secret), edit("Content-Length: ", "Content-Length: "+secret),
	} {
		for _, addr := range []string{f.BusinessAddr(), f.AdminAddr()} {
			if a := f.ask(addr, raw); a.status >= 400 && strings.Contains(a.body, secret) {
				t.Errorf("answer tells it: %s", a.body)
			}
		}
	}
	// The connections' goroutines write their last lines after the answer.
	waitFor(t, func() bool { return f.business.connections.count()+f.admin.connections.count() == 0 })
	log := f.log.String()
	if strings.Contains(log, secret) || strings.Contains(log, secret[:8]) {
		t.Errorf("log tells it: %s", log)
	}
	if strings.Count(log, `"route":"members"`) != 2 || !strings.Contains(log, "connection error") {
		t.Errorf("log lacks lines: %s", log)
	}
}

// waitFor polls a condition that another goroutine brings about.
func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	deadline, tick := time.After(10*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("condition never came true")
		case <-tick.C:
		}
	}
}

// TestNoCrossTalk: each request has a unique marker, and only its own answer may show it.
func TestNoCrossTalk(t *testing.T) {
	f := start(t)
	var wg sync.WaitGroup
	for client := range 16 {
		c := dial(t, []string{f.BusinessAddr(), f.AdminAddr()}[client%2])
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 100 {
				id := fmt.Sprintf("C%dN%d", client, i)
				raw := request("POST", "/v1/settlements", "application/json", strings.Replace(goodBody, "M1", id, 1))
				want := `{"msgid":"` + id + `","acct_pay":"184.00"}`
				switch i % 3 {
				case 1:
					raw, want = request("GET", "/v1/persons/"+id+"/members", "", ""), `{"p":"`+id+`"}`
				case 2:
					raw = request("POST", "/v1/echo", "application/json", want)
				}
				if _, err := c.Write([]byte(raw)); err != nil {
					t.Error(err)
					return
				}
				if a := c.read(); a.body != want {
					t.Errorf("%s got %s", id, a.body)
				}
			}
		}()
	}
	wg.Wait()
}

// TestEchoSize: the echo answers as many bytes as it is asked for, the body over and over, and refuses what is no number of them.
func TestEchoSize(t *testing.T) {
	f := start(t)
	c := dial(t, f.BusinessAddr())
	const body = `{"a":"0123456789"}`
	for query, want := range map[string]string{"": body, "?answer=5": body[:5], "?answer=40": (body + body + body)[:40]} {
		c.send(request("POST", "/v1/echo"+query, "application/json", body))
		if a := c.read(); a.status != 200 || a.body != want {
			t.Errorf("%q: %d %q", query, a.status, a.body)
		}
	}
	for _, query := range []string{"?answer=0", "?answer=x", "?answer=65537", "?size=5", "?answer=5&answer=6"} {
		c.send(request("POST", "/v1/echo"+query, "application/json", body))
		if a := c.read(); a.status != 400 {
			t.Errorf("%q: %d %q", query, a.status, a.body)
		}
	}
}

// TestSlowClientsAreCut: a header, a body and a first byte that never come.
func TestSlowClientsAreCut(t *testing.T) {
	f := start(t, func(o *Options) { o.ReadTimeout, o.IdleTimeout = 100*time.Millisecond, 100*time.Millisecond })
	for name, raw := range map[string]string{
		"nothing": "", "half a line": "POST /v1", "half a header": "POST /v1/settlements HTTP/1.1\r\nHost: lo",
		"half a body": good()[:len(good())-5],
	} {
		c := dial(t, f.BusinessAddr())
		c.send(raw)
		if a := c.read(); a.status != 408 || a.code() != "timeout" || !a.closed {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if err := c.atEnd(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := dial(t, f.BusinessAddr())
	c.send(good())
	if a := c.read(); a.status != 200 {
		t.Fatalf("status %d", a.status)
	}
	if err := c.atEnd(); err != nil { // idle: closed without a word
		t.Error(err)
	}
	// One byte at a time keeps the connection busy but not alive.
	c = dial(t, f.BusinessAddr())
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for i := 0; i < len(good()); i++ {
		<-tick.C
		if _, err := c.Write([]byte{good()[i]}); err != nil {
			return
		}
	}
	t.Error("a client that sends one byte at a time was not cut")
}

func TestBulkIsStreamed(t *testing.T) {
	f := start(t)
	head := func(n int) string {
		return fmt.Sprintf("POST /v1/persons HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n", n)
	}
	const size = 64 << 20
	c := dial(t, f.AdminAddr())
	c.send(head(size))
	piece := strings.Repeat("x", 1<<20)
	for range size / len(piece) {
		c.send(piece)
	}
	if a := c.read(); a.status != 200 || a.body != fmt.Sprintf(`{"streamed":%d}`, size) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	c.send(good())
	if a := c.read(); a.status != 200 {
		t.Fatalf("next request: %d", a.status)
	}
	c = dial(t, f.AdminAddr())
	c.send(head(BulkBodyMax + 1))
	if a := c.read(); a.status != 413 || !a.closed {
		t.Fatalf("beyond the limit: %d %s", a.status, a.body)
	}
	c = dial(t, f.BusinessAddr())
	c.send(strings.Replace(head(BusinessBodyMax+1), "/v1/persons", "/v1/settlements", 1))
	if a := c.read(); a.status != 415 || !a.closed {
		t.Fatalf("large body of the wrong type: %d %s", a.status, a.body)
	}
	before := f.effects.Load()
	for _, n := range []int{10, 100 << 10} { // within and beyond what fasthttp reads before the handler
		c = dial(t, f.AdminAddr())
		c.send(head(n) + strings.Repeat("x", n-1))
		c.Conn.(*net.TCPConn).CloseWrite()
		if a := c.read(); a.status != 400 {
			t.Fatalf("cut off: %d %s", a.status, a.body)
		}
	}
	for _, addr := range []string{f.AdminAddr(), f.BusinessAddr()} {
		for _, padding := range []int{0, 20 << 10} {
			c = dial(t, addr)
			raw := request("POST", "/v1/settlements", "application/json", goodBody+strings.Repeat(" ", padding))
			c.send(raw[:len(raw)-max(1, padding/4)])
			c.Conn.(*net.TCPConn).CloseWrite()
			if a := c.read(); a.status != 400 || a.code() != "body_cut_off" && a.code() != "bad_request" {
				t.Fatalf("ordinary call cut off: %d %s", a.status, a.body)
			}
		}
	}
	if f.effects.Load() != before {
		t.Error("a body that was cut off had an effect")
	}
}

func TestQuery(t *testing.T) {
	f := start(t)
	for query, want := range map[string]string{
		"": "{}", "?": "{}", "?a=1": `{"a":"1"}`, "?from=2026-01-31T00:00:00+08:00&b=": `{"from":"2026-01-31T00:00:00+08:00","b":""}`,
		"?a=S1$": `{"a":"S1$"}`, "?a": "", "?=1": "", "?a=1&": "", "?a=%31": "", "?a=1&&b=2": "", "?a=\"": "",
		"?" + strings.TrimSuffix(strings.Repeat("a=1&", queryPairsMax+1), "&"): "",
	} {
		a := f.ask(f.BusinessAddr(), request("GET", "/v1/settlements"+query, "", ""))
		if want == "" && a.status != 400 || want != "" && a.body != want {
			t.Errorf("%s: %d %s, want %s", query, a.status, a.body, want)
		}
	}
}
