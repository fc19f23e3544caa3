package state

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/engine/ledger"
	"gongji/wal/waltest"
)

// failing fails the next few operations on table files, then heals.
type failing struct {
	left, injected atomic.Int64
	kind           errorfs.OpReadWrite
}

func (f *failing) String() string { return "failing" }

func (f *failing) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != f.kind || len(op.Path) < 4 || op.Path[len(op.Path)-4:] != ".sst" || f.left.Add(-1) < 0 {
		return nil
	}
	f.injected.Add(1)
	return errorfs.ErrInjected
}

// TestFlushFails: failed flushes are told, and nothing is called durable before one has succeeded.
func TestFlushFails(t *testing.T) {
	w := newWorld(t, 20, 60, 20)
	var failed, cured atomic.Int64
	f := &failing{kind: errorfs.OpIsWrite}
	mem := vfs.NewCrashableMem()
	o := testOptions(errorfs.Wrap(waltest.NewCrashFS(mem), f))
	var n *node
	var early atomic.Bool
	o.Events = Events{
		BackgroundError: func(error) {
			failed.Add(1)
			if n.store.DurableSequence() >= 30 {
				early.Store(true)
			}
		},
		Recovered: func() { cured.Add(1) },
	}
	n = openNode(t, w, o, smallShifts)
	for range 30 {
		n.step()
	}
	f.left.Store(3)
	n.checkpoint()
	if f.injected.Load() != 3 || failed.Load() == 0 || cured.Load() == 0 || early.Load() {
		t.Fatalf("injected %d, told %d, recovered %d, durable before: %v", f.injected.Load(), failed.Load(), cured.Load(), early.Load())
	}
	clone := mem.CrashClone(vfs.CrashCloneCfg{})
	n.close()
	n = openNode(t, w, testOptions(waltest.NewCrashFS(clone)), smallShifts)
	if n.sequence != 30 {
		t.Fatalf("loaded %d", n.sequence)
	}
	n.check()
	n.close()
}

// TestLoadFails: a read error is an error, never a fresh start.
func TestLoadFails(t *testing.T) {
	w := newWorld(t, 21, 40, 20)
	mem := vfs.NewMem()
	n := openNode(t, w, testOptions(mem), smallShifts)
	for range 40 {
		n.step()
	}
	n.checkpoint()
	n.close()
	refused := 0
	for i := int64(1); i <= 4; i++ {
		f := &failing{kind: errorfs.OpIsRead}
		s, err := Open("state", testOptions(errorfs.Wrap(mem, f)))
		if err != nil {
			t.Fatal(err)
		}
		f.left.Store(i)
		_, l, err := s.Load(LoadOptions{})
		if err == nil && l.Sequence != 40 { // the store's own background reads may have taken the errors
			t.Errorf("%d read errors: loaded sequence %d", f.injected.Load(), l.Sequence)
		}
		if err != nil {
			refused++
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Fatal("vacuous: nothing injected")
	}
}

// TestFatalNeverReturns: whatever the injected exit does, the goroutine ends.
func TestFatalNeverReturns(t *testing.T) {
	var told string
	returned := false
	var done sync.WaitGroup
	done.Go(func() {
		logger{exit: func(reason string) { told = reason }}.Fatalf("disk %d", 7)
		returned = true
	})
	done.Wait()
	if returned || told != "disk 7" {
		t.Errorf("returned %v, told %q", returned, told)
	}
}

func TestLayout(t *testing.T) {
	a, err := checkLayout()
	if err != nil || a == 0 {
		t.Fatalf("%x %v", a, err)
	}
	type padded struct {
		A uint8
		B uint32
	}
	type tail struct {
		A uint32
		B uint8
	}
	type pointer struct{ A *int }
	type good struct {
		A uint32
		B uint8
		_ [3]uint8
	}
	one := func(table table) error { return describe(new(strings.Builder), table.row, 0) }
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"padding":        {one(tableOf(1, "t", ledger.NewTable[padded](1))), true},
		"padding at end": {one(tableOf(1, "t", ledger.NewTable[tail](1))), true},
		"pointer":        {one(tableOf(1, "t", ledger.NewTable[pointer](1))), true},
		"blank field":    {one(tableOf(1, "t", ledger.NewTable[good](1))), false},
	} {
		if errors.Is(c.err, ErrLayout) != c.want {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	w := newWorld(f, 22, 30, 20)
	n := openNode(f, w, testOptions(vfs.NewMem()), smallShifts)
	for n.sequence < 30 {
		n.step()
		if n.sequence%10 == 0 {
			n.checkpoint()
		}
	}
	for _, r := range n.store.kept {
		f.Add(r.append(nil))
	}
	n.close()
	f.Fuzz(func(t *testing.T, body []byte) {
		number := uint64(0)
		if len(body) >= 8 {
			number = (&fields{b: body}).u64()
		}
		key := recordKey(number)
		value := appendSum(bytes.Clone(body), key, body)
		r, err := readRecord(key, value)
		if err != nil {
			return
		}
		again, err := readRecord(key, appendSum(r.append(nil), key, r.append(nil)))
		if err != nil || !bytes.Equal(again.append(nil), r.append(nil)) {
			t.Fatalf("round trip: %v", err)
		}
	})
}
