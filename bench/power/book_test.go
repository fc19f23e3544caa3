package power

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"gongji/api/money"
)

// fen is an amount; on the wire it is yuan with two decimals.
type fen int64

func (f fen) String() string {
	if f < 0 {
		return "-" + money.Text(int64(-f))
	}
	return money.Text(int64(f))
}

func (f fen) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

func (f *fen) UnmarshalText(b []byte) error {
	digits, negative := bytes.CutPrefix(b, []byte{'-'})
	v, err := money.Parse(digits)
	if negative {
		v = -v
	}
	*f = fen(v)
	return err
}

// What a client knows of a message (reliability.md 3.2, rule 3).
const (
	stateDone    = "done"
	stateRefused = "refused"
	stateUnknown = "unknown"
	stateTurned  = "turned away" // 429 or 503: never admitted, the id is free
)

// Kinds of messages.
const (
	kindSettle = "settle"
	kindCancel = "cancel" // by settlement id
	kindUndo   = "undo"   // by message id; it may overtake
	kindCredit = "credit"
	kindBind   = "bind"
)

// A line is one message of a client in its book, with what it was told. A settlement's line is one of `gongji verify --acked` as well.
type line struct {
	Kind  string          `json:"kind"`
	State string          `json:"state"`
	Path  string          `json:"path"`
	Body  json.RawMessage `json:"body"`
	Who   int             `json:"who"`          // person of the world
	Of    string          `json:"of,omitempty"` // message undone
	Key   string          `json:"key,omitempty"`
	Lane  int             `json:"lane"` // connection of the client: it has at most one message under way
	// Sent and Got are unix times in microseconds.
	Sent int64 `json:"sent"`
	Got  int64 `json:"got"`

	Code   string `json:"fixmedins_code"`
	Msgid  string `json:"msgid"`
	ID     string `json:"setl_id,omitempty"`
	Acct   fen    `json:"acct_pay"`
	Aid    fen    `json:"acct_mulaid_pay"`
	Cash   fen    `json:"psn_cash_pay"`
	Status int    `json:"status"`
	After  string `json:"retry_after,omitempty"`
}

// reply is what the ledger says of a message, done or refused; fields that a call does not have stay empty.
type reply struct {
	State     string `json:"state"`
	Code      string `json:"code"`
	ID        string `json:"setl_id"`
	BindingID string `json:"binding_id"`
	EntryID   string `json:"entry_id"`
	Reversal  string `json:"reversal_id"`
	Acct      fen    `json:"acct_pay"`
	Aid       fen    `json:"acct_mulaid_pay"`
	Cash      fen    `json:"psn_cash_pay"`
	Used      *bool  `json:"id_used"`
	Sequence  uint64 `json:"sequence"`
}

// key is what a repeat must answer again, whatever the kind.
func (r *reply) key() string {
	return fmt.Sprintf("%s %s %s%s%s%s %d", r.State, r.Code, r.ID, r.BindingID, r.EntryID, r.Reversal, r.Sequence)
}

// take notes an answer in the line.
func (l *line) take(a *answer, err error) {
	l.State = stateUnknown
	if err != nil {
		return
	}
	l.Status, l.After = a.status, a.retryAfter
	var r reply
	bad := json.Unmarshal(a.body, &r) != nil
	switch {
	case bad || a.status == 504:
	case a.status >= 200 && a.status < 300:
		l.State, l.Key, l.ID, l.Acct, l.Aid, l.Cash = stateDone, r.key(), r.ID, r.Acct, r.Aid, r.Cash
	case a.status == 429 || a.status == 503:
		l.State = stateTurned
	case r.Used != nil && *r.Used:
		l.State, l.Key = stateRefused, r.key()
	}
}

// book appends lines to a file, and counts what was acknowledged only when it is synced. One goroutine writes; any may add.
type book struct {
	file    *os.File
	lines   chan *line
	done    chan struct{}
	acked   atomic.Int64
	changed chan struct{} // holds one word when acked has grown
	err     error
}

// bookQueueMax lines wait for the book's sync; connections wait behind it.
const bookQueueMax = 4096

func openBook(path string) (*book, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	b := &book{file: f, lines: make(chan *line, bookQueueMax), done: make(chan struct{}), changed: make(chan struct{}, 1)}
	go b.write()
	return b, nil
}

func (b *book) close() error {
	close(b.lines)
	<-b.done
	return errors.Join(b.err, b.file.Close())
}

func (b *book) write() {
	defer close(b.done)
	out := bufio.NewWriter(b.file)
	enc := json.NewEncoder(out)
	for l := range b.lines {
		acked := int64(0)
		for more := len(b.lines); ; more-- {
			if l.State == stateDone || l.State == stateRefused {
				acked++
			}
			b.err = errors.Join(b.err, enc.Encode(l))
			if more == 0 {
				break
			}
			l = <-b.lines
		}
		if b.err = errors.Join(b.err, out.Flush(), b.file.Sync()); b.err == nil && acked > 0 {
			b.acked.Add(acked)
			select {
			case b.changed <- struct{}{}:
			default:
			}
		}
	}
}

// readBook reads the whole lines of a book; the client may be writing.
func readBook(path string) (lines []*line, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for {
		one, rest, whole := bytes.Cut(text, []byte{'\n'})
		if !whole {
			return lines, nil
		}
		l := &line{}
		if err := json.Unmarshal(one, l); err != nil {
			return nil, fmt.Errorf("book, line %d: %w", len(lines)+1, err)
		}
		lines, text = append(lines, l), rest
	}
}

// writeAcked writes the settlements that were done as a book for `gongji verify --acked`.
func writeAcked(path string, lines []*line) (n int, err error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, l := range lines {
		if l.Kind == kindSettle && l.State == stateDone {
			err = errors.Join(err, enc.Encode(l))
			n++
		}
	}
	return n, errors.Join(err, os.WriteFile(path, out.Bytes(), 0o600))
}

func now() int64 { return time.Now().UnixMicro() }
