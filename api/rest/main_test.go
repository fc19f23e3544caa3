package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's clock for the Date header lives as long as the process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Its worker pool's cleaner looks at the stop channel only once in 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// fakeClock is ledger time that tests move; both clocks step together, so no step is noticed. It goes 1 ms a look, and there is one a batch.
type fakeClock struct{ ms, jump, jumpAt atomic.Int64 }

// Wall is the time of day; jump is what somebody has put it forward by, at once or (jumpAt) from the look at that ms on.
func (c *fakeClock) Wall() int64 {
	now := c.ms.Add(1)
	if now < c.jumpAt.Load() {
		return now
	}
	return now + c.jump.Load()
}
func (c *fakeClock) Monotonic() int64 { return c.ms.Load() }

// noon is 2026-03-10 12:00 at +08:00.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.FixedZone("", 8*3600)).UnixMilli()

// fixture is a real engine on a directory of its own behind a real server.
type fixture struct {
	t        testing.TB
	engine   *engine.Engine
	clock    *fakeClock
	server   *api.Server
	client   *http.Client
	business string
	admin    string
	serial   int
	document *document // answers are compared with it
}

type setup struct {
	policy ledger.Policy
	rest   Options
	engine func(*engine.Options) // may be nil
	dir    string                // of a ledger that a test starts again; "": a new one
	log    io.Writer             // nil: nowhere
}

func openEngine(t testing.TB, with setup) (*engine.Engine, *fakeClock) {
	t.Helper()
	dir, policy := with.dir, with.policy
	if dir == "" {
		dir = t.TempDir()
	}
	clock := &fakeClock{}
	clock.ms.Store(noon)
	if policy.Version == 0 {
		policy = engine.Hubei
	}
	o := engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, Clock: clock,
		FirstPolicy: policy, HousekeepingInterval: -1, Fatal: func(err error) { t.Errorf("engine: %v", err) }}
	if with.engine != nil {
		with.engine(&o)
	}
	e, err := engine.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e, clock
}

func start(t testing.TB, with setup) *fixture {
	t.Helper()
	f := &fixture{t: t, client: &http.Client{Timeout: 20 * time.Second}, document: readDocument(t)}
	f.engine, f.clock = openEngine(t, with)
	var err error
	o := api.Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Ready: f.engine.Ready}
	if with.log != nil {
		o.Log = zerolog.New(with.log)
	}
	f.server, err = api.New(o, Routes(f.engine, with.rest))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.server.Listen(); err != nil {
		t.Fatal(err)
	}
	f.business, f.admin = "http://"+f.server.BusinessAddr(), "http://"+f.server.AdminAddr()
	served := make(chan error, 1)
	go func() { served <- f.server.Serve() }()
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := f.server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return f
}

// answer is what came back.
type answer struct {
	t        testing.TB
	status   int
	replayed bool
	retry    string
	media    string
	text     string
	json     map[string]any
}

func (a *answer) str(path string) string {
	v := a.at(path)
	switch v := v.(type) {
	case nil:
		return ""
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	case string:
		return v
	}
	a.t.Fatalf("%s is %T in %s", path, v, a.text)
	return ""
}

// at walks a dotted path; numbers are places in lists.
func (a *answer) at(path string) any {
	var v any = a.json
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var i int
			fmt.Sscan(key, &i)
			if i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// want compares fields of the answer, given as path, value, path, value ...
func (a *answer) want(status int, pairs ...string) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.text)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := a.str(pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s is %q, want %q in %s", pairs[i], got, pairs[i+1], a.text)
		}
	}
	return a
}

