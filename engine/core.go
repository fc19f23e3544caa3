package engine

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/state"
	"gongji/wal"
)

// core is the pure part of the engine: it takes committed records one after the other and keeps tables, journal and digests. The live
// pipeline, recovery and verify run the same core. It belongs to one goroutine, but for what keep uses: journal, chain, block, command, details,
// today, since and the store's records belong to whoever runs keep.
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
	batch    executor.Batch // of open and run
	effects  ledger.Effects // of open and run
	block    []byte
	command  ledger.Command
	details  command.Details
	side     []Quarantine // what is not to be run; as read at the start
	keeping  int          // of keep: index of the command whose records are being written, -1: none
	today    int32        // ledger day of the batch kept last
	since    uint64       // first batch of that day
}

// open reads a record and fetches for it what execution may need from disk. It changes nothing.
func (c *core) open(sequence uint64, payload []byte) error {
	if err := c.batch.OpenQuarantined(sequence, payload, quarantinedIn(c.side, sequence)); err != nil {
		return err
	}
	return c.prefetch(&c.batch)
}

// run executes the opened batch, which must be committed, and keeps what it did. The effects are valid until the next run.
func (c *core) run(link wal.Link) (fx *ledger.Effects, err error) {
	if err := c.execute(&c.batch, link, &c.effects); err != nil {
		return nil, err
	}
	return &c.effects, c.keep(&c.batch, &c.effects)
}

// prefetch fetches what execution of the next batch may need from disk. It may run while the record is still being synced.
func (c *core) prefetch(b *executor.Batch) error {
	if b.Sequence != c.sequence+1 {
		return fmt.Errorf("batch %d follows batch %d", b.Sequence, c.sequence)
	}
	return c.ids.Prefetch(b.Head.Commands, b.Offsets)
}

// execute runs a batch that is committed and prefetched. One with reversals asks the journal: then all batches before it have been kept.
func (c *core) execute(b *executor.Batch, link wal.Link, fx *ledger.Effects) (err error) {
	if wallClockDefect {
		b.Head.TimeMS = time.Now().UnixMilli()
	}
	if b.Head.TimeMS < c.timeMS {
		return fmt.Errorf("batch %d: its time %d is before %d, the time of the batch before it", b.Sequence, b.Head.TimeMS, c.timeMS)
	}
	if b.DayKey, err = c.keys.of(c.tables, ledger.DayOf(b.Head.TimeMS)); err != nil {
		return err
	}
	if err := c.apply(b, fx); err != nil {
		return err
	}
	if err := c.ids.Flush(c.tables); err != nil {
		return err
	}
	c.sequence, c.link, c.timeMS = b.Sequence, link, b.Head.TimeMS
	return nil
}

// apply executes a batch. What panics typed is an error: a failure of journal or id table, and a command that kills the process (*executor.Poison).
func (c *core) apply(b *executor.Batch, fx *ledger.Effects) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = typed(v)
		}
	}()
	c.executor.Execute(b, fx)
	return nil
}

// typed is the error in a recovered panic; any other panic is a bug of no command's and goes on.
func typed(value any) error {
	err, ok := value.(error)
	var failure interface{ StorageFailure() }
	var poison *executor.Poison
	if !ok || !errors.As(err, &failure) && !errors.As(err, &poison) {
		panic(value)
	}
	return err
}

// keep writes journal and records of an executed batch and goes on with the effect chain. It uses nothing that execute uses, so the next batch
// may execute meanwhile. A panic in it is a command's, like one of execute: nothing of the batch has been answered.
func (c *core) keep(b *executor.Batch, fx *ledger.Effects) (err error) {
	c.keeping = -1
	defer func() {
		if v := recover(); v != nil {
			err = c.poisonOfKeep(b, fx, v)
		}
	}()
	return c.write(b, fx)
}

// poisonOfKeep names the command whose effect cannot be kept.
func (c *core) poisonOfKeep(b *executor.Batch, fx *ledger.Effects, value any) *executor.Poison {
	p := &executor.Poison{Sequence: b.Sequence, Index: c.keeping, Cause: executor.Cause(value)}
	for i := 0; p.Index < 0 && i < len(fx.List); i++ {
		if cannotKeep(b, fx, i) {
			p.Index = i
		}
	}
	if p.Index >= 0 {
		p.Kind = fx.List[p.Index].Kind
	}
	return p
}

