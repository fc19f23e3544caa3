package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

func main() {
	size := flag.String("size", "full", "full, or half as in CI")
	only := flag.String("only", "", "regexp of lines, as 'T3 |T14 ': other parts are left out")
	all := flag.Bool("all", false, "a part that this machine cannot run is red")
	out := flag.String("o", "", "also write the summary to this file")
	flag.Parse()
	if err := prove(*size, *only, *out, *all); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

func prove(size, only, out string, all bool) error {
	if size != "full" && size != "half" {
		return fmt.Errorf("size %q is neither full nor half", size)
	}
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("only: %w", err)
	}
	var results []result
	for _, p := range plan {
		if !chosen.MatchString(strings.Join(p.lines, " ") + " ") {
			continue
		}
		r := play(p, size)
		for _, l := range r.lines {
			fmt.Println(l)
		}
		if r.red != "" {
			fmt.Printf("RED: %s\n%s\n", r.red, tail(r.output))
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return fmt.Errorf("no part matches %q", only)
	}
	var b bytes.Buffer
	green := summarize(&b, head(size), results, all)
	fmt.Printf("\n%s", b.Bytes())
	if out != "" {
		if err := os.WriteFile(out, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if !green {
		return fmt.Errorf("not proved")
	}
	return nil
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
