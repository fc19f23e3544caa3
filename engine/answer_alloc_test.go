//go:build !race

package engine

import (
	"testing"

	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// TestAnswerAllocs: the keeper answers every request of a batch without an allocation, into results whose memory the request keeps.
func TestAnswerAllocs(t *testing.T) {
	const requests, commands = 20, 50
	var fx ledger.Effects
	fx.Reset(requests*commands, 0)
	b := &sequencer.Batch{Sequence: 7, TimeMS: 1}
	for i := range requests {
		r := sequencer.NewRequest()
		r.Count = commands
		b.Spans = append(b.Spans, sequencer.Span{Request: r, First: i * commands, Count: commands})
	}
	round := func() {
		for _, sp := range b.Spans {
			sp.Request.Reset()
			sp.Request.Count = commands
		}
		answer(b, &fx)
		for _, sp := range b.Spans {
			<-sp.Request.Done()
			if len(sp.Request.Results) != commands {
				t.Fatal(len(sp.Request.Results))
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for %d requests", n, requests)
	}
}
