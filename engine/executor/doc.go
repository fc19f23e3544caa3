// Package executor runs committed batches: serially, which is the specification, or over shards, which must equal it.
package executor
