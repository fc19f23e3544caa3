package load

import (
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// caller is a stream as a worker drives it.
type caller struct {
	stream *Stream
	ask    ask
	query  bool // the request under way is one
	entry  func(ledger.Position) (engine.Entry, error)
}

func newCaller(s *Stream, group int) *caller {
	return &caller{stream: s, ask: ask{turns: s.shape.turns(group), group: group}}
}

// calls is what the next turn counts of the workload's unit.
func (c *caller) calls() int {
	t := c.ask.turns[c.ask.step]
	switch {
	case t == turnTill:
		return c.ask.group
	case c.stream.shape.Unit == unitSettlements:
		return 0
	case t == turnPreview:
		return min(queryCalls, c.ask.group)
	case t == turnRead:
		return min(queryCalls, c.ask.group)
	}
	return min(bindingsEach, len(c.stream.extra.pairs))
}

func (c *caller) next(r *sequencer.Request) func(engine.View) {
	query := c.stream.next(r, &c.ask)
	c.query = query != nil
	return query
}

func (c *caller) answered(r *sequencer.Request) (*Tally, error) {
	s := c.stream
	if !c.query {
		return &s.one, s.answered(r.Results)
	}
	if err := c.ask.wrong; err != nil {
		return nil, err
	}
	return &s.one, s.readEntry(c.entry, &c.ask)
}
