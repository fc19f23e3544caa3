package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// Run lets a child make a ledger and die behind a long tail, drops the page cache, and times Open in another.
func (b *benchRestartCmd) Run() error {
	switch {
	case b.Prepare != "":
		return b.prepare(b.Prepare)
	case b.Ready != "":
		return b.open(b.Ready)
	}
	m, err := b.measure()
	if err != nil {
		return err
	}
	fmt.Printf("restart: %d persons, %d commands replayed, %s: %.2f s to open, %.2f s CPU\n", b.Persons, m.Replayed, m.Cold, m.Seconds, m.CPU)
	fmt.Print("stages, ms:")
	for _, name := range slices.Sorted(maps.Keys(m.Stages)) {
		fmt.Printf(" %s %v", name, m.Stages[name])
	}
	fmt.Printf("\nmemory after restart: %d MiB: %.0f bytes a person beyond an engine with nobody\n", m.Memory>>20, m.PerPerson)
	return nil
}

// restartMeasured is one start, as the child that has started tells it.
type restartMeasured struct {
	Seconds, CPU float64
	Replayed     uint64
	Memory       int64          // bytes of the process afterwards
	PerPerson    float64        // bytes beyond an engine with nobody
	Cold         string         // whether the page cache was dropped
	Stages       map[string]any // ms
}

// measure makes the ledger and starts it in a process each: the start is a fresh one's.
func (b *benchRestartCmd) measure() (m *restartMeasured, err error) {
	dir, err := os.MkdirTemp(b.Dir, "gongji-restart-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	sizes := []string{fmt.Sprint("--persons=", b.Persons), fmt.Sprint("--tail=", b.Tail), fmt.Sprint("--ids=", b.IDs)}
	var told []byte
	for _, args := range [][]string{{"--prepare", dir}, {"--ready", dir, "--profile", b.Profile}} {
		child := exec.Command(self, append(append([]string{"bench", "restart"}, sizes...), args...)...)
		child.Stderr = os.Stderr
		if told, err = child.Output(); err != nil {
			return nil, fmt.Errorf("%s: %w", args[0], err)
		}
	}
	m = &restartMeasured{}
	return m, json.Unmarshal(told, m)
}

// open times the start of a prepared ledger, which it does not close: the last checkpoint is not what is measured.
func (b *benchRestartCmd) open(dir string) error {
	m := restartMeasured{Cold: "page cache dropped", Stages: map[string]any{}}
	if err := os.WriteFile(dropCaches, []byte("3"), 0); err != nil {
		m.Cold = "page cache NOT dropped (needs root)"
	}
	empty, err := emptyEngine()
	if err != nil {
		return err
	}
	o := benchOptions(dir)
	o.Report = func(event string, values map[string]any) {
		if event != "recovered" {
			return
		}
		for k, v := range values {
			if name, timed := strings.CutSuffix(k, "_ms"); timed {
				m.Stages[name] = v
			}
		}
		if n, ok := values["commands_replayed"].(int); ok {
			m.Replayed = uint64(n)
		}
	}
	stop, err := profile(b.Profile)
	if err != nil {
		return err
	}
	start, cpu := time.Now(), processCPU()
	if _, err = engine.Open(o); err != nil {
		return err
	}
	m.Seconds, m.CPU = time.Since(start).Seconds(), processCPU()-cpu
	stop()
	m.Memory = memory()
	m.PerPerson = float64(m.Memory-empty) / float64(b.Persons)
	if err := json.NewEncoder(os.Stdout).Encode(m); err != nil {
		return err
	}
	os.Exit(0)
	return errors.New("unreachable")
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
