package executor_test

import (
	"strings"
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine/executor"
	"gongji/engine/ledger"
)

// lying is a journal that tells a fen too much of one settlement.
type lying struct {
	*history
	about ledger.Position
}

func (l lying) Original(p ledger.Position) (ledger.Effect, []ledger.Leg, bool) {
	e, legs, ok := l.history.Original(p)
	if p == l.about {
		e.Own++
	}
	return e, legs, ok
}

// TestEntryThatDoesNotBalance: an entry whose sides differ by a fen ends the process with its position, in every build, serial and over shards. (P1)
func TestEntryThatDoesNotBalance(t *testing.T) {
	g := model.NewGenerator(5)
	steps := append(g.Setup(), g.MoneyBatch(100))
	for _, shards := range []int{0, 1, 4} {
		h := &lying{history: newHistory()}
		r := newRunnerWith(shards, newMemIDs(), h, h.history)
		var undo model.ReversalByID
		for _, s := range steps {
			r.run(t, s.Batch, oracle.Encode(s.Batch))
			for i, res := range s.Results {
				if c, ok := s.Batch.Commands[i].(model.Settlement); ok && res.Outcome == model.Accepted && res.Own > 0 {
					at := ledger.At(s.Batch.Sequence, i)
					if _, steps := ledger.UndoChain(r.ids, at); steps == 0 {
						undo = model.ReversalByID{Message: model.Message{ID: model.Key{7}}, Settlement: uint64(at), Institution: c.Institution, Psn: c.Psn}
						h.about = at
					}
				}
			}
		}
		last := steps[len(steps)-1].Batch
		b := model.Batch{Sequence: last.Sequence + 1, TimeMS: last.TimeMS, DayKey: last.DayKey, Commands: []model.Command{model.ReversalByID{Message: model.Message{ID: model.Key{8}}, Institution: undo.Institution, Psn: undo.Psn, Settlement: 1}, undo}}
		p := poisonOf(func() { r.run(t, b, oracle.Encode(b)) })
		if p == nil || p.Sequence != b.Sequence || p.Index != 1 || !strings.Contains(p.Cause, "(P1)") {
			t.Errorf("%d shards: %v", shards, p)
		}
		r.executor.Close()
	}
}

// TestBatchThatDoesNotBalance: what was posted in a batch adds up to nothing, or the process ends. (P1)
func TestBatchThatDoesNotBalance(t *testing.T) {
	s := ledger.NewState(ledger.DefaultShifts)
	executor.MustBalance(&executor.Batch{Sequence: 3}, 0, s)
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "batch 3 add up to -1 fen") {
			t.Errorf("%q", text)
		}
	}()
	executor.MustBalance(&executor.Batch{Sequence: 3}, -1, s)
}
