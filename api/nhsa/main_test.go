package nhsa

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
	"unicode/utf8"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"gongji/api"
	"gongji/api/nhsa/catalogue"
	"gongji/api/nhsa/fund"
	"gongji/api/rest"
	"gongji/engine"
	"gongji/engine/ledger"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's clock for the Date header lives as long as the process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Its worker pool's cleaner looks at the stop channel only once in 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"))
}

// fakeClock is ledger time that tests move. It goes 1 ms a look.
type fakeClock struct{ ms atomic.Int64 }

func (c *fakeClock) Wall() int64      { return c.ms.Add(1) }
func (c *fakeClock) Monotonic() int64 { return c.ms.Load() }

// noon is 2026-03-10 12:00 at +08:00.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.FixedZone("", 8*3600)).UnixMilli()

// fixture is a real engine on a directory of its own behind a real server with both faces.
type fixture struct {
	t        testing.TB
	engine   *engine.Engine
	face     *face
	clock    *fakeClock
	server   *api.Server
	client   *http.Client
	business string
	admin    string
	serial   int
}

type setup struct {
	opt    Options
	log    io.Writer // nil: nowhere
	noCalc bool      // nothing in the catalogue, no fund
	more   func(*engine.Engine) []api.Route
}

// ratioText: the fund pays 60 % of outpatient care of residents, nothing at pharmacies but of special drugs.
const ratioText = "gongji fund ratios 1\ttest\ninsutype\tmed_type\tfixmedins_type\thosp_lv\tbegndate\tenddate\tfund_ratio\n" +
	"390\t11\tany\tany\t2025-01-01\tnull\t0.6\nany\t18\tany\tany\t2025-01-01\tnull\t0.7\n"

