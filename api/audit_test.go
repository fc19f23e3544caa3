package api

import (
	"net/http"
	"strings"
	"testing"
)

// TestFullView (R28): a full view is one line in the log and one count of its route, also when requests are not logged; and the listener is told
// to handlers.
func TestFullView(t *testing.T) {
	var on []Listener
	route := Route{Name: "look", Method: "GET", Pattern: "/v1/look", Listener: Business, Handler: func(c *Call) {
		if on = append(on, c.Listener()); c.Listener() == Admin {
			c.FullView("S0000000190000F")
		}
		c.Out.Begin()
		c.Out.End()
		c.OK(200)
	}}
	f := startRoutes(t, func(*fixture) []Route { return []Route{route} }, func(o *Options) { o.AccessLog = LogFailures })
	for _, addr := range []string{f.BusinessAddr(), f.AdminAddr()} {
		resp, err := http.Get("http://" + addr + "/v1/look")
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if len(on) != 2 || on[0] != Business || on[1] != Admin {
		t.Errorf("listeners %v", on)
	}
	log := f.log.String()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"audit":"full view"`) || !strings.Contains(log, `"route":"look"`) ||
		!strings.Contains(log, `"listener":"admin"`) || !strings.Contains(log, `"object":"S0000000190000F"`) || !strings.Contains(log, `"request":"`) {
		t.Errorf("log: %s", log)
	}
	var metrics strings.Builder
	f.writeMetrics(&metrics)
	if !strings.Contains(metrics.String(), `gongji_full_views_total{route="look"} 1`) {
		t.Error("not counted")
	}
}
