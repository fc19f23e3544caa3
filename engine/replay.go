package engine

import (
	"errors"
	"fmt"

	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/wal"
)

// replay runs the log behind the loaded state.
func (e *Engine) replay() (commands int, err error) {
	c := &e.core
	e.logBytes = 0
	if last := e.log.Committed(); last < c.sequence {
		return 0, fmt.Errorf("the log ends at %d, the state is of %d: it belongs to another log, or the log lost its end", last, c.sequence)
	}
	if e.alone != nil {
		commands, err = e.replayAlone()
	} else {
		r := newReplay(e)
		commands, err = r.run()
		e.logBytes = r.logBytes
	}
	var poison *executor.Poison
	switch {
	case errors.As(err, &poison):
		err = e.judge(poison)
	case errors.Is(err, wal.ErrTruncated):
		err = fmt.Errorf("the state is of %d, and the log begins behind it: %w", c.sequence, archived(err))
	}
	return commands, err
}

// replayAlone replays on the caller's goroutine, for a Stepper.
func (e *Engine) replayAlone() (commands int, err error) {
	c := &e.core
	err = e.log.Read(c.sequence+1, func(r wal.Record) error {
		if err := c.open(r.Sequence, r.Payload); err != nil {
			return err
		}
		commands += len(c.batch.Offsets)
		e.logBytes += int64(len(r.Payload))
		_, err := c.run(r.Link)
		return err
	})
	return commands, err
}

const (
	// replayAhead batches are read, checked and decoded before the executor wants them.
	replayAhead = 3
	// replaySlots: those, one that executes, and keeperSlots behind it.
	replaySlots = replayAhead + 1 + keeperSlots
)

// replay is the live pipeline without the sequencer: one goroutine reads, checks and decodes, the caller's executes, one keeps.
//
//	read: log.Read, decode ──opened──> execute: fetch ids, execute ──executed──> keep: journal, records ──kept──> execute ──free──> read
type replay struct {
	log      wal.Log
	core     *core
	free     chan *replayed // never full: there are replaySlots
	opened   chan *replayed
	executed chan *replayed
	kept     chan *replayed
	stop     chan struct{} // closed when the executor wants no more
	readErr  error         // why nothing more was opened; after opened is closed

	logBytes    int64     // replayed; executor's, like what follows
	outstanding int       // executed and not back from the keeper
	failed      *replayed // of all batches that failed the earliest
	err         error     // its
}

// replayed is a batch on its way through a replay.
type replayed struct {
	link    wal.Link
	payload []byte
	opened  command.Opened
	batch   executor.Batch
	effects ledger.Effects
	err     error // of keep
}

func newReplay(e *Engine) *replay {
	r := &replay{log: e.log, core: &e.core, free: make(chan *replayed, replaySlots), opened: make(chan *replayed, replayAhead),
		executed: make(chan *replayed, keeperSlots), kept: make(chan *replayed, keeperSlots), stop: make(chan struct{})}
	for range replaySlots {
		s := &replayed{}
		s.batch.Opened = &s.opened
		r.free <- s
	}
	return r
}

// run replays to the end of the log or to the first batch that fails, in whatever stage; then core.batch is that batch. Its goroutines have ended when it
// returns.
func (r *replay) run() (commands int, err error) {
	go r.read(r.core.sequence + 1)
	go r.keep()
	for s := range r.opened {
		commands += len(s.batch.Offsets)
		r.logBytes += int64(len(s.payload))
		if r.execute(s); r.failed != nil {
			break
		}
	}
	close(r.stop)
	close(r.executed)
	for s := range r.kept {
		r.take(s)
	}
	for range r.opened { // until the reader has ended, too
	}
	if r.failed != nil {
		r.core.batch = r.failed.batch
		return commands, r.err
	}
	return commands, r.readErr
}

// read gives batches to the executor until the log ends, one cannot be read, or the executor wants no more.
func (r *replay) read(from uint64) {
	defer close(r.opened)
	r.readErr = r.log.Read(from, func(record wal.Record) error {
		var s *replayed
		select {
		case s = <-r.free:
		case <-r.stop:
			return errStopped
		}
		s.link, s.payload = record.Link, append(s.payload[:0], record.Payload...)
		if err := s.batch.OpenQuarantined(record.Sequence, s.payload, quarantinedIn(r.core.side, record.Sequence)); err != nil {
			return err
		}
		select {
		case r.opened <- s:
			return nil
		case <-r.stop:
			return errStopped
		}
	})
}

// errStopped ends reading; nobody sees it, as there is an error before.
var errStopped = errors.New("replay stopped")

// execute runs a batch and hands it to the keeper, as the live executor does.
func (r *replay) execute(s *replayed) {
	err := r.core.prefetch(&s.batch)
	for r.outstanding == keeperSlots || r.outstanding > 0 && s.batch.Undoes {
		r.take(<-r.kept)
	}
	if err == nil && r.failed == nil {
		err = r.core.execute(&s.batch, s.link, &s.effects)
	}
	if err != nil {
		r.fail(s, err)
	}
	if r.failed != nil {
		return
	}
	r.outstanding++
	r.executed <- s
}

// take has a batch back from the keeper.
func (r *replay) take(s *replayed) {
	r.outstanding--
	if s.err != nil {
		r.fail(s, s.err)
		return
	}
	r.free <- s
}

// fail notes a failure; of several the one that a replay batch by batch would have met.
func (r *replay) fail(s *replayed, err error) {
	if r.failed == nil || s.batch.Sequence < r.failed.batch.Sequence {
		r.failed, r.err = s, err
	}
}

// keep writes journal and records of executed batches. Behind a failure it writes nothing.
func (r *replay) keep() {
	defer close(r.kept)
	failed := false
	for s := range r.executed {
		if !failed {
			s.err = r.core.keep(&s.batch, &s.effects)
			failed = s.err != nil
		}
		r.kept <- s
	}
}
