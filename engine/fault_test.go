package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/sequencer"
	"gongji/wal/waltest"
)

const (
	faultTasks  = 200             // reliability.md T5: operations of the script
	faultStride = 9               // of the n in plain go test
	faultHang   = time.Minute     // a run of some ms that has not ended by then never will
	faultGrace  = 5 * time.Second // for answers that must not come, after the process has died
)

// fileKind is the kind of file that a path names.
func fileKind(path string) string {
	name := filepath.Base(path)
	switch {
	case strings.HasPrefix(path, copyDir):
		return "copy"
	case strings.HasPrefix(name, "IDENTITY"):
		return "identity"
	case strings.HasPrefix(name, "ACKED"):
		return "mark"
	case name == "LOCK":
		return "lock"
	case strings.HasPrefix(name, "BASE"):
		return "base"
	case strings.Contains(path, "/log/") && strings.Contains(name, ".log"):
		return "segment"
	case strings.HasSuffix(name, ".sst"):
		return "sstable"
	case strings.HasPrefix(name, "MANIFEST"):
		return "manifest"
	case strings.HasPrefix(name, "marker."):
		return "marker"
	case strings.HasPrefix(name, "OPTIONS"), strings.HasPrefix(name, "temporary."):
		return "options"
	case strings.HasPrefix(path, engine.RigDir+"/state/"):
		return "pebblelog" // an empty file that Pebble makes though its log is off
	}
	return "directory"
}

// opKind is the kind of a writing operation, "" for others.
func opKind(op errorfs.Op) string {
	switch op.Kind {
	case errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpMkdirAll, errorfs.OpLock:
		return "create"
	case errorfs.OpRename:
		return "rename"
	case errorfs.OpLink:
		return "link"
	case errorfs.OpRemove, errorfs.OpRemoveAll:
		return "remove"
	case errorfs.OpFileWrite, errorfs.OpFileWriteAt:
		return "write"
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		return "sync"
	}
	return ""
}

// nth fails the n-th operation of a kind, once: then the device has healed. It counts all kinds.
type nth struct {
	kind string
	n    int64
	err  error
	what atomic.Pointer[string]

	mu   sync.Mutex
	seen map[string]int64
}

func (f *nth) String() string { return "nth" }

func (f *nth) MaybeError(op errorfs.Op) error {
	if opKind(op) == "" {
		return nil
	}
	what := fileKind(op.Path) + "-" + opKind(op)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[what]++
	if what != f.kind || f.seen[what] != f.n {
		return nil
	}
	f.what.Store(&what)
	return f.err
}

// struck is what failed, "" before.
func (f *nth) struck() string {
	if what := f.what.Load(); what != nil {
		return *what
	}
	return ""
}

// ofLog: the first such failure of the log or its mark ends the process (P17).
func ofLog(what string) bool {
	file, op, _ := strings.Cut(what, "-")
	return (file == "segment" || file == "base" || file == "mark") && op != "remove" && op != "link"
}

// TestStorageErrors (T5; P17, P3, P14): each n-th write, sync, create, rename, link and removal of a script fails, wherever it is, and the device
// heals. Catches: an answer after a failed sync, a failure nobody notices, a latch that forgets, state that a failed flush has left wrong. It runs in
// a child, whose dead engines stay behind.
func TestStorageErrors(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestStorageErrorsChild$", "-test.v", "-test.timeout=9m")
	cmd.Env = append(os.Environ(), childEnv+"=faults")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := 0
	for line := range strings.Lines(string(out)) {
		if at := strings.Index(line, "T5 "); at >= 0 {
			t.Log(strings.TrimSpace(line[at:]))
			lines++
		}
	}
	if lines == 0 {
		t.Fatalf("vacuous: the child ran no test\n%s", out)
	}
}

// tally is what failures of one kind led to.
type tally struct{ injected, fatal, returned, told, tolerated int64 }

