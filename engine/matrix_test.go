package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/model"
	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/state"
	"gongji/engine/state/idindex"
	"gongji/wal"
	"gongji/wal/memlog"
	"gongji/wal/waltest"
)

// surroundings are what a replay must not depend on.
type surroundings struct {
	procs, gc, shards int
	zone              *time.Location
	from              int // state image that it starts from; 0: none, from the first record on
}

func (s surroundings) String() string {
	return fmt.Sprintf("procs=%d gc=%d shards=%d zone=%s from=%d", s.procs, s.gc, s.shards, s.zone, s.from)
}

// in runs f in the surroundings and puts the process back.
func (s surroundings) in(f func()) {
	procs, gc, zone := runtime.GOMAXPROCS(s.procs), debug.SetGCPercent(s.gc), time.Local
	time.Local = s.zone
	defer func() {
		runtime.GOMAXPROCS(procs)
		debug.SetGCPercent(gc)
		time.Local = zone
	}()
	f()
}

// matrix is every number of processors with every collector and number of shards, in changing zones.
func matrix() (out []surroundings) {
	zones := []*time.Location{time.UTC, time.FixedZone("west", -10*3600), time.FixedZone("east", 13*3600+2700)}
	for _, procs := range []int{1, 2, 8} {
		for _, gc := range []int{10, -1} {
			for _, shards := range []int{1, 2, 4, 8} {
				out = append(out, surroundings{procs, gc, shards, zones[len(out)%len(zones)], 0})
			}
		}
	}
	return out
}

type drawnKeys struct{ r *rand.Rand }

func (d drawnKeys) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(d.r.Uint32())
	}
	return len(b), nil
}

// bench of one log and the states it had on its way.
type replays struct {
	t      *testing.T
	clock  *steppedClock
	keys   *engine.Keys
	disk   *memlog.Disk
	images []*vfs.MemFS
}

var matrixIdentity = wal.Identity{Ledger: wal.ID{12}, Directory: wal.ID{13}}

// open starts an engine on a copy of the log, and tells the checkpoint it began from.
func (r *replays) open(disk *memlog.Disk, mem *vfs.MemFS, shards int) (e *engine.Engine, checkpoint uint64) {
	r.t.Helper()
	log, err := memlog.Open(disk, memlog.Options{Identity: matrixIdentity})
	must(r.t, err)
	o := engine.StepperOptions{Identity: matrixIdentity, Keys: r.keys, Log: log, StateDir: "state", State: state.Options{FS: waltest.NewCrashFS(mem), MemTableBytes: 1 << 20},
		IDs: idindex.Options{Capacity: 1 << 10, Parts: 4, BlockEntries: 16, FanIn: 3, FilterBytesMax: 1 << 20}}
	policy := engine.Hubei
	policy.Evouchers = 0
	o.Clock, o.Shards, o.ShardedCommandsMin, o.CheckpointBytes, o.FirstPolicy, o.HousekeepingInterval = r.clock, shards, 1, 1<<40, policy, -1
	o.Fatal = func(err error) { r.t.Error(err) }
	o.Report = func(event string, values map[string]any) {
		if event == "recovered" {
			checkpoint, _ = values["checkpoint_sequence"].(uint64)
		}
	}
	e, err = engine.OpenOn(o)
	must(r.t, err)
	return e, checkpoint
}

// live runs hostile batches of the model and keeps the log with some of its states.
func (r *replays) live(batches []model.Batch, states int) digest {
	r.t.Helper()
	mem := vfs.NewCrashableMem()
	r.clock.wall = batches[0].TimeMS
	e, _ := r.open(r.disk, mem, 2)
	for i, b := range batches {
		r.clock.wall = b.TimeMS
		must(r.t, e.Housekeep())
		send(r.t, e, withoutDayKeys(b))
		if (i+1)%(len(batches)/(states+1)) == 0 && len(r.images) < states {
			must(r.t, e.Close()) // with a checkpoint
			r.images = append(r.images, mem.CrashClone(vfs.CrashCloneCfg{}))
			e, _ = r.open(r.disk, mem, 2)
			must(r.t, e.ConfirmClock())
		}
	}
	last := digestOf(r.t, e)
	must(r.t, e.Abandon())
	return last
}

// TestReplayMatrix (T12, P14): one log gives the same effect chain and state hash with any number of processors and shards, any collector, in any time zone, from zero and
// from each state it had on its way; and so does the log of the past that lies in testdata.
func TestReplayMatrix(t *testing.T) {
	l := proof.New("T12", "matrix").Seed(12)
	g := model.NewGenerator(12)
	var batches []model.Batch
	for _, s := range g.Setup() {
		batches = append(batches, s.Batch)
	}
	for n := range proof.Of(240) {
		if n%4 == 0 {
			batches = append(batches, g.MixedBatch(50).Batch)
		} else {
			batches = append(batches, g.MoneyBatch(200).Batch)
		}
	}
	r := &replays{t: t, clock: &steppedClock{}, disk: memlog.NewDisk()}
	var err error
	r.keys, err = engine.NewKeys(matrixIdentity.Ledger, make([]byte, 32), make([]byte, 32), drawnKeys{rand.New(rand.NewPCG(12, 12))})
	must(t, err)
	const states = 3
	want := r.live(batches, states)
	variants := matrix()
	for i := range states {
		for _, shards := range []int{1, 2, 4, 8} {
			variants = append(variants, surroundings{1 + i, 50, shards, time.FixedZone("far", -12*3600), i + 1})
		}
	}
	differ, tails := 0, 0
	for _, v := range variants {
		v.in(func() {
			mem := vfs.NewCrashableMem()
			if v.from > 0 {
				mem = r.images[v.from-1].CrashClone(vfs.CrashCloneCfg{})
			}
			e, checkpoint := r.open(r.disk.Crash(0, 0), mem, v.shards)
			if v.from > 0 && checkpoint > 0 && checkpoint < want.sequence {
				tails++
			}
			if got := digestOf(t, e); got != want {
				differ++
				t.Errorf("%s: at %d chain %x state %x, live it was %d %x %x", v, got.sequence, got.chain[:4], got.hash[:4], want.sequence, want.chain[:4], want.hash[:4])
			}
			must(t, e.Abandon())
		})
	}
	differ += goldenVariants(t, l)
	l.AtLeast("batches", int64(want.sequence), int64(len(batches))).AtLeast("variants", int64(len(variants)), 36).AtLeast("tails", int64(tails), 4*states).
		Word("chain", fmt.Sprintf("%x", want.chain[:6])).Word("state", fmt.Sprintf("%x", want.hash[:6])).Zero("differ", int64(differ)).Print(t)
}

// goldenVariants replays the golden log in the corners of the matrix.
func goldenVariants(t *testing.T, l *proof.Line) (differ int) {
	t.Helper()
	log, err := os.ReadFile("testdata/golden-0.batches")
	must(t, err)
	want, err := os.ReadFile("testdata/golden-0.digests")
	must(t, err)
	corners := []surroundings{{1, 10, 8, time.FixedZone("west", -10*3600), 0}, {8, -1, 1, time.UTC, 0}, {8, 10, 4, time.FixedZone("east", 14*3600), 0}, {1, -1, 2, time.UTC, 0}}
	for _, v := range corners {
		v.in(func() {
			got, commands := engine.ReplayBatches(t, log, v.shards)
			if got != string(want) || commands == 0 {
				differ++
				t.Errorf("golden log, %s: the digests are others", v)
			}
		})
	}
	l.AtLeast("golden", int64(len(corners)), 4)
	return differ
}
