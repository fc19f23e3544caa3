package engine

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/wal"
	"gongji/wal/archive"
)

// ErrFailed says that the log or the state store failed: the outcome of what was under way is unknown, and the process is ending.
var ErrFailed = errors.New("engine failed")

// Engine is one ledger on one machine. Submit, Ask, Wait and the read calls may be used by any goroutine.
//
//	Submit ──> sequencer ──> log.Append ──> decode ──> [one sync a batch] ──> execute, queries ──> journal ──> answers
//	           own goroutine                            Pebble's goroutine     executor's, shards'   keeper's
type Engine struct {
	options    Options
	identity   wal.Identity
	keys       *Keys
	log        wal.Log
	sequencer  *sequencer.Sequencer
	core       core // executor's goroutine (and the keeper's, see core), or whoever runs before it starts and after it ends
	keeper     keeper
	checkpoint checkpointing
	logBytes   int64 // since the last checkpoint began, replayed ones too; executor
	stats      Stats
	health     health
	house      sync.Mutex // held by who makes and tells day keys: housekeeping or ConfirmClock
	confirming atomic.Bool
	archive    *archive.Archive // nil: none
	copying    sync.Mutex       // held while the ledger is copied, and by who truncates the log
	sealing    chan struct{}    // wakes keepArchive
	archiving  sync.Mutex       // held while sealing and truncating
	opened     time.Time
	alone      *Stepper // who runs all stages on the caller's goroutine; nil but in a simulation

	executed chan struct{} // closed when the executor's goroutine has ended
	cut      chan struct{} // closed when the sequencer's has
	kept     chan struct{} // closed when housekeeping has
	watched  chan struct{} // closed when the watch on the stores has
	archived chan struct{} // closed when sealing has
	stopping chan struct{}
	failed   chan struct{}
	failOnce sync.Once
	failure  atomic.Pointer[error]
	stopOnce sync.Once
	stopErr  error
}

// Stats count what the engine did since it started. Read them from any goroutine.
type Stats struct {
	Batches, Commands, Settlements, Legs, Relatives, Cash, Contested, Serial atomic.Uint64
	Sequence, Checkpoint                                                     atomic.Uint64
	Policies                                                                 atomic.Uint64 // logged at all, since the ledger began
	Archived                                                                 atomic.Uint64 // last record in the archive
	DayKeysAhead, DayKeysUnpublished                                         atomic.Uint64 // days behind today with a key; keys of days that are over, not told yet
}

// Open recovers the ledger in options.Dir, or makes one, and starts it. When it returns, everything acknowledged before is there.
func Open(options Options) (*Engine, error) {
	e := newEngine(options)
	if err := e.recover(); err != nil {
		return nil, err
	}
	return e.start()
}

// start begins the goroutines of a recovered ledger, and founds it if it is new.
func (e *Engine) start() (*Engine, error) {
	e.stats.Policies.Store(uint64(e.core.tables.Policies.Len()))
	e.sequencer = sequencer.New(e.log, e.options.Clock, e.core.timeMS)
	e.measure()
	go e.execute()
	go e.watch()
	go e.keepArchive()
	go func() {
		defer close(e.cut)
		if err := e.sequencer.Run(); err != nil {
			e.fail(err)
		}
	}()
	if err := e.found(); err != nil {
		close(e.kept)
		return nil, errors.Join(err, e.Close())
	}
	go e.keepHouse()
	return e, nil
}

func newEngine(options Options) *Engine {
	o := options.withDefaults()
	return &Engine{options: o, opened: time.Now(), health: health{now: o.rig.now}, executed: make(chan struct{}), cut: make(chan struct{}), kept: make(chan struct{}), watched: make(chan struct{}),
		stopping: make(chan struct{}), failed: make(chan struct{}), archived: make(chan struct{}), sealing: make(chan struct{}, 1), keeper: newKeeper()}
}

// Submit admits a request; see sequencer.Sequencer.
func (e *Engine) Submit(r *sequencer.Request) error {
	if e.confirming.Load() {
		return sequencer.ErrClock // the keys of the days stepped over come first
	}
	return e.admit(r)
}

// admit is Submit also for the engine's own requests while the clock is being confirmed.
func (e *Engine) admit(r *sequencer.Request) error {
	if e.failure.Load() != nil {
		return ErrFailed
	}
	if err := e.health.refuse(); err != nil {
		return err
	}
	return e.sequencer.Submit(r)
}

