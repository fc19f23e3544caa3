package history

import (
	"sync"

	"gongji/wal"
)

// gate makes syncs slow without a clock: a commit waits until some more calls have been made, or nobody is left who could make one. A nil gate holds nothing up.
type gate struct {
	mu     sync.Mutex
	change sync.Cond
	calls  int // made so far
	inside int // callers who wait for an answer
	active int // callers
	lag    int // calls that a commit waits for
	held   int // commits that waited
}

func newGate(lag int) *gate {
	g := &gate{lag: lag}
	g.change.L = &g.mu
	return g
}

func (g *gate) tell(f func()) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	g.change.Broadcast()
}

func (g *gate) open(callers int) { g.tell(func() { g.active += callers }) }
func (g *gate) done()            { g.tell(func() { g.active-- }) }
func (g *gate) enter()           { g.tell(func() { g.inside++; g.calls++ }) }
func (g *gate) leave()           { g.tell(func() { g.inside-- }) }

func (g *gate) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	until := g.calls + g.lag
	for waited := false; g.calls < until && g.inside < g.active; waited = true {
		if !waited {
			g.held++
			g.change.Broadcast()
		}
		g.change.Wait()
	}
}

// sawOne returns when a commit has been held up.
func (g *gate) sawOne() {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.held == 0 {
		g.change.Wait()
	}
}

// log holds up the commits of a log.
func (g *gate) log(l wal.Log) wal.Log { return &gatedLog{l, g} }

type gatedLog struct {
	wal.Log
	gate *gate
}

func (l *gatedLog) Append(payload []byte) (wal.Commit, error) {
	c, err := l.Log.Append(payload)
	if err != nil {
		return nil, err
	}
	return &gatedCommit{c, l.gate}, nil
}

type gatedCommit struct {
	wal.Commit
	gate *gate
}

func (c *gatedCommit) Wait() error {
	c.gate.wait()
	return c.Commit.Wait()
}
