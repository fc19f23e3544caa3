package sequencer

import (
	"fmt"
	"sync"
	"sync/atomic"

	"gongji/engine/command"
	"gongji/wal"
)

// Limits of admission. Named by what they bound; DESIGN.md says where the numbers come from.
const (
	QueueCommandsMax      = 32_768 // waiting commands of tills and single calls: about 40 ms of work
	BulkCommandsMax       = 16_384 // waiting commands of loads
	QueriesMax            = 16_384 // waiting queries
	CommandsPerRequestMax = 4_096  // a chunk of a load; a batch call has at most 1,000
	BatchCommands         = 2_048  // cut of a batch; command.BatchCommandsMax is the format's limit
	BulkShare             = 1_024  // commands of loads in one cycle while tills wait: half a batch
	batchBytes            = command.BatchBytesMax - command.BytesMax
	BatchesAhead          = 4 // batches between sequencer and replies: one syncing, one waiting, one executing, one being answered
)

// Batch is a cut batch on its way: appended, not yet known durable.
type Batch struct {
	Sequence uint64
	TimeMS   int64
	Payload  []byte // the record; valid until Recycle
	Spans    []Span
	Queries  []*Request // to run and finish behind the batch, refused requests among them; a batch of queries only has sequence 0 and no commit
	Commit   wal.Commit
	Opened   command.Opened // Payload, read; not of a batch of queries only
}

// Appender is the part of the log the sequencer uses.
type Appender interface {
	Append(payload []byte) (wal.Commit, error)
}

// Sequencer is fed by many goroutines and owned by the one that calls Run.
type Sequencer struct {
	log   Appender
	out   chan *Batch
	free  chan *Batch
	wake  chan struct{}
	most  int // commands of a batch
	time  ledgerTime
	depth atomic.Int64 // waiting commands

	unsynced atomic.Int64 // batches appended and not yet told durable

	mu      sync.Mutex // guards what follows; held for an append to a slice
	queues  [Bulk + 1][]*Request
	queries []*Request
	waiting [Bulk + 1]int
	closed  bool

	cycle [Bulk + 1][]*Request // taken, owned by Run
	bulk  []*Request           // not yet wholly in batches
	asked []*Request
}

// New makes a sequencer whose next batch follows a log that ends at lastTimeMS. Batches come out of Batches in order.
func New(log Appender, clock Clock, lastTimeMS int64) *Sequencer {
	return newSequencer(log, clock, lastTimeMS, BatchesAhead, BatchCommands)
}

func newSequencer(log Appender, clock Clock, lastTimeMS int64, ahead, most int) *Sequencer {
	s := &Sequencer{log: log, out: make(chan *Batch, ahead), free: make(chan *Batch, ahead), wake: make(chan struct{}, 1), most: most}
	s.time = ledgerTime{clock: clock, last: lastTimeMS}
	for range ahead {
		s.free <- &Batch{}
	}
	return s
}

// Batches are the cut batches, in log order; closed when Run ends. The receiver waits for Commit, calls Synced, executes, answers, and recycles.
func (s *Sequencer) Batches() <-chan *Batch { return s.out }

// Recycle gives a batch's memory back.
func (s *Sequencer) Recycle(b *Batch) {
	b.Spans, b.Queries, b.Payload, b.Commit = b.Spans[:0], b.Queries[:0], b.Payload[:0], nil
	s.free <- b
}

// Depth is the number of commands that wait.
func (s *Sequencer) Depth() int64 { return s.depth.Load() }

// ClockHalted reports that admission waits for ConfirmClock.
func (s *Sequencer) ClockHalted() bool { return s.time.halted.Load() }

// ConfirmClock accepts the clock as it stands (an operator's decision; the caller logs a ClockConfirm command after it).
func (s *Sequencer) ConfirmClock() {
	s.time.confirms.Store(true)
	s.poke()
}

