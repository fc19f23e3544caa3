// Package bench holds load generators, workloads and reports.
package bench
