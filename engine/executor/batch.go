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
	Head     command.Batch
	Offsets  []uint32
	Money    bool // only money commands
}

// Open reads a record's payload into b, reusing its memory. The payload must stay unchanged until the batch has been executed.
func (b *Batch) Open(sequence uint64, payload []byte) error {
	head, err := command.ReadBatch(payload)
	if err != nil {
		return fmt.Errorf("batch %d: %w", sequence, err)
	}
	if b.Offsets, err = head.Offsets(b.Offsets[:0]); err != nil {
		return fmt.Errorf("batch %d: %w", sequence, err)
	}
	b.Sequence, b.Head = sequence, head
	b.Money = head.IsMoney(b.Offsets)
	return nil
}

// Executor runs batches in the order of the log. It belongs to one goroutine.
type Executor interface {
	// Execute runs a batch; the effects are valid until the next call.
	Execute(b *Batch) *ledger.Effects
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
