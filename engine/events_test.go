package engine_test

import (
	"testing"

	"gongji/bench/model"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

func accepted(f *ledger.Effect, _ *ledger.Effects) bool { return f.Outcome == ledger.Accepted }

// walkEvents reads the whole feed in pieces.
func walkEvents(t *testing.T, e *engine.Engine, limit, looks int) (all []engine.Entry, calls int) {
	t.Helper()
	var at ledger.Position
	for more := true; more; calls++ {
		feed, err := e.LookEvents(at, limit, looks, accepted)
		must(t, err)
		if len(feed.Entries) > limit || feed.Next < at || feed.More && feed.Next == at {
			t.Fatalf("%d events of %d, from %d to %d, more %v", len(feed.Entries), limit, at, feed.Next, feed.More)
		}
		all, at, more = append(all, feed.Entries...), feed.Next, feed.More
	}
	return all, calls
}

// TestEvents: the feed of a hostile log has every accepted command once, in order, with its command and what came of it, in pieces of any size.
func TestEvents(t *testing.T) {
	g := model.NewGenerator(11)
	clock := &steppedClock{}
	steps := g.Setup()
	for n := range 12 {
		if n%2 == 0 {
			steps = append(steps, g.MixedBatch(40))
		} else {
			steps = append(steps, g.MoneyBatch(90))
		}
	}
	clock.wall = steps[0].Batch.TimeMS
	e := place{t, t.TempDir()}.open(func(o *engine.Options) { o.Clock = clock })
	defer func() { must(t, e.Close()) }()
	var want []sequencer.Result
	var kinds []ledger.Kind
	for _, s := range steps {
		if clock.wall < s.Batch.TimeMS {
			clock.wall = s.Batch.TimeMS
		}
		for _, r := range send(t, e, withoutDayKeys(s.Batch)) { // those of the generator are no sealed keys
			if r.Effect.Outcome == ledger.Accepted {
				want, kinds = append(want, r), append(kinds, r.Effect.Kind)
			}
		}
	}
	whole, _ := walkEvents(t, e, engine.EventsMax, 1<<30)
	var got []engine.Entry // without the engine's own commands
	for _, x := range whole {
		if len(got) < len(want) && x.Position == want[len(got)].Position {
			got = append(got, x)
		}
	}
	if len(want) < 300 || len(got) != len(want) {
		t.Fatalf("%d of %d accepted commands in the feed of %d", len(got), len(want), len(whole))
	}
	for i := range got {
		a, b := got[i].Effect, want[i].Effect
		a.LegAt, a.ItemAt, a.DrawAt, b.LegAt, b.ItemAt, b.DrawAt = 0, 0, 0, 0, 0, 0
		if a != b || got[i].Command.Kind != kinds[i] || len(got[i].Legs) != int(b.LegCount) || len(got[i].Drawn) != int(b.DrawCount) || len(got[i].Items) != int(b.ItemCount) {
			t.Fatalf("event %d is %+v, want %+v", i, got[i], b)
		}
	}
	for _, size := range [][2]int{{1, 1 << 30}, {7, 1 << 30}, {500, 1}, {3, 100}} {
		pieces, calls := walkEvents(t, e, size[0], size[1])
		if len(pieces) != len(whole) || calls < 2 {
			t.Fatalf("limit %d, looks %d: %d events in %d calls, want %d", size[0], size[1], len(pieces), calls, len(whole))
		}
		for i := range pieces {
			if pieces[i].Position != whole[i].Position {
				t.Fatalf("limit %d: event %d at %d, want %d", size[0], i, pieces[i].Position, whole[i].Position)
			}
		}
	}
	// Somebody who is up to date, or ahead, gets nothing, and goes on from where he is.
	last := whole[len(whole)-1].Position
	for _, at := range []ledger.Position{last + 5, ledger.At(1<<40, 3)} {
		feed, err := e.Events(at, 10, accepted)
		must(t, err)
		if len(feed.Entries) != 0 || feed.More || feed.Next != max(at, feed.Next) || feed.Next.Sequence() != at.Sequence() {
			t.Errorf("after %d: %+v", at, feed)
		}
	}
	for _, limit := range []int{0, engine.EventsMax + 1} {
		if _, err := e.Events(0, limit, accepted); err == nil {
			t.Errorf("limit %d accepted", limit)
		}
	}
}
