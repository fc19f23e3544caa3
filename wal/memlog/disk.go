package memlog

import (
	"errors"
	"slices"
	"sync"

	"gongji/wal"
)

// ErrInjected is the cause of every failure that a test asked for.
var ErrInjected = errors.New("memlog: injected failure")

// Disk is what survives: the records and mark of one log. Logs opened on it
// and the test that plays with it may use it from any goroutine. A Disk is its
// own fault injector; the counters say how often it really struck.
type Disk struct {
	mu      sync.Mutex
	change  sync.Cond
	created bool
	base    []byte   // encoded as a record 0, like pebblelog's
	records [][]byte // encoded; records[0] follows the base
	synced  int      // of records: what a crash cannot take
	torn    int      // bytes of a last, incomplete record
	mark    uint64
	open    bool

	copies map[string]*Disk // checkpoints

	appends, syncs       int // so far
	failAppend, failSync int // the n-th fails; 0 never
	keepOnFail           bool
	held                 bool
	heldUpTo             uint64
	injected             int
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	d := &Disk{copies: make(map[string]*Disk)}
	d.change.L = &d.mu
	return d
}

// FailAppend makes the n-th Append from now on fail with ErrNotCommitted, n
// from 1. The log is then latched.
func (d *Disk) FailAppend(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failAppend = d.appends + n
}

// FailSync makes the n-th sync from now on fail with ErrUnknown, n from 1. kept
// says what happened to the records it should have made durable: they will be
// found after a crash, or not.
func (d *Disk) FailSync(n int, kept bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failSync, d.keepOnFail = d.syncs+n, kept
}

// Hold makes Wait block until Release: the delay of the disk is the test's.
func (d *Disk) Hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.heldUpTo = true, 0
}

// Release lets every Wait for a record up to sequence go on; what was held
// above it stays held. ReleaseAll ends the holding.
func (d *Disk) Release(sequence uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heldUpTo = max(d.heldUpTo, sequence)
	d.change.Broadcast()
}

// ReleaseAll ends Hold.
func (d *Disk) ReleaseAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = false
	d.change.Broadcast()
}

// Injected is how many failures struck so far; a fault test with 0 proved nothing.
func (d *Disk) Injected() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.injected
}

// Crash returns the disk a crash at this moment leaves behind: all synced
// records, keepUnsynced of the staged ones behind them (staged records reach
// the disk in order), and tornBytes of the one after. The disk itself, and the
// log open on it, go on as if nothing had happened.
func (d *Disk) Crash(keepUnsynced, tornBytes int) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := NewDisk()
	after.created, after.base, after.mark = d.created, slices.Clone(d.base), d.mark
	whole := min(d.synced+keepUnsynced, len(d.records))
	for _, r := range d.records[:whole] {
		after.records = append(after.records, slices.Clone(r))
	}
	after.synced = whole
	if whole < len(d.records) {
		after.torn = min(tornBytes, len(d.records[whole])-1)
	}
	return after
}

// Damage flips one bit of the stored record with this sequence.
func (d *Disk) Damage(sequence uint64, bit int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.records[sequence-d.baseSequence()-1]
	r[bit/8] ^= 1 << (bit % 8)
}

// Cut removes the newest n records, durable or not: a rotten tail.
func (d *Disk) Cut(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records = d.records[:len(d.records)-n]
	d.synced = min(d.synced, len(d.records))
}

// At is the checkpoint written to dir, nil if there is none.
func (d *Disk) At(dir string) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies[dir]
}

// baseSequence is the record before the first kept one; the caller holds mu.
func (d *Disk) baseSequence() uint64 {
	if len(d.base) < wal.EncodedBytes(baseBytes) {
		return 0
	}
	return decodeSequence(d.base[wal.HeaderBytes:])
}
