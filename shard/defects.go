package shard

// The mistakes that a build tag turns on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	coverageShortDefect = active == 1 // what may be asked of an account leaves out one demand of each shard
)
