package api

import (
	"strings"
	"testing"
)

func nothing(*Call) {}

// contract is api.md's table of paths, for the router's tests and benchmark.
func contract() []*Route {
	var list []*Route
	for _, line := range strings.Split(strings.TrimSpace(`
A POST /v1/persons
A POST /v1/persons/{psn_no}/enrolments
A POST /v1/persons/{psn_no}/credentials
B POST /v1/persons/lookup
B GET /v1/persons/{psn_no}
A POST /v1/credit-runs
A POST /v1/credit-runs/{run_id}/lines
A POST /v1/credit-runs/{run_id}/close
A POST /v1/credits
A POST /v1/institutions
B POST /v1/bindings
B GET /v1/bindings/{id}
A GET /v1/bindings
B POST /v1/bindings/{id}/consent
B POST /v1/bindings/{id}/withdraw
A POST /v1/bindings/{id}/review
B POST /v1/unbindings
B GET /v1/persons/{psn_no}/members
B GET /v1/persons/{psn_no}/authorizers
B PUT /v1/persons/{psn_no}/debit-order
B POST /v1/settlements
B GET /v1/settlements
B POST /v1/settlements/batch
B POST /v1/settlements/preview
B GET /v1/settlements/{setl_id}
B POST /v1/settlements/{setl_id}/reversal
B POST /v1/reversals
B GET /v1/settlements/{setl_id}/draw
B POST /v1/premiums
B POST /v1/premiums/{id}/refund
B GET /v1/persons/{psn_no}/statement
A GET /v1/events
B GET /v1/institutions/{code}/settlements
B GET /v1/institutions/{code}/clearing
B POST /v1/institutions/{code}/reconciliation
A POST /v1/institutions/{code}/clearings
A GET /v1/ledger/totals`), "\n") {
		parts := strings.Fields(line)
		r := &Route{Name: "r", Method: parts[1], Pattern: parts[2], Listener: Business, Media: JSON, Handler: nothing}
		if parts[0] == "A" {
			r.Listener = Admin
		}
		if r.Method == "GET" {
			r.Media = NoBody
		}
		list = append(list, r)
	}
	return list
}

func TestRouterFindsTheContract(t *testing.T) {
	for _, on := range []Listener{Business, Admin} {
		routes := contract()
		router, err := newRouter(routes, on)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			if err := r.check(); err != nil {
				t.Error(err)
			}
			path := strings.NewReplacer("{psn_no}", "4200001", "{id}", "B000000000000Z*", "{setl_id}", "S0000000010007$",
				"{code}", "P42010612345", "{run_id}", "2026-01_a.b~c").Replace(r.Pattern)
			var m match
			if !router.find([]byte(path), &m) {
				t.Errorf("%s not found", path)
				continue
			}
			list, other := m.entry.routes, m.entry.hidden
			if on == Business && r.Listener == Admin {
				list, other = other, list
			}
			if !has(list, r) || has(other, r) {
				t.Errorf("%s %s: wrong place on listener %d", r.Method, path, on)
			}
			if strings.Contains(r.Pattern, "{") {
				from, to := m.params[0].from, m.params[0].to
				if want := strings.Split(path, "/")[3]; path[from:to] != want {
					t.Errorf("%s: parameter %q, want %q", path, path[from:to], want)
				}
			}
		}
	}
}

func has(list []*Route, r *Route) bool {
	for _, x := range list {
		if x == r {
			return true
		}
	}
	return false
}

func TestRouterRefusesBadTables(t *testing.T) {
	good := Route{Name: "r", Method: "POST", Pattern: "/a/{b}", Listener: Business, Media: JSON, Handler: nothing}
	for name, change := range map[string]func(r *Route){
		"no handler": func(r *Route) { r.Handler = nil }, "no name": func(r *Route) { r.Name = "" },
		"name with an id": func(r *Route) { r.Name = "A-1" }, "method": func(r *Route) { r.Method = "PATCH" },
		"GET with a body": func(r *Route) { r.Method = "GET" }, "no body": func(r *Route) { r.Media = NoBody },
		"no listener": func(r *Route) { r.Listener = 0 }, "stream for all": func(r *Route) { r.Stream = true },
		"limit": func(r *Route) { r.BodyMax = NationalFileMax + 1 }, "relative": func(r *Route) { r.Pattern = "a" },
		"brace": func(r *Route) { r.Pattern = "/a{b}" }, "double slash": func(r *Route) { r.Pattern = "/a//b" },
		"slash at the end": func(r *Route) { r.Pattern = "/a/" }, "percent": func(r *Route) { r.Pattern = "/%41" },
		"empty parameter":     func(r *Route) { r.Pattern = "/{}" },
		"too many parameters": func(r *Route) { r.Pattern = "/{a}/{b}/{c}/{d}/{e}" },
	} {
		r := good
		change(&r)
		if _, err := New(Options{}, []Route{r}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, pair := range map[string][2]string{
		"twice": {"/a/b", "/a/b"}, "twice with parameter": {"/a/{b}", "/a/{c}"}, "overlap": {"/a/{b}/c", "/a/b/{c}"},
	} {
		a, b := good, good
		a.Pattern, b.Pattern = pair[0], pair[1]
		if _, err := New(Options{}, []Route{a, b}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Options{}, []Route{good}); err != nil {
		t.Errorf("the good one: %v", err)
	}
	for _, kinds := range []struct {
		a, b Media
		ok   bool
	}{{JSON, NationalJSON, false}, {NationalJSON, NationalJSON, false}, {NationalJSON, OctetStream, true}, {NationalJSON, Multipart, true}, {OctetStream, Multipart, true}} {
		a, b := good, good
		a.Media, b.Media = kinds.a, kinds.b
		if _, err := New(Options{}, []Route{a, b}); (err == nil) != kinds.ok {
			t.Errorf("media %d and %d at one path: %v", kinds.a, kinds.b, err)
		}
	}
}

func BenchmarkRouteLiteral(b *testing.B) { benchmarkRoute(b, "/v1/settlements") }

func BenchmarkRouteParameter(b *testing.B) {
	benchmarkRoute(b, "/v1/institutions/P42010612345/clearing")
}

func benchmarkRoute(b *testing.B, path string) {
	router, err := newRouter(contract(), Business)
	if err != nil {
		b.Fatal(err)
	}
	p := []byte(path)
	b.ReportAllocs()
	for b.Loop() {
		var m match
		if !router.find(p, &m) {
			b.Fatal("not found")
		}
	}
}
