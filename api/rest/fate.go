package rest

import (
	"cmp"
	"errors"
	"slices"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

// Why a line is theirs only, beside stateRefused, stateBlocked and stateNeverSeen: where the institution has to look.
const (
	fateTwice    = "twice"     // a line before it is the same bill
	fateOtherDay = "other_day" // on our side, of a day that was not asked for
	fateVoid     = "void"      // undone while its day was open: both are left out (R15)
)

// fatesAsked is how many lines one question looks up: an old message id costs a read of the disk while all tills wait.
const fatesAsked = 64

// named is what a line's names lead to.
type named struct {
	tag      ledger.Tag
	at, undo ledger.Position // of the command; of what undid it
}

// fatesOf tells of lines that are theirs only what is known of them.
func (f *face) fatesOf(w *rowWalk, lines []reconcile.Line, only []int) ([]string, api.Problem) {
	names := make([]named, len(only))
	for at := 0; at < len(only); {
		if p := f.ask(func(v engine.View) {
			for end := min(at+fatesAsked, len(only)); at < end; at++ {
				names[at] = w.house.find(v, &lines[only[at]])
			}
		}); p.Code != "" {
			return nil, p
		}
	}
	order := make([]int, len(only))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(names[a].at, names[b].at) }) // each batch is read once
	fates, reader := make([]string, len(only)), f.engine.NewReader()
	for _, i := range order {
		var err error
		if fates[i], err = w.fateOf(reader, &lines[only[i]], &names[i]); err != nil {
			return nil, api.Problem{Code: api.CodeUnavailable}
		}
	}
	return fates, api.Problem{}
}

// find looks up a line's message id, or the settlement that it names.
func (h *house) find(v engine.View, l *reconcile.Line) (n named) {
	n.tag, n.at = ledger.TagCommand, l.Settlement
	if l.Message != "" {
		e, _ := v.FindID(ledger.K(h.code.Bytes(), []byte(l.Message)))
		n.tag, n.at = e.Tag, e.Position
	}
	if n.at != 0 {
		undo, _ := v.FindID(ledger.UndoKey(n.at))
		n.undo = undo.Position
	}
	return n
}

// fateOf reads what became of a line. What belongs to another institution was never seen (R28).
func (w *rowWalk) fateOf(r *engine.Reader, l *reconcile.Line, n *named) (string, error) {
	switch {
	case n.at == 0:
		return stateNeverSeen, nil
	case n.tag == ledger.TagTombstone:
		return stateBlocked, nil
	}
	entry, err := r.Entry(n.at)
	settlement := entry.Effect.Kind == ledger.KindSettlement
	switch {
	case errors.Is(err, engine.ErrNoCommand):
		return stateNeverSeen, nil
	case err != nil:
		return "", err
	case !settlement && !entry.Effect.Kind.IsReversal():
		return stateNeverSeen, nil
	case entry.Effect.Outcome == ledger.Tombstoned:
		return stateBlocked, nil
	case entry.Effect.Outcome != ledger.Accepted:
		if l.Message == "" {
			return stateNeverSeen, nil
		}
		return stateRefused, nil
	case entry.Effect.Institution != w.house.number:
		return stateNeverSeen, nil
	case n.undo == 0 && settlement && l.Refund:
		return stateNeverSeen, nil // it stands
	}
	void, ms := entry.Effect.Void, entry.TimeMS
	if n.undo != 0 {
		undo, err := r.Entry(n.undo)
		if err != nil {
			return "", err
		}
		if void = undo.Effect.Void; l.Refund {
			ms = undo.TimeMS
		}
	}
	switch day := ledger.DayOf(ms); {
	case void:
		return fateVoid, nil
	case day < w.from || day > w.to:
		return fateOtherDay, nil
	}
	return fateTwice, nil
}
