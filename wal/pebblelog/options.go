package pebblelog

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

const (
	// segmentBytes is the size at which the next segment begins. A rotation costs
	// a few syncs, which nobody can measure from 16 MiB to 256 MiB (DESIGN.md);
	// a start reads one segment from its beginning, 64 MiB in about 0.1 s.
	segmentBytes = 64 << 20
	// indexStepBytes is the least distance of two places of a segment's index in
	// memory: 16 bytes for 256 KiB are 64 MiB for a log of 1 TiB, and a Get reads
	// half of 256 KiB before its record.
	indexStepBytes = 256 << 10
	// bufferRetainedBytes: a staging buffer up to this size is kept for the next
	// record; a 4,096-command batch has 0.5 to 2.5 MiB.
	bufferRetainedBytes = 4 << 20
	// markInterval is the least time between two syncs of the mark file, so at
	// most this much of answered work is not provable (reliability.md F4).
	markInterval = 10 * time.Millisecond

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
	// process ends.
	OnFatal func(error)
	// Exit ends the process for a nil OnFatal; nil is os.Exit. If it returns, the
	// log refuses everything for ever.
	Exit func(code int)
	// OnTornTail is told, before anything is changed, that bytes behind the last
	// whole record, beyond the mark, are being dropped. They are copied first.
	OnTornTail func(bytesDropped int64, lastSequence uint64)
	// Judged, if set, is called when what is there has been found good, under the
	// directory's lock and before its first byte changes: what the caller has to
	// judge himself comes here. Its error refuses the start and changes nothing.
	Judged func() error
	// SegmentBytes at which the next segment begins; 0: 64 MiB.
	SegmentBytes int64
	// ReadOnly opens for reading and verifying: no byte changes, a torn tail is
	// told and not read, Append and Truncate are ErrReadOnly. A directory that is
	// being written is wal.ErrLocked; a copy without a LOCK file gets none.
	ReadOnly bool

	markInterval time.Duration  // tests: marks at once
	onMark       func(n uint64) // tests: a mark is durable
}

func (o Options) withDefaults(dir string) Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.MarkPath == "" {
		o.MarkPath = o.FS.PathJoin(dir, markName)
	}
	if o.Exit == nil {
		o.Exit = os.Exit
	}
	if exit := o.Exit; o.OnFatal == nil {
		o.OnFatal = func(err error) {
			line, _, _ := strings.Cut(err.Error(), "\n")
			fmt.Fprintln(os.Stderr, line)
			exit(exitCode)
		}
	}
	if o.OnTornTail == nil {
		o.OnTornTail = func(int64, uint64) {}
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = segmentBytes
	}
	if o.Judged == nil {
		o.Judged = func() error { return nil }
	}
	if o.markInterval == 0 {
		o.markInterval = markInterval
	}
	if o.onMark == nil {
		o.onMark = func(uint64) {}
	}
	return o
}
