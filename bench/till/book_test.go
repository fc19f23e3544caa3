package till

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestBook: a book read again is the book, a torn last line is dropped and written over, and damage before it is refused.
func TestBook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book")
	b, err := OpenBook(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(e Entry) {
		if err := b.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	put(Entry{Msgid: "A", Infno: infPurchase, State: Pending, Day: "2026-11-23"})
	put(Entry{Msgid: "B", Infno: infPurchase, State: Pending, Day: "2026-11-23"})
	put(Entry{Msgid: "A", Infno: infPurchase, State: Done, Day: "2026-11-23", SetlID: "S1", Medfee: 12_34, Acct: 10_00, Cash: 2_34})
	want := b.Entries()
	reopen := func() {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if b, err = OpenBook(path); err != nil {
			t.Fatal(err)
		}
		if got := b.Entries(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Fatalf("%+v, want %+v", got, want)
		}
		if open := b.Open(); len(open) != 1 || open[0].Msgid != "B" {
			t.Errorf("open %+v", open)
		}
	}
	reopen()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"msgid":"C","infno":"21`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	reopen()
	put(want[1])
	reopen()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{\"msgid\":\"A\"}\n{broken}\n{\"msgid\":\"B\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBook(path); !errors.Is(err, ErrBook) {
		t.Errorf("a damaged book: %v", err)
	}
}

// TestMsgid: no two are the same, over the end of a second's serials, from many goroutines, and when the clock goes back.
func TestMsgid(t *testing.T) {
	now := time.Date(2026, 11, 23, 23, 59, 59, 0, beijing)
	in := NewInstitution(Place{Code: "P99100000001"}, nil, 9_990, func() time.Time { return now })
	if got := in.NextMsgid(); got != "P99100000001"+"20261123235959"+"9991" {
		t.Errorf("%s", got)
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 8_000 {
				id := in.NextMsgid()
				mu.Lock()
				if seen[id] || len(id) != 30 {
					t.Errorf("%s again, or not 30 characters", id)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	now = now.Add(-time.Hour)
	if id := in.NextMsgid(); seen[id] {
		t.Errorf("%s again after the clock went back", id)
	}
}

// TestJudge: what counts as answered, refused and unknown (nhsa-interface.md 1.7).
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   Result
		code   string
	}{
		{200, `{"infcode":0,"output":{}}`, Answered, ""},
		{200, `{"infcode":"0","output":{}}`, Answered, ""},
		{200, `{"infcode":-1,"err_msg":"[blocked] 已冲正"}`, Refused, "blocked"},
		{200, `{"infcode":"-1","err_msg":"余额不足"}`, Refused, ""},
		{200, `{"err_msg":"no code"}`, Unknown, ""},
		{200, `<html>`, Unknown, ""},
		{200, `{"infcode":0,"output":{}`, Unknown, ""},
		{200, ``, Unknown, ""},
		{400, `{}`, Refused, ""},
		{401, `{"code":401}`, Refused, ""},
		{413, ``, Refused, ""},
		{408, ``, Unknown, ""},
		{409, `{"infcode":-1,"err_msg":"[signature_replayed] x"}`, Unknown, "signature_replayed"},
		{500, `{"infcode":-1}`, Unknown, ""},
		{502, `<html>`, Unknown, ""},
		{503, `<html>`, Unknown, ""},
		{503, `{"infcode":-1,"err_msg":"[overloaded] 系统繁忙"}`, Refused, "overloaded"},
		{504, `{"infcode":-1,"err_msg":"[outcome_unknown] 结果未知"}`, Unknown, "outcome_unknown"},
	} {
		r := &Reply{Result: Unknown}
		r.judge(c.status, []byte(c.body))
		if r.Result != c.want || r.Code != c.code {
			t.Errorf("%d %s: %s %q", c.status, c.body, r.Result, r.Code)
		}
	}
}

// TestAmounts: amounts are read exactly or not at all.
func TestAmounts(t *testing.T) {
	for s, want := range map[string]Fen{"0": 0, "0.00": 0, "12": 12_00, "12.3": 12_30, "12.34": 12_34, "12.3400": 12_34, "-12.34": -12_34, "99999999999999.99": 9_999_999_999_999_999} {
		if got, err := parseFen(s); err != nil || got != want {
			t.Errorf("%s: %s %v", s, got, err)
		}
	}
	for _, s := range []string{"", "-", ".5", "5.", "1e3", "1,5", " 1", "12.345", "+1", "--1", "1-", "1.-5", "100000000000000", "NaN"} {
		if got, err := parseFen(s); err == nil {
			t.Errorf("%q was read as %s", s, got)
		}
	}
	for _, c := range []struct {
		price, count int64
		want         Fen
	}{{17_333_333, 30_000, 52_00}, {185_000, 300_000, 5_55}, {2_800_000, -10_000, -2_80}, {5_000, 10_000, 1}, {4_999, 10_000, 0}, {5_000, -10_000, -1}} {
		if got := product(c.price, c.count); got != c.want {
			t.Errorf("%s x %s is %s, should be %s", decimal(c.price, 6), decimal(c.count, 4), got, c.want)
		}
	}
}

// sealer is a signature scheme that the fake does not know: it must not reach the till's business.
type sealer struct{ fail error }

func (s sealer) Sign(h http.Header, body []byte, _ time.Time) ([]byte, error) {
	h.Set("X-Test-Signature", fmt.Sprint(len(body)))
	return body, nil
}
func (s sealer) Verify(_ http.Header, body []byte, _ time.Time) ([]byte, error) { return body, s.fail }

// TestSigner: a request is signed; an answer whose signature is wrong is no answer, so the trade is undone.
func TestSigner(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	w.till.Server.Signer = sealer{}
	v, r, err := w.play(t.Context(), &Pharmacy, &Dialogue{Items: DemoPurchase(), Meanwhile: func() error {
		w.till.Server.Signer = sealer{errors.New("forged")}
		return nil
	}})
	if !errors.Is(err, ErrUnresolved) || v.Now != nil || r != nil {
		t.Fatal(err, r)
	}
	w.till.Server.Signer = nil
	if err := w.till.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.same(t)
	if w.person.balance != openingFen {
		t.Errorf("%s spent by an answer that nobody signed", yuanOf(openingFen-w.person.balance))
	}
}

// TestJump: behind a jump no id comes again, and who counts along from the same place is left behind.
func TestJump(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, beijing)
	clock := func() time.Time { return now }
	one, other := NewInstitution(Place{Code: "P99100000001"}, nil, 17, clock), NewInstitution(Place{Code: "P99100000001"}, nil, 17, clock)
	if one.NextMsgid() != other.NextMsgid() {
		t.Fatal("the two do not begin at the same place")
	}
	seen := map[string]bool{}
	for i := range 3000 {
		id := one.NextMsgid()
		if seen[id] || len(id) != 30 {
			t.Fatalf("%s again, or not 30 characters", id)
		}
		seen[id] = true
		if i%7 == 0 {
			one.Jump()
		}
		if i%50 == 0 {
			now = now.Add(time.Second)
		}
	}
	first := map[int]bool{}
	for range 200 {
		n := FirstSerial()
		if n < 0 || n >= serials {
			t.Fatalf("serial %d", n)
		}
		first[n] = true
	}
	if len(first) < 100 { // of 10,000 places, 200 draws hit fewer than 100 with a chance below 10^-100
		t.Errorf("200 processes begin at %d places", len(first))
	}
}
