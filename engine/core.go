package engine

import (
	"fmt"

	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/state"
	"gongji/wal"
)

// core is the pure part of the engine: it takes committed records one after the other and keeps tables, journal and digests. The live
// pipeline, recovery and verify run the same core. It belongs to one goroutine.
type core struct {
	store    *state.Store
	tables   *ledger.State
	ids      *state.IDs
	journal  *journal.Journal
	executor executor.Executor
	keys     dayKeys
	chain    journal.Link
	sequence uint64
	link     wal.Link
	timeMS   int64
	batch    executor.Batch
	block    []byte
	command  ledger.Command
	details  command.Details
}

// open reads a record and fetches for it what execution may need from disk. It changes nothing, so it may run while the record is still
// being synced.
func (c *core) open(sequence uint64, payload []byte) error {
	if sequence != c.sequence+1 {
		return fmt.Errorf("batch %d follows batch %d", sequence, c.sequence)
	}
	if err := c.batch.Open(sequence, payload); err != nil {
		return err
	}
	if err := c.ids.Prefetch(c.batch.Head.Commands, c.batch.Offsets); err != nil {
		return err
	}
	return nil
}

// run executes the opened batch, which must be committed, and writes journal and records. The effects are valid until the next open.
func (c *core) run(link wal.Link) (fx *ledger.Effects, err error) {
	b := &c.batch
	if b.DayKey, err = c.keys.of(c.tables, ledger.DayOf(b.Head.TimeMS)); err != nil {
		return nil, err
	}
	fx = c.executor.Execute(b)
	if err := c.ids.Flush(c.tables); err != nil {
		return nil, err
	}
	c.block = journal.Append(c.block[:0], b.Sequence, b.Head.TimeMS, fx)
	c.chain = c.chain.Next(c.block)
	if err := c.journal.Write(b.Sequence, c.block); err != nil {
		return nil, err
	}
	if !b.Money {
		if err := c.records(fx); err != nil {
			return nil, err
		}
	}
	c.sequence, c.link, c.timeMS = b.Sequence, link, b.Head.TimeMS
	return fx, nil
}

// records keeps what the ledger does not look at: texts of persons and institutions.
func (c *core) records(fx *ledger.Effects) error {
	for i, at := range c.batch.Offsets {
		f := &fx.List[i]
		if f.Outcome != ledger.Accepted || f.Kind != ledger.KindPerson && f.Kind != ledger.KindInstitutionAdd {
			continue
		}
		if _, err := command.Decode(c.batch.Head.Commands[at:], &c.command, &c.details); err != nil {
			return err
		}
		d := &c.details
		if f.Kind == ledger.KindPerson {
			c.store.PutPerson(f.Number, state.PersonRecord{PsnNo: d.Text, CertType: d.CertType, Sex: d.Sex, Birth: c.command.Birth, Cipher: d.Cipher, Blob: d.Blob})
		} else {
			c.store.PutInstitution(f.Number, state.InstitutionRecord{Name: d.Text, Level: d.Level})
		}
	}
	return c.store.FlushRecords()
}
