package wire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeServer answers over real connections.
type fakeServer struct {
	l      net.Listener
	served atomic.Int64
	mu     sync.Mutex
	ids    map[string]int // begins of message ids
	wg     sync.WaitGroup
}

func startFake(t *testing.T, serve func([]byte) string) *fakeServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{l: l, ids: map[string]int{}}
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() { f.talk(c, serve) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.wg.Wait()
	})
	return f
}

// talk answers one connection until the client ends it.
func (f *fakeServer) talk(c net.Conn, serve func([]byte) string) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		length := 0
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimSpace(line); line == "" {
				break
			}
			if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(n)
			}
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		f.served.Add(1)
		f.mu.Lock()
		f.ids[field(body, "msgid")[:tagLen]]++
		f.mu.Unlock()
		if _, err := io.WriteString(c, serve(body)); err != nil {
			return
		}
	}
}

// TestSockets: over real connections, with batches that no socket takes at once, what is counted is what was served.
func TestSockets(t *testing.T) {
	for _, c := range []struct {
		face            Face
		pipeline, group int
		rate            float64
		serve           func([]byte) string
	}{{Settlements, 1, 0, 0, right}, {Settlements, 16, 0, 0, right}, {Settlements, 2, 0, 500, right}, {Batch, 4, 1000, 0, rightLines}} {
		f := startFake(t, c.serve)
		j := testJob(c.face, 8, c.pipeline)
		j.Server, j.Rate, j.For = f.l.Addr().String(), c.rate, int64(100*time.Millisecond)
		if c.group > 0 {
			j.Group, j.Bills.Count = c.group, 2*c.group
		}
		o, err := Do(&j)
		if err != nil {
			t.Fatal(err)
		}
		if o.WrongCount != 0 || o.Answers == 0 || int64(o.Answers) != f.served.Load() || o.Accepted != o.Answers*uint64(max(1, c.group)) {
			t.Errorf("%s, %d pipelined: %d answers of %d served, %d settlements, wrong %q", c.face, c.pipeline, o.Answers, f.served.Load(), o.Accepted, o.Wrong)
		}
		if c.rate > 0 && (o.Requests != 50 || o.Count != 50) {
			t.Errorf("open loop: %d sent and %d counted of 50 intended", o.Requests, o.Count)
		}
	}
	if _, err := Do(&Job{}); err == nil {
		t.Error("an empty job is done")
	}
	j := testJob(Settlements, 1, 1)
	if _, err := Do(&j); err == nil {
		t.Error("nobody listens, and yet there is an outcome")
	}
}

// TestChildrenMerge: client processes together are what the server saw: connections, message ids of their own, counts, histograms.
func TestChildrenMerge(t *testing.T) {
	f := startFake(t, right)
	c, err := StartChildren(context.Background(), 2, []string{os.Args[0]}, []string{childEnv + "=1"})
	if err != nil {
		t.Fatal(err)
	}
	j := testJob(Settlements, 5, 2)
	j.Server, j.For = f.l.Addr().String(), int64(500*time.Millisecond)
	seen := false
	for range 2 { // the second time with the same requests
		before := f.served.Load()
		o, err := c.Run(j, func(time.Time) { seen = true })
		if err != nil {
			t.Fatal(errors.Join(err, c.Stop()))
		}
		served := f.served.Load() - before
		if l := latencies(t, o); o.WrongCount != 0 || int64(o.Answers) != served || l.Count != o.Count || o.Count == 0 || o.Seconds != 0.5 {
			t.Errorf("%d answers of %d served, %d times of %d counted, wrong %q", o.Answers, served, l.Count, o.Count, o.Wrong)
		}
		if len(o.spans) != 2 || o.spans[0].n+o.spans[1].n != o.Requests || o.spans[0].from == o.spans[1].from {
			t.Errorf("processes sent %v of %d", o.spans, o.Requests)
		}
	}
	j.Connections = 1
	if _, err := c.Run(j, nil); err == nil {
		t.Error("one connection for two processes")
	}
	j.Connections, j.Pipeline = 2, 0
	if _, err := c.Run(j, nil); err == nil || !strings.Contains(err.Error(), "pipeline of 0") {
		t.Errorf("a child does a job that is none: %v", err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if !seen || len(f.ids) != 2 {
		t.Errorf("watched %t, message ids of %d processes", seen, len(f.ids))
	}
}
