// Package ceiling measures what bounds the engine on this machine: the bare log, a plain segment file, one synced append, execution from memory.
//
// Every ceiling does strictly less than the engine does: the log has no execution, the segment file no recovery, execution no log. A share of a ceiling
// therefore says how much of the machine's limit is left after everything else that a settlement needs.
package ceiling
