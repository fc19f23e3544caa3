package sign

import (
	"errors"
	"fmt"
	"time"
)

// Names of the schemes.
const (
	SchemeNone     = "none"
	SchemeGateway  = "gateway"
	SchemeXTIF     = "xtif"
	SchemeEnvelope = "sm2-envelope"
	SchemePortal   = "portal"
)

// Time windows: how far a message's time may be from ours, to either side. WindowDefault is the gateway's (HN: 30 minutes); for the other
// schemes no source gives one, so they have the same, except x-tif: its nonces are kept for twice the window, and minutes are enough for clocks.
const (
	WindowDefault     = 30 * time.Minute
	WindowDefaultXTIF = 5 * time.Minute
	WindowMax         = 2 * time.Hour
)

// Headers gives a header's value by its name, nil if it is missing. The headers of fasthttp's requests and responses do; HTTP makes one
// of net/http's.
type Headers interface{ Peek(name string) []byte }

// HeaderSetter sets a header. Those of fasthttp and of net/http do.
type HeaderSetter interface{ Set(name, value string) }

// Scheme is the platform's side. It may be used from any goroutine.
type Scheme interface {
	Name() string
	// Open verifies a request as it came in. plain is the body to work on: body itself, or new bytes where the scheme encrypts; who sent it
	// must still be asked whether it may speak for the institution named in there (Caller.MayUse). The error is a Refusal.
	Open(h Headers, body []byte, now time.Time) (plain []byte, who *Caller, err error)
	// Seal signs the answer to a request that who has sent, setting headers or making a new body as the scheme wants. wire may be answer
	// itself. An error is a bug of the caller: the answer is no flat JSON object of the kind the scheme signs, or who is another scheme's.
	Seal(h HeaderSetter, who *Caller, answer []byte, now time.Time) (wire []byte, err error)
}

// Client is the institution's side, for tills and tests. It may be used from any goroutine.
type Client interface {
	Name() string
	// Sign signs a request. wire may be body itself.
	Sign(h HeaderSetter, body []byte, now time.Time) (wire []byte, err error)
	// Verify checks an answer. Where the source signs none, it is taken as it is. The error is a Refusal.
	Verify(h Headers, body []byte, now time.Time) (plain []byte, err error)
}

// SealsFiles tells whether a scheme's Seal takes an answer that is a file and no message (9102), and Verify gives it back. sm2-envelope signs fields:
// it has nothing to say of bytes, and both sides take them as they are.
func SealsFiles(scheme string) bool { return scheme != SchemeEnvelope }

// Options of a scheme.
type Options struct {
	Window time.Duration // 0: the scheme's default
}

// ErrOptions says that scheme, keys and options do not fit each other.
var ErrOptions = errors.New("sign: options")

// New makes the platform's side of the scheme that the keys are for.
func New(k *Keys, o Options) (Scheme, error) {
	w, err := check(k, o, RolePlatform)
	if err != nil {
		return nil, err
	}
	switch k.scheme {
	case SchemeGateway:
		return &gateway{keys: k, window: w}, nil
	case SchemeXTIF:
		return &xtif{keys: k, window: w, nonces: newNonces(2 * time.Duration(w))}, nil
	case SchemeEnvelope:
		return &envelope{keys: k, window: w}, nil
	default:
		return &portal{keys: k, window: w}, nil
	}
}

// NewClient makes the institution's side of the scheme that the keys are for.
func NewClient(k *Keys, o Options) (Client, error) {
	w, err := check(k, o, RoleInstitution)
	if err != nil {
		return nil, err
	}
	self := k.callers[0]
	switch k.scheme {
	case SchemeGateway:
		return &gatewayClient{keys: k, self: self}, nil
	case SchemeXTIF:
		return &xtifClient{self: self}, nil
	case SchemeEnvelope:
		return &envelopeClient{keys: k, self: self, window: w}, nil
	default:
		return &portalClient{keys: k, self: self, window: w}, nil
	}
}

func check(k *Keys, o Options, role string) (window, error) {
	w := o.Window
	switch {
	case k == nil || k.role != role:
		return 0, fmt.Errorf("%w: the keys are not those of the %s", ErrOptions, role)
	case w < 0 || w > WindowMax:
		return 0, fmt.Errorf("%w: time window %s, at most %s", ErrOptions, w, WindowMax)
	case w > 0:
		return window(w), nil
	case k.scheme == SchemeXTIF:
		return window(WindowDefaultXTIF), nil
	}
	return window(WindowDefault), nil
}

// window is how far two clocks may differ.
type window time.Duration

func (w window) holds(at, now time.Time) bool { return now.Sub(at).Abs() <= time.Duration(w) }

// None is the scheme without signatures, both sides: for tests and for a listener on the loopback address. Its user enforces that.
type None struct{}

// Name is "none".
func (None) Name() string { return SchemeNone }

// Open takes every request, as one of a caller who may speak for everybody.
func (None) Open(_ Headers, body []byte, _ time.Time) ([]byte, *Caller, error) {
	return body, &anybody, nil
}

// Seal changes nothing.
func (None) Seal(_ HeaderSetter, _ *Caller, answer []byte, _ time.Time) ([]byte, error) {
	return answer, nil
}

// Sign changes nothing.
func (None) Sign(_ HeaderSetter, body []byte, _ time.Time) ([]byte, error) { return body, nil }

// Verify takes every answer.
func (None) Verify(_ Headers, body []byte, _ time.Time) ([]byte, error) { return body, nil }
