package engine_test

import (
	"testing"

	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// closed reads the last closed day and how many commands closed days.
func closed(t *testing.T, e *engine.Engine) (through int32, commands int) {
	t.Helper()
	must(t, e.Ask(func(v engine.View) { through = v.State.Scalars.At(0).ClosedThrough }))
	feed, err := e.Events(0, engine.EventsMax, func(f *ledger.Effect, _ *ledger.Effects) bool { return f.Kind == ledger.KindDayClose })
	must(t, err)
	return through, len(feed.Entries)
}

// TestDayClosesNextMidnight: R15: by every shipped profile a business day closes at 24:00 of the next day, neither a millisecond before nor on the day
// itself, by one command a day, and nothing is logged in between.
func TestDayClosesNextMidnight(t *testing.T) {
	for _, name := range []string{"hubei", "hubei-narrow", "ordered", "gansu"} {
		const day = 20_522 // 2026-03-10
		clock := &steppedClock{wall: day*dayMS + dayMS/2 - 8*3_600_000}
		profile := policy.MustShipped(name)
		e := place{t, t.TempDir()}.open(func(o *engine.Options) {
			o.Clock, o.FirstPolicy, o.FirstPolicyText = clock, profile.Ledger(), profile.Canonical()
		})
		for n, step := range []struct {
			at   int64 // ms since the day began
			want int32
			logs int
		}{{dayMS / 2, day - 2, 1}, {dayMS / 2, day - 2, 1}, {dayMS - 1, day - 2, 1}, {dayMS, day - 1, 2}, {2*dayMS - 1, day - 1, 2}, {2 * dayMS, day, 3}, {2*dayMS + 60_000, day, 3}} {
			clock.wall = day*dayMS - 8*3_600_000 + step.at
			must(t, e.Housekeep())
			must(t, e.Housekeep())
			if through, logs := closed(t, e); through != step.want || logs != step.logs {
				t.Errorf("%s, step %d: closed through %d by %d commands, want %d by %d", name, n, through, logs, step.want, step.logs)
			}
		}
		must(t, e.Close())
	}
}

// TestDayCloseAfterOutage: R15: days that went by while the ledger was off are closed by one command, once an operator has confirmed the clock, and
// a restart closes nothing twice.
func TestDayCloseAfterOutage(t *testing.T) {
	clock := &steppedClock{wall: 1_773_115_200_000}
	p := place{t, t.TempDir()}
	open := func() *engine.Engine { return p.open(func(o *engine.Options) { o.Clock = clock }) }
	e := open()
	must(t, e.Housekeep())
	before, commands := closed(t, e)
	must(t, e.Close())
	clock.wall += 40 * dayMS
	e = open()
	if err := e.Housekeep(); err == nil {
		t.Error("housekeeping went on before the clock was confirmed")
	}
	must(t, e.ConfirmClock())
	if through, n := closed(t, e); through != before || n != commands {
		t.Errorf("closed through %d before the clock was confirmed", through)
	}
	must(t, e.Housekeep())
	if through, n := closed(t, e); through != before+40 || n != commands+1 {
		t.Errorf("closed through %d by %d commands, want %d by %d", through, n, before+40, commands+1)
	}
	must(t, e.Close())
	e = open()
	must(t, e.Housekeep())
	if through, n := closed(t, e); through != before+40 || n != commands+1 {
		t.Errorf("after a restart closed through %d by %d commands", through, n)
	}
	must(t, e.Close())
}

// TestDayCloseFollowsThePolicy: R15, design.md 6: what is due is judged by the policy in force at ledger time, also when it came a moment ago.
func TestDayCloseFollowsThePolicy(t *testing.T) {
	clock := &steppedClock{wall: 1_773_115_200_000} // noon
	e := place{t, t.TempDir()}.open(func(o *engine.Options) { o.Clock = clock })
	must(t, e.Housekeep())
	before, _ := closed(t, e)
	for i, minutes := range []uint16{0, 10_080, 13 * 60} {
		row := engine.Hubei
		row.Version, row.Hash, row.DayCloseMinutes = 1000+uint32(i), [32]byte{}, minutes
		if o := logPolicy(t, e, row, nil); o != ledger.Accepted {
			t.Fatal(o)
		}
		must(t, e.Housekeep())
		if through, _ := closed(t, e); through != before+1 { // at once under the first; never open again under the others
			t.Errorf("%d minutes after its end: closed through %d, want %d", minutes, through, before+1)
		}
	}
	clock.wall += dayMS + 3_600_000 // 13:00 next day
	must(t, e.Housekeep())
	if through, _ := closed(t, e); through != before+2 {
		t.Errorf("closed through %d, want %d", through, before+2)
	}
	must(t, e.Close())
}
