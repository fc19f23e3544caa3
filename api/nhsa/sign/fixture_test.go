package sign

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
)

// Keys of the tests. None is in use anywhere.
const (
	institutionPrivate = "1111111111111111111111111111111111111111111111111111111111111111"
	otherPrivate       = "2222222222222222222222222222222222222222222222222222222222222222"
	testSecret         = "secret-of-ak-0001"
	otherSecret        = "secret-of-ak-0002"
	testSM4            = "0123456789abcdeffedcba9876543210"
	otherSM4           = "ffffffffffffffffffffffffffffffff"
	testCode           = "P42010000001"
)

func publicOf(private string) string {
	key, err := sm2.NewPrivateKey(unhex(private))
	if err != nil {
		panic(err)
	}
	e, err := key.ECDH()
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%x", e.PublicKey().Bytes())
}

// Known answers of the two header schemes.
const (
	gatewayKnown = "bttNyUWTN6M/rztotVGPLnbOv4c="
	xtifKnown    = "9b905c6d877f4d796a226c097e497063482d9654c76286370b6d74da998533a5"
)

// noon is a moment with milliseconds: 2026-03-10 12:00:00.123 +08:00.
var noon = time.UnixMilli(1773115200123)

// fixture is both sides of a scheme.
type fixture struct {
	platformText, institutionText string
	platform, institution         *Keys
	scheme                        Scheme
	client                        Client
	request, answer               string
}

const (
	sampleRequest = `{"infno":"2102","msgid":"P42010000001202603101200000001","mdtrtarea_admvs":"420100","insuplc_admdvs":"","dev_no":null,"infver":"V1.0",` +
		`"opter_type":"1","opter":"0001","opter_name":"王芳","inf_time":"2026-03-10 12:00:00","fixmedins_code":"P42010000001","fixmedins_name":"示范药店",` +
		`"input":{"data":{"psn_no":"42010000000001","note":"a&b=c"}}}`
	sampleAnswer = `{"infcode":0,"inf_refmsgid":"420100202603101200000000000001","refmsg_time":"20260310120000100","respond_time":"20260310120000123","err_msg":"",` +
		`"output":{"setlinfo":{"setl_id":"S1"}}}`
)

// texts of the key files, platform's and institution's.
func keyTexts() map[string][2]string {
	head := func(scheme, role, more string) string {
		return fmt.Sprintf("gongji_keys = 1\nscheme = %q\nrole = %q\n%s", scheme, role, more)
	}
	row := func(name, code, more string) string {
		return fmt.Sprintf("[[caller]]\nname = %q\nfixmedins_codes = [%q]\n%s", name, code, more)
	}
	secret := func(s string) string { return fmt.Sprintf("secret = %q\n", s) }
	public := func(private string) string { return fmt.Sprintf("sm2_public = %q\n", publicOf(private)) }
	private := func(private string) string { return fmt.Sprintf("sm2_private = %q\n", private) }
	block := func(key string) string { return fmt.Sprintf("sm4_key = %q\n", key) }
	out := map[string][2]string{
		SchemeGateway: {
			head(SchemeGateway, RolePlatform, "") + row("ak-0001", testCode, secret(testSecret)) + row("ak-0002", "P42010000002", secret(otherSecret)),
			head(SchemeGateway, RoleInstitution, "api_name = \"hssServives\"\napi_version = \"1.0.0\"\n") + row("ak-0001", testCode, secret(testSecret)),
		},
		SchemeXTIF: {
			head(SchemeXTIF, RolePlatform, "") + row("ak-0001", testCode, secret(testSecret)) + row("ak-0002", "P42010000002", secret(otherSecret)),
			head(SchemeXTIF, RoleInstitution, "") + row("ak-0001", testCode, secret(testSecret)),
		},
	}
	for _, knobs := range []string{"empty_fields = \"signed\"\nsignature = \"der\"\n", "empty_fields = \"left_out\"\nsignature = \"raw\"\n"} {
		name := SchemeEnvelope
		if out[name][0] != "" {
			name += " raw"
		}
		out[name] = [2]string{
			head(SchemeEnvelope, RolePlatform, knobs+private(standardPrivate)) + row("ak-0001", testCode, public(institutionPrivate)) + row("ak-0002", "P42010000002", public(otherPrivate)),
			head(SchemeEnvelope, RoleInstitution, knobs+public(standardPrivate)) + row("ak-0001", testCode, private(institutionPrivate)),
		}
	}
	for _, knobs := range []string{"app_field = \"appCode\"\nsm4_mode = \"cbc\"\n", "app_field = \"appId\"\nsm4_mode = \"ecb\"\n"} {
		name := SchemePortal
		if out[name][0] != "" {
			name += " ecb"
		}
		out[name] = [2]string{
			head(SchemePortal, RolePlatform, knobs+private(standardPrivate)) + row("ak-0001", testCode, secret(testSecret)+public(institutionPrivate)+block(testSM4)) +
				row("ak-0002", "P42010000002", secret(otherSecret)+public(otherPrivate)+block(otherSM4)),
			head(SchemePortal, RoleInstitution, knobs+public(standardPrivate)) + row("ak-0001", testCode, secret(testSecret)+private(institutionPrivate)+block(testSM4)),
		}
	}
	return out
}

func load(t testing.TB, text string) *Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	k, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// fixtures makes both sides of every scheme with keys, by name.
func fixtures(t testing.TB) map[string]*fixture {
	t.Helper()
	out := map[string]*fixture{}
	for name, texts := range keyTexts() {
		f := &fixture{platformText: texts[0], institutionText: texts[1], platform: load(t, texts[0]), institution: load(t, texts[1]), request: sampleRequest, answer: sampleAnswer}
		var err error
		if f.scheme, err = New(f.platform, Options{}); err != nil {
			t.Fatal(name, err)
		}
		if f.client, err = NewClient(f.institution, Options{}); err != nil {
			t.Fatal(name, err)
		}
		out[name] = f
	}
	return out
}

// carried is a set of headers with no care for the spelling of names, to see what is set.
type carried map[string]string

func (h carried) Set(name, value string) { h[name] = value }
func (h carried) Peek(name string) []byte {
	if v, ok := h[name]; ok {
		return []byte(v)
	}
	return nil
}

// sent is a signed request.
func (f *fixture) sent(t testing.TB, at time.Time) (carried, []byte) {
	t.Helper()
	h := carried{}
	wire, err := f.client.Sign(h, []byte(f.request), at)
	if err != nil {
		t.Fatal(err)
	}
	return h, wire
}
