package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"gongji/bench/report"
	"gongji/bench/result"
)

type benchSuiteCmd struct {
	JSON    string `name:"json" help:"Write the report here as JSON." placeholder:"FILE" type:"path"`
	HTML    string `name:"html" help:"Write the report here as one page." placeholder:"FILE" type:"path"`
	Quick   bool   `help:"A minute, a small world, short runs: does everything work, are answers and books right? Its figures say little."`
	Large   bool   `help:"Also a restart of 10,000,000 persons: some minutes and 20 GiB of disk more."`
	Persons int    `help:"Persons of the world; half own an account, half have one to three authorizers. With --quick at most 20000." default:"1000000"`
	Rounds  int    `help:"Measurements of everything; ceilings take turns with what they bound. With --quick one." default:"3"`
	Dir     string `help:"Where to put ledgers; a temporary directory if empty." placeholder:"DIR"`
}

// errNotHere says that this machine lacks what a step needs: it is noted, and the suite goes on.
var errNotHere = errors.New("not on this machine")

// benchStep is one part of the suite. run is called once a round and gives what it measured in it; runs of one case are put together. A step that
// can only tell at its end gives its cases in the last round.
type benchStep struct {
	name string
	run  func(ctx context.Context, round int) ([]result.Case, error)
}

// benchBlock is steps that take turns, round by round, so that a ceiling is measured in the same minutes as what it bounds. close frees what they hold.
type benchBlock struct {
	rounds int
	steps  []benchStep
	close  func() error
}

// Run measures, prints, writes, and says by its exit code whether the runs were right; a missed aim is no failure.
func (b *benchSuiteCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, file := range []string{b.JSON, b.HTML} {
		if _, err := os.Stat(filepath.Dir(file)); file != "" && err != nil {
			return err // now, and not in five minutes
		}
	}
	s := newBenchSettings(b.Persons, b.Rounds, b.Quick)
	s.large = b.Large
	var err error
	if s.dir, err = os.MkdirTemp(b.Dir, "gongji-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	r, err := newReport(s.dir)
	if err != nil {
		return err
	}
	blocks := []benchBlock{s.inProcess(), s.others(), s.http(), s.restart()}
	err = runBlocks(ctx, os.Stdout, r, blocks)
	r.Notes = append(r.Notes, s.notes...)
	if err != nil {
		r.Notes = append(r.Notes, "The suite ended early: a step failed.")
		fmt.Fprintln(os.Stderr, "gongji: bench suite:", err)
		return errors.Join(exitError(1), b.finish(r))
	}
	return b.finish(r)
}

// finish judges, prints and writes what there is, also behind a failed step.
func (b *benchSuiteCmd) finish(r *result.Report) error {
	report.Judge(r)
	if b.Quick {
		r.Notes = append(r.Notes, "A quick run: it checks answers and books; its figures are no measurements.")
	}
	fmt.Println()
	report.Print(os.Stdout, r)
	var err error
	if b.JSON != "" {
		err = errors.Join(err, report.Write(b.JSON, r))
	}
	if b.HTML != "" {
		err = errors.Join(err, report.WriteHTML(b.HTML, r))
	}
	if err == nil && len(r.Breaches()) > 0 {
		err = exitError(1)
	}
	return err
}

func newReport(dir string) (*result.Report, error) {
	facts, err := result.CollectFacts(version, dir)
	return &result.Report{Format: result.Format, Made: time.Now().Truncate(time.Second), Command: typed(os.Args), Facts: facts}, err
}

// typed is a command line as it was typed, of paths only the last name.
func typed(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		name, value, assigned := strings.Cut(a, "=")
		if !assigned {
			name, value = "", a
		}
		if strings.Contains(value, "/") {
			value = filepath.Base(value)
		}
		if out[i] = value; assigned {
			out[i] = name + "=" + value
		}
	}
	return strings.Join(out, " ")
}

// runBlocks runs every step of every round and puts its cases into r. What a machine lacks is noted; any other error ends the suite.
func runBlocks(ctx context.Context, w io.Writer, r *result.Report, blocks []benchBlock) error {
	lacking := map[string]bool{}
	for _, b := range blocks {
		err := b.play(ctx, w, r, lacking)
		if b.close != nil {
			err = errors.Join(err, b.close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *benchBlock) play(ctx context.Context, w io.Writer, r *result.Report, lacking map[string]bool) error {
	for round := range b.rounds {
		for _, s := range b.steps {
			if lacking[s.name] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("%s: interrupted", s.name)
			}
			start := time.Now()
			fmt.Fprintf(w, "round %d of %d  %-32s ", round+1, b.rounds, s.name)
			cases, err := s.run(ctx, round)
			if errors.Is(err, errNotHere) {
				lacking[s.name] = true
				r.Notes = append(r.Notes, fmt.Sprintf("%s: %v", s.name, err))
				fmt.Fprintln(w, err)
				continue
			}
			if err != nil {
				fmt.Fprintln(w, "failed")
				return fmt.Errorf("%s: %w", s.name, err)
			}
			for i := range cases {
				merge(r, &cases[i])
			}
			fmt.Fprintf(w, "%5.1f s\n", time.Since(start).Seconds())
		}
	}
	return nil
}

// merge adds the runs of a case to those of the same ID, or the case. Name and note are those told last.
func merge(r *result.Report, c *result.Case) {
	known := r.Find(c.ID)
	if known == nil {
		r.Cases = append(r.Cases, *c)
		return
	}
	runs := append(known.Runs, c.Runs...)
	*known = *c
	known.Runs = runs
}
