package sign

import (
	"encoding/json"
	"testing"
)

// FuzzReadObject compares the reader of objects with encoding/json.
func FuzzReadObject(f *testing.F) {
	for _, s := range []string{sampleRequest, sampleAnswer, `{}`, ` { "a" : 1 , "b":[{"c":"}\""}] , "d":"\u738b\ud83d\ude00" }`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `[1]`, `{"a":-1.5e3,"b":true,"c":null}`, `{"\u0061":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, ok := readObject(body)
		var want map[string]json.RawMessage
		err := json.Unmarshal(body, &want)
		if !ok {
			return // stricter than encoding/json
		}
		if err != nil || len(want) != len(m) {
			t.Fatalf("%q: %d fields, encoding/json has %d: %v", body, len(m), len(want), err)
		}
		for _, x := range m {
			if string(want[x.name]) != string(x.raw) {
				t.Fatalf("%q: %q is %q, encoding/json has %q", body, x.name, x.raw, want[x.name])
			}
			var s string
			if json.Unmarshal(x.raw, &s) == nil && string(x.raw) != "null" && (s != x.text || !x.flat) {
				t.Fatalf("%q: %q is %q, encoding/json has %q", body, x.name, x.text, s)
			}
		}
	})
}

// FuzzOpen holds that no scheme panics over a body or headers, and that none takes what nobody signed.
func FuzzOpen(f *testing.F) {
	all := fixtures(f)
	for _, x := range all {
		h, wire := x.sent(f, noon)
		value := ""
		for _, v := range h {
			value = v
		}
		f.Add(wire[:len(wire)-1], value)
	}
	f.Fuzz(func(t *testing.T, body []byte, value string) {
		for name, x := range all {
			h := carried{gatewayName: value, gatewayVersion: "1", gatewayTimestamp: "1773115200123", gatewayAccessKey: "ak-0001", gatewaySignature: value,
				xtifCaller: "ak-0001", xtifTimestamp: "1773115200", xtifNonce: value, xtifSignature: value}
			if _, _, err := x.scheme.Open(h, body, noon); !isRefusal(err) {
				t.Fatalf("%s took %q with %q: %v", name, body, value, err)
			}
			if signs := name != SchemeGateway && name != SchemeXTIF; signs {
				if _, err := x.client.Verify(h, body, noon); !isRefusal(err) {
					t.Fatalf("%s took the answer %q: %v", name, body, err)
				}
			}
		}
	})
}
