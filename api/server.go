package api

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// Server is the front door: two listeners, their routes and everything around a handler. Make it with
// New, then Listen, Serve and, once, Shutdown.
type Server struct {
	opt      Options
	business *face
	admin    *face
	metrics  *serverMetrics
	ids      *requestIDs
	calls    sync.Pool

	inFlight    atomic.Int64 // calls of the faces being handled
	stopping    atomic.Bool
	unavailable every         // lines about answers of 503
	drained     chan struct{} // told when stopping and the last call has ended
}

// face is one listener with its routes.
type face struct {
	srv         *Server
	kind        Listener
	router      *router
	hosts       []string
	http        *fasthttp.Server
	listener    net.Listener
	connections connectionSet
}

func (f *face) name() string {
	if f.kind == Admin {
		return "admin"
	}
	return "business"
}

// New checks options and routes. Routes are used from then on and must not be changed.
func New(opt Options, routes []Route) (*Server, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{opt: opt, ids: newRequestIDs(), drained: make(chan struct{}, 1), unavailable: every{pause: failureLogEvery}}
	s.calls.New = func() any { return &Call{} }
	s.business = &face{srv: s, kind: Business}
	s.admin = &face{srv: s, kind: Admin}
	s.metrics = newServerMetrics(s)

	var list []*Route
	own := s.ownRoutes()
	for i, r := range append(own, routes...) {
		r.own = i < len(own)
		if err := r.check(); err != nil {
			return nil, err
		}
		r.metrics = newRouteMetrics(s.metrics.set, r.Name)
		list = append(list, &r)
	}
	for _, f := range []*face{s.business, s.admin} {
		if f.router, err = newRouter(list, f.kind); err != nil {
			return nil, err
		}
		f.hosts = []string{"127.0.0.1", "localhost", "[::1]"}
		for _, h := range opt.AllowedHosts {
			f.hosts = append(f.hosts, lower(h))
		}
		f.http = f.newHTTP()
	}
	return s, nil
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// newHTTP sets every limit of fasthttp by name. Only the admin listener streams bodies: bulk loads are
// all Admin calls, and without streaming fasthttp itself keeps the business bodies within the limit
// before a handler runs (DESIGN.md has the figures).
func (f *face) newHTTP() *fasthttp.Server {
	opt := &f.srv.opt
	return &fasthttp.Server{
		Handler:                      f.serve,
		ErrorHandler:                 f.serveError,
		HeaderReceived:               f.headerReceived,
		ConnState:                    f.connections.track,
		Logger:                       &errorLog{srv: f.srv, listener: f.name(), limit: every{pause: errorLogEvery}},
		StreamRequestBody:            f.kind == Admin,
		Concurrency:                  opt.ConnectionsMax,
		ReadBufferSize:               readBufferBytes,
		MaxRequestBodySize:           BusinessBodyMax,
		ReadTimeout:                  opt.ReadTimeout,
		WriteTimeout:                 opt.WriteTimeout,
		IdleTimeout:                  opt.IdleTimeout,
		MaxRequestsPerConn:           RequestsPerConnectionMax,
		TCPKeepalive:                 true,
		CloseOnShutdown:              true,
		DisablePreParseMultipartForm: true, // or uploads would be written to temporary files
		SecureErrorLogMessage:        true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
	}
}

// Listen opens both listeners. Addresses are known after it, also where the port was 0.
func (s *Server) Listen() error {
	for _, l := range []struct {
		f    *face
		addr string
	}{{s.business, s.opt.Listen}, {s.admin, s.opt.AdminListen}} {
		ln, err := net.Listen("tcp", l.addr)
		if err == nil {
			// "localhost" is a name, so what it gave is looked at too.
			if err = checkLoopback(ln.Addr().String()); err != nil {
				ln.Close()
			}
		}
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("api: %s listener %q: %w", l.f.name(), l.addr, err)
		}
		l.f.listener = ln
	}
	return nil
}

func (s *Server) closeListeners() {
	for _, f := range []*face{s.business, s.admin} {
		if f.listener != nil {
			f.listener.Close()
			f.listener = nil
		}
	}
}

// BusinessAddr and AdminAddr are the addresses listened on; only after Listen.
func (s *Server) BusinessAddr() string { return s.business.listener.Addr().String() }

// AdminAddr is the address of the admin listener; only after Listen.
func (s *Server) AdminAddr() string { return s.admin.listener.Addr().String() }

// Serve answers requests until Shutdown, then returns nil; or it returns the first listener's error.
func (s *Server) Serve() error {
	if s.business.listener == nil || s.admin.listener == nil {
		return errors.New("api: Serve before Listen")
	}
	done := make(chan error, 2)
	for _, f := range []*face{s.business, s.admin} {
		go func() { done <- f.http.Serve(f.listener) }()
	}
	err := <-done
	if err != nil {
		for _, f := range []*face{s.business, s.admin} { // one without the other is not a service
			f.listener.Close()
		}
	}
	return errors.Join(err, <-done)
}