func readAll(t testing.TB, resp *http.Response) []byte {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// send makes a call and checks what holds for every answer.
func (f *fixture) send(method, url, media, body string) *answer {
	f.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if method != "GET" {
		req.Header.Set("Content-Type", media)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text := readAll(f.t, resp)
	a := &answer{t: f.t, status: resp.StatusCode, text: string(text), media: resp.Header.Get("Content-Type"),
		replayed: resp.Header.Get("Idempotency-Replayed") == "true", retry: resp.Header.Get("Retry-After")}
	if strings.Contains(a.media, "json") && a.media != mediaNDJSON {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&a.json); err != nil {
			f.t.Fatalf("%s %s: %v in %s", method, url, err, text)
		}
	}
	if a.status >= 400 && a.media != "application/problem+json" {
		f.t.Errorf("%s %s: %d as %s", method, url, a.status, a.media)
	}
	if f.document != nil {
		f.document.check(f.t, method, url[strings.Index(url, "/v1"):], a)
	}
	return a
}

func (f *fixture) post(path, body string) *answer {
	f.t.Helper()
	return f.send("POST", f.business+path, "application/json", body)
}

func (f *fixture) postAdmin(path, body string) *answer {
	f.t.Helper()
	return f.send("POST", f.admin+path, "application/json", body)
}

func (f *fixture) get(path string) *answer {
	f.t.Helper()
	return f.send("GET", f.business+path, "", "")
}

func (f *fixture) getAdmin(path string) *answer {
	f.t.Helper()
	return f.send("GET", f.admin+path, "", "")
}

// sequence is the last batch of the log, behind everything admitted so far.
func (f *fixture) sequence() (n uint64) {
	f.t.Helper()
	if err := f.engine.Ask(func(v engine.View) { n = v.Sequence }); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// msgid makes a new message id.
func (f *fixture) msgid() string {
	f.serial++
	return fmt.Sprintf("M%08d", f.serial)
}

// someone is a person of a test.
type someone struct{ psnNo, certno string }

// certnoOf is a valid identity number: order makes it unique.
func certnoOf(order int) string {
	digits := fmt.Sprintf("9901%02d19%02d01%02d%03d", order/1000000%100, order/28000%100, order/1000%28+1, order%1000)
	sum := 0
	for _, c := range digits { // ISO 7064 MOD 11-2
		sum = (sum + int(c-'0')) * 2 % 11
	}
	return digits + string("0123456789X"[(12-sum)%11])
}

// newPerson adds a person: employed with an account, or a resident without.
func (f *fixture) newPerson(account bool) someone {
	f.t.Helper()
	f.serial++
	p := someone{psnNo: fmt.Sprintf("4201%010d", f.serial), certno: certnoOf(f.serial)}
	f.postAdmin("/v1/persons", personBody(p, account)).want(201, "psn_no", p.psnNo)
	return p
}

func personBody(p someone, account bool) string {
	insutype := "390"
	if account {
		insutype = "310"
	}
	return fmt.Sprintf(`{"psn_no":%q,"psn_cert_type":"01","certno":%q,"psn_name":"王小明","gend":"1","brdy":"1980-01-02","has_account":%t,`+
		`"evoucher_active":true,"enrolments":[{"insutype":%q,"psn_type":"11","flxempe_flag":"0","psn_insu_stas":"1","insuplc_admdvs":"420100",`+
		`"begndate":"2015-01-01"}]}`, p.psnNo, p.certno, account, insutype)
}

func (f *fixture) credit(p someone, amount string) {
	f.t.Helper()
	f.postAdmin("/v1/credits", fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"amount":%q,"source":"opening","business_date":"2026-03-10"}`,
		f.msgid(), p.psnNo, amount)).want(200, "amount", amount)
}

func (f *fixture) institution(kind string) string {
	f.t.Helper()
	f.serial++
	code := fmt.Sprintf("P%011d", f.serial)
	f.postAdmin("/v1/institutions", fmt.Sprintf(`{"fixmedins_code":%q,"fixmedins_name":"示范药店","fixmedins_type":%q,"admdvs":"420100"}`, code, kind)).
		want(200, "fixmedins_code", code)
	return code
}

func bindBody(msgid string, authorizer, user someone, more string) string {
	return fmt.Sprintf(`{"msgid":%q,"channel":"wechat","authorizer_psn_no":%q,"user_cert_type":"01","user_certno":%q,"relation":"5",`+
		`"auth":{"method":"evoucher","txn_no":"T1","time":"2026-03-10T11:58:00+08:00"},"data_consent_at":"2026-03-10T11:57:00+08:00",`+
		`"commitment":{"version":"1","accepted_at":"2026-03-10T11:59:00+08:00","declaration":"本人自愿"}%s}`, msgid, authorizer.psnNo, user.certno, more)
}

func (f *fixture) bind(authorizer, user someone, more string) string {
	f.t.Helper()
	return f.post("/v1/bindings", bindBody(f.msgid(), authorizer, user, more)).want(200, "state", "active").str("binding_id")
}

// bill is a settlement in the making.
type bill struct {
	msgid, code                                 string
	patient                                     someone
	medfee, fund, inscp, preself, overlmt, fula string
	more                                        string
}

func (b bill) body() string {
	zero := func(s string) string {
		if s == "" {
			return "0.00"
		}
		return s
	}
	id := ""
	if b.msgid != "" {
		id = fmt.Sprintf(`"msgid":%q,`, b.msgid)
	}
	return fmt.Sprintf(`{%s"fixmedins_code":%q,"psn_no":%q,"mdtrt_cert_type":"02","mdtrt_cert_no":%q,"med_type":"11","insutype":"390",`+
		`"medfee_sumamt":%q,"fund_pay_sumamt":%q,"preselfpay_amt":%q,"inscp_scp_amt":%q,"overlmt_selfpay":%q,"fulamt_ownpay_amt":%q,`+
		`"opter":"0001","opter_name":"收费员"%s}`, id, b.code, b.patient.psnNo, b.patient.certno, b.medfee, zero(b.fund), zero(b.preself), zero(b.inscp),
		zero(b.overlmt), zero(b.fula), b.more)
}

// balance is the personal account of a person.
func (f *fixture) balance(p someone) string {
	f.t.Helper()
	return f.get("/v1/persons/" + p.psnNo).want(200).str("accounts.0.balc")
}
