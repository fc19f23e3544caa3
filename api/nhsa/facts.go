package nhsa

import (
	"sync"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"

	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// place is what of an institution every answer needs; none of it ever changes.
type place struct {
	number uint32
	area   uint32
	kind   uint8 // fixmedins_type
	level  uint8 // hosp_lv
}

// places remembers institutions that the ledger knows, so it is bounded by theirs.
type places struct {
	byCode *xsync.MapOf[ledger.Code, place]
}

func newPlaces() places { return places{xsync.NewMapOf[ledger.Code, place]()} }

// placeOf gives the caller's institution. It is looked up before anything is logged: who is not registered uses up no message id.
func (f *face) placeOf(code ledger.Code) (place, fault) {
	if p, found := f.places.byCode.Load(code); found {
		return p, fault{}
	}
	return f.askPlace(code)
}

func (f *face) askPlace(code ledger.Code) (p place, x fault) {
	found := false
	if x := f.ask(func(v engine.View) {
		if p.number, found = v.State.FindInstitution(&code); found {
			row := v.State.Institutions.At(p.number)
			p.area, p.kind = row.Area, row.Type
		}
	}); x.bad() {
		return p, x
	}
	if !found {
		x := refused(ledger.UnknownInstitution)
		x.where = "fixmedins_code"
		return p, x
	}
	r, known, err := f.engine.Institution(p.number)
	if err != nil {
		return p, fault{code: codeUnavailable}
	}
	if known {
		p.level = r.Level
		f.places.byCode.Store(code, p)
	}
	return p, fault{}
}

// knobs remembers what of the regional profile only this face looks at, and the ledger's row does not have: fund_sum_includes_acct (R1). It is
// read from the profile's logged text. A new profile is seen knobsKeepMS after it has begun to hold at the latest; the answer of a settlement
// keeps its reading (DESIGN.md 5).
type knobs struct {
	mu      sync.Mutex // held by the one who asks
	sumAll  atomic.Bool
	policy  ledger.Position
	untilMS atomic.Int64

	passwords atomic.Bool // relatives' accounts are opened by passwords (R23)
}

// knobsKeepMS is how old the reading may be: one question a second is nothing beside the settlements of a second.
const knobsKeepMS = 1000

// sumIncludesAcct tells whether fund_pay_sumamt of an answer contains account money.
func (f *face) sumIncludesAcct(nowMS int64) (bool, fault) {
	k := &f.knobs
	if nowMS < k.untilMS.Load() {
		return k.sumAll.Load(), fault{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if nowMS < k.untilMS.Load() {
		return k.sumAll.Load(), fault{}
	}
	var row ledger.Policy
	found := false
	if x := f.ask(func(v engine.View) { row, found = v.State.PolicyAt(v.TimeMS) }); x.bad() {
		return false, x
	}
	if found && row.At != k.policy {
		entry, err := f.engine.Entry(row.At)
		if err != nil {
			return false, fault{code: codeUnavailable}
		}
		all := false // a policy logged without its text has the default
		if len(entry.Details.Text) > 0 {
			if p, err := policy.Parse("text", entry.Details.Text); err == nil {
				all = p.FundSumIncludesAcct
			}
		}
		k.sumAll.Store(all)
		k.passwords.Store(row.PasswordTries != 0)
		k.policy = row.At
	}
	k.untilMS.Store(nowMS + knobsKeepMS)
	return k.sumAll.Load(), fault{}
}
