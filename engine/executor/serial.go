package executor

import (
	"fmt"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// Serial runs the rules of engine/ledger one command after the other.
type Serial struct {
	ledger  *ledger.Ledger
	store   Store
	command ledger.Command
	stats   Stats
}

// NewSerial makes a serial executor.
func NewSerial(store Store) *Serial {
	return &Serial{ledger: ledger.New(store.State, store.IDs, store.Originals), store: store}
}

// Execute runs a batch of any commands.
func (s *Serial) Execute(b *Batch, fx *ledger.Effects) {
	c := ledger.NewContext(s.store.State, b.Sequence, b.Head.TimeMS, b.DayKey)
	fx.Reset(len(b.Offsets), 0)
	for i, at := range b.Offsets {
		cmd := &s.command
		if b.Money {
			cmd = &b.Commands[i]
		} else {
			mustDecode(b, at, cmd)
		}
		s.ledger.Apply(&c, cmd, i, fx)
	}
	s.stats = Stats{Commands: len(b.Offsets), Serial: true}
}

// Stats of the last batch.
func (s *Serial) Stats() Stats { return s.stats }

// Close has nothing to do.
func (s *Serial) Close() {}

// mustDecode reads a command of a batch whose sum and lengths have been checked. command.Append writes nothing that Decode refuses, so
// failure here is a bug or memory gone bad.
func mustDecode(b *Batch, at uint32, dst *ledger.Command) {
	if _, err := command.Decode(b.Head.Commands[at:], dst, nil); err != nil {
		panic(fmt.Sprintf("BUG: batch %d, offset %d: %v", b.Sequence, at, err))
	}
}
