package sign

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// A request goes through and comes out as it went in; so does the answer.
func TestThereAndBack(t *testing.T) {
	for name, f := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			h, wire := f.sent(t, noon)
			plain, who, err := f.scheme.Open(h, bytes.Clone(wire), noon)
			if err != nil {
				t.Fatal(err)
			}
			if got := withoutSignature(string(plain)); got != f.request {
				t.Errorf("came out as %s", got)
			}
			if who.Name() != "ak-0001" || !who.MayUse([]byte(testCode)) || who.MayUse([]byte("P42010000002")) || who.MayUse(nil) {
				t.Errorf("caller %q", who.Name())
			}
			back := carried{}
			sealed, err := f.scheme.Seal(back, who, []byte(f.answer), noon)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := f.client.Verify(back, bytes.Clone(sealed), noon)
			if got := withoutSignature(string(answer)); err != nil || got != f.answer {
				t.Errorf("answer came out as %s, %v", got, err)
			}
			if strings.HasPrefix(name, SchemePortal) && (bytes.Contains(wire, []byte("psn_no")) || bytes.Contains(sealed, []byte("setl_id"))) {
				t.Error("the body can be read on the wire")
			}
			if base, _, _ := strings.Cut(name, " "); f.scheme.Name() != base || f.client.Name() != base || f.platform.Scheme() != base {
				t.Errorf("names %s %s", f.scheme.Name(), f.client.Name())
			}
		})
	}
}

// withoutSignature takes off what sm2-envelope adds.
func withoutSignature(body string) string {
	before, _, found := strings.Cut(body, `,"signtype":"SM2","cainfo":"`)
	if !found {
		return body
	}
	return before + "}"
}

// Known answers made with another program (Python's hmac and hashlib).
func TestKnownAnswers(t *testing.T) {
	f := fixtures(t)[SchemeGateway]
	h, _ := f.sent(t, noon)
	if h[gatewaySignature] != gatewayKnown || h[gatewayTimestamp] != "1773115200123" || h[gatewayAccessKey] != "ak-0001" || h[gatewayName] != "hssServives" || h[gatewayVersion] != "1.0.0" {
		t.Errorf("gateway: %v", h)
	}
	who := &Caller{secret: []byte("token-of-pharmacy-1")}
	if sum := xtifSum(who, []byte("1773115200"), []byte("n0nce123")); !bytes.Equal(sum[:], unhex(xtifKnown)) {
		t.Errorf("x-tif: %x", sum)
	}
	m, ok := readObject([]byte(sampleRequest))
	text, fine := signedText(m, false, fieldSigned, fieldInput, fieldOutput)
	if want := "fixmedins_code=P42010000001&fixmedins_name=示范药店&inf_time=2026-03-10 12:00:00&infno=2102&infver=V1.0&insuplc_admdvs=&mdtrtarea_admvs=420100" +
		"&msgid=P42010000001202603101200000001&opter=0001&opter_name=王芳&opter_type=1"; !ok || !fine || string(text) != want {
		t.Errorf("envelope: %s", text)
	}
	m, ok = readObject([]byte(`{"version":"1.0.0","timestamp":1773115200,"signData":"x","encData":"y","extra":{"a":1},"appId":"A","encType":"SM4","signType":"SM2","empty":""}`))
	text, fine = portalText(m, []byte(`{"b":"1&2=3"}`), []byte("app-secret"))
	if want := `appId=A&data={"b":"1&2=3"}&encType=SM4&signType=SM2&timestamp=1773115200&version=1.0.0&key=app-secret`; !ok || !fine || string(text) != want {
		t.Errorf("portal: %s", text)
	}
}

// full is a message without the fields that mean the same as no field, which no signature covers.
func full(message string) string {
	return strings.NewReplacer(`"dev_no":null,`, "", `"insuplc_admdvs":"",`, `"insuplc_admdvs":"420100",`, `"err_msg":"",`, "").Replace(message)
}

