// Package state keeps what is held: checkpoints of the ledger's tables, the records of people and institutions, and the id table, in one
// Pebble store.
//
// DESIGN.md says how a checkpoint survives a crash at any moment and what it costs.
package state
