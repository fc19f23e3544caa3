package main

import (
	"gongji/engine"
	"gongji/engine/ledger"
)

type benchCmd struct {
	Run     benchRunCmd     `cmd:"" help:"Workloads in process, durable: every batch synced, journal and state written, answers and books checked."`
	Core    benchCoreCmd    `cmd:"" help:"The older shape of settlements: bench run half."`
	HTTP    benchHTTPCmd    `cmd:"" name:"http" help:"Settlements over HTTP, checked, beside the echo of the same front door: single calls, batches, the national interface."`
	Client  benchClientCmd  `cmd:"" name:"http-client" hidden:"" help:"A client process of bench http."`
	Restart benchRestartCmd `cmd:"" help:"Time from start to ready behind a long tail, page cache dropped."`
	Disk    benchDiskCmd    `cmd:"" help:"Bytes on the disk and written to it, a settlement, when the store has settled."`
	Peers   benchPeersCmd   `cmd:"" help:"PostgreSQL with the same rule beside Gongji, one world, one run, in turns."`

	Suite    benchSuiteCmd    `cmd:"" help:"Everything in one run, with its ceilings: tables, JSON, a page with plots."`
	Ceilings benchCeilingsCmd `cmd:"" help:"What bounds the engine here: the bare log, a segment file, one synced append, execution from memory."`
	Compare  benchCompareCmd  `cmd:"" help:"Two reports of bench suite, case by case: what changed and what is noise."`
}

// benchPolicy is Hubei without the e-voucher, which the bench's persons do not need.
func benchPolicy() ledger.Policy {
	p := engine.Hubei
	p.Evouchers = 0
	return p
}