// Submit admits a request. On error nothing was admitted and its ids are free. Any goroutine.
func (s *Sequencer) Submit(r *Request) error {
	if r.Count > CommandsPerRequestMax {
		return ErrTooLarge
	}
	s.mu.Lock()
	err := s.admit(r)
	s.mu.Unlock()
	if err == nil && !s.collects() {
		s.poke()
	}
	return err
}

// collects reports that what waits is better cut later: a batch is being synced, so what is appended now starts no earlier than what is appended when
// it is done, and there is not enough for a full batch. Synced ends it.
func (s *Sequencer) collects() bool {
	return s.unsynced.Load() != 0 && s.depth.Load() < int64(s.most)
}

// Synced tells that the next appended batch is durable. The receiver of Batches calls it for each that has a Commit, once it has waited for it.
func (s *Sequencer) Synced() {
	if s.unsynced.Add(-1) == 0 {
		s.poke()
	}
}

func (s *Sequencer) admit(r *Request) error {
	switch {
	case s.closed:
		return ErrStopping
	case s.time.halted.Load() && !s.time.confirms.Load():
		return ErrClock
	case r.Query != nil:
		if len(s.queries) >= QueriesMax {
			return ErrBusy
		}
		s.queries = append(s.queries, r)
		return nil
	}
	limit := QueueCommandsMax
	waiting := s.waiting[Till] + s.waiting[Structural]
	if r.Class == Bulk {
		limit, waiting = BulkCommandsMax, s.waiting[Bulk]
	}
	if waiting+r.Count > limit && !queueUnboundedDefect {
		return ErrBusy
	}
	s.waiting[r.Class] += r.Count
	s.depth.Add(int64(r.Count))
	s.queues[r.Class] = append(s.queues[r.Class], r)
	return nil
}

func (s *Sequencer) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close ends admission; Run cuts what waits and returns.
func (s *Sequencer) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.poke()
}

// Run cuts batches until Close, then closes Batches. It returns the log's error if an append failed; then nothing more is admitted and
// the requests of the failed batch get no answer from here: their outcome is unknown and the process is about to end.
func (s *Sequencer) Run() error {
	defer close(s.out)
	for {
		<-s.wake
		for {
			if s.collects() && !s.ending() {
				break
			}
			n, closed := s.take()
			if n == 0 {
				if closed {
					return nil
				}
				break
			}
			if err := s.cut(); err != nil {
				s.Close()
				return err
			}
		}
	}
}

func (s *Sequencer) ending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// take moves everything admitted so far into the cycle, swapping slices so that Submit never waits for a cut.
func (s *Sequencer) take() (n int, closed bool) {
	s.mu.Lock()
	for c := range s.queues {
		s.cycle[c], s.queues[c] = s.queues[c], s.cycle[c][:0]
	}
	s.asked, s.queries = s.queries, s.asked[:0]
	closed = s.closed
	s.mu.Unlock()
	s.bulk = append(s.bulk, s.cycle[Bulk]...)
	return len(s.cycle[Till]) + len(s.cycle[Structural]) + len(s.asked) + len(s.bulk), closed
}

// cut turns the cycle into batches: single structural calls, tills, then the share of loads; queries run behind all of it.
//
// A request belongs to its caller again as soon as the batch with its last command has left for the executor (or the clock has failed it), so
// nothing of it is read after that.
func (s *Sequencer) cut() error {
	var b *Batch
	var err error
	for _, c := range [...]Class{Structural, Till} {
		for _, r := range s.cycle[c] {
			if b, _, err = s.put(b, r, r.Count); err != nil {
				return err
			}
		}
		if b, _, err = s.flush(b); err != nil {
			return err
		}
	}
	if err := s.cutBulk(); err != nil || len(s.asked) == 0 {
		return err
	}
	b = <-s.free
	b.Sequence = 0
	b.Queries = append(b.Queries, s.asked...)
	s.out <- b
	return nil
}

