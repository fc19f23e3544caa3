package api

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

var (
	headerRequestID   = []byte("X-Request-Id")
	headerRetryAfter  = []byte("Retry-After")
	headerAllow       = []byte("Allow")
	headerReplayed    = []byte("Idempotency-Replayed")
	headerTraceparent = []byte("Traceparent")
	headerExpect      = []byte("Expect")
	valueTrue         = []byte("true")
)

// verdict is what the front door says of a request before its body is looked at.
type verdict struct {
	code  Code // "": go on
	close bool // the rest of the connection cannot be trusted
	// length is Content-Length as it came over the wire, 0 if there is none. fasthttp's own may have been
	// set to 0 by headerReceived to keep it from reading the body.
	length int
	route  *Route
	match  match
	path   []byte // of the request target
	query  []byte
}

// judge checks the request line and header of a request that fasthttp could parse, and finds its
// route. It is called for each request before its handler, and in some cases before its body is read:
// both times it must come to the same answer, so it looks only at what headerReceived cannot change.
// It changes nothing and allocates nothing.
func (f *face) judge(h *fasthttp.RequestHeader, v *verdict) {
	raw := h.RawHeaders()
	if len(raw) > HeaderBytesMax {
		v.code, v.close = CodeHeaderTooLarge, true
		return
	}
	if v.scanHeader(raw); v.code != "" {
		return
	}
	if string(h.Protocol()) != "HTTP/1.1" {
		v.code, v.close = CodeBadVersion, true
		return
	}
	target := h.RequestURI()
	if len(target) > URLBytesMax {
		v.code, v.close = CodeURLTooLong, true
		return
	}
	if len(target) == 0 || target[0] != '/' {
		v.code, v.close = CodeBadTarget, true
		return
	}
	if !f.hostOK(h.Host()) {
		v.code = CodeWrongHost
		return
	}
	v.path = target
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		v.path, v.query = target[:i], target[i+1:]
	}
	f.judgeCall(h, v)
}

// judgeCall finds the route and checks that the body fits it.
func (f *face) judgeCall(h *fasthttp.RequestHeader, v *verdict) {
	if !f.router.find(v.path, &v.match) {
		v.code = CodeNotFound
		return
	}
	e := v.match.entry
	v.code = CodeNotFound
	if len(e.routes) > 0 && !listed(e.hidden, h.Method()) {
		v.code = CodeMethod
	}
	for _, r := range e.routes {
		if r.Method != string(h.Method()) {
			continue
		}
		if r.Media == NoBody {
			// reliability.md 4.3: GET with a body is 405. A body here is a caller who means another method.
			if v.length == 0 {
				v.code, v.route = "", r
			}
			return
		}
		v.code = CodeMediaType
		if r.Media.takes(h.ContentType()) {
			v.code, v.route = "", r
			break
		}
	}
	if v.code == "" && v.length > v.route.bodyMax() {
		v.code, v.close = CodeBodyTooLarge, true
	}
}

func listed(routes []*Route, method []byte) bool {
	for _, r := range routes {
		if r.Method == string(method) {
			return true
		}
	}
	return false
}

// Headers that may stand only once, beside Host and Content-Length, which fasthttp counts itself.
const (
	onceContentType = 1 << iota
	onceTraceparent
)

// scanHeader looks at the header block as it came over the wire, because fasthttp's parsed form no
// longer shows what we refuse: folded lines are joined, Transfer-Encoding beside Content-Length is
// dropped, bare line feeds are taken for line ends. Names are compared without case.
func (v *verdict) scanHeader(raw []byte) {
	v.close = true // the scan ends at the first refusal, so what else is in the header is not known
	lines, once := 0, 0
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\n')
		if n < 1 || raw[n-1] != '\r' {
			v.code = CodeBadHeader
			return
		}
		line := raw[:n-1]
		raw = raw[n+1:]
		if len(line) == 0 {
			break
		}
		if lines++; lines > HeadersMax {
			v.code = CodeHeaderTooLarge
			return
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || line[0] == ' ' || line[0] == '\t' || bytes.IndexByte(line[:colon], ' ') >= 0 {
			v.code = CodeBadHeader
			return
		}
		if once = v.judgeHeader(line[:colon], line[colon+1:], once); v.code != "" {
			return
		}
	}
	v.close = false
}

// judgeHeader refuses the headers that we do not speak and takes the length of the body. The first
// letter decides for nearly all. once is the set of single headers seen so far, with this one.
func (v *verdict) judgeHeader(name, value []byte, once int) int {
	bit := 0
	switch name[0] | 0x20 {
	case 't':
		if equalFold(name, "transfer-encoding") {
			v.code = CodeLengthRequired
		} else if equalFold(name, "traceparent") {
			bit = onceTraceparent
		}
	case 'c':
		switch {
		case equalFold(name, "content-length"):
			// fasthttp has checked that there is one, all digits, within an int.
			for _, c := range trimSpace(value) {
				v.length = v.length*10 + int(c-'0')
			}
		case equalFold(name, "content-type"):
			bit = onceContentType
		case equalFold(name, "content-encoding"):
			v.code = CodeContentEncoding
		}
	case 'e':
		if equalFold(name, "expect") {
			v.code = CodeExpect
		}
	case 'u':
		if equalFold(name, "upgrade") {
			v.code = CodeUpgradeRefused
		}
	}
	if once&bit != 0 {
		v.code = CodeBadHeader
	}
	return once | bit
}

// hostOK compares the name in Host (without port) with those this listener answers to. It keeps a
// web page that was given our address under its own name (DNS rebinding) from using the browser of
// an operator to call us.
func (f *face) hostOK(host []byte) bool {
	name := host
	if n := len(host); n > 0 && host[0] == '[' {
		if i := bytes.IndexByte(host, ']'); i > 0 && (i == n-1 || host[i+1] == ':' && digits(host[i+2:])) {
			name = host[:i+1]
		}
	} else if i := bytes.IndexByte(host, ':'); i >= 0 && digits(host[i+1:]) {
		name = host[:i]
	}
	for _, want := range f.hosts {
		if equalFold(name, want) {
			return true
		}
	}
	return false
}

func digits(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return len(b) > 0
}
