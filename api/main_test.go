package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"gongji/api/strictjson"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's clock for the Date header lives as long as the process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Its worker pool's cleaner looks at the stop channel only once in 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// syncBuffer is a log that tests may read while the server writes it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fixture is a running server with one route of every sort. effects counts what reached a handler's
// "ledger": a refused request must not move it.
type fixture struct {
	*Server
	t       testing.TB
	log     *syncBuffer
	effects atomic.Int64
	closes  atomic.Int64  // of streamed answers
	blocked chan struct{} // a call of /v1/block has begun
	unblock chan struct{}
	ready   atomic.Pointer[error]
	served  chan error
}

var settleShape = strictjson.MustShape("msgid psn_no medfee_sumamt opter_name? expected?")
var expectedShape = strictjson.MustShape("acct_pay")

func (f *fixture) settle(c *Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var msgid []byte
	var fee int64
	for d.Object(settleShape); d.Next(); {
		switch d.Field() {
		case "msgid":
			msgid = d.Token(30)
		case "psn_no":
			d.Token(30)
		case "medfee_sumamt":
			fee = d.Amount()
		case "opter_name":
			d.String(50, 150)
		case "expected":
			for d.Object(expectedShape); d.Next(); {
				d.Amount()
			}
		}
	}
	if err := d.Done(); err != nil {
		c.FailDecode(err)
		return
	}
	f.effects.Add(1)
	c.Out.Begin()
	c.Out.Bytes("msgid", msgid)
	c.Out.Amount("acct_pay", fee)
	c.Out.End()
	c.OK(200)
}

func (f *fixture) routes() []Route {
	echoParams := func(c *Call) {
		f.effects.Add(1)
		c.Out.Begin()
		c.Out.Bytes("p", c.Param(0))
		c.Out.End()
		c.OK(200)
	}
	body := func(c *Call) {
		if b, ok := c.Body(); ok {
			f.effects.Add(1)
			c.Out.Begin()
			c.Out.Int("bytes", int64(len(b)))
			c.Out.End()
			c.OK(200)
		}
	}
	return []Route{
		{Name: "settle", Method: "POST", Pattern: "/v1/settlements", Listener: Business, Media: JSON, Handler: f.settle},
		{Name: "settlement_ask", Method: "GET", Pattern: "/v1/settlements", Listener: Business, Handler: f.query},
		{Name: "settle_batch", Method: "POST", Pattern: "/v1/settlements/batch", Listener: Business, Media: NDJSON, BodyMax: BatchBodyMax, Handler: body},
		{Name: "settlement", Method: "GET", Pattern: "/v1/settlements/{setl_id}", Listener: Business, Handler: echoParams},
		{Name: "members", Method: "GET", Pattern: "/v1/persons/{psn_no}/members", Listener: Business, Handler: echoParams},
		{Name: "person_create", Method: "POST", Pattern: "/v1/persons", Listener: Admin, Media: JSON, Handler: body},
		{Name: "person_bulk", Method: "POST", Pattern: "/v1/persons", Listener: Admin, Media: NDJSON, Stream: true, BodyMax: BulkBodyMax, Handler: f.bulk},
		{Name: "binding_create", Method: "POST", Pattern: "/v1/bindings", Listener: Business, Media: JSON, Handler: body},
		{Name: "binding_queue", Method: "GET", Pattern: "/v1/bindings", Listener: Admin, Handler: func(c *Call) { c.Out.Begin(); c.Out.End(); c.OK(200) }},
		{Name: "file", Method: "POST", Pattern: "/fsi/file", Listener: Business, Media: OctetStream, BodyMax: NationalFileMax, Handler: body},
		{Name: "national", Method: "POST", Pattern: "/fsi/call", Listener: Business, Media: NationalJSON, BodyMax: NationalBodyMax, Handler: body},
		{Name: "panics", Method: "POST", Pattern: "/v1/panic", Listener: Business, Media: JSON, Handler: func(c *Call) {
			b, _ := c.Body()
			c.Out.Begin()
			c.Out.String("half", "an answer")
			c.Replayed()
			panic("value with the request in it: " + string(b))
		}},
		{Name: "silent", Method: "POST", Pattern: "/v1/silent", Listener: Business, Media: JSON, Handler: func(*Call) {}},
		{Name: "block", Method: "POST", Pattern: "/v1/block", Listener: Business, Media: JSON, Handler: func(c *Call) {
			f.blocked <- struct{}{}
			<-f.unblock
			f.settle(c)
		}},
		{Name: "stream", Method: "GET", Pattern: "/v1/stream/{how}", Listener: Admin, Handler: f.stream},
		EchoRoute("/v1/echo"),
	}
}