// Every changed byte of what is signed is refused: headers, envelope, outer object.
func TestChangedBytes(t *testing.T) {
	for name, f := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			f.request = full(f.request)
			h, wire := f.sent(t, noon)
			tried := 0
			for header, value := range h {
				changes([]byte(value), 0, len(value), func(changed []byte) {
					tried++
					other := carried{}
					for k, v := range h {
						other[k] = v
					}
					other[header] = string(changed)
					if _, _, err := f.scheme.Open(other, wire, noon); !isRefusal(err) {
						t.Fatalf("%s %q for %q: %v", header, changed, value, err)
					}
				})
			}
			for _, part := range signedParts(h, wire) {
				changes(wire, part[0], part[1], func(changed []byte) {
					tried++
					if _, _, err := f.scheme.Open(h, bytes.Clone(changed), noon); !isRefusal(err) {
						t.Fatalf("%s: %v", changed, err)
					}
				})
			}
			if tried < 100 {
				t.Errorf("only %d changes tried", tried)
			}
		})
	}
}

// signedParts are the places in a message that its signature covers: nothing of the body in the header schemes, all but the payload of an
// envelope, all of an outer object.
func signedParts(h carried, wire []byte) [][2]int {
	if len(h) > 0 {
		return nil
	}
	for _, payload := range []string{`"input":`, `"output":`} {
		if at := bytes.Index(wire, []byte(payload)); at >= 0 {
			return [][2]int{{0, at}, {bytes.Index(wire, []byte(`,"signtype"`)), len(wire)}}
		}
	}
	return [][2]int{{0, len(wire)}}
}

// The same for answers, where they are signed.
func TestChangedAnswer(t *testing.T) {
	for name, f := range fixtures(t) {
		if strings.HasPrefix(name, SchemeGateway) || strings.HasPrefix(name, SchemeXTIF) {
			continue
		}
		wire, err := f.scheme.Seal(carried{}, f.platform.callers[0], []byte(full(f.answer)), noon)
		if err != nil {
			t.Fatal(err)
		}
		tried := 0
		for _, part := range signedParts(nil, wire) {
			changes(wire, part[0], part[1], func(changed []byte) {
				tried++
				if _, err := f.client.Verify(carried{}, bytes.Clone(changed), noon); !isRefusal(err) {
					t.Fatalf("%s: %s: %v", name, changed, err)
				}
			})
		}
		if tried < 500 {
			t.Errorf("%s: only %d changes tried", name, tried)
		}
	}
}

// changes calls try with each byte in from..to changed in its lowest bit and in another. Hexadecimal digits may be of either case.
func changes(text []byte, from, to int, try func([]byte)) {
	for i := from; i < to; i++ {
		for _, mask := range []byte{1, 2 << (i % 7)} {
			c := text[i] ^ mask
			if mask == 0x20 && bytes.IndexByte([]byte("abcdefABCDEF"), text[i]) >= 0 {
				continue
			}
			changed := bytes.Clone(text)
			changed[i] = c
			try(changed)
		}
	}
}

func isRefusal(err error) bool {
	var r Refusal
	return errors.As(err, &r) && r.Kind != 0
}

