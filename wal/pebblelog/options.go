package pebblelog

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

const (
	// memTableBytes is the size of one Pebble memtable, and so of one WAL file.
	// Every byte is flushed once whatever the size, so a bigger one saves
	// nothing: 64 MiB carried a fifth fewer records (DESIGN.md: cold memory,
	// longer bursts), and a restart has more to replay. A record above half of it makes Pebble
	// rotate for it alone; none of ours comes near.
	memTableBytes = 16 << 20
	// memTablesMax bounds the memory a slow flush can take: 8 x 16 MiB, then
	// Append stalls.
	memTablesMax = 8
	// flushBytesPerSync: a flush pushes its file to the disk in steps of this
	// size. Pebble's 512 KiB makes the log's syncs queue behind longer writes:
	// 128 KiB gave 14 to 22 % more records (DESIGN.md).
	flushBytesPerSync = 128 << 10
	// batchRetainedBytes: staging buffers up to this size are kept for the next
	// record; a 4,096-command batch has 0.5 to 2.5 MiB.
	batchRetainedBytes = 4 << 20
	// markInterval is the least time between two syncs of the mark file, so at
	// most this much of answered work is not provable (reliability.md F4).
	markInterval = 10 * time.Millisecond
	// cacheBytes: the log is read in order and rarely, so a small block cache.
	cacheBytes = 8 << 20
	// blockBytes: a record larger than this gets a block of its own. 128 KiB is
	// one 1,024-command batch; a smaller block only adds index entries. (At most
	// a 16th of the memtable, for tests: Pebble tries every bit of a damaged
	// block's first 40 KiB, some seconds for the blocks of big records.)
	blockBytes = 128 << 10
	// keepInL0 is a threshold no log reaches: sequences only grow, so the files
	// in L0 never overlap, a read looks at one of them, and compacting them
	// would copy every byte once more for nothing.
	keepInL0 = math.MaxInt32

	exitCode = 2 // of a process whose log failed (reliability.md P17)
)

// Options of a log. The zero value of every field but Identity is usable.
type Options struct {
	// Identity must be the one the directory was created with (ErrForeign).
	Identity wal.Identity
	// FS is the file system; nil is the operating system's.
	FS vfs.FS
	// Create makes a new log if the directory holds none. Without it a missing
	// log is an error: an unmounted disk must not become an empty ledger.
	Create bool
	// MarkPath is the mark file; "" is ACKED in the log's directory. A second
	// disk makes the proof independent of the first one.
	MarkPath string
	// NewMark replaces the mark by one at the log's end instead of comparing
	// with it. It is for an operator who restores a copy or has understood why
	// the mark is damaged: it gives up the proof that nothing is missing.
	NewMark bool
	// VerifyFrom is a position the caller knows to be right, from a checkpoint
	// for instance: the start verifies its link and all records behind it. Zero
	// verifies every kept record.
	VerifyFrom wal.Position
	// OnFatal is called once, on the goroutine that met the first failed write of
	// the log or its mark, also inside Open. nil prints one line naming file and
	// error to stderr and ends the process with exit code 2. A function that
	// returns leaves a log that refuses everything and must see to it that the
	// process ends; Pebble may panic on a goroutine of its own before that.
	OnFatal func(error)
	// Exit ends the process after Pebble's own Fatalf; nil is os.Exit. If it
	// returns, the goroutine is ended: Fatalf never returns (F1).
	Exit func(code int)
	// OnTornTail is told, before anything is changed, that bytes behind the last
	// whole record, beyond the mark, are being dropped. They are copied first.
	OnTornTail func(bytesDropped int64, lastSequence uint64)

	memTableBytes uint64         // tests: rotate early
	markInterval  time.Duration  // tests: marks at once
	onMark        func(n uint64) // tests: a mark is durable
}

func (o Options) withDefaults(dir string) Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.MarkPath == "" {
		o.MarkPath = o.FS.PathJoin(dir, markName)
	}
	if o.OnFatal == nil {
		o.OnFatal = func(err error) {
			line, _, _ := strings.Cut(err.Error(), "\n")
			fmt.Fprintln(os.Stderr, line)
			os.Exit(exitCode)
		}
	}
	if o.Exit == nil {
		o.Exit = os.Exit
	}
	if o.OnTornTail == nil {
		o.OnTornTail = func(int64, uint64) {}
	}
	if o.memTableBytes == 0 {
		o.memTableBytes = memTableBytes
	}
	if o.markInterval == 0 {
		o.markInterval = markInterval
	}
	if o.onMark == nil {
		o.onMark = func(uint64) {}
	}
	return o
}

// pebbleOptions are the store's options; the reasons are in wal/DESIGN.md.
func pebbleOptions(fs vfs.FS, log pebble.Logger, memTable uint64) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs,
		Logger:                      log,
		FormatMajorVersion:          pebble.FormatNewest, // F2
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: memTablesMax,
		CacheSize:                   cacheBytes,
		BytesPerSync:                flushBytesPerSync,
		L0CompactionThreshold:       keepInL0,
		L0CompactionFileThreshold:   keepInL0,
		L0StopWritesThreshold:       keepInL0,
		FlushSplitBytes:             math.MaxInt64 / 2,
		TargetByteDeletionRate:      0, // deletion pacing can hang Close
		DisableAutomaticCompactions: false,
	}
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = 4 * memTableBytes // one flush, one file
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	for i := range o.Levels {
		o.Levels[i].BlockSize = min(blockBytes, int(memTable/16))
		o.Levels[i].IndexBlockSize = o.Levels[i].BlockSize
	}
	// Without a handler Pebble ends the process at the first damaged block it
	// meets; we want the error, with the place, at the caller.
	o.EventListener = &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}
	o.Experimental.ReadSamplingMultiplier = -1 // no compactions because of reads
	return o
}
