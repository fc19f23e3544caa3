package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"gongji/bench/load"
	"gongji/bench/result"
)

type benchRunCmd struct {
	Workloads []string      `arg:"" optional:"" name:"workload" help:"Workloads; national if none. --list tells which there are."`
	List      bool          `help:"Print the workloads' descriptions and bands."`
	Loop      string        `help:"closed: each worker sends its next request when the one before is answered. open: at a fixed rate, latency from when a request was due." enum:"closed,open" default:"closed"`
	Rate      float64       `help:"Calls of the workload's unit a second, for an open loop."`
	Persons   int           `help:"Persons." default:"1000000"`
	Workers   int           `help:"Goroutines that submit and wait." default:"32"`
	Group     int           `help:"Settlements a request." default:"512"`
	Shards    int           `help:"Shards; 0: one a core."`
	Serial    bool          `help:"Execute serially, not over shards."`
	Runs      int           `help:"Runs." default:"3"`
	For       time.Duration `help:"Measured time of a run." default:"10s"`
	Warm      time.Duration `help:"Time before it in which nothing is counted." default:"2s"`
	Seed      uint64        `help:"Seed of world and commands." default:"1"`
	JSON      string        `help:"Write the cases as JSON." placeholder:"FILE"`
	Dir       string        `help:"Where to put the ledgers; a temporary directory if empty." placeholder:"DIR"`
	Profile   string        `help:"Write a CPU profile of the runs of the last workload." placeholder:"FILE"`
}

// Run measures each workload in a ledger of its own. Any breach is an error.
func (b *benchRunCmd) Run() error {
	if b.List {
		load.PrintList(os.Stdout)
		return nil
	}
	if len(b.Workloads) == 0 {
		b.Workloads = []string{"national"}
	}
	report := result.Report{Format: result.Format, Made: time.Now().UTC(), Command: "gongji bench run " + strings.Join(b.Workloads, " "),
		Facts: result.Facts{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Cores: runtime.NumCPU()}}
	fmt.Printf("gongji %s %s %d cores\n", version, runtime.Version(), runtime.NumCPU())
	load.PrintHead(os.Stdout)
	for _, name := range b.Workloads {
		c, err := b.measure(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		load.Print(os.Stdout, &c)
		report.Cases = append(report.Cases, c)
	}
	if b.JSON != "" {
		text, err := json.MarshalIndent(&report, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.JSON, text, 0o600); err != nil {
			return err
		}
	}
	if all := report.Breaches(); len(all) > 0 {
		return fmt.Errorf("no result, %d breaches: %s", len(all), all[0])
	}
	return nil
}

func (b *benchRunCmd) measure(name string) (result.Case, error) {
	stop := func() {}
	var failed error
	c, err := load.Measure(load.Plan{Workload: name, Loop: b.Loop, Rate: b.Rate, Persons: b.Persons, Workers: b.Workers, Group: b.Group, Shards: b.Shards, Serial: b.Serial,
		Runs: b.Runs, For: b.For, Warm: b.Warm, Seed: b.Seed, Dir: b.Dir,
		Loaded: func(seconds, cpu float64) {
			fmt.Printf("  %s loaded in %.1f s, %.1f s CPU\n", name, seconds, cpu)
			if s, err := profile(b.Profile); err != nil {
				failed = err
			} else {
				stop = s
			}
		},
		Measured: func() { stop() },
	})
	return c, errors.Join(err, failed)
}

// benchCoreCmd is the older name of `bench run half`.
type benchCoreCmd struct{ benchRunCmd }

// Run measures the older workload.
func (b *benchCoreCmd) Run() error {
	b.Workloads = []string{"half"}
	return b.benchRunCmd.Run()
}
