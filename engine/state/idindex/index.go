package idindex

import (
	"errors"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// ErrClosed says that the index was closed.
var ErrClosed = errors.New("idindex: closed")

// ErrCheckpoint says that a checkpoint was begun twice, or waited for without being begun.
var ErrCheckpoint = errors.New("idindex: checkpoint out of turn")

// Index is the index of all ids. One goroutine, the owner, calls everything; there are three exceptions: during a batch the owner of a
// part may call Find and Insert for keys of that part, WaitCheckpoint and ManifestDurable may be called from any one goroutine, and
// Err from anywhere. Between batches a barrier hands everything back to the owner.
type Index struct {
	db     *pebble.DB
	o      Options
	worker *worker

	active  *table
	sealing *table // the table being written; nil once the view contains its run
	handed  uint64 // seals handed to the worker
	view    *view

	checkpoint atomic.Bool // begun and not yet waited for
	closed     atomic.Bool
	fetch      fetchScratch
	fetches    fetchCounters
	sealWaits  uint64
}

// PartOf is the part of a key under parts parts (a power of two): its top bits.
func PartOf(key Key, parts int) int {
	hi, _ := key.halves()
	o := Options{Parts: parts}
	return int(hi >> (64 - uint(o.partBits())))
}

// Insert adds an entry whose key the caller has found absent. During a batch: only the owner of the key's part. The only error is
// ErrTableFull, which means that the caller broke BatchIDsMax; the entry was then not taken. A key inserted twice is found out when its
// runs meet and ends in ErrOrder.
func (ix *Index) Insert(e Entry) error {
	return ix.active.insert(makeRecord(&e))
}

// Advance is called by the owner between batches, before more than BatchIDsMax further inserts: it takes over finished background
// work and seals the table if it is due. blocked says that it had to wait for the seal before.
func (ix *Index) Advance() (blocked bool, err error) {
	if err := ix.Err(); err != nil {
		return false, err
	}
	ix.adopt()
	if !ix.active.reached(ix.o.sealMark()) {
		return false, nil
	}
	return ix.seal(false)
}

// Seal hands the recent table to the background and goes on with the spare one. It returns at once unless the seal before is still
// being written; blocked says that it was. An empty table is not sealed. Owner only, between batches.
func (ix *Index) Seal() (blocked bool, err error) {
	if err := ix.Err(); err != nil {
		return false, err
	}
	return ix.seal(false)
}

func (ix *Index) seal(manifest bool) (blocked bool, err error) {
	ix.adopt()
	job := sealJob{manifest: manifest}
	if ix.active.count() > 0 {
		var spare *table
		if spare, blocked, err = ix.takeSpare(); err != nil {
			return blocked, err
		}
		job.table = ix.active
		ix.sealing, ix.active = ix.active, spare
		ix.handed++
	}
	if job.table != nil || manifest {
		ix.worker.jobs <- job // has room: at most one seal and one empty checkpoint are under way
	}
	return blocked, nil
}

// takeSpare waits until the seal before is in a run and its table is clear again.
func (ix *Index) takeSpare() (spare *table, blocked bool, err error) {
	for {
		if ix.sealing == nil {
			select {
			case spare = <-ix.worker.clean:
				return spare, blocked, nil
			default:
			}
		}
		if !blocked {
			blocked = true
			ix.sealWaits++
		}
		var clean chan *table
		if ix.sealing == nil {
			clean = ix.worker.clean
		}
		select {
		case spare = <-clean:
			return spare, blocked, nil
		case <-ix.worker.progress:
			ix.adopt()
		case <-ix.worker.ended:
			return nil, blocked, ix.Err()
		}
	}
}

// adopt takes over the newest view, and sends the table that it contains to be cleared.
func (ix *Index) adopt() {
	v := ix.worker.published.Load()
	if v == ix.view {
		return
	}
	ix.view = v
	ix.worker.adopted.Store(v.generation)
	if ix.sealing != nil && v.seals == ix.handed {
		ix.worker.dirty <- ix.sealing // has room: there are two tables
		ix.sealing = nil
	}
	signal(ix.worker.wake)
}

// Err returns what went wrong in the background, or ErrClosed. The index is of no more use then; the caller ends the process.
func (ix *Index) Err() error {
	if err := ix.worker.failure.Load(); err != nil {
		return *err
	}
	if ix.closed.Load() {
		return ErrClosed
	}
	return nil
}

// Close stops the background work and returns the error kept, if any. What was not in a durable manifest is lost, as in a crash.
func (ix *Index) Close() error {
	if !ix.closed.Swap(true) {
		close(ix.worker.stop)
	}
	<-ix.worker.ended
	if err := ix.worker.failure.Load(); err != nil {
		return *err
	}
	return nil
}
