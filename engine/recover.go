package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gongji/engine/executor"
	"gongji/engine/journal"
	"gongji/engine/state"
	"gongji/engine/state/idindex"
	"gongji/shard"
	"gongji/wal"
	"gongji/wal/pebblelog"
)

// recover brings the ledger of options.Dir to the end of its log: identity and keys, newest checkpoint, then the log behind it through the
// same core that runs live. Nothing runs before the key file has been found to be the right one.
func (e *Engine) recover() error {
	fresh, err := e.identify()
	if err != nil {
		return err
	}
	if err := e.loadKeys(fresh); err != nil {
		return err
	}
	p := e.places()
	p.log = func(from wal.Position) (wal.Log, error) { return e.openLog(fresh, from) }
	p.side = e.options.Dir
	err = e.restore(&p)
	if errors.Is(err, errTaken) { // from the checkpoint again, without the command
		e.options.Quarantine, e.core, e.log, e.archive = nil, core{}, nil, nil
		err = e.restore(&p)
	}
	return err
}

// places say where log and state lie and how they are cut; a Stepper brings its own.
type places struct {
	dir    string
	state  state.Options // but for Identity and Build
	load   state.LoadOptions
	ids    idindex.Options
	log    func(verifyFrom wal.Position) (wal.Log, error)
	lookup func(shard.IDs) shard.IDs // a simulation's lens on the id table; nil: none
	side   string                    // directory of the side records; "": there are none
}

func (e *Engine) places() places {
	return places{lookup: e.options.lookupIDs, dir: filepath.Join(e.options.Dir, "state"), ids: idOptions, state: state.Options{Events: state.Events{
		StallBegin:      func(reason string) { e.trouble("state stalls", reason) },
		StallEnd:        e.health.cured,
		BackgroundError: func(err error) { e.trouble("state background error", err.Error()) },
		Recovered:       e.health.cured,
		DiskSlow: func(op string, d time.Duration) {
			e.options.Report("state disk slow", map[string]any{"operation": op, "ms": d.Milliseconds()})
		},
	}}}
}

func (e *Engine) openLog(fresh bool, from wal.Position) (wal.Log, error) {
	o := &e.options
	l, err := pebblelog.Open(filepath.Join(o.Dir, "log"), pebblelog.Options{
		Identity: e.identity, Create: fresh, MarkPath: o.MarkFile, NewMark: o.NewMark, VerifyFrom: from,
		OnFatal: e.fail,
		OnTornTail: func(bytes int64, last uint64) {
			o.Report("torn tail cut", map[string]any{"bytes": bytes, "last_sequence": last})
		},
	})
	if err != nil {
		return nil, err // not a nil *pebblelog.Log, which would be a log
	}
	return e.joinArchive(l)
}

// restore loads the newest checkpoint and replays the log behind it.
func (e *Engine) restore(p *places) (err error) {
	o, c, start := &e.options, &e.core, time.Now()
	loaded, err := c.loadFrom(p, e.identity)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.abandon())
		}
	}()
	if p.side != "" {
		if err := c.loadSide(p.side, e.identity); err != nil {
			return err
		}
	}
	c.keys.keys = e.keys
	if err := c.keys.check(c.tables); err != nil {
		return err
	}
	if e.log, err = p.log(wal.Position{Sequence: loaded.Sequence, Link: wal.Link(loaded.WalLink)}); err != nil {
		return err
	}
	store := executor.Store{State: c.tables, IDs: c.ids, Originals: c}
	if p.lookup != nil {
		store.IDs = p.lookup(c.ids)
	}
	c.executor = executor.NewSharded(store, o.Shards, o.ShardedCommandsMin, executor.WakeMin)
	if err := e.mayAim(e.log.Committed()); err != nil {
		return err
	}
	n, err := e.replay()
	if err == nil {
		err = e.harmless()
	}
	if err != nil {
		return err
	}
	o.Report("recovered", map[string]any{"checkpoint_sequence": loaded.Sequence, "sequence": c.sequence, "commands_replayed": n,
		"ms": time.Since(start).Milliseconds()})
	return nil
}

