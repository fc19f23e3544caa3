package idindex

import (
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// What the worker does to stay within bounds: deleting runs that nothing names, and keeping the filters inside their budget.

// deleteRetired deletes the runs that the owner no longer reads and that no manifest the store could come back with names: a crash
// may bring back any state since the last durable manifest, so that one's blocks stay.
func (w *worker) deleteRetired() (bool, error) {
	adopted, durable := w.adopted.Load(), w.durable.Load()
	worked := false
	kept := w.retired[:0]
	for _, r := range w.retired {
		if r.generation > adopted || (r.lastNamed != 0 && r.lastNamed >= durable) {
			kept = append(kept, r)
			continue
		}
		if err := deleteRun(w.db, w.o.Prefix, r.number); err != nil {
			return true, err
		}
		w.count.runsDeleted.Add(1)
		worked = true
	}
	w.retired = kept
	return worked, nil
}

func deleteRun(db *pebble.DB, prefix byte, number uint64) error {
	lower := appendRunStart(nil, prefix, number)
	upper := appendRunStart(nil, prefix, number+1)
	if err := db.DeleteRange(lower, upper, pebble.NoSync); err != nil {
		return fmt.Errorf("idindex: delete run %d: %w", number, err)
	}
	return nil
}

// filterBytes is all filter memory: in use, being built, and given up but perhaps still read by the owner.
func (w *worker) filterBytes() int64 {
	n := int64(0)
	for _, l := range w.live {
		n += int64(len(l.filter)) * lineBytes
	}
	for _, t := range w.tasks {
		n += t.filter
	}
	adopted := w.adopted.Load()
	w.releases = slices.DeleteFunc(w.releases, func(r release) bool { return r.generation <= adopted })
	for _, r := range w.releases {
		n += r.bytes
	}
	return n
}

// filterFits tells whether the filter of a run of count entries has room now.
func (w *worker) filterFits(count uint64) bool {
	return w.filterBytes()+int64(filterLines(count))*lineBytes <= w.o.FilterBytesMax
}

// makeRoom is filterFits for a new run, which matters more than any large one: merges in progress give up the filter they build (it is
// in the store as well, and is loaded again when there is room).
func (w *worker) makeRoom(count uint64) bool {
	for !w.filterFits(count) {
		var largest *mergeTask
		for _, t := range w.tasks {
			if t.filter > 0 && (largest == nil || t.filter > largest.filter) {
				largest = t
			}
		}
		if largest == nil {
			return false
		}
		largest.filter, largest.writer.keep, largest.writer.kept = 0, false, nil
	}
	return true
}

// releaseFilter gives up a run's filter with the next view.
func (w *worker) releaseFilter(l *liveRun) {
	if l.filter == nil {
		return
	}
	w.releases = append(w.releases, release{generation: w.generation + 1, bytes: int64(len(l.filter)) * lineBytes})
	l.filter = nil
}

// balance drops the filters of the largest runs while the wanted ones exceed the budget, and loads one that is wanted, missing and
// has room. Smaller runs come first: a byte spent on them saves as many reads, and there are more of them to ask.
func (w *worker) balance() (bool, error) {
	if !w.unbalanced {
		return false, nil
	}
	w.unbalanced = false
	ordered := slices.Clone(w.live)
	slices.SortFunc(ordered, func(a, b *liveRun) int {
		if a.count != b.count {
			return compareUint(a.count, b.count)
		}
		return compareUint(b.number, a.number)
	})
	wanted, changed := int64(0), false
	for _, l := range ordered {
		wanted += int64(l.lines) * lineBytes
		if wanted > w.o.FilterBytesMax {
			if l.filter != nil {
				w.releaseFilter(l)
				w.count.filtersDropped.Add(1)
				changed = true
			}
			continue
		}
		if l.filter != nil || l.merging || !w.linesFit(l.lines) {
			continue
		}
		f, err := loadFilter(w.db, w.o.Prefix, &l.runMeta)
		if err != nil {
			return true, err
		}
		l.filter = f
		w.count.filtersLoaded.Add(1)
		changed = true
	}
	if changed {
		w.publish()
		w.unbalanced = false // until the owner adopts, nothing more can change
	}
	return changed, nil
}

// linesFit is filterFits for a filter whose stored size is known: its rule may have been another when it was written.
func (w *worker) linesFit(lines uint64) bool {
	return w.filterBytes()+int64(lines)*lineBytes <= w.o.FilterBytesMax
}

func compareUint(a, b uint64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// sortRuns orders runs by number, the order of a manifest.
func sortRuns(runs []runMeta) {
	slices.SortFunc(runs, func(a, b runMeta) int { return compareUint(a.number, b.number) })
}
