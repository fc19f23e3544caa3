package sign

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadMode(t *testing.T) {
	text := keyTexts()[SchemePortal][0]
	dir := t.TempDir()
	for _, x := range []struct {
		mode os.FileMode
		ok   bool
	}{{0o400, true}, {0o600, true}, {0o440, false}, {0o404, false}, {0o602, false}, {0o610, false}} {
		path := filepath.Join(dir, fmt.Sprintf("%o", x.mode))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, x.mode); err != nil {
			t.Fatal(err)
		}
		k, err := Load(path)
		if (err == nil) != x.ok || !x.ok && (!errors.Is(err, ErrKeys) || strings.Contains(err.Error(), dir)) {
			t.Errorf("%o: %v", x.mode, err)
		}
		if x.ok && k.Callers() != 2 {
			t.Errorf("%d callers", k.Callers())
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); !errors.Is(err, ErrKeys) || strings.Contains(err.Error(), dir) {
			t.Errorf("%v", err)
		}
	}
}

// Each fault is told by its place and field; no text repeats a key, whatever is wrong.
func TestKeyFaults(t *testing.T) {
	texts := keyTexts()
	gateway, envelope, portal := texts[SchemeGateway][0], texts[SchemeEnvelope][0], texts[SchemePortal][0]
	for _, x := range []struct{ name, text, old, new, want string }{
		{"empty", "", "", "", "gongji_keys is 1"},
		{"other format", gateway, "gongji_keys = 1", "gongji_keys = 2", "gongji_keys is 1"},
		{"scheme", gateway, `"gateway"`, `"hidden"`, "scheme is gateway"},
		{"role", gateway, `"platform"`, `"hidden"`, "role is platform"},
		{"no TOML", gateway, `secret = `, `secret `, "line 7, column"},
		{"key without quotes", gateway, `"secret-of-ak-0001"`, `secret-of-ak-0001`, "line 7, column"},
		{"wrong type", gateway, `"secret-of-ak-0001"`, `17`, "line 7, column"},
		{"unknown field", gateway, "secret = ", "secret_of_mine = ", "line 7: a field that there is not"},
		{"field twice", gateway, "[[caller]]\n", "[[caller]]\nsecret = \"secret-of-ak-0009\"\n", "line 8"},
		{"no callers", gateway[:strings.Index(gateway, "[[")], "", "", "caller: 1 to 100000 rows, not 0"},
		{"secret missing", gateway, "secret = \"secret-of-ak-0001\"\n", "", "caller 1: secret: missing"},
		{"short secret", gateway, "secret-of-ak-0001", "secret-of-ak-01", "caller 1: secret: 16 to 128"},
		{"long secret", gateway, "secret-of-ak-0001", strings.Repeat("secret-of-ak-0001", 9), "caller 1: secret: 16 to 128"},
		{"secret with &", gateway, "secret-of-ak-0001", "secret-of-ak-&0001", "caller 1: secret: 16 to 128"},
		{"name twice", gateway, "ak-0002", "ak-0001", "caller 2: name: another row has it"},
		{"name", gateway, `"ak-0002"`, `"ak 0002"`, "caller 2: name: 1 to 100"},
		{"no codes", gateway, `["P42010000001"]`, `[]`, "caller 1: fixmedins_codes: 1 to 10000, not 0"},
		{"code", gateway, "P42010000001", strings.Repeat("P", codeMax+1), "caller 1: fixmedins_codes: 1 to 30"},
		{"field of another scheme", gateway, "[[caller]]\n", "[[caller]]\nsm4_key = \"0123456789abcdef\"\n", "caller 1: sm4_key: does not belong"},
		{"head of another scheme", gateway, "[[caller]]\n", "sm4_mode = \"ecb\"\n[[caller]]\n", "sm4_mode: does not belong"},
		{"head missing", envelope, "empty_fields = \"signed\"\n", "", "empty_fields: missing"},
		{"choice", envelope, `"der"`, `"hidden"`, "signature: is der or raw"},
		{"code in two rows", envelope, "P42010000002", testCode, "caller 2: fixmedins_codes: one of them is there already"},
		{"private key", envelope, standardPrivate, strings.Repeat("0", 64), "sm2_private: is no private key"},
		{"public key", envelope, publicOf(otherPrivate), "04" + strings.Repeat("1", 128), "caller 2: sm2_public: is no public key"},
		{"SM4 key", portal, testSM4, testSM4[:30], "caller 1: sm4_key: 32 hex"},
		{"SM4 digits", portal, testSM4, strings.Replace(testSM4, "0", "g", 1), "caller 1: sm4_key: 32 hex"},
		{"application field", portal, `"appCode"`, `"hidden"`, "app_field: is appCode or appId"},
		{"two rows of one", texts[SchemeGateway][1] + "[[caller]]\nname=\"x\"\n", "", "", "an institution's file has one row"},
	} {
		text := x.text
		if x.old != "" {
			if text = strings.Replace(x.text, x.old, x.new, 1); text == x.text {
				t.Fatalf("%s changes nothing", x.name)
			}
		}
		k, err := parseKeys([]byte(text))
		if !errors.Is(err, ErrKeys) || !strings.Contains(err.Error(), x.want) || k != nil {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
			continue
		}
		for _, part := range []string{"secret-of", "hidden", "0123456789abcdef", standardPrivate[:8], testSM4[:8], "04111", "ak-0"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: the text repeats %q: %v", x.name, part, err)
			}
		}
	}
	if _, err := parseKeys(make([]byte, fileMax+1)); !errors.Is(err, ErrKeys) {
		t.Errorf("too large: %v", err)
	}
	both := strings.NewReplacer("secret-of-ak-0001", "x", "secret-of-ak-0002", "y").Replace(gateway)
	if _, err := parseKeys([]byte(both)); err == nil || !strings.Contains(err.Error(), "caller 1: secret") || !strings.Contains(err.Error(), "caller 2: secret") {
		t.Errorf("not all faults at once: %v", err)
	}
}

// JSON shows no more than the other ways of printing do.
func TestHiddenJSON(t *testing.T) {
	f := fixtures(t)[SchemePortal]
	for _, v := range []any{f.platform, f.platform.callers[0], f.scheme, f.client, map[string]any{"k": f.institution}} {
		text, err := json.Marshal(v)
		if err != nil || strings.Trim(strings.TrimSuffix(strings.TrimPrefix(string(text), `{"k":`), "}"), `"`) != "sign(hidden)" {
			t.Errorf("%T: %.60s %v", v, text, err)
		}
	}
}
