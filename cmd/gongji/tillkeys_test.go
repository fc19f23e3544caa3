package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/rs/zerolog"

	"gongji/api"
	"gongji/api/nhsa"
	"gongji/api/nhsa/sign"
	"gongji/bench/till"
	"gongji/engine"
)

// guardedHouse serves a house's ledger a second time, by the national interface only, as `gongji serve --sign-keys` does.
func guardedHouse(t *testing.T, h *house, keys string) (url string, national nhsa.Options) {
	t.Helper()
	flags := nationalFlags{SignKeys: keys}
	national, done, err := flags.options(true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return nationalServer(t, h, national), national
}

// nationalServer serves a house's ledger by the national interface only.
func nationalServer(t *testing.T, h *house, national nhsa.Options) (url string) {
	t.Helper()
	server, err := api.New(api.Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Log: zerolog.Nop()}, nhsa.Routes(h.engine, national))
	if err == nil {
		err = server.Listen()
	}
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), engine.StopLimit)
		defer cancel()
		if err := errors.Join(server.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	return "http://" + server.BusinessAddr()
}

// guardCount is a counter of a guard.
func guardCount(t *testing.T, g *nhsa.Guard, name string) (n int) {
	t.Helper()
	var out strings.Builder
	g.WriteMetrics(&out)
	for line := range strings.Lines(out.String()) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(v, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s in\n%s", name, &out)
	return 0
}

// now is the time of the house's story, which begins in the morning.
func (h *house) now() time.Time { return time.UnixMilli(h.clock.Wall()) }

// keyPair is an SM2 key as key files have it.
func keyPair(t *testing.T) (private, public string) {
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

func keyFileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	return path
}

// keyFilesOf are the two sides' files of each scheme for one institution.
func keyFilesOf(t *testing.T, code string) map[string][2]string {
	t.Helper()
	ours, oursPublic := keyPair(t)
	platform, platformPublic := keyPair(t)
	row := fmt.Sprintf("[[caller]]\nname = \"ak-0001\"\nfixmedins_codes = [%q]\n", code)
	head := func(scheme, role, more string) string {
		return fmt.Sprintf("gongji_keys = 1\nscheme = %q\nrole = %q\n%s", scheme, role, more)
	}
	secret, block := fmt.Sprintf("secret = \"secret-of-%s\"\n", code), "sm4_key = \"0123456789abcdeffedcba9876543210\"\n"
	private := func(k string) string { return fmt.Sprintf("sm2_private = %q\n", k) }
	public := func(k string) string { return fmt.Sprintf("sm2_public = %q\n", k) }
	out := map[string][2]string{
		sign.SchemeGateway: {head(sign.SchemeGateway, sign.RolePlatform, "") + row + secret, head(sign.SchemeGateway, sign.RoleInstitution, "api_name = \"fsi\"\napi_version = \"1\"\n") + row + secret},
		sign.SchemeXTIF:    {head(sign.SchemeXTIF, sign.RolePlatform, "") + row + secret, head(sign.SchemeXTIF, sign.RoleInstitution, "") + row + secret},
	}
	knobs := "empty_fields = \"signed\"\nsignature = \"raw\"\n"
	out[sign.SchemeEnvelope] = [2]string{head(sign.SchemeEnvelope, sign.RolePlatform, knobs+private(platform)) + row + public(oursPublic),
		head(sign.SchemeEnvelope, sign.RoleInstitution, knobs+public(platformPublic)) + row + private(ours)}
	knobs = "app_field = \"appCode\"\nsm4_mode = \"cbc\"\n"
	out[sign.SchemePortal] = [2]string{head(sign.SchemePortal, sign.RolePlatform, knobs+private(platform)) + row + secret + block + public(oursPublic),
		head(sign.SchemePortal, sign.RoleInstitution, knobs+public(platformPublic)) + row + secret + block + private(ours)}
	return out
}

// TestTillKeys: `gongji till --keys` against `gongji serve --sign-keys` by every scheme, a cut line included, is a whole dialogue; without keys, with
// those of another institution, or as another institution nothing gets through and nothing changes.
func TestTillKeys(t *testing.T) {
	h := openDemoHouse(t)
	place := (&tillCmd{Persons: demoPersonsMin}).place().Code
	others := keyFilesOf(t, "P99100000099")
	book := filepath.Join(t.TempDir(), "book") // one, as it is one institution whose close knows all of it
	for scheme, x := range keyFilesOf(t, place) {
		url, national := guardedHouse(t, h, keyFileOf(t, x[0]))
		c := &tillCmd{URL: url, Keys: keyFileOf(t, x[1]), Book: book, Cut: []string{"unread"}, Persons: demoPersonsMin, now: h.now}
		var out strings.Builder
		level, err := c.play(context.Background(), strings.NewReader(""), &out)
		opened := guardCount(t, national.Guard, "gongji_national_opened_total")
		if err != nil || level != has(t, h, "3201") || opened < 7 || strings.Contains(out.String(), "WRONG") {
			t.Errorf("%s: level %t, %v, %d messages opened\n%s", scheme, level, err, opened, &out)
		}
		before := billsOf(h)
		for what, keys := range map[string]string{"no keys": "", "keys of another": keyFileOf(t, others[scheme][1])} {
			c.Keys, c.Book = keys, filepath.Join(t.TempDir(), "book")
			if _, err := c.play(context.Background(), strings.NewReader(""), &out); err == nil {
				t.Errorf("%s, %s: the dialogue passed", scheme, what)
			}
		}
		// As another institution: the header schemes and the portal know the caller, and that it is not his.
		c.Keys, c.Code, c.Area, c.Book = keyFileOf(t, x[1]), "P99100000098", "991000", filepath.Join(t.TempDir(), "book")
		if _, err := c.play(context.Background(), strings.NewReader(""), &out); err == nil {
			t.Errorf("%s: as another institution the dialogue passed", scheme)
		}
		if scheme != sign.SchemeEnvelope && guardCount(t, national.Guard, `gongji_national_refused_total{kind="institution"}`) == 0 {
			t.Errorf("%s: speaking for another institution was not noticed", scheme)
		}
		if n := billsOf(h); n != before || before == 0 {
			t.Errorf("%s: %d bills settled, %d with the keys", scheme, n, before)
		}
	}
	sameBooks(t, h, 0, book)
}

// billsOf is how many bills the ledger has accepted.
func billsOf(h *house) uint64 { return h.engine.Stats().Settlements.Load() }

// TestServeKeys (R31): with keys as without both listeners are on the loopback address only; a bad key file ends the start before the ledger is opened.
func TestServeKeys(t *testing.T) {
	h := openTestHouse(t)
	keys := keyFileOf(t, keyFilesOf(t, "P99100000001")[sign.SchemePortal][0])
	for _, file := range []string{"", keys} {
		flags := nationalFlags{SignKeys: file}
		national, done, err := flags.options(false)
		if err != nil {
			t.Fatal(err)
		}
		done()
		s := &serveCmd{Listen: "0.0.0.0:0", AdminListen: "127.0.0.1:0"}
		if _, err := s.listen(h.engine, national, zerolog.Nop()); !errors.Is(err, api.ErrNotLoopback) {
			t.Errorf("listening for everybody: %v", err)
		}
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	s := &serveCmd{Dir: dir, Create: true, LogLevel: "error", nationalFlags: nationalFlags{SignKeys: keyFileOf(t, "scheme = \"none\"")}}
	if err := s.Run(); !errors.Is(err, sign.ErrKeys) {
		t.Errorf("a bad key file: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("the ledger was opened")
	}
}

// TestTillWindow: --window decides how old a signed answer may be; it needs keys, and is at most what the schemes allow.
func TestTillWindow(t *testing.T) {
	const code = "P99100000001"
	files := keyFilesOf(t, code)
	for _, scheme := range []string{sign.SchemeEnvelope, sign.SchemePortal} {
		x := files[scheme]
		keys, err := sign.Load(keyFileOf(t, x[0]))
		if err != nil {
			t.Fatal(err)
		}
		platform, err := sign.New(keys, sign.Options{})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		seal := func(c *tillCmd) (till.Signer, http.Header, []byte) {
			t.Helper()
			client, err := c.signer()
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{}
			body, err := client.Sign(header, []byte(`{"infno":"9001","msgid":"`+code+`202611230000000001","fixmedins_code":"`+code+`","inf_time":"`+at.In(time.FixedZone("", 8*3600)).Format(time.DateTime)+`","input":{}}`), at)
			if err != nil {
				t.Fatal(err)
			}
			_, who, err := platform.Open(sign.HTTP(header), body, at)
			if err != nil {
				t.Fatal(err)
			}
			back := http.Header{}
			answer, err := platform.Seal(back, who, []byte(`{"infcode":0,"inf_refmsgid":"1","refmsg_time":"`+stampMS(at)+`","respond_time":"`+stampMS(at)+`","err_msg":"","output":{}}`), at)
			if err != nil {
				t.Fatal(err)
			}
			return client, back, answer
		}
		key := keyFileOf(t, x[1])
		for _, c := range []struct {
			window, age time.Duration
			good        bool
		}{{0, 29 * time.Minute, true}, {0, 31 * time.Minute, false}, {time.Minute, 59 * time.Second, true}, {time.Minute, 62 * time.Second, false}, {2 * time.Hour, 119 * time.Minute, true}} {
			client, header, answer := seal(&tillCmd{Keys: key, Window: c.window})
			if _, err := client.Verify(header, answer, at.Add(c.age)); (err == nil) != c.good {
				t.Errorf("%s, --window %s, an answer %s old: %v", scheme, c.window, c.age, err)
			}
		}
		for _, w := range []time.Duration{-time.Second, 3 * time.Hour} {
			if _, err := (&tillCmd{Keys: key, Window: w}).signer(); !errors.Is(err, sign.ErrOptions) {
				t.Errorf("--window %s: %v", w, err)
			}
		}
	}
	if _, err := (&tillCmd{Window: time.Minute}).signer(); err == nil {
		t.Error("--window without --keys was taken")
	}
}

func stampMS(at time.Time) string {
	return strings.ReplaceAll(at.In(time.FixedZone("", 8*3600)).Format("20060102150405.000"), ".", "")
}

// TestStmtRslt: --stmt-rslt has the values of a region; a till takes zeros for level, so other values are refused. The till's close is level by Hubei's too.
func TestStmtRslt(t *testing.T) {
	for text, want := range map[string][2]string{"": {"0", "1"}, "0,1": {"0", "1"}, "000000,000103": {"000000", "000103"}, "1,0": {}, "0,0": {}, "0": {}, "0,1,2": {}, "0000000,1": {}, "a,b": {}, "0,": {}} {
		level, different, err := (&nationalFlags{StmtRslt: text}).results()
		if (err == nil) != (want != [2]string{}) || err == nil && [2]string{level, different} != want {
			t.Errorf("%q: %q %q %v", text, level, different, err)
		}
	}
	h := openDemoHouse(t)
	flags := nationalFlags{StmtRslt: "000000,000103"}
	national, done, err := flags.options(true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	if national.StatementLevel != "000000" || national.StatementDiffers != "000103" {
		t.Fatalf("%q %q", national.StatementLevel, national.StatementDiffers)
	}
	url := nationalServer(t, h, national)
	c := &tillCmd{URL: url, Book: filepath.Join(t.TempDir(), "book"), Trace: true, Persons: demoPersonsMin, now: h.now}
	var out strings.Builder
	if level, err := c.play(context.Background(), strings.NewReader(""), &out); err != nil || !level || !strings.Contains(out.String(), `"stmt_rslt": "000000"`) {
		t.Errorf("level %t, %v\n%s", level, err, &out)
	}
}

// TestWelcomeOfSigned: where messages must be signed no unsigned curl of the national interface is printed, but how to send a signed one.
func TestWelcomeOfSigned(t *testing.T) {
	h := openTestHouse(t)
	business, admin := strings.TrimPrefix(h.business(), "http://"), strings.TrimPrefix(h.admin(), "http://")
	for _, keys := range []string{"", "keys.toml"} {
		var out strings.Builder
		if err := demoWelcome(&out, business, admin, demoPersonsMin, keys); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if strings.Contains(text, pathNational) != (keys == "") || strings.Contains(text, "gongji till --url http://"+business+" --keys") != (keys != "") {
			t.Errorf("sign keys %q:\n%s", keys, text)
		}
	}
}
