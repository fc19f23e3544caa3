package engine

import (
	"gongji/engine/executor"
	"gongji/engine/sequencer"
)

// execute is the executor's goroutine: it waits for each batch to be durable, runs it, hands it to the keeper, runs the queries behind it, and
// looks after checkpoints. It ends when the sequencer has closed its batches, or after a failure, and the keeper with it.
func (e *Engine) execute() {
	defer close(e.executed)
	go e.keepBatches()
	if err := e.executeBatches(); err != nil {
		e.fail(err)
	}
	close(e.keeper.in)
	<-e.keeper.ended
}

func (e *Engine) executeBatches() error {
	for {
		select {
		case b, open := <-e.sequencer.Batches():
			if !open {
				return e.drain()
			}
			if err := e.guarded(func() error { return e.step(b) }); err != nil {
				return err
			}
		case <-e.keeper.ended:
			return ErrFailed
		case <-e.checkpoint.Done():
			if err := e.guarded(e.endCheckpoint); err != nil {
				return err
			}
		}
	}
}

// guarded turns the typed panics of reads outside batches (queries ask journal and id table) into errors; any other panic is a bug and goes on.
func (e *Engine) guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = typed(v)
		}
	}()
	return f()
}

func (e *Engine) step(b *sequencer.Batch) error {
	if b.Commit != nil {
		return e.runBatch(b)
	}
	if !queryEarlyDefect {
		if err := e.drain(); err != nil {
			return err
		}
	}
	for _, q := range b.Queries {
		q.Query(e.core.sequence)
		q.Finish()
	}
	e.sequencer.Recycle(b)
	return nil
}

func (e *Engine) runBatch(b *sequencer.Batch) error {
	s, err := e.slot()
	if err != nil {
		return err
	}
	s.batch, s.executed = b, executor.Batch{Sequence: b.Sequence, Opened: &b.Opened}
	c := &e.core
	if err := c.prefetch(&s.executed); err != nil {
		return err
	}
	if b.Opened.Undoes {
		if err := e.drain(); err != nil {
			return err
		}
	}
	if !replyEarlyDefect && !queryEarlyDefect {
		e.health.wait()
		if err := b.Commit.Wait(); err != nil {
			return err
		}
		e.health.done()
	}
	s.durable = e.now()
	e.sequencer.Durable()
	e.logBytes += int64(len(b.Payload))
	if err := c.execute(&s.executed, b.Commit.Link(), &s.effects); err != nil {
		return err
	}
	s.ran, s.stats = e.now(), c.executor.Stats()
	e.stats.Policies.Store(uint64(c.tables.Policies.Len())) // before the answers
	if replyEarlyDefect {
		return waitAfter(e, s)
	}
	if err := e.hand(s); err != nil || !e.checkpointDue() {
		return err
	}
	if err := e.drain(); err != nil {
		return err
	}
	return e.beginCheckpoint()
}
