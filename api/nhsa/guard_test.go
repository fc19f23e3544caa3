package nhsa

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"gongji/api"
	signature "gongji/api/nhsa/sign"
	"gongji/engine"
	"gongji/engine/state"
)

const otherCode = "P42010000002"

// Secrets and names of the tests' key files. None may be seen in any answer or log.
const (
	callerName   = "ak-0001-of-tests"
	callerSecret = "secret-of-ak-0001"
	otherSecret  = "secret-of-ak-0002"
)

// schemeCases are the schemes in each of their forms; institution and platform tell what their files hold besides keys.
var schemeCases = map[string]struct{ scheme, head, headClient string }{
	"gateway":   {signature.SchemeGateway, "", "api_name = \"fsi\"\napi_version = \"1.0.0\"\n"},
	"xtif":      {signature.SchemeXTIF, "", ""},
	"sm2":       {signature.SchemeEnvelope, "empty_fields = \"signed\"\nsignature = \"der\"\n", "empty_fields = \"signed\"\nsignature = \"der\"\n"},
	"sm2 raw":   {signature.SchemeEnvelope, "empty_fields = \"left_out\"\nsignature = \"raw\"\n", "empty_fields = \"left_out\"\nsignature = \"raw\"\n"},
	"portal":    {signature.SchemePortal, "app_field = \"appCode\"\nsm4_mode = \"cbc\"\n", "app_field = \"appCode\"\nsm4_mode = \"cbc\"\n"},
	"portal id": {signature.SchemePortal, "app_field = \"appId\"\nsm4_mode = \"ecb\"\n", "app_field = \"appId\"\nsm4_mode = \"ecb\"\n"},
}

func sm2Pair(t testing.TB) (private, public string) {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e, err := k.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(k.D.FillBytes(make([]byte, 32))), hex.EncodeToString(e.PublicKey().Bytes())
}