func (f *fixture) query(c *Call) {
	c.Out.Begin()
	q := c.Query()
	for q.Next() {
		c.Out.Bytes(string(q.Key), q.Value)
	}
	if q.Bad {
		c.Fail(Problem{Code: CodeBadValue, Field: "query"})
		return
	}
	c.Out.End()
	c.OK(200)
}

// bulk counts bytes and lines of a streamed body.
func (f *fixture) bulk(c *Call) {
	n, err := io.Copy(io.Discard, c.Stream())
	if err != nil {
		c.Fail(Problem{Code: CodeBodyCutOff})
		return
	}
	f.effects.Add(1)
	c.Out.Begin()
	c.Out.Int("streamed", n)
	c.Out.End()
	c.OK(200)
}

func start(t testing.TB, change ...func(*Options)) *fixture {
	t.Helper()
	return startRoutes(t, (*fixture).routes, change...)
}

func startRoutes(t testing.TB, routes func(*fixture) []Route, change ...func(*Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, log: &syncBuffer{}, blocked: make(chan struct{}, 16), unblock: make(chan struct{}), served: make(chan error, 1)}
	opt := Options{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Log: zerolog.New(f.log), AccessLog: LogAll,
		Ready: func() error {
			if p := f.ready.Load(); p != nil {
				return *p
			}
			return nil
		},
	}
	for _, c := range change {
		c(&opt)
	}
	var err error
	if f.Server, err = New(opt, routes(f)); err != nil {
		t.Fatal(err)
	}
	if err := f.Listen(); err != nil {
		t.Fatal(err)
	}
	go func() { f.served <- f.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		f.Shutdown(ctx)
		select {
		case err := <-f.served:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-ctx.Done():
			t.Error("Serve did not return")
		}
	})
	return f
}

// answer is a response read off the wire.
type answer struct {
	status int
	header http.Header
	body   string
	closed bool // the server closed the connection after it
}

func (a answer) code() string {
	_, rest, _ := strings.Cut(a.body, `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	return code
}

// connection is a client that knows no HTTP when it writes.
type connection struct {
	net.Conn
	r *bufio.Reader
	t testing.TB
}

func dial(t testing.TB, addr string) *connection {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return &connection{c, bufio.NewReader(c), t}
}

func (c *connection) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// read reads one answer and checks what every answer must have.
func (c *connection) read() answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("read body: %v", err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body), closed: resp.Close}
	if len(a.header.Get("X-Request-Id")) != requestIDLen {
		c.t.Errorf("answer %d without X-Request-Id", a.status)
	}
	if a.header.Get("Server") != "" {
		c.t.Errorf("answer %d tells its server: %q", a.status, a.header.Get("Server"))
	}
	if a.status >= 400 && a.header.Get("Content-Type") != mediaProblem {
		c.t.Errorf("answer %d is %q: %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	return a
}

// atEnd checks that the server has closed the connection.
func (c *connection) atEnd() error {
	if b, err := c.r.ReadByte(); err == nil {
		return fmt.Errorf("connection goes on with %q", b)
	} else if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		return err
	}
	return nil
}

// request writes a request with Host and Content-Length.
func request(method, target, contentType, body string) string {
	s := method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n"
	if contentType != "" {
		s += "Content-Type: " + contentType + "\r\n"
	}
	if body != "" || method == "POST" {
		s += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return s + "\r\n" + body
}

const goodBody = `{"msgid":"M1","psn_no":"4200001","medfee_sumamt":"184.00","opter_name":"王芳"}`

func good() string { return request("POST", "/v1/settlements", "application/json", goodBody) }

func (f *fixture) ask(addr, raw string) answer {
	f.t.Helper()
	c := dial(f.t, addr)
	defer c.Close()
	c.send(raw)
	return c.read()
}

// readMaybeHead reads an answer that may be without its body.
func (c *connection) readMaybeHead(head bool) answer {
	c.t.Helper()
	if !head {
		return c.read()
	}
	resp, err := http.ReadResponse(c.r, &http.Request{Method: "HEAD"})
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, closed: resp.Close}
}
