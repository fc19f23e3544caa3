// Package scenario plays worked cases, written as text that an office can read, on a real ledger.
package scenario
