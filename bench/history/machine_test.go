package history

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"gongji/api"
	"gongji/api/rest"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/engine/state"
	"gongji/engine/state/idindex"
	"gongji/wal"
	"gongji/wal/memlog"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's clock for the Date header lives as long as the process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Its worker pool's cleaner looks at the stop channel only once in 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var identity = wal.Identity{Ledger: wal.ID{7}, Directory: wal.ID{8}}

// guardedFS keeps crash clones apart from the calls of Pebble's crashable file system that dead-lock with them (reliability.md F7).
type guardedFS struct {
	vfs.FS
	mem *vfs.MemFS
	mu  sync.Mutex
}

func newGuardedFS(mem *vfs.MemFS) *guardedFS { return &guardedFS{FS: mem, mem: mem} }

func (f *guardedFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.FS.Remove(oldname); err != nil {
		return nil, err
	}
	return f.FS.Create(newname, c)
}

func (f *guardedFS) Link(oldname, newname string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.FS.Link(oldname, newname)
}

func (f *guardedFS) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.FS.Lock(name)
}

func (f *guardedFS) Unwrap() vfs.FS { return f.FS }

// clone is what a power cut leaves of it.
func (f *guardedFS) clone(r *rand.Rand) *vfs.MemFS {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[r.IntN(3)], RNG: r})
}

// wallClock stands still for a millisecond a look: ledger time goes on, and never steps.
type wallClock struct{ ms atomic.Int64 }

const noon = 1_773_115_200_000 // 2026-03-10 12:00 +08:00

func (c *wallClock) Wall() int64      { return noon + c.ms.Add(1) }
func (c *wallClock) Monotonic() int64 { return c.ms.Load() }

// cycle is randomness for keys.
type cycle struct{ r *rand.Rand }

func (c cycle) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c.r.Uint32())
	}
	return len(b), nil
}

// plan is what is the same for all machines of a world.
type plan struct {
	shards   int
	families int
	log      func(wal.Log) wal.Log // around each opened log; nil: none
	inDir    string                // an engine on a directory instead of crashable disks
	never    bool                  // no checkpoint: a crash leaves the log alone
}

// machine is a running ledger with its front door, until its power is cut.
type machine struct {
	engine          *engine.Engine
	server          *api.Server
	served          chan error
	business, admin string
	client          *http.Client
	disk            *memlog.Disk
	fs              *guardedFS
	cut             atomic.Bool  // answers that come from now on were never seen: the machine has lost power
	cutAt           atomic.Int64 // when its disks had been looked at; 0: not cut
	gone            chan struct{}
	next            *machine // after gone is closed
}

// policy is Hubei's without what only apps need, and with an unbinding at any time.
func policy() ledger.Policy {
	p := engine.Hubei
	p.Evouchers, p.MinBindMonths = 0, 0
	return p
}

func (p *plan) options(fs vfs.FS, clock *wallClock, keys *engine.Keys, fatal func(error)) engine.StepperOptions {
	o := engine.StepperOptions{Identity: identity, Keys: keys, StateDir: "state", IDs: idindex.Options{Capacity: 1 << 10, Parts: 4, BlockEntries: 16, FanIn: 3, FilterBytesMax: 1 << 20},
		Shifts: ledger.Shifts{Person: 6, Institution: 2, Family: 4}}
	o.State = state.Options{FS: fs, MemTableBytes: 256 << 10, Exit: func(reason string) { panic(reason) }}
	o.Shards, o.ShardedCommandsMin, o.CheckpointBytes, o.Clock = p.shards, 1, 64<<10, clock
	if p.never {
		o.CheckpointBytes = 1 << 40
	}
	o.FirstPolicy, o.HousekeepingInterval, o.Fatal = policy(), -1, fatal
	return o
}

// start opens a machine from its disks.
func (w *world) start(disk *memlog.Disk, mem *vfs.MemFS) (*machine, error) {
	m := &machine{disk: disk, gone: make(chan struct{}), served: make(chan error, 1), client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: clients}}}
	fatal := func(err error) {
		if !m.cut.Load() {
			w.t.Errorf("engine: %v", err)
		}
	}
	if err := w.openEngine(m, mem, fatal); err != nil {
		return nil, err
	}
	var err error
	if m.server, err = api.New(api.Options{Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Ready: m.engine.Ready}, rest.Routes(m.engine, rest.Options{Deadline: time.Minute, TombstonesMax: 1 << 30})); err != nil {
		return nil, err
	}
	if err := m.server.Listen(); err != nil {
		return nil, err
	}
	m.business, m.admin = "http://"+m.server.BusinessAddr(), "http://"+m.server.AdminAddr()
	go func() { m.served <- m.server.Serve() }()
	return m, nil
}

