package till

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Point is a moment at which the line can be cut.
type Point string

// The points, in the order of a message's way. At each the till sees the same: no usable answer.
const (
	Unsent      Point = "unsent"       // nothing leaves the till
	HalfRequest Point = "half-request" // half of the request arrives
	Held        Point = "held"         // the request stays somewhere on the way and arrives behind the till's next message
	Sent        Point = "sent"         // the request leaves, the till's side hangs up at once; when the server reads it is its affair
	Unread      Point = "unread"       // the server has answered, nothing of the answer arrives
	HalfHead    Point = "half-head"    // the answer breaks off in its status line
	HalfAnswer  Point = "half-answer"  // the answer breaks off in the middle of its JSON
	Garbled     Point = "garbled"      // a proxy on the way puts a page of its own in the answer's place
)

// Points are all points.
func Points() []Point {
	return []Point{Unsent, HalfRequest, Held, Sent, Unread, HalfHead, HalfAnswer, Garbled}
}

// ParsePoint reads a point's name.
func ParsePoint(s string) (Point, error) {
	if p := Point(s); slices.Contains(Points(), p) {
		return p, nil
	}
	return "", fmt.Errorf("till: no point %q where the line can be cut; there are %v", s, Points())
}

// ErrCut is what a till sees of a cut line.
var ErrCut = errors.New("till: the line was cut")

// lineTimeout bounds the exchange with a server over a connection that will be cut: what a till waits at most in tests (ZB: 30 s).
const lineTimeout = 30 * time.Second

// Line carries messages to a server and breaks where it was told to: it waits for no time to pass, so a cut is repeated exactly. It is an
// http.RoundTripper; any goroutine may use it, but cuts are meant for a line of one till.
type Line struct {
	inner *http.Transport

	mu   sync.Mutex
	cuts []plannedCut
	held [][]byte // requests on their way
	made []Made
}

type plannedCut struct {
	infno string
	point Point
}

// Made is a cut that was made, and for a held message what the server said when it came at last.
type Made struct {
	Infno  string
	Point  Point
	Answer []byte // body of the answer that no till read; nil if the server gave none, or nobody knows
}

// NewLine makes a line. Close it.
func NewLine() *Line {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.DisableCompression = true
	return &Line{inner: t}
}

// Close lets idle connections go.
func (l *Line) Close() { l.inner.CloseIdleConnections() }

// Cut plans to cut the next message of a transaction. Several plans for one transaction hold for as many messages, in order.
func (l *Line) Cut(infno string, p Point) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = append(l.cuts, plannedCut{infno, p})
}

// Planned is how many cuts were not made yet.
func (l *Line) Planned() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.cuts)
}

// Clear forgets cuts that were not made.
func (l *Line) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = nil
}

// Cuts are those made so far.
func (l *Line) Cuts() []Made {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.made)
}

// TakeCuts are those made since the last call.
func (l *Line) TakeCuts() []Made {
	l.mu.Lock()
	defer l.mu.Unlock()
	made := l.made
	l.made = nil
	return made
}

type infnoKey struct{}

func withInfno(ctx context.Context, infno string) context.Context {
	return context.WithValue(ctx, infnoKey{}, infno)
}

// RoundTrip sends a request, or part of it.
func (l *Line) RoundTrip(r *http.Request) (*http.Response, error) {
	infno, _ := r.Context().Value(infnoKey{}).(string)
	p, held := l.next(infno)
	if p != "" {
		return l.broken(r, infno, p)
	}
	resp, err := l.inner.RoundTrip(r)
	for _, raw := range held {
		l.deliver(r, raw)
	}
	return resp, err
}

// next takes the plan for a message, or else what is on its way and will arrive behind it.
func (l *Line) next(infno string) (Point, [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range l.cuts {
		if c.infno == infno {
			l.cuts = slices.Delete(l.cuts, i, i+1)
			return c.point, nil
		}
	}
	held := l.held
	l.held = nil
	return "", held
}

func (l *Line) note(m Made) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made = append(l.made, m)
}

// deliver brings a held request to the server and keeps its answer, which no till reads.
func (l *Line) deliver(r *http.Request, raw []byte) {
	var answer []byte
	if resp, err := l.over(r, raw); err == nil {
		answer = resp.body
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.made {
		if l.made[i].Point == Held && l.made[i].Answer == nil {
			l.made[i].Answer = answer
			return
		}
	}
}

// broken sends a request as far as the point allows.
func (l *Line) broken(r *http.Request, infno string, p Point) (*http.Response, error) {
	var out bytes.Buffer
	alone := r.Clone(r.Context())
	alone.Close = true // one request a connection: its end is the answer's end
	if err := alone.Write(&out); err != nil {
		return nil, err
	}
	raw := out.Bytes()
	made := Made{Infno: infno, Point: p}
	defer func() { l.note(made) }()
	fail := fmt.Errorf("%w: %s", ErrCut, p)
	switch p {
	case Unsent:
		return nil, fail
	case Held:
		l.mu.Lock()
		l.held = append(l.held, raw)
		l.mu.Unlock()
		return nil, fail
	case HalfRequest, Sent:
		if p == HalfRequest {
			raw = raw[:len(raw)/2]
		}
		c, err := dial(r)
		if err != nil {
			return nil, err
		}
		_, err = c.Write(raw)
		return nil, errors.Join(fail, err, c.Close())
	}
	a, err := l.over(r, raw)
	if err != nil {
		return nil, errors.Join(fail, err)
	}
	made.Answer = a.body
	return cutAnswer(r, a, p, fail)
}

// cutAnswer gives a till what is left of an answer.
func cutAnswer(r *http.Request, a *whole, p Point, fail error) (*http.Response, error) {
	switch p {
	case Unread:
		return nil, fail
	case HalfHead:
		_, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(a.raw[:len("HTTP/1.1")])), r)
		return nil, errors.Join(fail, err)
	case HalfAnswer:
		a.resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(a.body[:len(a.body)/2]), failing{fail}))
		return a.resp, nil
	case Garbled:
		page := "<html><body>502 Bad Gateway</body></html>"
		return &http.Response{Status: "502 Bad Gateway", StatusCode: http.StatusBadGateway, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader(page)), ContentLength: int64(len(page))}, nil
	}
	panic("BUG: point " + string(p))
}

// whole is an answer read to its end.
type whole struct {
	raw, body []byte
	resp      *http.Response
}

// over sends raw over a connection of its own and reads the whole answer.
func (l *Line) over(r *http.Request, raw []byte) (*whole, error) {
	c, err := dial(r)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.Write(raw); err != nil {
		return nil, err
	}
	a := &whole{}
	if a.raw, err = io.ReadAll(io.LimitReader(c, answerMax)); err != nil {
		return nil, err
	}
	if a.resp, err = http.ReadResponse(bufio.NewReader(bytes.NewReader(a.raw)), r); err != nil {
		return nil, err
	}
	a.body, err = io.ReadAll(a.resp.Body)
	return a, errors.Join(err, a.resp.Body.Close())
}

func dial(r *http.Request) (net.Conn, error) {
	if r.URL.Scheme != "http" {
		return nil, fmt.Errorf("till: the line can be cut over http only, not %s", r.URL.Scheme)
	}
	host := r.URL.Host
	if r.URL.Port() == "" {
		host = net.JoinHostPort(r.URL.Hostname(), "80")
	}
	d := net.Dialer{Timeout: lineTimeout}
	c, err := d.DialContext(r.Context(), "tcp", host)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(lineTimeout))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
