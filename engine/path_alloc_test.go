//go:build !race

package engine_test

import (
	"testing"

	"gongji/bench/load"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// pathAllocsMax is what one settlement may allocate on its whole way: log, ids, journal block, state store and answer of its batch together. Measured is one
// allocation a batch of 2,048; room is for 40, since Pebble and the runtime allocate now and then, and one a command would be 2,048.
const pathAllocsMax = 0.02

// TestPathAllocs: a full batch of settlements, from Submit to its answers in a running engine. Pebble's goroutines count too: what they allocate is a
// batch's, not a command's.
func TestPathAllocs(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(nil)
	w := load.NewWorld(2000)
	_, err := w.Load(e)
	must(t, err)
	stream := w.NewStream(load.DefaultMix, 1, 1)
	r := sequencer.NewRequest()
	accepted := 0
	round := func() {
		r.Reset()
		for r.Count < sequencer.BatchCommands {
			r.Commands, _ = stream.Append(r.Commands)
			r.Count++
		}
		if err := e.Do(r); err != nil {
			t.Fatal(err)
		}
		for i := range r.Results {
			if r.Results[i].Effect.Outcome == ledger.Accepted {
				accepted++
			}
		}
	}
	for range 20 {
		round()
	}
	accepted = 0
	n := testing.AllocsPerRun(30, round) / sequencer.BatchCommands
	t.Logf("%.4f allocations a command", n)
	if n > pathAllocsMax {
		t.Errorf("%.4f allocations a command, want at most %.2f", n, pathAllocsMax)
	}
	if accepted != 31*sequencer.BatchCommands {
		t.Errorf("%d commands accepted of %d", accepted, 31*sequencer.BatchCommands)
	}
	must(t, e.Close())
}
