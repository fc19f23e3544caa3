package rest

import (
	"math"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
)

// areaDues is GET /v1/clearing/areas (R18): what pooling areas came to owe each other over ledger days, by owing and claiming area; without days since
// the beginning. Amounts may be below 0: then more was given back than paid in these days.
func (f *face) areaDues(c *api.Call) {
	from, to, x := readDays(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	var dues []ledger.Due
	var sequence uint64
	if p := f.ask(func(v engine.View) { sequence, dues = v.Sequence, v.State.Dues(from, to) }); p.Code != "" {
		c.Fail(p)
		return
	}
	a := &c.Out
	a.Begin()
	if from != math.MinInt32 {
		a.Date("from", dateOf(from))
	}
	if to != math.MaxInt32 {
		a.Date("to", dateOf(to))
	}
	var total int64
	a.ArrayKey("dues")
	for _, d := range dues {
		var code [10]byte
		a.Begin()
		a.Bytes("owing_area", codeText(code[:0], d.Owing))
		a.Bytes("claiming_area", codeText(code[:0], d.Claiming))
		a.Amount("amount", d.Amount)
		a.End()
		total += d.Amount
	}
	a.EndArray()
	a.Amount("total", total)
	a.Uint("sequence", sequence)
	a.End()
	c.OK(200)
}

// readDays reads ?from=&to=, both included; a day that is not given is no bound.
func readDays(c *api.Call) (from, to int32, x fault) {
	from, to = math.MinInt32, math.MaxInt32
	values, x := readQuery(c, "from", "to")
	if x.bad() {
		return from, to, x
	}
	ok := true
	if v := values[0]; v != nil {
		if from, ok = parseDay(v); !ok {
			return from, to, badValue("from")
		}
	}
	if v := values[1]; v != nil {
		if to, ok = parseDay(v); !ok || to < from {
			return from, to, badValue("to")
		}
	}
	return from, to, fault{}
}