func loadKeys(t testing.TB, text string) *signature.Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	keys, err := signature.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// sides makes the platform's guard, and the client of the institution shopCode. Another caller, of otherCode, is in the platform's file.
func sides(t testing.TB, name string) (*Guard, signature.Client) {
	t.Helper()
	x := schemeCases[name]
	private, public := sm2Pair(t)
	_, otherPublic := sm2Pair(t)
	ours, oursPublic := sm2Pair(t)
	row := func(name, code, secret, public, private, sm4 string) string {
		r := fmt.Sprintf("[[caller]]\nname = %q\nfixmedins_codes = [%q]\n", name, code)
		if x.scheme != signature.SchemeEnvelope {
			r += fmt.Sprintf("secret = %q\n", secret)
		}
		if x.scheme == signature.SchemePortal {
			r += fmt.Sprintf("sm4_key = %q\n", sm4)
		}
		if x.scheme == signature.SchemePortal || x.scheme == signature.SchemeEnvelope {
			r += fmt.Sprintf("%s = %q\n", map[bool]string{true: "sm2_private", false: "sm2_public"}[private != ""], private+public)
		}
		return r
	}
	head := fmt.Sprintf("gongji_keys = 1\nscheme = %q\n", x.scheme)
	platform, institution := head+"role = \"platform\"\n"+x.head, head+"role = \"institution\"\n"+x.headClient
	if x.scheme == signature.SchemePortal || x.scheme == signature.SchemeEnvelope {
		platform += fmt.Sprintf("sm2_private = %q\n", private)
		institution += fmt.Sprintf("sm2_public = %q\n", public)
	}
	const sm4, otherSM4 = "0123456789abcdeffedcba9876543210", "ffffffffffffffffffffffffffffffff"
	platform += row(callerName, shopCode, callerSecret, oursPublic, "", sm4) + row("ak-0002-of-tests", otherCode, otherSecret, otherPublic, "", otherSM4)
	institution += row(callerName, shopCode, callerSecret, "", ours, sm4)
	s, err := signature.New(loadKeys(t, platform), signature.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := signature.NewClient(loadKeys(t, institution), signature.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return NewGuard(s), c
}

// signedCall is a signed message on its way.
type signedCall struct {
	client signature.Client
	header http.Header
	body   []byte
}

// signedBy signs a message at a time.
func signedBy(t testing.TB, c signature.Client, message string, at int64) *signedCall {
	t.Helper()
	s := &signedCall{client: c, header: http.Header{}}
	var err error
	if s.body, err = c.Sign(s.header, []byte(message), time.UnixMilli(at)); err != nil {
		t.Fatal(err)
	}
	return s
}

// post sends it; the answer is as it came.
func (s *signedCall) post(f *fixture, path string) (status int, header http.Header, body []byte) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, f.business+path, bytes.NewReader(s.body))
	if err != nil {
		f.t.Fatal(err)
	}
	for name, v := range s.header {
		r.Header[name] = v
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

// answered sends it and opens the answer, which must be sealed.
func (s *signedCall) answered(f *fixture) *answer {
	f.t.Helper()
	status, header, wire := s.post(f, pathCall)
	plain, err := s.client.Verify(signature.HTTP(header), wire, time.UnixMilli(f.clock.ms.Load()))
	if err != nil {
		f.t.Fatalf("%d %v: %s", status, err, wire)
	}
	return parsed(f.t, status, header, plain)
}

func parsed(t testing.TB, status int, header http.Header, body []byte) *answer {
	t.Helper()
	a := &answer{t: t, status: status, text: string(body), header: header}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&a.json); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	checkEnvelope(t, a)
	return a
}

// turnedAway wants a transport error with a code, in the clear, that tells nothing.
func turnedAway(f *fixture, s *signedCall, status int, codes ...string) {
	f.t.Helper()
	got, header, body := s.post(f, pathCall)
	a := parsed(f.t, got, header, body)
	if c, _, _ := strings.Cut(strings.TrimPrefix(a.str("err_msg"), "["), "]"); got != status || !slices.Contains(codes, c) || a.str("infcode") != "-1" {
		f.t.Errorf("status %d, want %d %v: %s", got, status, codes, body)
	}
	if !strings.HasPrefix(a.str("inf_refmsgid"), "000000") {
		f.t.Errorf("an area is told to whom nobody knows: %s", body)
	}
	silent(f.t, string(body))
}

func silent(t testing.TB, text string) {
	t.Helper()
	for _, s := range []string{callerName, callerSecret, otherSecret, "ak-0002"} {
		if strings.Contains(text, s) {
			t.Errorf("%q is told: %s", s, text)
		}
	}
}

// ledgerNow is what the ledger holds.
func (f *fixture) ledgerNow() (hash [32]byte, sequence uint64) {
	f.t.Helper()
	if err := f.engine.Ask(func(v engine.View) { hash, sequence = state.Hash(v.State), v.Sequence }); err != nil {
		f.t.Fatal(err)
	}
	return hash, sequence
}

// guarded is a fixture behind a scheme, with a shop and somebody with money.
func guarded(t *testing.T, name string, log io.Writer) (*fixture, signature.Client, someone) {
	t.Helper()
	g, c := sides(t, name)
	f := start(t, setup{opt: Options{Guard: g}, log: log})
	f.shop()
	f.institution(otherCode, "2")
	p := f.newPerson(true)
	f.credit(p, "500.00")
	return f, c, p
}

func purchaseOf(f *fixture, p someone) sent {
	return sent{infno: "2102", msgid: f.msgid(), input: bought{who: p, total: "75.00", lines: threeLines}.input(), with: map[string]string{"cainfo": "-", "signtype": "-"}}
}

// TestSchemes (1.6, R10): behind every scheme a signed purchase is settled, its answer is sealed, a refusal too, and the same message signed anew has
// the first answer. What does not come from the caller as he signed it, or not from him for his institution, changes nothing.
func TestSchemes(t *testing.T) {
	for name := range schemeCases {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			t.Cleanup(func() { // when the server has stopped: it logs behind its answers
				if log.Len() == 0 {
					t.Error("nothing was logged")
				}
				silent(t, log.String())
			})
			f, c, p := guarded(t, name, &log)
			bill := purchaseOf(f, p)
			now := func() int64 { return f.clock.ms.Load() }
			first := signedBy(t, c, bill.body(), now()).answered(f).ok("setlinfo.acct_pay", "62.20")
			before, _ := f.ledgerNow()
			again := signedBy(t, c, bill.body(), now()).answered(f).ok("setlinfo.setl_id", first.str("output.setlinfo.setl_id"))
			if again.header.Get("Idempotency-Replayed") != "true" {
				t.Error("the repeat is no repeat")
			}
			other := purchaseOf(f, p)
			other.msgid = bill.msgid
			other.input = strings.Replace(other.input, "DEMO0001", "DEMO0002", 1)
			signedBy(t, c, other.body(), now()).answered(f).refused("id_reused", "msgid")
			if h, _ := f.ledgerNow(); h != before {
				t.Error("repeats changed the ledger")
			}
			hash, sequence := f.ledgerNow()
			f.strangers(c, name, purchaseOf(f, p))
			spoil(f, c, name, purchaseOf(f, p))
			if h, s := f.ledgerNow(); h != hash || s != sequence {
				t.Errorf("refused messages changed the ledger: sequence %d, was %d", s, sequence)
			}
			signedBy(t, c, purchaseOf(f, p).body(), now()).answered(f).ok("setlinfo.acct_pay", "62.20")
		})
	}
}

