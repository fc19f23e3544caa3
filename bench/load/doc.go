// Package load drives an engine in process with a stationary stream of settlements and says what it did.
package load
