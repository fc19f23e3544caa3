package api

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// TestShutdown: the call in flight is answered, new ones are told to come again, then all is closed.
func TestShutdown(t *testing.T) {
	f := start(t)
	busy, idle, silent := dial(t, f.BusinessAddr()), dial(t, f.BusinessAddr()), dial(t, f.BusinessAddr())
	probe := dial(t, f.AdminAddr())
	idle.send(good())
	if a := idle.read(); a.status != 200 {
		t.Fatalf("before: %d", a.status)
	}
	busy.send(strings.Replace(good(), "/v1/settlements", "/v1/block", 1))
	<-f.blocked

	stopped := make(chan error, 1)
	go func() { stopped <- f.Shutdown(context.Background()) }()
	waitFor(t, f.stopping.Load)

	for name, c := range map[string]*connection{"old": idle, "new": dial(t, f.BusinessAddr())} {
		c.send(good())
		a := c.read()
		if a.status != 503 || a.code() != "stopping" || a.header.Get("Retry-After") != "2" || !a.closed {
			t.Errorf("%s connection: %d %s %v", name, a.status, a.body, a.header)
		}
	}
	probe.send(request("GET", "/readyz", "", ""))
	if a := probe.readReady(); a.status != 503 || !strings.Contains(a.body, "stopping") {
		t.Errorf("readyz: %d %s", a.status, a.body)
	}
	probe.send(request("GET", "/healthz", "", ""))
	if a := probe.read(); a.status != 200 {
		t.Errorf("healthz: %d", a.status)
	}
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown returned with a call in flight: %v", err)
	default:
	}
	if n := f.effects.Load(); n != 1 {
		t.Errorf("%d effects, want 1", n)
	}

	close(f.unblock)
	if a := busy.read(); a.status != 200 || !a.closed || !strings.Contains(a.body, `"acct_pay":"184.00"`) {
		t.Errorf("call in flight: %d %s closed %v", a.status, a.body, a.closed)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for _, c := range []*connection{busy, idle, silent, probe} {
		if err := c.atEnd(); err != nil {
			t.Error(err)
		}
	}
	if c, err := net.Dial("tcp", f.BusinessAddr()); err == nil {
		c.Close()
		t.Error("still listening")
	}
	if n := f.effects.Load(); n != 2 {
		t.Errorf("%d effects, want 2", n)
	}
}

// TestShutdownGivesUp: a call that does not end cannot hold the process for ever.
func TestShutdownGivesUp(t *testing.T) {
	f := start(t)
	c := dial(t, f.BusinessAddr())
	c.send(strings.Replace(good(), "/v1/settlements", "/v1/block", 1))
	<-f.blocked
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := f.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 calls still in flight") {
		t.Errorf("Shutdown: %v", err)
	}
	if err := c.atEnd(); err != nil {
		t.Error(err)
	}
	close(f.unblock)
}

// TestShutdownBeforeServe: a server stopped before its Serve has begun, as by a signal right after the start, does not serve: Serve returns.
func TestShutdownBeforeServe(t *testing.T) {
	s, err := New(Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0"}, nil)
	if err == nil {
		err = s.Listen()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve goes on after Shutdown")
	}
	if c, err := net.Dial("tcp", s.BusinessAddr()); err == nil {
		c.Close()
		t.Error("the listener is open")
	}
}
