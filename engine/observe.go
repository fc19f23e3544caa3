package engine

import "time"

// BatchTimes are the moments of one batch, for who measures (Options.Observe). They count from when the engine was opened.
type BatchTimes struct {
	Sequence  uint64
	Commands  int
	Contested int // decided by the resolver
	Serial    bool
	Bytes     int           // of the record
	Oldest    time.Duration // when its oldest command was submitted
	Submitted time.Duration // when its commands were submitted, their mean
	Cut       time.Duration // when it had been stamped and appended to the log
	Durable   time.Duration // when the executor's goroutine saw it synced, and could begin with it
	Executed  time.Duration
	Answered  time.Duration // when its journal was written and all its requests had been woken
}

// now is the time since the engine was opened, 0 if nobody measures.
func (e *Engine) now() time.Duration {
	if e.options.Observe == nil {
		return 0
	}
	return time.Since(e.opened)
}

// measure makes the sequencer note times too, if anybody measures.
func (e *Engine) measure() {
	if e.options.Observe != nil {
		e.sequencer.Measure(func() int64 { return int64(time.Since(e.opened)) })
	}
}

// observed tells who measures about an answered batch.
func (e *Engine) observed(s *slot, t BatchTimes) {
	if e.options.Observe == nil {
		return
	}
	t.Sequence, t.Commands, t.Contested, t.Serial = s.executed.Sequence, s.stats.Commands, s.stats.Contested, s.stats.Serial
	t.Durable, t.Executed, t.Answered = s.durable, s.ran, e.now()
	e.options.Observe(t)
}

// timesOf is what the sequencer noted of a batch; to be taken before the batch is recycled.
func timesOf(s *slot) BatchTimes {
	t := &s.batch.Stamps
	return BatchTimes{Bytes: len(s.batch.Payload), Oldest: time.Duration(t.Oldest), Cut: time.Duration(t.Cut),
		Submitted: time.Duration(t.Submitted / int64(max(1, len(s.effects.List))))}
}
