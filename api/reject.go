package api

import (
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// serveError answers requests that fasthttp gave up on: the header did not parse, or the body did not
// come. fasthttp closes the connection afterwards.
func (f *face) serveError(ctx *fasthttp.RequestCtx, err error) {
	s := f.srv
	start := time.Now()
	c := s.calls.Get().(*Call)
	c.begin(f, ctx)
	code, timedOut := parseErrorCode(err)
	if c.verdict.code = code; !timedOut {
		drain(ctx.Conn(), 0)
	}
	c.refuse()
	s.finish(c, start)
}

// parseErrorCode names a parse error. All are refused alike; the code is for whoever wrote the client.
// fasthttp has emptied its header by now, so nothing more can be said: a second Transfer-Encoding or
// an unknown one is a bad request like a second Content-Length.
func parseErrorCode(err error) (code Code, timedOut bool) {
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.As(err, &small):
		return CodeHeaderTooLarge, false
	case errors.Is(err, fasthttp.ErrBodyTooLarge): // headerReceived sees to it first
		return CodeBodyTooLarge, false
	case errors.As(err, &timeout) && timeout.Timeout():
		return CodeTimeout, true
	}
	return CodeBadRequest, false
}

// drain reads what a refused client is still sending, within limits, so that closing the connection
// does not reset it before the client has seen the answer. length is the announced body or negative.
func drain(conn net.Conn, length int) {
	left := drainBytesMax
	if length > 0 {
		left = min(left, length)
	}
	var buf [4 << 10]byte
	for end := time.Now().Add(drainTimeout); left > 0; {
		now := time.Now()
		if conn == nil || now.After(end) || conn.SetReadDeadline(now.Add(drainPause)) != nil {
			return
		}
		n, err := conn.Read(buf[:min(left, len(buf))])
		left -= n
		if err != nil {
			return
		}
	}
}
