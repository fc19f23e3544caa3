// Package bench holds, in its folders, what loads the ledger and what tries to prove it wrong: generators, models, simulation, faults, reports.
package bench
