package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Shutdown stops the server in this order: not ready; new calls get 503 with Retry-After, on old and
// new connections; calls being handled are answered; listeners and connections are closed. It returns
// nil, or ctx's error with the number of calls that had not ended by then; their connections are
// closed under them. /healthz, /readyz and /metrics answer until the listeners close. Call it once,
// after Listen; Serve may be called before, meanwhile or after and returns.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	err := s.waitDrained(ctx)
	var wg sync.WaitGroup
	for _, f := range []*face{s.business, s.admin} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			f.close(ctx)
		}()
	}
	wg.Wait()
	return err
}

func (s *Server) waitDrained(ctx context.Context) error {
	for s.inFlight.Load() > 0 {
		select {
		case <-s.drained: // perhaps told by a call that was refused meanwhile: look again
		case <-ctx.Done():
			return fmt.Errorf("api: %d calls still in flight: %w", s.inFlight.Load(), ctx.Err())
		}
	}
	return nil
}

// close closes one listener and its connections. fasthttp closes idle connections itself, but counts a
// new one that has sent nothing as busy for 5 s, and gives up on its context without closing anything;
// so what is left after closeGrace is closed here.
func (f *face) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeGrace)
	defer cancel()
	// fasthttp closes listeners that its Serve has been given. One whose Serve comes only now, as when a signal arrives right after the start, it does
	// not know, and Serve would wait on it for ever.
	f.listener.Close()
	if err := f.http.ShutdownWithContext(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
		f.connections.closeAll()
	}
	// The goroutines of closed connections end by themselves; only a handler that hangs keeps one.
	tick := time.NewTicker(closeGrace / 100)
	defer tick.Stop()
	for i := 0; i < 100 && f.connections.count() > 0; i++ {
		<-tick.C
	}
}

// connectionSet knows the open connections. It is written when one is opened or closed, not per request.
type connectionSet struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
	shut bool
}

// track is fasthttp's ConnState hook.
func (s *connectionSet) track(conn net.Conn, state fasthttp.ConnState) {
	if state != fasthttp.StateNew && state != fasthttp.StateClosed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state == fasthttp.StateClosed:
		delete(s.open, conn)
	case s.shut:
		conn.Close()
	default:
		if s.open == nil {
			s.open = make(map[net.Conn]struct{})
		}
		s.open[conn] = struct{}{}
	}
}

func (s *connectionSet) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (s *connectionSet) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	for conn := range s.open {
		conn.SetDeadline(time.Now()) // wakes a reader at once
		conn.Close()
	}
}
