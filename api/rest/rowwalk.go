package rest

import (
	"time"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

// rowWalk is a question for an institution's rows of some ledger days.
type rowWalk struct {
	house    *house
	from, to int32
	cursor   ledger.Position // where to begin, 0: at the newest; afterwards where to go on, 0: nothing is left
	pages    int             // how many pages at most; 0: all
}

// eachRow visits an institution's rows, newest first, as they were at the house's sequence.
func (f *face) eachRow(w *rowWalk, visit func(*instRow) api.Problem) api.Problem {
	end := time.Now().Add(rowsTime)
	r := f.engine.NewReader()
	at := w.cursor
	if at == 0 {
		f.ask(func(v engine.View) { at = v.State.Institutions.At(w.house.number).Last })
	}
	w.cursor = 0
	n := 0
	for at != 0 {
		if time.Now().After(end) {
			return api.Problem{Code: api.CodeUnavailable}
		}
		e, err := r.Entry(at)
		if err != nil {
			return api.Problem{Code: api.CodeUnavailable}
		}
		day := ledger.DayOf(e.TimeMS)
		if day < w.from {
			return api.Problem{}
		}
		if day <= w.to {
			if n++; n > rowsPage && w.pages == 1 {
				w.cursor = at
				return api.Problem{}
			}
			first := e
			refund := e.Effect.Kind.IsReversal()
			void := e.Effect.Void
			if refund {
				if first, err = f.engine.Entry(e.Effect.First); err != nil {
					return api.Problem{Code: api.CodeUnavailable}
				}
			} else {
				var undo ledger.IDEntry
				f.ask(func(v engine.View) { undo, _ = v.FindID(ledger.UndoKey(at)) })
				if undo.Position != 0 {
					u, err := f.engine.Entry(undo.Position)
					if err != nil {
						return api.Problem{Code: api.CodeUnavailable}
					}
					void = u.Effect.Void
				}
			}
			if !void {
				row := instRow{position: at, timeMS: e.TimeMS, area: e.Effect.Area, patient: e.Effect.Patient, opter: opterOf(&e),
					kind: billKind{first.Details.MedType, first.Details.Insutype, w.house.place}}
				sign := int64(1)
				if refund {
					sign = -1
				}
				row.line = reconcile.Line{Message: string(e.Details.Message), Settlement: first.Position, Refund: refund}
				b := &first.Command.Bill
				for i, fen := range [reconcile.Figures]int64{b.Medfee, b.Fund, first.Effect.AcctPay(), first.Effect.Mulaid, first.Effect.Cash} {
					row.line.Tell(reconcile.Figure(i), sign*fen)
				}
				row.hospPart = sign * b.HospPart
				var p api.Problem
				if row.clr, p = f.clrType(first.Position, first.TimeMS, row.kind); p.Code != "" {
					return p
				}
				row.cleared = w.house.isCleared(day, row.clr)
				if p := visit(&row); p.Code != "" {
					return p
				}
			}
		}
		at = e.Effect.InstPrev
	}
	return api.Problem{}
}

// opterOf is who sent a settlement or cancel; "": it does not say, or its personal fields cannot be read.
func opterOf(e *engine.Entry) string {
	if e.Details.Cipher != 0 || len(e.Details.Blob) == 0 {
		return ""
	}
	shape := billBlobShape
	if e.Effect.Kind.IsReversal() {
		shape = reversalBlobShape
	}
	var d strictjson.Decoder
	d.Reset(e.Details.Blob)
	for d.Object(shape); d.Next(); {
		if d.Field() == "opter" {
			return string(d.Token(opterMax))
		}
		break
	}
	return ""
}

var reversalBlobShape = strictjson.MustShape("opter reason")
