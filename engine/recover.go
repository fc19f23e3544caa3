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
	p.log = func(from wal.Position, judged func() error) (wal.Log, error) {
		return e.openLog(&p, fresh, from, judged)
	}
	if cut := e.options.rig.cut; cut != nil {
		cut(&p)
	}
	p.side = e.options.Dir
	err = e.restore(&p)
	if errors.Is(err, errTaken) { // from the checkpoint again, without the command
		e.options.Quarantine, e.core, e.log, e.archive = nil, core{}, nil, nil
		err = e.restore(&p)
	}
	if err != nil || !fresh {
		return err
	}
	if err := finishIdentity(e.files(), e.options.Dir); err != nil {
		return errors.Join(err, e.abandon())
	}
	return nil
}

// files is the file system of the ledger's directory.
func (e *Engine) files() state.FS {
	if e.options.rig.fs != nil {
		return e.options.rig.fs
	}
	return state.DefaultFS
}

// places say where log and state lie and how they are cut; a Stepper brings its own.
type places struct {
	dir   string
	state state.Options // but for Identity and Build
	load  state.LoadOptions
	ids   idindex.Options
	// log opens the log; when it has been found good it calls judged, before any byte of it changes.
	log          func(verifyFrom wal.Position, judged func() error) (wal.Log, error)
	segmentBytes int64
	lookup       func(shard.IDs) shard.IDs // a simulation's lens on the id table; nil: none
	side         string                    // directory of the side records; "": there are none
}

func (e *Engine) places() places {
	return places{lookup: e.options.lookupIDs, dir: filepath.Join(e.options.Dir, stateName), ids: idOptions, state: state.Options{FS: e.options.rig.fs, Exit: e.exit, Events: state.Events{
		StallBegin:      func(reason string) { e.trouble("state stalls", reason) },
		StallEnd:        e.health.cured,
		BackgroundError: func(err error) { e.trouble("state background error", err.Error()) },
		Recovered:       e.health.cured,
		DiskSlow: func(op string, d time.Duration) {
			e.options.Report("state disk slow", map[string]any{"operation": op, "ms": d.Milliseconds()})
		},
	}}}
}

// exit is where Pebble ends up when it cannot go on. It never returns to Pebble (state.Options.Exit).
func (e *Engine) exit(reason string) { e.fail(fmt.Errorf("state store: %s", reason)) }

func (e *Engine) openLog(p *places, fresh bool, from wal.Position, judged func() error) (wal.Log, error) {
	o := &e.options
	l, err := pebblelog.Open(filepath.Join(o.Dir, "log"), pebblelog.Options{
		Identity: e.identity, FS: o.rig.fs, Create: fresh, MarkPath: o.MarkFile, NewMark: o.NewMark, VerifyFrom: from, Judged: judged, SegmentBytes: p.segmentBytes,
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

// restore loads the newest checkpoint and replays the log behind it. State and log are judged before a byte of either changes.
func (e *Engine) restore(p *places) (err error) {
	o, c, watch := &e.options, &e.core, newStopwatch()
	loaded, err := c.inspect(p, e.identity)
	watch.lap("state_ms")
	if err != nil {
		return e.advised(err)
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
	at := wal.Position{Sequence: loaded.Sequence, Link: wal.Link(loaded.WalLink)}
	if e.log, err = p.log(at, func() error { watch.lap("log_ms"); err := c.begin(p, &loaded); watch.lap("writable_ms"); return err }); err != nil {
		return e.advised(err)
	}
	watch.lap("segment_ms")
	e.checkpoint.pages = loaded.PageBytes
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
		return e.advised(err)
	}
	watch.lap("replay_ms")
	o.Report("recovered", watch.tell(map[string]any{"checkpoint_sequence": loaded.Sequence, "sequence": c.sequence, "commands_replayed": n}))
	if o.rig.recovered != nil {
		o.rig.recovered(c)
	}
	return nil
}

// identify reads who the directory is, or makes it: fresh until its log is there.
func (e *Engine) identify() (fresh bool, err error) {
	e.identity, err = readIdentity(e.files(), e.options.Dir, identityName)
	if errors.Is(err, os.ErrNotExist) && e.options.Create {
		e.identity, err = createIdentity(e.files(), e.options.Dir)
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
	if l, err = c.inspect(p, id); err != nil {
		return l, err
	}
	if err := c.begin(p, &l); err != nil {
		return l, errors.Join(err, c.close())
	}
	return l, nil
}

// inspect loads the newest checkpoint and changes nothing.
func (c *core) inspect(p *places, id wal.Identity) (l state.Loaded, err error) {
	o := p.state
	o.Identity, o.Build = state.Identity{Ledger: id.Ledger, Directory: id.Directory}, formatName
	if c.store, c.tables, l, err = state.Inspect(p.dir, o, p.load); err != nil {
		return l, err
	}
	c.sequence, c.link, c.timeMS, c.chain = l.Sequence, wal.Link(l.WalLink), l.TimeMS, journal.Link(l.EffectChain)
	c.journal = journal.New(c.store.DB(), l.Sequence)
	if err := c.findToday(); err != nil {
		return l, errors.Join(err, c.close())
	}
	return l, nil
}

// begin opens for writing what inspect has loaded.
func (c *core) begin(p *places, l *state.Loaded) (err error) {
	if err := c.store.Writable(); err != nil {
		c.store = nil
		return err
	}
	c.journal = journal.New(c.store.DB(), l.Sequence)
	c.ids, err = c.store.OpenIDs(l, p.ids)
	return err
}

// close closes what inspect and begin have opened.
func (c *core) close() error {
	var errs []error
	if c.ids != nil {
		errs = append(errs, c.ids.Close())
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
	}
	return errors.Join(errs...)
}

// abandon closes what recover had opened.
func (e *Engine) abandon() error {
	c := &e.core
	var errs []error
	if c.executor != nil {
		c.executor.Close()
	}
	errs = append(errs, c.close())
	if e.log != nil {
		errs = append(errs, e.log.Close())
	}
	return errors.Join(errs...)
}

// trouble notes that the state store cannot write. Pebble tries again at once and for ever, a thousand times a second on a full disk: only the first is told.
func (e *Engine) trouble(event, reason string) {
	if e.health.trouble(reason) {
		e.options.Report(event, map[string]any{"reason": reason})
	}
}

// stateName is the state store's directory inside the ledger's.
const stateName = "state"

// ErrState says that the state store is damaged. The log holds everything, so the store can be built anew.
var ErrState = errors.New("state store is damaged")

// advised tells an operator what to do about a damaged state store; other errors stay as they are.
func (e *Engine) advised(err error) error {
	var block *journal.CorruptionError
	if !state.Damaged(err) && !errors.As(err, &block) || errors.Is(err, ErrState) {
		return err
	}
	dir := filepath.Join(e.options.Dir, stateName)
	return fmt.Errorf("%w: %w; the log, with its archive if it was truncated, holds everything: move %s away and start again, it is built anew from the log", ErrState, err, dir)
}
