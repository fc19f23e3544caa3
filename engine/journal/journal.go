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

// Limits.
const (
	// recentOriginals bounds the originals kept in memory, to 1.2 MB if all have 33 legs. A sharded batch asks for the original of a reversal
	// twice, to plan and to decide; 1,024 is four times the reversals of a full batch with 1 % of them. Whole blocks are not kept: the store's
	// own cache does that, and copying one costs more than the rest of the reading (DESIGN.md, "Numbers").
	recentOriginals = 1024
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
	recent  [recentOriginals]atomic.Pointer[original]
}

// original is a kept answer; immutable.
type original struct {
	position ledger.Position
	effect   ledger.Effect
	legs     []ledger.Leg
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
func (j *Journal) Block(sequence uint64) (b Block, err error) {
	err = j.view(sequence, func(found Block) error {
		b = found
		b.bytes = append([]byte(nil), found.bytes...)
		return nil
	})
	return b, err
}

// Left reads a block behind Applied that an earlier life of the process wrote and a crash has left: a batch executed then. Not found says nothing: blocks are
// not synced. One that cannot be decoded is no block.
func (j *Journal) Left(sequence uint64) (b Block, found bool, err error) {
	var key [keyBytes]byte
	value, closer, err := j.db.Get(appendKey(key[:0], sequence))
	if errors.Is(err, pebble.ErrNotFound) || sequence <= j.applied.Load() {
		return b, false, nil
	}
	if err != nil {
		return b, false, fmt.Errorf("journal: read block %d: %w", sequence, err)
	}
	if b, err = Decode(append([]byte(nil), value...)); err != nil || b.Sequence != sequence {
		return Block{}, false, closer.Close()
	}
	return b, true, closer.Close()
}

// view shows a block to f, which may use it until it returns.
func (j *Journal) view(sequence uint64, f func(Block) error) (err error) {
	if sequence == 0 || sequence > j.applied.Load() {
		return fmt.Errorf("%w: %d", ErrNotFound, sequence)
	}
	var key [keyBytes]byte
	value, closer, err := j.db.Get(appendKey(key[:0], sequence))
	if errors.Is(err, pebble.ErrNotFound) {
		return &CorruptionError{Sequence: sequence, Reason: "missing"}
	}
	if err != nil {
		return fmt.Errorf("journal: read block %d: %w", sequence, err)
	}
	defer func() {
		if closeErr := closer.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("journal: read block %d: %w", sequence, closeErr)
		}
	}()
	b, err := Decode(value)
	if err != nil {
		return &CorruptionError{Sequence: sequence, Reason: "damaged", Err: err}
	}
	if b.Sequence != sequence {
		return &CorruptionError{Sequence: sequence, Reason: fmt.Sprintf("holds batch %d", b.Sequence)}
	}
	return f(b)
}

// Original implements ledger.Originals: the effect with its Day and the legs at a position, whatever its outcome; false if no command has that position
// yet. The legs are shared: do not change them. It panics with *Failure if the store cannot be read.
func (j *Journal) Original(p ledger.Position) (ledger.Effect, []ledger.Leg, bool) {
	slot := &j.recent[uint64(p)*0x9E3779B97F4A7C15>>32%recentOriginals]
	if o := slot.Load(); o != nil && o.position == p {
		return o.effect, o.legs, true
	}
	var o *original
	err := j.view(p.Sequence(), func(b Block) error {
		if p.Index() >= b.Count {
			return nil
		}
		f, legs, _, err := b.Effect(p.Index(), nil, nil)
		if err != nil {
			return &CorruptionError{Sequence: b.Sequence, Reason: "damaged", Err: err}
		}
		f.Day = ledger.DayOf(b.TimeMS)
		o = &original{position: p, effect: f, legs: legs}
		return nil
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return ledger.Effect{}, nil, false
	case err != nil:
		panic(&Failure{err})
	case o == nil:
		return ledger.Effect{}, nil, false
	}
	slot.Store(o)
	return o.effect, o.legs, true
}
