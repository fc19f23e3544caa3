package engine

import (
	"errors"
	"fmt"

	"gongji/engine/command"
	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/wal"
)

// Reader reads executed commands and keeps the batch it read last: checking the sums and the seal of a batch costs half a millisecond, picking a
// command out of it some microseconds, so whoever has many to read asks in order of position. It belongs to one goroutine and holds at most a
// journal block and a log record.
type Reader struct {
	log      wal.Log
	journal  *journal.Journal
	block    journal.Block // Sequence 0: none
	payload  []byte        // of the log record of that batch; empty: not read yet
	commands []byte        // in payload
	offsets  []uint32
	effects  ledger.Effects // of Scan and effect
}

// NewReader makes a reader, good as long as the engine is open.
func (e *Engine) NewReader() *Reader { return newReader(e.log, e.core.journal) }

func newReader(log wal.Log, j *journal.Journal) *Reader { return &Reader{log: log, journal: j} }

// Entry reads the command at a position. ErrNoCommand: there is none. The texts of its Details and the passwords of its Command are good until the next batch is read.
func (r *Reader) Entry(p ledger.Position) (Entry, error) {
	out := Entry{Position: p}
	err := r.open(p.Sequence())
	if err == nil && p.Index() >= r.block.Count {
		err = ErrNoCommand
	}
	if err != nil {
		return out, err
	}
	out.TimeMS = r.block.TimeMS
	if out.Effect, out.Legs, out.Items, err = r.block.Effect(p.Index(), nil, nil); err != nil {
		return out, err
	}
	if out.Drawn, err = r.block.Draw(p.Index()); err != nil {
		return out, err
	}
	return out, r.command(p.Index(), &out)
}

// Scan visits in log order the commands of one batch whose effects are wanted, without legs and items. The effect and the entry are good until
// the function returns.
func (r *Reader) Scan(sequence uint64, want func(*ledger.Effect) bool, visit func(*Entry)) error {
	if err := r.open(sequence); err != nil {
		return err
	}
	if err := r.block.Effects(&r.effects); err != nil {
		return err
	}
	for i := range r.effects.List {
		f := &r.effects.List[i]
		if !want(f) {
			continue
		}
		e := Entry{Position: ledger.At(sequence, i), TimeMS: r.block.TimeMS, Effect: *f}
		if err := r.command(i, &e); err != nil {
			return err
		}
		visit(&e)
	}
	return nil
}

// effect reads what came of the command at a position, without legs. ErrNoCommand: there is none.
func (r *Reader) effect(p ledger.Position) (ledger.Effect, error) {
	if err := r.open(p.Sequence()); err != nil {
		return ledger.Effect{}, err
	}
	if p.Index() >= r.block.Count {
		return ledger.Effect{}, ErrNoCommand
	}
	f, legs, items, err := r.block.Effect(p.Index(), r.effects.Legs, r.effects.Items)
	r.effects.Legs, r.effects.Items = legs, items
	return f, err
}

// TimeMS is the ledger time of an executed batch.
func (r *Reader) TimeMS(sequence uint64) (int64, error) {
	err := r.open(sequence)
	return r.block.TimeMS, err
}

// open reads the journal block of a batch.
func (r *Reader) open(sequence uint64) error {
	if r.block.Sequence == sequence && sequence != 0 {
		return nil
	}
	block, err := r.journal.Block(sequence)
	if errors.Is(err, journal.ErrNotFound) {
		return ErrNoCommand
	}
	if err != nil {
		return err
	}
	r.block, r.payload = block, r.payload[:0]
	return nil
}

// command reads a command of the open batch from the log.
func (r *Reader) command(index int, out *Entry) error {
	if len(r.payload) == 0 {
		if err := r.record(); err != nil {
			return err
		}
	}
	if index >= len(r.offsets) {
		return fmt.Errorf("batch %d: journal has command %d, log has %d commands", r.block.Sequence, index, len(r.offsets))
	}
	_, err := command.Decode(r.commands[r.offsets[index]:], &out.Command, &out.Details)
	return err
}

func (r *Reader) record() error {
	record, err := r.log.Get(r.block.Sequence, r.payload)
	if errors.Is(err, wal.ErrNotFound) {
		return ErrNoCommand
	}
	if err != nil {
		return archived(err)
	}
	head, err := command.ReadBatch(record.Payload)
	if err != nil {
		return err
	}
	if r.offsets, err = head.Offsets(r.offsets[:0]); err != nil {
		return err
	}
	r.payload, r.commands = record.Payload, head.Commands
	return nil
}
