package api

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// logAccess writes one line for a request. What it may hold is this list and nothing else: never a
// body, a path parameter, a query or a header of the caller.
//
// Answers of 503 are what overload and a stall give to everybody, ten thousand a second: of these one line in failureLogEvery stands for all. The
// counters of /metrics see each.
func (s *Server) logAccess(c *Call, route string, d time.Duration) {
	if c.status == 503 && s.opt.AccessLog == LogFailures && !s.unavailable.pass() {
		return
	}
	level := zerolog.InfoLevel
	if c.status >= 500 {
		level = zerolog.ErrorLevel
	}
	e := s.opt.Log.WithLevel(level).Bytes("request", c.id[:]).Str("route", route).Int("status", c.status).
		Int64("us", d.Microseconds())
	if c.hasTrace {
		e = e.Bytes("trace", c.TraceID())
	}
	e.Msg("request")
}

// logPanic tells where, and of what type the panic's value was; the value itself could quote the
// request.
func (s *Server) logPanic(c *Call, value any) {
	e := s.opt.Log.Error().Bytes("request", c.id[:]).Str("type", fmt.Sprintf("%T", value)).Strs("stack", stack())
	if r := c.verdict.route; r != nil {
		e = e.Str("route", r.Name)
	}
	e.Msg("panic in a handler")
}

// errorLogEvery bounds the lines about bad connections, failureLogEvery those about refused work: neither a client that sends rubbish nor a crowd must fill the
// disk. The counter behind gongji_http_connection_errors_total sees all of them.
const (
	errorLogEvery   = time.Second
	failureLogEvery = time.Second
)

// every lets one pass in a while. Any goroutine.
type every struct {
	pause time.Duration
	last  atomic.Int64 // nanotime of the one that passed; 0: none
}

func (e *every) pass() bool {
	now, last := nanotime(), e.last.Load()
	return (last == 0 || now-last >= int64(e.pause)) && e.last.CompareAndSwap(last, now)
}

// errorLog receives fasthttp's own messages. Even with SecureErrorLogMessage their arguments quote the
// request ("invalid request uri %q", "malformed mime header line: %q"), so only the constant format
// is kept.
type errorLog struct {
	srv      *Server
	listener string
	limit    every
}

// Printf implements fasthttp.Logger.
func (l *errorLog) Printf(format string, _ ...any) {
	l.srv.metrics.problems.Inc()
	if !l.limit.pass() {
		return
	}
	l.srv.opt.Log.Warn().Str("listener", l.listener).Str("format", format).Msg("connection error")
}
