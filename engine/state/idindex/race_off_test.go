//go:build !race

package idindex

// modelSeeds is how many random histories TestModel runs; the race detector makes each some ten times dearer.
const modelSeeds = 6

const raceEnabled = false
