package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/ledger"
)

// Prefix is the first byte of the journal's keys in the store; the sequence follows, big-endian.
const Prefix = 'J'

// Limits of what is kept in memory.
const (
	// recentBlocks are kept decoded-and-checked. A sharded batch asks for the original of a reversal twice (to plan and to decide), and reversals
	// mostly name what was settled minutes ago: this saves the second read, the store's own cache the rest.
	recentBlocks = 32
	// recentBytesMax is the largest block kept; with recentBlocks it bounds the memory to 32 MiB. A full batch of one-leg settlements takes 0.5 MB.
	recentBytesMax = 1 << 20
	// StatementLinesMax is the most lines of one Statement call: each may read a block of its own.
	StatementLinesMax = 1000
)

// ErrOrder says that a block does not follow the last one written.
var ErrOrder = errors.New("journal block out of order")

// ErrNotFound says that no block of this sequence has been written.
var ErrNotFound = errors.New("no such journal block")

// CorruptionError says that a block which must be there is missing or damaged.
type CorruptionError struct {
	Sequence uint64
	Reason   string
	Err      error // what decoding said; may be nil
}

func (e *CorruptionError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("journal block %d: %s", e.Sequence, e.Reason)
	}
	return fmt.Sprintf("journal block %d: %s: %v", e.Sequence, e.Reason, e.Err)
}

func (e *CorruptionError) Unwrap() error { return e.Err }

// Failure is the value with which Original panics when the store cannot be read. The rules must not see the accident: an answer of
// "no such settlement" would become an outcome, and replay would not repeat it. The engine recovers it at the top of the executor's
// goroutine and ends the process; nothing of the batch has been answered then, and the log runs it again.
type Failure struct{ Err error }

func (f *Failure) Error() string { return "journal: " + f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// StorageFailure marks panics that are accidents of the store, not bugs.
func (f *Failure) StorageFailure() {}

// Journal reads and writes blocks in a store that belongs to the caller, who closes it last. Write belongs to the executor's goroutine;
// everything else may be called from any.
type Journal struct {
	db      *pebble.DB
	applied atomic.Uint64
	key     [keyBytes]byte // of Write
	recent  [recentBlocks]atomic.Pointer[Block]
}

const keyBytes = 1 + 8

func appendKey(dst []byte, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, Prefix), sequence)
}

// New opens the journal at the sequence of the state that was loaded (0: fresh). Blocks behind it may lie in the store from before a
// crash; they are not seen until Write writes them again, so that replay sees exactly what the first run saw.
func New(db *pebble.DB, applied uint64) *Journal {
	j := &Journal{db: db}
	j.applied.Store(applied)
	return j
}

// Applied is the sequence of the last block written or loaded.
func (j *Journal) Applied() uint64 { return j.applied.Load() }

// Write puts the block of the next batch into the store, unsynced: the log can rebuild it. It keeps nothing of block.
func (j *Journal) Write(sequence uint64, block []byte) error {
	if last := j.applied.Load(); sequence != last+1 {
		return fmt.Errorf("%w: batch %d after %d", ErrOrder, sequence, last)
	}
	if err := j.db.Set(appendKey(j.key[:0], sequence), block, pebble.NoSync); err != nil {
		return fmt.Errorf("journal: write block %d: %w", sequence, err)
	}
	j.applied.Store(sequence)
	return nil
}

// Block reads a block: ErrNotFound outside 1 to Applied, *CorruptionError if it is missing or damaged. It is the caller's to keep, not
// to change.
func (j *Journal) Block(sequence uint64) (*Block, error) {
	if sequence == 0 || sequence > j.applied.Load() {
		return nil, fmt.Errorf("%w: %d", ErrNotFound, sequence)
	}
	if b := j.recent[sequence%recentBlocks].Load(); b != nil && b.Sequence == sequence {
		return b, nil
	}
	var key [keyBytes]byte
	value, closer, err := j.db.Get(appendKey(key[:0], sequence))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, &CorruptionError{Sequence: sequence, Reason: "missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("journal: read block %d: %w", sequence, err)
	}
	bytes := append([]byte(nil), value...)
	if err := closer.Close(); err != nil {
		return nil, fmt.Errorf("journal: read block %d: %w", sequence, err)
	}
	b, err := Decode(bytes)
	if err != nil {
		return nil, &CorruptionError{Sequence: sequence, Reason: "damaged", Err: err}
	}
	if b.Sequence != sequence {
		return nil, &CorruptionError{Sequence: sequence, Reason: fmt.Sprintf("holds batch %d", b.Sequence)}
	}
	return &b, nil
}

// Original implements ledger.Originals: the effect and legs at a position, whatever its outcome; false if no command has that position
// yet. The legs are the caller's. It panics with *Failure if the store cannot be read.
func (j *Journal) Original(p ledger.Position) (ledger.Effect, []ledger.Leg, bool) {
	b, err := j.Block(p.Sequence())
	if errors.Is(err, ErrNotFound) {
		return ledger.Effect{}, nil, false
	}
	if err != nil {
		panic(&Failure{err})
	}
	if len(b.bytes) <= recentBytesMax {
		j.recent[b.Sequence%recentBlocks].Store(b)
	}
	if p.Index() >= b.Count {
		return ledger.Effect{}, nil, false
	}
	f, legs, _, err := b.Effect(p.Index(), nil, nil)
	if err != nil {
		panic(&Failure{&CorruptionError{Sequence: b.Sequence, Reason: "damaged", Err: err}})
	}
	return f, legs, true
}
