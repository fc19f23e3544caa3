package api

import "strconv"

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

// echoMax bounds ?answer= of the echo, in bytes: an answer of the national interface with 50 lines takes about 20 KiB.
const echoMax = 64 << 10

// EchoRoute answers a JSON body with itself: the same server around no work, to measure what the front
// door costs. With ?answer=N it answers N bytes, the body over and over, so that request and answer have the sizes of another call's.
func EchoRoute(pattern string) Route {
	return Route{Name: "echo", Method: "POST", Pattern: pattern, Listener: Business, Media: JSON, Handler: func(c *Call) {
		body, ok := c.Body()
		if !ok {
			return
		}
		q := c.Query()
		if !q.Next() {
			c.Send(200, "", body)
			return
		}
		n, err := strconv.Atoi(string(q.Value))
		if string(q.Key) != "answer" || err != nil || n < 1 || n > echoMax || len(body) == 0 || q.Next() {
			c.Fail(Problem{Code: CodeBadValue, Field: "query"})
			return
		}
		for c.Out.B = c.Out.B[:0]; len(c.Out.B) < n; {
			c.Out.B = append(c.Out.B, body[:min(len(body), n-len(c.Out.B))]...)
		}
		c.Send(200, "", c.Out.B)
	}}
}
