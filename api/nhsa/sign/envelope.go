package sign

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Fields of the envelope that the scheme touches (nhsa-interface.md 1.2, 1.3).
const (
	fieldCode     = "fixmedins_code"
	fieldTime     = "inf_time"
	fieldAnswered = "respond_time"
	fieldSigned   = "cainfo"
	fieldSignType = "signtype"
	fieldInput    = "input"
	fieldOutput   = "output"
	signTypeSM2   = "SM2"
	answeredLen   = 17 // yyyyMMddHHmmssSSS
)

// china is the zone of the envelope's times.
var china = time.FixedZone("+08:00", 8*3600)

// envelope signs the envelope's fields with SM2, not the payload (HB). Answers are signed the same way, which is ours: the source is silent.
type envelope struct {
	hidden
	keys   *Keys
	window window
}

// Name is "sm2-envelope".
func (e *envelope) Name() string { return SchemeEnvelope }

// Open finds the key by fixmedins_code.
func (e *envelope) Open(_ Headers, body []byte, now time.Time) ([]byte, *Caller, error) {
	members, ok := readObject(body)
	if !ok {
		return nil, nil, Refusal{Kind: Malformed}
	}
	code, at := find(members, fieldCode), find(members, fieldTime)
	for _, f := range [...]struct{ name, text string }{{fieldCode, code}, {fieldTime, at}, {fieldSigned, find(members, fieldSigned)}} {
		if f.text == "" {
			return nil, nil, Refusal{Missing, f.name}
		}
	}
	sent, err := time.ParseInLocation(time.DateTime, at, china)
	if err != nil {
		return nil, nil, Refusal{Malformed, fieldTime}
	}
	if !e.window.holds(sent, now) {
		return nil, nil, Refusal{Expired, fieldTime}
	}
	who := e.keys.byCode[code]
	if who == nil {
		return nil, nil, Refusal{Unknown, fieldCode}
	}
	if err := e.keys.verifyEnvelope(&who.public, members); err != nil {
		return nil, nil, err
	}
	return body, who, nil
}

// verifyEnvelope checks cainfo over the other fields.
func (k *Keys) verifyEnvelope(by *verifier, members []member) error {
	if t := find(members, fieldSignType); t != "" && t != signTypeSM2 {
		return Refusal{Malformed, fieldSignType}
	}
	given := find(members, fieldSigned)
	if given != strings.ToUpper(given) || hex.DecodedLen(len(given)) > sm2DERMax {
		return Refusal{Malformed, fieldSigned}
	}
	sig, err := hex.DecodeString(given)
	if err != nil {
		return Refusal{Malformed, fieldSigned}
	}
	text, ok := signedText(members, k.omitEmpty, fieldSigned, fieldInput, fieldOutput)
	if !ok {
		return Refusal{Kind: Malformed}
	}
	if k.der && !by.verifyDER(text, sig) || !k.der && !by.verifyRaw(text, sig) {
		return Refusal{Differs, fieldSigned}
	}
	return nil
}

// Seal puts signtype and cainfo into the answer, which must not have them.
func (e *envelope) Seal(_ HeaderSetter, _ *Caller, answer []byte, _ time.Time) ([]byte, error) {
	return e.keys.signEnvelope(&e.keys.own, answer)
}

var errNotSealable = errors.New("sign: no JSON object that can be signed")

func (k *Keys) signEnvelope(by *signer, body []byte) ([]byte, error) {
	end := len(bytes.TrimRight(body, blanks)) - 1
	members, ok := readObject(body)
	if !ok || len(members) == 0 {
		return nil, errNotSealable
	}
	for _, m := range members {
		if m.name == fieldSigned || m.name == fieldSignType {
			return nil, fmt.Errorf("%w: it has %s already", errNotSealable, m.name)
		}
	}
	text, ok := signedText(append(members, member{name: fieldSignType, raw: []byte(`"` + signTypeSM2 + `"`), text: signTypeSM2, flat: true}),
		k.omitEmpty, fieldInput, fieldOutput)
	if !ok {
		return nil, errNotSealable
	}
	sign := by.signRaw
	if k.der {
		sign = by.signDER
	}
	sig, err := sign(text)
	if err != nil {
		return nil, fmt.Errorf("sign: SM2: %w", err)
	}
	out := make([]byte, 0, len(body)+2*sm2DERMax+64)
	out = append(out, body[:end]...)
	out = append(out, `,"`+fieldSignType+`":"`+signTypeSM2+`","`+fieldSigned+`":"`...)
	out = append(out, strings.ToUpper(hex.EncodeToString(sig))...)
	out = append(out, '"')
	return append(out, body[end:]...), nil
}

type envelopeClient struct {
	hidden
	keys   *Keys
	self   *Caller
	window window
}

// Name is "sm2-envelope".
func (c *envelopeClient) Name() string { return SchemeEnvelope }

// Sign puts signtype and cainfo into the request, which must not have them.
func (c *envelopeClient) Sign(_ HeaderSetter, body []byte, _ time.Time) ([]byte, error) {
	return c.keys.signEnvelope(&c.self.own, body)
}

// Verify wants respond_time inside the window: an old answer is not this one's.
func (c *envelopeClient) Verify(_ Headers, body []byte, now time.Time) ([]byte, error) {
	members, ok := readObject(body)
	if !ok {
		return nil, Refusal{Kind: Malformed}
	}
	at := find(members, fieldAnswered)
	for _, f := range [...]struct{ name, text string }{{fieldAnswered, at}, {fieldSigned, find(members, fieldSigned)}} {
		if f.text == "" {
			return nil, Refusal{Missing, f.name}
		}
	}
	if len(at) != answeredLen {
		return nil, Refusal{Malformed, fieldAnswered}
	}
	answered, err := time.ParseInLocation("20060102150405.000", at[:14]+"."+at[14:], china)
	if err != nil {
		return nil, Refusal{Malformed, fieldAnswered}
	}
	if !c.window.holds(answered, now) {
		return nil, Refusal{Expired, fieldAnswered}
	}
	return body, c.keys.verifyEnvelope(&c.keys.platform, members)
}
