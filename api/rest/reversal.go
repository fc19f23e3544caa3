package rest

import (
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v3"

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
	code, kind := w.cmd.Institution, w.cmd.Kind
	w.add()
	out, p := f.run(w, sequencer.Till)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	f.give(w)
	e := &out.effect
	if !e.Outcome.IsAccepted() {
		fail(c, refused(kind, e.Outcome), out.replayed)
		return
	}
	if e.Outcome == ledger.Tombstoned && !out.replayed {
		f.tombstones.add(code, ledger.DayOf(out.timeMS))
	}
	a := &c.Out
	a.Begin()
	a.String("reversal_id", idText(ids.Reversal, uint64(out.position)))
	switch e.Outcome {
	case ledger.Tombstoned:
		a.String("state", stateBlocked)
	case ledger.NothingToUndo:
		a.String("state", "nothing_to_undo")
	default:
		a.String("state", stateReversed)
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

// tombstones counts reversals that came before their settlement, per institution and day (R13): each is kept for ever, so nobody may
// make as many as he likes. The counts live in this process; a restart forgets them, which costs one more allowance at most. Commands
// under way are not counted, so the limit can be passed by as many as an institution has in flight.
type tombstones struct {
	max    int64
	counts *xsync.MapOf[ledger.Code, *tombstoneDay] // institutions the ledger knows: a tombstone proves it
}

// tombstoneDay holds day << 32 | count.
type tombstoneDay struct{ packed atomic.Int64 }

func newTombstones(most int) tombstones {
	return tombstones{max: int64(most), counts: xsync.NewMapOf[ledger.Code, *tombstoneDay]()}
}

const tombstoneCount = 1<<32 - 1

// add counts one more on a day of ledger time.
func (t *tombstones) add(code ledger.Code, day int32) {
	d, _ := t.counts.LoadOrStore(code, &tombstoneDay{})
	for {
		old := d.packed.Load()
		next := old + 1
		if int32(old>>32) != day {
			next = int64(day)<<32 + 1
		}
		if d.packed.CompareAndSwap(old, next) {
			return
		}
	}
}

// full reports whether the institution has used its day up.
func (t *tombstones) full(code ledger.Code, day int32) bool {
	d, found := t.counts.Load(code)
	if !found {
		return false
	}
	v := d.packed.Load()
	return int32(v>>32) == day && v&tombstoneCount >= t.max
}

// roomForTombstone refuses, before the log, a reversal that would leave one tombstone too many. One that finds its original is always
// let through.
func (f *face) roomForTombstone(cmd *ledger.Command) (p api.Problem) {
	now := time.Now().UnixMilli()
	if !f.tombstones.full(cmd.Institution, ledger.DayOf(now)) {
		return p
	}
	key, seen := cmd.Other, false
	if p = f.ask(func(v engine.View) { _, seen = v.FindID(key) }); p.Code != "" || seen {
		return p
	}
	p = fault{CodeTombstones, "fixmedins_code"}.problem()
	p.RetryAfter = retryAfterTombstones
	return p
}

// retryAfterTombstones: the count is a day's, but a settlement that arrives meanwhile lets its reversal through.
const retryAfterTombstones = 10 * time.Minute
