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
	return e.keepDayKeys()
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

// keepHouse logs what must happen without anybody asking: day keys ahead, keys of past days published, ticks.
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
	return e.keepDayKeys()
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

// keepDayKeys seals keys up to DayKeysAhead and publishes those of days that are over. At most publishMax a round.
func (e *Engine) keepDayKeys() error {
	const publishMax = 32
	var missing []int32
	var past []ledger.DayKey
	err := e.Ask(func(v View) {
		today := ledger.DayOf(max(v.TimeMS, e.options.Clock.Wall()))
		for d := today; d <= today+DayKeysAhead; d++ {
			if _, found := v.State.FindDayKey(d); !found {
				missing = append(missing, d)
			}
		}
		day := ledger.DayOf(v.TimeMS)
		for n := v.State.DayKeys.Len(); n > 0 && len(past) < publishMax; n-- {
			row := v.State.DayKeys.At(n - 1)
			if row.Day < day {
				if row.Published != 0 {
					break
				}
				past = append(past, *row)
			}
		}
	})
	if err != nil {
		return err
	}
	for i := len(past) - 1; i >= 0; i-- { // oldest first
		key, err := e.keys.openDayKey(&past[i])
		if err != nil {
			return err
		}
		if err := e.internal(&ledger.Command{Kind: ledger.KindDayKeyPublish, Day: past[i].Day, More: &ledger.More{Key: key}}); err != nil {
			return err
		}
	}
	for _, d := range missing {
		hash, sealed := e.keys.newDayKey(d)
		if err := e.internal(&ledger.Command{Kind: ledger.KindDayKey, Day: d, More: &ledger.More{Hash: hash, Sealed: sealed}}); err != nil {
			return err
		}
	}
	return nil
}

// internal logs a command of the engine's own and expects it to be accepted.
func (e *Engine) internal(cmd *ledger.Command) error { return e.internalWith(cmd, &command.Details{}) }

func (e *Engine) internalWith(cmd *ledger.Command, d *command.Details) error {
	r := sequencer.NewRequest()
	r.Class, r.Count = sequencer.Structural, 1
	r.Commands = command.Append(r.Commands, cmd, d)
	if err := e.Do(r); err != nil {
		return err
	}
	if o := r.Results[0].Effect.Outcome; o != ledger.Accepted {
		return fmt.Errorf("command kind %d of the engine: %s", cmd.Kind, o)
	}
	return nil
}
