package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"gongji/api"
	"gongji/api/nhsa"
	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
	"gongji/api/rest"
	"gongji/engine"
)

// house is a server of the demo's own: a ledger in a temporary directory, both listeners on free ports of this machine, a clock that the
// story moves.
type house struct {
	dir      string
	clock    *stageClock
	engine   *engine.Engine
	server   *api.Server
	served   chan error
	stopOnce sync.Once
	stopErr  error
}

// stageClock is the machine's clock moved forward by the story. Time of day and monotonic time move together, so the ledger sees a day go
// by and not a clock that jumps (engine/sequencer refuses those).
type stageClock struct {
	mu     sync.Mutex
	offset int64 // ms, fixed at the beginning: the story begins in the morning
	moved  int64 // ms
	start  time.Time
}

// newStageClock begins at 08:00 Beijing time of the machine's day.
func newStageClock() *stageClock {
	now := time.Now().In(beijing)
	morning := time.Date(now.Year(), now.Month(), now.Day(), 8, 0, 0, 0, beijing)
	return &stageClock{offset: morning.UnixMilli() - now.UnixMilli(), start: time.Now()}
}

// Wall is the story's time, ms since 1970.
func (c *stageClock) Wall() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wallLocked()
}

func (c *stageClock) wallLocked() int64 {
	return c.start.UnixMilli() + time.Since(c.start).Milliseconds() + c.offset + c.moved
}

// Monotonic is the time since the clock was made, the moves included.
func (c *stageClock) Monotonic() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.start).Milliseconds() + c.moved
}

// moveTo moves the clock forward to a time of day, "15:04"; if that is past it stays.
func (c *stageClock) moveTo(at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.UnixMilli(c.wallLocked()).In(beijing)
	t, err := time.Parse("15:04", at)
	if err != nil {
		panic("demo: time of day " + at)
	}
	then := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, beijing)
	c.moved += max(0, then.UnixMilli()-now.UnixMilli())
}

// overMidnight moves the clock to one second after the day's end.
func (c *stageClock) overMidnight() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.UnixMilli(c.wallLocked()).In(beijing)
	next := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 1, 0, beijing)
	c.moved += next.UnixMilli() - now.UnixMilli()
}

// openHouse makes the ledger and serves it.
func openHouse() (*house, error) {
	dir, err := os.MkdirTemp("", "gongji-demo-")
	if err != nil {
		return nil, err
	}
	h := &house{dir: dir, clock: newStageClock(), served: make(chan error, 1)}
	// The story does the housekeeping itself, so that nothing happens between two scenes.
	h.engine, err = engine.Open(engine.Options{Dir: h.ledger(), KeyFile: h.keyFile(), Create: true, Clock: h.clock, HousekeepingInterval: -1})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	h.server, err = api.New(api.Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Log: zerolog.Nop(), Ready: h.engine.Ready, WriteMetrics: h.engine.WriteMetrics},
		append(rest.Routes(h.engine, rest.Options{}), nhsa.Routes(h.engine, nhsa.Options{Classifier: catalogue.MustDemo(), Fund: fund.MustDemo()})...))
	if err == nil {
		err = h.server.Listen()
	}
	if err != nil {
		return nil, errors.Join(err, h.engine.Close(), os.RemoveAll(dir))
	}
	go func() { h.served <- h.server.Serve() }()
	return h, nil
}

func (h *house) ledger() string  { return filepath.Join(h.dir, "ledger") }
func (h *house) keyFile() string { return filepath.Join(h.dir, "key") }

func (h *house) business() string { return "http://" + h.server.BusinessAddr() }
func (h *house) admin() string    { return "http://" + h.server.AdminAddr() }

// stop ends server and engine in order and leaves the directory. Idempotent.
func (h *house) stop() error {
	h.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), engine.StopLimit/2)
		defer cancel()
		h.stopErr = errors.Join(h.server.Shutdown(ctx), h.engine.Close(), <-h.served)
	})
	return h.stopErr
}

// verify replays the whole log with the serial rules, after stop, and compares everything the server wrote with it.
func (h *house) verify() (engine.Verdict, error) {
	return engine.Verify(engine.VerifyOptions{Dir: h.ledger(), KeyFile: h.keyFile(), Scratch: h.dir})
}

// remove deletes the directory, after stop.
func (h *house) remove() error {
	if err := os.RemoveAll(h.dir); err != nil {
		return fmt.Errorf("temporary directory: %w", err)
	}
	return nil
}
