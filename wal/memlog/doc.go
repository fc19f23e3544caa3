// Package memlog is an ordered log in memory with faults on demand, for tests
// and the simulator.
package memlog
