package engine_test

import (
	"testing"

	"gongji/bench/load"
	"gongji/engine"
	"gongji/engine/sequencer"
)

// TestObserve: every batch is told once, in order, with moments that do not go back, and with all commands that were counted.
func TestObserve(t *testing.T) {
	var told []engine.BatchTimes // one after the other, and read when the engine is closed
	p := place{t, t.TempDir()}
	e := p.open(func(o *engine.Options) { o.Observe = func(b engine.BatchTimes) { told = append(told, b) } })
	w := load.NewWorld(200)
	_, err := w.Load(e)
	must(t, err)
	s, r := w.NewStream(load.DefaultMix, 1, 1), sequencer.NewRequest()
	for range 5 {
		for r.Count = 0; r.Count < 300; r.Count++ {
			r.Commands, _ = s.Append(r.Commands)
		}
		must(t, e.Do(r))
		r.Reset()
	}
	commands := e.Stats().Commands.Load() // a batch is counted before its answers
	must(t, e.Close())
	n, sharded := uint64(0), 0
	for i, b := range told {
		n += uint64(b.Commands)
		if !b.Serial {
			sharded++
		}
		if i > 0 && b.Sequence != told[i-1].Sequence+1 {
			t.Errorf("batch %d was told after %d", b.Sequence, told[i-1].Sequence)
		}
		if b.Oldest <= 0 || b.Oldest > b.Submitted || b.Submitted > b.Cut || b.Cut > b.Durable || b.Durable > b.Executed || b.Executed > b.Answered || b.Bytes == 0 {
			t.Errorf("batch %d: %+v", b.Sequence, b)
		}
	}
	if n != commands || sharded == 0 {
		t.Errorf("%d commands were told of, %d counted; %d sharded batches", n, commands, sharded)
	}
}