// strangers sends what is unsigned, stale, from the future, sent twice, or another institution's.
func (f *fixture) strangers(c signature.Client, name string, bill sent) {
	f.t.Helper()
	scheme, now := schemeCases[name].scheme, f.clock.ms.Load()
	turnedAway(f, &signedCall{body: []byte(bill.body())}, 401, "signature_missing")
	for _, off := range []time.Duration{-31 * time.Minute, 31 * time.Minute} {
		at := now + off.Milliseconds()
		old := bill
		if scheme == signature.SchemeEnvelope {
			old.with = maps.Clone(bill.with)
			old.with["inf_time"] = quote(time.UnixMilli(at).In(time.FixedZone("", 8*3600)).Format(time.DateTime))
		}
		turnedAway(f, signedBy(f.t, c, old.body(), at), 401, "signature_expired")
	}
	foreign := bill
	foreign.code = otherCode
	s := signedBy(f.t, c, foreign.body(), now)
	if scheme == signature.SchemeEnvelope { // the key is found by the code
		turnedAway(f, s, 401, "signature_differs")
	} else if a := s.answered(f); a.status != 403 || !strings.HasPrefix(a.str("err_msg"), "[caller_not_allowed] fixmedins_code") {
		f.t.Errorf("for another institution: %d %s", a.status, a.text)
	}
	if scheme == signature.SchemeXTIF {
		turnedAway(f, s, 409, "signature_replayed")
	}
	stranger := &signedCall{client: c, header: s.header.Clone(), body: bytes.Replace(s.body, []byte(otherCode), []byte("P42019999999"), 1)}
	for h, v := range stranger.header {
		stranger.header[h] = []string{strings.Replace(v[0], callerName, "ak-9999", 1)}
	}
	if scheme == signature.SchemePortal {
		stranger.body = bytes.Replace(s.body, []byte(callerName), []byte("ak-9999"), 1)
	}
	turnedAway(f, stranger, 401, "unknown_caller")
}

// spoil changes each byte that the scheme covers, one at a time: the headers of the header schemes, the envelope of sm2-envelope, everything of the portal.
func spoil(f *fixture, c signature.Client, name string, bill sent) {
	f.t.Helper()
	bill.with = maps.Clone(bill.with)
	for _, empty := range []string{"dev_no", "dev_safe_info"} { // where empty fields are left out nobody signs their names
		bill.with[empty] = "-"
	}
	s := signedBy(f.t, c, bill.body(), f.clock.ms.Load())
	spoiled, step := 0, 1
	if len(s.body) > 3000 && schemeCases[name].scheme == signature.SchemePortal {
		step = 5 // of thousands of bytes of cipher
	}
	away := func(s *signedCall) {
		f.t.Helper()
		spoiled++
		status, header, body := s.post(f, pathCall)
		if a := parsed(f.t, status, header, body); status/100 != 4 || a.str("infcode") != "-1" {
			f.t.Fatalf("%d %s\nto %s", status, body, s.body)
		}
		silent(f.t, string(body))
	}
	for h := range s.header {
		for i := range s.header.Get(h) {
			x := &signedCall{header: s.header.Clone(), body: s.body}
			v := []byte(s.header.Get(h))
			v[i] ^= 1
			x.header.Set(h, string(v))
			away(x)
		}
		twice := &signedCall{header: s.header.Clone(), body: s.body}
		twice.header.Add(h, s.header.Get(h))
		away(twice)
	}
	begin, end := bytes.Index(s.body, []byte(`"input":{`)), bytes.Index(s.body, []byte(`,"signtype"`))
	for i := 0; i < len(s.body); i += step {
		if len(s.header) > 0 || schemeCases[name].scheme == signature.SchemeEnvelope && i >= begin && i < end {
			continue
		}
		x := &signedCall{body: bytes.Clone(s.body)}
		x.body[i] ^= 1
		away(x)
	}
	if spoiled < 60 { // the gateway has the fewest: four headers and their signature
		f.t.Errorf("only %d bytes were changed", spoiled)
	}
}