// cutBulk gives loads their share.
func (s *Sequencer) cutBulk() error {
	share := BatchCommands
	if len(s.cycle[Till]) > 0 {
		share = BulkShare
	}
	var b *Batch
	for len(s.bulk) > 0 && share > 0 {
		r := s.bulk[0]
		n := min(share, r.Count-r.taken)
		whole := r.taken+n == r.Count
		var failed bool
		var err error
		if b, failed, err = s.put(b, r, n); err != nil {
			return err
		}
		if share -= n; whole && !failed { // refuse has taken a failed one out
			s.bulk = append(s.bulk[:0], s.bulk[1:]...)
		}
	}
	_, _, err := s.flush(b)
	return err
}

// put adds n further commands of r to the open batch, cutting batches as they fill. failed: the clock has failed r.
func (s *Sequencer) put(b *Batch, r *Request, n int) (open *Batch, failed bool, err error) {
	for n > 0 {
		if b == nil {
			b = <-s.free
			b.Payload = b.Opened.Begin(b.Payload)
		}
		first := b.commands()
		room := min(n, s.most-first)
		var took, size int
		b.Payload, took, size = b.Opened.Add(b.Payload, r.Commands[r.at:], room, batchBytes)
		b.Spans = append(b.Spans, Span{Request: r, First: first, Count: took})
		r.taken, r.at, n = r.taken+took, r.at+size, n-took
		if took < room || b.commands() == s.most {
			if b, failed, err = s.flush(b); err != nil || failed {
				return nil, failed, err
			}
		}
	}
	return b, false, nil
}

func (b *Batch) commands() int {
	if len(b.Spans) == 0 {
		return 0
	}
	last := b.Spans[len(b.Spans)-1]
	return last.First + last.Count
}

// flush stamps and appends the open batch; failed: the clock waits for an operator, and the batch's requests have been told.
func (s *Sequencer) flush(b *Batch) (open *Batch, failed bool, err error) {
	if b == nil {
		return nil, false, nil
	}
	var gone [Bulk + 1]int
	for _, sp := range b.Spans {
		gone[sp.Request.Class] += sp.Count
	}
	s.left(gone)
	var ok bool
	if b.TimeMS, ok = s.time.now(); !ok {
		s.refuse(b)
		return nil, true, nil
	}
	b.Opened.End(b.Payload, b.TimeMS)
	commit, err := s.log.Append(b.Payload)
	if err != nil {
		return nil, false, err
	}
	s.unsynced.Add(1)
	b.Commit, b.Sequence = commit, commit.Sequence()
	if err := b.Opened.OpenAdded(); err != nil { // while it syncs and the batch before it executes
		return nil, false, fmt.Errorf("batch %d: %w", b.Sequence, err)
	}
	s.out <- b
	return nil, false, nil
}

// refuse answers the requests of a batch that got no time with ErrClock. A request may have commands in batches before this one, which the
// executor may just be answering: the batch goes to it without a commit, so that the refusal comes behind those results. What of a request
// lies in no batch yet goes with it.
func (s *Sequencer) refuse(b *Batch) {
	var gone [Bulk + 1]int
	for _, sp := range b.Spans { // no request has two spans in one batch
		r := sp.Request
		if len(s.bulk) > 0 && s.bulk[0] == r { // only the first can be partly in batches
			s.bulk = append(s.bulk[:0], s.bulk[1:]...)
		}
		gone[r.Class] += r.Count - r.taken
		r.Err, r.Query = ErrClock, func(uint64) {}
		b.Queries = append(b.Queries, r)
	}
	s.left(gone)
	b.Spans = b.Spans[:0]
	b.Sequence = 0
	s.out <- b
}

// left counts commands that wait no longer, by class: once a batch, since every Submit wants the lock.
func (s *Sequencer) left(gone [Bulk + 1]int) {
	all := 0
	s.mu.Lock()
	for c, n := range gone {
		s.waiting[c] -= n
		all += n
	}
	s.mu.Unlock()
	s.depth.Add(int64(-all))
}
