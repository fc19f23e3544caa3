package sequencer

// SteppedBatches is how many batches a stepped sequencer holds: whoever steps has no other goroutine that could give one back in the middle of a
// cut, so there are more than a simulation has commands waiting.
const SteppedBatches = 1024

// NewStepped is New for whoever drives everything on one goroutine (engine.Stepper): no Run, but Step, and batches of at most commandsMax (1 to
// BatchCommands), so that a simulation can draw the limit.
func NewStepped(log Appender, clock Clock, lastTimeMS int64, commandsMax int) *Sequencer {
	return newSequencer(log, clock, lastTimeMS, SteppedBatches, commandsMax)
}

// cutBatches is what a cut needs besides one batch a command: the last ones of structural calls, tills and loads, and the queries.
const cutBatches = 4

// Step is one round of Run: it cuts what has been admitted, if anything, and tells how many requests it took. While batches are too many under way to
// be sure of room for all that waits it takes nothing, as Run would wait. An error is Run's.
func (s *Sequencer) Step() (requests int, err error) {
	switch room := len(s.free) - cutBatches; {
	case s.Depth() > SteppedBatches-cutBatches:
		panic("BUG: more commands wait than a stepped sequencer has batches for")
	case s.Depth() > int64(room):
		return 0, nil
	}
	if requests, _ = s.take(); requests == 0 {
		return 0, nil
	}
	if err := s.cut(); err != nil {
		s.Close()
		return requests, err
	}
	return requests, nil
}
