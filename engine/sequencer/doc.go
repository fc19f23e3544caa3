// Package sequencer admits requests, puts their commands into batches, and stamps each with ledger time and its place in the log; it decodes what it cut.
package sequencer
