package api

const (
	pathHealth  = "/healthz"
	pathReady   = "/readyz"
	pathMetrics = "/metrics"
)

// ownRoutes are the calls of the front door itself, on the admin listener. They answer while the
// server is stopping too.
func (s *Server) ownRoutes() []Route {
	return []Route{
		{Name: "healthz", Method: "GET", Pattern: pathHealth, Listener: Admin, Handler: func(c *Call) {
			c.Out.Begin()
			c.Out.Bool("alive", true)
			c.Out.End()
			c.OK(200)
		}},
		{Name: "readyz", Method: "GET", Pattern: pathReady, Listener: Admin, Handler: s.readyz},
		{Name: "metrics", Method: "GET", Pattern: pathMetrics, Listener: Admin, Handler: func(c *Call) {
			c.status = 200
			c.ctx.SetContentType("text/plain; version=0.0.4; charset=utf-8")
			s.writeMetrics(c.ctx)
		}},
	}
}

func (s *Server) readyz(c *Call) {
	reason := ""
	if s.stopping.Load() {
		reason = "stopping"
	} else if err := s.opt.Ready(); err != nil {
		reason = err.Error()
	}
	c.Out.Begin()
	c.Out.Bool("ready", reason == "")
	if reason == "" {
		c.Out.End()
		c.OK(200)
		return
	}
	c.Out.String("reason", reason)
	c.Out.End()
	c.ctx.Response.Header.SetCanonical(headerRetryAfter, []byte("1"))
	c.OK(503)
}

// EchoRoute answers a JSON body with itself: the same server around no work, to measure what the front
// door costs.
func EchoRoute(pattern string) Route {
	return Route{Name: "echo", Method: "POST", Pattern: pattern, Listener: Business, Media: JSON, Handler: func(c *Call) {
		if body, ok := c.Body(); ok {
			c.Send(200, "", body)
		}
	}}
}
