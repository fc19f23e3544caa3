package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// acked is one line of a client's own book: a settlement that was acknowledged to it. Only what was answered with 200 stands in it, so after
// any crash the ledger must hold every line with the same figures (P3: a reply means durable).
type acked struct {
	Code  string `json:"fixmedins_code"`
	Msgid string `json:"msgid"`
	ID    string `json:"setl_id"`
	Acct  fen    `json:"acct_pay"`
	Aid   fen    `json:"acct_mulaid_pay"`
	Cash  fen    `json:"psn_cash_pay"`
}

// bookQueueMax is how many answers may wait for the book's sync; the tills wait behind it.
const bookQueueMax = 4096

// book appends acknowledged lines to a file and syncs them before it counts them. One goroutine writes; any may add.
type book struct {
	file   *os.File
	lines  chan acked
	done   chan struct{}
	synced int64
	err    error
}

// openBook makes a new book; an existing file is an error, because old lines may be another ledger's.
func openBook(path string) (*book, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	b := &book{file: f, lines: make(chan acked, bookQueueMax), done: make(chan struct{})}
	go b.write()
	return b, nil
}

// add hands a line over. It blocks while the disk is behind.
func (b *book) add(l acked) { b.lines <- l }

// close syncs what was added and returns how many lines are safe. No add after it.
func (b *book) close() (synced int64, err error) {
	close(b.lines)
	<-b.done
	return b.synced, errors.Join(b.err, b.file.Close())
}

func (b *book) write() {
	defer close(b.done)
	out := bufio.NewWriter(b.file)
	enc := json.NewEncoder(out)
	for l := range b.lines {
		n := int64(1)
		err := enc.Encode(l)
		for more := len(b.lines); more > 0 && err == nil; more-- {
			err = enc.Encode(<-b.lines)
			n++
		}
		if err = errors.Join(err, out.Flush(), b.file.Sync()); err != nil && b.err == nil {
			b.err = fmt.Errorf("book: %w", err)
		}
		if b.err == nil {
			b.synced += n
		}
	}
}
