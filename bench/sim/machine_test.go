package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/engine/state"
	"gongji/engine/state/idindex"
	"gongji/shard"
	"gongji/wal"
	"gongji/wal/memlog"
	"gongji/wal/waltest"
)

// Where simulated time begins, and how much of the log a torn last record may leave.
const (
	startMS     = 1_768_406_400_000 // 2026-01-15 00:00 +08:00
	tornMax     = 80                // bytes: inside head and payload of a record
	unsyncedMax = 5                 // records: one more than can be outstanding
	farAway     = 1 << 30           // the n-th append or sync that never comes
)

var identity = wal.Identity{Ledger: wal.ID{1}, Directory: wal.ID{2}}

// firstPolicy is in force from the beginning; clients bring others.
func firstPolicy(strategy uint8) model.Policy {
	return model.Policy{Version: 1, Strategy: strategy, SelfFirst: true, PayableParts: 3,
		PayablePlaces: 3, AllowedRelations: 1<<1 | 1<<2 | 1<<4 | 1<<5 | 1<<6 | 1<<7, MinBindMonths: 3, CancelReversible: true, Channels: []uint8{1}, Logins: [4][]uint8{{1}},
		RegistrationDays: 3, RegistrationKeep: 3, StayKeep: 5, OpenVisits: 3, VisitLines: 40, VisitRows: 1<<27 - 1}
}

// clock is the machine's, moved by the harness only.
type clock struct{ wall, mono int64 }

func (c *clock) Wall() int64      { return c.wall }
func (c *clock) Monotonic() int64 { return c.mono }

// keySource gives the randomness of day keys and remembers it, so that the model learns a key from its hash without the key file.
type keySource struct {
	r    *rand.Rand
	keys map[[32]byte][]byte
}

func (s *keySource) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(s.r.Uint32())
	}
	if len(b) == ledger.DayKeyBytes {
		s.keys[sha256.Sum256(b)] = append([]byte(nil), b...)
	}
	return len(b), nil
}

func (s *keySource) of(hash [32]byte) []byte { return s.keys[hash] }

// defect is what a test plants; each hook may be nil.
type defect struct {
	log    func(wal.Log) wal.Log           // around each opened log
	disk   func(*memlog.Disk) *memlog.Disk // between crash and restart
	lookup func(shard.IDs, int) shard.IDs  // around the id table; the restarts so far
	answer func([]sequencer.Result) bool   // changes an answer under way; tells whether it did
	sight  func(*sight) bool               // changes what somebody read; tells whether it did
}

// machine is what runs and crashes: the stepped engine with its disks.
type machine struct {
	swarm
	r        *rand.Rand
	clock    clock
	source   keySource
	keys     *engine.Keys
	disk     *memlog.Disk
	fs       *vfs.MemFS
	stepper  *engine.Stepper
	defect   defect
	restarts int
	injected int // failures of the log that struck disks gone by now
}

func newMachine(seed uint64, s swarm, d defect) (*machine, error) {
	m := &machine{swarm: s, r: rand.New(rand.NewPCG(seed, 2)), clock: clock{wall: startMS}, defect: d, disk: memlog.NewDisk(), fs: vfs.NewCrashableMem()}
	m.source = keySource{rand.New(rand.NewPCG(seed, 3)), map[[32]byte][]byte{}}
	var err error
	m.keys, err = engine.NewKeys(identity.Ledger, make([]byte, 32), make([]byte, 32), &m.source)
	return m, err
}

// open starts the engine from the disks. stopAfter records of replay the power goes again; negative: never.
func (m *machine) open(stopAfter int) error {
	disk, err := memlog.Open(m.disk, memlog.Options{Identity: identity})
	if err != nil {
		return err
	}
	var log wal.Log = disk
	if m.defect.log != nil {
		log = m.defect.log(log)
	}
	if stopAfter >= 0 {
		log = &cutLog{log, stopAfter}
	}
	m.stepper, err = engine.NewStepper(m.stepperOptions(log, m.shards, m.fs))
	if err != nil {
		m.stepper = nil
	}
	return err
}

func (m *machine) stepperOptions(log wal.Log, shards int, fs vfs.FS) engine.StepperOptions {
	o := engine.StepperOptions{Identity: identity, Keys: m.keys, Log: log, StateDir: "state", BatchCommands: m.batch, KeeperLags: m.lag,
		Shifts: ledger.Shifts{Person: 3, Institution: 1, Family: 2},
		IDs:    idindex.Options{Capacity: 64, Parts: 4, BlockEntries: 8, FanIn: 2, FilterBytesMax: 4 << 10}} // seals and merges often
	o.State = state.Options{FS: waltest.NewCrashFS(fs), MemTableBytes: 64 << 10, Exit: func(reason string) { panic(reason) }}
	o.Shards, o.ShardedCommandsMin, o.CheckpointBytes, o.Clock = shards, m.shardedMin, m.checkpoint, &m.clock
	o.FirstPolicy, o.FirstPolicyText = oracle.Policy(firstPolicy(m.strategy)), nil
	o.Fatal = func(error) {}
	if m.defect.lookup != nil {
		restarts := m.restarts
		o.LookupIDs = func(x shard.IDs) shard.IDs { return m.defect.lookup(x, restarts) }
	}
	return o
}

// cutLog ends a replay after some records.
type cutLog struct {
	wal.Log
	left int
}

var errCut = errors.New("power cut while replaying")

func (l *cutLog) Read(from uint64, visit func(wal.Record) error) error {
	return l.Log.Read(from, func(r wal.Record) error {
		if l.left--; l.left < 0 {
			return errCut
		}
		return visit(r)
	})
}

// crash takes what the disks keep in a power cut and drops the rest.
func (m *machine) crash() error {
	disk := m.disk.Crash(m.r.IntN(unsyncedMax), m.r.IntN(tornMax))
	// The clone draws as often as there are unsynced blocks, which is Pebble's affair: from a generator of its own.
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 100, m.r.IntN(101)}[m.r.IntN(3)], RNG: rand.New(rand.NewPCG(m.r.Uint64(), 4))}
	fs := m.fs.CrashClone(cfg)
	m.injected += m.disk.Injected()
	err := m.abandon()
	if m.defect.disk != nil {
		disk = m.defect.disk(disk)
	}
	m.disk, m.fs = disk, fs
	return err
}

// abandon ends the engine's goroutines. A log that has failed says so again, which is no news.
func (m *machine) abandon() error {
	s := m.stepper
	if m.stepper = nil; s == nil {
		return nil
	}
	failed := s.Failed() != nil
	if err := s.Abandon(); err != nil && !failed && !errors.Is(err, memlog.ErrInjected) {
		return fmt.Errorf("abandon: %w", err)
	}
	return nil
}

// stop ends the engine in order.
func (m *machine) stop() error {
	s := m.stepper
	m.stepper = nil
	if err := s.Close(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// heal takes back failures that have not struck yet.
func (m *machine) heal() {
	m.disk.FailAppend(farAway)
	m.disk.FailSync(farAway, false)
}

// replayed is the state of a new machine that has only the log, with another number of shards.
func (m *machine) replayed(visit func(*engine.Stepper) error) (err error) {
	log, err := memlog.Open(m.disk.Crash(0, 0), memlog.Options{Identity: identity})
	if err != nil {
		return err
	}
	s, err := engine.NewStepper(m.stepperOptions(log, 4/m.shards, vfs.NewMem()))
	if err != nil {
		return fmt.Errorf("replay from zero: %w", err)
	}
	return errors.Join(visit(s), s.Abandon())
}

func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
