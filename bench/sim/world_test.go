package sim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"runtime/debug"

	"gongji/bench/model"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// swarm is what a seed draws for itself: options of the engine and rates of faults, many of them 0 (percent, unless said otherwise).
type swarm struct {
	shards, shardedMin, batch, clients int
	checkpoint                         int64 // bytes of log
	lag                                bool
	strategy                           uint8

	delay, patience                                int // steps
	lose, duplicate, again, reverse, ahead         int
	crash, failAppend, failSync, stop, jump, slack int // per thousand steps; slack: of time passing
	crashAgain                                     int
}

func drawSwarm(r *rand.Rand) swarm {
	some := func(most int) int { // half of the seeds go without
		if r.IntN(2) == 0 {
			return 0
		}
		return 1 + r.IntN(most)
	}
	return swarm{
		shards: 1 << r.IntN(3), shardedMin: 1 + r.IntN(4), batch: []int{1, 2, 3, 5, 8, 20, 2048}[r.IntN(7)], clients: 1 + r.IntN(12),
		checkpoint: []int64{1, 300, 1000, 3000, 20_000, 1 << 30}[r.IntN(6)], lag: r.IntN(2) == 0, strategy: uint8(1 + r.IntN(2)),
		delay: some(40), patience: 20 + r.IntN(80), lose: some(25), duplicate: some(30), again: some(30), reverse: some(80), ahead: some(30),
		crash: 3 + r.IntN(25), failAppend: some(8), failSync: some(8), stop: some(5), jump: some(6), slack: 10 + r.IntN(100), crashAgain: some(40),
	}
}

// stats tell that a run did something.
type stats struct {
	crashes, cut, stops, injected, halts, answers, repeated, refused, lost, overtaken, unknown, resolved, checkpoints, commands, reads, simulatedMS int64
}

// world is one seed's run.
type world struct {
	swarm
	r        *rand.Rand
	machine  *machine
	observer *observer
	trace    hash.Hash
	step     int
	calls    uint64
	wire     []*message
	waiting  []*call
	admitted []*delivery
	book     map[string]verdict // by encoded command: what clients were told
	stats    stats
	told     uint64 // the highest sequence of which anybody has an answer
	planted  int
	dirty    error // what somebody read and must not have seen
}

// livenessSteps without an end are a hang (reliability.md T3).
const livenessSteps = 10_000

// run plays a seed: safety phase with faults, liveness phase without. The hash is of everything that happened.
func run(seed uint64, steps int, d defect) (sum [32]byte, s stats, err error) {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{swarm: drawSwarm(r), r: r, trace: sha256.New(), book: map[string]verdict{}}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		if w.machine != nil {
			err = errors.Join(err, w.machine.abandon())
		}
		if err != nil {
			err = fmt.Errorf("seed %d, step %d: %w", seed, w.step, err)
		}
		s = w.stats
	}()
	if w.machine, err = newMachine(seed, w.swarm, d); err != nil {
		return sum, s, err
	}
	w.observer = newObserver(seed, &w.machine.source, firstPolicy(w.strategy))
	if err := w.found(); err != nil {
		return sum, s, err
	}
	for w.step = 1; w.step <= steps; w.step++ {
		if err := w.turn(); err != nil {
			return sum, s, err
		}
	}
	if err := w.live(); err != nil {
		return sum, s, fmt.Errorf("liveness: %w", err)
	}
	if err := w.end(); err != nil {
		return sum, s, err
	}
	w.trace.Sum(sum[:0])
	return sum, s, nil
}

func (w *world) note(values ...uint64) {
	for _, v := range values {
		_, _ = w.trace.Write(u64(v)) // a hash never fails
	}
}

// found makes the ledger and its people, without faults.
func (w *world) found() error {
	if err := w.machine.open(-1); err != nil {
		return err
	}
	if err := w.machine.stepper.Found(); err != nil {
		return err
	}
	r := sequencer.NewRequest()
	r.Class = sequencer.Structural
	if err := w.observer.observe(w.machine.stepper); err != nil {
		return err
	}
	for _, c := range w.observer.model.World(w.machine.clock.wall) {
		raw := w.observer.learn(c)
		w.observer.admitted[string(raw)]++
		r.Commands = append(r.Commands, raw...)
		r.Count++
	}
	if err := w.machine.stepper.Engine().Do(r); err != nil {
		return err
	}
	return w.observer.observe(w.machine.stepper)
}

// turn is one step: a fault, or one thing that somebody does.
func (w *world) turn() error {
	w.note(uint64(w.step))
	if err := w.fault(); err != nil {
		return err
	}
	if err := w.act(); err != nil {
		return err
	}
	return w.settled()
}

