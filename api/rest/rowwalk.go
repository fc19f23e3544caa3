package rest

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
	"gongji/engine/sequencer"
)

// rowWalk is a question for an institution's rows of some ledger days, as of house's sequence or the cursor's.
type rowWalk struct {
	house    *house
	from, to int32
	cursor   rowCursor // where to begin; afterwards where to go on, zero: nothing is left
	pages    int       // how many pages at most; 0: all
}

// rowCursor is a place in the rows as of a sequence, so that pages fit each other.
type rowCursor struct {
	next     ledger.Position
	sequence uint64
}

func (c rowCursor) text() string {
	return idText(ids.Entry, uint64(c.next)) + "." + strconv.FormatUint(c.sequence, 10)
}

func parseRowCursor(text []byte) (c rowCursor, ok bool) {
	entry, sequence, _ := bytes.Cut(text, []byte{'.'})
	n, err := ids.ParseEntry(entry)
	if err == nil {
		c.next = ledger.Position(n)
		c.sequence, err = strconv.ParseUint(string(sequence), 10, 64)
	}
	return c, err == nil && n != 0 && c.next.Sequence() <= c.sequence
}

// eachRow visits an institution's rows, newest first. Void ones are none (R15).
func (f *face) eachRow(w *rowWalk, visit func(*instRow) api.Problem) api.Problem {
	if f.walks.Add(1) > rowsWalksMax {
		f.walks.Add(-1)
		return notAdmitted(sequencer.ErrBusy)
	}
	defer f.walks.Add(-1)
	clr, err := f.clrTypes.List()
	if err != nil {
		return notAdmitted(err)
	}
	if w.cursor.sequence == 0 {
		w.cursor.sequence = w.house.sequence
	}
	q := engine.InstitutionQuery{Institution: w.house.number, From: w.from, To: w.to, Sequence: w.cursor.sequence, Next: w.cursor.next, Limit: engine.InstitutionRowsMax,
		ClrType: func(r *engine.InstitutionRow) uint16 {
			return clrCode(clr.Of(r.Settled, r.SettledMS, w.kindOf(r)))
		}}
	end := time.Now().Add(rowsTime)
	for page := 0; w.pages == 0 || page < w.pages; page++ {
		rows, err := f.engine.InstitutionRows(time.Until(end), q)
		if errors.Is(err, engine.ErrCursor) || errors.Is(err, engine.ErrAhead) {
			return badValue("cursor").problem()
		}
		if err != nil {
			return notAnswered(err)
		}
		for i := range rows.Rows {
			r := &rows.Rows[i]
			if r.Void {
				continue
			}
			if p := visit(w.row(r, clr)); p.Code != "" {
				return p
			}
		}
		if q.Next = rows.Next; q.Next == 0 {
			break
		}
	}
	w.cursor.next = q.Next
	return api.Problem{}
}

func (w *rowWalk) kindOf(r *engine.InstitutionRow) BillKind {
	return BillKind{r.MedType, r.Insutype, w.house.place}
}

// row is a row of the engine as it is told: a refund's amounts are negative.
func (w *rowWalk) row(r *engine.InstitutionRow, clr *ClrList) *instRow {
	sign := int64(r.Sign)
	out := &instRow{position: r.Position, timeMS: r.TimeMS, area: r.Area, patient: r.Patient, kind: w.kindOf(r), hospPart: sign * r.Bill.HospPart,
		clr: clr.Of(r.Settled, r.SettledMS, w.kindOf(r)), cleared: r.Clearing != 0, opter: opterOf(r)}
	out.line = reconcile.Line{Message: string(r.Details.Message), Settlement: r.Settled, Refund: sign < 0}
	for i, fen := range [reconcile.Figures]int64{r.Bill.Medfee, r.Bill.Fund, r.Own + r.Mulaid, r.Mulaid, r.Cash} {
		out.line.Tell(reconcile.Figure(i), sign*fen)
	}
	return out
}

// clrCode is a clearing category as the ledger knows it; 0: it cannot name it, and such rows are paid out with all categories together. A profile may have
// "00", "011" and "70000": they are no number of the ledger's, or would be that of another category.
func clrCode(clr string) uint16 {
	n, err := strconv.ParseUint(clr, 10, 16)
	if err != nil || string(codeText(nil, uint32(n))) != clr {
		return 0
	}
	return uint16(n)
}

var reversalBlobShape = strictjson.MustShape("opter? reason?")

// opterOf is who sent a settlement or cancel; "": it does not say, or its personal fields cannot be read.
func opterOf(r *engine.InstitutionRow) string {
	if r.Details.Cipher != 0 || len(r.Details.Blob) == 0 {
		return ""
	}
	shape := billBlobShape
	if r.Position != r.Settled { // a cancel or a redo
		shape = reversalBlobShape
	}
	var d strictjson.Decoder
	d.Reset(r.Details.Blob)
	if d.Object(shape); d.Next() && d.Field() == "opter" { // it is the first of both
		return string(d.Token(opterMax))
	}
	return ""
}
