package api

// FullView tells that the answer holds what only the bureau may see (R28: "the full view is audited"): one line in the log, whatever the
// access log is set to, and a count by route. object says of what it is a view: an id or a keyed pseudonym, never personal data. Who looked is not known until
// callers are authenticated; the request id leads to everything else that was logged of the call.
func (c *Call) FullView(object string) {
	s := c.face.srv
	route := c.verdict.route
	route.metrics.fullViews.Inc()
	e := s.opt.Log.Log().Str("audit", "full view").Bytes("request", c.id[:]).Str("route", route.Name).Str("listener", c.face.name()).Str("object", object)
	if c.hasTrace {
		e = e.Bytes("trace", c.TraceID())
	}
	e.Msg("audit")
}

// Listener is the listener on which the call came in.
func (c *Call) Listener() Listener { return c.face.kind }
