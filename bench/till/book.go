package till

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// State of a message in the book.
type State string

// The states. A message whose last line is Pending may have been done or not: after a crash of the till it is undone like any other unknown one.
const (
	Pending  State = "sent"     // written and synced before it was sent
	Done     State = "answered" // the settlement, cancel or admission stands
	Rejected State = "refused"
	Foreign  State = "foreign"  // the msgid is another sender's: what stands under it at the centre is not ours to undo
	Undone   State = "reversed" // 2601 was accepted
	Struck   State = "struck"   // found by the reconciliation to stand here only, undone there
)

// Entry is a message that moves money, or admits, as the institution's book knows it. Amounts are as answered, positive for a cancel too (R14).
type Entry struct {
	Msgid    string `json:"msgid"`
	Infno    string `json:"infno"`
	State    State  `json:"state"`
	PsnNo    string `json:"psn_no"`
	Insutype string `json:"insutype,omitempty"`
	ClrType  string `json:"clr_type,omitempty"` // before the answer: what is expected
	Optins   string `json:"clr_optins,omitempty"`
	Day      string `json:"day"` // of setl_time; before the answer: the till's own
	SetlID   string `json:"setl_id,omitempty"`
	MdtrtID  string `json:"mdtrt_id,omitempty"`
	Medfee   Fen    `json:"medfee_sumamt,omitempty"`
	Fund     Fen    `json:"fund_pay_sumamt,omitempty"`
	Acct     Fen    `json:"acct_pay,omitempty"`
	Mulaid   Fen    `json:"acct_mulaid_pay,omitempty"`
	Cash     Fen    `json:"psn_cash_pay,omitempty"`
}

// IsCancel tells whether the entry is a cancel of a settlement.
func (e *Entry) IsCancel() bool { return afterUnknown[e.Infno] == undoCancel }

// IsSettlement tells whether the entry is a settlement.
func (e *Entry) IsSettlement() bool { return afterUnknown[e.Infno] == undo && e.Infno != infAdmit }

// entriesMax of a book, on the safe side of a day of one institution: a busy hospital settles some ten thousand bills a day.
const entriesMax = 1 << 20

// ErrBook says that a book cannot be read or written: the till must stop, since it could not remember what it sends.
var ErrBook = errors.New("till: book")

// Book is an institution's own record of what it sent, a line a change, synced before the message goes out. Any goroutine may use it.
type Book struct {
	mu      sync.Mutex
	file    *os.File
	entries []Entry
	at      map[string]int // msgid -> place in entries
}

// OpenBook opens a book, or begins one. A last line that was torn is dropped: its message was not sent yet, or its outcome not acted upon.
func OpenBook(path string) (*Book, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBook, err)
	}
	b := &Book{file: f, at: map[string]int{}}
	if err := b.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return b, nil
}

func (b *Book) load() error {
	in := bufio.NewReader(b.file)
	for good := int64(0); ; {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if err := b.file.Truncate(good); err != nil {
				return fmt.Errorf("%w: %w", ErrBook, err)
			}
			_, err = b.file.Seek(good, io.SeekStart)
			return err
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBook, err)
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || e.Msgid == "" {
			return fmt.Errorf("%w: line at byte %d is damaged: %w", ErrBook, good, errors.Join(err))
		}
		b.setLocked(e)
		good += int64(len(line))
	}
}

func (b *Book) setLocked(e Entry) {
	if i, known := b.at[e.Msgid]; known {
		b.entries[i] = e
		return
	}
	b.at[e.Msgid] = len(b.entries)
	b.entries = append(b.entries, e)
}

// Put writes an entry's new state and syncs it.
func (b *Book) Put(e Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.entries) == entriesMax {
		return fmt.Errorf("%w: full, %d entries", ErrBook, entriesMax)
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBook, err)
	}
	if _, err = b.file.Write(append(line, '\n')); err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBook, err)
	}
	b.setLocked(e)
	return nil
}

// Entries are all messages in the order in which they were first sent.
func (b *Book) Entries() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// Find is the entry of a message id.
func (b *Book) Find(msgid string) (Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, known := b.at[msgid]
	if !known {
		return Entry{}, false
	}
	return b.entries[i], true
}

// Open are the messages whose outcome is not known.
func (b *Book) Open() (open []Entry) {
	for _, e := range b.Entries() {
		if e.State == Pending {
			open = append(open, e)
		}
	}
	return open
}

// Close closes the file.
func (b *Book) Close() error { return b.file.Close() }
