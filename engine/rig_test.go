package engine

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/engine/state"
	"gongji/engine/state/idindex"
	"gongji/wal"
	"gongji/wal/pebblelog"
)

// RigDir is the ledger's directory in a rig's file system.
const RigDir = "/ledger"

// Recovered is a ledger behind a record: what a start has recovered, before it logs anything, or what a log gives at a sequence.
type Recovered struct {
	Sequence    uint64
	Link        wal.Link
	EffectChain [32]byte
	StateHash   [32]byte
	Sum         int64 // over all accounts (P1)
}

func recovered(c *core) Recovered {
	return Recovered{c.sequence, c.link, [32]byte(c.chain), state.Hash(c.tables), c.tables.Totals().Sum()}
}

// Rig puts a ledger on a file system of a test, cut so small that a short script has segments, flushes, checkpoints, runs and merges. now, in
// unix ms, is the time by which health judges; nil: it stands still, so that a slow machine is no stalled disk. told, if not nil, gets what the
// start recovered.
func Rig(o *Options, fs vfs.FS, now *atomic.Int64, told *Recovered) {
	if now == nil {
		now = new(atomic.Int64)
	}
	o.Dir = RigDir
	o.rig = rig{fs: fs, cut: cutSmall, now: func() time.Time { return time.UnixMilli(now.Load() + 1) }}
	if told != nil {
		o.rig.recovered = func(c *core) { *told = recovered(c) }
	}
}

func cutSmall(p *places) {
	p.segmentBytes = 16 << 10
	p.load.Shifts = ledger.Shifts{Person: 3, Institution: 1, Family: 2}
	p.state.MemTableBytes = 64 << 10
	p.ids = idindex.Options{Capacity: 64, Parts: 4, BlockEntries: 8, FanIn: 2, FilterBytesMax: 4 << 10}
}

// Prefixes replays the log of a ledger on a rig from zero by the serial rules and gives what holds behind each record, from 0 on.
func Prefixes(o Options) (all []Recovered, err error) {
	id, err := readIdentity(o.rig.fs, o.Dir, identityName)
	if err != nil {
		return nil, err
	}
	keys, err := LoadKeys(o.KeyFile, id.Ledger)
	if err != nil {
		return nil, err
	}
	log, err := pebblelog.Open(filepath.Join(o.Dir, "log"), pebblelog.Options{Identity: id, FS: o.rig.fs, ReadOnly: true, OnFatal: func(error) {}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	var c core
	p := places{dir: "/scratch", state: state.Options{FS: vfs.NewMem()}}
	cutSmall(&p)
	c.keys.keys = keys
	if _, err := c.loadFrom(&p, id); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	c.executor = executor.NewSerial(executor.Store{State: c.tables, IDs: c.ids, Originals: &c})
	all = append(all, recovered(&c))
	err = log.Read(1, func(r wal.Record) error {
		if err := c.open(r.Sequence, r.Payload); err != nil {
			return err
		}
		_, err := c.run(r.Link)
		all = append(all, recovered(&c))
		return err
	})
	return all, err
}

// MarkOf is the sequence in the mark file of a ledger on a rig; nothing changes.
func MarkOf(o Options) (uint64, error) {
	id, err := readIdentity(o.rig.fs, o.Dir, identityName)
	if err != nil {
		return 0, err
	}
	log, err := pebblelog.Open(filepath.Join(o.Dir, "log"), pebblelog.Options{Identity: id, FS: o.rig.fs, ReadOnly: true, OnFatal: func(error) {}})
	if err != nil {
		return 0, err
	}
	return log.Mark(), log.Close()
}

// CheckIDs compares all entries of the id table with their sums in the state.
func (e *Engine) CheckIDs() error {
	var err error
	if ask := e.Ask(func(View) { err = e.core.ids.Verify(e.core.tables) }); ask != nil {
		return ask
	}
	return err
}

// LookOverdue is one look of the watch at the stores' troubles.
func (e *Engine) LookOverdue() bool { return e.overdue() }

// Durable is the sequence of the newest durable checkpoint.
func (e *Engine) Durable() uint64 { return e.core.store.DurableSequence() }
