package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"gongji/bench/proof"
)

func main() {
	size := flag.String("size", "full", "full, or half as in CI")
	only := flag.String("only", "", "regexp of lines, as 'T3 |T14 ': other parts are left out")
	all := flag.Bool("all", false, "a part that this machine cannot run is red")
	out := flag.String("o", "", "also write the summary to this file")
	together := flag.Bool("together", false, "run the parts that mostly wait beside the others: sooner done, but their times say less")
	hours := flag.Float64("hours", 0, "repeat the plan with other seeds until so many hours are over, or something is red")
	flag.Parse()
	if err := prove(options{*size, *out, *only, *all, *together, time.Duration(*hours * float64(time.Hour))}); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

type options struct {
	size, out, only string
	all, together   bool
	soak            time.Duration
}

func prove(o options) error {
	if o.size != "full" && o.size != "half" {
		return fmt.Errorf("size %q is neither full nor half", o.size)
	}
	os.Setenv(proof.SizeVariable, o.size)
	parts, targets, err := choose(o.only)
	if err != nil {
		return err
	}
	for round, began := uint64(0), time.Now(); ; {
		if err := playAll(o, parts, targets, round); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		if round++; time.Since(began) >= o.soak {
			return nil
		}
	}
}

// choose picks what prints a line that the regexp matches, the space behind its name included.
func choose(only string) (parts []part, targets []proof.FuzzTarget, err error) {
	name, err := regexp.Compile(only)
	if err != nil {
		return nil, nil, fmt.Errorf("only: %w", err)
	}
	for _, p := range plan {
		if name.MatchString(strings.Join(p.lines, " ") + " ") {
			parts = append(parts, p)
		}
	}
	for _, f := range proof.FuzzPlan() {
		if name.MatchString("T19 fuzz-" + f.Name + " ") {
			targets = append(targets, f.Of())
		}
	}
	if len(parts)+len(targets) == 0 {
		return nil, nil, fmt.Errorf("no part matches %q", only)
	}
	return parts, targets, nil
}

// seedsARound lie between the first seeds of two rounds.
const seedsARound = 1_000_000

func playAll(o options, parts []part, targets []proof.FuzzTarget, round uint64) error {
	jobs := make([]func() result, 0, len(parts)+len(targets))
	var waits, works []int // indexes of jobs
	for _, p := range parts {
		if o.together && p.waits {
			waits = append(waits, len(jobs))
		} else {
			works = append(works, len(jobs))
		}
		jobs = append(jobs, func() result { return play(p, o.size, round*seedsARound) })
	}
	for _, f := range targets {
		works = append(works, len(jobs))
		jobs = append(jobs, func() result { return playFuzz(f) })
	}
	results := make([]result, len(jobs))
	var lanes sync.WaitGroup
	var screen sync.Mutex
	began := time.Now()
	for _, lane := range [][]int{waits, works} {
		lanes.Go(func() {
			for _, i := range lane {
				results[i] = jobs[i]()
				screen.Lock()
				tell(&results[i])
				screen.Unlock()
			}
		})
	}
	lanes.Wait()
	var b bytes.Buffer
	green := summarize(&b, fmt.Sprintf("%s, round %d", head(o.size), round+1), results, time.Since(began), o.all)
	fmt.Printf("\n%s", b.Bytes())
	if o.out != "" {
		if err := os.WriteFile(o.out, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if !green {
		return errors.New("not proved")
	}
	return nil
}

func tell(r *result) {
	for _, l := range r.lines {
		fmt.Println(l)
	}
	if r.red != "" {
		fmt.Printf("RED: %s\n%s\n", r.red, tail(r.output))
	}
}

// outputMax of a red part is shown, the end of it.
const outputMax = 16 << 10

func tail(b []byte) []byte { return b[max(0, len(b)-outputMax):] }

// head says when and on what.
func head(size string) string {
	commit := "unknown"
	if b, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		commit = strings.TrimSpace(string(b))
	}
	cpu := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(b); m != nil {
			cpu = string(m[1])
		}
	}
	return fmt.Sprintf("Gongji %s, proof at %s size, %s, %d cores (%s), %s %s/%s", commit, size, time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		runtime.NumCPU(), cpu, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
