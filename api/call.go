package api

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/valyala/fasthttp"

	"gongji/api/strictjson"
)

// Call is one request and its answer. It belongs to the goroutine of its handler; it and all slices
// from it are reused for another request after the handler has returned.
type Call struct {
	// Out builds the answer's body; OK sends it. Begin with Out.Begin().
	Out strictjson.Appender
	// Caller is who calls, as far as it is known; set by Options.Authenticate, empty before.
	Caller []byte

	ctx     *fasthttp.RequestCtx
	face    *face
	verdict verdict
	decoder strictjson.Decoder
	body    []byte // of a request on the streaming listener
	stream  bulkReader
	status  int
	streams bool // its answer is an answerStream, which ends the call
	spoiled bool // its handler panicked and may have left its slices anywhere: not reused

	id       [requestIDLen]byte
	trace    [traceparentLen]byte
	hasTrace bool
}

var contentJSON = []byte("application/json")

// begin readies a pooled Call for a request.
func (c *Call) begin(f *face, ctx *fasthttp.RequestCtx) {
	c.ctx, c.face = ctx, f
	c.Out.Reset()
	c.Caller = c.Caller[:0]
	c.verdict = verdict{}
	c.status, c.streams = 0, false
	f.srv.ids.append(c.id[:0])
	ctx.Response.Header.SetCanonical(headerRequestID, c.id[:])
	parent := ctx.Request.Header.PeekCanonical(headerTraceparent)
	if c.hasTrace = validTraceparent(parent); c.hasTrace {
		copy(c.trace[:], parent)
	}
}

// release returns a Call to the pool unless its buffers have grown beyond what we keep.
func (c *Call) release() {
	c.ctx = nil
	c.stream = bulkReader{}
	c.verdict = verdict{}
	if c.spoiled || cap(c.Out.B) > callBufferKeep || cap(c.body) > callBufferKeep {
		return
	}
	c.face.srv.calls.Put(c)
}

// Param is the i-th parameter of the route's pattern, counted from 0: characters that ids may have.
// It panics if the pattern has fewer.
func (c *Call) Param(i int) []byte {
	m := &c.verdict.match
	if m.params[i].to == 0 {
		panic("api: route " + c.verdict.route.Name + " has fewer parameters")
	}
	return c.verdict.path[m.params[i].from:m.params[i].to]
}

// Query returns the query of the request for reading pair by pair.
func (c *Call) Query() Query { return Query{rest: c.verdict.query} }

// Header returns a request header, nil if there is none. name must be in canonical form.
func (c *Call) Header(name string) []byte { return c.ctx.Request.Header.Peek(name) }

// SingleHeader returns a request header, nil if there is none or it stands there more than once: then two readers could take two values.
func (c *Call) SingleHeader(name string) []byte {
	all := c.ctx.Request.Header.PeekAll(name)
	if len(all) != 1 {
		return nil
	}
	return all[0]
}

// SetHeader sets a header of the answer. A problem sent after it keeps it.
func (c *Call) SetHeader(name, value string) { c.ctx.Response.Header.Set(name, value) }

// RequestID is the X-Request-Id of the answer.
func (c *Call) RequestID() []byte { return c.id[:] }

// Traceparent is the caller's W3C traceparent, nil if there was no valid one.
func (c *Call) Traceparent() []byte {
	if !c.hasTrace {
		return nil
	}
	return c.trace[:]
}

// TraceID is the trace id of the caller's traceparent, or the request id: what a problem tells so that
// its log lines can be found.
func (c *Call) TraceID() []byte {
	if c.hasTrace {
		return c.trace[traceIDAt : traceIDAt+traceIDLen]
	}
	return c.id[:]
}

// Body returns the whole body, never more than the route's limit. ok is false if the client sent less
// than it announced; the call has then been answered and the handler returns.
func (c *Call) Body() (body []byte, ok bool) {
	stream := c.ctx.Request.BodyStream()
	if stream == nil {
		return c.ctx.PostBody(), true
	}
	// The streaming listener: the length is known (there is no Transfer-Encoding) and within the limit.
	n := c.ctx.Request.Header.ContentLength()
	if cap(c.body) < n {
		c.body = make([]byte, n)
	}
	c.body = c.body[:max(n, 0)]
	if _, err := io.ReadFull(stream, c.body); err != nil {
		c.ctx.SetConnectionClose()
		c.Fail(Problem{Code: CodeBodyCutOff})
		return nil, false
	}
	return c.body, true
}

