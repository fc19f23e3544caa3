package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gongji/bench/province"
	"gongji/bench/till"
)

// openDemoHouse serves the demo province as `gongji serve --demo` does.
func openDemoHouse(t *testing.T) *house {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir()) // books that are not level are kept
	h := openTestHouse(t)
	if err := demoWelcome(io.Discard, strings.TrimPrefix(h.business(), "http://"), strings.TrimPrefix(h.admin(), "http://"), demoPersonsMin, ""); err != nil {
		t.Fatal(err)
	}
	return h
}

// has asks whether a server knows a transaction at all.
func has(t *testing.T, h *house, infno string) bool {
	t.Helper()
	c := newClient(h.business())
	defer c.close()
	a, err := c.send(context.Background(), http.MethodPost, pathNational, mediaJSON, []byte(`{"infno":"`+infno+`","msgid":"PROBE`+infno+`","mdtrtarea_admvs":"991000","recer_sys_code":"Y",
		"infver":"V1.0","opter_type":"1","opter":"T","opter_name":"T","inf_time":"2026-01-01 00:00:00","fixmedins_code":"P99100000001","fixmedins_name":"P","input":{}}`))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("%v %+v", err, a)
	}
	return !strings.Contains(string(a.body), "[not_supported]")
}

// sameBooks holds tills' books against the ledger, message by message, and the sum of both: what the books do not have, the ledger has not either.
func sameBooks(t *testing.T, h *house, paidBefore fen, books ...string) (settled, undone int) {
	t.Helper()
	business, admin := newClient(h.business()), newClient(h.admin())
	defer business.close()
	defer admin.close()
	paid := paidBefore
	for _, path := range books {
		b, err := till.OpenBook(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(b.Open()); n > 0 {
			t.Errorf("%d messages are open in %s", n, path)
		}
		cancelled := map[string]bool{}
		for _, e := range b.Entries() {
			if e.IsCancel() && e.State == till.Done {
				cancelled[e.SetlID] = true
			}
		}
		for _, e := range b.Entries() {
			if !e.IsSettlement() {
				continue
			}
			var f fate
			if err := business.get(pathSettlements+"?fixmedins_code="+e.Msgid[:12]+"&msgid="+e.Msgid, &f); err != nil {
				t.Fatal(err)
			}
			switch {
			case e.State == till.Done && !cancelled[e.SetlID]:
				settled++
				paid += fen(e.Acct)
				if f.State != "settled" || f.ID != e.SetlID || f.Acct != fen(e.Acct) || f.Aid != fen(e.Mulaid) || f.Cash != fen(e.Cash) {
					t.Errorf("the book has %+v, the ledger %+v", e, f)
				}
			case e.State == till.Done:
				undone++
				if f.State != "reversed" || f.ID != e.SetlID {
					t.Errorf("the book has %s cancelled, the ledger %+v", e.Msgid, f)
				}
			case e.State == till.Undone:
				undone++
				if f.State != "reversed" && f.State != "blocked" {
					t.Errorf("the book has %s undone, the ledger has it %s", e.Msgid, f.State)
				}
			case f.State == "settled":
				t.Errorf("the book has %+v, the ledger has it settled", e)
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := ledgerTotals(t, admin).Totals.Institution; got != paid {
		t.Errorf("the ledger owes institutions %s, by the books it is %s", got, paid)
	}
	return settled, undone
}

// TestTillEveryCut (R9, R10, R11, R14): `gongji till --cut all` against the real server: the line is cut at every point of every message, and the
// ledger's book is the till's.
func TestTillEveryCut(t *testing.T) {
	h := openDemoHouse(t)
	book := filepath.Join(t.TempDir(), "book")
	c := &tillCmd{URL: h.business(), Cut: []string{"all"}, Book: book, Persons: demoPersonsMin, now: h.now}
	var out strings.Builder
	level, err := c.play(context.Background(), strings.NewReader(""), &out)
	if err != nil || strings.Contains(out.String(), "WRONG") || strings.Contains(out.String(), "NOT LEVEL") || level != has(t, h, "3201") {
		t.Fatalf("level %t, %v\n%s", level, err, &out)
	}
	settled, undone := sameBooks(t, h, 0, book)
	dialogues := len(till.Pharmacy.Messages) * len(till.Points())
	declined := len(till.Points())
	if settled != dialogues-declined || undone < declined+len(till.Points()) {
		t.Errorf("%d settled, %d undone of %d dialogues\n%s", settled, undone, dialogues, &out)
	}
}

// TestTillVisit: one purchase with its receipt, then the same declined, with trace, a repeat, and a cut of settlement and reversal.
func TestTillVisit(t *testing.T) {
	h := openDemoHouse(t)
	book := filepath.Join(t.TempDir(), "book")
	for _, x := range []struct {
		cmd  tillCmd
		want []string
	}{
		{tillCmd{Twice: true}, []string{"示范大药房", "acct_mulaid_pay", "林**", "(the first answer again)"}},
		{tillCmd{Decline: true, Trace: true}, []string{"已撤销", ">>> 2103 药店结算撤销", `"infno": "2102"`}},
		{tillCmd{Cut: []string{"held", "unread@2601"}}, []string{"[blocked]", "2601 unknown", "cut at unread of 2601"}},
	} {
		c := x.cmd
		c.URL, c.Book, c.Persons, c.now = h.business(), book, demoPersonsMin, h.now
		var out strings.Builder
		level, err := c.play(context.Background(), strings.NewReader(""), &out)
		if err != nil || level != has(t, h, "3201") {
			t.Errorf("level %t, %v\n%s", level, err, &out)
		}
		for _, s := range x.want {
			if !strings.Contains(out.String(), s) {
				t.Errorf("no %q in\n%s", s, &out)
			}
		}
	}
	if settled, undone := sameBooks(t, h, 0, book); settled != 2 || undone != 2 {
		t.Errorf("%d settled, %d undone", settled, undone)
	}
	// A till with a book of its own beside it: what it finds of the other is left standing.
	admin := newClient(h.admin())
	defer admin.close()
	before := ledgerTotals(t, admin).Totals.Institution
	other := &tillCmd{URL: h.business(), Book: book + "2", Cut: []string{"unread"}, Persons: demoPersonsMin, now: h.now}
	var out strings.Builder
	if level, err := other.play(context.Background(), strings.NewReader(""), &out); err != nil || level != has(t, h, "3201") {
		t.Errorf("level %t, %v\n%s", level, err, &out)
	}
	if after := ledgerTotals(t, admin).Totals.Institution; after != before/2*3 {
		t.Errorf("the ledger owed institutions %s, and %s after one more purchase\n%s", before, after, &out)
	}
	c := &tillCmd{URL: h.business(), Cut: []string{"held@2207"}, Persons: demoPersonsMin, now: h.now}
	if _, err := c.play(context.Background(), strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), "2207") {
		t.Errorf("a cut at a message that a pharmacy does not send: %v", err)
	}
}

// TestTillHospital (R9, R11, R27, R29): an outpatient visit and a stay with the line cut at every point of every message; the ledger's book is the
// hospital's. A server that lacks one of the transactions says so, and the till says what that means.
func TestTillHospital(t *testing.T) {
	h := openDemoHouse(t)
	book := filepath.Join(t.TempDir(), "book")
	c := &tillCmd{URL: h.business(), Hospital: true, Cut: []string{"all"}, Book: book, Persons: demoPersonsMin, now: h.now}
	complete, dialogues := true, 0
	for _, p := range c.plays() {
		dialogues += len(p.Messages) * len(till.Points())
		for _, infno := range p.Messages {
			complete = complete && has(t, h, infno)
		}
	}
	if !complete {
		c.Cut = nil
	}
	var out strings.Builder
	level, err := c.play(context.Background(), strings.NewReader(""), &out)
	if !complete {
		if err = tillHint(err); level || err == nil || !strings.Contains(err.Error(), "does not have this transaction") {
			t.Errorf("level %t, %v\n%s", level, err, &out)
		}
		return
	}
	if err != nil || strings.Contains(out.String(), "WRONG") || strings.Contains(out.String(), "NOT LEVEL") || level != has(t, h, "3201") {
		t.Fatalf("level %t, %v\n%s", level, err, &out)
	}
	if settled, undone := sameBooks(t, h, 0, book); settled == 0 || undone == 0 || settled+undone < dialogues {
		t.Errorf("%d settled, %d undone of %d dialogues", settled, undone, dialogues)
	}
}

// TestTillDay: a scripted day of many tills on the real server; the books of all institutions are the ledger's.
func TestTillDay(t *testing.T) {
	h := openDemoHouse(t)
	dir := t.TempDir()
	c := &tillCmd{URL: h.business(), Tills: 8, Bills: 160, Seed: 3, Persons: demoPersonsMin, now: h.now}
	var out strings.Builder
	level, err := c.day(context.Background(), dir, nil, &out)
	if err != nil || strings.Contains(out.String(), "WRONG") || strings.Contains(out.String(), "NOT LEVEL") || level != has(t, h, "3201") {
		t.Fatalf("level %t, %v\n%s", level, err, &out)
	}
	books, err := filepath.Glob(filepath.Join(dir, "P*"))
	if err != nil || len(books) != 2 {
		t.Fatalf("%v %v", books, err)
	}
	if settled, undone := sameBooks(t, h, 0, books...); settled < 80 || undone < 20 {
		t.Errorf("%d settled, %d undone: the script did too little\n%s", settled, undone, &out)
	}
}

// TestTillHints: what a stranger sees first when something is missing.
func TestTillHints(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	h := openTestHouse(t)
	for hint, c := range map[string]*tillCmd{
		"make run": {URL: "http://127.0.0.1:1", Persons: demoPersonsMin},
		"--code":   {URL: h.business(), Persons: demoPersonsMin},
	} {
		level, err := c.play(context.Background(), strings.NewReader(""), io.Discard)
		if err = tillHint(err); level || err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %t %v", hint, level, err)
		}
	}
	for _, line := range []string{"", "04 1", "02 1 2 3"} {
		if _, err := (&tillCmd{Patient: "-"}).credential(strings.NewReader(line)); !errors.Is(err, errPatient) {
			t.Errorf("%q: %v", line, err)
		}
	}
	for line, want := range map[string]till.Credential{"994769201405207743": {Type: "02", Number: "994769201405207743"}, "01 TOKEN": {Type: "01", Number: "TOKEN"}, "03 NO SN": {Type: "03", Number: "NO", SN: "SN"}} {
		if got, err := (&tillCmd{Patient: "-"}).credential(strings.NewReader(line + "\nmore")); err != nil || got != want {
			t.Errorf("%q: %+v %v", line, got, err)
		}
	}
}

// TestTillStranger: a patient whom the server does not know, in a demo province: the hint says how to name one.
func TestTillStranger(t *testing.T) {
	h := openDemoHouse(t)
	path := filepath.Join(t.TempDir(), "patient")
	stranger := province.New(demoSeed+1, demoPersonsMin).Person(0).Certno
	if err := os.WriteFile(path, []byte(stranger), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &tillCmd{URL: h.business(), Patient: path, Persons: demoPersonsMin, now: h.now}
	_, err := c.play(context.Background(), nil, io.Discard)
	if err = tillHint(err); err == nil || !strings.Contains(err.Error(), "--patient") || strings.Contains(err.Error(), stranger) {
		t.Errorf("%v", err)
	}
}
