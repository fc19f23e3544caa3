package engine

import (
	"errors"

	"gongji/wal"
)

// OpenOn is Open on a log and a state store that the caller brings and may crash: for tests of many goroutines under faults (bench/history). Of the
// StepperOptions only LookupIDs, BatchCommands and the marks are not looked at. The engine closes the log.
func OpenOn(o StepperOptions) (*Engine, error) {
	e := newEngine(o.Options)
	e.identity, e.keys = o.Identity, o.Keys
	p := e.places()
	o.State.Events = p.state.Events
	p.dir, p.state, p.load.Shifts, p.ids = o.StateDir, o.State, o.Shifts, o.IDs
	p.log = func(_ wal.Position, judged func() error) (wal.Log, error) { return o.Log, judged() }
	if o.KeeperLags {
		e.options.beforeKeep = func() {}
	}
	if err := e.restore(&p); err != nil {
		return nil, err
	}
	return e.start()
}

// Abandon ends an engine as a power cut would: what was acknowledged is in the log, of the state only what had been flushed by then is there, and no
// checkpoint is made. Whoever wants to see what a crash in the middle leaves takes the images of log and state before.
func (e *Engine) Abandon() error {
	e.stopOnce.Do(func() { e.stopErr = e.abandonRunning() })
	return e.stopErr
}

func (e *Engine) abandonRunning() error {
	close(e.stopping)
	<-e.kept
	<-e.watched
	<-e.archived
	e.sequencer.Close()
	<-e.cut
	<-e.executed
	var errs []error
	if k := e.checkpoint.current; k != nil {
		errs = append(errs, k.End())
	}
	e.core.executor.Close()
	return errors.Join(append(errs, e.core.ids.Close(), e.core.store.Abandon(), e.log.Close())...)
}
