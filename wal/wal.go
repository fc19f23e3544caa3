package wal

import "encoding/hex"

const (
	// RecordBytesMax is the largest payload of one record, in bytes.
	//
	// A batch has at most 4,096 commands; at 600 bytes each that is 2.4 MiB, so
	// 16 MiB is six times the largest batch we intend to write, and four of them
	// outstanding are still memory nobody misses. Hashing and syncing one takes
	// about 30 ms, the most that one record may hold up the next.
	RecordBytesMax = 16 << 20

	// AppendsOutstandingMax is the number of records that may be staged and not
	// yet known durable. While batch n executes, n+1 syncs and n+2 fills
	// (design.md 1): three are in use, the fourth hides a late wake-up. More
	// would only add latency: a fifth batch waits for the same disk.
	AppendsOutstandingMax = 4
)

// ID names a ledger or a directory.
type ID [16]byte

// String gives the ID as 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Identity says which log a record belongs to. It is in every record and in
// every mark; one that differs is refused with ErrForeign.
type Identity struct {
	Ledger    ID // the province's ledger
	Directory ID // this copy of it, drawn when the directory is created
}

// Link is the checksum chain value of a record: SHA-256 over its header
// (sequence, identity, the previous record's link, length) and its payload. It
// is the record's checksum as well, so the payload is hashed once. The link of
// "record 0", before the first one, is all zero.
type Link [32]byte

// String gives the link as 64 hexadecimal digits.
func (l Link) String() string { return hex.EncodeToString(l[:]) }

// Record is one record as read from the log.
type Record struct {
	Sequence uint64 // dense, from 1
	Link     Link
	Payload  []byte // valid until the reader's next step; do not change it
}

// Log is an ordered, durable log of opaque records.
//
// Append and Last belong to one goroutine. All other methods may be called from
// any goroutine, but not after or during Close.
type Log interface {
	// Append stages payload as the record with sequence Last()+1. The payload
	// may be reused as soon as Append returns. With AppendsOutstandingMax
	// records staged and not yet durable it waits for the oldest of them.
	//
	// A payload above RecordBytesMax is ErrTooLarge and changes nothing. Any
	// other error is ErrNotCommitted: nothing was staged, and the log has failed.
	Append(payload []byte) (Commit, error)

	// Last is the highest staged sequence, 0 in a log that never had a record.
	Last() uint64

	// Committed is the highest sequence known durable. It moves when a Wait (or
	// an Append that had to wait) has seen the record durable.
	Committed() uint64

	// Read calls visit for every committed record from sequence from on, in
	// order, until the end or until visit returns an error, which Read then
	// returns. It verifies sequence, checksum and link on the way; what does
	// not check is a *CorruptionError. from 0 means the first kept record. A
	// from below the first kept record is ErrTruncated; one behind the end
	// visits nothing.
	Read(from uint64, visit func(Record) error) error

	// Get returns one committed record with its payload appended to dst. Its
	// own checksum is verified, the link to its neighbour is not. ErrNotFound
	// above Committed, ErrTruncated below the first kept record.
	Get(sequence uint64, dst []byte) (Record, error)

	// Truncate forgets the records with a sequence below before. The link of
	// record before-1 is kept, so the rest stays verifiable. before may be at
	// most Committed()+1 (ErrNotFound).
	Truncate(before uint64) error

	// Checkpoint writes a consistent copy of the committed log into dir, which
	// must not exist, with a mark of its own. It can be opened like the log itself.
	// Appends may go on meanwhile.
	Checkpoint(dir string) error

	// Mark is the sequence the mark file durably says was committed. It trails
	// Committed by at most the mark interval and the log may never end below it.
	Mark() uint64

	// Close waits for what is staged, writes the mark and releases the log. On
	// a failed log it returns the first failure.
	Close() error
}

// Commit is the fate of one appended record. Its methods may be called from
// any goroutine, and always give the same answer.
type Commit interface {
	Sequence() uint64
	Link() Link

	// Wait blocks until the record is durable and returns nil, or says why it
	// is not known to be: ErrUnknown if it may or may not be found after a
	// restart. After the first failure every Wait that has not answered nil
	// before fails, and errors.Is finds that first failure in each of them.
	Wait() error
}
