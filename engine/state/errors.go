package state

import (
	"errors"
	"fmt"
	"syscall"
)

// The errors of this package.
var (
	// ErrForeign says that the store is of another ledger or another directory.
	ErrForeign = errors.New("state of another ledger")
	// ErrFormat says that the store was written by a build with another format.
	ErrFormat = errors.New("state of another format")
	// ErrLayout says that this machine does not lay rows out as the format wants it.
	ErrLayout = errors.New("row layout")
	// ErrBusy says that the checkpoint before has not ended.
	ErrBusy = errors.New("a checkpoint is under way")
	// ErrOrder says that calls came in an order that the contract excludes.
	ErrOrder = errors.New("state call out of order")
)

// CorruptionError says that a stored value is not what was written. Key is the store's key; Reason holds no personal data.
type CorruptionError struct {
	Key    []byte
	Reason string
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("state: corrupt value at %x: %s", e.Key, e.Reason)
}

// OpenError says that Pebble cannot open a store for what its files hold, or for one that is gone, and not because the machine refused it.
type OpenError struct {
	Dir string
	Err error
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("state: open store in %s: %v", e.Dir, e.Err)
}

func (e *OpenError) Unwrap() error { return e.Err }

// opening judges why a store did not open. What the machine says comes with its number (a lock that is held, no permission, a read that
// failed); Pebble marks only a part of the rest as corruption: tables of another size or missing are told in words.
func opening(dir string, err error) error {
	var number syscall.Errno
	if errors.As(err, &number) && number != syscall.ENOENT {
		return fmt.Errorf("state: open store in %s: %w", dir, err)
	}
	return &OpenError{dir, err}
}

func corrupt(key []byte, format string, args ...any) error {
	return &CorruptionError{Key: append([]byte(nil), key...), Reason: fmt.Sprintf(format, args...)}
}

// Failure is the value with which IDs panics when the id table cannot be read or is full: the rules must not see the accident, since an
// answer of "never seen" would become an outcome. The engine recovers it at the top of the executor's goroutine and ends the process;
// nothing of the batch has been answered then, and the log runs it again.
type Failure struct{ Err error }

func (f *Failure) Error() string { return "id table: " + f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// StorageFailure marks panics that are accidents of the store, not bugs.
func (f *Failure) StorageFailure() {}
