package rest

import (
	"sync"
	"sync/atomic"
	"time"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
)

// Options of the face. The zero value of each field is its default.
type Options struct {
	// Deadline for the answer of one call; after it the outcome is unknown (R9). 0: DeadlineDefault.
	Deadline time.Duration
	// Institutions, if set, bounds settlements and reversals of each fixmedins_code; the key is what the caller says as long as callers
	// are not authenticated.
	Institutions *api.Limiter
	// TombstonesMax bounds open tombstones of an institution and day. 0: TombstonesMaxDefault.
	TombstonesMax int
	// Vouchers resolves e-vouchers (mdtrt_cert_type 01). nil: the engine's verifier of test tokens.
	Vouchers engine.VoucherVerifier
}

const (
	// DeadlineDefault is reliability.md S7: "per-request deadline 3 s".
	DeadlineDefault = 3 * time.Second
	// TombstonesMaxDefault is a guess on the safe side: a reversal overtakes its settlement only when an answer was lost, and the largest
	// hospitals send some 20,000 bills a day, so 1,000 is one in twenty lost.
	TombstonesMaxDefault = 1_000
)

// face is what the handlers share. All goroutines use it.
type face struct {
	engine   *engine.Engine
	opt      Options
	works    sync.Pool
	lots     sync.Pool // of settlements
	types    institutionTypes
	letters  letters
	clrTypes *ClrTypes
	started  time.Time
	results  atomic.Int64 // result files of runs being sent
	walks    atomic.Int64 // questions that read rows of institutions
}

// Routes are the calls of api.md as far as the ledger has them, on engine e, which must outlive the server they are given to.
func Routes(e *engine.Engine, opt Options) []api.Route {
	f := newFace(e, opt)
	var routes []api.Route
	for _, c := range f.calls() {
		routes = append(routes, c.Route)
	}
	return routes
}

func newFace(e *engine.Engine, opt Options) *face {
	if opt.Deadline == 0 {
		opt.Deadline = DeadlineDefault
	}
	if opt.TombstonesMax == 0 {
		opt.TombstonesMax = TombstonesMaxDefault
	}
	if opt.Vouchers == nil && e != nil {
		opt.Vouchers = e.TestVouchers()
	}
	f := &face{engine: e, opt: opt, types: newInstitutionTypes(), clrTypes: NewClrTypes(e, opt.Deadline), started: time.Now()}
	f.works.New = func() any { return newWork(opt.Deadline) }
	f.lots.New = func() any { return f.newLot() }
	return f
}

// allow counts a call of an institution against its rate.
func (f *face) allow(code *ledger.Code) (ok bool, after time.Duration) {
	if f.opt.Institutions == nil {
		return true, 0
	}
	return f.opt.Institutions.Allow(code.Bytes(), int64(time.Since(f.started)))
}
