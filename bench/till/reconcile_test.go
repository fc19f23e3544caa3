package till

import (
	"path/filepath"
	"strings"
	"testing"
)

// settleOnce plays a purchase and leaves the close to the test.
func settleOnce(t *testing.T, w *world, d *Dialogue) *Visit {
	t.Helper()
	if d.Credential.Type == "" {
		d.Credential = Credential{Type: "02", Number: w.person.certno}
	}
	d.Items = DemoPurchase()
	v, err := w.till.Play(t.Context(), &Pharmacy, d)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func closeDay(t *testing.T, w *world) *Reconciliation {
	t.Helper()
	r, err := w.till.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestCloseCentreOnly (1.13): what only the centre has is found by 3202, undone by 2601 with the msgid it tells, and the books are level.
func TestCloseCentreOnly(t *testing.T) {
	for _, zero := range []string{"0", "000000"} { // HN, HB
		w := newWorld(t, TypePharmacy)
		w.centre.zero = zero
		// Somebody of another insurance in the same place: 3202 does not tell insurances apart, and nothing may happen to his trade.
		child := &citizen{psn: "PSN2", name: "林童", certno: "994769202001010017", insutype: "390", area: w.person.area, balance: openingFen}
		w.centre.people[child.certno] = child
		settleOnce(t, w, &Dialogue{Credential: Credential{Type: "02", Number: child.certno}})
		settleOnce(t, w, &Dialogue{})
		settleOnce(t, w, &Dialogue{Decline: true})
		lost := settleOnce(t, w, &Dialogue{})
		// The till's book is an older copy: the last settlement is not in it.
		b, err := OpenBook(filepath.Join(t.TempDir(), "old"))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		for _, e := range w.till.Book.Entries() {
			if e.Msgid != lost.entry.Msgid {
				if err := b.Put(e); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.till.Institution, w.till.ReverseUnknown = NewInstitution(w.till.Place, b, 5_000, nil), true
		r := closeDay(t, w)
		if len(r.Statements) != 2 || !r.Level() || r.Statements[1].Rounds != 0 || r.Statements[1].Count != 1 {
			t.Fatalf("%+v", r)
		}
		s := r.Statements[0]
		if s.Rounds != 1 || len(s.Findings) != 1 || s.Findings[0].Msgid != lost.entry.Msgid || !s.Findings[0].Fixed || s.Findings[0].What != "only at the centre" {
			t.Errorf("%+v", s)
		}
		if s.Count != 3 || s.Medfee != Total(DemoPurchase()) {
			t.Errorf("totals %+v", s.Totals)
		}
		w.same(t)
	}
}

// TestCloseNotOurs: what this book has not sent is another system's: entered, told, and not undone, whatever its insurance.
func TestCloseNotOurs(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	child := &citizen{psn: "PSN2", name: "林童", certno: "994769202001010017", insutype: "390", area: w.person.area, balance: openingFen}
	w.centre.people[child.certno] = child
	settleOnce(t, w, &Dialogue{})
	settleOnce(t, w, &Dialogue{Credential: Credential{Type: "02", Number: child.certno}})
	settleOnce(t, w, &Dialogue{Credential: Credential{Type: "02", Number: child.certno}, Decline: true})
	b, err := OpenBook(filepath.Join(t.TempDir(), "mine"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w.centre.bookOf = filepath.Join(filepath.Dir(b.file.Name()), "mine")
	w.till.Institution = NewInstitution(w.till.Place, b, 5_000, nil)
	settleOnce(t, w, &Dialogue{})
	w.till.Server.Line.Cut(infPurchase, Unread) // confirmed among the others'
	settleOnce(t, w, &Dialogue{})
	r := closeDay(t, w)
	if !r.Level() || len(r.Statements) != 2 {
		t.Errorf("%+v", r)
	}
	if live := len(w.centre.rows(clrPharmacy, "", w.person.area)); live != 6 {
		t.Errorf("%d rows are left at the centre, should be 6: 5 settlements and a refund", live)
	}
	w.same(t)
}

// TestCloseNewGroup: rows of another insurance that the close of a group enters make a group that the book did not have: it is asked about too, whether
// it sorts behind that group or before it, and so is a group whose rows changed after it was asked.
func TestCloseNewGroup(t *testing.T) {
	for _, insutype := range []string{"390", "110"} {
		w := newWorld(t, TypePharmacy)
		child := &citizen{psn: "PSN2", name: "林童", certno: "994769202001010017", insutype: insutype, area: w.person.area, balance: openingFen}
		w.centre.people[child.certno] = child
		settleOnce(t, w, &Dialogue{})
		settleOnce(t, w, &Dialogue{Credential: Credential{Type: "02", Number: child.certno}})
		b, err := OpenBook(filepath.Join(t.TempDir(), "mine"))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		w.centre.bookOf = filepath.Join(filepath.Dir(b.file.Name()), "mine")
		w.till.Institution = NewInstitution(w.till.Place, b, 5_000, nil)
		settleOnce(t, w, &Dialogue{})
		r := closeDay(t, w)
		asked := 0
		for i := range r.Statements {
			asked += r.Statements[i].Count
		}
		if !r.Level() || len(r.Statements) != 2 || asked != 3 {
			t.Errorf("insutype %s: asked about %d rows of 3: %+v", insutype, asked, r)
		}
		w.same(t)
	}
}

// TestCloseRefundAtCentre: a refund of which the book knows nothing is entered, since no 2601 takes it back; and so is a pair of settlement and refund.
func TestCloseRefundAtCentre(t *testing.T) {
	for _, forget := range []int{1, 2} {
		w := newWorld(t, TypePharmacy)
		settleOnce(t, w, &Dialogue{})
		settleOnce(t, w, &Dialogue{Decline: true})
		b, err := OpenBook(filepath.Join(t.TempDir(), "old"))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		all := w.till.Book.Entries()
		for _, e := range all[:len(all)-forget] {
			if err := b.Put(e); err != nil {
				t.Fatal(err)
			}
		}
		w.till.Institution = NewInstitution(w.till.Place, b, 5_000, nil)
		r := closeDay(t, w)
		if !r.Level() || r.Statements[0].Rounds != 1 || len(r.Statements[0].Findings) != forget {
			t.Errorf("forgot %d: %+v", forget, r)
		}
		w.same(t)
	}
}

// TestCloseHereOnly: what only the till has is looked up, blocked by 2601, struck from the book, and the books are level.
func TestCloseHereOnly(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	settleOnce(t, w, &Dialogue{})
	ghost := settleOnce(t, w, &Dialogue{})
	w.centre.mu.Lock()
	delete(w.centre.deals, ghost.entry.SetlID) // the centre restored an old copy
	w.person.balance += int64(ghost.entry.Acct)
	w.centre.mu.Unlock()
	r := closeDay(t, w)
	if !r.Level() || len(r.Statements[0].Findings) != 1 || r.Statements[0].Findings[0].What != "only here" {
		t.Fatalf("%+v", r)
	}
	if e, _ := w.till.Book.Find(ghost.entry.Msgid); e.State != Struck {
		t.Errorf("%+v", e)
	}
	w.same(t)
}

// TestCloseDiffers: what both have with other amounts is told and left alone.
func TestCloseDiffers(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	v := settleOnce(t, w, &Dialogue{})
	e := v.entry
	e.Acct++
	if err := w.till.Book.Put(e); err != nil {
		t.Fatal(err)
	}
	r := closeDay(t, w)
	s := r.Statements[0]
	if r.Level() || s.Rounds != 1 || len(s.Findings) != 1 || s.Findings[0].Fixed || !strings.Contains(s.Findings[0].What, "both sides") {
		t.Errorf("%+v", r)
	}
	if w.centre.deals[e.SetlID].void {
		t.Error("a settlement for which goods were given was undone")
	}
}

// TestCloseNeverLevel: a server that is never level is given up after a few rounds, and a server without 3201 is told from a level one.
func TestCloseNeverLevel(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	settleOnce(t, w, &Dialogue{})
	w.centre.twisted = 1
	if r := closeDay(t, w); r.Level() || r.Unsupported() || r.word() != "NOT LEVEL" {
		t.Errorf("%+v", r)
	}
	w.centre.no3201 = true
	if r := closeDay(t, w); r.Level() || !r.Unsupported() || r.word() != "not supported" {
		t.Errorf("%+v", r)
	}
}

// TestConfirm (1.12): an accepted reversal is no proof; if the totals say otherwise the till does not go on.
func TestConfirm(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	w.centre.twisted = 1
	w.till.Server.Line.Cut(infPurchase, Unread)
	_, err := w.till.Play(t.Context(), &Pharmacy, &Dialogue{Items: DemoPurchase(), Credential: Credential{Type: "02", Number: w.person.certno}})
	if err == nil || !strings.Contains(err.Error(), "not confirmed") {
		t.Fatalf("%v", err)
	}
	for _, e := range w.till.Book.Entries() {
		if e.State == Done {
			t.Errorf("the till settled anew: %+v", e)
		}
	}
	w = newWorld(t, TypePharmacy)
	w.centre.no3201 = true
	w.till.Server.Line.Cut(infPurchase, Unread)
	settleOnce(t, w, &Dialogue{})
	if !strings.Contains(w.said.String(), "acceptance alone") {
		t.Error("nobody is told that the reversal is not confirmed")
	}
	w.same(t)
}

// TestVerdictFiles: a file that is none, too wide or too narrow, is refused or read as the table says.
func TestVerdictFiles(t *testing.T) {
	ok := "P1\tnull\tnull\tM1\t1\t0\tnull\t1.00\t0.00\t1.00\textra\r\n"
	list, err := unpackVerdicts(zipOne("a.txt", ok))
	if err != nil || len(list) != 1 || list[0] != (Verdict{PsnNo: "P1", Msgid: "M1", Result: "1", Refund: "0", Medfee: 1_00, Acct: 1_00}) {
		t.Errorf("%+v %v", list, err)
	}
	for name, b := range map[string][]byte{"no zip": []byte("P1\tnull"), "narrow": zipOne("a.txt", "P1\tnull\tnull\tM1\t1\n"), "bomb": zipOne("a.txt", strings.Repeat("0", fileMax+1))} {
		if list, err := unpackVerdicts(b); err == nil {
			t.Errorf("%s: %+v", name, list)
		}
	}
	if list, err := unpackVerdicts(zipOne("a.txt", "")); err != nil || len(list) != 0 {
		t.Errorf("empty: %+v %v", list, err)
	}
}
