package sequencer

// The mistakes that a build tag turns on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	queueUnboundedDefect = active == 1 // admission has no limit
)
