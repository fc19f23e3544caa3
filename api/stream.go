package api

import (
	"errors"
	"io"
	"net"
	"time"
)

// errCut ends a streamed answer early: the connection is closed without the last chunk, so the client sees that something is missing.
var errCut = errors.New("api: streamed answer cut")

// SendStream answers 200 with what from gives, read piece by piece on the connection's goroutine after the handler has returned; from must
// not use the Call. It is closed once, whatever happens. Its read may give nothing for a while, each within BulkStallTimeout; an error of it
// cuts the answer off, and so does a client that stands still for BulkStallTimeout and a server that stops. Until it is closed the call counts
// as being handled, so Shutdown waits for it.
func (c *Call) SendStream(mediaType string, from io.ReadCloser) {
	c.send(200, mediaType, nil)
	c.streams = true
	c.ctx.Response.SetBodyStream(&answerStream{srv: c.face.srv, conn: c.ctx.Conn(), from: from}, -1)
}

// answerStream is a streamed answer on its way. It belongs to the goroutine of its connection.
type answerStream struct {
	srv    *Server
	conn   net.Conn
	from   io.ReadCloser
	closed bool
}

func (s *answerStream) Read(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil { // a bug here costs its own connection, as one in a handler does
			s.srv.metrics.panics.Inc()
			s.srv.opt.Log.Error().Strs("stack", stack()).Msg("panic in a streamed answer")
			n, err = 0, errCut
		}
	}()
	if s.srv.stopping.Load() {
		return 0, errCut
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(BulkStallTimeout)); err != nil {
		return 0, err
	}
	return s.from.Read(p)
}

// Close ends the call.
func (s *answerStream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	defer s.srv.handled()
	return s.from.Close()
}
