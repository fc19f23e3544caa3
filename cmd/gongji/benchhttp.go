package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"gongji/bench/result"
	"gongji/bench/wire"
)

type benchHTTPCmd struct {
	Server           string        `help:"Business address of a server of --echo that holds the province. Default: a server of its own in a temporary directory." placeholder:"URL"`
	Admin            string        `help:"Its address for operators." default:"http://127.0.0.1:8701"`
	Pid              int           `help:"Its process, to tell CPU and memory of it." placeholder:"PID"`
	Seed             uint64        `help:"Seed of the province." default:"1"`
	Persons          int           `help:"Persons of the province; the more, the longer a run may be before it has taken --drift of their money." default:"200000"`
	Bodies           int           `help:"Different bills; each request gets a message id of its own. 0: as many as persons, at most 200,000."`
	AidPpm           int           `help:"Bills that need a relative, per million of the day's; 0: as published."`
	Parts            []wire.Part   `help:"What to measure: pairs (settlements beside the echo, by wrk), closed, pipeline, open, batch, national. Default: all." placeholder:"PART"`
	Connections      []int         `help:"Connections of the pairs." default:"64,256"`
	Wide             int           `help:"Connections of the checked runs." default:"256"`
	Pipeline         int           `help:"Requests on their way over a connection, in the pipelined part." default:"16"`
	Group            int           `help:"Settlements of a batch call." default:"1000"`
	BatchConnections int           `help:"Connections of batch calls." default:"8"`
	Processes        int           `help:"Client processes." default:"1"`
	Runs             int           `help:"Runs of each case; the table shows medians." default:"3"`
	Warm             time.Duration `help:"Load before the measured time of a run." default:"500ms"`
	For              time.Duration `help:"Measured time of a run." default:"3s"`
	Drift            float64       `help:"Most that a run may take out of the accounts, as a share of all money; a longer one is made shorter." default:"0.05"`
	Dir              string        `help:"Where to put the directory of the own server; the system's temporary one if empty." placeholder:"DIR"`
	JSON             string        `help:"Write the report to a file." name:"json" placeholder:"FILE"`

	command selfCommand // nil: this binary
	quiet   bool        // the caller prints
}

// selfCommand gives the command line and environment that run this program with arguments.
type selfCommand func(args ...string) (line, env []string, err error)

func thisBinary(args ...string) (line, env []string, err error) {
	self, err := os.Executable()
	return append([]string{self}, args...), nil, err
}

// wrkScript takes the bodies in turn and puts a fresh message id into each.
//
//go:embed wrk.lua
var wrkScript []byte

// benchClientCmd is a load generator's process.
type benchClientCmd struct{}

// Run does what standard input says until it ends.
func (benchClientCmd) Run() error { return wire.Child(os.Stdin, os.Stdout) }

// Help tells what a wrong answer does.
func (benchHTTPCmd) Help() string {
	return "Drives a server with the bills of whoever an account can pay for, answers checked and held against the server's books. Exit code 1 if an answer was wrong, the books are off, or a run left its bands. " +
		"The pairs are driven by wrk (package wrk), which looks at the status of answers only; without it the harness's own client drives them. A server of --server needs --echo, and for national purchases that accounts pay the two drugs of bench/wire's Catalogue."
}

// Run measures and prints; with any breach it fails.
func (b *benchHTTPCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := b.measure(ctx)
	if err != nil {
		return err
	}
	if b.JSON != "" {
		text, err := json.MarshalIndent(r, "", " ")
		if err == nil {
			err = os.WriteFile(b.JSON, append(text, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	b.tell(r)
	if n := len(r.Breaches()); n > 0 {
		fmt.Printf("%d breaches: this is no result\n", n)
		return exitError(1)
	}
	return nil
}

// tell prints what a table of lines does not show.
func (b *benchHTTPCmd) tell(r *result.Report) {
	for i := range r.Cases {
		c := &r.Cases[i]
		for _, of := range c.Ceilings {
			fmt.Printf("%s is %.1f %% %s\n", c.ID, 100*r.Share(c, of.ID), of.What)
		}
	}
	for _, note := range r.Notes {
		fmt.Println("note:", note)
	}
}

// measure gives the report of a run, on a server of its own unless one is named.
func (b *benchHTTPCmd) measure(ctx context.Context) (r *result.Report, err error) {
	if b.command == nil {
		b.command = thisBinary
	}
	r = &result.Report{Format: result.Format, Made: time.Now(), Command: "gongji bench http", Facts: result.Facts{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Cores: runtime.NumCPU()}}
	server, err := b.named()
	if err != nil {
		return nil, err
	}
	if b.Server == "" {
		own := &benchServer{dir: b.Dir, command: b.command, province: provinceLoadsOf(b.Seed, b.Persons), say: b.say()}
		if server, err = own.start(ctx); err != nil {
			return nil, errors.Join(err, own.stop())
		}
		defer func() { err = errors.Join(err, own.stop()) }()
	}
	line, env, err := b.command("bench", "http-client")
	if err != nil {
		return nil, err
	}
	b.say()("%s", wire.Head())
	r.Cases, r.Notes, err = wire.Measure(ctx, wire.Plan{Server: server, Seed: b.Seed, Persons: b.Persons, Bodies: b.Bodies, AidPPM: b.AidPpm, Parts: b.Parts, Pairs: b.Connections,
		Wide: b.Wide, Pipeline: b.Pipeline, Group: b.Group, Batchers: b.BatchConnections, Processes: b.Processes, Runs: b.Runs, Warm: b.Warm, For: b.For, Drift: b.Drift,
		Client: line, Env: env, Script: wrkScript, Say: b.say()})
	return r, err
}

// say is how progress is told.
func (b *benchHTTPCmd) say() func(format string, a ...any) {
	if b.quiet {
		return func(string, ...any) {}
	}
	return say
}

func say(format string, a ...any) { fmt.Printf(format+"\n", a...) }

// named is the server of the flags.
func (b *benchHTTPCmd) named() (s wire.Server, err error) {
	if b.Server == "" {
		return s, nil
	}
	u, err := url.Parse(b.Server)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return s, fmt.Errorf("--server %s: want http://HOST:PORT", b.Server)
	}
	return wire.Server{Business: u.Host, Admin: b.Admin, PID: b.Pid}, nil
}
