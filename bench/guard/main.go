package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// benchstat is pinned: another version may judge otherwise.
const benchstat = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da"

// The packages a settlement passes through, and their benchmarks that take a second and not a minute.
const (
	packagesDefault = "engine/executor engine/command engine/journal engine/ledger api api/rest api/strictjson api/ids"
	benchDefault    = "^Benchmark(Execute|Append|Decode|Effects|Post|Call|SettleWork|DecodeSettlement|AppendAnswer|AppendSettlement|ParseSettlement)$"
)

type options struct {
	base, bench, packages, benchtime string
	count                            int
	keep                             string // directory for the raw results; "": none
	benchstat                        string // package to run
}

func main() {
	o := options{benchstat: benchstat}
	flag.StringVar(&o.base, "base", "", "commit to compare the work tree with")
	flag.StringVar(&o.bench, "bench", "", "benchmarks; empty: those of the hot paths")
	flag.StringVar(&o.packages, "pkg", "", "folders, with blanks between; empty: those of the hot paths")
	flag.StringVar(&o.benchtime, "benchtime", "0.5s", "of each benchmark and turn")
	flag.IntVar(&o.count, "count", 6, "turns; benchstat needs 6 to speak of 95 %")
	flag.StringVar(&o.keep, "keep", "", "also put base.txt and head.txt into this directory")
	flag.Parse()
	if o.base == "" {
		fmt.Fprintln(os.Stderr, "guard: BASE is missing: make bench-compare BASE=rev")
		os.Exit(2)
	}
	if o.bench == "" {
		o.bench = benchDefault
	}
	if o.packages == "" {
		o.packages = packagesDefault
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := guard(ctx, ".", o, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

// guard does all of it in root, a work tree of git. What it makes lies in a temporary directory and is gone at the end, also after a failure.
func guard(ctx context.Context, root string, o options, out, log io.Writer) (err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return err
	}
	commit, err := output(ctx, root, "git", "rev-parse", "--verify", "--end-of-options", o.base+"^{commit}")
	if err != nil {
		return fmt.Errorf("no commit %q: %w", o.base, err)
	}
	dir, err := os.MkdirTemp("", "gongji-guard-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	base := filepath.Join(dir, "base")
	if _, err := output(ctx, root, "git", "worktree", "add", "--detach", base, commit); err != nil {
		return err
	}
	defer func() { // not with ctx: an interrupted run cleans up too
		_, e := output(context.Background(), root, "git", "worktree", "remove", "--force", base)
		err = errors.Join(err, e)
	}()
	sides := []*side{{name: "base", root: base, dir: dir}, {name: "head", root: root, dir: dir}}
	tests, err := build(ctx, sides, strings.Fields(o.packages), log)
	if err != nil {
		return err
	}
	if err := turns(ctx, sides, tests, o, log); err != nil {
		return err
	}
	if o.keep != "" {
		for _, s := range sides {
			if err := os.WriteFile(filepath.Join(o.keep, s.name+".txt"), s.results, 0o600); err != nil {
				return err
			}
		}
	}
	return judge(ctx, root, dir, o.benchstat, sides, out)
}

// side is one of the two commits.
type side struct {
	name, root, dir string
	results         []byte // what the benchmarks printed
}

func (s *side) binary(pkg string) string {
	return filepath.Join(s.dir, s.name+"-"+strings.ReplaceAll(pkg, "/", "-")+".test")
}

// build makes the test binaries and gives the packages that both sides have.
func build(ctx context.Context, sides []*side, packages []string, log io.Writer) (both []string, err error) {
	for _, pkg := range packages {
		pkg = filepath.ToSlash(filepath.Clean(pkg))
		known := true
		for _, s := range sides {
			if _, err := os.Stat(filepath.Join(s.root, pkg)); err != nil {
				fmt.Fprintf(log, "%s is not in %s: left out\n", pkg, s.name)
				known = false
			}
		}
		if !known {
			continue
		}
		for _, s := range sides {
			fmt.Fprintf(log, "building %s %s\n", s.name, pkg)
			if _, err := output(ctx, s.root, "go", "test", "-c", "-o", s.binary(pkg), "./"+pkg); err != nil {
				return nil, err
			}
			if _, err := os.Stat(s.binary(pkg)); err != nil {
				return nil, fmt.Errorf("%s has no tests in %s", pkg, s.name)
			}
		}
		both = append(both, pkg)
	}
	if len(both) == 0 {
		return nil, errors.New("no package to compare")
	}
	return both, nil
}

// turns runs every package's benchmarks once a side and turn; who goes first changes, so that a machine that grows warm or busy treats both alike.
func turns(ctx context.Context, sides []*side, packages []string, o options, log io.Writer) error {
	for turn := range o.count {
		for _, pkg := range packages {
			for k := range sides {
				s := sides[(k+turn)%len(sides)]
				fmt.Fprintf(log, "turn %d of %d: %s %s\n", turn+1, o.count, s.name, pkg)
				text, err := output(ctx, filepath.Join(s.root, pkg), s.binary(pkg), "-test.run=^$", "-test.bench="+o.bench, "-test.benchmem", "-test.benchtime="+o.benchtime, "-test.timeout=10m")
				if err != nil {
					return err
				}
				s.results = append(append(s.results, text...), '\n')
			}
		}
	}
	return nil
}

// judge prints benchstat of both sides.
func judge(ctx context.Context, root, dir, stat string, sides []*side, out io.Writer) error {
	args := []string{"run", stat}
	for _, s := range sides {
		if !strings.Contains(string(s.results), "\nBenchmark") && !strings.HasPrefix(string(s.results), "Benchmark") {
			return fmt.Errorf("no benchmark matched in %s", s.name)
		}
		file := filepath.Join(dir, s.name+".txt")
		if err := os.WriteFile(file, s.results, 0o600); err != nil {
			return err
		}
		args = append(args, s.name+"="+file)
	}
	text, err := output(ctx, root, "go", args...)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, text)
	return err
}

// output runs a program and gives what it printed; its complaints are in the error.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var complaints strings.Builder
	cmd.Stderr = &complaints
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), err, complaints.String(), text)
	}
	return strings.TrimRight(string(text), "\n"), nil
}
