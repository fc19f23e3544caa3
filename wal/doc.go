// Package wal is the contract of an ordered, durable log of opaque records.
//
// It knows nothing of money. Log says what every implementation promises, and
// the record format says what the bytes of one record are; wal/pebblelog keeps
// them on one machine, wal/memlog keeps them in memory with faults for tests.
package wal
