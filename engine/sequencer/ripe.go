package sequencer

// When a batch is cut. A batch costs some 100 us of CPU whatever is in it (one append, one sync, four goroutines woken), as much as ten requests over HTTP. So
// while a batch is on its way to the disk the next one fills, and is cut when that is durable: group commit. Nothing waits for a timer, and an idle
// ledger cuts at once. When AheadCommands wait there is enough for a batch, and BatchesAhead of them are on their way at once.

// ripe tells whether Run may cut now. If not, Run rests, and whoever makes a cut due wakes it.
func (s *Sequencer) ripe() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resting = !s.ripeLocked()
	return !s.resting
}

func (s *Sequencer) ripeLocked() bool {
	commands := s.waiting[Till] + s.waiting[Structural] + s.waiting[Bulk]
	switch {
	case s.closed:
		return true
	case commands == 0 && len(s.queries) == 0:
		return false
	}
	return s.flying == 0 || commands >= AheadCommands
}

// dueLocked tells whether Run rests and has to be woken: by one caller only, not by each that submits meanwhile.
func (s *Sequencer) dueLocked() bool {
	if !s.resting || !s.ripeLocked() {
		return false
	}
	s.resting = false
	return true
}

// Durable tells that the batch received first of those not told of yet is durable. Whoever receives from Batches calls it once for each that has a Commit.
func (s *Sequencer) Durable() {
	s.mu.Lock()
	s.flying--
	due := s.dueLocked()
	s.mu.Unlock()
	if due {
		s.poke()
	}
}
