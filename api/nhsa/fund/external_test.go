package fund

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server answers calls and counts them.
func server(t *testing.T, handler http.HandlerFunc, limit time.Duration) (*External, *atomic.Int32) {
	t.Helper()
	calls := new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	e, err := NewExternal(ExternalOptions{URL: s.URL + "/fund?key=hidden", TimeLimit: limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, calls
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

var someBill = Bill{Insutype: 310, MedType: 41, InstitutionType: 2, HospLevel: 3, Day: 20522, Fulamt: 4500, Overlmt: 500, Preselfpay: 2000, Inscp: 46000}

// R3: the call-out; nothing of a person is sent.
func TestExternal(t *testing.T) {
	var asked string
	e, calls := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v %v", r.Method, r.Header, err)
		}
		asked = string(body)
		io.WriteString(w, `{"fund_pay_sumamt":"276.00","hosp_part_amt":"1.00","ratio":"0.6","version":"bureau-7"}`)
	}, 0)
	r, err := e.Calculate(context.Background(), &someBill)
	if want := (Result{27600, 100, 6000, "bureau-7"}); err != nil || r != want || calls.Load() != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if want := `{"insutype":"310","med_type":"41","fixmedins_type":"2","hosp_lv":"3","begndate":"2026-03-10","medfee_sumamt":"530.00",` +
		`"fulamt_ownpay_amt":"45.00","overlmt_selfpay":"5.00","preselfpay_amt":"20.00","inscp_scp_amt":"460.00"}`; asked != want {
		t.Errorf("sent %s", asked)
	}
}

func TestExternalBounds(t *testing.T) {
	for _, x := range []struct {
		name, answer string
		fund         int64
	}{
		{"nothing", `{"fund_pay_sumamt":"0.00","version":"1"}`, 0},
		{"everything", `{"fund_pay_sumamt":"530.00","version":"1"}`, 53000},
		{"with the institution", `{"fund_pay_sumamt":"500.00","hosp_part_amt":"30.00","version":"1"}`, 50000},
	} {
		e, _ := server(t, says(x.answer), 0)
		if r, err := e.Calculate(context.Background(), &someBill); err != nil || r.Fund != x.fund {
			t.Errorf("%s: %+v %v", x.name, r, err)
		}
	}
}

func TestExternalRefuses(t *testing.T) {
	const good = `{"fund_pay_sumamt":"276.00","version":"1"}`
	for _, x := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"a fen too much", says(`{"fund_pay_sumamt":"530.01","version":"1"}`)},
		{"too much together", says(`{"fund_pay_sumamt":"500.00","hosp_part_amt":"30.01","version":"1"}`)},
		{"negative", says(`{"fund_pay_sumamt":"-1.00","version":"1"}`)},
		{"a number", says(`{"fund_pay_sumamt":276.00,"version":"1"}`)},
		{"three decimals", says(`{"fund_pay_sumamt":"276.001","version":"1"}`)},
		{"unknown key", says(`{"fund_pay_sumamt":"276.00","version":"1","acct_pay":"1.00"}`)},
		{"key twice", says(`{"fund_pay_sumamt":"276.00","fund_pay_sumamt":"1.00","version":"1"}`)},
		{"no version", says(`{"fund_pay_sumamt":"276.00"}`)},
		{"long version", says(`{"fund_pay_sumamt":"276.00","version":"` + strings.Repeat("1", VersionMax+1) + `"}`)},
		{"ratio above one", says(`{"fund_pay_sumamt":"276.00","ratio":"1.1","version":"1"}`)},
		{"ratio too fine", says(`{"fund_pay_sumamt":"276.00","ratio":"0.12345","version":"1"}`)},
		{"something behind", says(good + "{}")},
		{"empty", says("")},
		{"cut off", says(good[:20])},
		{"page", says("<html>")},
		{"too large", says(good + strings.Repeat(" ", AnswerMax))},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
		}},
		{"large headers", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 4*AnswerMax))
			io.WriteString(w, good)
		}},
		{"status 500", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); io.WriteString(w, good) }},
		{"status 204", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		}},
		{"broken line", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
			conn.Close()
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			e, calls := server(t, x.handler, TimeLimitMax)
			r, err := e.Calculate(context.Background(), &someBill)
			if !errors.Is(err, ErrUnavailable) || calls.Load() != 1 {
				t.Errorf("%+v %v after %d calls", r, err, calls.Load())
			}
			if err != nil && (strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "127.0.0.1")) {
				t.Errorf("the error tells the address: %v", err)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it waited for the time limit: %v", err)
			}
		})
	}
}

func TestExternalSlow(t *testing.T) {
	for name, first := range map[string]string{"no answer": "", "half an answer": `{"fund`} {
		t.Run(name, func(t *testing.T) {
			e, calls := server(t, func(w http.ResponseWriter, r *http.Request) {
				io.ReadAll(r.Body) // so that the server notices the caller hanging up
				io.WriteString(w, first)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}, 100*time.Millisecond)
			r, err := e.Calculate(context.Background(), &someBill)
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || calls.Load() != 1 {
				t.Errorf("%+v %v after %d calls", r, err, calls.Load())
			}
		})
	}
}

func TestExternalNobodyThere(t *testing.T) {
	e, _ := server(t, says(""), 0)
	gone := httptest.NewServer(nil)
	gone.Close()
	e.url = gone.URL
	if _, err := e.Calculate(context.Background(), &someBill); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Calculate(ctx, &someBill); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestExternalOptions(t *testing.T) {
	for _, o := range []ExternalOptions{{}, {URL: "ftp://x/"}, {URL: "http:///x"}, {URL: "http://user:hidden@x/"}, {URL: "http://x/#f"}, {URL: "http://x\x00hidden"},
		{URL: "http://x/", TimeLimit: -1}, {URL: "http://x/", TimeLimit: TimeLimitMax + 1}} {
		if _, err := NewExternal(o); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
