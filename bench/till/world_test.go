package till

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func zipOne(name, text string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func unzipOne(packed []byte) (string, error) {
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return "", err
	}
	if len(z.File) != 1 {
		return "", errors.New("not one file")
	}
	f, err := z.File[0].Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
}

// world is a centre, an institution with a book, and a till of it.
type world struct {
	centre *centre
	person *citizen
	till   *Till
	said   *strings.Builder
}

const openingFen = 100_00

func someone() *citizen {
	return &citizen{psn: "99100090000000000001", name: "林小满", certno: "994769201405207743", insutype: "310", area: "991000", balance: openingFen}
}

func newWorld(t *testing.T, kind string) *world {
	t.Helper()
	w := &world{person: someone(), said: &strings.Builder{}}
	w.centre = newCentre(t, w.person)
	w.centre.bookOf = filepath.Join(t.TempDir(), "book")
	b, err := OpenBook(w.centre.bookOf)
	if err != nil {
		t.Fatal(err)
	}
	p := Place{Code: "P99100000001", Name: "示范大药房", Area: "991000", Type: kind}
	w.till = &Till{Client: &Client{Institution: NewInstitution(p, b, 0, nil), Server: &Server{URL: w.centre.URL, Line: NewLine()}, Operator: Operator{"T1", "演示收费员"}}, Out: w.said}
	t.Cleanup(func() {
		w.till.Server.Line.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(w.said.String())
		}
	})
	return w
}

// play plays a whole day of one visit: sign in, the visit, sign out, and the close.
func (w *world) play(ctx context.Context, p *Play, d *Dialogue) (v *Visit, r *Reconciliation, err error) {
	if d.Credential.Type == "" {
		d.Credential = Credential{Type: "02", Number: w.person.certno}
	}
	if err = w.till.SignIn(ctx); err != nil {
		return nil, nil, err
	}
	if v, err = w.till.Play(ctx, p, d); err != nil {
		return v, nil, err
	}
	if err = w.till.SignOut(ctx); err != nil {
		return v, nil, err
	}
	r, err = w.till.Reconcile(ctx)
	return v, r, err
}

// same holds the till's book against the centre's: which settlements stand, which were cancelled, and all amounts; and the account against both.
func (w *world) same(t *testing.T) {
	t.Helper()
	w.centre.mu.Lock()
	defer w.centre.mu.Unlock()
	var theirs, ours []string
	spent := int64(0)
	for _, d := range w.centre.deals {
		if d.void {
			continue
		}
		theirs = append(theirs, fmt.Sprintf("%s %s %s %s cancelled %t", d.setl, d.mdtrt, yuanOf(d.acct), yuanOf(d.cash), d.cancelled))
		if !d.cancelled && d.who == w.person {
			spent += d.acct
		}
	}
	cancelled := map[string]bool{}
	for _, e := range w.till.Book.Entries() {
		if e.IsCancel() && e.State == Done {
			cancelled[e.SetlID] = true
		}
		if e.State == Pending {
			t.Errorf("%s %s is open", e.Infno, e.Msgid)
		}
	}
	for _, e := range w.till.Book.Entries() {
		if e.IsSettlement() && e.State == Done {
			ours = append(ours, fmt.Sprintf("%s %s %s %s cancelled %t", e.SetlID, e.MdtrtID, e.Acct, e.Cash, cancelled[e.SetlID]))
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("the till's book\n  %s\nthe centre's\n  %s", strings.Join(ours, "\n  "), strings.Join(theirs, "\n  "))
	}
	if w.person.balance != openingFen-spent {
		t.Errorf("the account has %s, should have %s", yuanOf(w.person.balance), yuanOf(openingFen-spent))
	}
}
