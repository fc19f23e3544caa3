package sign

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"time"
)

// The x-tif headers (ZB, CQ, XT). No lengths are given; the limits are ours.
const (
	xtifCaller    = "x-tif-paasid"
	xtifTimestamp = "x-tif-timestamp"
	xtifNonce     = "x-tif-nonce"
	xtifSignature = "x-tif-signature"

	xtifTimestampLen = 10 // seconds since 1970
	xtifNonceMax     = 64
)

// xtif signs time and nonce with the caller's token, not the body, and no answer.
type xtif struct {
	hidden
	keys   *Keys
	window window
	nonces *nonces
}

// Name is "xtif".
func (x *xtif) Name() string { return SchemeXTIF }

// Open remembers what it has taken: the same signed headers pass once.
func (x *xtif) Open(h Headers, body []byte, now time.Time) ([]byte, *Caller, error) {
	caller, err := header(h, xtifCaller, nameMax)
	if err != nil {
		return nil, nil, err
	}
	at, err := header(h, xtifTimestamp, xtifTimestampLen)
	if err != nil {
		return nil, nil, err
	}
	nonce, err := header(h, xtifNonce, xtifNonceMax)
	if err != nil {
		return nil, nil, err
	}
	given, err := header(h, xtifSignature, hex.EncodedLen(sha256.Size))
	if err != nil {
		return nil, nil, err
	}
	seconds, ok := digits(at, xtifTimestampLen)
	if !ok {
		return nil, nil, Refusal{Malformed, xtifTimestamp}
	}
	var sum [sha256.Size]byte
	if n, err := hex.Decode(sum[:], given); err != nil || n != len(sum) { // either case: clients differ
		return nil, nil, Refusal{Malformed, xtifSignature}
	}
	if !x.window.holds(time.Unix(seconds, 0), now) {
		return nil, nil, Refusal{Expired, xtifTimestamp}
	}
	who := x.keys.byName[string(caller)]
	if who == nil {
		return nil, nil, Refusal{Unknown, xtifCaller}
	}
	want := xtifSum(who, at, nonce)
	if subtle.ConstantTimeCompare(sum[:], want[:]) != 1 {
		return nil, nil, Refusal{Differs, xtifSignature}
	}
	if kind := x.nonces.add([16]byte(want[:16]), who, now); kind != 0 { // the sum names caller, time and nonce at once
		return nil, nil, Refusal{kind, xtifNonce}
	}
	return body, who, nil
}

// xtifSum is SHA-256 of timestamp + token + nonce + timestamp.
func xtifSum(who *Caller, at, nonce []byte) [sha256.Size]byte {
	text := make([]byte, 0, 2*xtifTimestampLen+secretMax+xtifNonceMax)
	text = append(append(append(append(text, at...), who.secret...), nonce...), at...)
	return sha256.Sum256(text)
}

// Seal changes nothing: the source signs no answer.
func (x *xtif) Seal(_ HeaderSetter, _ *Caller, answer []byte, _ time.Time) ([]byte, error) {
	return answer, nil
}

type xtifClient struct {
	hidden
	self *Caller
}

// Name is "xtif".
func (c *xtifClient) Name() string { return SchemeXTIF }

// Sign sets the four headers with a random nonce.
func (c *xtifClient) Sign(h HeaderSetter, body []byte, now time.Time) ([]byte, error) {
	at, nonce := strconv.AppendInt(nil, now.Unix(), 10), []byte(rand.Text())
	sum := xtifSum(c.self, at, nonce)
	h.Set(xtifCaller, c.self.name)
	h.Set(xtifTimestamp, string(at))
	h.Set(xtifNonce, string(nonce))
	h.Set(xtifSignature, hex.EncodeToString(sum[:]))
	return body, nil
}

// Verify takes every answer: none is signed.
func (c *xtifClient) Verify(_ Headers, body []byte, _ time.Time) ([]byte, error) { return body, nil }
