package engine

import (
	"errors"
	"io"

	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/engine/state"
	"gongji/engine/state/idindex"
	"gongji/shard"
	"gongji/wal"
)

// StepperOptions are what a Stepper has from its harness instead of from a machine.
type StepperOptions struct {
	Options               // Dir, KeyFile, Create, the marks, HousekeepingInterval are not looked at
	Identity wal.Identity // of log and state
	Keys     *Keys        // see NewKeys
	Log      wal.Log      // opened; the stepper closes it
	// StateDir in State.FS holds the state store; State.Identity and State.Build are set here.
	StateDir string
	State    state.Options
	Shifts   ledger.Shifts
	IDs      idindex.Options
	// BatchCommands is the cut of a batch, 1 to sequencer.BatchCommands.
	BatchCommands int
	// KeeperLags: executed batches wait for Keep, small ones too.
	KeeperLags bool
	// LookupIDs, if not nil, is a lens between the rules and the id table: where a simulation plants a defect.
	LookupIDs func(shard.IDs) shard.IDs
}

// NewKeys are keys of given secrets, 32 bytes each, whose day keys are drawn from random: for a simulation, which must draw the same again.
func NewKeys(ledgerID [16]byte, seal, pseudonym []byte, random io.Reader) (*Keys, error) {
	k, err := newKeys(ledgerID, seal, pseudonym)
	if err == nil {
		k.random = random
	}
	return k, err
}

// Stepper is an engine without goroutines of its own: what sequencer, executor, keeper, watch and housekeeping do by themselves is done by its
// owner, one call after the other, in any order he likes. The code is the engine's own (bench/sim; DESIGN.md, "One goroutine"). Calls that wait in
// an engine (Engine.Do, Ask, Housekeep, ConfirmClock) first run everything that is under way.
type Stepper struct{ engine *Engine }

// NewStepper recovers the ledger from log and state, as Open does. It does not found a new ledger: Found does.
func NewStepper(o StepperOptions) (*Stepper, error) {
	e := newEngine(o.Options)
	s := &Stepper{engine: e}
	e.alone, e.identity, e.keys = s, o.Identity, o.Keys
	close(e.kept) // no housekeeping, no watch and no archive to wait for
	close(e.watched)
	close(e.archived)
	if o.KeeperLags {
		e.options.beforeKeep = func() {}
	}
	p := e.places()
	o.State.Events = p.state.Events
	p.dir, p.state, p.load, p.ids, p.lookup = o.StateDir, o.State, state.LoadOptions{Shifts: o.Shifts}, o.IDs, o.LookupIDs
	p.log = func(_ wal.Position, judged func() error) (wal.Log, error) { return o.Log, judged() }
	if err := e.restore(&p); err != nil {
		return nil, err
	}
	e.sequencer = sequencer.NewStepped(e.log, e.options.Clock, e.core.timeMS, o.BatchCommands)
	return s, nil
}

// Engine is the engine that is stepped, for its calls. Those that wait settle everything first.
func (s *Stepper) Engine() *Engine { return s.engine }

// Found gives a new ledger its first commands, and any ledger the day keys it lacks.
func (s *Stepper) Found() error { return s.engine.found() }

// Cut is one turn of the sequencer: what has been admitted is cut, stamped and appended. more: there was something.
func (s *Stepper) Cut() (more bool) {
	n, err := s.engine.sequencer.Step()
	if err != nil {
		s.engine.fail(err)
	}
	return n > 0
}

// Execute is one turn of the executor: the next cut batch is waited for and executed. more: there was one.
func (s *Stepper) Execute() (more bool) {
	e := s.engine
	if e.failure.Load() != nil {
		return false
	}
	select {
	case b := <-e.sequencer.Batches():
		if err := e.guarded(func() error { return e.step(b) }); err != nil {
			e.fail(err)
		}
		return true
	default:
		return false
	}
}

// Keep is one turn of the keeper: the oldest executed batch is kept and answered. more: there was one.
func (s *Stepper) Keep() (more bool) { return s.keep() }

func (s *Stepper) keep() (more bool) {
	if s == nil || s.engine.failure.Load() != nil {
		return false
	}
	e := s.engine
	select {
	case done := <-e.keeper.in:
		if err := e.keepBatch(done); err != nil {
			e.fail(err)
			close(e.keeper.ended)
			return false
		}
		e.keeper.back <- done
		return true
	default:
		return false
	}
}

// settle runs all stages until nothing is under way; of nobody it does nothing.
func (s *Stepper) settle() {
	for s != nil && (s.Cut() || s.Execute() || s.keep()) {
	}
}

// EndCheckpoint waits for the checkpoint under way and ends it. more: there was one.
func (s *Stepper) EndCheckpoint() (more bool) {
	e := s.engine
	if e.failure.Load() != nil || e.checkpoint.current == nil {
		return false
	}
	if err := e.guarded(e.finishCheckpoint); err != nil {
		e.fail(err)
	}
	return true
}

// Failed is the first failure, nil while there is none.
func (s *Stepper) Failed() error {
	if p := s.engine.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Journal is what has been kept so far.
func (s *Stepper) Journal() *journal.Journal { return s.engine.core.journal }

// Log is the log that is written.
func (s *Stepper) Log() wal.Log { return s.engine.log }

// View is the ledger behind the last executed batch, which need not be kept yet.
func (s *Stepper) View() View {
	c := &s.engine.core
	return View{Sequence: c.sequence, TimeMS: c.timeMS, State: c.tables, core: c}
}

// Chain is the effect chain behind the last kept batch.
func (s *Stepper) Chain() journal.Link { return s.engine.core.chain }

// Abandon ends the stepper as a power cut would: nothing is made durable any more, but what the log has staged. Whoever wants to see what a crash
// leaves takes the images of log and state before.
func (s *Stepper) Abandon() error {
	e := s.engine
	var errs []error
	if k := e.checkpoint.current; k != nil {
		errs = append(errs, k.End())
	}
	e.core.executor.Close()
	return errors.Join(append(errs, e.core.ids.Close(), e.core.store.Abandon(), e.log.Close())...)
}

// Close settles everything and stops in order, with a last checkpoint.
func (s *Stepper) Close() error {
	s.settle()
	e := s.engine
	close(e.cut)
	close(e.executed)
	return e.Close()
}
