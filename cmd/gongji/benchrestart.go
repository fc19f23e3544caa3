package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gongji/bench/load"
	"gongji/engine"
	"gongji/engine/sequencer"
)

type benchRestartCmd struct {
	Persons int    `help:"Persons in the checkpoint." default:"1000000"`
	Tail    int    `help:"Commands in the log behind the checkpoint." default:"1000000"`
	Dir     string `help:"Where to put the ledger; a temporary directory if empty." placeholder:"DIR"`
	Prepare string `hidden:"" help:"Make the ledger in this directory and die without closing it."`
}

// dropCaches is where root makes the kernel forget file contents.
const dropCaches = "/proc/sys/vm/drop_caches"

// Run lets a child make a ledger and die behind a long tail, drops the page cache, and times Open.
func (b *benchRestartCmd) Run() error {
	if b.Prepare != "" {
		return b.prepare(b.Prepare)
	}
	m, err := b.measure()
	if err != nil {
		return err
	}
	fmt.Printf("restart: %d persons, %d commands replayed, %s: %.2f s to open\n", b.Persons, m.replayed, m.cold, m.seconds)
	fmt.Printf("memory after restart: %d MiB: %.0f bytes a person beyond an engine with nobody\n", m.memory>>20, m.perPerson)
	return nil
}

// restartMeasured is one start.
type restartMeasured struct {
	seconds, cpu float64
	replayed     uint64
	memory       int64   // bytes of the process afterwards
	perPerson    float64 // bytes beyond an engine with nobody
	cold         string  // whether the page cache was dropped
}

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
	child := exec.Command(self, "bench", "restart", "--prepare", dir, fmt.Sprint("--persons=", b.Persons), fmt.Sprint("--tail=", b.Tail))
	child.Stderr = os.Stderr
	if err := child.Run(); err != nil {
		return nil, fmt.Errorf("preparing: %w", err)
	}
	m = &restartMeasured{cold: "page cache dropped"}
	if err := os.WriteFile(dropCaches, []byte("3"), 0); err != nil {
		m.cold = "page cache NOT dropped (needs root)"
	}
	o := benchOptions(dir)
	o.Report = func(event string, values map[string]any) {
		if n, ok := values["commands_replayed"].(int); ok && event == "recovered" {
			m.replayed = uint64(n)
		}
	}
	empty, err := emptyEngine()
	if err != nil {
		return nil, err
	}
	start, cpu := time.Now(), processCPU()
	e, err := engine.Open(o)
	if err != nil {
		return nil, err
	}
	m.seconds, m.cpu = time.Since(start).Seconds(), processCPU()-cpu
	m.memory = memory()
	m.perPerson = float64(m.memory-empty) / float64(b.Persons)
	return m, e.Close()
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
	if err := e.Close(); err != nil { // the checkpoint
		return err
	}
	if e, err = engine.Open(benchOptions(dir)); err != nil {
		return err
	}
	s := w.NewStream(load.DefaultMix, 1, 1)
	r := sequencer.NewRequest()
	for sent := 0; sent < b.Tail; {
		for r.Count < min(1000, b.Tail-sent) {
			r.Commands, _ = s.Append(r.Commands)
			r.Count++
		}
		sent += r.Count
		if err := e.Do(r); err != nil {
			return err
		}
		r.Reset()
	}
	os.Exit(0) // as a crash would end it: nothing is flushed, nothing closed
	return errors.New("unreachable")
}
