package till

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestLine: at every point the till learns nothing, and exactly as much of the message has arrived as the point says.
func TestLine(t *testing.T) {
	arrives := map[Point]int{Unsent: 0, HalfRequest: 0, Held: 0, Unread: 1, HalfHead: 1, HalfAnswer: 1, Garbled: 1}
	for _, p := range Points() {
		w := newWorld(t, TypePharmacy)
		w.till.Server.Line.Cut(infPerson, p)
		question := newInput(func(o *object) {
			o.node("data", func(o *object) { o.texts("mdtrt_cert_type", "02", "mdtrt_cert_no", w.person.certno) })
		})
		m := w.till.write(infPerson, w.till.NextMsgid(), question)
		r := w.till.send(t.Context(), m)
		if r.Result != Unknown || r.Output != nil {
			t.Errorf("%s: %s, %s", p, r.Result, r.Text)
		}
		w.centre.mu.Lock()
		n := w.centre.arrived[m.msgid]
		w.centre.mu.Unlock()
		if want, certain := arrives[p]; certain && n != want {
			t.Errorf("%s: the message arrived %d times, should be %d", p, n, want)
		}
		// The next message goes through, and what was held arrives behind it.
		next := w.till.write(infPerson, w.till.NextMsgid(), question)
		if r := w.till.send(t.Context(), next); r.Result != Answered {
			t.Errorf("%s: the next message: %s %s", p, r.Result, r.Text)
		}
		made := w.till.Server.Line.TakeCuts()
		if len(made) != 1 || made[0].Point != p || made[0].Infno != infPerson || w.till.Server.Line.Planned() != 0 {
			t.Errorf("%s: %+v", p, made)
		}
		if p == Held && (w.centre.arrived[m.msgid] != 1 || !strings.Contains(string(made[0].Answer), "baseinfo")) {
			t.Errorf("held: arrived %d times, answered %s", w.centre.arrived[m.msgid], made[0].Answer)
		}
	}
}

// TestPoint: points are known by their names.
func TestPoint(t *testing.T) {
	for _, p := range Points() {
		if got, err := ParsePoint(string(p)); err != nil || got != p {
			t.Errorf("%s: %s %v", p, got, err)
		}
	}
	if _, err := ParsePoint("nowhere"); err == nil || !strings.Contains(err.Error(), "half-answer") {
		t.Errorf("%v", err)
	}
}

// TestLineScheme: a line to another scheme than http cannot be cut, and says so.
func TestLineScheme(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	w.till.Server.URL = "https://127.0.0.1:1"
	w.till.Server.Line.Cut(infSignIn, Unread)
	w.till.Server.Line.Cut(infSignIn, Sent)
	err := w.till.SignIn(t.Context())
	if !errors.Is(err, ErrUnresolved) || !strings.Contains(w.said.String(), "http only") {
		t.Errorf("%v", err)
	}
	if !slices.Equal(w.till.Book.Entries(), nil) {
		t.Error("a sign-in is in the book")
	}
}
