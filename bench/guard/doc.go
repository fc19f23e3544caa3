// Command guard compares the Go benchmarks of two commits, taking turns, and prints benchstat.
package main
