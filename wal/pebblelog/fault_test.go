package pebblelog

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/bench/proof"
	"gongji/wal"
	"gongji/wal/waltest"
)

// nth fails the n-th operation that matches, once: the device then heals. The
// counter it is wrapped in proves that it struck.
type nth struct {
	match func(errorfs.Op) bool
	err   error
	n     int32
	seen  atomic.Int32
	armed atomic.Bool
	op    atomic.Pointer[string]
}

func (i *nth) String() string { return "nth" }

func (i *nth) MaybeError(op errorfs.Op) error {
	if !i.armed.Load() || !i.match(op) || i.seen.Add(1) != i.n {
		return nil
	}
	what := kindOf(op.Path) + " " + opKind(op)
	i.op.Store(&what)
	return i.err
}

var injectedErrors = []error{errorfs.ErrInjected, syscall.ENOSPC}

// TestFailedSync (T5, F1): with an OnFatal that returns, the n-th write or sync
// of the log or the mark fails and the disk then heals. Nothing after it may be
// answered with nil, and a crash must leave all that was. Catches: ignoring the
// error of SyncWait, retrying after a failed sync, forgetting the first error.
// T20: defect_sync_ignored, defect_sync_retried.
func TestFailedSync(t *testing.T) {
	for _, kind := range []string{"segment sync", "segment write", "mark sync", "mark write"} {
		line := proof.New("T5", "log-failed-"+strings.ReplaceAll(kind, " ", "-"))
		injected, acked, after := 0, 0, 0
		for n := int32(1); ; n++ {
			failure := &nth{match: func(op errorfs.Op) bool { return kindOf(op.Path)+" "+opKind(op) == kind },
				err: injectedErrors[n%2], n: n}
			counter := &errorfs.Counter{Injector: failure}
			struck, ok, refused := failedSync(t, failure, counter)
			acked, after = acked+ok, after+refused
			if !struck {
				break
			}
			injected++
		}
		line.Word("acked", acked).AtLeast("refused-after", int64(after), 1).AtLeast("injected", int64(injected), 20).Zero("lost", 0).
			Fault(strings.ReplaceAll(kind, " ", "-"), int64(injected)).Print(t)
	}
}

// failedSync runs one script: 30 records, then 10 more after the disk healed.
func failedSync(t *testing.T, failure *nth, counter *errorfs.Counter) (struck bool, acked, refused int) {
	mem := vfs.NewCrashableMem()
	var fatal atomic.Int32
	marks := make(chan uint64, 1000)
	o := testOptions(errorfs.Wrap(newCrashFS(mem), counter))
	o.markInterval = 1
	o.OnFatal = func(error) { fatal.Add(1); marks <- 0 }
	o.onMark = func(n uint64) { marks <- n }
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	failure.armed.Store(true)
	var lastAcked uint64
	for range 40 {
		already := l.failed()
		c, err := l.Append(payloads()[l.Last()+1])
		if err == nil {
			err = c.Wait()
		}
		switch {
		case err == nil && already != nil:
			t.Fatalf("%v failed, and a later record was answered with nil", *failure.op.Load())
		case err == nil:
			acked++
			lastAcked = l.Last()
			select { // every record gets a mark of its own
			case <-marks:
			case <-time.After(time.Minute):
				t.Fatalf("no mark and no failure after record %d", lastAcked)
			}
		default:
			refused++
			if !errors.Is(err, wal.ErrLatched) || !errors.Is(err, failure.err) {
				t.Fatalf("not the first failure: %v", err)
			}
		}
	}
	closeErr := l.Close()
	if struck = counter.Load() > 0; struck {
		if fatal.Load() != 1 {
			t.Fatalf("%s: OnFatal called %d times", *failure.op.Load(), fatal.Load())
		}
		if !errors.Is(closeErr, wal.ErrLatched) {
			t.Fatalf("%s: Close: %v", *failure.op.Load(), closeErr)
		}
	} else if closeErr != nil {
		t.Fatal(closeErr)
	}
	if _, err := recovered(newCrashFS(mem.CrashClone(vfs.CrashCloneCfg{})), lastAcked); err != nil {
		t.Fatal(err)
	}
	return struck, acked, refused
}

// TestFaultsDie (T5): every write, sync, create and rename of every kind of file
// fails in turn, over several segments, and the process
// dies in OnFatal, as it would. It runs in a child, whose dead logs stay behind.
func TestFaultsDie(t *testing.T) {
	out, err := child("TestFaultsDieChild", "die").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if at := strings.Index(line, "T5 "); at >= 0 {
			t.Log(strings.TrimSpace(line[at:]))
		}
	}
	if !strings.Contains(string(out), "T5 log-die") {
		t.Fatalf("vacuous: the child ran no test\n%s", out)
	}
}

func child(test, mode string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), childEnv+"="+mode)
	return cmd
}

func TestFaultsDieChild(t *testing.T) {
	if os.Getenv(childEnv) != "die" {
		return // the parent is TestFaultsDie
	}
	line := proof.New("T5", "log-die")
	type tally struct{ injected, died, openError int }
	table := map[string]*tally{}
	total := 0
	for n := int32(1); ; n++ {
		failure := &nth{match: func(op errorfs.Op) bool { return opKind(op) != "" }, err: injectedErrors[n%2], n: n}
		struck, died := dieOnce(t, failure)
		if !struck {
			break
		}
		what := *failure.op.Load()
		if table[what] == nil {
			table[what] = &tally{}
		}
		table[what].injected++
		if died {
			table[what].died++
		} else {
			table[what].openError++
		}
		total++
	}
	died, returned := 0, 0
	for _, what := range slices.Sorted(maps.Keys(table)) {
		r := table[what]
		t.Logf("T5 log %-16s injected=%d died=%d returned-by-Open-or-Close=%d", what, r.injected, r.died, r.openError)
		died, returned = died+r.died, returned+r.openError
		line.Fault(strings.ReplaceAll(what, " ", "-"), int64(r.injected))
	}
	for _, what := range []string{"segment sync", "segment write", "segment create", "base sync", "base write", "base create", "mark sync", "mark write", "dir sync"} {
		if table[what] == nil {
			line.Fault(strings.ReplaceAll(what, " ", "-"), 0)
		}
	}
	line.Word("injected", total).AtLeast("died", int64(died), 1).AtLeast("returned", int64(returned), 1).Zero("lost", 0).Print(t)
}

