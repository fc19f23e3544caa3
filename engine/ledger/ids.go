package ledger

import "encoding/binary"

// Tag says what an entry of the id table is.
type Tag uint8

// Tags.
const (
	TagCommand   Tag = 1
	TagTombstone Tag = 2 // the original came not before its reversal: blocked for ever (P8)
	TagMark      Tag = 3 // undone, credited, premium paid, premium refunded
)

// IDEntry is a line of the id table. Digest of a tombstone is the original kind.
type IDEntry struct {
	Key      Key
	Position Position
	Digest   uint64
	Tag      Tag
}

// IDs is the table of everything that may happen only once. Whether Find finds must be a pure fact of the log before the command.
type IDs interface {
	Find(key Key) (IDEntry, bool)
	Insert(e IDEntry) // of a key that is not there
}

// Originals gives accepted settlements of the log to reversals.
type Originals interface {
	// Original returns the effect at a position, with its Day, and its legs; ok is false if the position holds no command.
	Original(p Position) (e Effect, legs []Leg, ok bool)
}

// UndoKey is the mark that a settlement, redo (by a cancel) or cancel (by a redo) has been undone.
func UndoKey(p Position) Key {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(p))
	return K([]byte("undo"), b[:])
}

// PremiumKey is the mark of the n-th premium, from 0, of an insured person, type and year (R25). Marks stay for ever, so what is refunded makes room for n+1.
func PremiumKey(insured uint32, premium uint8, year, n uint32) Key {
	var p, y, i [4]byte
	binary.BigEndian.PutUint32(p[:], insured)
	binary.BigEndian.PutUint32(y[:], year)
	binary.BigEndian.PutUint32(i[:], n)
	return K([]byte("premium"), p[:], []byte{premium}, y[:], i[:])
}

// RefundKey is the mark that the premium at a position has been refunded.
func RefundKey(p Position) Key {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(p))
	return K([]byte("refund"), b[:])
}

// CreditKey is the mark that a person got the credit of a source and period (R26).
func CreditKey(person uint32, source uint8, period uint32) Key {
	var p, q [4]byte
	binary.BigEndian.PutUint32(p[:], person)
	binary.BigEndian.PutUint32(q[:], period)
	return K([]byte("credit"), p[:], []byte{source}, q[:])
}

// identify decides what a message id means before the command runs (DESIGN.md 2). done: the outcome is final.
func Identify(found bool, e IDEntry, cmd *Command, f *Effect) (done bool) {
	switch {
	case !found:
		return false
	case e.Tag == TagTombstone:
		f.Outcome = IDReused
		if cmd.Kind == KindSettlement && e.Digest == uint64(OriginalSettlement) || cmd.Kind.IsReversal() && e.Digest == uint64(OriginalReversal) ||
			cmd.Kind == KindVisitOpen && e.Digest == uint64(OriginalVisit) {
			f.Outcome = Blocked
		}
	case e.Digest == cmd.Digest || conflictLooseDefect:
		f.Outcome, f.First = Repeated, e.Position
	default:
		f.Outcome = IDReused
	}
	return true
}
