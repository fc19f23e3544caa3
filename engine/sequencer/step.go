package sequencer

// SteppedBatches is how many batches a stepped sequencer holds: whoever steps has no other goroutine that could give one back in the middle of a
// cut, so there are more than a simulation has commands waiting.
const SteppedBatches = 1024

// NewStepped is New for whoever drives everything on one goroutine (engine.Stepper): no Run, but Step, and batches of at most commandsMax (1 to
// BatchCommands), so that a simulation can draw the limit. At most SteppedBatches commands may be under way.
func NewStepped(log Appender, clock Clock, lastTimeMS int64, commandsMax int) *Sequencer {
	return newSequencer(log, clock, lastTimeMS, SteppedBatches, commandsMax)
}

// Step is one round of Run: it cuts what has been admitted, if anything, and tells how many requests it took. An error is Run's.
func (s *Sequencer) Step() (requests int, err error) {
	if requests, _ = s.take(); requests == 0 {
		return 0, nil
	}
	if err := s.cut(); err != nil {
		s.Close()
		return requests, err
	}
	return requests, nil
}