// dieOnce runs the script with one failure. OnFatal does not return, as if the
// process had ended there: whatever else runs can no longer answer anybody.
func dieOnce(t *testing.T, failure *nth) (struck, died bool) {
	mem, acked := vfs.NewCrashableMem(), new(atomic.Uint64)
	counter := &errorfs.Counter{Injector: failure}
	failure.armed.Store(true)
	dead := make(chan error, 1)
	o := testOptions(errorfs.Wrap(newCrashFS(mem), counter))
	var atDeath atomic.Uint64
	o.markInterval = 1
	die := func(err error) {
		atDeath.Store(acked.Load())
		dead <- err
		select {}
	}
	o.OnFatal = die
	o.Exit = func(int) { select {} }
	finished := make(chan error, 1)
	go func() { finished <- dyingScript(o, acked) }()
	var err error
	select {
	case err = <-dead:
		died = true
		if !errors.Is(err, failure.err) && !strings.Contains(err.Error(), failure.err.Error()) {
			t.Fatalf("%s failed, but died of: %v", *failure.op.Load(), err)
		}
	case err = <-finished:
	case <-time.After(time.Minute):
		t.Fatalf("hangs after a failed %v", failure.op.Load())
	}
	struck = counter.Load() > 0
	if struck && err == nil {
		t.Fatalf("a failed %s was not noticed", *failure.op.Load())
	}
	if !struck && err != nil {
		t.Fatal(err)
	}
	clone := newCrashFS(mem.CrashClone(vfs.CrashCloneCfg{}))
	if _, err := recovered(clone, max(acked.Load(), atDeath.Load())); err != nil {
		t.Fatalf("after a failed %v: %v", failure.op.Load(), err)
	}
	return struck, died
}

// dyingScript is script with options, stopping at the first error.
func dyingScript(o Options, acked *atomic.Uint64) error {
	for range 2 {
		l, err := Open(logDir, o)
		if err != nil {
			return err
		}
		for range 40 {
			c, err := l.Append(payloads()[l.Last()+1])
			if err != nil {
				return err
			}
			if err := c.Wait(); err != nil {
				return err
			}
			acked.Store(c.Sequence())
		}
		if err := l.Truncate(l.Last() - 20); err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// TestExitReturns (F1, seeded defect "the logger's Fatalf returns"): without
// OnFatal and with an Exit that returns, a failed sync and all that comes after
// it, when the disk has healed, is still never answered with nil.
// T20: defect_fatal_returns.
func TestExitReturns(t *testing.T) {
	failure := &nth{match: func(op errorfs.Op) bool { return kindOf(op.Path)+" "+opKind(op) == "segment sync" }, err: errorfs.ErrInjected, n: 3}
	counter := &errorfs.Counter{Injector: failure}
	var codes []int
	o := testOptions(errorfs.Wrap(vfs.NewMem(), counter))
	o.OnFatal, o.Exit = nil, func(code int) { codes = append(codes, code) }
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	failure.armed.Store(true)
	acked, refused := 0, 0
	for range 10 {
		c, err := l.Append(payloads()[l.Last()+1])
		if err == nil {
			err = c.Wait()
		}
		if err == nil {
			acked++
		} else {
			refused++
		}
	}
	if err := l.Close(); !errors.Is(err, wal.ErrLatched) {
		t.Fatalf("Close: %v", err)
	}
	if counter.Load() != 1 || acked != 2 || refused != 8 || !slices.Equal(codes, []int{exitCode}) {
		t.Fatalf("%d failures, %d acknowledged, %d refused, exit codes %v", counter.Load(), acked, refused, codes)
	}
}

// TestDefaultExit (P17): without OnFatal a failed sync ends the process with
// code 2 and one line that names the file and the error.
func TestDefaultExit(t *testing.T) {
	cmd := child("TestDefaultExitChild", "exit")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitCode {
		t.Fatalf("child ended with %v\n%s%s", err, out, stderr.String())
	}
	line := strings.TrimSpace(stderr.String())
	if strings.Count(line, "\n") != 0 || !strings.Contains(line, segmentName(1)+":") || !strings.Contains(line, "injected error") {
		t.Fatalf("said %q", line)
	}
}

func TestDefaultExitChild(t *testing.T) {
	if os.Getenv(childEnv) != "exit" {
		return // the parent is TestDefaultExit
	}
	failure := &nth{match: func(op errorfs.Op) bool { return kindOf(op.Path)+" "+opKind(op) == "segment sync" }, err: errorfs.ErrInjected, n: 3}
	l, err := Open(logDir, Options{Identity: waltest.Identity, FS: errorfs.Wrap(vfs.NewMem(), failure), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	failure.armed.Store(true)
	for range 10 {
		c, err := l.Append(payloads()[l.Last()+1])
		if err == nil {
			err = c.Wait()
		}
		if err != nil {
			break
		}
	}
	fmt.Println("still alive")
	os.Exit(0)
}
