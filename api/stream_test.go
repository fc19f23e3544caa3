package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// source is a streamed answer: empty reads and pieces in turn, and at its end what how says.
type source struct {
	f    *fixture
	how  string
	left int
}

const sourcePieces = 100

func (f *fixture) stream(c *Call) {
	s := &source{f, string(c.Param(0)), 2 * sourcePieces}
	c.SendStream("application/x-ndjson", s)
	if s.how == "early" {
		panic("after the stream was given")
	}
}

func (s *source) Read(p []byte) (int, error) {
	if s.left == sourcePieces && s.how == "block" {
		s.f.blocked <- struct{}{}
		<-s.f.unblock
	}
	if s.left--; s.left%2 == 1 {
		return 0, nil
	}
	if s.left >= 0 {
		return copy(p, "line\n"), nil
	}
	switch s.how {
	case "fails":
		return 0, errors.New("of the store")
	case "panics":
		panic("in the stream")
	}
	return 0, io.EOF
}

func (s *source) Close() error {
	s.f.closes.Add(1)
	return nil
}

// readStream reads a streamed answer; err: it was cut.
func (c *connection) readStream() (status int, body string, err error) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// TestStream: a whole stream ends well and leaves the connection usable; one that fails is cut so that the client sees it. Each is closed once
// and ends its call.
func TestStream(t *testing.T) {
	f := start(t)
	for i, how := range []string{"whole", "fails", "panics", "early", "whole"} {
		c := dial(t, f.AdminAddr())
		c.send(request("GET", "/v1/stream/"+how, "", ""))
		status, body, err := c.readStream()
		switch whole := strings.Repeat("line\n", sourcePieces); {
		case how == "early":
			if status != 500 || err != nil {
				t.Errorf("%s: %d %v", how, status, err)
			}
		case status != 200 || body != whole || (err == nil) != (how == "whole"):
			t.Errorf("%s: %d, %d bytes, %v", how, status, len(body), err)
		}
		if how == "whole" {
			c.send(request("GET", "/v1/stream/whole", "", ""))
			if _, _, err := c.readStream(); err != nil {
				t.Errorf("the connection after a stream: %v", err)
			}
			f.closes.Add(-1)
		} else if err := c.atEnd(); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		waitFor(t, func() bool { return f.inFlight.Load() == 0 })
		if n := f.closes.Load(); n != int64(i+1) {
			t.Errorf("%s: %d streams closed, want %d", how, n, i+1)
		}
	}
	if strings.Contains(f.log.String(), "in the stream") {
		t.Error("the log has the value of a panic")
	}
}

// TestStreamShutdown: a stream under way is cut by Shutdown, which waits until it has been closed; so does a client that goes away.
func TestStreamShutdown(t *testing.T) {
	f := start(t)
	c, gone := dial(t, f.AdminAddr()), dial(t, f.AdminAddr())
	for _, c := range []*connection{c, gone} {
		c.send(request("GET", "/v1/stream/block", "", ""))
		<-f.blocked
	}
	gone.Close()
	stopped := make(chan error, 1)
	go func() { stopped <- f.Shutdown(context.Background()) }()
	waitFor(t, f.stopping.Load)
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown returned with streams under way: %v", err)
	default:
	}
	close(f.unblock)
	if status, body, err := c.readStream(); status != 200 || err == nil || len(body) >= sourcePieces*len("line\n") {
		t.Errorf("%d, %d bytes, %v", status, len(body), err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if n := f.closes.Load(); n != 2 {
		t.Errorf("%d streams closed, want 2", n)
	}
}
