//go:build race

package idindex

// modelSeeds is how many random histories TestModel runs; the race detector makes each some ten times dearer.
const modelSeeds = 3

const raceEnabled = true
