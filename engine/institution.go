package engine

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"gongji/engine/command"
	"gongji/engine/journal"
	"gongji/engine/ledger"
)

// Limits of one question about an institution.
const (
	// InstitutionRowsMax rows of an answer. Each may lie in a batch of its own, which takes half a millisecond to read and check, and a reversal in one
	// more for its settlement: half a second at worst, on the caller's goroutine.
	InstitutionRowsMax = 500
	// institutionSkipsMax entries that an answer passes over, because they are newer than what is asked: a tenth of a millisecond each.
	institutionSkipsMax = 2_000
	// marksAsked are looked up in one turn of the executor, for which tills wait: microseconds each, and a disk read each for old ones.
	marksAsked = 64
	// ClearingsMax clearings of an answer.
	ClearingsMax = 1_000
)

// Errors of questions about an institution.
var (
	ErrNoInstitution = errors.New("no such institution")
	ErrAhead         = errors.New("the ledger has not come to this sequence")
	ErrCursor        = errors.New("not a place where an answer about this institution ended")
)

// InstitutionQuery asks what an institution did on some days.
type InstitutionQuery struct {
	Institution uint32 // number
	From, To    int32  // ledger days, both included
	// Sequence is the batch after which the question stands; 0: the newest. An answer is the same for ever if its own Sequence is given.
	Sequence uint64
	Next     ledger.Position // where to go on, from the answer before, with its Sequence; 0: from the newest row
	Limit    int             // rows at most, 1 to InstitutionRowsMax
	// ClrType tells the clearing category of a row, by the profile in force at its SettledMS (R16); nil: only clearings of all categories mark rows.
	ClrType func(*InstitutionRow) uint16
}

// InstitutionRow is an accepted settlement or reversal of an institution. It is the caller's.
type InstitutionRow struct {
	Position  ledger.Position
	TimeMS    int64
	Day       int32 // ledger day, the business day
	Sign      int8  // +1 settlement, or redo of one (R11); -1 cancel. Amounts are positive: those of the settlement, whose figures a cancel takes back.
	Void      bool  // counts in no day: undone by message while its day was open, or what did that (R15)
	Patient   uint32
	Area      uint32          // insuplc_admdvs of the patient when he was settled: clr_optins by default (R16)
	Settled   ledger.Position // the settlement that is meant: of a settlement, itself
	SettledMS int64
	UndoneBy  ledger.Position // the reversal that undid this very row, up to the answer's sequence: of a settlement or redo its cancel, of a cancel its redo; 0: none
	Clearing  uint32          // the clearing that covers it, up to the answer's sequence: its number, + 1; 0: none. Void rows have none.
	MedType   uint32          // of the settlement
	Insutype  uint32
	Bill      ledger.BillInput
	Visit     ledger.Position // the opening of the visit that was settled; 0: none
	Own       int64           // fen
	Mulaid    int64
	Cash      int64
	Details   command.Details // of the row's own command: message id, caller, sealed fields (opter)
}

// InstitutionRows is a piece of the rows, newest first.
type InstitutionRows struct {
	Sequence uint64 // at which it was asked
	TimeMS   int64  // ledger time of that batch
	Rows     []InstitutionRow
	Next     ledger.Position // 0: that is all. An answer may hold no row and still have to be continued.
}

// institutionWalk answers one question, on the goroutine of its caller.
type institutionWalk struct {
	e         *Engine
	q         InstitutionQuery
	skips     int // entries it may still pass over
	deadline  time.Time
	out       InstitutionRows
	clearings []InstitutionClearing // of the days asked
	rows      *Reader
	originals *Reader // of reversals, and reversals of settlements: they lie elsewhere
}

// InstitutionRows gives settlements and reversals of an institution on some ledger days, as of a definite sequence. It may turn to the executor several
// times; together they wait at most limit. Any goroutine. Errors: ErrNoInstitution, ErrAhead, ErrCursor; those of AskWithin and of reading.
func (e *Engine) InstitutionRows(limit time.Duration, q InstitutionQuery) (InstitutionRows, error) {
	return e.institutionRows(limit, q, institutionSkipsMax)
}

// institutionRows is InstitutionRows that passes over at most so many entries.
func (e *Engine) institutionRows(limit time.Duration, q InstitutionQuery, skips int) (InstitutionRows, error) {
	if q.Limit < 1 || q.Limit > InstitutionRowsMax {
		return InstitutionRows{}, fmt.Errorf("%d rows of an institution, allowed are 1 to %d", q.Limit, InstitutionRowsMax)
	}
	w := institutionWalk{e: e, q: q, skips: skips, deadline: time.Now().Add(limit), rows: e.NewReader(), originals: e.NewReader()}
	at, err := w.begin()
	if err == nil {
		err = w.walk(at)
	}
	if err == nil {
		err = w.findUndone()
	}
	if err != nil {
		return InstitutionRows{}, err
	}
	w.findCleared()
	return w.out, nil
}

