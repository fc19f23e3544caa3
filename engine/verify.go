package engine

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"gongji/engine/executor"
	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
	"gongji/engine/state"
	"gongji/wal"
	"gongji/wal/archive"
	"gongji/wal/pebblelog"
)

// VerifyOptions of a verification.
type VerifyOptions struct {
	Dir     string // a stopped ledger directory, or a copy made by Checkpoint
	KeyFile string // "" if there is none: then only draws of published days can be recomputed, and others stop the verification
	Archive string // of the log, if it was truncated; "": none
	Copy    bool   // Dir was copied before the archive's newest segments were sealed: it ends before they do
	Scratch string // where the replayed state is built; "" is the system's temporary directory
	// Acked, if set, is called with a lookup after the replay, to compare a client's own book.
	Acked    func(lookup func(id ledger.Key) (Entry, bool, error)) error
	Progress func(sequence, last uint64) // may be nil
	Roots    []Root                      // kept by somebody outside; in any order
}

// Verdict is what a verification found. It is only returned whole; the first difference is an error instead.
type Verdict struct {
	Ledger      wal.ID
	Batches     uint64
	Archived    uint64 // of them, read from the archive
	Segments    int    // of the archive, every seal compared
	Commands    uint64
	Settlements uint64
	Postings    uint64
	Blocks      uint64 // journal blocks compared byte by byte
	Checkpoints int    // stored digests compared
	Roots       int    // of somebody outside, found as he kept them
	TornBytes   int64  // behind the last whole record: a write that a crash cut off, beyond the mark; not read
	Persons     uint32
	Quarantined []Quarantine // in log order: commands an operator took out
	Totals      ledger.Totals
	EffectChain [32]byte
	StateHash   [32]byte
}

// Verify replays the whole log from zero with the serial rules, into a state of its own, and compares: every record's checksum and chain, every
// journal block to the byte, the texts of policies with their hashes, the digests of every kept checkpoint, the fold of all postings with the balances, the id table with its sums, the sum over all accounts.
// It changes no byte of the directory, and refuses one that is being written (wal.ErrLocked).
func Verify(o VerifyOptions) (v Verdict, err error) {
	id, err := readIdentity(state.DefaultFS, o.Dir, identityName)
	if err != nil {
		return v, err
	}
	var keys *Keys
	if o.KeyFile != "" {
		if keys, err = LoadKeys(o.KeyFile, id.Ledger); err != nil {
			return v, err
		}
	}
	scratch, err := os.MkdirTemp(o.Scratch, "gongji-verify-")
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	var torn int64
	log, err := pebblelog.Open(filepath.Join(o.Dir, "log"), pebblelog.Options{Identity: id, ReadOnly: true, OnFatal: func(error) {},
		OnTornTail: func(bytes int64, _ uint64) { torn += bytes }})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	p := &verification{o: o, log: log, fold: reconcile.NewFold(), roots: newRoots(o.Roots)}
	p.verdict.Ledger, p.verdict.TornBytes = id.Ledger, torn
	p.core.keys.keys = keys
	if o.Archive != "" {
		if p.joined, err = o.join(log, id); err != nil {
			return v, err
		}
		p.log, p.verdict.Archived, p.verdict.Segments = p.joined, min(p.joined.Archive.Last().Sequence, log.Committed()), p.joined.Archive.Segments()
	}
	if _, err := p.core.load(scratch, id, state.Events{}); err != nil {
		return v, err
	}
	c := &p.core
	if c.side, _, err = readQuarantines(o.Dir, id); err != nil {
		return v, errors.Join(err, c.ids.Close(), c.store.Close())
	}
	c.executor = executor.NewSerial(executor.Store{State: c.tables, IDs: c.ids, Originals: c})
	defer func() { err = errors.Join(err, c.ids.Close(), c.store.Close()) }()
	err = p.run(id)
	return p.verdict, err
}

func (o *VerifyOptions) join(log wal.Log, id wal.Identity) (*archive.Joined, error) {
	a, err := archive.Open(o.Archive, archive.Options{Identity: id})
	if err != nil {
		return nil, err
	}
	if o.Copy {
		return archive.JoinCopy(log, a)
	}
	return archive.Join(log, a)
}

type verification struct {
	o       VerifyOptions
	log     wal.Log
	joined  *archive.Joined // log with its archive; nil: none
	core    core
	fold    *reconcile.Fold
	verdict Verdict
	stored  *state.Store
	journal *journal.Journal
	kept    map[uint64]state.Info // by sequence
	roots   roots
	through uint64 // stored journal blocks that must be there
}

func (p *verification) run(id wal.Identity) (err error) {
	if err := p.openStored(id); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stored.Close()) }()
	if err := p.read(); err != nil {
		return err
	}
	if err := p.roots.end(p.core.sequence); err != nil {
		return err
	}
	if n := len(p.kept); n != 0 {
		return fmt.Errorf("%d stored checkpoints lie behind the end of the log at %d", n, p.core.sequence)
	}
	v, c := &p.verdict, &p.core
	if err := p.quarantined(); err != nil {
		return err
	}
	if err := p.fold.Compare(c.tables); err != nil {
		return err
	}
	if err := p.policies(); err != nil {
		return err
	}
	if err := c.ids.Verify(c.tables); err != nil {
		return err
	}
	v.Roots = p.roots.held
	v.Batches, v.Postings, v.Persons = c.sequence, p.fold.Postings(), c.tables.Persons.Len()
	v.Totals, v.EffectChain, v.StateHash = c.tables.Totals(), c.chain, state.Hash(c.tables)
	if p.o.Acked == nil {
		return nil
	}
	return p.o.Acked(p.lookup)
}

