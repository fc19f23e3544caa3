package rest

import (
	"encoding/binary"
	"encoding/hex"

	"gongji/api"
	"gongji/api/drawproof"
	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// drawPseudonym separates the pseudonyms of draws from those of certificates: no certificate type has a space.
const drawPseudonym = "of draw"

// draw is GET /v1/settlements/{setl_id}/draw: all that anybody needs to repeat the draw once the day's key is published, and who paid what, by
// names that mean nothing outside this draw (R28, P10). It is read from the journal: a draw once made is told as it was, whatever became of
// the bindings since.
func (f *face) draw(c *api.Call) {
	entry, ok := f.pathSettlement(c)
	if !ok {
		return
	}
	if len(entry.Drawn) == 0 {
		c.Fail(notFound("setl_id")) // nothing was drawn
		return
	}
	var key ledger.DayKey
	var found bool
	if p := f.ask(func(v engine.View) {
		var n uint32
		if n, found = v.State.FindDayKey(ledger.DayOf(entry.TimeMS)); found {
			key = *v.State.DayKeys.At(n)
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(api.Problem{Code: api.CodeInternal}) // the draw used the key
		return
	}
	f.answerDraw(c, &entry, &key)
}

func (f *face) answerDraw(c *api.Call, entry *engine.Entry, key *ledger.DayKey) {
	a := &c.Out
	a.Begin()
	a.String("setl_id", idText(ids.Settlement, uint64(entry.Position)))
	a.Time("setl_time", entry.TimeMS)
	a.Uint("sequence", entry.Position.Sequence())
	a.Int("index", int64(entry.Position.Index()))
	a.Date("day", dateOf(key.Day))
	a.String("label", drawproof.Label)
	a.Time("key_logged", key.Logged)
	a.String("key_hash", hex.EncodeToString(key.Hash[:]))
	if key.Published != 0 {
		a.String("key", hex.EncodeToString(key.Key[:]))
	} else {
		a.Int("key", 0)
		a.B = append(a.B[:len(a.B)-1], "null"...) // the one field of ours that may be null
	}
	bound, drawn := f.drawNames(entry)
	a.ArrayKey("candidates")
	for _, name := range bound {
		a.StringElem(name)
	}
	a.EndArray()
	a.ArrayKey("drawn")
	for _, name := range drawn {
		a.StringElem(name)
	}
	a.EndArray()
	a.Amount("acct_mulaid_pay", entry.Effect.Mulaid)
	a.ArrayKey("paid")
	own := ledger.Account(ledger.KindPersonal, entry.Effect.Patient)
	for _, l := range entry.Legs {
		if l.Account != own {
			a.Begin()
			a.String("name", f.drawName(entry.Position, l.Account))
			a.Amount("amount", -l.Amount)
			a.End()
		}
	}
	a.EndArray()
	a.End()
	c.OK(200)
}

// drawNames are the candidates' names in binding order and in drawn order.
func (f *face) drawNames(entry *engine.Entry) (bound, drawn []string) {
	bound, drawn = make([]string, len(entry.Drawn)), make([]string, len(entry.Drawn))
	for i, candidate := range entry.Drawn {
		drawn[i] = f.drawName(entry.Position, candidate.Account())
		bound[candidate.Rank] = drawn[i]
	}
	return bound, drawn
}

// drawName is an account's name in one draw: keyed, so that it cannot be found by trying all accounts, and different in every draw.
func (f *face) drawName(p ledger.Position, account ledger.AccountID) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(p))
	binary.BigEndian.PutUint64(b[8:], uint64(account))
	name := f.engine.Pseudonym(drawPseudonym, b[:])
	return hex.EncodeToString(name[:])
}