func TestStorageErrorsChild(t *testing.T) {
	if os.Getenv(childEnv) != "faults" {
		return // the parent is TestStorageErrors
	}
	seed := proof.Seed(5001)
	line := proof.New("T5", "engine-nth-operation").Seed(seed)
	all, wall := tasks(seed, 40, 3)
	all = all[:faultTasks]
	var mu sync.Mutex
	table := map[string]*tally{}
	var acked, after int64
	plan := planFaults(t, all, wall)
	var workers sync.WaitGroup
	for range checkers {
		workers.Go(func() {
			for f := range plan {
				r := faultRun(t, all, wall, f)
				mu.Lock()
				acked, after = acked+r.acked, after+r.after
				if table[f.kind] == nil {
					table[f.kind] = &tally{}
				}
				r.count(table[f.kind])
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	var total tally
	for _, what := range slices.Sorted(maps.Keys(table)) {
		k := table[what]
		t.Logf("T5 engine %-17s injected=%d fatal=%d returned=%d told=%d tolerated=%d", what, k.injected, k.fatal, k.returned, k.told, k.tolerated)
		total = tally{total.injected + k.injected, total.fatal + k.fatal, total.returned + k.returned, total.told + k.told, total.tolerated + k.tolerated}
		line.Fault(what, k.injected)
	}
	line.Word("acked", acked).AtLeast("refused-after", after, 1).Word("injected", total.injected).
		AtLeast("fatal", total.fatal, 1).AtLeast("returned", total.returned, 1).AtLeast("told", total.told, 1).Word("tolerated", total.tolerated)
	line.Zero("answers-after-failure", 0).Zero("lost", 0).Print(t)
}

// faultKinds must be in every run.
var faultKinds = []string{"identity-create", "identity-write", "identity-sync", "identity-rename", "segment-create", "segment-write", "segment-sync", "segment-rename",
	"base-create", "base-write", "base-sync", "base-rename", "mark-create", "mark-write", "mark-sync", "mark-rename", "sstable-create", "sstable-write", "sstable-sync",
	"sstable-link", "manifest-create", "manifest-write", "manifest-sync", "marker-create", "marker-remove", "directory-create", "directory-sync", "copy-write", "copy-sync"}

// planFaults plays the script without a failure and lists what to fail: of each kind the first, and then all or each so many-th.
func planFaults(t *testing.T, all []task, wall int64) <-chan *nth {
	none := &nth{seen: map[string]int64{}}
	if r := faultRun(t, all, wall, none); r.acked == 0 {
		t.Fatal("vacuous: the script without a failure has no answer")
	}
	for _, kind := range faultKinds {
		if none.seen[kind] == 0 {
			t.Errorf("vacuous: the script has no %s", kind)
		}
	}
	plan := make(chan *nth)
	go func() {
		defer close(plan)
		for _, kind := range slices.Sorted(maps.Keys(none.seen)) {
			for n := int64(1); n <= none.seen[kind]; n += int64(faultStride / proof.Of(faultStride)) {
				plan <- &nth{kind: kind, n: n, err: []error{errorfs.ErrInjected, syscall.ENOSPC}[n%2], seen: map[string]int64{}}
			}
		}
	}()
	return plan
}

// faultResult is one run with one failure.
type faultResult struct {
	what                  string // "": the script has no n-th operation
	fatal, returned, told bool
	acked, after          int64 // answers; refusals behind the failure
}

func (r *faultResult) count(k *tally) {
	if r.what == "" {
		return // the last of a kind may not come: marks and flushes keep their own time
	}
	k.injected++
	switch {
	case r.fatal:
		k.fatal++
	case r.returned:
		k.returned++
	case r.told:
		k.told++
	default:
		k.tolerated++
	}
}

// may tells whether a failure of that kind may have no consequence: nothing depends on a removal, on a link that a copy replaces, or on Pebble's
// asking for an early write-back.
func mayPass(what string) bool {
	return strings.HasSuffix(what, "-remove") || strings.HasSuffix(what, "-link")
}

// faultRun plays the script with one failure, looks at the answers, and starts from what a power cut at death and at the end leaves.
func faultRun(t *testing.T, all []task, wall int64, failure *nth) (r faultResult) {
	mem, n := vfs.NewCrashableMem(), failure.n
	counter := &errorfs.Counter{Injector: failure}
	m := newMachine(errorfs.Wrap(waltest.NewCrashFS(mem), counter), filepath.Join(t.TempDir(), "key"), wall)
	s := &faultScript{m: m, k: newBook(), failure: failure}
	var dead *vfs.MemFS
	var before uint64
	m.onFatal = func() { before, dead = s.k.acked.Load(), mem.CrashClone(vfs.CrashCloneCfg{}) }
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		s.run(all)
	}()
	select {
	case <-finished:
	case <-m.died:
		select { // whoever hangs now would have ended with the process
		case <-finished:
		case <-time.After(faultGrace):
		}
	case <-time.After(faultHang):
		t.Errorf("n=%d: hangs after a failed %s", n, failure.struck())
		return faultResult{what: failure.struck()}
	}
	r = s.judge(t, counter.Load() > 0)
	what := fmt.Sprintf("n=%d, a failed %s", n, r.what)
	keys, _ := os.ReadFile(m.keyFile)
	image := mem.CrashClone(vfs.CrashCloneCfg{})
	s.bury()
	was, _, err := recoverTwice(image, t.TempDir(), keys, wall, s.k)
	if err != nil || was.Sequence < s.k.acked.Load() {
		t.Errorf("%s: acknowledged to %d, recovered to %d: %v", what, s.k.acked.Load(), was.Sequence, err)
	}
	if dead != nil {
		if was, _, err := recoverTwice(dead, t.TempDir(), keys, wall, nil); err != nil || was.Sequence < before {
			t.Errorf("%s: acknowledged to %d at death, recovered to %d: %v", what, before, was.Sequence, err)
		}
	}
	return r
}

// judge looks at how a run ended. injected: the counter saw a failure.
func (s *faultScript) judge(t *testing.T, injected bool) (r faultResult) {
	r = faultResult{what: s.failure.struck(), acked: s.k.count(), after: s.after.Load(), returned: s.returned.Load() != nil}
	_, r.told = s.m.told.Load("state background error")
	fatal := s.m.fatal.Load()
	r.fatal = fatal != nil
	cause, what := s.failure.err, fmt.Sprintf("n=%d, a failed %s", s.failure.n, r.what)
	switch {
	case injected != (r.what != ""):
		t.Errorf("%s: injected %v", what, injected)
	case s.wrong.Load() != nil:
		t.Errorf("%s: %s", what, *s.wrong.Load())
	case r.what == "" && (r.fatal || r.returned):
		t.Errorf("%s: without a failure: %v %v", what, fatal, s.returned.Load())
	case ofLog(r.what) && !r.fatal && !r.returned:
		t.Errorf("%s: not noticed", what)
	case r.what != "" && !r.fatal && !r.returned && !r.told && !mayPass(r.what):
		t.Errorf("%s: no consequence", what)
	case r.fatal && !errors.Is(*fatal, cause) && !strings.Contains((*fatal).Error(), cause.Error()):
		t.Errorf("%s: the process died of %v", what, *fatal)
	}
	return r
}

// copyDir is where the script copies the running ledger to.
const copyDir = "/copies"

// faultScript is a life of a ledger: creation, requests, a copy, an orderly stop, a second life.
type faultScript struct {
	m        *machine
	k        *book
	failure  *nth
	after    atomic.Int64
	returned atomic.Pointer[error]  // by Open, Checkpoint or Close
	wrong    atomic.Pointer[string] // P17
	dead     atomic.Pointer[engine.Engine]
}

// bury frees what a dead engine holds, if it can end: one that Pebble has given up on keeps Pebble's locks.
func (s *faultScript) bury() {
	if e := s.dead.Load(); e != nil {
		go func() { _ = e.Crash() }()
	}
}

func (s *faultScript) run(all []task) {
	half := len(all) / 2
	for life, some := range [][]task{all[:half], all[half:]} {
		e, err := s.m.open(nil)
		if err != nil {
			s.returned.Store(&err)
			return
		}
		for i := range some {
			s.request(e, &some[i], i == 0)
			if life == 0 && i == half/2 {
				if err := e.Checkpoint(copyDir + "/one"); err != nil {
					s.returned.Store(&err)
				}
			}
		}
		if s.m.fatal.Load() != nil {
			s.dead.Store(e)
			return // the process is gone: nobody stops it in order
		}
		if err := e.Close(); err != nil {
			s.returned.Store(&err)
			return
		}
	}
}

// request sends a task. Behind a failure that ended the process no answer may be positive.
func (s *faultScript) request(e *engine.Engine, t *task, first bool) {
	dead := s.m.fatal.Load() != nil || s.failedLog()
	if first {
		_ = e.ConfirmClock() // its failure is that of the next request
	}
	s.m.clock.reach(t.timeMS)
	err := errors.Join(e.Housekeep(), s.k.do(e, t))
	if errors.Is(err, engine.ErrFailed) {
		<-s.m.died // Fatal is called by whoever met the failure, at that moment
	}
	switch {
	case err == nil && dead:
		wrong := "a later request was answered"
		s.wrong.Store(&wrong)
	case err != nil && !errors.Is(err, engine.ErrFailed):
		wrong := "a request failed before anything died: " + err.Error()
		s.wrong.Store(&wrong)
	case err != nil:
		s.after.Add(1)
	}
}

// failedLog: a write, sync, create or rename of a segment is seen where it happens, so that no request that comes later may be answered. The mark's
// is told by its own goroutine, a moment later.
func (s *faultScript) failedLog() bool {
	return strings.HasPrefix(s.failure.struck(), "segment-") && ofLog(s.failure.struck())
}

// TestStateTrouble (T5; design.md 7): the state store's disk fails and does not heal. What the log holds is answered; above two seconds new work is
// refused and the ledger is not ready; above thirty the process ends; nothing acknowledged is lost.
func TestStateTrouble(t *testing.T) {
	seed := proof.Seed(5002)
	line := proof.New("T5", "engine-state-disk-gone").Seed(seed)
	all, wall := tasks(seed, 40, 3)
	mem := vfs.NewCrashableMem()
	gone := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fileKind(op.Path) == "sstable" && opKind(op) == "create" {
			return syscall.EIO
		}
		return nil
	})}
	counter := &errorfs.Counter{Injector: &gone}
	m := newMachine(errorfs.Wrap(waltest.NewCrashFS(mem), counter), filepath.Join(t.TempDir(), "key"), wall)
	e, err := m.open(nil)
	must(t, err)
	must(t, e.ConfirmClock())
	k := newBook()
	i := 0
	next := func() error {
		i++
		m.clock.reach(all[i-1].timeMS)
		return errors.Join(e.Housekeep(), k.do(e, &all[i-1]))
	}
	gone.On()
	for told := false; !told; _, told = m.told.Load("state background error") {
		must(t, next())
	}
	must(t, e.Ready()) // no more than a moment yet
	must(t, next())
	must(t, k.check(e))
	answered := len(k.told)

	m.health.Add((engine.StallRefuse + time.Second).Milliseconds())
	if err := e.Ready(); !errors.Is(err, engine.ErrStalled) {
		t.Errorf("ready after 3 s of trouble: %v", err)
	}
	if err := e.Submit(sequencer.NewRequest()); !errors.Is(err, engine.ErrStalled) {
		t.Errorf("admitted after 3 s of trouble: %v", err)
	}
	if e.LookOverdue() || m.fatal.Load() != nil {
		t.Error("ended after 3 s of trouble")
	}
	m.health.Add(engine.StallExit.Milliseconds())
	if !e.LookOverdue() {
		t.Error("not ended after 33 s of trouble")
	}
	<-m.died
	if fatal := *m.fatal.Load(); !errors.Is(fatal, engine.ErrStalled) || !errors.Is(e.Ready(), engine.ErrFailed) {
		t.Errorf("died of %v, ready: %v", fatal, e.Ready())
	}
	image := mem.CrashClone(vfs.CrashCloneCfg{})
	gone.Off()
	must(t, e.Crash())
	keys, err := os.ReadFile(m.keyFile)
	must(t, err)
	was, _, err := recoverTwice(image, t.TempDir(), keys, wall, k)
	must(t, err)
	if was.Sequence < k.acked.Load() {
		t.Errorf("acknowledged to %d, recovered to %d", k.acked.Load(), was.Sequence)
	}
	line.AtLeast("acked", int64(answered), 1).Fault("sstable-create", int64(counter.Load())).Word("refused-at", "3s").Word("ended-at", "33s").Zero("lost", 0).Print(t)
}