// headerReceived bounds the body before fasthttp reads it. The hot case, an ordinary length and no
// surprises, is decided by two look-ups. Otherwise the request is judged now. A refused one is made to
// look as if it had no body, so that not a byte of it is read (nor waited for) and fasthttp calls serve
// at once; serve finds the truth in the raw header and closes the connection.
func (f *face) headerReceived(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	expects := len(h.PeekCanonical(headerExpect)) > 0
	if n := h.ContentLength(); n != -1 && n <= BusinessBodyMax && !expects {
		return fasthttp.RequestConfig{}
	}
	var v verdict
	f.judge(h, &v)
	if v.code != "" {
		h.SetContentLength(0)
		h.Del("Expect") // or fasthttp would answer "100 Continue"
		return fasthttp.RequestConfig{}
	}
	conf := fasthttp.RequestConfig{MaxRequestBodySize: max(1, min(v.route.bodyMax(), NationalFileMax))}
	if v.route.Stream {
		conf.ReadTimeout = BulkStallTimeout
	}
	return conf
}

// serve is fasthttp's handler: everything around a Handler.
func (f *face) serve(ctx *fasthttp.RequestCtx) {
	s := f.srv
	c := s.calls.Get().(*Call)
	c.begin(f, ctx)
	f.judge(&ctx.Request.Header, &c.verdict)
	if v := &c.verdict; v.code != "" {
		skipped := v.length != max(0, ctx.Request.Header.ContentLength()) // by headerReceived
		if v.close = v.close || skipped; v.close {
			drain(ctx.Conn(), v.length)
		}
		c.refuse()
	} else {
		s.run(c)
	}
	s.finish(c, ctx.Time())
}

// refuse answers what the verdict says.
func (c *Call) refuse() {
	if c.verdict.close {
		c.ctx.SetConnectionClose()
	}
	if c.verdict.code == CodeMethod {
		c.ctx.Response.Header.SetCanonical(headerAllow, []byte(c.verdict.match.entry.allow))
	}
	c.Fail(Problem{Code: c.verdict.code})
}

// run calls the route's handler, or says why not now.
func (s *Server) run(c *Call) {
	route := c.verdict.route
	// First counted, then looked whether we stop: Shutdown does it the other way round, so that no
	// call slips between the two.
	if !route.own {
		s.inFlight.Add(1)
	}
	defer s.leave(c)
	if route.own {
		route.Handler(c)
		return
	}
	if s.stopping.Load() {
		c.ctx.SetConnectionClose()
		c.Fail(Problem{Code: CodeStopping, RetryAfter: retryAfterStopping})
		return
	}
	if s.opt.Authenticate != nil && !s.opt.Authenticate(c) {
		return
	}
	if s.opt.Limiter != nil {
		if ok, after := s.opt.Limiter.Allow(c.Caller, nanotime()); !ok {
			s.metrics.limited.Inc()
			c.Fail(Problem{Code: CodeRateLimited, RetryAfter: after})
			return
		}
	}
	route.Handler(c)
	if c.status == 0 {
		panic(errNoAnswer)
	}
}

var errNoAnswer = errors.New("handler returned without an answer")

// leave ends a call, also one that panicked: a bug in a handler costs its own request and connection,
// not the process. (A panic inside the engine happens on the engine's goroutine and is not caught here.)
func (s *Server) leave(c *Call) {
	if r := recover(); r != nil {
		s.metrics.panics.Inc()
		c.spoiled = true
		s.logPanic(c, r)
		resp := &c.ctx.Response
		resp.Reset() // closes a stream, which has ended the call
		resp.Header.SetNoDefaultContentType(true)
		resp.Header.SetCanonical(headerRequestID, c.id[:])
		c.ctx.SetConnectionClose()
		// Whether the id is used up cannot be told: the handler may have submitted its command already.
		c.Fail(Problem{Code: CodeInternal, IDUsed: IDUnknown})
	}
	if c.verdict.route.own {
		return
	}
	if s.stopping.Load() {
		c.ctx.SetConnectionClose()
	}
	if !c.streams {
		s.handled()
	}
}

// handled counts a call as ended.
func (s *Server) handled() {
	if s.inFlight.Add(-1) == 0 && s.stopping.Load() {
		select {
		case s.drained <- struct{}{}:
		default:
		}
	}
}

// finish counts, logs and recycles.
func (s *Server) finish(c *Call, start time.Time) {
	m, name := s.metrics.none, rejected
	if r := c.verdict.route; r != nil {
		m, name = r.metrics, r.Name
	}
	d := time.Since(start)
	m.observe(c.status, d)
	if c.status >= 500 || s.opt.AccessLog == LogAll {
		s.logAccess(c, name, d)
	}
	c.release()
}

var started = time.Now()

// nanotime is a clock that never goes back.
func nanotime() int64 { return int64(time.Since(started)) }

// stack lists the functions of a panic without their arguments.
func stack() []string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs[:])])
	var out []string
	for {
		f, more := frames.Next()
		out = append(out, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return out
		}
	}
}
