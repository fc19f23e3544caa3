package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"gongji/bench/proof"
)

// result is what a part came to.
type result struct {
	part   part
	lines  []string // as printed
	red    string   // why, empty if it is green
	output []byte   // of a red part
}

var printed = regexp.MustCompile(`\b(T[0-9]+ [a-z0-9-]+) (ok|RED|NOT-RUN)\b.*`)

// play runs a part and judges it: go test must end well, and each line of the plan must be there and not red.
func play(p part, size string, seed uint64) (r result) {
	r.part = p
	ctx, cancel := context.WithTimeout(context.Background(), partLimit)
	defer cancel()
	args := []string{"test", "-count=1", "-v", "-timeout", partLimit.String()}
	if p.tags != "" {
		args = append(args, "-tags", p.tags)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "-run", p.run, "gongji/"+p.dir)...)
	cmd.Env = append(os.Environ(), proof.SizeVariable+"="+size, fmt.Sprintf("%s=%d", proof.SeedVariable, seed))
	out, err := cmd.CombinedOutput()
	seen := map[string]bool{}
	for _, l := range bytes.Split(out, []byte("\n")) {
		if m := printed.FindSubmatch(l); m != nil {
			r.lines = append(r.lines, string(m[0]))
			if seen[string(m[1])] = true; string(m[2]) == "RED" {
				r.red = string(m[1]) + " is red"
			}
		}
	}
	for _, want := range p.lines {
		if !seen[want] {
			r.red = fmt.Sprintf("%s told nothing", want)
		}
	}
	if err != nil {
		r.red = fmt.Sprintf("go test %s -run %s: %v", p.dir, p.run, err)
	}
	if r.red != "" {
		r.output = out
	}
	return r
}

// skipped are the names of lines that say NOT-RUN.
func skipped(lines []string) (names []string) {
	for _, l := range lines {
		if m := printed.FindStringSubmatch(l); m != nil && m[2] == "NOT-RUN" {
			names = append(names, m[1])
		}
	}
	return names
}

// figure is the value of a key in a printed line, or of a kind of fault; empty if it is not there.
func figure(line, key string) string {
	if key == "" {
		return ""
	}
	if m := regexp.MustCompile(`[{,]` + regexp.QuoteMeta(key) + `:(\d+)`).FindStringSubmatch(line); m != nil {
		return m[1]
	}
	for _, w := range strings.Fields(line) {
		if k, v, ok := strings.Cut(w, "="); ok && k == key {
			return v
		}
	}
	return ""
}
