package sign

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" // the scheme's own; HMAC does not need a hash free of collisions
	"encoding/base64"
	"strconv"
	"time"
)

// The headers of the Hunan service gateway (HN), and their lengths.
const (
	gatewayName      = "_api_name"
	gatewayVersion   = "_api_version"
	gatewayTimestamp = "_api_timestamp"
	gatewayAccessKey = "_api_access_key"
	gatewaySignature = "_api_signature"

	gatewayValueMax     = 100
	gatewayTimestampLen = 13 // ms since 1970
)

// gateway signs four headers, not the body, and no answer.
type gateway struct {
	hidden
	keys   *Keys
	window window
}

// Name is "gateway".
func (g *gateway) Name() string { return SchemeGateway }

// Open checks in the source's order: headers, time, caller, signature.
func (g *gateway) Open(h Headers, body []byte, now time.Time) ([]byte, *Caller, error) {
	var v [4][]byte // in the order of the signed text
	for i, name := range gatewaySigned {
		b, err := header(h, name, gatewayValueMax)
		if err != nil {
			return nil, nil, err
		}
		v[i] = b
	}
	given, err := header(h, gatewaySignature, base64.StdEncoding.EncodedLen(sha1.Size))
	if err != nil {
		return nil, nil, err
	}
	ms, ok := digits(v[2], gatewayTimestampLen)
	if !ok {
		return nil, nil, Refusal{Malformed, gatewayTimestamp}
	}
	if !g.window.holds(time.UnixMilli(ms), now) {
		return nil, nil, Refusal{Expired, gatewayTimestamp}
	}
	who := g.keys.byName[string(v[0])]
	if who == nil {
		return nil, nil, Refusal{Unknown, gatewayAccessKey}
	}
	if !hmac.Equal(given, gatewaySign(who, v)) {
		return nil, nil, Refusal{Differs, gatewaySignature}
	}
	return body, who, nil
}

// gatewaySigned is the order of the names.
var gatewaySigned = [4]string{gatewayAccessKey, gatewayName, gatewayTimestamp, gatewayVersion}

func gatewaySign(who *Caller, values [4][]byte) []byte {
	text := make([]byte, 0, 4*(gatewayValueMax+len(gatewayAccessKey)+2))
	for i, name := range gatewaySigned {
		if i > 0 {
			text = append(text, '&')
		}
		text = append(append(append(text, name...), '='), values[i]...)
	}
	mac := hmac.New(sha1.New, who.secret)
	mac.Write(text)
	return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil))
}

// Seal changes nothing: the source signs no answer.
func (g *gateway) Seal(_ HeaderSetter, _ *Caller, answer []byte, _ time.Time) ([]byte, error) {
	return answer, nil
}

type gatewayClient struct {
	hidden
	keys *Keys
	self *Caller
}

// Name is "gateway".
func (c *gatewayClient) Name() string { return SchemeGateway }

// Sign sets the five headers.
func (c *gatewayClient) Sign(h HeaderSetter, body []byte, now time.Time) ([]byte, error) {
	v := [4][]byte{[]byte(c.self.name), []byte(c.keys.apiName), strconv.AppendInt(nil, now.UnixMilli(), 10), []byte(c.keys.apiVersion)}
	for i, name := range gatewaySigned {
		h.Set(name, string(v[i]))
	}
	h.Set(gatewaySignature, string(gatewaySign(c.self, v)))
	return body, nil
}

// Verify takes every answer: none is signed.
func (c *gatewayClient) Verify(_ Headers, body []byte, _ time.Time) ([]byte, error) { return body, nil }

// header reads one that must be there. Without '&' in any value a signed text has one reading only.
func header(h Headers, name string, most int) ([]byte, error) {
	b := h.Peek(name)
	switch {
	case len(b) == 0:
		return nil, Refusal{Missing, name}
	case len(b) > most || bytes.IndexByte(b, '&') >= 0:
		return nil, Refusal{Malformed, name}
	}
	return b, nil
}

// digits reads exactly n decimal digits, n <= 18.
func digits(b []byte, n int) (v int64, ok bool) {
	if len(b) != n {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}
