package engine_test

import (
	"crypto/sha256"
	"errors"
	"runtime"
	"testing"

	"gongji/bench/load"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

const dayMS = 86_400_000

// dayKeysOf reads all day keys and the ledger's day.
func dayKeysOf(t *testing.T, e *engine.Engine) (keys map[int32]ledger.DayKey, today int32) {
	t.Helper()
	keys = map[int32]ledger.DayKey{}
	must(t, e.Ask(func(v engine.View) {
		today = ledger.DayOf(v.TimeMS)
		for i := range v.State.DayKeys.Len() {
			keys[v.State.DayKeys.At(i).Day] = *v.State.DayKeys.At(i)
		}
	}))
	return keys, today
}

// checkDayKeys demands keys from today to DayKeysAhead, and that exactly those of days that are over are told, each with its hash.
func checkDayKeys(t *testing.T, e *engine.Engine) map[int32]ledger.DayKey {
	t.Helper()
	keys, today := dayKeysOf(t, e)
	for d := today; d <= today+engine.DayKeysAhead; d++ {
		if _, found := keys[d]; !found {
			t.Errorf("today is %d: no key for day %d", today, d)
		}
	}
	for d, k := range keys {
		if told := k.Published != 0; told != (d < today) {
			t.Errorf("today is %d: key of day %d told: %v", today, d, told)
		}
		if k.Published != 0 && sha256.Sum256(k.Key[:]) != k.Hash || k.Published == 0 && k.Key != [32]byte{} {
			t.Errorf("key of day %d does not fit its hash, or lies open", d)
		}
	}
	return keys
}

// TestDayKeySchedule (design.md 5, P10): day after day, also when housekeeping comes only at the day's end, every key lies in the log at least 7
// days before its day, but for those of the ledger's first week; it is told after its day and not before.
func TestDayKeySchedule(t *testing.T) {
	clock := &steppedClock{wall: 1_773_115_200_000} // 2026-03-10 12:00 at +08:00
	e := place{t, t.TempDir()}.open(func(o *engine.Options) { o.Clock = clock })
	defer func() { must(t, e.Close()) }()
	first := ledger.DayOf(clock.wall)
	checkDayKeys(t, e)
	for n := range 20 {
		clock.wall += dayMS
		if n%3 == 1 {
			clock.wall += dayMS / 3
		}
		if n%3 == 2 {
			clock.wall -= dayMS / 3
		}
		must(t, e.Housekeep())
		checkDayKeys(t, e)
	}
	late := 0
	for d, k := range checkDayKeys(t, e) {
		if d > first+engine.DayKeysAhead && int64(d)*dayMS-8*3_600_000-k.Logged < 7*dayMS {
			late++
		}
	}
	if late > 0 {
		t.Errorf("%d keys came less than 7 days ahead", late)
	}
	if n := e.Stats().DayKeysAhead.Load(); n != engine.DayKeysAhead {
		t.Errorf("metric says %d days ahead", n)
	}
}

// TestDayKeysAfterOutage: a ledger that was off for longer than its keys reach opens, waits for an operator to confirm the clock, and then has
// its keys before anything else happens; the keys of all days that went by are told, those that were never used too.
func TestDayKeysAfterOutage(t *testing.T) {
	for _, off := range []int32{3, 9, 40} {
		clock := &steppedClock{wall: 1_773_115_200_000}
		p := place{t, t.TempDir()}
		open := func() *engine.Engine { return p.open(func(o *engine.Options) { o.Clock = clock }) }
		e := open()
		must(t, e.Close())
		clock.wall += int64(off) * dayMS
		e = open()
		if off > 7 {
			if err := e.Ready(); !errors.Is(err, sequencer.ErrClock) {
				t.Errorf("after %d days: ready says %v", off, err)
			}
			must(t, e.ConfirmClock())
			keys, today := dayKeysOf(t, e)
			if _, found := keys[today]; !found {
				t.Errorf("after %d days: no key when the operator has confirmed", off)
			}
		}
		must(t, e.Housekeep())
		if keys := checkDayKeys(t, e); len(keys) != min(int(off), engine.DayKeysAhead+1)+engine.DayKeysAhead+1 {
			t.Errorf("after %d days: %d keys", off, len(keys))
		}
		must(t, e.Close())
	}
}

// TestHousekeepingTogether: operator and timer at the same moment do not get into each other's way.
func TestHousekeepingTogether(t *testing.T) {
	clock := &steppedClock{wall: 1_773_115_200_000}
	e := place{t, t.TempDir()}.open(func(o *engine.Options) { o.Clock = clock })
	defer func() { must(t, e.Close()) }()
	clock.wall += 2 * dayMS
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() { errs <- e.ConfirmClock() }()
	}
	for range cap(errs) {
		must(t, <-errs)
	}
	checkDayKeys(t, e)
}

// TestNothingBeforeTheKeys: tills that call all the time while an operator confirms the clock after an outage are refused with their ids free, until
// the day has its key; none is refused for good because it has none.
func TestNothingBeforeTheKeys(t *testing.T) {
	clock := &steppedClock{wall: 1_773_115_200_000}
	p := place{t, t.TempDir()}
	open := func() *engine.Engine { return p.open(func(o *engine.Options) { o.Clock = clock }) }
	e := open()
	w := load.NewWorld(500)
	_, err := w.Load(e)
	must(t, err)
	must(t, e.Close())
	clock.wall += 40 * dayMS
	e = open()
	type tally struct{ refused, drawn, keyless int }
	results, refused := make(chan tally, 4), make(chan struct{}, 4)
	for i := range cap(results) {
		go func() {
			stream, n := w.NewStream(load.DefaultMix, uint64(i), uint64(cap(results))), tally{}
			for n.drawn < 50 {
				r := sequencer.NewRequest()
				for r.Count = 0; r.Count < 20; r.Count++ {
					r.Commands, _ = stream.Append(r.Commands)
				}
				if err := e.Do(r); err != nil {
					if n.refused++; n.refused == 1 && errors.Is(err, sequencer.ErrClock) {
						refused <- struct{}{}
					}
					runtime.Gosched()
					continue
				}
				for _, x := range r.Results {
					if x.Effect.DrawCount > 0 {
						n.drawn++
					}
					if x.Effect.Outcome == ledger.NoDayKey {
						n.keyless++
					}
				}
			}
			results <- n
		}()
	}
	for range cap(refused) {
		<-refused
	}
	must(t, e.ConfirmClock())
	for range cap(results) {
		if n := <-results; n.keyless > 0 || n.drawn == 0 {
			t.Errorf("%+v", n)
		}
	}
	must(t, e.Close())
}