// begin fixes the sequence and finds the entry to start from.
func (w *institutionWalk) begin() (at ledger.Position, err error) {
	q := &w.q
	var newest int64
	var found error
	err = w.ask(func(v View) {
		if q.Institution >= v.State.Institutions.Len() {
			found = ErrNoInstitution
			return
		}
		if w.out.Sequence = v.Sequence; q.Sequence != 0 {
			w.out.Sequence = q.Sequence
		}
		if w.out.Sequence > v.Sequence {
			found = ErrAhead
			return
		}
		newest, at = v.TimeMS, v.State.Institutions.At(q.Institution).Last
		eachClearing(v.State, q.Institution, 0, w.out.Sequence, func(n uint32, c *ledger.Clearing) bool {
			if c.From <= q.To && q.From <= c.To {
				w.clearings = append(w.clearings, InstitutionClearing{n, *c})
			}
			return true
		})
	})
	if err = errors.Join(err, found); err != nil {
		return 0, err
	}
	if w.out.TimeMS = newest; q.Sequence != 0 {
		if w.out.TimeMS, err = w.rows.TimeMS(q.Sequence); err != nil {
			return 0, err
		}
	}
	if q.Next != 0 {
		if q.Sequence == 0 {
			return 0, ErrCursor
		}
		f, err := w.rows.effect(q.Next)
		if errors.Is(err, ErrNoCommand) || err == nil && !isEntryOf(&f, q.Institution) {
			return 0, ErrCursor
		}
		return q.Next, err
	}
	last := min(q.To, ledger.DayOf(w.out.TimeMS))
	if before, later, err := w.e.core.store.InstitutionDayAfter(q.Institution, last); err != nil || later {
		return before, err
	}
	return at, nil
}

// ask is AskWithin with what is left of the limit.
func (w *institutionWalk) ask(f func(View)) error { return w.e.AskWithin(time.Until(w.deadline), f) }

// isEntryOf reports whether an effect is in an institution's chain.
func isEntryOf(f *ledger.Effect, institution uint32) bool {
	return f.Counts() && f.Institution == institution
}

// walk goes down the chain.
func (w *institutionWalk) walk(at ledger.Position) error {
	for at != 0 && len(w.out.Rows) < w.q.Limit && w.skips > 0 {
		f, err := w.rows.effect(at)
		if err != nil {
			return err
		}
		if !isEntryOf(&f, w.q.Institution) || f.InstPrev >= at {
			return &journal.CorruptionError{Sequence: at.Sequence(), Reason: fmt.Sprintf("command %d is no entry of institution %d that continues its chain", at.Index(), w.q.Institution)}
		}
		day := ledger.DayOf(w.rows.block.TimeMS)
		switch {
		case day < w.q.From:
			return nil
		case at.Sequence() > w.out.Sequence || day > w.q.To:
			w.skips--
		default:
			if err := w.row(at, day, &f); err != nil {
				return err
			}
		}
		at = f.InstPrev
	}
	w.out.Next = at
	return nil
}

// row appends the row of an entry.
func (w *institutionWalk) row(at ledger.Position, day int32, f *ledger.Effect) error {
	r := InstitutionRow{Position: at, TimeMS: w.rows.block.TimeMS, Day: day, Sign: 1, Void: f.Void, Patient: f.Patient, Area: f.Area, Settled: at,
		SettledMS: w.rows.block.TimeMS, Own: f.Own, Mulaid: f.Mulaid, Cash: f.Cash}
	var own Entry
	if err := w.rows.command(at.Index(), &own); err != nil {
		return err
	}
	settled := own
	if f.Kind != ledger.KindSettlement {
		if r.Settled = f.First; !f.IsRedo() {
			r.Sign = -1
		}
		var err error
		if settled, err = w.originals.Entry(f.First); err != nil {
			return err
		}
		r.SettledMS, r.Cash = settled.TimeMS, settled.Effect.Cash
	}
	r.MedType, r.Insutype, r.Bill, r.Visit = settled.Details.MedType, settled.Details.Insutype, settled.Command.Bill, settled.Command.Visit
	r.Details = own.Details
	for _, text := range []*[]byte{&r.Details.Message, &r.Details.Caller, &r.Details.Text, &r.Details.Blob} {
		*text = bytes.Clone(*text) // the reader goes on to another batch
	}
	w.out.Rows = append(w.out.Rows, r)
	return nil
}

// findUndone finds what undid the rows, by their marks. A row is void by its own effect, or by that of what undid it.
func (w *institutionWalk) findUndone() error {
	for asked := w.out.Rows; len(asked) > 0; {
		some := asked[:min(len(asked), marksAsked)]
		asked = asked[len(some):]
		err := w.ask(func(v View) {
			for i := range some {
				r := &some[i]
				if mark, found := v.FindID(ledger.UndoKey(r.Position)); found && mark.Position.Sequence() <= w.out.Sequence {
					r.UndoneBy = mark.Position
				}
			}
		})
		if err != nil {
			return err
		}
		for i := range some {
			r := &some[i]
			if r.UndoneBy == 0 {
				continue
			}
			f, err := w.originals.effect(r.UndoneBy)
			if err != nil {
				return err
			}
			r.Void = r.Void || f.Void
		}
	}
	return nil
}

// findCleared finds the clearing of each row that counts.
func (w *institutionWalk) findCleared() {
	for i := range w.out.Rows {
		r, clrType := &w.out.Rows[i], uint16(0)
		if r.Void {
			continue
		}
		if w.q.ClrType != nil && len(w.clearings) > 0 {
			clrType = w.q.ClrType(r)
		}
		for _, c := range w.clearings {
			if c.Covers(r.Day, clrType) {
				r.Clearing = c.Number + 1
			}
		}
	}
}
