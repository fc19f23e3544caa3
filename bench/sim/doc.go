// Package sim runs a whole ledger with its clients on one goroutine under a seed, with faults, and checks it after every step; it is all tests.
package sim
