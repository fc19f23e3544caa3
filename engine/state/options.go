package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Events of the store (design.md 7: a stall or background error above 2 s means not ready, above 30 s exit; the engine decides). Any may be nil.
type Events struct {
	StallBegin      func(reason string)
	StallEnd        func()
	BackgroundError func(error) // a flush or compaction failed; Pebble tries again
	Recovered       func()      // the first flush or compaction that succeeded after BackgroundError
	DiskSlow        func(operation string, lasting time.Duration)
}

// Settings of the store, for about 100 MB/s of values of 1 to 100 KB. Figures: DESIGN.md, "Numbers".
const (
	// MemTableBytesDefault: an eighth of a second of writes at full load. 64 MiB flushed in bursts that the log's syncs waited behind: bench core,
	// taking turns, 308, 643, 446 thousand settlements/s against 612, 758, 675 with 16 MiB.
	MemTableBytesDefault = 16 << 20
	// memTablesMax: Pebble stalls writers when so many memtables wait to be flushed; 2 s of writes, 256 MB.
	memTablesMax = 16
	// cacheBytes serves blocks named by reversals and statements, and the ids': what is asked is hours old and rarely asked twice. The tables are in memory anyway.
	cacheBytes = 16 << 20
	// tableFileBytes: 2 MiB files, Pebble's default, would be some hundred thousand for a province.
	tableFileBytes = 32 << 20
	// l0Stop: sublevels of L0 at which writers stall. Reads of the executor are few, so L0 may grow while a checkpoint passes.
	l0Stop = 192
	// l0Compact: sublevels of L0 at which a compaction begins. Within a prefix keys only grow, so L0 gets a sublevel only from pages and each
	// compaction takes over 1 GB at once: with Pebble's 4 a third of all bytes was written a third time. l0Files is out of the way of it.
	l0Compact = 48
	l0Files   = 4000
	// lbaseBytes: below this size L0 goes straight to the last level, so a byte is written twice (flush, compaction) and not three times.
	lbaseBytes = 64 << 30
	// syncBytes: files are synced as they grow, so that the sync at their end is short.
	syncBytes = 1 << 20
	// diskSlow is the time after which an operation is told as slow; the rule of 2 s is the engine's.
	diskSlow = time.Second
	// ExitCode of a process that Pebble ends.
	ExitCode = 3
)

func pebbleOptions(dir string, o *Options) (*pebble.Options, io.Closer) {
	p := &pebble.Options{
		FormatMajorVersion:          pebble.FormatNewest,
		DisableWAL:                  true, // the log can rebuild everything
		ReadOnly:                    o.ReadOnly,
		FS:                          o.FS,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: memTablesMax,
		CacheSize:                   cacheBytes,
		L0StopWritesThreshold:       l0Stop,
		L0CompactionThreshold:       l0Compact,
		L0CompactionFileThreshold:   l0Files,
		LBaseMaxBytes:               lbaseBytes,
		BytesPerSync:                syncBytes,
		TargetByteDeletionRate:      0, // delete at once: a paced deletion outlives the process
		Logger:                      logger{exit: o.Exit},
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
	}
	for i := range p.TargetFileSizes {
		p.TargetFileSizes[i] = tableFileBytes
	}
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	if p.MemTableSize == 0 {
		p.MemTableSize = MemTableBytesDefault
	}
	p.Experimental.SpanPolicyFunc = splitAtPrefix
	p.EventListener = listener(&o.Events)
	switch {
	case o.ReadOnly && o.FS == nil:
		p.FS = readOnlyFS{vfs.Default}
		return p, io.NopCloser(nil)
	case o.ReadOnly:
		p.FS = readOnlyFS{o.FS}
		return p, io.NopCloser(nil)
	case o.FS != nil:
		p.FS = markerFS{o.FS, dir, logger{exit: o.Exit}}
		return p, io.NopCloser(nil)
	}
	slow := func(info vfs.DiskSlowInfo) {
		if o.Events.DiskSlow != nil {
			o.Events.DiskSlow(info.OpType.String(), info.Duration)
		}
	}
	fs, closer := vfs.WithDiskHealthChecks(vfs.Default, diskSlow, nil, slow)
	p.FS = markerFS{fs, dir, logger{exit: o.Exit}}
	return p, closer
}

// readOnlyFS makes no lock file: a store that has none, as a copy, is nobody's.
type readOnlyFS struct{ vfs.FS }

// Lock takes the lock of a store that may be in use.
func (f readOnlyFS) Lock(name string) (io.Closer, error) {
	if _, err := f.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	return f.FS.Lock(name)
}

// splitAtPrefix makes Pebble end its files where a prefix ends. Within each prefix keys only grow, so files of one prefix do not overlap and
// compactions move them; files that spanned all prefixes overlapped one another and were rewritten again and again (13 % of all CPU time
// in bench core).
func splitAtPrefix(start []byte) (pebble.SpanPolicy, []byte, error) {
	if len(start) == 0 {
		return pebble.SpanPolicy{}, nil, nil
	}
	return pebble.SpanPolicy{}, []byte{start[0] + 1}, nil
}

func listener(e *Events) *pebble.EventListener {
	var failed atomic.Bool
	worked := func(err error) {
		if err == nil && failed.Swap(false) && e.Recovered != nil {
			e.Recovered()
		}
	}
	l := &pebble.EventListener{
		BackgroundError: func(err error) {
			failed.Store(true)
			if e.BackgroundError != nil {
				e.BackgroundError(err)
			}
		},
		// A damaged block is an error of the read that met it; Pebble's default would end the process from wherever it is noticed.
		DataCorruption: func(pebble.DataCorruptionInfo) {},
		FlushEnd:       func(i pebble.FlushInfo) { worked(i.Err) },
		CompactionEnd:  func(i pebble.CompactionInfo) { worked(i.Err) },
	}
	if e.StallBegin != nil {
		l.WriteStallBegin = func(i pebble.WriteStallBeginInfo) { e.StallBegin(i.Reason) }
	}
	l.WriteStallEnd = e.StallEnd
	return l
}

// logger drops Pebble's chatter; failures come as events. Fatalf never returns (reliability.md F1).
type logger struct{ exit func(string) }

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}

func (l logger) Fatalf(format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	if l.exit == nil {
		fmt.Fprintln(os.Stderr, "fatal: state:", reason)
		os.Exit(ExitCode)
	}
	l.exit(reason)
	runtime.Goexit()
}
