package till

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// CallPath is the one address for all transactions (nhsa-interface.md 1.1).
const CallPath = "/fsi/api/rsfComIfsService/callService"

// Limits. answerMax: an answer of 40,000 characters of output (1.3), or a file of the reconciliation, stays far below. Timeout: what a client uses
// in tests (ZB).
const (
	answerMax      = 16 << 20
	TimeoutDefault = 30 * time.Second
)

// Signer is a region's signature scheme on the till's side (nhsa-interface.md 1.6). The shape is that of api/nhsa/sign.Client over net/http headers.
type Signer interface {
	// Sign completes a request: it may set headers, or make another body.
	Sign(h http.Header, body []byte, now time.Time) ([]byte, error)
	// Verify checks an answer and gives its plain body.
	Verify(h http.Header, body []byte, now time.Time) ([]byte, error)
}

// Server is where messages go.
type Server struct {
	URL     string // of all transactions; "" behind the host: CallPath
	Line    *Line
	Signer  Signer // nil: none
	Timeout time.Duration
}

func (s *Server) url() string {
	u := strings.TrimSuffix(s.URL, "/")
	if _, rest, _ := strings.Cut(u, "://"); !strings.Contains(rest, "/") {
		return u + CallPath
	}
	return u
}

func (s *Server) http() *http.Client {
	t := s.Timeout
	if t == 0 {
		t = TimeoutDefault
	}
	return &http.Client{Transport: s.Line, Timeout: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Operator is who sits at the till.
type Operator struct{ No, Name string }

// Client speaks for one till: it writes envelopes, sends them and says what came of it. One goroutine.
type Client struct {
	*Institution
	Server   *Server
	Operator Operator
	Trace    io.Writer // every message as it is, with names and numbers of people; nil: none

	signNo string
	home   string // insuplc_admdvs of the patient: required with a person number
}

// Result is what a sender may know of its message: three things (nhsa-interface.md 1.7).
type Result uint8

// The results.
const (
	Answered Result = iota + 1
	Refused
	Unknown // no answer, or none that can be read: it may have been done
)

func (r Result) String() string { return [...]string{"", "answered", "refused", "unknown"}[r] }

// Reply is what came of one message.
type Reply struct {
	Result
	Infno, Msgid string
	Code         string // the stable code at the beginning of err_msg, if the server has such
	Text         string // err_msg, or why nothing is known
	Output       Node
	File         []byte // of 9102
	Repeated     bool   // the server says that it is the first answer again
}

// ErrRefused is a refusal where the dialogue needed an answer.
var ErrRefused = errors.New("till: refused")

// err makes an error of what is no answer.
func (r *Reply) err() error {
	switch r.Result {
	case Answered:
		return nil
	case Refused:
		return fmt.Errorf("%w: %s %s: %s", ErrRefused, r.Infno, infnoNames[r.Infno], r.Text)
	}
	return fmt.Errorf("%w: %s %s: %s", ErrUnresolved, r.Infno, infnoNames[r.Infno], r.Text)
}

// foreign tells of a message that was sent for the first time that another sender has its id: refused, or answered as that one was (R10).
func (r *Reply) foreign() bool { return r.Result != Unknown && (r.Repeated || r.Code == codeReused) }

// message is a request as it goes out, so that it can go out again.
type message struct {
	infno, msgid string
	body         []byte
	file         []byte // of 9101; nil: none
	name         string // of the file
}

// write makes a message of its input.
func (c *Client) write(infno, msgid string, input []byte) *message {
	n := 0
	body := appendObject(nil, &n, func(o *object) {
		o.texts("infno", infno, "msgid", msgid, "mdtrtarea_admvs", c.Area, "insuplc_admdvs", c.home, "recer_sys_code", "YBXT", "dev_no", "", "dev_safe_info", "")
		if c.Server.Signer == nil { // else they are the scheme's to write
			o.texts("cainfo", "", "signtype", "")
		}
		o.texts("infver", "1.0.0", "opter_type", "1", "opter", c.Operator.No, "opter_name", c.Operator.Name,
			"inf_time", c.time().Format(time.DateTime), "fixmedins_code", c.Code, "fixmedins_name", c.Name, "sign_no", c.signNo)
		o.raw("input", input)
	})
	return &message{infno: infno, msgid: msgid, body: body}
}

// send sends a message once.
func (c *Client) send(ctx context.Context, m *message) *Reply {
	reply := &Reply{Result: Unknown, Infno: m.infno, Msgid: m.msgid}
	r, err := c.request(ctx, m)
	if err != nil {
		reply.Result, reply.Text = Refused, "not sent: "+err.Error()
		return reply
	}
	// net/http sends a POST twice by itself only if nothing of it was written the first time, which is no repetition.
	c.traceOut(m, r.URL.String())
	c.read(reply, r)
	c.traceIn(reply)
	return reply
}

// request signs a message and makes a call of it. net/http sends a POST twice by itself only if nothing of it was written the first time.
func (c *Client) request(ctx context.Context, m *message) (*http.Request, error) {
	body, header := m.body, http.Header{"Content-Type": {"application/json"}}
	if s := c.Server.Signer; s != nil {
		var err error
		if body, err = s.Sign(header, body, c.now()); err != nil {
			return nil, err
		}
	}
	if m.file != nil {
		whole, media, err := attached(body, m.name, m.file)
		if err != nil {
			return nil, err
		}
		body = whole
		header.Set("Content-Type", media)
	}
	r, err := http.NewRequestWithContext(withInfno(ctx, m.infno), http.MethodPost, c.Server.url(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}

// read takes the answer apart.
func (c *Client) read(reply *Reply, r *http.Request) {
	resp, err := c.Server.http().Do(r)
	if err != nil {
		reply.Text = err.Error()
		return
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		reply.Text = fmt.Sprintf("answer broken off after %d bytes: %v", len(body), err)
		return
	}
	if s := c.Server.Signer; s != nil {
		if body, err = s.Verify(resp.Header, body, c.now()); err != nil {
			reply.Text = fmt.Sprintf("HTTP %d, signature of the answer: %v", resp.StatusCode, err) // a refusal that nobody signed is none
			return
		}
	}
	reply.Repeated = resp.Header.Get("Idempotency-Replayed") == "true"
	// Not every scheme signs files, so nothing but 9102 is answered by one.
	if reply.Infno == infDownload && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/octet-stream") && resp.StatusCode == http.StatusOK {
		reply.Result, reply.File = Answered, body
		return
	}
	reply.judge(resp.StatusCode, body)
}

// judge decides by status and body. Behind a status of the way (5xx) nobody knows, unless the platform itself says that it refused. 409 is a message
// that came before: what became of it is not told.
func (reply *Reply) judge(status int, body []byte) {
	n, err := parseNode(body)
	code := ""
	if err == nil {
		code = n.Text("infcode")
	}
	reply.Text = n.Text("err_msg")
	if head, _, ok := strings.Cut(strings.TrimPrefix(reply.Text, "["), "]"); ok && strings.HasPrefix(reply.Text, "[") {
		reply.Code = head
	}
	switch {
	case status == http.StatusOK && code == "0":
		reply.Result, reply.Output = Answered, n.Child("output")
	case status == http.StatusOK && code != "", status == http.StatusServiceUnavailable && code != "", status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusConflict:
		reply.Result = Refused
		if reply.Text == "" {
			reply.Text = fmt.Sprintf("HTTP %d %.200q", status, body)
		}
	default:
		reply.Text = strings.TrimSpace(fmt.Sprintf("HTTP %d, no answer of the platform. %s", status, reply.Text))
	}
}

func (c *Client) traceOut(m *message, url string) {
	if c.Trace == nil {
		return
	}
	text := fmt.Appendf(nil, ">>> %s %s  %s\n%s", m.infno, infnoNames[m.infno], url, indented(m.body))
	if m.file != nil {
		text = fmt.Appendf(text, "    file %s, %d bytes\n", m.name, len(m.file))
	}
	c.Trace.Write(text) // one write a message: those of several tills do not mix
}

func (c *Client) traceIn(r *Reply) {
	if c.Trace == nil {
		return
	}
	text := fmt.Appendf(nil, "<<< %s %s %s\n", r.Infno, r.Result, r.Text)
	if r.File != nil {
		text = fmt.Appendf(text, "    file of %d bytes\n", len(r.File))
	}
	if b, err := json.Marshal(r.Output); err == nil && r.Output != nil {
		text = append(text, indented(b)...)
	}
	c.Trace.Write(text)
}

func indented(b []byte) []byte {
	var out bytes.Buffer
	if json.Indent(&out, b, "    ", "  ") != nil {
		return append(b, '\n')
	}
	out.WriteByte('\n')
	return append([]byte("    "), out.Bytes()...)
}
