package executor

import (
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
}

// Open reads a record's payload into b, reusing its memory. The payload must stay unchanged until the batch has been executed.
func (b *Batch) Open(sequence uint64, payload []byte) error {
	if b.Opened == nil {
		b.Opened = &command.Opened{}
	}
	if err := b.Opened.Open(payload); err != nil {
		return fmt.Errorf("batch %d: %w", sequence, err)
	}
	b.Sequence = sequence
	return nil
}

// Executor runs batches in the order of the log. It belongs to one goroutine.
type Executor interface {
	// Execute runs a batch and fills fx, which belongs to the caller again when it returns.
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
