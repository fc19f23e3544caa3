package api

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// logAccess writes one line for a request. What it may hold is this list and nothing else: never a
// body, a path parameter, a query or a header of the caller.
func (s *Server) logAccess(c *Call, route string, d time.Duration) {
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

// errorLogEvery bounds the lines about bad connections: a client that sends rubbish must not fill the
// disk. The counter behind gongji_http_connection_errors_total sees all of them.
const errorLogEvery = time.Second

// errorLog receives fasthttp's own messages. Even with SecureErrorLogMessage their arguments quote the
// request ("invalid request uri %q", "malformed mime header line: %q"), so only the constant format
// is kept.
type errorLog struct {
	srv      *Server
	listener string
	last     atomic.Int64
}

// Printf implements fasthttp.Logger.
func (l *errorLog) Printf(format string, _ ...any) {
	l.srv.metrics.problems.Inc()
	now, last := nanotime(), l.last.Load()
	if last != 0 && now-last < int64(errorLogEvery) || !l.last.CompareAndSwap(last, now) {
		return
	}
	l.srv.opt.Log.Warn().Str("listener", l.listener).Str("format", format).Msg("connection error")
}
