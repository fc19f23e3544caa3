package api

import (
	"bytes"
	"fmt"
	"strings"
)

// router finds the route of a method and path. Paths without parameters are found in one map look-up;
// the others are compared segment by segment with the few patterns of the same number of segments.
// It is built once and then only read.
type router struct {
	literal  map[string]*pathEntry
	patterns [segmentsMax + 1][]*pathEntry
}

// segmentsMax bounds the segments of a path; the longest of api.md has 5.
const segmentsMax = 8

// pathEntry is one path pattern with all its routes.
type pathEntry struct {
	segments []string // "" stands for a parameter
	routes   []*Route
	hidden   []*Route // known, but not on this listener
	allow    string   // header Allow
}

// span is a piece of the path.
type span struct{ from, to uint16 } // URLBytesMax fits

// match is what a look-up found.
type match struct {
	entry  *pathEntry
	params [paramsMax]span
}

// newRouter builds the router of one listener: on the business listener Admin routes are hidden.
func newRouter(routes []*Route, on Listener) (*router, error) {
	r := &router{literal: map[string]*pathEntry{}}
	for _, route := range routes {
		e, err := r.entry(route.Pattern)
		if err != nil {
			return nil, err
		}
		if on == Business && route.Listener == Admin {
			e.hidden = append(e.hidden, route)
			continue
		}
		for _, other := range e.routes {
			if other.Method == route.Method && other.Media.overlaps(route.Media) {
				return nil, fmt.Errorf("api: two routes for %s %s", route.Method, route.Pattern)
			}
		}
		e.routes = append(e.routes, route)
		if !strings.Contains(e.allow, route.Method) {
			e.allow = strings.TrimPrefix(e.allow+", "+route.Method, ", ")
		}
	}
	return r, nil
}

func (r *router) entry(pattern string) (*pathEntry, error) {
	if !strings.Contains(pattern, "{") {
		e := r.literal[pattern]
		if e == nil {
			e = &pathEntry{}
			r.literal[pattern] = e
		}
		return e, nil
	}
	segments := strings.Split(pattern, "/")[1:]
	if len(segments) > segmentsMax {
		return nil, fmt.Errorf("api: pattern %s has more than %d segments", pattern, segmentsMax)
	}
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = ""
		}
	}
	list := &r.patterns[len(segments)]
	for _, e := range *list {
		if strings.Join(e.segments, "/") == strings.Join(segments, "/") {
			return e, nil
		}
		if overlap(e.segments, segments) {
			return nil, fmt.Errorf("api: pattern %s overlaps another one", pattern)
		}
	}
	e := &pathEntry{segments: segments}
	*list = append(*list, e)
	return e, nil
}

// overlap tells whether some path fits both patterns; such pairs are refused, so order never matters.
func overlap(a, b []string) bool {
	for i := range a {
		if a[i] != "" && b[i] != "" && a[i] != b[i] {
			return false
		}
	}
	return true
}

// find looks up a path (without query). A literal path wins over a pattern.
func (r *router) find(path []byte, m *match) bool {
	if e := r.literal[string(path)]; e != nil {
		m.entry = e
		return true
	}
	var spans [segmentsMax]span
	n := split(path, &spans)
	if n == 0 {
		return false
	}
	for _, e := range r.patterns[n] {
		if e.fits(path, spans[:n], m) {
			m.entry = e
			return true
		}
	}
	return false
}

// split cuts a path at its slashes; 0 means that no pattern can fit.
func split(path []byte, spans *[segmentsMax]span) int {
	if len(path) == 0 || len(path) > URLBytesMax || path[0] != '/' {
		return 0
	}
	n := 0
	for from := 1; ; n++ {
		if n == segmentsMax {
			return 0
		}
		length := bytes.IndexByte(path[from:], '/')
		if length < 0 {
			spans[n] = span{uint16(from), uint16(len(path))}
			return n + 1
		}
		spans[n] = span{uint16(from), uint16(from + length)}
		from += length + 1
	}
}

// fits compares the literals from the end, where patterns differ most ("…/members", "…/statement"),
// and looks at parameters only when all literals agree.
func (e *pathEntry) fits(path []byte, spans []span, m *match) bool {
	for i := len(spans) - 1; i >= 0; i-- {
		want := e.segments[i]
		if want != "" && string(path[spans[i].from:spans[i].to]) != want {
			return false
		}
	}
	params := 0
	for i, want := range e.segments {
		if want != "" {
			continue
		}
		if spans[i].from == spans[i].to || !pathSafe(path[spans[i].from:spans[i].to]) {
			return false
		}
		m.params[params] = spans[i]
		params++
	}
	return true
}

// pathSafe tells whether a segment has only characters that our ids and codes have: unreserved ones
// and the check symbols of package ids. Percent signs are not among them, so there is one spelling of
// each path and no question of who decodes it.
func pathSafe(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 && c|0x20-'a' > 25 {
			switch c {
			case '-', '_', '.', '~', '*', '$', '=':
			default:
				return false
			}
		}
	}
	return true
}