// Decode returns the Call's decoder, set to the body; ok as in Body.
func (c *Call) Decode() (d *strictjson.Decoder, ok bool) {
	body, ok := c.Body()
	if ok {
		c.decoder.Reset(body)
	}
	return &c.decoder, ok
}

// Decoder returns the Call's decoder for a handler that splits the body itself (NDJSON lines).
func (c *Call) Decoder() *strictjson.Decoder { return &c.decoder }

// Stream returns the body of a Stream route as a reader. It ends with io.EOF after exactly
// Content-Length bytes, with io.ErrUnexpectedEOF if the client stops earlier, and with a time-out if
// it stands still for BulkStallTimeout.
func (c *Call) Stream() io.Reader {
	c.stream = bulkReader{ctx: c.ctx, from: c.ctx.Request.BodyStream(), left: int64(max(0, c.ctx.Request.Header.ContentLength()))}
	return &c.stream
}

// bulkReader bounds a streamed body in bytes and each piece of it in time.
type bulkReader struct {
	ctx  *fasthttp.RequestCtx
	from io.Reader
	left int64
}

func (r *bulkReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if err := r.ctx.SetReadDeadline(time.Now().Add(BulkStallTimeout)); err != nil {
		return 0, err
	}
	n, err := r.from.Read(p[:min(int64(len(p)), r.left, streamPieceMax)])
	r.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && r.left > 0:
		err = io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		err = nil // told by the next call
	}
	if err != nil {
		r.ctx.SetConnectionClose()
	}
	return n, err
}

// OK sends Out as JSON with a status (200, 201).
func (c *Call) OK(status int) { c.send(status, "", c.Out.B) }

// Send answers with a body of another type. body is copied.
func (c *Call) Send(status int, mediaType string, body []byte) { c.send(status, mediaType, body) }

func (c *Call) send(status int, mediaType string, body []byte) {
	resp := &c.ctx.Response
	c.status = status
	resp.SetStatusCode(status)
	if mediaType == "" {
		resp.Header.SetContentTypeBytes(contentJSON)
	} else {
		resp.Header.SetContentType(mediaType)
	}
	resp.SetBody(body)
}

// Replayed marks the answer as the first answer given again (R10).
func (c *Call) Replayed() { c.ctx.Response.Header.SetCanonical(headerReplayed, valueTrue) }

// CloseConnection closes the connection after this answer.
func (c *Call) CloseConnection() { c.ctx.SetConnectionClose() }

// Query walks through the pairs of a query string, without allocating.
//
//	q := c.Query()
//	for q.Next() {
//		switch string(q.Key) { ... default: refuse }
//	}
//	if q.Bad { refuse }
type Query struct {
	Key, Value []byte // valid until the handler returns
	Bad        bool   // a pair is not well-formed: stop and refuse

	rest  []byte
	count int
}

// queryPairsMax bounds the pairs of a query; the longest call of api.md has four.
const queryPairsMax = 16

// Next moves to the next pair; false at the end or when Bad is set. Values are plain characters as in
// paths, with ":" and "," added for times and lists; "+" stays "+" (times have "+08:00") and percent
// escapes are refused, because no value that we take needs one.
func (q *Query) Next() bool {
	if len(q.rest) == 0 || q.Bad {
		return false
	}
	pair, rest, more := bytes.Cut(q.rest, []byte{'&'})
	key, value, found := bytes.Cut(pair, []byte{'='})
	q.count++
	if !found || len(key) == 0 || !pathSafe(key) || !querySafe(value) || q.count > queryPairsMax || more && len(rest) == 0 {
		q.Bad = true
		return false
	}
	q.Key, q.Value, q.rest = key, value, rest
	return true
}

func querySafe(b []byte) bool {
	for _, c := range b {
		if c != ':' && c != ',' && c != '+' && !pathSafe([]byte{c}) {
			return false
		}
	}
	return true
}
