package sign

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gongji/api/strictjson"
)

// Fields of the outer object (XT, MOB).
const (
	portalAppCode     = "appCode" // XT
	portalAppID       = "appId"   // MOB
	portalTime        = "timestamp"
	portalVersion     = "version"
	portalSignType    = "signType"
	portalSignData    = "signData"
	portalEncType     = "encType"
	portalEncData     = "encData"
	portalExtra       = "extra"
	portalData        = "data" // the plain body: signed under this name, sent only inside encData
	portalSM4         = "SM4"
	portalVersionText = "1.0.0"
	portalSecret      = "&key=" // how the secret is appended
)

// portal signs and encrypts the whole body, both ways.
type portal struct {
	hidden
	keys   *Keys
	window window
}

// Name is "portal".
func (p *portal) Name() string { return SchemePortal }

// Open gives the decrypted body.
func (p *portal) Open(_ Headers, body []byte, now time.Time) ([]byte, *Caller, error) {
	m, err := p.keys.readOuter(body, p.window, now)
	if err != nil {
		return nil, nil, err
	}
	who := p.keys.byName[find(m, p.keys.appField)]
	if who == nil {
		return nil, nil, Refusal{Unknown, p.keys.appField}
	}
	plain, err := openOuter(m, who, &who.public, p.keys.cbc)
	if err != nil {
		return nil, nil, err
	}
	return plain, who, nil
}

// readOuter checks all that needs no key.
func (k *Keys) readOuter(body []byte, w window, now time.Time) ([]member, error) {
	m, ok := readObject(body)
	if !ok {
		return nil, Refusal{Kind: Malformed}
	}
	for _, name := range [...]string{k.appField, portalTime, portalSignType, portalSignData, portalEncType, portalEncData} {
		if find(m, name) == "" {
			return nil, Refusal{Missing, name}
		}
	}
	if find(m, portalSignType) != signTypeSM2 {
		return nil, Refusal{Malformed, portalSignType}
	}
	if find(m, portalEncType) != portalSM4 {
		return nil, Refusal{Malformed, portalEncType}
	}
	if slices.ContainsFunc(m, func(m member) bool { return m.name == portalData }) {
		return nil, Refusal{Malformed, portalData}
	}
	sent, ok := portalClock(find(m, portalTime))
	if !ok {
		return nil, Refusal{Malformed, portalTime}
	}
	if !w.holds(sent, now) {
		return nil, Refusal{Expired, portalTime}
	}
	return m, nil
}

// portalClock reads a time as one of the sources writes it: seconds or milliseconds since 1970, or yyyyMMddHHmmss.
func portalClock(text string) (at time.Time, ok bool) {
	v, ok := digits([]byte(text), len(text))
	switch {
	case !ok:
	case len(text) == 10:
		return time.Unix(v, 0), true
	case len(text) == 13:
		return time.UnixMilli(v), true
	case len(text) == 14:
		at, err := time.ParseInLocation("20060102150405", text, china)
		return at, err == nil
	}
	return time.Time{}, false
}

// openOuter decrypts and verifies. Bad padding and a bad signature are one refusal and the same work.
func openOuter(m []member, who *Caller, by *verifier, cbc bool) ([]byte, error) {
	sealed, err := hex.DecodeString(find(m, portalEncData))
	if err != nil {
		return nil, Refusal{Malformed, portalEncData}
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(find(m, portalSignData))
	if err != nil || len(sig) != sm2RawBytes {
		return nil, Refusal{Malformed, portalSignData}
	}
	plain, padded := who.sm4.decrypt(sealed, cbc)
	text, ok := portalText(m, plain, who.secret)
	if !ok {
		return nil, Refusal{Kind: Malformed}
	}
	if fits := by.verifyRaw(text, sig); !fits || !padded {
		return nil, Refusal{Differs, portalSignData}
	}
	return plain, nil
}

// portalText is what is signed: the non-empty fields with the plain body among them as data, and the secret behind.
func portalText(m []member, plain, secret []byte) ([]byte, bool) {
	m = append(slices.Clip(m), member{name: portalData, text: string(plain), flat: true, free: true})
	text, ok := signedText(m, true, portalSignData, portalEncData, portalExtra)
	return append(append(text, portalSecret...), secret...), ok
}

// Seal makes the outer object of an answer.
func (p *portal) Seal(_ HeaderSetter, who *Caller, answer []byte, now time.Time) ([]byte, error) {
	return p.keys.sealOuter(&p.keys.own, who, answer, now)
}

func (k *Keys) sealOuter(by *signer, who *Caller, plain []byte, now time.Time) ([]byte, error) {
	if who == nil || who.sm4.cipher == nil {
		return nil, errors.New("sign: the caller has no SM4 key: he is another scheme's")
	}
	m := []member{{name: k.appField, text: who.name}, {name: portalEncType, text: portalSM4}, {name: portalSignType, text: signTypeSM2},
		{name: portalTime, text: strconv.FormatInt(now.Unix(), 10)}, {name: portalVersion, text: portalVersionText}}
	for i := range m {
		m[i].flat = true
	}
	text, ok := portalText(m, plain, who.secret)
	if !ok {
		return nil, errNotSealable
	}
	sig, err := by.signRaw(text)
	if err != nil {
		return nil, fmt.Errorf("sign: SM2: %w", err)
	}
	sealed := who.sm4.encrypt(plain, k.cbc)
	var a strictjson.Appender
	a.B = make([]byte, 0, hex.EncodedLen(len(sealed))+512)
	a.Begin()
	for _, f := range m {
		a.String(f.name, f.text)
	}
	a.String(portalSignData, base64.StdEncoding.EncodeToString(sig))
	a.String(portalEncData, strings.ToUpper(hex.EncodeToString(sealed)))
	a.End()
	return a.B, nil
}

type portalClient struct {
	hidden
	keys   *Keys
	self   *Caller
	window window
}

// Name is "portal".
func (c *portalClient) Name() string { return SchemePortal }

// Sign makes the outer object of a request.
func (c *portalClient) Sign(_ HeaderSetter, body []byte, now time.Time) ([]byte, error) {
	return c.keys.sealOuter(&c.self.own, c.self, body, now)
}

// Verify gives the decrypted answer.
func (c *portalClient) Verify(_ Headers, body []byte, now time.Time) ([]byte, error) {
	m, err := c.keys.readOuter(body, c.window, now)
	if err != nil {
		return nil, err
	}
	if find(m, c.keys.appField) != c.self.name {
		return nil, Refusal{Unknown, c.keys.appField}
	}
	return openOuter(m, c.self, &c.keys.platform, c.keys.cbc)
}