func testRatios(t testing.TB) *fund.Ratios {
	t.Helper()
	r, err := fund.LoadRatios(strings.NewReader(ratioText))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openEngine(t testing.TB) (*engine.Engine, *fakeClock) {
	t.Helper()
	dir, clock := t.TempDir(), &fakeClock{}
	clock.ms.Store(noon)
	e, err := engine.Open(engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, Clock: clock,
		FirstPolicy: engine.Hubei, HousekeepingInterval: -1, Fatal: func(err error) { t.Errorf("engine: %v", err) }})
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

func (s *setup) options(t testing.TB) Options {
	o := s.opt
	if !s.noCalc {
		if o.Classifier == nil {
			o.Classifier = catalogue.MustDemo()
		}
		if o.Fund == nil {
			o.Fund = testRatios(t)
		}
	}
	return o
}

func start(t testing.TB, with setup) *fixture {
	t.Helper()
	f := &fixture{t: t, client: &http.Client{Timeout: 20 * time.Second}}
	f.engine, f.clock = openEngine(t)
	f.face = newFace(f.engine, with.options(t))
	var err error
	o := api.Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Ready: f.engine.Ready}
	if with.log != nil {
		o.Log, o.AccessLog = zerolog.New(with.log), api.LogAll
	}
	routes := append(rest.Routes(f.engine, rest.Options{}), f.face.routes()...)
	if with.more != nil {
		routes = append(routes, with.more(f.engine)...)
	}
	f.server, err = api.New(o, routes)
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
	t      testing.TB
	status int
	text   string
	json   map[string]any
	header http.Header
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

func (a *answer) str(path string) string {
	switch v := a.at(path).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// ok compares fields of an accepted answer's output, given as path, value, path, value ...
func (a *answer) ok(pairs ...string) *answer {
	a.t.Helper()
	if a.status != 200 || a.str("infcode") != "0" {
		a.t.Fatalf("status %d: %s", a.status, a.text)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := a.str("output." + pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s is %q, want %q in %s", pairs[i], got, pairs[i+1], a.text)
		}
	}
	return a
}

// refused wants infcode -1 with a code and a place.
func (a *answer) refused(code, where string) *answer {
	a.t.Helper()
	head := "[" + code + "] "
	if where != "" {
		head += where
	}
	if a.status != 200 || a.str("infcode") != "-1" || !strings.HasPrefix(a.str("err_msg"), head) {
		a.t.Fatalf("status %d, want infcode -1 with %q: %s", a.status, head, a.text)
	}
	if rest := strings.TrimPrefix(a.str("err_msg"), head); where != "" && !strings.HasPrefix(rest, "：") && !strings.HasPrefix(rest, " ") {
		a.t.Errorf("a longer place than %q: %s", where, a.text)
	}
	return a
}

// send posts a message and checks what holds for every answer.
func (f *fixture) send(path, body string) *answer {
	f.t.Helper()
	return f.sendAs(path, "application/json", body)
}

func (f *fixture) sendAs(path, media, body string) *answer {
	f.t.Helper()
	resp, err := f.client.Post(f.business+path, media, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	a := &answer{t: f.t, status: resp.StatusCode, text: string(text), header: resp.Header}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&a.json); err != nil {
		f.t.Fatalf("%s: %v in %s", path, err, text)
	}
	if resp.Header.Get("Content-Type") == "application/json" {
		checkEnvelope(f.t, a)
	}
	return a
}

// checkEnvelope holds an answer against nhsa-interface.md 1.3.
func checkEnvelope(t testing.TB, a *answer) {
	t.Helper()
	if c := a.str("infcode"); c != "0" && c != "-1" {
		t.Errorf("infcode %s", c)
	}
	for name, length := range map[string]int{"inf_refmsgid": 30, "refmsg_time": 17, "respond_time": 17} {
		s := a.str(name)
		if len(s) != length || strings.Trim(s, "0123456789") != "" {
			t.Errorf("%s is %q", name, s)
		}
	}
	if id := a.str("inf_refmsgid"); len(id) == 30 && id[6:20] != a.str("refmsg_time")[:14] {
		t.Errorf("time in %s is not refmsg_time", id)
	}
	if a.str("respond_time") < a.str("refmsg_time") {
		t.Errorf("answered before it came: %s", a.text)
	}
	msg := a.str("err_msg")
	if n := utf8.RuneCountInString(msg); n > errMsgMax || (n == 0) != (a.str("infcode") == "0") {
		t.Errorf("err_msg of %d characters: %s", n, a.text)
	}
	if out, ok := a.at("output").(map[string]any); !ok || msg != "" && len(out) != 0 {
		t.Errorf("output: %s", a.text)
	}
}

// v1 posts to the other face; admin to its operators' listener.
func (f *fixture) v1(base, path, media, body string) *answer {
	f.t.Helper()
	resp, err := f.client.Post(base+path, media, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	return f.readV1(resp)
}

func (f *fixture) get(base, path string) *answer {
	f.t.Helper()
	resp, err := f.client.Get(base + path)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.readV1(resp)
}

func (f *fixture) readV1(resp *http.Response) *answer {
	f.t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	a := &answer{t: f.t, status: resp.StatusCode, text: string(text), header: resp.Header}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&a.json); err != nil {
		f.t.Fatalf("%v in %s", err, text)
	}
	return a
}

func (f *fixture) setUp(path, body string) *answer {
	f.t.Helper()
	a := f.v1(f.admin, path, "application/json", body)
	if a.status/100 != 2 {
		f.t.Fatalf("%s: %d %s", path, a.status, a.text)
	}
	return a
}

// msgid makes a new message id in the shape that senders use.
func (f *fixture) msgid() string {
	f.serial++
	return fmt.Sprintf("P4201000000120260310%010d", f.serial)
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
	insutype := "390"
	if account {
		insutype = "310"
	}
	f.setUp("/v1/persons", fmt.Sprintf(`{"psn_no":%q,"psn_cert_type":"01","certno":%q,"psn_name":"王小明","gend":"1","brdy":"1980-01-02","has_account":%t,`+
		`"evoucher_active":true,"enrolments":[{"insutype":%q,"psn_type":"11","flxempe_flag":"0","psn_insu_stas":"1","insuplc_admdvs":"420100",`+
		`"begndate":"2015-01-01"}]}`, p.psnNo, p.certno, account, insutype))
	return p
}

func (f *fixture) credit(p someone, amount string) {
	f.t.Helper()
	f.setUp("/v1/credits", fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"amount":%q,"source":"opening","business_date":"2026-03-10"}`, f.msgid(), p.psnNo, amount))
}

func (f *fixture) institution(code, kind string) string {
	f.t.Helper()
	f.setUp("/v1/institutions", fmt.Sprintf(`{"fixmedins_code":%q,"fixmedins_name":"示范大药房","fixmedins_type":%q,"admdvs":"420100"}`, code, kind))
	return code
}

func (f *fixture) bind(authorizer, user someone) {
	f.t.Helper()
	a := f.v1(f.business, "/v1/bindings", "application/json", fmt.Sprintf(`{"msgid":%q,"channel":"wechat","authorizer_psn_no":%q,"user_cert_type":"01","user_certno":%q,"relation":"5",`+
		`"auth":{"method":"evoucher","txn_no":"T1","time":"2026-03-10T11:58:00+08:00"},"data_consent_at":"2026-03-10T11:57:00+08:00",`+
		`"commitment":{"version":"1","accepted_at":"2026-03-10T11:59:00+08:00","declaration":"本人自愿"}}`, f.msgid(), authorizer.psnNo, user.certno))
	if a.str("state") != "active" {
		f.t.Fatalf("binding: %s", a.text)
	}
}

// balance is the personal account of a person.
func (f *fixture) balance(p someone) string {
	f.t.Helper()
	return f.get(f.business, "/v1/persons/"+p.psnNo).str("accounts.0.balc")
}

// sequence is the last batch of the log, behind everything admitted so far.
func (f *fixture) sequence() (n uint64) {
	f.t.Helper()
	if err := f.engine.Ask(func(v engine.View) { n = v.Sequence }); err != nil {
		f.t.Fatal(err)
	}
	return n
}

const shopCode = "P42010000001"

// sent is a message in the making: envelope fields and input as JSON text, by name, in the order of the table.
type sent struct {
	infno, msgid, code, input string
	with                      map[string]string // other envelope fields, as JSON
}

func (s sent) body() string {
	if s.code == "" {
		s.code = shopCode
	}
	values := map[string]string{"infno": quote(s.infno), "msgid": quote(s.msgid), "mdtrtarea_admvs": `"420100"`, "insuplc_admdvs": `"420100"`, "recer_sys_code": `"YBXT"`,
		"dev_no": `""`, "dev_safe_info": `""`, "cainfo": `""`, "signtype": `""`, "infver": `"V1.0"`, "opter_type": `"1"`, "opter": `"0001"`, "opter_name": `"收费员"`,
		"inf_time": `"2026-03-10 12:00:00"`, "fixmedins_code": quote(s.code), "fixmedins_name": `"示范大药房"`, "sign_no": `"null"`, "input": s.input}
	for name, v := range s.with {
		values[name] = v
	}
	var parts []string
	for i := range envelope.fields {
		if v := values[envelope.fields[i].name]; v != "-" {
			parts = append(parts, quote(envelope.fields[i].name)+":"+v)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quote(s string) string { b, _ := json.Marshal(s); return string(b) }

// line is a fee line: code, count, price, amount as they are written.
type line struct{ sn, code, count, price, amount string }

func (l line) json() string {
	return fmt.Sprintf(`{"feedetl_sn":%s,"rxno":"","rx_circ_flag":"0","fee_ocur_time":"2026-03-10 11:59:00","med_list_codg":%q,"medins_list_codg":"Y1",`+
		`"det_item_fee_sumamt":%s,"cnt":%s,"pric":%s,"sin_dos_dscr":"","used_frqu_dscr":"","prd_days":0,"medc_way_dscr":"","bilg_dr_codg":"","bilg_dr_name":"","tcmdrug_used_way":"","exp_content":""}`,
		l.sn, l.code, l.amount, l.count, l.price)
}

// bought is the input of 2101 and 2102.
type bought struct {
	who              someone
	insutype, care   string
	used, total      string
	certType, certNo string
	cardSN           string
	lines            []line
}

func (b bought) input() string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	var lines []string
	for _, l := range b.lines {
		lines = append(lines, l.json())
	}
	return fmt.Sprintf(`{"druginfo":{"psn_no":%q,"mdtrt_cert_type":%q,"mdtrt_cert_no":%q,"card_sn":%q,"psn_cert_type":"01","certno":%q,"psn_type":"11","psn_name":"王小明",`+
		`"begntime":"2026-03-10 11:58:00","medfee_sumamt":%s,"insutype":%q,"dise_codg":"","dise_name":"","acct_used_flag":%q,"med_type":%q,"exp_content":"","invono":"F1"},"drugdetail":[%s]}`,
		b.who.psnNo, or(b.certType, "02"), or(b.certNo, b.who.certno), b.cardSN, b.who.certno, b.total, or(b.insutype, "310"), or(b.used, "1"), or(b.care, "41"), strings.Join(lines, ","))
}

// three lines of the demo catalogue: class A below its ceiling, class B above it, outside. 25.00 + 40.00 + 10.00 = 75.00.
var threeLines = []line{
	{"1", "XA01DEMO0001", "2", "12.5", "25.00"},
	{"2", "XA01DEMO0006", "2", "20", "40.00"},
	{"3", "UNKNOWN0001", "1", "10", "10.00"},
}

func (f *fixture) shop() string { return f.institution(shopCode, "2") }

// settle sends a 2102.
func (f *fixture) settle(msgid string, b bought) *answer {
	f.t.Helper()
	return f.send(pathCall, sent{infno: "2102", msgid: msgid, input: b.input()}.body())
}

func (f *fixture) cancel(msgid, setl, mdtrt string, p someone) *answer {
	f.t.Helper()
	return f.send(pathCall, sent{infno: "2103", msgid: msgid, input: fmt.Sprintf(`{"data":{"setl_id":%q,"mdtrt_id":%q,"psn_no":%q}}`, setl, mdtrt, p.psnNo)}.body())
}

func (f *fixture) reverse(msgid, omsgid, oinfno string, p someone) *answer {
	f.t.Helper()
	return f.send(pathCall, sent{infno: "2601", msgid: msgid, input: fmt.Sprintf(`{"data":{"psn_no":%q,"omsgid":%q,"oinfno":%q}}`, p.psnNo, omsgid, oinfno)}.body())
}

// cardOf registers a social-security card.
func (f *fixture) card(p someone, number, sn string) {
	f.t.Helper()
	f.setUp("/v1/persons/"+p.psnNo+"/credentials", fmt.Sprintf(`{"msgid":%q,"type":"03","number":%q,"card_sn":%q,"state":"active"}`, f.msgid(), number, sn))
}

// voucher is a test token of a person, valid for an hour.
func (f *fixture) voucher(p someone) string {
	holder := f.engine.Pseudonym(certIdentity, []byte(p.certno))
	return string(f.engine.TestVouchers().Issue(holder, uint32(f.engine.NowMS()/1000+3600)))
}

func institutionOf(code string) ledger.Code { return ledger.NewCode([]byte(code)) }
