package rest

import (
	"math"
	"sync/atomic"
	"time"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// BillKind is what the clearing category of a bill depends on (R16): kind of care, insurance, kind of institution.
type BillKind struct {
	MedType, Insutype uint32
	Place             uint8 // fixmedins_type
}

// ClrTypes remembers the tables of clearing categories of all policies, as each settlement answer needs one: that of the policy in force at its time,
// whatever holds now. Both faces have one. Any goroutine; nothing is asked and nothing allocated as long as no policy has come since the last look.
type ClrTypes struct {
	engine   *engine.Engine
	deadline time.Duration // of the question
	last     atomic.Pointer[ClrList]
}

// ClrList are the tables of all policies up to some place of the log.
type ClrList struct {
	rows []clrRow // in the order of the log
	memo [clrMemos]atomic.Pointer[clrMemo]
}

// clrMemos bounds the categories that a list remembers: some kinds of care times insurances times kinds of institution, each in the place that its kind leads to.
const clrMemos = 256

// clrMemo is a category found before.
type clrMemo struct {
	kind    BillKind
	profile *policy.Profile
	code    string
}

type clrRow struct {
	from    int64           // ms
	at      ledger.Position // of the policy's command
	profile *policy.Profile // nil: logged without a text
}

// NewClrTypes begins with nothing read.
func NewClrTypes(e *engine.Engine, deadline time.Duration) *ClrTypes {
	return &ClrTypes{engine: e, deadline: deadline}
}

// NextPosition stands for the position of a command that would come now: a preview's.
const NextPosition = ledger.Position(math.MaxUint64)

// Of is the clearing category of a bill that was settled at a position, at ms of ledger time (R16). Errors: those of a question to the engine.
func (t *ClrTypes) Of(at ledger.Position, ms int64, b BillKind) (string, error) {
	list, err := t.List()
	if err != nil {
		return "", err
	}
	return list.Of(at, ms, b), nil
}

// List are the tables of all policies that any command answered by now was decided under.
func (t *ClrTypes) List() (*ClrList, error) {
	list := t.last.Load()
	if list == nil || uint64(len(list.rows)) < t.engine.Policies() {
		return t.load(list)
	}
	return list, nil
}

// withoutText stands for policies that were logged without a text: all shipped profiles have the same table, that of nhsa-interface.md 1.11.
var withoutText = policy.MustShipped("hubei")

// Of is as ClrTypes.Of, of a settlement that had been answered when the list was taken.
func (l *ClrList) Of(at ledger.Position, ms int64, b BillKind) string {
	var found *clrRow
	for i := range l.rows { // a policy holds from the batch behind its own on
		if r := &l.rows[i]; r.from <= ms && r.at.Sequence() < at.Sequence() && (found == nil || r.from >= found.from) {
			found = r
		}
	}
	profile := withoutText
	if found != nil && found.profile != nil {
		profile = found.profile
	}
	place := &l.memo[(b.MedType*31+b.Insutype*7+uint32(b.Place))%clrMemos]
	if m := place.Load(); m != nil && m.kind == b && m.profile == profile {
		return m.code
	}
	code := clrTypeOf(profile, b)
	place.Store(&clrMemo{b, profile, code})
	return code
}

func clrTypeOf(profile *policy.Profile, b BillKind) string {
	var med, insu [10]byte
	return profile.ClrType(string(codeText(med[:0], b.MedType)), string('0'+rune(b.Place)), string(codeText(insu[:0], b.Insutype)))
}

// clrType is ClrTypes.Of as a handler wants it.
func (f *face) clrType(at ledger.Position, ms int64, b BillKind) (string, api.Problem) {
	clr, err := f.clrTypes.Of(at, ms, b)
	if err != nil {
		return "", notAdmitted(err)
	}
	return clr, api.Problem{}
}

// load reads all policies; texts that old has are not parsed again.
func (t *ClrTypes) load(old *ClrList) (*ClrList, error) {
	var rows []ledger.Policy
	if err := t.engine.AskWithin(t.deadline, func(v engine.View) {
		for i := uint32(0); i < v.State.Policies.Len(); i++ {
			rows = append(rows, *v.State.Policies.At(i))
		}
	}); err != nil {
		return nil, err
	}
	list := &ClrList{}
	for i := range rows {
		row := clrRow{from: rows[i].EffectiveFrom, at: rows[i].At}
		if old != nil && i < len(old.rows) {
			row.profile = old.rows[i].profile
		} else if entry, err := t.engine.Entry(row.at); err != nil {
			return nil, err
		} else if profile, err := policy.Parse("text", entry.Details.Text); err == nil {
			row.profile = profile
		}
		list.rows = append(list.rows, row)
	}
	t.last.Store(list) // one that is shorter than another's is read anew
	return list, nil
}