// The window holds to either side, to its edge.
func TestWindow(t *testing.T) {
	for name, f := range fixtures(t) {
		def := WindowDefault
		if f.scheme.Name() == SchemeXTIF {
			def = WindowDefaultXTIF
		}
		second := noon.Truncate(time.Second)
		for _, x := range []struct {
			off time.Duration
			ok  bool
		}{{def, true}, {-def, true}, {def + time.Second, false}, {-def - time.Second, false}} {
			h, wire := f.sentAt(t, second)
			_, _, err := f.scheme.Open(h, wire, second.Add(x.off))
			var r Refusal
			if errors.As(err, &r); (err == nil) != x.ok || !x.ok && r.Kind != Expired {
				t.Errorf("%s at %s: %v", name, x.off, err)
			}
			sealed, err := f.scheme.Seal(carried{}, f.platform.callers[0], []byte(f.answer), second)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.client.Verify(carried{}, sealed, second.Add(x.off-x.off%time.Second))
			if signs := bytes.Contains(sealed, []byte("SM2")); signs && x.ok != (err == nil) && !(name[0] == 's' && x.off == -def) { // respond_time is 123 ms later
				t.Errorf("%s answer at %s: %v", name, x.off, err)
			}
		}
		narrow, err := New(f.platform, Options{Window: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		h, wire := f.sentAt(t, second)
		if _, _, err := narrow.Open(h, wire, second.Add(61*time.Second)); !isRefusal(err) {
			t.Errorf("%s: a minute's window took 61 s", name)
		}
	}
}

// sentAt is sent with its time inside the envelope too.
func (f *fixture) sentAt(t testing.TB, at time.Time) (carried, []byte) {
	g := *f
	g.request = strings.Replace(f.request, "2026-03-10 12:00:00", at.In(china).Format(time.DateTime), 1)
	return g.sent(t, at)
}

func TestOptions(t *testing.T) {
	for name, f := range fixtures(t) {
		for what, err := range map[string]error{
			"no keys":     second(New(nil, Options{})),
			"other role":  second(New(f.institution, Options{})),
			"other side":  second(NewClient(f.platform, Options{})),
			"wide window": second(New(f.platform, Options{Window: WindowMax + 1})),
			"negative":    second(NewClient(f.institution, Options{Window: -1})),
		} {
			if !errors.Is(err, ErrOptions) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// What lacks, is misshapen, or is of somebody unknown is refused with its name, and never with its value.
func TestRefusals(t *testing.T) {
	all := fixtures(t)
	for _, x := range []struct {
		scheme, field string
		value         string // "": taken away
		want          Refusal
	}{
		{SchemeGateway, gatewayName, "", Refusal{Missing, gatewayName}},
		{SchemeGateway, gatewayVersion, "", Refusal{Missing, gatewayVersion}},
		{SchemeGateway, gatewayTimestamp, "", Refusal{Missing, gatewayTimestamp}},
		{SchemeGateway, gatewayAccessKey, "", Refusal{Missing, gatewayAccessKey}},
		{SchemeGateway, gatewaySignature, "", Refusal{Missing, gatewaySignature}},
		{SchemeGateway, gatewayTimestamp, "1773115200", Refusal{Malformed, gatewayTimestamp}},
		{SchemeGateway, gatewayTimestamp, "-773115200123", Refusal{Malformed, gatewayTimestamp}},
		{SchemeGateway, gatewayTimestamp, "1773125200123", Refusal{Expired, gatewayTimestamp}},
		{SchemeGateway, gatewayAccessKey, "hidden", Refusal{Unknown, gatewayAccessKey}},
		{SchemeGateway, gatewayAccessKey, "ak-0002", Refusal{Differs, gatewaySignature}},
		{SchemeGateway, gatewayName, "hidden&x=y", Refusal{Malformed, gatewayName}},
		{SchemeGateway, gatewayName, strings.Repeat("x", gatewayValueMax+1), Refusal{Malformed, gatewayName}},
		{SchemeXTIF, xtifCaller, "", Refusal{Missing, xtifCaller}},
		{SchemeXTIF, xtifTimestamp, "", Refusal{Missing, xtifTimestamp}},
		{SchemeXTIF, xtifNonce, "", Refusal{Missing, xtifNonce}},
		{SchemeXTIF, xtifSignature, "", Refusal{Missing, xtifSignature}},
		{SchemeXTIF, xtifNonce, strings.Repeat("n", xtifNonceMax+1), Refusal{Malformed, xtifNonce}},
		{SchemeXTIF, xtifTimestamp, "177311520x", Refusal{Malformed, xtifTimestamp}},
		{SchemeXTIF, xtifTimestamp, "1773118200", Refusal{Expired, xtifTimestamp}},
		{SchemeXTIF, xtifSignature, "hidden", Refusal{Malformed, xtifSignature}},
		{SchemeXTIF, xtifSignature, strings.Repeat("0", 64), Refusal{Differs, xtifSignature}},
		{SchemeXTIF, xtifCaller, "hidden", Refusal{Unknown, xtifCaller}},
		{SchemeXTIF, xtifCaller, "ak-0002", Refusal{Differs, xtifSignature}},
		{SchemeEnvelope, fieldCode, "", Refusal{Missing, fieldCode}},
		{SchemeEnvelope, fieldTime, "", Refusal{Missing, fieldTime}},
		{SchemeEnvelope, fieldSigned, "", Refusal{Missing, fieldSigned}},
		{SchemeEnvelope, fieldTime, "2026-03-10T12:00:00", Refusal{Malformed, fieldTime}},
		{SchemeEnvelope, fieldTime, "2026-03-10 13:00:00", Refusal{Expired, fieldTime}},
		{SchemeEnvelope, fieldCode, "hidden", Refusal{Unknown, fieldCode}},
		{SchemeEnvelope, fieldCode, "P42010000002", Refusal{Differs, fieldSigned}},
		{SchemeEnvelope, fieldSigned, "hidden", Refusal{Malformed, fieldSigned}},
		{SchemeEnvelope, fieldSigned, "ab", Refusal{Malformed, fieldSigned}},
		{SchemeEnvelope, fieldSigned, "A", Refusal{Malformed, fieldSigned}},
		{SchemeEnvelope, fieldSigned, strings.Repeat("AB", sm2DERMax+1), Refusal{Malformed, fieldSigned}},
		{SchemeEnvelope, fieldSigned, "AB", Refusal{Differs, fieldSigned}},
		{SchemeEnvelope, fieldSignType, "SM3", Refusal{Malformed, fieldSignType}},
		{SchemeEnvelope, "opter_name", "王芳&opter_type=1", Refusal{Malformed, ""}},
		{SchemePortal, portalAppCode, "", Refusal{Missing, portalAppCode}},
		{SchemePortal, portalTime, "", Refusal{Missing, portalTime}},
		{SchemePortal, portalSignType, "", Refusal{Missing, portalSignType}},
		{SchemePortal, portalSignData, "", Refusal{Missing, portalSignData}},
		{SchemePortal, portalEncType, "", Refusal{Missing, portalEncType}},
		{SchemePortal, portalEncData, "", Refusal{Missing, portalEncData}},
		{SchemePortal, portalSignType, "SM3", Refusal{Malformed, portalSignType}},
		{SchemePortal, portalEncType, "AES", Refusal{Malformed, portalEncType}},
		{SchemePortal, portalTime, "17731152001", Refusal{Malformed, portalTime}},
		{SchemePortal, portalTime, "20261310120000", Refusal{Malformed, portalTime}},
		{SchemePortal, portalTime, "20260310130000", Refusal{Expired, portalTime}},
		{SchemePortal, portalTime, "1773118800123", Refusal{Expired, portalTime}},
		{SchemePortal, portalTime, "1773115200123", Refusal{Differs, portalSignData}},
		{SchemePortal, portalAppCode, "hidden", Refusal{Unknown, portalAppCode}},
		{SchemePortal, portalAppCode, "ak-0002", Refusal{Differs, portalSignData}},
		{SchemePortal, portalEncData, "hidden", Refusal{Malformed, portalEncData}},
		{SchemePortal, portalEncData, "AB", Refusal{Differs, portalSignData}},
		{SchemePortal, portalSignData, "hidden", Refusal{Malformed, portalSignData}},
		{SchemePortal, portalVersion, "2.0.0", Refusal{Differs, portalSignData}},
		{SchemePortal, portalVersion, "1&x=y", Refusal{Malformed, ""}},
		{SchemePortal, portalData, "{}", Refusal{Malformed, portalData}},
	} {
		f := all[x.scheme]
		h, wire := f.sent(t, noon)
		if len(h) > 0 {
			delete(h, x.field)
			if x.value != "" {
				h[x.field] = x.value
			}
		} else {
			wire = setField(t, wire, x.field, x.value)
		}
		plain, who, err := f.scheme.Open(h, wire, noon)
		if err != x.want || plain != nil || who != nil {
			t.Errorf("%s, %s = %.20q: %v, want %v", x.scheme, x.field, x.value, err, x.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "?")) {
			t.Errorf("refusal %q", err)
		}
	}
	for _, scheme := range []string{SchemeEnvelope, SchemePortal} {
		for _, body := range []string{"", "[]", "null", `{"a":1,"a":2}`, "{", "{}x", "\xff", `{"a":"` + "\xff" + `"}`, `{"a":"\ud800"}`} {
			if _, _, err := all[scheme].scheme.Open(carried{}, []byte(body), noon); err != (Refusal{Kind: Malformed}) {
				t.Errorf("%s: %q: %v", scheme, body, err)
			}
		}
	}
}

// setField changes, adds or takes away a string field of a flat object.
func setField(t testing.TB, body []byte, name, value string) []byte {
	t.Helper()
	m, ok := readObject(body)
	if !ok {
		t.Fatalf("%s", body)
	}
	out := []byte("{")
	add := func(name string, raw []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, `"`+name+`":`...), raw...)
	}
	found := false
	for _, f := range m {
		switch {
		case f.name != name:
			add(f.name, f.raw)
		case value != "":
			add(name, []byte(`"`+value+`"`))
			fallthrough
		default:
			found = true
		}
	}
	if !found {
		add(name, []byte(`"`+value+`"`))
	}
	return append(out, '}')
}

// The scheme without signatures takes everything, from somebody who may speak for all.
func TestNone(t *testing.T) {
	var s Scheme = None{}
	var c Client = None{}
	h := carried{}
	wire, err := c.Sign(h, []byte(sampleRequest), noon)
	if err != nil || string(wire) != sampleRequest || len(h) != 0 {
		t.Errorf("%s %v %v", wire, h, err)
	}
	plain, who, err := s.Open(h, wire, noon)
	if err != nil || string(plain) != sampleRequest || !who.MayUse([]byte("anything")) || who.Name() != SchemeNone || s.Name() != SchemeNone || c.Name() != SchemeNone {
		t.Errorf("%s %v", plain, err)
	}
	sealed, err := s.Seal(h, who, []byte(sampleAnswer), noon)
	back, err2 := c.Verify(h, sealed, noon)
	if err != nil || err2 != nil || string(back) != sampleAnswer || len(h) != 0 {
		t.Errorf("%s %v %v", back, err, err2)
	}
}

// net/http's headers do as well, and one given twice counts as missing.
func TestHTTP(t *testing.T) {
	for _, name := range []string{SchemeGateway, SchemeXTIF} {
		f := fixtures(t)[name]
		h := http.Header{}
		wire, err := f.client.Sign(h, []byte(sampleRequest), noon)
		if err != nil {
			t.Fatal(err)
		}
		for header := range h {
			h.Add(header, h.Get(header))
			if _, _, err := f.scheme.Open(HTTP(h), wire, noon); !isRefusal(err) {
				t.Errorf("%s twice: %v", header, err)
			}
			h.Set(header, h.Get(header))
		}
		if _, _, err := f.scheme.Open(HTTP(h), wire, noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// And fasthttp's, as they are: its spelling of names does not touch these.
func TestFasthttp(t *testing.T) {
	for _, name := range []string{SchemeGateway, SchemeXTIF} {
		f := fixtures(t)[name]
		var h fasthttp.RequestHeader
		wire, err := f.client.Sign(&h, []byte(sampleRequest), noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.scheme.Open(&h, wire, noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var back fasthttp.ResponseHeader
		sealed, err := f.scheme.Seal(&back, f.platform.callers[0], []byte(sampleAnswer), noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.client.Verify(&back, sealed, noon); err != nil {
			t.Errorf("%s: answer: %v", name, err)
		}
	}
}

// What cannot be signed is an error of the caller, not a wrong answer.
func TestNotSealable(t *testing.T) {
	all := fixtures(t)
	for _, body := range []string{"", "[]", "{}", `{"a":1,"a":2}`, `{"cainfo":""}`, `{"signtype":""}`, `{"x":{}}`, `{"x":"y&z=1"}`} {
		if out, err := all[SchemeEnvelope].scheme.Seal(carried{}, nil, []byte(body), noon); err == nil {
			t.Errorf("%q sealed: %s", body, out)
		}
	}
	if _, err := all[SchemePortal].scheme.Seal(carried{}, &anybody, []byte(sampleAnswer), noon); err == nil {
		t.Error("sealed for somebody without a key")
	}
	if _, err := all[SchemePortal].scheme.Seal(carried{}, nil, []byte(sampleAnswer), noon); err == nil {
		t.Error("sealed for nobody")
	}
}

// An answer meant for another caller is not taken, nor one signed by another key.
func TestOthersAnswer(t *testing.T) {
	for name, f := range fixtures(t) {
		if !strings.HasPrefix(name, SchemePortal) {
			continue
		}
		sealed, err := f.scheme.Seal(carried{}, f.platform.callers[1], []byte(f.answer), noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.client.Verify(carried{}, sealed, noon); err != (Refusal{Unknown, f.platform.appField}) {
			t.Errorf("%s: another's answer: %v", name, err)
		}
		own, err := f.client.Sign(carried{}, []byte(f.answer), noon) // sent back as if it were the answer
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.client.Verify(carried{}, own, noon); err != (Refusal{Differs, portalSignData}) {
			t.Errorf("%s: own request as the answer: %v", name, err)
		}
	}
}
