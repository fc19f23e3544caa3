// Package idindex remembers every message id for ever within bounded memory: a recent table, sorted runs in Pebble, and filters over them.
//
// DESIGN.md says why it is built so and what it costs.
package idindex