// read replays all records: those of the archive from there, also what the log still has of them, so that every seal is checked.
func (p *verification) read() error {
	if p.joined != nil {
		return p.joined.ReadThrough(p.record)
	}
	return archived(p.log.Read(1, p.record))
}

// quarantined lists what was taken out. Every side record must have been met on the way: one that names nothing stands for a log that is not whole.
func (p *verification) quarantined() error {
	c := &p.core
	p.verdict.Quarantined = slices.Clone(c.side)
	slices.SortFunc(p.verdict.Quarantined, func(a, b Quarantine) int { return int(int64(a.position()) - int64(b.position())) })
	if met := c.tables.Scalars.At(0).Quarantined; met != uint64(len(c.side)) {
		return fmt.Errorf("%d commands are quarantined, the log has %d of them", len(c.side), met)
	}
	for i := range p.verdict.Quarantined {
		q := &p.verdict.Quarantined[i]
		f, err := newReader(p.log, c.journal).effect(q.position())
		if err != nil {
			return fmt.Errorf("quarantined command %d:%d: %w", q.Sequence, q.Index, err)
		}
		q.Kind = f.Kind
	}
	return nil
}

// policies looks whether the text of every policy, where one was logged, is the one that its hash names.
func (p *verification) policies() error {
	reader := newReader(p.log, p.core.journal)
	for i := uint32(0); i < p.core.tables.Policies.Len(); i++ {
		row := p.core.tables.Policies.At(i)
		e, err := reader.Entry(row.At)
		if err != nil {
			return fmt.Errorf("policy %d: %w", i, err)
		}
		if text := e.Details.Text; len(text) > 0 && sha256.Sum256(text) != row.Hash {
			return fmt.Errorf("policy %d in batch %d: its text has SHA-256 %x, logged is %x", i, row.At.Sequence(), sha256.Sum256(text), row.Hash)
		}
	}
	return nil
}

// openStored opens what the ledger itself had stored, to compare with.
func (p *verification) openStored(id wal.Identity) error {
	stored, err := state.Open(filepath.Join(p.o.Dir, "state"), state.Options{Identity: state.Identity{Ledger: id.Ledger, Directory: id.Directory}, Build: formatName, ReadOnly: true})
	if err != nil {
		return err
	}
	p.stored = stored
	_, loaded, err := stored.Load(state.LoadOptions{})
	if err != nil {
		return errors.Join(err, stored.Close())
	}
	p.kept = map[uint64]state.Info{}
	for _, k := range stored.Kept() {
		p.kept[k.Sequence] = k
	}
	p.through = loaded.Sequence
	p.journal = journal.New(stored.DB(), loaded.Sequence)
	return nil
}

// record replays one record and compares what was stored about it.
func (p *verification) record(r wal.Record) error {
	c := &p.core
	if err := c.open(r.Sequence, r.Payload); err != nil {
		return err
	}
	fx, err := c.run(r.Link)
	if err != nil {
		return fmt.Errorf("batch %d: %w", r.Sequence, err)
	}
	if err := p.fold.Add(r.Sequence, fx); err != nil {
		return err
	}
	for i := range fx.List {
		if f := &fx.List[i]; f.Kind == ledger.KindSettlement && f.Outcome == ledger.Accepted {
			p.verdict.Settlements++
		}
	}
	p.verdict.Commands += uint64(len(fx.List))
	if p.o.Progress != nil && r.Sequence%1024 == 0 {
		p.o.Progress(r.Sequence, p.log.Committed())
	}
	return p.compare(r)
}

func (p *verification) compare(r wal.Record) error {
	if err := p.roots.compare(r.Sequence, r.Link, p.core.chain); err != nil {
		return err
	}
	if r.Sequence <= p.through {
		b, err := p.journal.Block(r.Sequence)
		if err != nil {
			return err
		}
		if !bytes.Equal(b.Bytes(), p.core.block) {
			return fmt.Errorf("journal block %d is not what the log gives", r.Sequence)
		}
		p.verdict.Blocks++
	}
	k, found := p.kept[r.Sequence]
	if !found {
		return nil
	}
	delete(p.kept, r.Sequence)
	p.verdict.Checkpoints++
	c := &p.core
	return sameCheckpoint(&k, &state.Info{Number: k.Number, Totals: c.tables.Totals(), StateHash: state.Hash(c.tables),
		Mark: state.Mark{Sequence: r.Sequence, TimeMS: c.timeMS, WalLink: [32]byte(r.Link), EffectChain: [32]byte(c.chain)}})
}

// sameCheckpoint compares what a checkpoint's record says with what the log gives at its sequence.
func sameCheckpoint(stored, replayed *state.Info) error {
	if *stored == *replayed {
		return nil
	}
	return fmt.Errorf("checkpoint at %d: stored time %d link %x chain %x state %x totals %+v, the log gives %d, %x, %x, %x, %+v", stored.Sequence,
		stored.TimeMS, stored.WalLink, stored.EffectChain, stored.StateHash, stored.Totals,
		replayed.TimeMS, replayed.WalLink, replayed.EffectChain, replayed.StateHash, replayed.Totals)
}

// lookup finds a command by its message id and gives what came of it.
func (p *verification) lookup(id ledger.Key) (e Entry, found bool, err error) {
	line, found := p.core.ids.Find(id)
	if !found || line.Tag != ledger.TagCommand {
		return e, false, nil
	}
	e.Position = line.Position
	block, err := p.core.journal.Block(line.Position.Sequence())
	if err != nil {
		return e, false, err
	}
	e.TimeMS = block.TimeMS
	e.Effect, e.Legs, e.Items, err = block.Effect(line.Position.Index(), nil, nil)
	return e, err == nil, err
}
