package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"gongji/bench/load"
	"gongji/engine"
	"gongji/engine/ledger"
)

type benchCmd struct {
	Core    benchCoreCmd    `cmd:"" help:"Settlements in process, durable: every batch synced, journal and state written."`
	HTTP    benchHTTPCmd    `cmd:"" name:"http" help:"Settlements over HTTP beside the echo of the same front door, by wrk."`
	Restart benchRestartCmd `cmd:"" help:"Time from start to ready behind a long tail, page cache dropped."`
	Peers   benchPeersCmd   `cmd:"" help:"PostgreSQL with the same rule beside Gongji, one world, one run, in turns."`
}

type benchCoreCmd struct {
	Persons int           `help:"Persons; half own an account, half have one to three authorizers." default:"1000000"`
	Workers int           `help:"Goroutines that submit and wait." default:"32"`
	Group   int           `help:"Commands a request." default:"512"`
	Shards  int           `help:"Shards; 0: one a core."`
	For     time.Duration `help:"Measured time of a run." default:"10s"`
	Runs    int           `help:"Runs." default:"3"`
	Dir     string        `help:"Where to put the ledger; a temporary directory if empty." placeholder:"DIR"`
	Profile string        `help:"Write a CPU profile of the runs." placeholder:"FILE" hidden:""`
}

// Run loads the world, measures, and checks the books.
func (b *benchCoreCmd) Run() error {
	dir, err := os.MkdirTemp(b.Dir, "gongji-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	zero := memory()
	e, err := engine.Open(engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, Shards: b.Shards,
		FirstPolicy: benchPolicy()})
	if err != nil {
		return err
	}
	empty := memory()
	start := time.Now()
	w := load.NewWorld(b.Persons)
	refused, err := w.Load(e)
	if err != nil {
		return err
	}
	loaded := time.Since(start)
	fmt.Printf("gongji %s %s %d cores\nloaded %d persons in %.1f s, refused %v\n", version, runtime.Version(), runtime.NumCPU(), b.Persons, loaded.Seconds(), refused)
	full := memory()
	fmt.Printf("memory: process %d MiB, engine at 0 persons %d MiB, loaded %d MiB: %d bytes a person\n", zero>>20, empty>>20, full>>20, (full-empty)/int64(b.Persons))
	stop, err := profile(b.Profile)
	if err != nil {
		return err
	}
	for run := range b.Runs {
		r, err := load.Run(e, w, load.Plan{Workers: b.Workers, Group: b.Group, Duration: b.For, Warm: 2 * time.Second, Mix: load.DefaultMix, Seed: uint64(time.Now().UnixNano()) + uint64(run)})
		if err != nil {
			return err
		}
		r.Print(os.Stdout)
	}
	stop()
	var sum int64
	if err := e.Ask(func(v engine.View) { sum = v.State.Totals().Sum() }); err != nil {
		return err
	}
	if sum != 0 {
		return fmt.Errorf("books do not balance: %d fen", sum)
	}
	fmt.Println("books balance: sum over all accounts 0.00")
	return e.Close()
}

// benchPolicy is Hubei without the e-voucher, which the bench's persons do not need.
func benchPolicy() ledger.Policy {
	p := engine.Hubei
	p.Evouchers = 0
	return p
}
