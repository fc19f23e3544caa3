package nhsa

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"gongji/api"
	signature "gongji/api/nhsa/sign"
	"gongji/engine/ledger"
)

// Guard opens requests and seals answers by a region's signature scheme, and counts what it refuses. Any goroutine.
type Guard struct {
	scheme  signature.Scheme
	set     *metrics.Set
	opened  *metrics.Counter
	refused [len(refusals)]*metrics.Counter // by signature.Kind; [0]: a caller who may not speak for the institution
}

// NewGuard makes the guard of a scheme. sign.None lets everybody speak for everybody: it is for listeners on the loopback address, and package api
// binds no other (R31).
func NewGuard(s signature.Scheme) *Guard {
	g := &Guard{scheme: s, set: metrics.NewSet()}
	g.opened = g.set.NewCounter("gongji_national_opened_total")
	for kind := range refusals {
		g.refused[kind] = g.set.NewCounter(fmt.Sprintf("gongji_national_refused_total{kind=%q}", refusals[kind].label))
	}
	return g
}

// Scheme is the scheme's name.
func (g *Guard) Scheme() string { return g.scheme.Name() }

// WriteMetrics writes what was opened and refused, in the Prometheus text format.
func (g *Guard) WriteMetrics(w io.Writer) { g.set.WritePrometheus(w) }

// refusals are what a kind of refusal is told as. A replay is 409: it may be a second delivery of a message that was executed, so
// whoever gets it knows nothing of the outcome.
var refusals = [...]struct {
	label  string
	status int
	code   code
	text   string
}{
	0:                   {"institution", 403, "caller_not_allowed", "签名方无权代表该定点医药机构"},
	signature.Missing:   {"missing", 401, "signature_missing", "缺少签名所需的内容"},
	signature.Expired:   {"expired", 401, "signature_expired", "签名时间超出允许范围，请校准时钟"},
	signature.Unknown:   {"unknown", 401, "unknown_caller", "签名方未登记"},
	signature.Differs:   {"differs", 401, "signature_differs", "签名不符"},
	signature.Malformed: {"malformed", 400, "signature_malformed", "签名内容格式不符"},
	signature.Replayed:  {"replayed", 409, "signature_replayed", "该签名已使用过；如未收到应答，请用原报文ID重新签名发送或发起冲正（2601）"},
	signature.Busy:      {"busy", 503, codeBusy, "系统繁忙，本次未处理，请稍后重试"},
}

// refuse counts a refusal and makes a transport error of it. where is a header or field of the scheme, never a value.
func (g *Guard) refuse(kind signature.Kind, where string) fault {
	if int(kind) >= len(refusals) {
		kind = signature.Malformed
	}
	g.refused[kind].Inc()
	r := &refusals[kind]
	return fault{code: r.code, where: where, text: r.text, status: r.status}
}

// sender is who sent a message, and what he proves with it.
type sender struct {
	who       *signature.Caller // nil: nobody known
	passwords ledger.Passwords  // buffer of the command's
}

// wire is a call as schemes see it.
type wire struct{ *api.Call }

// Peek gives a header of the request that stands there once.
func (w wire) Peek(name string) []byte { return w.Call.SingleHeader(name) }

// Set sets a header of the answer.
func (w wire) Set(name, value string) { w.Call.SetHeader(name, value) }

// unseal verifies a request and gives the message in it.
func (f *face) unseal(m *message, body []byte) ([]byte, fault) {
	g := f.opt.Guard
	plain, who, err := g.scheme.Open(wire{m.call}, body, time.UnixMilli(m.gotMS))
	if err != nil {
		var r signature.Refusal
		if !errors.As(err, &r) {
			r.Kind = signature.Malformed
		}
		return nil, g.refuse(r.Kind, r.Name)
	}
	m.who = who
	g.opened.Inc()
	return plain, fault{}
}

// mayUse refuses a caller who speaks for an institution that is not his.
func (f *face) mayUse(m *message) fault {
	if m.who.MayUse(m.header(envCode)) {
		return fault{}
	}
	return f.opt.Guard.refuse(0, envelope.fields[envCode].name)
}

// send seals and sends an answer: a message, or a file (application/octet-stream), which not every scheme can seal (sign.SealsFiles). Whoever is
// not known is answered in the clear: there is nobody to seal it for, and a signed refusal of a stranger's making could be shown to others.
func (f *face) send(m *message, status int, media string, body []byte) {
	g := f.opt.Guard
	if m.who != nil && (media != mediaFile || signature.SealsFiles(g.scheme.Name())) {
		sealed, err := g.scheme.Seal(wire{m.call}, m.who, body, time.UnixMilli(f.engine.NowMS()))
		if err != nil { // a bug; what was asked for may have been done
			m.call.Fail(api.Problem{Code: api.CodeInternal, IDUsed: api.IDUnknown})
			return
		}
		body = sealed
	}
	m.call.Send(status, media, body)
}

const (
	mediaMessage = "application/json"
	mediaFile    = "application/octet-stream"
)
