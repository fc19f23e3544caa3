package engine

import "errors"

// The mistakes that a build tag turns on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	replyEarlyDefect = active == 1 // a batch is answered before its record is durable
	queryEarlyDefect = active == 2 // a query sees what was executed and is not durable
	wallClockDefect  = active == 3 // a batch executes at the time of the machine and not of its record
)

// waitAfter is what replyEarlyDefect does with an executed batch.
func waitAfter(e *Engine, s *slot) error {
	commit := s.batch.Commit
	return errors.Join(e.hand(s), commit.Wait())
}
