package engine

import (
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"time"

	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/engine/policy"
	"gongji/engine/sequencer"
	"gongji/engine/state"
	"gongji/shard"
)

// Options of an engine. Only Dir and KeyFile are needed. Nothing here can change an outcome: what can is a ledger parameter set by a
// logged command.
type Options struct {
	Dir     string // the ledger's directory: identity, log, state
	KeyFile string // outside Dir; see Keys
	Create  bool   // make a new ledger if Dir holds none
	// MarkFile is where the acknowledged-up-to mark lies; "" is inside the log's directory. A second disk makes the proof independent.
	MarkFile string
	// NewMark accepts the log's end as it is found, for restores and copies.
	NewMark bool
	// Shards is the number of shards, rounded down to a power of two; 0: one a core.
	Shards int
	// ShardedCommandsMin is the smallest batch given to the shards; 0: executor.ShardedCommandsMin.
	ShardedCommandsMin int
	// CheckpointBytes of log after which a checkpoint is begun; 0: CheckpointBytesDefault, or more where the pages of a checkpoint are so many that writing them would
	// cost more than pagesPerLogByte allows.
	CheckpointBytes int64
	// Clock of ledger time; nil: the machine's.
	Clock sequencer.Clock
	// FirstPolicy is logged when a new ledger is made, effective at once; without a version it is Hubei. FirstPolicyText is the canonical text
	// of its profile; without it the logged policy has no hash.
	FirstPolicy     ledger.Policy
	FirstPolicyText []byte
	// HousekeepingInterval between looks at day keys and ticks; 0: HousekeepingIntervalDefault. Negative: none (tests drive it).
	HousekeepingInterval time.Duration
	// Archive is a directory for sealed segments of the log: behind each checkpoint those that are complete go there and the log is truncated. It is made if
	// it is missing. "": nothing is deleted, ever.
	Archive string
	// Quarantine takes out the one command whose execution kills this start, and no other (ErrQuarantine): its outcome is quarantined from now on, on every
	// replay. Sequence, Index and Reason are looked at. nil: none. It is the operator's word in a durable record, so it may change an outcome.
	Quarantine *Quarantine
	// Fatal ends the process after a failure of log or state; nil prints one line and exits with FatalExitCode. It may return in tests: the
	// engine then answers nothing any more.
	Fatal func(error)
	// Observe is told the times of each batch by the goroutine that has just answered it, one after the other; it must be short. nil: nobody measures, and
	// no clock is read for it.
	Observe func(BatchTimes)
	// Report is told what an operator should know: torn tails, checkpoints, stalls. nil: nobody. Never personal data.
	Report func(event string, values map[string]any)

	stretch        bool                      // CheckpointBytes may grow with the pages
	archiveSegment int64                     // tests: bytes of a complete segment; 0: archive.SegmentBytes
	lookupIDs      func(shard.IDs) shard.IDs // tests: a lens on the id table that plants a panic; nil: none
	beforeKeep     func()                    // tests: delays the keeper, which then keeps small batches too
	rig            rig
}

// rig is what tests put in the place of the machine. The zero value is the product's.
type rig struct {
	fs        state.FS         // of identity, log and state; nil: the operating system's
	now       func() time.Time // of health; nil: time.Now
	cut       func(*places)    // how log, state and ids are cut; nil: as the product does
	recovered func(*core)      // told when the log has been replayed, before anything is logged; nil: nobody
}

const (
	// CheckpointBytesDefault keeps the tail to replay at about two million commands: 2 to 3 s (README, "Restart").
	CheckpointBytesDefault = 256 << 20
	// pagesPerLogByte bounds what checkpoints write beside the log: with it, journal, ids and log, at most 4 bytes go to the device for each byte of a command
	// (bench/README.md). At 10,000,000 persons, where every page is written each time, the tail grows to some 4 million commands.
	pagesPerLogByte = 1.5
	// HousekeepingIntervalDefault is short against a day and long against a batch.
	HousekeepingIntervalDefault = 5 * time.Second
	// TickAfter without traffic a tick is logged, so that ledger time goes on.
	TickAfter = time.Minute
	// FatalExitCode of a process whose log or state failed.
	FatalExitCode = 3
	// DayKeysAhead is how many days ahead a sealed day key lies in the log (design.md 5 says at least 7).
	DayKeysAhead = 8
)

// Hubei is what the ledger keeps of the shipped profile "hubei": own account, then authorizers drawn at random.
var Hubei = hubei.Ledger()

var hubei = policy.MustShipped("hubei")

const _ = uint(command.ProfileMax - policy.CanonicalMax) // a profile's text fits its command

func (o Options) withDefaults() Options {
	if o.Shards <= 0 {
		o.Shards = runtime.GOMAXPROCS(0)
	}
	o.Shards = 1 << (bits.Len(uint(min(o.Shards, shard.ShardsMax))) - 1) // the power of two below
	if o.ShardedCommandsMin == 0 {
		o.ShardedCommandsMin = executor.ShardedCommandsMin
	}
	if o.CheckpointBytes == 0 {
		o.CheckpointBytes, o.stretch = CheckpointBytesDefault, true
	}
	if o.Clock == nil {
		o.Clock = sequencer.NewSystemClock()
	}
	if o.FirstPolicy.Version == 0 {
		o.FirstPolicy, o.FirstPolicyText = Hubei, hubei.Canonical()
	}
	if o.HousekeepingInterval == 0 {
		o.HousekeepingInterval = HousekeepingIntervalDefault
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) {
			fmt.Fprintln(os.Stderr, "fatal:", err)
			os.Exit(FatalExitCode)
		}
	}
	if o.rig.now == nil {
		o.rig.now = time.Now
	}
	if o.Report == nil {
		o.Report = func(string, map[string]any) {}
	}
	return o
}
