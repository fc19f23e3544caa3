package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"gongji/bench/proof"
)

// sayer is a proof.TB that remembers.
type sayer struct {
	lines []string
	red   string
}

func (*sayer) Helper()                   {}
func (s *sayer) Logf(f string, a ...any) { s.lines = append(s.lines, fmt.Sprintf(f, a...)) }
func (s *sayer) Failed() bool            { return s.red != "" }
func (s *sayer) Errorf(f string, a ...any) {
	s.red = strings.TrimSpace(s.red + " " + fmt.Sprintf(f, a...))
}

// playFuzz runs one target of T19 from its kept corpus.
func playFuzz(f proof.FuzzTarget) (r result) {
	began := time.Now()
	r.part = part{dir: f.Package, run: f.Function}
	dir, err := os.MkdirTemp("", "gongji-fuzz-")
	if err != nil {
		r.red = err.Error()
		return r
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), partLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", f.Args(dir)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+memoryDir())
	out, _ := cmd.CombinedOutput() // what it says is judged, not how it ended
	var s sayer
	proof.PrintFuzz(&s, f.Name, began, proof.ParseFuzz(string(out)), f.Least())
	r.lines, r.red = s.lines, s.red
	if r.red != "" {
		r.output = out
	}
	return r
}

// memoryDir is a directory in memory if there is one: on a shared disk the ledgers behind the targets wait for syncs.
func memoryDir() string {
	const shm = "/dev/shm"
	if i, err := os.Stat(shm); err == nil && i.IsDir() {
		return shm
	}
	return os.TempDir()
}
