package engine

import (
	"errors"
	"time"

	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// execute is the executor's goroutine: it waits for each batch to be durable, runs it, answers, runs the queries behind it, and looks
// after checkpoints. It ends when the sequencer has closed its batches, or after a failure.
func (e *Engine) execute() {
	defer close(e.executed)
	for {
		select {
		case b, open := <-e.sequencer.Batches():
			if !open {
				return
			}
			if err := e.guarded(func() error { return e.step(b) }); err != nil {
				e.fail(err)
				return
			}
			e.sequencer.Recycle(b)
		case <-e.checkpoint.Done():
			if err := e.guarded(e.endCheckpoint); err != nil {
				e.fail(err)
				return
			}
		}
	}
}

// guarded turns the typed panics of reads inside execution (journal and id table) into errors; any other panic is a bug and goes on.
func (e *Engine) guarded(f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			var failure interface{ StorageFailure() }
			if !errors.As(r, &failure) {
				panic(r)
			}
			err = r
		default:
			panic(r)
		}
	}()
	return f()
}

func (e *Engine) step(b *sequencer.Batch) error {
	if b.Commit != nil {
		if err := e.runBatch(b); err != nil {
			return err
		}
	}
	for _, q := range b.Queries {
		q.Query(e.core.sequence)
		q.Finish()
	}
	return nil
}

func (e *Engine) runBatch(b *sequencer.Batch) error {
	c := &e.core
	if err := c.open(b.Sequence, b.Payload); err != nil {
		return err
	}
	e.health.wait(time.Now())
	if err := b.Commit.Wait(); err != nil {
		return err
	}
	e.health.done()
	fx, err := c.run(b.Commit.Link())
	if err != nil {
		return err
	}
	answer(b, fx)
	e.observe(b, fx)
	e.logBytes += int64(len(b.Payload))
	if e.logBytes >= e.options.CheckpointBytes {
		return e.beginCheckpoint()
	}
	return nil
}

// answer hands each request its results and wakes it once.
func answer(b *sequencer.Batch, fx *ledger.Effects) {
	for _, sp := range b.Spans {
		r := sp.Request
		for i := sp.First; i < sp.First+sp.Count; i++ {
			f := &fx.List[i]
			res := sequencer.Result{Position: ledger.At(b.Sequence, i), Effect: *f}
			if f.ItemCount > 0 {
				res.Items = append(res.Items, fx.ItemsOf(f)...)
			}
			r.Results = append(r.Results, res)
		}
		r.TimeMS = b.TimeMS
		if r.Finished() {
			r.Finish()
		}
	}
}