// settled follows what a step did; a machine that has failed is started anew.
func (w *world) settled() error {
	if w.machine.stepper.Failed() != nil {
		if w.machine.disk.Injected() == 0 {
			return fmt.Errorf("failed without a fault: %w", w.machine.stepper.Failed())
		}
		// What was answered before the failure has gone out, and holds.
		if err := errors.Join(w.answers(), w.observer.observe(w.machine.stepper)); err != nil {
			return err
		}
		return w.restart()
	}
	if err := errors.Join(w.dirty, w.answers()); err != nil {
		return err
	}
	w.timeouts()
	return w.observer.observe(w.machine.stepper)
}

func (w *world) fault() error {
	dice := w.r.IntN(1000)
	hit := func(rate int) bool {
		dice -= rate
		return dice < 0 && dice >= -rate
	}
	m := w.machine
	switch {
	case hit(w.crash):
		return w.restart()
	case hit(w.failAppend):
		m.disk.FailAppend(1 + w.r.IntN(3))
	case hit(w.failSync):
		m.disk.FailSync(1+w.r.IntN(3), w.r.IntN(2) == 0)
	case hit(w.stop):
		return w.stopOrderly()
	case hit(w.jump):
		switch w.r.IntN(3) {
		case 0:
			m.clock.wall += sequencer.StepMaxMS + w.r.Int64N(2*86_400_000)
		case 1:
			m.clock.wall -= w.r.Int64N(3 * 86_400_000)
		case 2: // the machine was off
			m.clock.wall += sequencer.StartStepMaxMS + w.r.Int64N(40*86_400_000)
			return w.restart()
		}
	}
	return nil
}

// act is one thing that clients, the wire or a stage of the engine does.
func (w *world) act() error {
	s := w.machine.stepper
	if s.Failed() != nil {
		return nil
	}
	if w.r.IntN(1000) < w.slack {
		w.pass()
	}
	switch dice := w.r.IntN(100); {
	case dice < 3:
		return w.ask()
	case dice < 23:
		w.newCall()
	case dice < 55:
		return w.deliverSome(1 + w.r.IntN(4))
	case dice < 70:
		s.Cut()
	case dice < 85:
		several(1+w.r.IntN(8), s.Execute)
	case dice < 93:
		several(1+w.r.IntN(8), s.Keep)
	case dice < 96:
		if s.EndCheckpoint() {
			w.stats.checkpoints++
		}
	case dice < 98:
		return w.housekeep()
	case dice < 99:
		return w.operator()
	default:
		return w.observer.hashSettled(s)
	}
	return nil
}

// several takes a stage so many turns further, if there is that much to do.
func several(most int, turn func() bool) {
	for range most {
		if !turn() {
			return
		}
	}
}

// pass lets time go by, mostly little.
func (w *world) pass() {
	ms := w.r.Int64N(1000)
	switch w.r.IntN(20) {
	case 0:
		ms = w.r.Int64N(6 * 3_600_000)
	case 1:
		ms = w.r.Int64N(3 * 86_400_000)
	}
	c := &w.machine.clock
	c.wall, c.mono = c.wall+ms, c.mono+ms
	w.stats.simulatedMS += ms
}

// tolerated are the refusals that a halted clock or an injected failure brings to the engine's own calls.
func (w *world) tolerated(err error) error {
	if err == nil || errors.Is(err, sequencer.ErrClock) || errors.Is(err, engine.ErrFailed) && w.machine.disk.Injected() > 0 {
		return nil
	}
	return err
}

func (w *world) housekeep() error { return w.tolerated(w.machine.stepper.Engine().Housekeep()) }

// operator confirms a clock that stepped.
func (w *world) operator() error {
	e := w.machine.stepper.Engine()
	if !errors.Is(e.Ready(), sequencer.ErrClock) {
		return nil
	}
	w.stats.halts++
	return w.tolerated(e.ConfirmClock())
}

// restart is a power cut and all that follows, now and then cut once more while the log is replayed or before anything was asked.
func (w *world) restart() error {
	if w.machine.stepper.Failed() == nil {
		if err := w.observer.hashExecuted(w.machine.stepper); err != nil {
			return err
		}
	}
	w.forget()
	if err := w.machine.crash(); err != nil {
		return err
	}
	for w.r.IntN(100) < w.crashAgain {
		if err := w.cutRecovery(); err != nil {
			return err
		}
	}
	return w.reopen()
}

// cutRecovery starts the machine and cuts the power while it replays, or when it has.
func (w *world) cutRecovery() error {
	err := w.machine.open(w.r.IntN(30))
	if err != nil && !errors.Is(err, errCut) {
		return fmt.Errorf("recovery: %w", err)
	}
	w.stats.cut++
	return w.machine.crash()
}

