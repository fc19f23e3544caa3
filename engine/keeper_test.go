package engine_test

import (
	"testing"

	"gongji/bench/load"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// TestReversalsBehindKeeper: a batch of reversals right behind the batch of their settlements, with a keeper that lags, finds every original.
func TestReversalsBehindKeeper(t *testing.T) {
	p := place{t, t.TempDir()}
	e := p.open(func(o *engine.Options) { engine.SlowKeeper(o, 200_000) }) // longer than a sync
	w := load.NewWorld(500)
	_, err := w.Load(e)
	must(t, err)
	stream := w.NewStream(load.DefaultMix, 1, 1)
	settle, undo := sequencer.NewRequest(), sequencer.NewRequest()
	for settle.Count < sequencer.BatchCommands { // a full batch: the reversals come into the next
		at := len(settle.Commands)
		var settlement bool
		settle.Commands, settlement = stream.Append(settle.Commands)
		settle.Count++
		if !settlement {
			continue
		}
		var cmd ledger.Command
		_, err := command.Decode(settle.Commands[at:], &cmd, nil)
		must(t, err)
		undo.Commands = command.Append(undo.Commands, &ledger.Command{Kind: ledger.KindReversalByMessage, ID: ledger.K([]byte("undo"), cmd.ID[:]), Institution: cmd.Institution,
			Person: cmd.Person, Other: cmd.ID, Original: ledger.OriginalSettlement}, &command.Details{})
		undo.Count++
	}
	must(t, e.Submit(settle))
	must(t, e.Submit(undo))
	must(t, e.Wait(settle))
	must(t, e.Wait(undo))
	if a, b := settle.Results[0].Position.Sequence(), undo.Results[0].Position.Sequence(); b != a+1 {
		t.Fatalf("vacuous: settlements in batch %d, reversals in batch %d", a, b)
	}
	for i := range undo.Results {
		if o := undo.Results[i].Effect.Outcome; o != ledger.Accepted {
			t.Fatalf("reversal %d: outcome %d", i, o)
		}
	}
	last := digestOf(t, e)
	must(t, e.Close())
	verify(t, p.options(), last)
}
