package executor

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/shard"
)

// Batch is one committed record, opened.
type Batch struct {
	Sequence uint64
	DayKey   *[ledger.DayKeyBytes]byte // of the batch's day, unsealed; nil: none
	*command.Opened
	// Quarantined are the commands that are not to be run, ascending; such a batch runs serially. They belong to whoever opened the batch.
	Quarantined []ledger.Quarantine
}

// Open reads a record's payload into b, reusing its memory. The payload must stay unchanged until the batch has been executed.
func (b *Batch) Open(sequence uint64, payload []byte) error {
	if b.Opened == nil {
		b.Opened = &command.Opened{}
	}
	if err := b.Opened.Open(payload); err != nil {
		return fmt.Errorf("batch %d: %w", sequence, err)
	}
	b.Sequence, b.Quarantined = sequence, nil
	return nil
}

// OpenQuarantined is Open of a batch some of whose commands are not to be run, nor decoded. Every index must be there, and its bytes be those that the
// quarantine names: an operator's word must not hit another command.
func (b *Batch) OpenQuarantined(sequence uint64, payload []byte, quarantined []ledger.Quarantine) error {
	if len(quarantined) == 0 {
		return b.Open(sequence, payload)
	}
	if b.Opened == nil {
		b.Opened = &command.Opened{}
	}
	if err := b.Opened.OpenUndecoded(payload); err != nil {
		return fmt.Errorf("batch %d: %w", sequence, err)
	}
	b.Money = false // decoded one by one as they run
	b.Sequence, b.Quarantined = sequence, quarantined
	for i := range quarantined {
		q := &quarantined[i]
		if q.Index >= len(b.Offsets) {
			return fmt.Errorf("%w: command %d:%d is quarantined, the batch has %d commands", ErrQuarantine, sequence, q.Index, len(b.Offsets))
		}
		if found := sha256.Sum256(b.Bytes(q.Index)); found != q.Command {
			return fmt.Errorf("%w: quarantined is command %d:%d with SHA-256 %x, the log has %x there", ErrQuarantine, sequence, q.Index, q.Command, found)
		}
	}
	return nil
}

// ErrQuarantine says that what is quarantined is not what the log has at that place.
var ErrQuarantine = errors.New("quarantine of another command")

// Bytes are those of a command in the log.
func (b *Batch) Bytes(index int) []byte {
	end := len(b.Head.Commands)
	if index+1 < len(b.Offsets) {
		end = int(b.Offsets[index+1])
	}
	return b.Head.Commands[b.Offsets[index]:end]
}

// Executor runs batches in the order of the log. It belongs to one goroutine.
type Executor interface {
	// Execute runs a batch and fills fx, which belongs to the caller again when it returns. It panics with *Poison if running a command does,
	// and with a storage failure as it came; after either, tables and ids are of no more use.
	Execute(b *Batch, fx *ledger.Effects)
	// Stats tells what the last batch did.
	Stats() Stats
	// Close ends the goroutines the executor owns.
	Close()
}

// Stats of the last batch.
type Stats struct {
	Commands  int
	Contested int // decided by the resolver
	Serial    bool
}

// Store is what execution reads and writes besides the tables.
type Store struct {
	State     *ledger.State
	IDs       shard.IDs
	Originals ledger.Originals
}
