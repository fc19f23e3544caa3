package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"gongji/bench/province"
)

type benchHTTPCmd struct {
	Server      string        `help:"A server started with serve --echo and loaded with import --province." default:"http://127.0.0.1:8700"`
	Seed        uint64        `help:"Seed of the province in it." default:"1"`
	Persons     int           `help:"Persons of the province in it." default:"100000"`
	Bodies      int           `help:"Different bills; each request gets a message id of its own." default:"20000"`
	AidPpm      int           `help:"Bills that need a relative, per million; 0: as published."`
	Connections []int         `help:"Connections." default:"64,256"`
	Rounds      int           `help:"Rounds; echo and settlements take turns, the table shows medians." default:"3"`
	For         time.Duration `help:"Time of one measurement." default:"5s"`
}

// wrkScript takes the bodies in turn and puts a fresh message id into each.
//
//go:embed wrk.lua
var wrkScript []byte

var wrkFigures = map[string]*regexp.Regexp{
	"rate":  regexp.MustCompile(`(?m)^Requests/sec:\s+([0-9.]+)`),
	"p50":   regexp.MustCompile(`(?m)^\s+50%\s+(\S+)`),
	"p99":   regexp.MustCompile(`(?m)^\s+99%\s+(\S+)`),
	"wrong": regexp.MustCompile(`(?m)^\s*Non-2xx or 3xx responses: ([0-9]+)`),
}

// Run drives the echo and the settlements of one server in turn with wrk, without pipelining, with the same request bytes.
func (b *benchHTTPCmd) Run() error {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		return errors.New("wrk is not installed (package wrk)")
	}
	dir, err := os.MkdirTemp("", "gongji-wrk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bodies, script := filepath.Join(dir, "bodies"), filepath.Join(dir, "wrk.lua")
	if err := errors.Join(b.writeBodies(bodies), os.WriteFile(script, wrkScript, 0o600)); err != nil {
		return err
	}
	fmt.Printf("%-12s %12s %10s %10s %14s %10s %10s %8s\n", "connections", "echo/s", "p50", "p99", "settlements/s", "p50", "p99", "share")
	for _, n := range b.Connections {
		if err := b.pair(wrk, script, bodies, n); err != nil {
			return err
		}
	}
	return nil
}

func (b *benchHTTPCmd) pair(wrk, script, bodies string, connections int) error {
	var echo, settle []wrkResult
	for round := range b.Rounds {
		for _, path := range []string{"/echo", "/v1/settlements"} {
			r, err := b.measure(wrk, script, bodies, path, connections, round)
			if err != nil {
				return err
			}
			if path == "/echo" {
				echo = append(echo, r)
			} else {
				settle = append(settle, r)
			}
		}
	}
	e, s := medianRate(echo), medianRate(settle)
	fmt.Printf("%-12d %12.0f %10s %10s %14.0f %10s %10s %7.1f%%\n", connections, e.rate, e.p50, e.p99, s.rate, s.p50, s.p99, 100*s.rate/e.rate)
	return nil
}

type wrkResult struct {
	rate     float64
	p50, p99 string
}

func medianRate(r []wrkResult) wrkResult {
	slices.SortFunc(r, func(a, b wrkResult) int { return int(a.rate - b.rate) })
	return r[len(r)/2]
}

func (b *benchHTTPCmd) measure(wrk, script, bodies, path string, connections, round int) (wrkResult, error) {
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	cmd := exec.Command(wrk, "-t2", "-c"+strconv.Itoa(connections), "-d"+strconv.Itoa(int(b.For.Seconds()))+"s", "--latency", "-s", script, b.Server+path, "--", bodies, run)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return wrkResult{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	figure := func(name string) string {
		if m := wrkFigures[name].FindSubmatch(out); m != nil {
			return string(m[1])
		}
		return ""
	}
	if n := figure("wrong"); n != "" {
		return wrkResult{}, fmt.Errorf("%s answers of %s were not 200, round %d:\n%s", n, path, round, out)
	}
	rate, err := strconv.ParseFloat(figure("rate"), 64)
	return wrkResult{rate: rate, p50: figure("p50"), p99: figure("p99")}, err
}

func (b *benchHTTPCmd) writeBodies(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	p := province.New(b.Seed, b.Persons)
	day := p.Day(b.Seed + 1).WithCount(b.Bodies)
	if b.AidPpm > 0 {
		day = day.WithAidPPM(b.AidPpm)
	}
	var line []byte
	for s := range day.All() {
		line = append(p.AppendSettlement(line[:0], s), '\n')
		if _, err := w.Write(line); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}
