package api

import (
	"errors"
	"strconv"
	"time"

	"gongji/api/strictjson"
)

// IDUse tells whether the message id of the request has been used up by it.
type IDUse uint8

// The three answers. Unknown leaves id_used out of the problem (504 only).
const (
	IDFree IDUse = iota
	IDUsed
	IDUnknown
)

// Problem is an RFC 9457 answer. Nothing in it may hold an identity number, a name, a key or any
// other value of the request: Detail is made of constant texts, numbers and names of fields, Field is the path of a field.
type Problem struct {
	Code       Code
	Status     int    // 0: the code's own (table in codes.go)
	Title      string // "": the code's own
	Detail     string // one more sentence
	Field      string
	Outcome    int // the ledger's outcome number; 0: the ledger did not decide
	IDUsed     IDUse
	RetryAfter time.Duration // header for 429 and 503, rounded up to seconds; 0 there means one second
}

// mediaProblem is the media type of every problem.
const mediaProblem = "application/problem+json"

// typePrefix and the code make the problem's type: a name, not an address, since the server knows no
// address of its documentation.
const typePrefix = "urn:gongji:problem:"

// Fail answers with a problem. It replaces whatever answer was begun. An unknown code is answered
// as internal.
func (c *Call) Fail(p Problem) {
	info, ok := codes[p.Code]
	if !ok && p.Status == 0 {
		p.Code, info = CodeInternal, codes[CodeInternal]
	}
	if p.Status == 0 {
		p.Status = info.status
	}
	if p.Title == "" {
		p.Title = info.title
	}
	resp := &c.ctx.Response
	if p.Status == 429 || p.Status == 503 {
		var seconds [20]byte
		after := max(1, int64((p.RetryAfter+time.Second-1)/time.Second))
		resp.Header.SetCanonical(headerRetryAfter, strconv.AppendInt(seconds[:0], after, 10))
	}
	c.Out.Reset()
	c.appendProblem(&p)
	c.send(p.Status, mediaProblem, c.Out.B)
}

func (c *Call) appendProblem(p *Problem) {
	a := &c.Out
	a.Begin()
	a.String("type", typePrefix+string(p.Code))
	a.String("title", p.Title)
	a.Int("status", int64(p.Status))
	if p.Detail != "" {
		a.String("detail", p.Detail)
	}
	a.String("code", string(p.Code))
	if p.Field != "" {
		a.String("field", p.Field)
	}
	if p.Outcome != 0 {
		a.Int("outcome", int64(p.Outcome))
	}
	if p.IDUsed != IDUnknown {
		a.Bool("id_used", p.IDUsed == IDUsed)
	}
	a.Bytes("trace_id", c.TraceID())
	a.End()
}

// FailDecode answers an error of strictjson.Decoder.Done with 400, its code and its field.
func (c *Call) FailDecode(err error) {
	var e *strictjson.Error
	if !errors.As(err, &e) {
		c.Fail(Problem{Code: CodeInternal})
		return
	}
	c.Fail(Problem{Code: Code(e.Code), Field: e.Field})
}
