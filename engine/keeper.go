package engine

import (
	"slices"
	"time"

	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// Limits of the keeper.
const (
	// keeperSlots is how many executed batches may wait for the keeper: one it works on and one that the executor fills.
	keeperSlots = 2
	// keepInline: waking another goroutine costs some microseconds, journal and answer of a command a quarter of one. Smaller batches are kept by
	// the executor's goroutine itself when nothing is outstanding.
	keepInline = 64
)

// slot is a batch on its way from execution to its answers.
type slot struct {
	batch    *sequencer.Batch
	executed executor.Batch
	effects  ledger.Effects
	stats    executor.Stats
	durable  time.Duration // times of Options.Observe
	ran      time.Duration
}

// keeper writes journal and records of executed batches and answers them, while the next batch executes. It has a goroutine of its own; its
// fields belong to the executor's.
type keeper struct {
	in          chan *slot // never full: there are keeperSlots slots
	back        chan *slot
	free        []*slot
	outstanding int
	ended       chan struct{}
}

func newKeeper() keeper {
	k := keeper{in: make(chan *slot, keeperSlots), back: make(chan *slot, keeperSlots), ended: make(chan struct{})}
	for range keeperSlots {
		k.free = append(k.free, &slot{})
	}
	return k
}

// keepBatches is the keeper's goroutine. After a failure it answers nothing more.
func (e *Engine) keepBatches() {
	defer close(e.keeper.ended)
	for s := range e.keeper.in {
		if err := e.keepBatch(s); err != nil {
			e.fail(err)
			return
		}
		e.keeper.back <- s
	}
}

func (e *Engine) keepBatch(s *slot) error {
	if e.options.beforeKeep != nil {
		e.options.beforeKeep()
	}
	if queryEarlyDefect {
		if err := s.batch.Commit.Wait(); err != nil {
			return err
		}
	}
	if err := e.core.keep(&s.executed, &s.effects); err != nil {
		return err
	}
	e.observe(s) // before the answers: who has one finds it counted
	answer(s.batch, &s.effects)
	e.observed(s, timesOf(s))
	e.sequencer.Recycle(s.batch)
	return nil
}

// slot gives an empty slot, waiting for the keeper if it has all.
func (e *Engine) slot() (*slot, error) {
	k := &e.keeper
	if len(k.free) == 0 {
		if err := e.receive(); err != nil {
			return nil, err
		}
	}
	s := k.free[len(k.free)-1]
	k.free = k.free[:len(k.free)-1]
	return s, nil
}

// hand gives an executed batch to the keeper.
func (e *Engine) hand(s *slot) error {
	k := &e.keeper
	if k.outstanding == 0 && len(s.effects.List) < keepInline && e.options.beforeKeep == nil {
		err := e.keepBatch(s)
		k.free = append(k.free, s)
		return err
	}
	k.outstanding++
	k.in <- s
	return nil
}

// drain waits until everything executed has been kept and answered. Then journal, chain and records are the executor's to use.
func (e *Engine) drain() error {
	for e.keeper.outstanding > 0 {
		if err := e.receive(); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) receive() error {
	e.alone.keep()
	select {
	case s := <-e.keeper.back:
		e.keeper.outstanding--
		e.keeper.free = append(e.keeper.free, s)
		return nil
	case <-e.keeper.ended:
		return ErrFailed
	}
}

// answer hands each request its results and wakes it once.
func answer(b *sequencer.Batch, fx *ledger.Effects) {
	for _, sp := range b.Spans {
		r := sp.Request
		at := len(r.Results)
		r.Results = slices.Grow(r.Results, sp.Count)[:at+sp.Count]
		for i := range sp.Count {
			result, f := &r.Results[at+i], &fx.List[sp.First+i] // in place: a result is 160 bytes
			result.Position, result.TimeMS, result.Effect, result.Items = ledger.At(b.Sequence, sp.First+i), b.TimeMS, *f, nil
			if f.ItemCount > 0 {
				result.Items = append(result.Items, fx.ItemsOf(f)...)
			}
		}
		if r.Finished() {
			r.Finish()
		}
	}
}
