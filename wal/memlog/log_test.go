package memlog

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"gongji/wal"
	"gongji/wal/waltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	waltest.Run(t, func(t *testing.T) waltest.Place {
		disk := NewDisk()
		return waltest.Place{
			Open:          func(id wal.Identity) (wal.Log, error) { return openLog(disk, id) },
			CheckpointDir: "copy",
			OpenCheckpoint: func(id wal.Identity) (wal.Log, error) {
				return openLog(disk.At("copy"), id)
			},
			FailSyncs: func() { disk.FailSync(1, false) },
			Injected:  disk.Injected,
		}
	})
}

// openLog keeps a nil *Log from becoming a non-nil wal.Log.
func openLog(disk *Disk, id wal.Identity) (wal.Log, error) {
	l, err := Open(disk, Options{Identity: id})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func mustOpen(t *testing.T, disk *Disk, o Options) *Log {
	t.Helper()
	o.Identity = waltest.Identity
	l, err := Open(disk, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustAppend(t *testing.T, l *Log) wal.Commit {
	t.Helper()
	c, err := l.Append(waltest.Payload(l.Last() + 1))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCrash(t *testing.T) {
	disk := NewDisk()
	l := mustOpen(t, disk, Options{})
	for range 3 {
		mustAppend(t, l)
	}
	if err := mustAppend(t, l).Wait(); err != nil { // 4 durable
		t.Fatal(err)
	}
	mustAppend(t, l)
	mustAppend(t, l)
	for keep, want := range []uint64{4, 5, 6, 6} {
		var dropped int64
		after := mustOpen(t, disk.Crash(keep, 50), Options{OnTornTail: func(n int64, _ uint64) { dropped = n }})
		if after.Last() != want || after.Mark() != want {
			t.Fatalf("kept %d staged: last %d mark %d, want %d", keep, after.Last(), after.Mark(), want)
		}
		if torn := keep < 2; torn != (dropped == 50) {
			t.Fatalf("kept %d staged: %d bytes dropped", keep, dropped)
		}
	}
}

func TestFailures(t *testing.T) {
	for _, kept := range []bool{false, true} {
		disk := NewDisk()
		var fatal []error
		l := mustOpen(t, disk, Options{OnFatal: func(err error) { fatal = append(fatal, err) }})
		disk.FailSync(2, kept)
		if err := mustAppend(t, l).Wait(); err != nil {
			t.Fatal(err)
		}
		err := mustAppend(t, l).Wait()
		if !errors.Is(err, wal.ErrUnknown) || !errors.Is(err, ErrInjected) || len(fatal) != 1 || disk.Injected() != 1 {
			t.Fatalf("%v, %d fatal, %d injected", err, len(fatal), disk.Injected())
		}
		want := uint64(1)
		if kept {
			want = 2
		}
		if after := mustOpen(t, disk.Crash(0, 0), Options{}); after.Last() != want {
			t.Fatalf("kept %v: last %d after the crash", kept, after.Last())
		}
	}
	disk := NewDisk()
	l := mustOpen(t, disk, Options{})
	disk.FailAppend(2)
	c := mustAppend(t, l)
	if _, err := l.Append(nil); !errors.Is(err, wal.ErrNotCommitted) || disk.Injected() != 1 {
		t.Fatalf("failed Append: %v", err)
	}
	if err := c.Wait(); !errors.Is(err, wal.ErrUnknown) {
		t.Fatalf("Wait after the log failed: %v", err)
	}
}

func TestHold(t *testing.T) {
	disk := NewDisk()
	l := mustOpen(t, disk, Options{})
	one, two := mustAppend(t, l), mustAppend(t, l)
	disk.Hold()
	done := make(chan error)
	go func() { done <- two.Wait() }()
	disk.Release(1)
	if err := one.Wait(); err != nil {
		t.Fatal(err)
	}
	if l.Committed() != 1 {
		t.Fatalf("committed %d while 2 is held", l.Committed())
	}
	select {
	case err := <-done:
		t.Fatalf("held Wait returned: %v", err)
	default:
	}
	disk.ReleaseAll()
	if err := <-done; err != nil || l.Committed() != 2 {
		t.Fatalf("%v, committed %d", err, l.Committed())
	}
}

func TestDamage(t *testing.T) {
	disk := NewDisk()
	l := mustOpen(t, disk, Options{})
	for range 5 {
		if err := mustAppend(t, l).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	var corruption *wal.CorruptionError
	flipped := disk.Crash(0, 0)
	flipped.Damage(3, 777)
	if _, err := Open(flipped, Options{Identity: waltest.Identity}); !errors.As(err, &corruption) || corruption.Sequence != 3 {
		t.Fatalf("damaged record: %v", err)
	}
	cut := disk.Crash(0, 0)
	cut.Cut(2)
	if _, err := Open(cut, Options{Identity: waltest.Identity}); !errors.As(err, &corruption) || corruption.Sequence != 4 {
		t.Fatalf("cut log: %v", err)
	}
}
