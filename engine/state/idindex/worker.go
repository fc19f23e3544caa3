package idindex

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// worker is the background goroutine: it turns sealed tables into runs, merges runs, builds manifests and deletes what no manifest
// names. One goroutine owns the list of runs, so nothing here is locked. Work is taken in small steps, the most urgent first.
type worker struct {
	db *pebble.DB
	o  *Options

	// Owned by the worker goroutine.
	live       []*liveRun
	tasks      []*mergeTask // at most one a size class
	retired    []retiredRun
	releases   []release
	pending    *sealJob // taken from jobs, waiting for merges (RunsMax)
	nextRun    uint64
	version    uint64 // of the newest manifest
	generation uint64 // of the newest view
	seals      uint64
	unbalanced bool // filters may have to be dropped or loaded
	sorter     partSorter

	// Between the owner and the worker.
	jobs      chan sealJob // a seal, and behind it a checkpoint of an empty table
	dirty     chan *table  // tables to clear
	clean     chan *table  // the cleared one
	manifests chan manifestResult
	wake      chan struct{}      // something changed for the worker
	progress  chan struct{}      // a view was published
	idle      chan chan struct{} // answered when there is nothing to do; tests
	stop      chan struct{}
	ended     chan struct{}

	published atomic.Pointer[view]
	adopted   atomic.Uint64 // generation of the view the owner uses
	durable   atomic.Uint64 // newest manifest the caller has made durable
	built     atomic.Uint64 // newest manifest version
	failure   atomic.Pointer[error]
	count     counters
}

// counters are read by Stats.
type counters struct {
	seals, merges, mergedEntries, runsDeleted, filtersLoaded, filtersDropped atomic.Uint64
	filterBytes                                                              atomic.Int64
}

// liveRun is a run that is part of the state.
type liveRun struct {
	*run
	filter    filter
	lastNamed uint64 // newest manifest version that names it, 0 if none
	merging   bool
}

// retiredRun is a run that is no longer part of the state but still in the store.
type retiredRun struct {
	number, generation, lastNamed uint64
}

// release is filter memory that the owner may still be reading until it adopts generation.
type release struct {
	generation uint64
	bytes      int64
}

type sealJob struct {
	table    *table // nil: nothing to seal
	manifest bool
}

type manifestResult struct {
	bytes   []byte
	version uint64
}

func newWorker(db *pebble.DB, o *Options) *worker {
	return &worker{
		db: db, o: o, nextRun: 1,
		jobs:      make(chan sealJob, 2),
		dirty:     make(chan *table, 1),
		clean:     make(chan *table, 1),
		manifests: make(chan manifestResult, 1),
		wake:      make(chan struct{}, 1),
		progress:  make(chan struct{}, 1),
		idle:      make(chan chan struct{}),
		stop:      make(chan struct{}),
		ended:     make(chan struct{}),
	}
}

// signal tells the other side that something changed; a signal that is already there is enough.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run works until it is stopped or something fails.
func (w *worker) run() {
	defer close(w.ended)
	for {
		select {
		case <-w.stop:
			w.abandonTasks()
			return
		default:
		}
		worked, err := w.work()
		if err != nil {
			w.failure.Store(&err)
			w.abandonTasks()
			return
		}
		if !worked {
			w.wait()
		}
	}
}

// work does one step of the most urgent thing and tells whether there was any.
func (w *worker) work() (bool, error) {
	select {
	case t := <-w.dirty: // a spare table first: without it the owner cannot go on
		t.clear()
		w.clean <- t
		return true, nil
	default:
	}
	if w.pending == nil {
		select {
		case job := <-w.jobs:
			w.pending = &job
		default:
		}
	}
	if w.pending != nil && (w.pending.table == nil || len(w.live) < w.o.RunsMax) {
		job := *w.pending
		w.pending = nil
		return true, w.seal(job)
	}
	select {
	case <-w.wake:
		w.unbalanced = true // an adoption may have released filter memory
	default:
	}
	if worked, err := w.deleteRetired(); worked || err != nil {
		return true, err
	}
	if worked, err := w.balance(); worked || err != nil {
		return true, err
	}
	return w.mergeStep()
}

// wait sleeps until there may be something to do.
func (w *worker) wait() {
	select {
	case <-w.stop:
	case <-w.wake:
		w.unbalanced = true
	case job := <-w.jobs:
		w.pending = &job
	case t := <-w.dirty:
		t.clear()
		w.clean <- t
	case done := <-w.idle:
		close(done)
	}
}

