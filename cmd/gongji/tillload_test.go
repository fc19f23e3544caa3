package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gongji/bench/province"
)

// TestTillLoadBook: every line of the book is in the ledger with the same figures; when the server is gone the rest is unknown and not in
// the book.
func TestTillLoadBook(t *testing.T) {
	h := openTestHouse(t)
	const bills = 300
	cmd := &tillLoadCmd{Server: h.business(), Book: filepath.Join(t.TempDir(), "book"), Seed: 3, Persons: 1000}
	im := newImporter(newClient(h.admin()), 1, demoPatience, io.Discard)
	defer im.client.close()
	importAll(t, im, province.New(cmd.Seed, cmd.Persons))

	b, err := openBook(cmd.Book)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openBook(cmd.Book); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second book over the first: %v", err)
	}
	l := newTillLoad(cmd, b)
	defer l.client.close()
	for n := range bills {
		l.settle(n)
	}
	if l.gone.Load() || l.unknown.Load()+l.refused.Load()+l.unavailable.Load() != 0 {
		t.Fatalf("unknown %d refused %d unavailable %d", l.unknown.Load(), l.refused.Load(), l.unavailable.Load())
	}
	lines := 0
	checkAnswers := func(x acked) {
		lines++
		var f fate
		if err := l.client.get(pathSettlements+"?fixmedins_code="+x.Code+"&msgid="+x.Msgid, &f); err != nil {
			t.Fatal(err)
		}
		if f.State != "settled" || f.ID != x.ID || f.Acct != x.Acct || f.Aid != x.Aid || f.Cash != x.Cash {
			t.Errorf("the book says %+v, the ledger %+v", x, f)
		}
	}
	synced, err := b.close()
	if err != nil || synced != bills {
		t.Fatalf("%d lines synced, want %d (%v)", synced, bills, err)
	}
	eachLine(t, cmd.Book, checkAnswers)
	if lines != bills {
		t.Errorf("%d lines in the book, want %d", lines, bills)
	}

	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	l.settle(bills) // a send to a closed book would panic: it must not come to that
	if !l.gone.Load() || l.unknown.Load() != 1 {
		t.Errorf("after the server's end: gone %t, unknown %d", l.gone.Load(), l.unknown.Load())
	}
	if err := (&verifyCmd{Dir: h.ledger(), KeyFile: h.keyFile(), Acked: cmd.Book, Scratch: t.TempDir()}).Run(); err != nil {
		t.Errorf("verify --acked: %v", err)
	}
}

func eachLine(t *testing.T, path string, each func(acked)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		var x acked
		if err := json.Unmarshal(in.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		each(x)
	}
}