// TestNullIsAbsent: what no signature covers does not count: null in any field is as if it were not there, and a name twice is refused.
func TestNullIsAbsent(t *testing.T) {
	f, c, p := guarded(t, "sm2 raw", nil)
	for _, x := range []struct{ add, code, where string }{
		{`"insuplc_admdvs":null,`, "", ""},
		{`"sign_no":null,"enc_type":null,`, "", ""},
		{`"fixmedins_name":null,`, "missing_field", "fixmedins_name"},
	} {
		bill := purchaseOf(f, p)
		name := strings.Split(x.add, `"`)[1]
		bill.with[name] = "-"
		s := signedBy(t, c, bill.body(), f.clock.ms.Load())
		s.body = append([]byte("{"+x.add), s.body[1:]...)
		if a := s.answered(f); x.code == "" {
			a.ok("setlinfo.acct_pay", "62.20")
		} else {
			a.refused(x.code, x.where)
		}
	}
	s := signedBy(t, c, purchaseOf(f, p).body(), f.clock.ms.Load())
	s.body = append([]byte(`{"msgid":null,`), s.body[1:]...)
	turnedAway(f, s, 400, "signature_malformed")
}

// TestGuardCounts: metrics by kind.
func TestGuardCounts(t *testing.T) {
	guard, c := sides(t, "xtif")
	f := start(t, setup{opt: Options{Guard: guard}})
	s := signedBy(t, c, purchaseOf(f, someone{"1", certnoOf(1)}).body(), f.clock.ms.Load())
	s.answered(f).refused("unknown_institution", "fixmedins_code")
	turnedAway(f, s, 409, "signature_replayed")
	turnedAway(f, s, 409, "signature_replayed")
	turnedAway(f, &signedCall{body: []byte("{}")}, 401, "signature_missing")
	var out bytes.Buffer
	guard.WriteMetrics(&out)
	for _, want := range []string{"gongji_national_opened_total 1\n", `{kind="replayed"} 2` + "\n", `{kind="missing"} 1` + "\n", `{kind="differs"} 0` + "\n", `{kind="institution"} 0` + "\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// TestSendFile: a file is sealed where the scheme can do that, and goes as it is where not; a client takes both.
func TestSendFile(t *testing.T) {
	file := []byte("PK\x03\x04\x00\xff no JSON")
	for name := range schemeCases {
		g, c := sides(t, name)
		var plain []byte
		f := start(t, setup{opt: Options{Guard: g}, more: func(e *engine.Engine) []api.Route {
			own := newFace(e, Options{Guard: g})
			return []api.Route{{Name: "file", Method: "POST", Pattern: "/file", Listener: api.Business, Media: api.NationalJSON, Handler: func(call *api.Call) {
				body, _ := call.Body()
				m := own.messages.Get().(*message)
				m.call, m.gotMS = call, e.NowMS()
				if _, x := own.unseal(m, body); x.bad() {
					t.Errorf("%s: %s", name, x.appendText(nil))
				}
				own.send(m, 200, mediaFile, file)
			}}}
		}})
		s := signedBy(t, c, purchaseOf(f, someone{}).body(), f.clock.ms.Load())
		_, header, body := s.post(f, "/file")
		if plain = body; signature.SealsFiles(c.Name()) {
			var err error
			if plain, err = c.Verify(signature.HTTP(header), body, time.UnixMilli(f.clock.ms.Load())); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !bytes.Equal(plain, file) || (schemeCases[name].scheme == signature.SchemePortal) == bytes.Equal(body, file) {
			t.Errorf("%s: %q came as %q", name, plain, body)
		}
	}
}
