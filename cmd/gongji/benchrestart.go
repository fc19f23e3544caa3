package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"gongji/bench/load"
	"gongji/engine"
	"gongji/engine/sequencer"
)

type benchRestartCmd struct {
	Persons int    `help:"Persons in the checkpoint." default:"1000000"`
	Tail    int    `help:"Commands in the log behind the checkpoint." default:"1000000"`
	Dir     string `help:"Where to put the ledger; a temporary directory if empty." placeholder:"DIR"`
	IDs     int    `name:"ids" help:"Settlements before the checkpoint." default:"0"`
	Profile string `help:"Write a CPU profile of the start." placeholder:"FILE" hidden:""`
	Ready   string `hidden:"" help:"A directory that was prepared before; it is changed, and stays."`
	Prepare string `hidden:"" help:"Make the ledger in this directory and die without closing it."`
}

// dropCaches is where root makes the kernel forget file contents.
const dropCaches = "/proc/sys/vm/drop_caches"

// Run lets a child make a ledger and die behind a long tail, drops the page cache, and times Open.
func (b *benchRestartCmd) Run() error {
	switch {
	case b.Prepare != "":
		return b.prepare(b.Prepare)
	case b.Ready != "":
		return b.open(b.Ready)
	}
	dir, err := os.MkdirTemp(b.Dir, "gongji-restart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	sizes := []string{fmt.Sprint("--persons=", b.Persons), fmt.Sprint("--tail=", b.Tail), fmt.Sprint("--ids=", b.IDs)}
	for _, args := range [][]string{{"--prepare", dir}, {"--ready", dir, "--profile", b.Profile}} { // a process each: the start is a fresh one's
		child := exec.Command(self, append(append([]string{"bench", "restart"}, sizes...), args...)...)
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Run(); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
	}
	return nil
}

// open times the start of a prepared ledger, which it does not close.
func (b *benchRestartCmd) open(dir string) error {
	cold := "page cache dropped"
	if err := os.WriteFile(dropCaches, []byte("3"), 0); err != nil {
		cold = "page cache NOT dropped (needs root)"
	}
	empty, err := emptyEngine()
	if err != nil {
		return err
	}
	stages := map[string]any{}
	o := benchOptions(dir)
	o.Report = func(event string, values map[string]any) {
		if event == "recovered" {
			stages = values
		}
	}
	stop, err := profile(b.Profile)
	if err != nil {
		return err
	}
	start, cpuBefore := time.Now(), cpuSeconds()
	e, err := engine.Open(o)
	if err != nil {
		return err
	}
	seconds, cpu := time.Since(start).Seconds(), cpuSeconds()-cpuBefore
	stop()
	fmt.Printf("restart: %d persons, %v commands replayed, %s: %.2f s to open, %.2f s CPU\n", b.Persons, stages["commands_replayed"], cold, seconds, cpu)
	fmt.Print("stages, ms:")
	for _, k := range slices.Sorted(maps.Keys(stages)) {
		if name, timed := strings.CutSuffix(k, "_ms"); timed {
			fmt.Printf(" %s %v", name, stages[k])
		}
	}
	full := memory()
	fmt.Printf("\nmemory after restart: %d MiB, %d MiB with nobody: %d bytes a person\n", full>>20, empty>>20, (full-empty)/int64(b.Persons))
	if b.Ready != "" {
		os.Exit(0) // the last checkpoint is not what is measured
	}
	return e.Close()
}

// emptyEngine is the memory of a process with an engine that holds nobody.
func emptyEngine() (int64, error) {
	dir, err := os.MkdirTemp("", "gongji-empty-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	e, err := engine.Open(benchOptions(dir))
	if err != nil {
		return 0, err
	}
	n := memory()
	return n, e.Close()
}

func benchOptions(dir string) engine.Options {
	return engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, FirstPolicy: benchPolicy(), CheckpointBytes: 1 << 40}
}

func (b *benchRestartCmd) prepare(dir string) error {
	w := load.NewWorld(b.Persons)
	e, err := engine.Open(benchOptions(dir))
	if err != nil {
		return err
	}
	if _, err := w.Load(e); err != nil {
		return err
	}
	if err := drive(e, w, 2, b.IDs); err != nil {
		return err
	}
	if err := e.Close(); err != nil { // the checkpoint
		return err
	}
	if e, err = engine.Open(benchOptions(dir)); err != nil {
		return err
	}
	if err := drive(e, w, 1, b.Tail); err != nil {
		return err
	}
	os.Exit(0) // as a crash would end it: nothing is flushed, nothing closed
	return errors.New("unreachable")
}

// drive sends commands one request after the other, 1,000 each.
func drive(e *engine.Engine, w *load.World, seed uint64, commands int) error {
	s := w.NewStream(load.DefaultMix, seed, 1)
	r := sequencer.NewRequest()
	for sent := 0; sent < commands; {
		for r.Count < min(1000, commands-sent) {
			r.Commands, _ = s.Append(r.Commands)
			r.Count++
		}
		sent += r.Count
		if err := e.Do(r); err != nil {
			return err
		}
		r.Reset()
	}
	return nil
}

// cpuSeconds is the CPU time of this process.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
