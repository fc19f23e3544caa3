package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Identity says whose state a store holds.
type Identity struct {
	Ledger    [16]byte
	Directory [16]byte
}

// Options of a store. Nothing in it can change what the state means.
type Options struct {
	Identity Identity
	// Build names the format of this build while FormatVersion is 0; a store of another build is refused by this name. At most
	// BuildBytesMax bytes.
	Build string
	// FS is the file system; nil is the machine's, watched for slow operations.
	FS vfs.FS
	// Events are told on the store's own goroutines; they must not block or call the store.
	Events Events
	// Exit ends the process when Pebble cannot go on; nil is os.Exit(ExitCode) after one line. It need not return; if it does, the
	// goroutine that called is ended (reliability.md F1).
	Exit func(reason string)
	// ReadOnly opens an existing store for reading: no byte of it changes, not even by Load or Close; nothing may be put into it.
	ReadOnly bool
	// MemTableBytes is the size of a memtable; 0: MemTableBytesDefault. Tests make it small.
	MemTableBytes uint64
}

// BuildBytesMax bounds Options.Build.
const BuildBytesMax = 64

// Store is the store of state and journal. Begin, the Put methods, FlushRecords and Close belong to the executor's goroutine; all other
// methods may be called from any, until Close.
type Store struct {
	db     *pebble.DB
	health io.Closer
	o      Options
	layout uint64

	number  uint64 // newest checkpoint number used or seen
	kept    []*record
	current *Checkpoint
	loaded  bool
	durable atomic.Uint64

	dir     string
	orphans [][]byte // page keys that a read-only Load would have deleted

	records   *pebble.Batch // person and institution records not yet in the store
	recordErr error
	scratch   []byte
}

// Open opens or creates the store in dir. A store of another ledger or directory is ErrForeign, of another build ErrFormat.
func Open(dir string, o Options) (*Store, error) {
	layout, err := checkLayout()
	if err != nil {
		return nil, err
	}
	if len(o.Build) > BuildBytesMax {
		return nil, fmt.Errorf("%w: a build name of %d bytes", ErrFormat, len(o.Build))
	}
	options, health := pebbleOptions(dir, &o)
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, errors.Join(opening(dir, err), health.Close())
	}
	s := &Store{db: db, health: health, o: o, layout: layout, dir: dir}
	if err := s.identify(); err != nil {
		return nil, errors.Join(err, db.Close(), health.Close())
	}
	s.records = db.NewBatch()
	return s, nil
}

// DB is the store, for the journal. The Store closes it.
func (s *Store) DB() *pebble.DB { return s.db }

// DurableSequence is the sequence of the newest durable checkpoint, 0 if there is none. The log may be truncated up to and including it.
func (s *Store) DurableSequence() uint64 { return s.durable.Load() }

// identify compares the store's name with the options, or writes it into a new store, durably, before anything else.
func (s *Store) identify() error {
	want := appendIdentity(nil, &s.o, s.layout)
	value, closer, err := s.db.Get(identityKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return s.createIdentity(want)
	}
	if err != nil {
		return fmt.Errorf("state: read identity: %w", err)
	}
	return errors.Join(checkIdentity(value, want), closer.Close())
}

// errUnnamed says that an empty store has no name: a creation that a crash has cut short.
var errUnnamed = errors.New("state: empty store without a name")

func (s *Store) createIdentity(want []byte) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("state: read store: %w", err)
	}
	empty := !it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("state: read store: %w", err)
	}
	if !empty {
		return corrupt(identityKey(), "missing in a store that is not empty")
	}
	if s.o.ReadOnly {
		return errUnnamed
	}
	if err := s.db.Set(identityKey(), want, pebble.NoSync); err != nil {
		return fmt.Errorf("state: write identity: %w", err)
	}
	if err := s.db.Flush(); err != nil {
		return fmt.Errorf("state: write identity: %w", err)
	}
	return nil
}

