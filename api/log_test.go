package api

import (
	"net/http"
	"strings"
	"testing"
)

// TestUnavailableLines: what overload gives to everybody is counted each time and told once a while; another failure is told each time.
func TestUnavailableLines(t *testing.T) {
	const calls = 20
	fail := func(name string, code Code) Route {
		return Route{Name: name, Method: "GET", Pattern: "/v1/" + name, Listener: Business, Handler: func(c *Call) { c.Fail(Problem{Code: code}) }}
	}
	f := startRoutes(t, func(*fixture) []Route { return []Route{fail("busy", CodeOverloaded), fail("broken", CodeInternal)} },
		func(o *Options) { o.AccessLog = LogFailures })
	f.unavailable.pause = 1 << 62 // one for ever: no clock in this test
	for range calls {
		for _, path := range []string{"/v1/busy", "/v1/broken"} {
			resp, err := http.Get("http://" + f.BusinessAddr() + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	http.DefaultClient.CloseIdleConnections()
	log := f.log.String()
	if busy, broken := strings.Count(log, `"route":"busy"`), strings.Count(log, `"route":"broken"`); busy != 1 || broken != calls {
		t.Errorf("%d lines about overload, want 1; %d about failures, want %d", busy, broken, calls)
	}
	var metrics strings.Builder
	f.writeMetrics(&metrics)
	if !strings.Contains(metrics.String(), `gongji_http_requests_total{route="busy",class="5xx"} 20`) {
		t.Error("not all counted")
	}
}
