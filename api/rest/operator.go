package rest

import (
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

var (
	institutionShape = strictjson.MustShape("fixmedins_code fixmedins_name fixmedins_type hosp_lv? admdvs")
	confirmShape     = strictjson.MustShape("confirm")
	copyShape        = strictjson.MustShape("name")
)

// institutionNameMax is C200 of the national interface; command.NameMax is 600 bytes.
const institutionNameMax = 200

// addInstitution is POST /v1/institutions. It has no message id: the code says who it is.
func (f *face) addInstitution(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var code, name, level []byte
	var kind int
	w := f.take()
	w.begin(ledger.KindInstitutionAdd)
	for d.Object(institutionShape); d.Next(); {
		switch d.Field() {
		case "fixmedins_code":
			if code = d.Token(codeMax); reservedCaller(code) {
				d.Refuse(strictjson.CodeBadValue)
			}
		case "fixmedins_name":
			if name = d.String(institutionNameMax, 3*institutionNameMax); len(name) == 0 {
				d.Refuse(strictjson.CodeBadValue)
			}
		case "fixmedins_type":
			kind = d.Enum(placeTypes) + 1
		case "hosp_lv":
			level = d.Digits(2, 2)
		case "admdvs":
			w.cmd.Area = area(d)
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		f.give(w)
		c.Fail(x.problem())
		return
	}
	w.cmd.Institution, w.cmd.InstitutionOf = ledger.NewCode(code), uint8(kind)
	w.details.Text, w.details.Caller = name, callerBureau
	if level != nil {
		w.details.Level = (level[0]-'0')*10 + level[1] - '0'
	}
	area := w.cmd.Area
	w.add()
	out, ok := f.accepted(c, w, sequencer.Structural)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.Bytes("fixmedins_code", code)
	a.Bytes("fixmedins_name", name)
	a.String("fixmedins_type", string('0'+rune(kind)))
	if level != nil {
		a.Bytes("hosp_lv", level)
	}
	var text [10]byte
	a.Bytes("admdvs", codeText(text[:0], area))
	a.Uint("sequence", out.position.Sequence())
	a.End()
	c.OK(200)
}

// totalsDeadline is longer than that of other calls: a walk over 134 million persons (README, Limits) takes 14 s at 0.1 s a million, and another
// may have to end before it.
const totalsDeadline = 30 * time.Second

// totals is GET /v1/ledger/totals: sums by account kind, which add to 0, and both digests, at the newest sequence or that of a kept checkpoint.
// A walk over all rows costs processor time: for operators, not for monitoring.
func (f *face) totals(c *api.Call) {
	wanted, x := readSequence(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	t, err := f.engine.Totals(totalsDeadline, wanted)
	switch {
	case errors.Is(err, engine.ErrSequence):
		c.Fail(fault{CodeSequence, "sequence"}.problem())
		return
	case err != nil:
		c.Fail(notAnswered(err))
		return
	}
	a := &c.Out
	a.Begin()
	a.Uint("sequence", t.Sequence)
	a.Time("time", t.TimeMS)
	a.BeginKey("totals")
	a.Amount("personal", t.Sums.Personal)
	a.Amount("family", t.Sums.Family)
	a.Amount("institution_payable", t.Sums.Institution)
	a.Amount("premium_payable", t.Sums.Premium)
	a.Amount("area_owed", t.Sums.AreaOwed)
	a.Amount("area_claimed", t.Sums.AreaClaimed)
	a.Amount("fund_bank", t.Sums.FundBank)
	a.Amount("funding", t.Sums.Funding)
	a.End()
	a.Amount("sum", t.Sums.Sum())
	a.String("state_hash", hex.EncodeToString(t.StateHash[:]))
	a.String("effect_chain", hex.EncodeToString(t.EffectChain[:]))
	a.String("log_chain", hex.EncodeToString(t.LogChain[:]))
	a.End()
	c.OK(200)
}

// readSequence reads ?sequence=; 0: the newest.
func readSequence(c *api.Call) (sequence uint64, x fault) {
	values, x := readQuery(c, "sequence")
	if x.bad() || values[0] == nil {
		return 0, x
	}
	n, err := strconv.ParseUint(string(values[0]), 10, 64)
	if err != nil || n == 0 {
		return 0, badValue("sequence")
	}
	return n, fault{}
}

// confirmClock is POST /v1/clock/confirm: an operator accepts the machine's clock after a step (design.md 1).
func (f *face) confirmClock(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	for d.Object(confirmShape); d.Next(); {
		if !d.Bool() {
			d.Refuse(strictjson.CodeBadValue)
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		c.Fail(x.problem())
		return
	}
	if err := f.engine.ConfirmClock(); err != nil {
		p := notAdmitted(err)
		if errors.Is(err, engine.ErrFailed) || p.Code == api.CodeInternal {
			p = unknownOutcome()
		}
		c.Fail(p)
		return
	}
	c.Out.Begin()
	c.Out.Bool("confirmed", true)
	c.Out.End()
	c.OK(200)
}

// copyNameMax bounds the name of a copy, which becomes a folder's.
const copyNameMax = 40

// copy is POST /v1/ledger/copies: a consistent copy of the running ledger beside its directory, for backup and for verify.
func (f *face) copy(c *api.Call) {
	d, ok := c.Decode()
	if !ok {
		return
	}
	var name []byte
	for d.Object(copyShape); d.Next(); {
		if name = d.Token(copyNameMax); !folderName(name) {
			d.Refuse(strictjson.CodeBadValue)
		}
	}
	if x := faultOf(d.Done()); x.bad() {
		c.Fail(x.problem())
		return
	}
	switch err := f.engine.Copy(string(name)); {
	case errors.Is(err, engine.ErrCopyExists):
		c.Fail(fault{CodeCopyExists, "name"}.problem())
		return
	case err != nil:
		c.Fail(api.Problem{Code: api.CodeInternal})
		return
	}
	c.Out.Begin()
	c.Out.Bytes("name", name)
	c.Out.End()
	c.OK(200)
}

// folderName takes letters, digits, "-" and "_": nothing that leads out of the folder of copies.
func folderName(b []byte) bool {
	for _, ch := range b {
		if ch-'0' > 9 && ch|0x20-'a' > 25 && ch != '-' && ch != '_' {
			return false
		}
	}
	return len(b) > 0
}

// document is GET /v1/openapi.json.
func (f *face) document(c *api.Call) { c.Send(200, "application/json", api.OpenAPI) }
