package engine

import (
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/engine/state"
)

// View is the ledger at a definite place of the log, on the executor's goroutine, between batches. Nothing of it may be kept.
type View struct {
	Sequence uint64
	TimeMS   int64
	State    *ledger.State
	core     *core
}

// Ask runs f behind everything admitted before, at a definite sequence, and returns when it has run. f must be short and bounded, must not
// block and must not change anything: all tills wait for it. Any goroutine.
func (e *Engine) Ask(f func(View)) error {
	r := sequencer.NewRequest()
	r.Query = func(sequence uint64) {
		f(View{Sequence: sequence, TimeMS: e.core.timeMS, State: e.core.tables, core: &e.core})
	}
	if err := e.Submit(r); err != nil {
		return err
	}
	return e.Wait(r)
}

// FindID looks a message id up, also among the old ones on disk.
func (v View) FindID(key ledger.Key) (ledger.IDEntry, bool) { return v.core.ids.Find(key) }

// Context is what a command would see if it ran now.
func (v View) Context() (ledger.Context, error) {
	key, err := v.core.keys.of(v.State, ledger.DayOf(v.TimeMS))
	return ledger.NewContext(v.State, v.Sequence+1, v.TimeMS, key), err
}

// Preview decides a settlement as if it came now, and changes nothing. Which relative would pay is drawn anew at the real settlement.
func (v View) Preview(cmd *ledger.Command) (ledger.Effect, error) {
	f := ledger.Effect{Kind: ledger.KindSettlement}
	c, err := v.Context()
	if err != nil {
		return f, err
	}
	ledger.PreviewSettlement(v.State, &c, cmd, &f)
	return f, nil
}

// Digests are the effect chain and the state hash now; the hash walks all rows, so this is for operators and tests.
func (v View) Digests() (chain, hash [32]byte) { return v.core.chain, state.Hash(v.State) }