// identify reads who the directory is, or makes it.
func (e *Engine) identify() (fresh bool, err error) {
	e.identity, err = readIdentity(e.options.Dir)
	if errors.Is(err, os.ErrNotExist) && e.options.Create {
		e.identity, err = createIdentity(e.options.Dir)
		return true, err
	}
	return false, err
}

// loadKeys reads the key file; only a ledger that has no log yet may get a new one.
func (e *Engine) loadKeys(fresh bool) (err error) {
	ledgerID := [16]byte(e.identity.Ledger)
	e.keys, err = LoadKeys(e.options.KeyFile, ledgerID)
	if errors.Is(err, os.ErrNotExist) && fresh {
		e.keys, err = CreateKeys(e.options.KeyFile, ledgerID)
	}
	return err
}

// idOptions: a recent table of 1.5 million ids (about three seconds at full load, 150 MiB with its spare), so that runs are few: every run costs
// each new id a cache miss, every merge CPU that tills wait for. Measured with bench core: 2^21 2.8 to 3.9 us CPU a settlement, 2^20
// 2.9 to 4.2; a fan-in of 4 gave no less.
var idOptions = idindex.Options{Capacity: 1 << 21}

// load is loadFrom of a directory, as the product cuts it.
func (c *core) load(dir string, id wal.Identity, events state.Events) (state.Loaded, error) {
	return c.loadFrom(&places{dir: dir, ids: idOptions, state: state.Options{Events: events}}, id)
}

// loadFrom opens the state store and loads its newest checkpoint.
func (c *core) loadFrom(p *places, id wal.Identity) (l state.Loaded, err error) {
	o := p.state
	o.Identity, o.Build = state.Identity{Ledger: id.Ledger, Directory: id.Directory}, formatName
	if c.store, err = state.Open(p.dir, o); err != nil {
		return l, err
	}
	if c.tables, l, err = c.store.Load(p.load); err != nil {
		return l, errors.Join(err, c.store.Close())
	}
	if c.ids, err = c.store.OpenIDs(&l, p.ids); err != nil {
		return l, errors.Join(err, c.store.Close())
	}
	c.journal = journal.New(c.store.DB(), l.Sequence)
	c.sequence, c.link, c.timeMS, c.chain = l.Sequence, wal.Link(l.WalLink), l.TimeMS, journal.Link(l.EffectChain)
	if err := c.findToday(); err != nil {
		return l, errors.Join(err, c.ids.Close(), c.store.Close())
	}
	return l, nil
}

// replay runs the log behind the loaded state.
func (e *Engine) replay() (commands int, err error) {
	c := &e.core
	if last := e.log.Committed(); last < c.sequence {
		return 0, fmt.Errorf("the log ends at %d, the state is of %d: it belongs to another log, or the log lost its end", last, c.sequence)
	}
	err = e.log.Read(c.sequence+1, func(r wal.Record) error {
		if err := c.open(r.Sequence, r.Payload); err != nil {
			return err
		}
		commands += len(c.batch.Offsets)
		_, err := c.run(r.Link)
		return err
	})
	var poison *executor.Poison
	switch {
	case errors.As(err, &poison):
		err = e.judge(poison)
	case errors.Is(err, wal.ErrTruncated):
		err = fmt.Errorf("the state is of %d, and the log begins behind it: %w", c.sequence, archived(err))
	}
	return commands, err
}

// abandon closes what recover had opened.
func (e *Engine) abandon() error {
	c := &e.core
	var errs []error
	if c.executor != nil {
		c.executor.Close()
	}
	if c.ids != nil {
		errs = append(errs, c.ids.Close(), c.store.Close())
	}
	if e.log != nil {
		errs = append(errs, e.log.Close())
	}
	return errors.Join(errs...)
}

func (e *Engine) trouble(event, reason string) {
	e.health.trouble(time.Now())
	e.options.Report(event, map[string]any{"reason": reason})
}
