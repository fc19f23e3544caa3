package sequencer

// Stamps are the moments of a batch up to the log, in ns by the clock of Measure.
type Stamps struct {
	Oldest    int64 // when its oldest command was submitted
	Submitted int64 // sum over its commands of when they were submitted
	Cut       int64 // when it had been stamped and appended to the log
}

// add takes n commands of a request in.
func (t *Stamps) add(submitted int64, n int) {
	if t.Oldest == 0 || submitted < t.Oldest {
		t.Oldest = submitted
	}
	t.Submitted += submitted * int64(n)
}

// Measure makes the sequencer note when commands come and when their batch is in the log: now is monotonic, in ns, above 0. Before Run and the first Submit.
func (s *Sequencer) Measure(now func() int64) { s.stamp = now }

func (s *Sequencer) submitted(r *Request) {
	if s.stamp != nil {
		r.submitted = s.stamp()
	}
}

func (s *Sequencer) cutAt(b *Batch) {
	if s.stamp != nil {
		b.Stamps.Cut = s.stamp()
	}
}
