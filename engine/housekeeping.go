package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// found gives a new ledger its first commands and makes sure that the day keys reach far enough, before anything is served.
func (e *Engine) found() error {
	var started, policies bool
	if err := e.Ask(func(v View) { started, policies = v.State.Scalars.At(0).Started != 0, v.State.Policies.Len() > 0 }); err != nil {
		return err
	}
	if !started {
		if err := e.internal(&ledger.Command{Kind: ledger.KindGenesis, More: &ledger.More{Ledger: e.identity.Ledger}}); err != nil {
			return err
		}
	}
	if !policies {
		if err := e.firstPolicy(); err != nil {
			return err
		}
	}
	e.house.Lock()
	defer e.house.Unlock()
	// Off for more than a week: an operator confirms the clock first, and the keys follow then.
	if err := e.keepDayKeys(); err != nil && !(started && errors.Is(err, sequencer.ErrClock)) {
		return err
	}
	return nil
}

func (e *Engine) firstPolicy() error {
	p, text := e.options.FirstPolicy, e.options.FirstPolicyText
	p.EffectiveFrom = 0 // at once: read by the next batch
	switch {
	case text == nil:
		p.Hash = [32]byte{}
	case sha256.Sum256(text) != p.Hash:
		return errors.New("the first policy is not that of its text")
	}
	return e.internalWith(&ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: p}}, &command.Details{Text: text})
}

// keepHouse logs what must happen without anybody asking: day keys ahead, keys of past days published, days closed, ticks.
func (e *Engine) keepHouse() {
	defer close(e.kept)
	if e.options.HousekeepingInterval < 0 {
		<-e.stopping
		return
	}
	t := time.NewTicker(e.options.HousekeepingInterval)
	defer t.Stop()
	for {
		select {
		case <-e.stopping:
			return
		case <-e.failed:
			return
		case <-t.C:
			if err := e.Housekeep(); err != nil {
				e.options.Report("housekeeping", map[string]any{"error": err.Error()})
			}
		}
	}
}

// Housekeep does one round of housekeeping; with no interval set, tests call it.
func (e *Engine) Housekeep() error {
	if err := e.tick(); err != nil {
		return err
	}
	e.house.Lock()
	defer e.house.Unlock()
	if err := e.keepDayKeys(); err != nil {
		return err
	}
	return e.closeDays()
}

// closeDays closes the newest business day that is due by ledger time and the policy in force, and all before it with the one command (R15).
// The caller holds house. A policy that came in between and wants to wait longer is no failure: the ledger refuses, and the next round asks again.
func (e *Engine) closeDays() error {
	var day int32
	var due bool
	err := e.Ask(func(v View) {
		p, found := v.State.PolicyAt(v.TimeMS)
		day = ledger.ClosingDay(&p, v.TimeMS)
		due = found && day > v.State.Scalars.At(0).ClosedThrough
	})
	if err != nil || !due {
		return err
	}
	if o, err := e.logOwn(&ledger.Command{Kind: ledger.KindDayClose, Day: day}, &command.Details{}); err != nil || o != ledger.DayNotOver {
		return accepted(ledger.KindDayClose, o, err)
	}
	return nil
}

func (e *Engine) tick() error {
	var last int64
	if err := e.Ask(func(v View) { last = v.TimeMS }); err != nil {
		return err
	}
	if e.options.Clock.Wall()-last < TickAfter.Milliseconds() {
		return nil
	}
	return e.internal(&ledger.Command{Kind: ledger.KindTick})
}

// keepDayKeys seals keys up to DayKeysAhead and publishes those of days that are over (design.md 5). Sealing comes first: a settlement needs
// its day's key, publishing can wait. The caller holds house, so that no day is sealed twice.
func (e *Engine) keepDayKeys() error {
	missing, past, err := e.dayKeysDue()
	if err != nil {
		return err
	}
	for _, d := range missing {
		hash, sealed := e.keys.newDayKey(d)
		if err := e.internal(&ledger.Command{Kind: ledger.KindDayKey, Day: d, More: &ledger.More{Hash: hash, Sealed: sealed}}); err != nil {
			return err
		}
	}
	e.stats.DayKeysAhead.Store(DayKeysAhead)
	for i := range past {
		key, err := e.keys.openDayKey(&past[i])
		if err != nil {
			return err
		}
		if err := e.internal(&ledger.Command{Kind: ledger.KindDayKeyPublish, Day: past[i].Day, More: &ledger.More{Key: key}}); err != nil {
			return err
		}
		e.stats.DayKeysUnpublished.Add(^uint64(0))
	}
	return nil
}

// publishMax is how many keys one round publishes: at most DayKeysAhead + 1 can wait, however long the ledger was off.
const publishMax = 2 * (DayKeysAhead + 1)

// dayKeysDue finds the days from today to DayKeysAhead without a key, and the keys of days that are over and unpublished, oldest first. It looks
// at all rows, 365 a year.
func (e *Engine) dayKeysDue() (missing []int32, past []ledger.DayKey, err error) {
	err = e.Ask(func(v View) {
		today := ledger.DayOf(max(v.TimeMS, e.options.Clock.Wall()))
		for d := today; d <= today+DayKeysAhead; d++ {
			if _, found := v.State.FindDayKey(d); !found {
				missing = append(missing, d)
			}
		}
		if len(missing) > 0 {
			e.stats.DayKeysAhead.Store(uint64(max(0, missing[0]-today-1)))
		}
		day := ledger.DayOf(v.TimeMS) // of the log: a key is told only when no batch can have its day any more
		for n := uint32(0); n < v.State.DayKeys.Len() && len(past) < publishMax; n++ {
			if row := v.State.DayKeys.At(n); row.Day < day && row.Published == 0 {
				past = append(past, *row)
			}
		}
		e.stats.DayKeysUnpublished.Store(uint64(len(past)))
	})
	return missing, past, err
}

// internal logs a command of the engine's own and expects it to be accepted.
func (e *Engine) internal(cmd *ledger.Command) error { return e.internalWith(cmd, &command.Details{}) }

func (e *Engine) internalWith(cmd *ledger.Command, d *command.Details) error {
	o, err := e.logOwn(cmd, d)
	return accepted(cmd.Kind, o, err)
}

func accepted(kind ledger.Kind, o ledger.Outcome, err error) error {
	if err == nil && o != ledger.Accepted {
		return fmt.Errorf("command kind %d of the engine: %s", kind, o)
	}
	return err
}

// logOwn logs a command of the engine's own and gives its outcome.
func (e *Engine) logOwn(cmd *ledger.Command, d *command.Details) (ledger.Outcome, error) {
	r := sequencer.NewRequest()
	r.Class, r.Count = sequencer.Structural, 1
	r.Commands = command.Append(r.Commands, cmd, d)
	if err := e.admit(r); err != nil {
		return 0, err
	}
	if err := e.Wait(r); err != nil {
		return 0, err
	}
	return r.Results[0].Effect.Outcome, nil
}