// publish makes the current list of runs available to the owner.
func (w *worker) publish() {
	w.generation++
	w.published.Store(newView(w.generation, w.seals, w.live))
	w.count.filterBytes.Store(w.filterBytes())
	w.unbalanced = true
	signal(w.progress)
}

// seal writes a table as a run and, for a checkpoint, builds the manifest behind it.
func (w *worker) seal(job sealJob) error {
	if job.table != nil {
		count := uint64(job.table.count())
		writer := newRunWriter(w.db, w.o, w.takeNumber(), count, w.makeRoom(count))
		if err := w.writeTable(writer, job.table); err != nil {
			writer.abandon()
			return err
		}
		r, f, err := writer.finish()
		if err != nil {
			return err
		}
		w.live = append(w.live, &liveRun{run: r, filter: f})
		w.seals++
		w.count.seals.Add(1)
		w.publish()
	}
	if job.manifest {
		w.buildManifest()
	}
	return nil
}

func (w *worker) writeTable(writer *runWriter, t *table) error {
	for i := range t.parts {
		sorted := w.sorter.sort(t.parts[i].entries, t.partBits)
		for j := range sorted {
			if err := writer.addRecord(&sorted[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *worker) takeNumber() uint64 {
	n := w.nextRun
	w.nextRun++
	return n
}

func (w *worker) buildManifest() {
	w.version++
	m := manifest{version: w.version, nextRun: w.nextRun}
	for _, l := range w.live {
		l.lastNamed = w.version
		m.runs = append(m.runs, l.runMeta)
	}
	sortRuns(m.runs)
	w.built.Store(w.version)
	w.manifests <- manifestResult{bytes: appendManifest(nil, &m), version: w.version}
}

// mergeStep goes on with the merge of the smallest class that has one, and starts one where there is enough to merge.
func (w *worker) mergeStep() (bool, error) {
	task, err := w.nextTask()
	if task == nil || err != nil {
		return false, err
	}
	done, err := task.step()
	if err != nil || !done {
		return true, err
	}
	return true, w.finishMerge(task)
}

func (w *worker) nextTask() (*mergeTask, error) {
	var task *mergeTask
	for _, t := range w.tasks {
		if task == nil || t.class < task.class {
			task = t
		}
	}
	below := 64
	if task != nil {
		below = task.class
	}
	class := w.classToMerge(below)
	if class < 0 {
		return task, nil
	}
	return w.startMerge(class)
}

// classToMerge is the smallest class below the given one with FanIn runs to merge, -1 if there is none.
func (w *worker) classToMerge(below int) int {
	var waiting [64]int
	for _, l := range w.live {
		if !l.merging {
			waiting[sizeClass(l.count, w.o.FanIn)]++
		}
	}
	for class := range below {
		if waiting[class] >= w.o.FanIn {
			return class
		}
	}
	return -1
}

func (w *worker) startMerge(class int) (*mergeTask, error) {
	var inputs []*run
	count := uint64(0)
	for _, l := range w.live {
		if len(inputs) < w.o.FanIn && !l.merging && sizeClass(l.count, w.o.FanIn) == class {
			l.merging = true
			inputs = append(inputs, l.run)
			count += l.count
		}
	}
	task, err := newMergeTask(w.db, w.o, class, inputs, w.takeNumber(), w.filterFits(count))
	if err != nil {
		return nil, err
	}
	w.tasks = append(w.tasks, task)
	return task, nil
}

// finishMerge replaces the inputs by the output.
func (w *worker) finishMerge(task *mergeTask) error {
	w.dropTask(task)
	r, f, err := task.writer.finish()
	if err != nil {
		return err
	}
	kept := make([]*liveRun, 0, len(w.live))
	for _, l := range w.live {
		if !contains(task.inputs, l.run) {
			kept = append(kept, l)
			continue
		}
		w.retired = append(w.retired, retiredRun{number: l.number, generation: w.generation + 1, lastNamed: l.lastNamed})
		w.releaseFilter(l)
	}
	w.live = append(kept, &liveRun{run: r, filter: f})
	w.count.merges.Add(1)
	w.count.mergedEntries.Add(r.count)
	w.publish()
	return nil
}

func (w *worker) dropTask(task *mergeTask) {
	for i, t := range w.tasks {
		if t == task {
			w.tasks = append(w.tasks[:i], w.tasks[i+1:]...)
			return
		}
	}
}

func (w *worker) abandonTasks() {
	for _, t := range w.tasks {
		t.writer.abandon()
	}
	w.tasks = nil
}

func contains(runs []*run, r *run) bool {
	for _, o := range runs {
		if o == r {
			return true
		}
	}
	return false
}
