// Package result is what a benchmark run says: facts of the machine, cases, runs, latencies, series; its JSON form is read by reports and comparisons.
package result
