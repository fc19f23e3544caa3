package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// client speaks JSON to one listener of a server. Any goroutine.
type client struct {
	base string          // http://127.0.0.1:8700
	ctx  context.Context // of get and post: when it is done they end with its error
	http *http.Client
}

const (
	// clientTimeout bounds one call: a bulk part of linesPerPart lines took well under a second where it was measured, on one core.
	clientTimeout = 60 * time.Second
	// clientConnections kept open for reuse; tills and importer connections together stay below it.
	clientConnections = 256
	// answerMax is the largest answer read, in bytes: a batch of 1,000 outcomes stays far below.
	answerMax = 16 << 20
)

func newClient(base string) *client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // the servers are on this machine (R31)
	t.MaxIdleConns, t.MaxIdleConnsPerHost = clientConnections, clientConnections
	t.DisableCompression = true
	return &client{base: base, ctx: context.Background(), http: &http.Client{Transport: t, Timeout: clientTimeout}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// answer is what came back. The body is the caller's.
type answer struct {
	status     int
	replayed   bool // Idempotency-Replayed: the first answer again (R10)
	retryAfter time.Duration
	body       []byte
}

func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// problem is an RFC 9457 answer.
type problem struct {
	Status  int    `json:"status"`
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
	Field   string `json:"field"`
	Outcome int    `json:"outcome"`
	IDUsed  *bool  `json:"id_used"`
}

func (p *problem) Error() string {
	s := fmt.Sprintf("answer %d %s", p.Status, p.Code)
	if p.Field != "" {
		s += ", field " + p.Field
	}
	if p.Title != "" {
		s += ": " + p.Title
	}
	if p.Detail != "" {
		s += ". " + p.Detail
	}
	return s
}

// problem reads a refusal; what is not one (another program on the port) is told by its status.
func (a *answer) problem() *problem {
	p := &problem{}
	if json.Unmarshal(a.body, p) != nil || p.Code == "" {
		return &problem{Status: a.status, Code: "unexpected_answer", Title: fmt.Sprintf("%.80q", a.body)}
	}
	return p
}

// isProblem reports whether err is the refusal named code.
func isProblem(err error, code string) bool {
	p := (*problem)(nil)
	return errors.As(err, &p) && p.Code == code
}

const (
	mediaJSON   = "application/json"
	mediaNDJSON = "application/x-ndjson"
)

// send makes one call. An error is an accident of the connection: the outcome is unknown.
func (c *client) send(ctx context.Context, method, path, media string, body []byte) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, replayed: resp.Header.Get("Idempotency-Replayed") == "true"}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		a.retryAfter = time.Duration(s) * time.Second
	}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerMax))
	return a, err
}

// call posts (or gets, when in is nil) JSON and reads the answer into out, unless that is nil. A refusal is a *problem.
func (c *client) call(method, path string, in, out any) (replayed bool, err error) {
	var body []byte
	media := ""
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return false, err
		}
		media = mediaJSON
	}
	a, err := c.send(c.ctx, method, path, media, body)
	if err != nil {
		return false, err
	}
	if !a.ok() {
		return false, a.problem()
	}
	if out != nil {
		err = json.Unmarshal(a.body, out)
	}
	return a.replayed, err
}

func (c *client) get(path string, out any) error {
	_, err := c.call(http.MethodGet, path, nil, out)
	return err
}

func (c *client) post(path string, in, out any) (replayed bool, err error) {
	return c.call(http.MethodPost, path, in, out)
}

// Back-off of a client that repeats a harmless call (sending again is counted, not done twice).
const (
	backOffFirst = 100 * time.Millisecond
	backOffMax   = 5 * time.Second
)

// errGaveUp says that a server did not come back in time.
var errGaveUp = errors.New("gave up")

// sendAgain sends until there is an answer that will not change by waiting: it repeats after a broken connection, 429, 503 and 504, for at
// most patience after the last sign of life, and tells say before each repetition.
func (c *client) sendAgain(ctx context.Context, method, path, media string, body []byte, patience time.Duration, say func(cause string, wait time.Duration)) (*answer, error) {
	wait, since := backOffFirst, time.Now()
	for {
		a, err := c.send(ctx, method, path, media, body)
		if err == nil && a.status != 429 && a.status != 503 && a.status != 504 {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		cause := "connection lost"
		if err == nil {
			cause = a.problem().Error()
			wait = max(wait, a.retryAfter)
		}
		if time.Since(since) > patience {
			return nil, fmt.Errorf("%w after %s: %s (%w)", errGaveUp, patience, cause, errors.Join(err))
		}
		say(cause, wait)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, backOffMax)
	}
}
