package nhsa

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gongji/api"
	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
	signature "gongji/api/nhsa/sign"
	"gongji/api/rest"
	"gongji/engine"
)

// Options of the face. The zero value of each field is its default.
type Options struct {
	// Deadline for the answer of one call; after it the outcome is unknown. 0: that of /v1.
	Deadline time.Duration
	// Institutions, if set, bounds settlements, cancels and reversals of each fixmedins_code; give /v1 the same.
	Institutions *api.Limiter
	// TombstonesMax bounds open tombstones of an institution and day (R13). 0: that of /v1.
	TombstonesMax int
	// Vouchers resolves e-vouchers. nil: the engine's verifier of test tokens.
	Vouchers engine.VoucherVerifier
	// Classifier works out the parts of a fee line (R3). nil: nothing is in the catalogue, all is full self-pay.
	Classifier Classifier
	// Fund works out what the pooled fund pays (R3). nil: nothing.
	Fund fund.Calculator
	// RequireSignIn refuses calls without the sign_no of a sign-in of the day, but for cancels, reversals and reconciliation (R30).
	RequireSignIn bool
	// StatementLevel and StatementDiffers are the two values of stmt_rslt. Empty: 0 and 1; Hubei has 000000 and 000103 (nhsa-interface.md 1.11).
	StatementLevel, StatementDiffers string
	// Guard opens requests and seals answers. nil: scheme none.
	Guard *Guard
}

// Classifier works out the parts of a fee line (R3): a *catalogue.Catalogue. Any goroutine; no allocation.
type Classifier interface {
	Version() string
	Classify(l *catalogue.Line) catalogue.Parts
}

// noCatalogue knows no code: full self-pay (R3).
type noCatalogue struct{}

func (noCatalogue) Version() string { return "none" }

func (noCatalogue) Classify(l *catalogue.Line) catalogue.Parts {
	return catalogue.Parts{Fulamt: l.Amount, SelfpayProp: powers[percent], Level: catalogue.ClassC, ChargeType: catalogue.ChargeOther, Why: catalogue.Unknown}
}

// face is what the handlers share. All goroutines use it.
type face struct {
	engine   *engine.Engine
	opt      Options
	table    map[string]*transaction
	messages sync.Pool
	places   places
	knobs    knobs
	clrTypes *rest.ClrTypes
	signed   signedOut
	serial   atomic.Uint64 // of inf_refmsgid
	signs    atomic.Uint64 // sign-ins, in their sign_no
	files    fileStore
	uploads  atomic.Int32 // under way
	walks    atomic.Int32 // statements under way
	started  time.Time
}

// transactions is the table of all, in the order of the specification. A further one is a line here and a file with its tables (DESIGN.md 2).
func transactions() []*transaction {
	return []*transaction{
		&personInfo, &institutionInfo, &benefitCheck,
		&purchasePreview, &purchaseSettle, &purchaseCancel,
		&registration, &registrationCancel, &visitUpload, &outpatientLines, &outpatientLinesCancel, &outpatientPreview, &outpatientSettle, &outpatientCancel,
		&inpatientLines, &inpatientLinesCancel, &inpatientPreview, &inpatientSettle, &inpatientCancel,
		&admission, &discharge, &admissionChange, &admissionCancel, &dischargeCancel,
		&reversal, &statementTotal, &statementDetail, &visitQuery, &settlementQuery, &signIn, &signOut,
		&fileUpload, &fileDownload,
	}
}

// Routes are the addresses of the national interface on engine e, which must outlive the server they are given to.
func Routes(e *engine.Engine, opt Options) []api.Route { return newFace(e, opt).routes() }

func (f *face) routes() []api.Route {
	routes := []api.Route{f.route(pathCall, nil), f.route(pathByNumber, nil)}
	for _, p := range servicePaths() {
		routes = append(routes, f.route(p.path, p.infnos))
	}
	for _, path := range append([]string{pathCall, pathByNumber}, fileUpload.paths...) {
		routes = append(routes, f.uploadRoutes(path)...)
	}
	return routes
}

// servicePath is an address of one service and what may be sent there.
type servicePath struct {
	path   string
	infnos map[string]bool
}

func servicePaths() []servicePath {
	var list []servicePath
	at := map[string]int{}
	for _, t := range transactions() {
		for _, p := range t.paths {
			if _, known := at[p]; !known {
				at[p] = len(list)
				list = append(list, servicePath{p, map[string]bool{}})
			}
			list[at[p]].infnos[t.infno] = true
		}
	}
	return list
}

func (f *face) route(path string, infnos map[string]bool) api.Route {
	name := "nhsa_call"
	switch {
	case strings.Contains(path, "{"):
		name = "nhsa_by_number"
	case infnos != nil:
		name = routeName(path)
	}
	return api.Route{Name: name, Method: "POST", Pattern: path, Listener: api.Business, Media: api.NationalJSON, BodyMax: api.NationalBodyMax,
		Handler: func(c *api.Call) { f.serve(c, infnos, path == pathByNumber) }}
}

// serialStep: inf_refmsgid has 10 digits of serial number (nhsa-interface.md 1.3).
const serials = 10_000_000_000

func newFace(e *engine.Engine, opt Options) *face {
	if opt.Deadline == 0 {
		opt.Deadline = rest.DeadlineDefault
	}
	if opt.TombstonesMax == 0 {
		opt.TombstonesMax = rest.TombstonesMaxDefault
	}
	if opt.Vouchers == nil && e != nil {
		opt.Vouchers = e.TestVouchers()
	}
	if opt.Classifier == nil {
		opt.Classifier = noCatalogue{}
	}
	if opt.Fund == nil {
		opt.Fund = fund.None{}
	}
	if opt.StatementLevel == "" {
		opt.StatementLevel = "0"
	}
	if opt.StatementDiffers == "" {
		opt.StatementDiffers = "1"
	}
	if opt.Guard == nil {
		opt.Guard = NewGuard(signature.None{})
	}
	f := &face{engine: e, opt: opt, table: map[string]*transaction{}, places: newPlaces(), clrTypes: rest.NewClrTypes(e, opt.Deadline), started: time.Now()}
	for _, t := range transactions() {
		f.table[t.infno] = t
	}
	f.files.begin(defaultFileLimits)
	f.messages.New = func() any { return newMessage(f.opt.Deadline) }
	// Behind the serials of an earlier process: those of the same second were fewer than its milliseconds since it started.
	f.serial.Store(uint64(time.Now().UnixMilli()))
	f.signs.Store(f.serial.Load())
	return f
}
