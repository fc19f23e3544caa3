package wal

import (
	"errors"
	"fmt"
)

// These are all the sentinels of the log contract; implementations wrap them.
var (
	// ErrNotCommitted: the record was not staged and will not be found later.
	ErrNotCommitted = errors.New("wal: record not committed")
	// ErrUnknown: the record was staged, then writing failed. After a restart
	// it is either there or not.
	ErrUnknown = errors.New("wal: outcome of record unknown")
	// ErrLatched is in every error of a log that has failed: it stays failed
	// until the process is restarted, whatever the disk does meanwhile.
	ErrLatched = errors.New("wal: log has failed")
	// ErrForeign: a record or mark of another ledger or directory.
	ErrForeign = errors.New("wal: belongs to another log")
	// ErrFormat: not a record or mark of a format this build can read.
	ErrFormat = errors.New("wal: unknown format")
	// ErrTooLarge: a payload above RecordBytesMax.
	ErrTooLarge = errors.New("wal: record too large")
	// ErrTruncated: the record was forgotten by Truncate.
	ErrTruncated = errors.New("wal: record was truncated")
	// ErrNotFound: no committed record has this sequence yet.
	ErrNotFound = errors.New("wal: no such record")
	// ErrLocked: another process or another Log has the directory open.
	ErrLocked = errors.New("wal: directory is in use")
	// ErrClosed: the log has been closed.
	ErrClosed = errors.New("wal: log is closed")
)

// CorruptionError says that stored bytes are not what was written: damage, a
// gap, a cut below the mark, or an older copy put back. A log that reports it
// at start has changed nothing on the disk.
type CorruptionError struct {
	File     string // file or directory; empty if only the record is known
	Sequence uint64 // first record that is missing or wrong; 0 if none can be named
	Offset   int64  // byte offset in File; -1 if not known
	Expected string
	Found    string
}

// Error names file, offset, sequence, expected and found.
func (e *CorruptionError) Error() string {
	return fmt.Sprintf("wal: corruption: file %q offset %d sequence %d: expected %s, found %s",
		e.File, e.Offset, e.Sequence, e.Expected, e.Found)
}