// reopen starts the machine until it stays up: an armed failure may strike its first commands.
func (w *world) reopen() error {
	for {
		w.stats.crashes++
		w.machine.restarts++
		if err := w.machine.open(-1); err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
		if err := w.observer.recovered(w.machine.stepper); err != nil {
			return fmt.Errorf("restart %d: %w", w.machine.restarts, err)
		}
		if err := w.tolerated(w.machine.stepper.Found()); err != nil {
			return fmt.Errorf("restart %d: %w", w.machine.restarts, err)
		}
		if w.machine.stepper.Failed() == nil {
			return w.observer.observe(w.machine.stepper)
		}
		if err := w.machine.crash(); err != nil {
			return err
		}
	}
}

// forget cuts all connections: what was admitted is unknown to who sent it.
func (w *world) forget() { w.admitted = nil }

func (w *world) stopOrderly() error {
	if w.machine.stepper.Failed() != nil {
		return nil
	}
	w.machine.heal()
	s := w.machine.stepper
	for s.Cut() || s.Execute() || s.Keep() {
	}
	if err := w.settled(); err != nil {
		return err
	}
	if err := w.observer.hash(s); err != nil {
		return err
	}
	w.forget()
	w.stats.stops++
	if err := w.machine.stop(); err != nil {
		return err
	}
	return w.reopen()
}

// live is the second phase: no faults, and everything that anybody waits for is answered (P21, P24).
func (w *world) live() error {
	w.lose, w.duplicate, w.again, w.delay, w.patience = 0, 0, 0, 3, 400
	w.machine.heal()
	var unknown []*call
	for _, c := range w.waiting {
		if c.due = 0; c.unknown {
			unknown = append(unknown, c)
		}
	}
	if err := w.quiet(); err != nil {
		return err
	}
	for _, c := range unknown {
		for _, o := range c.orders {
			if s, ok := o.command.(model.Settlement); ok && s.ID != (model.Key{}) {
				if err := w.resolve(c, o, s); err != nil {
					return fmt.Errorf("2601 for call %d: %w", c.number, err)
				}
			}
		}
	}
	return nil
}

// quiet goes on until nobody waits.
func (w *world) quiet() error {
	for range livenessSteps {
		if len(w.wire) == 0 && len(w.waiting) == 0 && len(w.admitted) == 0 {
			return nil
		}
		w.step++
		if err := w.operator(); err != nil {
			return err
		}
		if err := w.deliverSome(4); err != nil {
			return err
		}
		s := w.machine.stepper
		switch w.r.IntN(4) {
		case 0:
			s.Cut()
		case 1:
			several(40, s.Execute)
		case 2:
			several(40, s.Keep)
		case 3:
			s.EndCheckpoint()
		}
		if err := w.settled(); err != nil {
			return err
		}
	}
	return fmt.Errorf("after %d steps without a fault %d calls wait, %d messages are under way, %d requests admitted", livenessSteps, len(w.waiting), len(w.wire), len(w.admitted))
}

// resolve reverses a settlement by message, as a till does that never heard of it: then it stands no more, and cannot come to stand.
func (w *world) resolve(c *call, o *order, s model.Settlement) error {
	undo := w.reversal(s, c.client)
	w.send(undo)
	if err := w.quiet(); err != nil {
		return err
	}
	switch undo.orders[0].final.outcome {
	case ledger.Accepted, ledger.AlreadyReversed, ledger.Tombstoned, ledger.NothingToUndo:
	default:
		return nil // not a till's own: another institution's, an unknown person
	}
	w.stats.resolved++
	again := &call{client: c.client, number: c.number, class: sequencer.Till, orders: []*order{w.order(o.command)}}
	w.send(again)
	if err := w.quiet(); err != nil {
		return err
	}
	if v := again.orders[0].final; v.position != 0 && v.outcome == ledger.Accepted && !w.machine.stepper.View().IsReversed(v.position) {
		return fmt.Errorf("undone, and the settlement at %x stands", v.position)
	}
	return nil
}

// end compares everything with everything: live, replayed from zero by other shards, model.
func (w *world) end() error {
	s := w.machine.stepper
	for s.Cut() || s.Execute() || s.Keep() {
	}
	if err := w.settled(); err != nil {
		return err
	}
	o := w.observer
	if err := errors.Join(o.hash(s), o.compare(s), o.model.Model().CheckInvariants()); err != nil {
		return err
	}
	w.stats.injected = int64(w.machine.injected + w.machine.disk.Injected())
	w.stats.commands = int64(o.commands)
	chain, last := o.chains[len(o.chains)-1], o.last()
	h := o.hashes[last]
	w.note(last)
	_, _ = w.trace.Write(append(chain[:], h[:]...))
	return w.machine.replayed(func(r *engine.Stepper) error {
		if n := r.View().Sequence; n != last {
			return fmt.Errorf("answered, and lost: replay from zero ends at %d, live it was %d", n, last)
		}
		if r.Chain() != chain {
			return fmt.Errorf("replay from zero: effect chain at %d is %x, live it was %x", last, r.Chain(), chain)
		}
		return o.hash(r)
	})
}