func cannotKeep(b *executor.Batch, fx *ledger.Effects, i int) (panics bool) {
	defer func() { panics = recover() != nil }()
	alone := ledger.Effects{List: fx.List[i : i+1], Legs: fx.Legs, Items: fx.Items, Draws: fx.Draws}
	journal.Append(nil, b.Sequence, b.Head.TimeMS, &alone)
	return false
}

func (c *core) write(b *executor.Batch, fx *ledger.Effects) error {
	c.block = journal.Append(c.block[:0], b.Sequence, b.Head.TimeMS, fx)
	c.chain = c.chain.Next(c.block)
	if err := c.journal.Write(b.Sequence, c.block); err != nil {
		return err
	}
	c.noteDays(b, fx)
	if !b.Money {
		if err := c.records(b, fx); err != nil {
			return err
		}
	}
	return c.store.FlushRecords()
}

// noteDays notes where a new day begins in the chains of institutions, so that a question about an old day does not walk over all newer ones.
func (c *core) noteDays(b *executor.Batch, fx *ledger.Effects) {
	if day := ledger.DayOf(b.Head.TimeMS); day != c.today || c.since == 0 {
		c.today, c.since = day, b.Sequence
	}
	for i := range fx.List {
		f := &fx.List[i]
		c.keeping = i
		if f.Counts() && f.InstPrev.Sequence() < c.since {
			c.store.PutInstitutionDay(f.Institution, c.today, f.InstPrev)
		}
	}
}

// findToday finds the first batch of the ledger day in the journal, after a load: batch times never fall.
func (c *core) findToday() (err error) {
	c.today = ledger.DayOf(c.timeMS)
	if c.sequence == 0 {
		return nil
	}
	before := sort.Search(int(c.sequence), func(i int) bool {
		if err != nil {
			return true
		}
		var b journal.Block
		b, err = c.journal.Block(uint64(i) + 1)
		return ledger.DayOf(b.TimeMS) >= c.today
	})
	c.since = uint64(before) + 1
	return err
}

// Original gives originals to execution (ledger.Originals). A batch that is executed and not yet kept must not be asked: it would look as if it
// had never been.
func (c *core) Original(p ledger.Position) (ledger.Effect, []ledger.Leg, bool) {
	if s := p.Sequence(); s <= c.sequence && s > c.journal.Applied() {
		panic(fmt.Sprintf("BUG: original in batch %d, kept up to %d, executed up to %d", s, c.journal.Applied(), c.sequence))
	}
	return c.journal.Original(p)
}

// records keeps what the ledger does not look at: texts of persons and institutions, and the history of enrolments.
func (c *core) records(b *executor.Batch, fx *ledger.Effects) error {
	for i, at := range b.Offsets {
		f := &fx.List[i]
		if f.Outcome != ledger.Accepted || f.Kind != ledger.KindPerson && f.Kind != ledger.KindInstitutionAdd && f.Kind != ledger.KindEnrolment {
			continue
		}
		c.keeping = i
		if _, err := command.Decode(b.Head.Commands[at:], &c.command, &c.details); err != nil {
			return err
		}
		d, person := &c.details, f.Number
		switch f.Kind {
		case ledger.KindInstitutionAdd:
			c.store.PutInstitution(f.Number, state.InstitutionRecord{Name: d.Text, Level: d.Level})
			continue
		case ledger.KindPerson:
			c.store.PutPerson(person, state.PersonRecord{PsnNo: d.Text, CertType: d.CertType, Sex: d.Sex, Birth: c.command.Birth, Cipher: d.Cipher, Blob: d.Blob})
		case ledger.KindEnrolment:
			person = f.Patient
		}
		for n := range c.command.More.Enrolments {
			c.store.PutEnrolment(person, ledger.At(b.Sequence, i), n, &c.command.More.Enrolments[n])
		}
	}
	return nil
}
