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
	at      int // index of the command being run, -1: none
}

// NewSerial makes a serial executor.
func NewSerial(store Store) *Serial {
	return &Serial{ledger: ledger.New(store.State, store.IDs, store.Originals), store: store}
}

// Execute runs a batch of any commands.
func (s *Serial) Execute(b *Batch, fx *ledger.Effects) {
	s.at = -1
	defer func() {
		if c := catch(recover(), s.at); c.value != nil {
			c.raise(b)
		}
	}()
	c := ledger.NewContext(s.store.State, b.Sequence, b.Head.TimeMS, b.DayKey)
	fx.Reset(len(b.Offsets), 0)
	s.ledger.Posted = 0
	next := 0 // of b.Quarantined
	for i, at := range b.Offsets {
		s.at = i
		cmd := &s.command
		switch {
		case next < len(b.Quarantined) && b.Quarantined[next].Index == i:
			kind, id := command.Peek(b.Head.Commands[at:])
			s.ledger.Quarantine(&c, kind, id, s.digestOf(b, at), &b.Quarantined[next], fx)
			next++
			continue
		case b.Money:
			cmd = &b.Commands[i]
		default:
			mustDecode(b, at, cmd)
		}
		s.ledger.Apply(&c, cmd, i, fx)
	}
	s.at = -1
	mustBalance(b, s.ledger.Posted, s.store.State)
	s.stats = Stats{Commands: len(b.Offsets), Serial: true}
}

// digestOf is the content digest of a quarantined command; 0, which no repeat has but by chance, if its bytes cannot be decoded: that may be what it is in quarantine for.
func (s *Serial) digestOf(b *Batch, at uint32) (digest uint64) {
	defer func() {
		if recover() != nil {
			digest = 0
		}
	}()
	if _, err := command.Decode(b.Head.Commands[at:], &s.command, nil); err != nil {
		return 0
	}
	return s.command.Digest
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
