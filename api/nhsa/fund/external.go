package fund

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"gongji/api/money"
	"gongji/api/strictjson"
)

// Limits of the call-out, all ours. TimeLimitDefault leaves a till that waits 10 s (the sample client's time-out, nhsa-inpatient.md 4, row 25)
// four fifths of it. An answer has four short fields. ConnectionsMax keeps a slow calculator from taking all sockets: further calls wait
// for a connection inside their time limit.
const (
	TimeLimitDefault = 2 * time.Second
	TimeLimitMax     = 10 * time.Second
	AnswerMax        = 4 << 10 // bytes, and the same for its headers
	ConnectionsMax   = 64
	idleMax          = 90 * time.Second
)

// ExternalOptions say where the calculator is.
type ExternalOptions struct {
	URL       string        // http or https, without user or fragment
	TimeLimit time.Duration // for the whole call; 0: TimeLimitDefault
	TLS       *tls.Config   // nil: the system's roots
}

// External asks another program over HTTP. Close it after use.
type External struct {
	url    string
	limit  time.Duration
	client *http.Client
}

// NewExternal checks the options; it does not call.
func NewExternal(o ExternalOptions) (*External, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New("fund: the calculator's address is http or https with a host, without user or fragment") // an address may hold a secret
	}
	if o.TimeLimit == 0 {
		o.TimeLimit = TimeLimitDefault
	}
	if o.TimeLimit < 0 || o.TimeLimit > TimeLimitMax {
		return nil, fmt.Errorf("fund: time limit %s, at most %s", o.TimeLimit, TimeLimitMax)
	}
	transport := &http.Transport{
		TLSClientConfig: o.TLS, MaxConnsPerHost: ConnectionsMax, MaxIdleConnsPerHost: ConnectionsMax, IdleConnTimeout: idleMax,
		MaxResponseHeaderBytes: AnswerMax,
		DisableCompression:     true, // a packed answer could be larger than it looks
	} // Proxy is nil: the calculator is in the bureau's own network
	return &External{url: o.URL, limit: o.TimeLimit, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close gives the idle connections back. Calls under way go on.
func (e *External) Close() { e.client.CloseIdleConnections() }

// Calculate asks. What is sent: kinds of insurance, care, institution and level, the day and five sums; nothing that names a person, a
// message or an institution.
func (e *External) Calculate(ctx context.Context, b *Bill) (Result, error) {
	if err := b.check(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	answer, err := e.ask(ctx, question(b))
	if err != nil {
		return Result{}, err
	}
	r, err := readAnswer(answer)
	if err != nil {
		return Result{}, err
	}
	return r, r.check(b)
}

func (e *External) ask(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, withoutURL(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, AnswerMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: reading the answer: %w", ErrUnavailable, err)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: status %d", ErrUnavailable, resp.StatusCode)
	case len(answer) > AnswerMax:
		return nil, fmt.Errorf("%w: an answer of more than %d bytes", ErrUnavailable, AnswerMax)
	}
	return answer, nil
}

// withoutURL keeps the cause and drops the address.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func question(b *Bill) []byte {
	var a strictjson.Appender
	a.B = make([]byte, 0, 512)
	a.Begin()
	a.String("insutype", strconv.FormatUint(uint64(b.Insutype), 10))
	a.String("med_type", strconv.FormatUint(uint64(b.MedType), 10))
	a.String("fixmedins_type", strconv.Itoa(int(b.InstitutionType)))
	a.String("hosp_lv", strconv.Itoa(int(b.HospLevel)))
	a.String("begndate", time.Unix(int64(b.Day)*24*3600, 0).UTC().Format(time.DateOnly)) // a civil day: no zone in it
	a.Amount("medfee_sumamt", b.Medfee())
	a.Amount("fulamt_ownpay_amt", b.Fulamt)
	a.Amount("overlmt_selfpay", b.Overlmt)
	a.Amount("preselfpay_amt", b.Preselfpay)
	a.Amount("inscp_scp_amt", b.Inscp)
	a.End()
	return a.B
}

var answerShape = strictjson.MustShape("fund_pay_sumamt hosp_part_amt? ratio? version")

// ratioChars is "0.1234": four decimals, so that the ratio is whole in 1e-4.
const ratioChars = 6

func readAnswer(text []byte) (Result, error) {
	var d strictjson.Decoder
	var r Result
	d.Reset(text)
	for d.Object(answerShape); d.Next(); {
		switch d.Field() {
		case "fund_pay_sumamt":
			r.Fund = d.Amount()
		case "hosp_part_amt":
			r.HospPart = d.Amount()
		case "ratio":
			ratio, err := money.ParseRatio(string(d.Token(ratioChars)))
			if err != nil {
				d.Refuse(strictjson.CodeBadValue)
				break
			}
			r.Ratio = ratio.Shift(4).IntPart()
		case "version":
			r.Version = string(d.Token(VersionMax))
		}
	}
	if err := d.Done(); err != nil {
		return Result{}, fmt.Errorf("%w: answer: %w", ErrUnavailable, err)
	}
	return r, nil
}
