package rest

import (
	"math"
	"sync"
	"sync/atomic"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// billKind is what the clearing category of a bill depends on (R16): kind of care, insurance, kind of institution.
type billKind struct {
	medType, insutype uint32
	place             uint8
}

// clrTables remembers the tables of clearing categories of all policies, as each settlement answer needs one: that of the policy in force at its time,
// whatever holds now. Policies come by activatePolicy alone, which holds activating and makes the generation odd while one is under way: what is
// remembered is used only if no policy has come since it was read.
type clrTables struct {
	activating sync.Mutex
	generation atomic.Uint64
	last       atomic.Pointer[clrList]
}

type clrList struct {
	generation uint64
	rows       []clrRow // in the order of the log
}

type clrRow struct {
	from    int64           // ms
	at      ledger.Position // of the policy's command
	profile *policy.Profile // nil: logged without a text
}

// begin says that a policy is under way; the function it gives ends that.
func (t *clrTables) begin() (end func()) {
	t.activating.Lock()
	t.generation.Add(1)
	return func() {
		t.generation.Add(1)
		t.activating.Unlock()
	}
}

// nextPosition stands for the position of a command that would come now.
const nextPosition = ledger.Position(math.MaxUint64)

// clrType is the clearing category of a bill that was settled at a position, at ms of ledger time (R16).
func (f *face) clrType(at ledger.Position, ms int64, b billKind) (string, api.Problem) {
	list, p := f.clrLists()
	if p.Code != "" {
		return "", p
	}
	return list.clrType(at, ms, b), api.Problem{}
}

// clrLists are the tables of all policies that any command executed by now was decided under.
func (f *face) clrLists() (*clrList, api.Problem) {
	list := f.clrTypes.last.Load()
	if list == nil || list.generation != f.clrTypes.generation.Load() {
		return f.loadClrTypes(list)
	}
	return list, api.Problem{}
}

func (l *clrList) clrType(at ledger.Position, ms int64, b billKind) string {
	var found *clrRow
	for i := range l.rows { // a policy holds from the batch behind its own on
		if r := &l.rows[i]; r.from <= ms && r.at.Sequence() < at.Sequence() && (found == nil || r.from >= found.from) {
			found = r
		}
	}
	if found == nil || found.profile == nil {
		return clrType(b.medType, b.place)
	}
	var med, insu [10]byte
	return found.profile.ClrType(string(codeText(med[:0], b.medType)), string('0'+rune(b.place)), string(codeText(insu[:0], b.insutype)))
}

// loadClrTypes reads all policies; texts that old has are not parsed again.
func (f *face) loadClrTypes(old *clrList) (*clrList, api.Problem) {
	list := &clrList{generation: f.clrTypes.generation.Load()}
	var rows []ledger.Policy
	if p := f.ask(func(v engine.View) {
		for i := uint32(0); i < v.State.Policies.Len(); i++ {
			rows = append(rows, *v.State.Policies.At(i))
		}
	}); p.Code != "" {
		return nil, p
	}
	for i := range rows {
		row := clrRow{from: rows[i].EffectiveFrom, at: rows[i].At}
		if old != nil && i < len(old.rows) {
			row.profile = old.rows[i].profile
		} else if text, err := f.policyText(&rows[i]); err != nil {
			return nil, api.Problem{Code: api.CodeUnavailable}
		} else if profile, err := policy.Parse("text", text); err == nil {
			row.profile = profile
		}
		list.rows = append(list.rows, row)
	}
	if list.generation%2 == 0 {
		f.clrTypes.last.Store(list) // a generation that is over by now is never asked for
	}
	return list, api.Problem{}
}