// An identity: format u32, ledger 16, directory 16, layout u64, build, xxhash64 of key and all before.
const identityHead = 4 + 16 + 16 + 8

func appendIdentity(dst []byte, o *Options, layout uint64) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, FormatVersion)
	dst = append(dst, o.Identity.Ledger[:]...)
	dst = append(dst, o.Identity.Directory[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, layout)
	dst = append(dst, o.Build...)
	return appendSum(dst, identityKey(), dst)
}

func checkIdentity(found, want []byte) error {
	body, err := checkSum(identityKey(), found)
	if err != nil {
		return err
	}
	if len(body) < identityHead {
		return corrupt(identityKey(), "%d bytes", len(body))
	}
	if v := binary.LittleEndian.Uint32(body); v != FormatVersion {
		return fmt.Errorf("%w: version %d, this build knows %d", ErrFormat, v, FormatVersion)
	}
	if string(body[4:36]) != string(want[4:36]) {
		return fmt.Errorf("%w: ledger %x directory %x, expected ledger %x directory %x", ErrForeign, body[4:20], body[20:36], want[4:20], want[20:36])
	}
	if string(body[36:]) != string(want[36:len(want)-sumBytes]) {
		return fmt.Errorf("%w: build %q with rows %x, this build is %q with rows %x", ErrFormat,
			body[identityHead:], body[36:identityHead], want[identityHead:len(want)-sumBytes], want[36:identityHead])
	}
	return nil
}

// sumBytes ends every value of this package: xxhash64 of the value mixed with that of its key, so that a value under a wrong key does
// not check.
const sumBytes = 8

func appendSum(dst, key, value []byte) []byte {
	return binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(value)^xxhash.Sum64(key))
}

func checkSum(key, value []byte) ([]byte, error) {
	if len(value) < sumBytes {
		return nil, corrupt(key, "%d bytes", len(value))
	}
	body := value[:len(value)-sumBytes]
	want := binary.LittleEndian.Uint64(value[len(body):])
	if got := xxhash.Sum64(body) ^ xxhash.Sum64(key); got != want {
		return nil, corrupt(key, "sum %016x, expected %016x", got, want)
	}
	return body, nil
}

// Copy writes a consistent copy of the store into dir, which must not exist: everything written before the call, flushed. It holds files in
// common with the store where the file system can. The log from the copy's DurableSequence on makes it a backup (design.md 7).
func (s *Store) Copy(dir string) (err error) {
	defer func() { // Pebble panics where the copy's directory cannot be synced: no reason to end the ledger
		r := recover()
		cause, accident := r.(error)
		if _, bug := r.(runtime.Error); bug || r != nil && !accident {
			panic(r)
		}
		if r != nil {
			err = fmt.Errorf("state: copy: %w", cause)
		}
	}()
	if err := s.db.Flush(); err != nil {
		return fmt.Errorf("state: flush before copying: %w", err)
	}
	if err := s.db.Checkpoint(dir); err != nil {
		return fmt.Errorf("state: copy: %w", err)
	}
	return nil
}

// Abandon closes the store without flushing: what a crash would leave. For tests and for ends after a failure, when nothing may be made durable any
// more. A checkpoint under way must have ended.
func (s *Store) Abandon() error {
	return errors.Join(s.records.Close(), s.db.Close(), s.health.Close())
}

// Close waits for the checkpoint under way, flushes and closes the store. The id table must have been closed before.
func (s *Store) Close() error {
	if s.db == nil {
		return nil // inspected, and not there
	}
	var errs []error
	if c := s.current; c != nil {
		<-c.done
		errs = append(errs, c.End())
	}
	if !s.o.ReadOnly {
		errs = append(errs, s.FlushRecords(), s.db.Flush())
	}
	errs = append(errs, s.records.Close(), s.db.Close(), s.health.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("state: close: %w", err)
	}
	return nil
}
