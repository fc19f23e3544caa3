package api

import (
	"fmt"
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// latencyBuckets are the upper bounds in seconds: from a read (0.1 ms) over a synced batch (1 to 10
// ms) to the time-outs of limits.go.
var latencyBuckets = []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}

// rejected is the route name of requests that never had a route.
const rejected = "none"

// routeMetrics are the series of one route name. No label ever holds an id.
type routeMetrics struct {
	classes   [6]*metrics.Counter // by status/100
	latency   *metrics.PrometheusHistogram
	fullViews *metrics.Counter // answers with what only the bureau may see
}

func newRouteMetrics(set *metrics.Set, route string) *routeMetrics {
	m := &routeMetrics{latency: set.GetOrCreatePrometheusHistogramExt(
		fmt.Sprintf(`gongji_http_request_seconds{route=%q}`, route), latencyBuckets)}
	m.fullViews = set.GetOrCreateCounter(fmt.Sprintf(`gongji_full_views_total{route=%q}`, route))
	for i := range m.classes {
		m.classes[i] = set.GetOrCreateCounter(fmt.Sprintf(`gongji_http_requests_total{route=%q,class="%dxx"}`, route, i))
	}
	return m
}

func (m *routeMetrics) observe(status int, d time.Duration) {
	m.classes[min(max(status/100, 0), len(m.classes)-1)].Inc()
	m.latency.Update(d.Seconds())
}

// serverMetrics are the series that belong to no route.
type serverMetrics struct {
	set      *metrics.Set
	none     *routeMetrics
	panics   *metrics.Counter
	problems *metrics.Counter // connection errors that fasthttp reports
	limited  *metrics.Counter
}

func newServerMetrics(s *Server) *serverMetrics {
	set := metrics.NewSet()
	set.NewGauge("gongji_http_in_flight", func() float64 { return float64(s.inFlight.Load()) })
	for _, f := range []*face{s.business, s.admin} {
		set.NewGauge(fmt.Sprintf(`gongji_http_connections{listener=%q}`, f.name()),
			func() float64 { return float64(f.connections.count()) })
	}
	return &serverMetrics{
		set: set, none: newRouteMetrics(set, rejected),
		panics:   set.NewCounter("gongji_http_panics_total"),
		problems: set.NewCounter("gongji_http_connection_errors_total"),
		limited:  set.NewCounter("gongji_http_rate_limited_total"),
	}
}

func (s *Server) writeMetrics(w io.Writer) {
	s.metrics.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
	metrics.WriteFDMetrics(w)
	if s.opt.WriteMetrics != nil {
		s.opt.WriteMetrics(w)
	}
}
