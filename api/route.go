package api

import (
	"fmt"
	"slices"
	"strings"
)

// Listener says on which listeners a route answers.
type Listener uint8

// Business routes answer on both listeners, Admin routes (marked A in api.md, R31) on the admin
// listener only; the business listener answers 404 for them.
const (
	Business Listener = iota + 1
	Admin
)

// Media is the kind of body a route takes.
type Media uint8

// The kinds of body. NoBody is for GET.
const (
	NoBody Media = iota
	JSON
	NDJSON
	NationalJSON // application/json or, as some real clients send it, text/plain
	OctetStream
	Multipart
	TOML // application/toml: a regional profile
)

// mediaTypes are the accepted types, without parameters.
var mediaTypes = [...][]string{
	NoBody: nil, JSON: {"application/json"}, NDJSON: {"application/x-ndjson"},
	NationalJSON: {"application/json", "text/plain"}, OctetStream: {"application/octet-stream"},
	Multipart: {"multipart/form-data"}, TOML: {"application/toml"},
}

// Handler answers one call, on the connection's goroutine. The Call and every slice of it are valid
// until the handler returns and not after; what goes to another goroutine is copied first.
type Handler func(c *Call)

// Route is one call: a method, a path pattern and what may arrive there.
type Route struct {
	Name     string // label in metrics and logs: small letters, digits, "_"; the same name may stand at several routes
	Method   string // GET, POST or PUT
	Pattern  string // "/v1/persons/{psn_no}/members": a segment is a literal or one parameter
	Listener Listener
	Media    Media
	BodyMax  int  // bytes; 0: BusinessBodyMax (nothing for NoBody)
	Stream   bool // the body is read piece by piece through Call.Stream; Admin routes only
	Handler  Handler

	metrics *routeMetrics // set by New
	own     bool          // one of ownRoutes: answers also while stopping
}

// paramsMax bounds the parameters of a pattern; the longest of api.md has two.
const paramsMax = 4

func (r *Route) check() error {
	bad := func(what string) error { return fmt.Errorf("api: route %s %s: %s", r.Method, r.Pattern, what) }
	switch {
	case r.Handler == nil:
		return bad("no handler")
	case r.Name == "" || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return bad("name is not small letters, digits and underscores")
	case r.Method != "GET" && r.Method != "POST" && r.Method != "PUT":
		return bad("method is not GET, POST or PUT")
	case r.Listener != Business && r.Listener != Admin:
		return bad("no listener")
	case r.Media > TOML || (r.Method == "GET") != (r.Media == NoBody):
		return bad("GET has no body, all others have one")
	case r.Stream && r.Listener != Admin:
		return bad("streamed bodies are read on the admin listener only (DESIGN.md)")
	case r.BodyMax < 0 || r.BodyMax > BulkBodyMax || (!r.Stream && r.BodyMax > NationalFileMax):
		return bad("body limit out of range")
	case !strings.HasPrefix(r.Pattern, "/") || strings.Count(r.Pattern, "{") > paramsMax:
		return bad("pattern does not begin with / or has too many parameters")
	}
	for _, segment := range strings.Split(r.Pattern, "/")[1:] {
		literal := strings.Trim(segment, "{}")
		if literal == "" && r.Pattern != "/" || !pathSafe([]byte(literal)) ||
			segment != literal && segment != "{"+literal+"}" {
			return bad("bad segment")
		}
	}
	return nil
}

// bodyMax is the limit that applies.
func (r *Route) bodyMax() int {
	switch {
	case r.Media == NoBody:
		return 0
	case r.BodyMax == 0:
		return BusinessBodyMax
	}
	return r.BodyMax
}

// takes tells whether a Content-Type fits the route. Parameters are ignored but for charset, which
// must be UTF-8: a GBK body read as UTF-8 would put wrong names into the ledger.
func (m Media) takes(contentType []byte) bool {
	mediaType, params := contentType, []byte(nil)
	for i, c := range contentType {
		if c == ';' {
			mediaType, params = contentType[:i], contentType[i+1:]
			break
		}
	}
	mediaType = trimSpace(mediaType)
	for _, want := range mediaTypes[m] {
		if equalFold(mediaType, want) {
			return m == Multipart || charsetOK(params)
		}
	}
	return false
}

// overlaps tells whether some Content-Type fits both kinds of body, or neither has one: then two routes of one path could not be told apart.
func (m Media) overlaps(other Media) bool {
	for _, t := range mediaTypes[m] {
		if slices.Contains(mediaTypes[other], t) {
			return true
		}
	}
	return m == other
}

func charsetOK(params []byte) bool {
	params = trimSpace(params)
	return len(params) == 0 || equalFold(params, "charset=utf-8") || equalFold(params, `charset="utf-8"`)
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold compares ASCII without case; lower is in small letters. (bytes.EqualFold would take the
// Kelvin sign for a k.)
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
