package engine

import (
	"errors"
	"time"

	"gongji/engine/ledger"
	"gongji/engine/state"
)

// ErrSequence says that totals are known for the newest sequence and for kept checkpoints only (design.md 3).
var ErrSequence = errors.New("totals of this sequence are not kept")

// walksMax bounds walks over all rows at a time. One: while a walk lasts, tills pay a copy of each page that they touch first (64 KiB a
// page, all pages at most), and a second walk would double both that and the cores taken from them.
const walksMax = 1

// Totals are the sums and the state at a definite sequence. They are the caller's.
type Totals struct {
	Sequence    uint64
	TimeMS      int64 // ledger time of that batch, unix ms
	Sums        ledger.Totals
	StateHash   [32]byte
	EffectChain [32]byte
	LogChain    [32]byte // link of the log's record of that batch: pins every command up to it, with all its texts; see Root
}

func totalsOf(i *state.Info) Totals {
	return Totals{Sequence: i.Sequence, TimeMS: i.TimeMS, Sums: i.Totals, StateHash: i.StateHash, EffectChain: i.EffectChain, LogChain: i.WalLink}
}

// walk is a snapshot that a caller of Totals reads. The executor makes it and thaws it; the caller closes ended when it reads no more.
type walk struct {
	snapshot *state.Snapshot
	ended    chan struct{}
}

// Totals gives the totals at a sequence, 0 for the newest, which holds everything admitted before the call. A kept checkpoint answers from
// its record; otherwise the caller's goroutine walks all rows of a snapshot (0.1 s a million persons) while tills go on. Any goroutine.
// Errors: ErrSequence; ErrDeadline, also if other walks lasted until limit; those of AskWithin.
func (e *Engine) Totals(limit time.Duration, sequence uint64) (Totals, error) {
	end := time.Now().Add(limit)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		t, w, busy, err := e.beginTotals(time.Until(end), sequence)
		if err != nil || w == nil && busy == nil {
			return t, err
		}
		if w != nil {
			return e.endTotals(t, w, end)
		}
		select {
		case <-busy:
		case <-timer.C:
			return Totals{}, ErrDeadline
		}
	}
}

// beginTotals gives either whole totals, or totals without sums and the walk that gives them, or what ends when another walk does.
func (e *Engine) beginTotals(limit time.Duration, sequence uint64) (t Totals, w *walk, busy <-chan struct{}, err error) {
	ask := e.AskWithin(limit, func(v View) {
		wanted := sequence
		if wanted == 0 {
			wanted = v.Sequence
		}
		for _, k := range v.core.store.Kept() {
			if k.Sequence == wanted {
				t = totalsOf(&k)
				return
			}
		}
		if wanted != v.Sequence {
			err = ErrSequence
			return
		}
		t = Totals{Sequence: v.Sequence, TimeMS: v.TimeMS, EffectChain: v.core.chain, LogChain: v.core.link}
		w, busy = e.checkpoint.walk(v.State)
	})
	if ask != nil {
		return Totals{}, nil, nil, ask
	}
	return t, w, busy, err
}

// endTotals reads the snapshot. However it ends, the executor is told.
func (e *Engine) endTotals(t Totals, w *walk, end time.Time) (Totals, error) {
	defer close(w.ended)
	if e.checkpoint.walking != nil {
		e.checkpoint.walking(t.Sequence)
	}
	var whole bool
	t.StateHash, t.Sums, whole = w.snapshot.Digest(func() bool { return time.Now().After(end) })
	if !whole {
		return Totals{}, ErrDeadline
	}
	return t, nil
}