func (w *world) openEngine(m *machine, mem *vfs.MemFS, fatal func(error)) (err error) {
	if w.inDir != "" {
		o := w.options(nil, &w.clock, nil, fatal).Options
		o.Dir, o.KeyFile, o.Create = w.inDir+"/ledger", w.inDir+"/key", true
		m.engine, err = engine.Open(o)
		return err
	}
	var log wal.Log
	if log, err = memlog.Open(m.disk, memlog.Options{Identity: identity}); err != nil {
		return err
	}
	if w.log != nil {
		log = w.log(log)
	}
	m.fs = newGuardedFS(mem)
	o := w.options(m.fs, &w.clock, w.keys, fatal)
	o.Log = log
	m.engine, err = engine.OpenOn(o)
	return err
}

// crash cuts the power: what comes from the old machine is lost from a moment on that lies before its disks are looked at, and a new machine starts from
// what they hold. The old one is ended in peace, in a world of its own.
func (w *world) crash(r *rand.Rand, keep, torn int) {
	old := w.machine.Load()
	old.cut.Store(true)
	mem := old.fs.clone(r) // before the log: a state ahead of its log would be refused
	disk := old.disk.Crash(keep, torn)
	old.cutAt.Store(w.now.Add(1))
	m, err := w.start(disk, mem)
	if err != nil {
		w.t.Errorf("restart: %v", err)
		w.stop.Store(true)
		m = old
	} else {
		w.crashes++
		w.machine.Store(m)
	}
	old.next = m
	close(old.gone)
	if m != old {
		w.retire(old)
	}
}

// retire ends a machine that is not served any more.
func (w *world) retire(m *machine) {
	w.ended.Go(func() { w.close(m, m.engine.Abandon) })
}

func (w *world) close(m *machine, end func() error) {
	m.client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(m.server.Shutdown(ctx), <-m.served, end()); err != nil {
		w.t.Errorf("end of a machine: %v", err)
	}
}

// code is the institution of a family.
func code(family int) string { return fmt.Sprintf("P%011d", family%7) }

func psnNo(family, member int) string { return fmt.Sprintf("42%06d%02d", family, member) }

// certnoOf is a valid identity number.
func certnoOf(family, member int) string {
	order := family*Members + member
	digits := fmt.Sprintf("9901%02d1980%02d01%03d", order/12_000, order/1000%12+1, order%1000)
	sum := 0
	for _, c := range digits { // ISO 7064 MOD 11-2
		sum = (sum + int(c-'0')) * 2 % 11
	}
	return digits + string("0123456789X"[(12-sum)%11])
}

// populate loads institutions, people and their opening balances.
func (w *world) populate(e *engine.Engine) {
	w.t.Helper()
	r := sequencer.NewRequest()
	r.Class = sequencer.Bulk
	add := func(cmd *ledger.Command, d *command.Details) {
		r.Commands = command.Append(r.Commands, cmd, d)
		r.Count++
	}
	send := func() {
		must(w.t, e.Do(r))
		for i := range r.Results {
			if o := r.Results[i].Effect.Outcome; o != ledger.Accepted {
				w.t.Fatalf("population: %v", o)
			}
		}
		r.Reset()
		r.Class = sequencer.Bulk
	}
	for i := range 7 {
		add(&ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: ledger.NewCode([]byte(code(i))), InstitutionOf: 2, Area: 420100, More: &ledger.More{}}, &command.Details{Text: []byte("示范药店"), Level: 1})
	}
	for f := range w.families {
		for m := range Members {
			cmd := ledger.Command{Kind: ledger.KindPerson, Person: ledger.K([]byte(psnNo(f, m))), Other: e.Pseudonym("01", []byte(certnoOf(f, m))), Area: 420100, Birth: 4_000, More: &ledger.More{}}
			insutype := uint16(390)
			if HasAccount(m) {
				cmd.Has, insutype = ledger.HasAccount, ledger.InsutypeEmployee
			}
			if m == 2 {
				cmd.Area = 420500 // what he lends is owed between pooling areas (R18)
			}
			cmd.More.Enrolments = []ledger.Enrolment{{Insutype: insutype, Status: ledger.StatusNormal, Area: cmd.Area, Begin: 18_000, PsnType: 11}}
			add(&cmd, &command.Details{Text: []byte(psnNo(f, m)), CertType: 1, Sex: 1})
		}
	}
	send()
	for f := range w.families {
		for m := range Members {
			if Opening[m] > 0 {
				add(&ledger.Command{Kind: ledger.KindCredit, Person: ledger.K([]byte(psnNo(f, m))), Amount: Opening[m], Source: 2}, &command.Details{})
			}
		}
	}
	send()
	must(w.t, e.Ask(func(v engine.View) {
		for f := range w.families {
			for m := range Members {
				n, found := v.State.FindPerson(ledger.K([]byte(psnNo(f, m))))
				if !found || w.person[n] != (place{}) {
					w.t.Errorf("family %d, member %d is not there", f, m)
				}
				w.person[n] = place{f + 1, m}
			}
		}
	}))
}

// place is where a person of the ledger stands: family + 1, so that the zero value is nobody.
type place struct{ family, member int }

func keysOf(seed uint64) (*engine.Keys, error) {
	sum := sha256.Sum256([]byte("history"))
	return engine.NewKeys(identity.Ledger, sum[:], sum[:], cycle{rand.New(rand.NewPCG(seed, 9))})
}
