package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gongji/bench/load"
	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/sequencer"
)

type benchDiskCmd struct {
	Persons  int    `help:"Persons; half own an account, half have one to three authorizers." default:"1000000"`
	Commands int    `help:"Settlements, and a credit to every ten of them." default:"10000000"`
	Workers  int    `help:"Goroutines that submit and wait." default:"8"`
	Group    int    `help:"Commands a request." default:"512"`
	Dir      string `help:"Where to put the ledger; a temporary directory if empty." placeholder:"DIR"`
	JSON     string `help:"Write the case as JSON." placeholder:"FILE"`
}

const (
	// settleStep between two looks at the store, and how many in a row must show no work for it to count as settled.
	settleStep  = 200 * time.Millisecond
	settleSteps = 10
	// settleLimit of waiting for compactions.
	settleLimit = 5 * time.Minute
)

// Run says where the bytes are and how many were written for them.
func (b *benchDiskCmd) Run() error {
	run, err := b.measure(os.Stdout)
	if err != nil || b.JSON == "" {
		return err
	}
	text, err := json.MarshalIndent(b.result(run), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.JSON, text, 0o600)
}

// measure drives a ledger and waits until the store has settled.
func (b *benchDiskCmd) measure(out io.Writer) (run result.Run, err error) {
	dir, err := os.MkdirTemp(b.Dir, "gongji-disk-")
	if err != nil {
		return run, err
	}
	defer os.RemoveAll(dir)
	o := benchOptions(dir)
	o.CheckpointBytes = 0 // as in service
	var checkpoints, pages atomic.Int64
	o.Report = func(event string, values map[string]any) {
		if event == "checkpoint" {
			n, _ := values["bytes"].(int64)
			checkpoints.Add(1)
			pages.Add(n)
		}
	}
	e, err := engine.Open(o)
	if err != nil {
		return run, err
	}
	w := load.NewWorld(b.Persons)
	if _, err := w.Load(e); err != nil {
		return run, err
	}
	if err := e.Close(); err != nil { // the world's checkpoint is not what is measured
		return run, err
	}
	if e, err = engine.Open(o); err != nil {
		return run, err
	}
	checkpoints.Store(0)
	pages.Store(0)
	before, err := b.look(e)
	if err != nil {
		return run, err
	}
	bytes, seconds, err := b.drive(e, w)
	if err != nil {
		return run, err
	}
	driven, err := look(e)
	if err != nil {
		return run, err
	}
	after, err := b.look(e)
	if err != nil {
		return run, err
	}
	settlements, taken, paged := e.Stats().Settlements.Load(), checkpoints.Load(), pages.Load() // Close makes another
	if err := e.Close(); err != nil {
		return run, err
	}
	run = result.Run{Seconds: seconds, Count: settlements, Rate: float64(settlements) / seconds,
		Disk: &result.Disk{Ledger: after.Log + after.State.Files, Device: after.device - before.device, Commands: bytes}}
	run.Disk.PerSettlement = float64(run.Disk.Ledger-before.Log-before.State.Files) / float64(settlements)
	print := func(what string, n int64) {
		fmt.Fprintf(out, "  %-34s %8.1f MB %8.1f bytes a settlement\n", what, float64(n)/1e6, float64(n)/float64(settlements))
	}
	fmt.Fprintf(out, "disk: %d persons, %d settlements in %.1f s, %d checkpoints\n", b.Persons, settlements, seconds, taken)
	fmt.Fprintln(out, "on the disk, more than before the settlements, settled:")
	print("log", after.Log-before.Log)
	print("journal", after.State.Journal-before.State.Journal)
	print("ids", after.State.IDs-before.State.IDs)
	print("tables", after.State.Tables-before.State.Tables)
	print("records", after.State.Records-before.State.Records)
	print("store, all files", after.State.Files-before.State.Files)
	print("sum of log and store", run.Disk.Ledger-before.Log-before.State.Files)
	fmt.Fprintln(out, "written:")
	print("commands, encoded", bytes)
	print("pages of checkpoints", paged)
	print("store, flushed", after.State.Flushed-before.State.Flushed)
	print("store, compacted", after.State.Compacted-before.State.Compacted)
	print("store, compacted after the run", after.State.Compacted-driven.State.Compacted)
	print("device, by the kernel", run.Disk.Device)
	fmt.Fprintf(out, "device bytes: %.2f times the encoded commands\n", float64(run.Disk.Device)/float64(bytes))
	return run, nil
}

func (b *benchDiskCmd) result(run result.Run) result.Case {
	return result.Case{ID: "disk", Name: "Disk bytes, settled", Kind: result.InProcess, Unit: "settlements/s",
		Load: result.Load{Loop: "closed", Persons: b.Persons, Workers: b.Workers, Group: b.Group}, Runs: []result.Run{run}}
}

// usage is one look at the disk.
type usage struct {
	engine.DiskUse
	device int64
}

// look waits until the store has settled.
func (b *benchDiskCmd) look(e *engine.Engine) (usage, error) {
	idle, last := 0, usage{}
	for begun := time.Now(); time.Since(begun) < settleLimit; time.Sleep(settleStep) {
		u, err := look(e)
		if err != nil {
			return u, err
		}
		if idle++; !u.State.Idle || u.State != last.State {
			idle = 0
		}
		if last = u; idle >= settleSteps {
			return u, nil
		}
	}
	return last, errors.New("the store does not settle")
}

func look(e *engine.Engine) (u usage, err error) {
	if u.DiskUse, err = e.DiskUse(); err != nil {
		return u, err
	}
	u.device, err = deviceBytes()
	return u, err
}

// deviceBytes is what the process has sent to the disk.
func deviceBytes() (int64, error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, err
	}
	var read, wrote, cancelled int64
	const form = "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: %d\n"
	var skip [4]int64
	if _, err := fmt.Sscanf(string(text), form, &skip[0], &skip[1], &skip[2], &skip[3], &read, &wrote, &cancelled); err != nil {
		return 0, fmt.Errorf("/proc/self/io: %w", err)
	}
	return wrote, nil
}

// drive sends the commands and gives their bytes.
func (b *benchDiskCmd) drive(e *engine.Engine, w *load.World) (bytes int64, seconds float64, err error) {
	var sum atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, b.Workers)
	begun := time.Now()
	for i := range b.Workers {
		all.Go(func() {
			s, r := w.NewStream(load.DefaultMix, 1, uint64(i)), sequencer.NewRequest()
			for sent := 0; sent < b.Commands/b.Workers && errs[i] == nil; sent += b.Group {
				for range b.Group {
					r.Commands, _ = s.Append(r.Commands)
					r.Count++
				}
				sum.Add(int64(len(r.Commands)))
				errs[i] = e.Do(r)
				r.Reset()
			}
		})
	}
	all.Wait()
	return sum.Load(), time.Since(begun).Seconds(), errors.Join(errs...)
}
