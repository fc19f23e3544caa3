package rest

// The mistakes that a build tag turns on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	numberToldDefect = active == 1 // the answer to a bad certificate number repeats it
)
