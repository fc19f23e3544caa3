package idindex

// view is the set of runs as the owner sees it. It is immutable; the worker publishes new ones, the owner adopts them between batches.
type view struct {
	generation uint64
	seals      uint64 // seals whose runs are contained
	runs       []viewRun
	filters    []filter // of the runs that have one
	blind      []*run   // the runs that have none
}

// viewRun is a run with its filter, nil if it has none in memory.
type viewRun struct {
	*run
	filter filter
}

func newView(generation, seals uint64, live []*liveRun) *view {
	v := &view{generation: generation, seals: seals}
	for _, l := range live {
		v.runs = append(v.runs, viewRun{run: l.run, filter: l.filter})
		if l.filter != nil {
			v.filters = append(v.filters, l.filter)
		} else {
			v.blind = append(v.blind, l.run)
		}
	}
	return v
}

// mayContain tells whether any run may hold the key. Memory only.
func (v *view) mayContain(hi, lo uint64) bool {
	for _, f := range v.filters {
		if f.mayContain(hi, lo) {
			return true
		}
	}
	for _, r := range v.blind {
		if r.inRange(hi, lo) {
			return true
		}
	}
	return false
}

// mayContain tells whether this run may hold the key.
func (r *viewRun) mayContain(hi, lo uint64) bool {
	if !r.inRange(hi, lo) {
		return false
	}
	return r.filter == nil || r.filter.mayContain(hi, lo)
}