// Wait blocks until an admitted request is answered. ErrFailed: its outcome is unknown.
func (e *Engine) Wait(r *sequencer.Request) error {
	e.alone.settle()
	select {
	case <-r.Done():
		return r.Err
	case <-e.failed:
		return ErrFailed
	}
}

// Do submits and waits.
func (e *Engine) Do(r *sequencer.Request) error {
	if err := e.Submit(r); err != nil {
		return err
	}
	return e.Wait(r)
}

// Ready says why the engine would refuse work; nil: it would not.
func (e *Engine) Ready() error {
	switch {
	case e.failure.Load() != nil:
		return ErrFailed
	case e.sequencer.ClockHalted():
		return sequencer.ErrClock
	}
	return e.health.refuse()
}

// Stats counts what was done.
func (e *Engine) Stats() *Stats { return &e.stats }

// Policies is how many were ever logged: at least those that any command answered by now was decided under. Any goroutine.
func (e *Engine) Policies() uint64 { return e.stats.Policies.Load() }

// Depth is the number of commands waiting for the log.
func (e *Engine) Depth() int64 { return e.sequencer.Depth() }

// Acknowledged is the sequence up to which the mark file proves the log.
func (e *Engine) Acknowledged() uint64 { return e.log.Mark() }

// Ledger is the ledger's id.
func (e *Engine) Ledger() wal.ID { return e.identity.Ledger }

// Pseudonym is the ledger's name for a certificate; see Keys.
func (e *Engine) Pseudonym(certType string, number []byte) ledger.Key {
	return e.keys.Pseudonym(certType, number)
}

// ConfirmClock accepts the machine's clock after a step, on an operator's word, logs the decision, and seals the day keys that the step has made
// missing. Nothing else is admitted before: a settlement must not be refused for a key that an outage kept from being made.
func (e *Engine) ConfirmClock() error {
	e.house.Lock()
	defer e.house.Unlock()
	e.confirming.Store(true)
	defer e.confirming.Store(false)
	e.sequencer.ConfirmClock()
	if err := e.internal(&ledger.Command{Kind: ledger.KindClockConfirm}); err != nil {
		return err
	}
	return e.keepDayKeys()
}

// fail latches the first failure: nothing is answered after it, and the process ends (P17).
func (e *Engine) fail(err error) {
	e.failOnce.Do(func() {
		err = fmt.Errorf("%w: %w", ErrFailed, e.advised(err))
		e.failure.Store(&err)
		close(e.failed)
		e.options.Fatal(err)
	})
}

func (e *Engine) observe(done *slot) {
	s, fx, st := &e.stats, &done.effects, done.stats
	var settlements, legs, relatives, cash uint64
	for i := range fx.List {
		f := &fx.List[i]
		if f.Kind != ledger.KindSettlement || f.Outcome != ledger.Accepted {
			continue
		}
		settlements++
		legs += uint64(f.LegCount)
		if f.Mulaid > 0 {
			relatives++
		}
		if f.LegCount == 0 {
			cash++
		}
	}
	s.Batches.Add(1)
	s.Commands.Add(uint64(st.Commands))
	s.Contested.Add(uint64(st.Contested))
	if st.Serial {
		s.Serial.Add(uint64(st.Commands))
	}
	s.Settlements.Add(settlements)
	s.Legs.Add(legs)
	s.Relatives.Add(relatives)
	s.Cash.Add(cash)
	s.Sequence.Store(done.executed.Sequence)
}

// StopLimit is how long Close may take before it is an ordinary crash (design.md 7); cmd enforces it.
const StopLimit = 20 * time.Second

// Close stops in order: no new work, drain the sequencer, execute and answer, checkpoint, flush, mark, close. Idempotent.
func (e *Engine) Close() error {
	e.stopOnce.Do(func() { e.stopErr = e.stop() })
	return e.stopErr
}

func (e *Engine) stop() error {
	close(e.stopping)
	<-e.kept
	<-e.watched
	<-e.archived
	e.sequencer.Close()
	select {
	case <-e.cut:
		<-e.executed
	case <-e.failed:
		<-e.executed
	}
	if p := e.failure.Load(); p != nil {
		e.core.executor.Close()
		return *p
	}
	err := e.lastCheckpoint()
	e.core.executor.Close()
	return errors.Join(err, e.core.ids.Close(), e.core.store.Close(), e.log.Close())
}
