package rest

import (
	"time"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	reversalShape        = strictjson.MustShape("msgid fixmedins_code psn_no opter reason")
	messageReversalShape = strictjson.MustShape("msgid fixmedins_code original_msgid original_kind psn_no")
)

// reversalIn are the fields of both reversals. Its slices lie in the request body.
type reversalIn struct {
	msgid, institution, psnNo, opter, reason, original []byte

	kind int // index in originalEnum
}

func (in *reversalIn) decode(d *strictjson.Decoder, shape *strictjson.Shape) fault {
	for d.Object(shape); d.Next(); {
		switch d.Field() {
		case "msgid":
			in.msgid = d.Token(msgidMax)
		case "fixmedins_code":
			in.institution = d.Token(codeMax)
		case "psn_no":
			in.psnNo = d.Token(psnNoMax)
		case "opter":
			in.opter = d.Token(opterMax)
		case "reason":
			in.reason = text(d, reasonMax)
		case "original_msgid":
			in.original = d.Token(msgidMax)
		case "original_kind":
			in.kind = d.Enum(originalEnum)
		}
	}
	return faultOf(d.Done())
}

// command fills in what both reversals share.
func (in *reversalIn) command(w *work, kind ledger.Kind) {
	w.begin(kind)
	w.cmd.ID = ledger.K(in.institution, in.msgid)
	w.cmd.Institution = ledger.NewCode(in.institution)
	w.cmd.Person = ledger.K(in.psnNo)
	w.details.Message, w.details.Caller = in.msgid, in.institution
}

// reverse is POST /v1/settlements/{setl_id}/reversal.
func (f *face) reverse(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in reversalIn
	if x := in.decode(d, reversalShape); x.bad() {
		c.Fail(x.problem())
		return
	}
	at, err := ids.ParseSettlement(c.Param(0))
	if err != nil || at > settlementMax {
		c.Fail(notFound("setl_id"))
		return
	}
	w := f.take()
	in.command(w, ledger.KindReversalByID)
	w.cmd.Settlement = ledger.Position(at)
	w.blob.Begin()
	w.blob.Bytes("opter", in.opter)
	w.blob.Bytes("reason", in.reason)
	w.blob.End()
	f.answerReversal(c, w, &in)
}

// settlementMax is the last position the log's format can name; none is that high.
const settlementMax = 1 << 63

// reverseMessage is POST /v1/reversals: by message id, also before the original arrived (R9, R11, P8).
func (f *face) reverseMessage(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var in reversalIn
	if x := in.decode(d, messageReversalShape); x.bad() {
		c.Fail(x.problem())
		return
	}
	w := f.take()
	in.command(w, ledger.KindReversalByMessage)
	w.cmd.Other = ledger.K(in.institution, in.original)
	w.cmd.Original = ledger.OriginalKind(in.kind + 1)
	if p := f.roomForTombstone(&w.cmd); p.Code != "" {
		f.give(w)
		c.Fail(p)
		return
	}
	f.answerReversal(c, w, &in)
}

// answerReversal submits a reversal and answers it: positive amounts and the old setl_id (R14).
func (f *face) answerReversal(c *api.Call, w *work, in *reversalIn) {
	if ok, after := f.allow(&w.cmd.Institution); !ok {
		f.give(w)
		c.Fail(api.Problem{Code: api.CodeRateLimited, RetryAfter: after})
		return
	}
	w.add()
	out, ok := f.accepted(c, w, sequencer.Till)
	if !ok {
		return
	}
	e, a := &out.effect, &c.Out
	a.Begin()
	a.String("reversal_id", idText(ids.Reversal, uint64(out.position)))
	switch e.Outcome {
	case ledger.Tombstoned:
		a.String("state", stateBlocked)
	case ledger.NothingToUndo:
		a.String("state", "nothing_to_undo")
	default:
		if e.IsRedo() {
			a.String("state", stateSettled) // it lives again (R11)
		} else {
			a.String("state", stateReversed)
		}
		a.String("setl_id", idText(ids.Settlement, uint64(e.First)))
		a.Amount("acct_pay", e.AcctPay())
		a.Amount("acct_mulaid_pay", e.Mulaid)
		a.Amount("balc", e.Balc)
	}
	if in.original != nil {
		a.Bytes("original_msgid", in.original)
	}
	a.Time("reversal_time", out.timeMS)
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
	if out.replayed {
		c.Replayed()
	}
}

// roomForTombstone refuses, before the log, a reversal that would leave one tombstone too many: each is kept for ever, so nobody may make as
// many as he likes (R13). The ledger counts them by institution and day of ledger time. One that finds its original is always let through.
// Commands under way are not counted, so the limit can be passed by as many as an institution has in flight.
func (f *face) roomForTombstone(cmd *ledger.Command) (p api.Problem) {
	full := false
	if p = f.ask(func(v engine.View) {
		n, found := v.State.FindInstitution(&cmd.Institution)
		if found && v.State.Institutions.At(n).TombstonesOn(ledger.DayOf(v.TimeMS)) >= uint32(f.opt.TombstonesMax) {
			_, seen := v.FindID(cmd.Other)
			full = !seen
		}
	}); p.Code != "" || !full {
		return p
	}
	p = fault{CodeTombstones, "fixmedins_code"}.problem()
	p.RetryAfter = retryAfterTombstones
	return p
}

// retryAfterTombstones: the count is a day's, but a settlement that arrives meanwhile lets its reversal through.
const retryAfterTombstones = 10 * time.Minute
