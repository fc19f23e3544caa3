package defects

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// RedLimit is how long a defect may stay hidden (reliability.md T20).
const RedLimit = 5 * time.Minute

// tags are those of every test (Makefile), to which a defect adds its own.
const tags = "invariants"

// A runner builds and runs tests of the module at root. Test binaries go to scratch, one for each package and tag. One goroutine.
type runner struct {
	root, scratch string
	built         map[string]string // binary by package and tags
	builds        int
	green         map[string]bool // sightings seen green without a defect
}

// outcome is one run of a test binary.
type outcome struct {
	failed bool
	output string
	took   time.Duration
}

// see demands that a sighting is green without the defect and red with it, and gives the time to red.
func (r *runner) see(name string, s Sighting) (time.Duration, error) {
	if key := fmt.Sprint(s.Package, s.Run, s.Args); !r.green[key] {
		o, err := r.run(s, tags)
		if err != nil || o.failed {
			return 0, errors.Join(err, fmt.Errorf("without a defect it is not green: %s", tail(o.output)))
		}
		if strings.Contains(o.output, "no tests to run") {
			return 0, errors.New("there is no such test")
		}
		r.green[key] = true
	}
	o, err := r.run(s, tags+","+TagPrefix+name)
	if err != nil {
		return 0, err
	}
	return o.took, judge(s, o)
}

// judge says why an outcome is not the red that is wanted.
func judge(s Sighting, o outcome) error {
	test, _, _ := strings.Cut(strings.Trim(s.Run, "^$"), "$")
	panicked := strings.Contains(o.output, "panic: ")
	switch {
	case strings.Contains(o.output, "panic: test timed out"):
		return fmt.Errorf("hidden for %v", RedLimit)
	case !o.failed:
		return errors.New("STAYS GREEN")
	case panicked != s.Panics:
		return fmt.Errorf("panicked %v, want %v: %s", panicked, s.Panics, tail(o.output))
	case !strings.Contains(o.output, "--- FAIL: "+test):
		return fmt.Errorf("red, but not by %s: %s", test, tail(o.output))
	case !regexp.MustCompile(s.Says).MatchString(o.output):
		return fmt.Errorf("red, but does not say %q: %s", s.Says, tail(o.output))
	}
	return nil
}

// run runs the sighting's test under tags, from its package's folder as go test does.
func (r *runner) run(s Sighting, tags string) (o outcome, err error) {
	binary, err := r.build(s.Package, tags)
	if err != nil {
		return o, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), RedLimit+time.Minute) // the binary's own limit comes first
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"-test.run=" + s.Run, "-test.timeout=" + RedLimit.String(), "-test.failfast"}, s.Args...)...)
	cmd.Dir = filepath.Join(r.root, s.Package)
	cmd.Env = plain(os.Environ())
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	o = outcome{output: string(out), took: time.Since(begun)}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		o.failed, err = true, ctx.Err()
	}
	return o, err
}

// plain leaves out what makes runs of other sizes.
func plain(env []string) (out []string) {
	for _, v := range env {
		if !strings.HasPrefix(v, "GONGJI_") {
			out = append(out, v)
		}
	}
	return out
}

// build makes a package's test binary, once. An error is one of the compiler's, so no red.
func (r *runner) build(dir, tags string) (string, error) {
	key := dir + " " + tags
	if binary := r.built[key]; binary != "" {
		return binary, nil
	}
	r.builds++
	binary := filepath.Join(r.scratch, fmt.Sprintf("%d.test", r.builds))
	if err := r.goTool("test", "-c", "-vet=off", "-ldflags=-w", "-tags", tags, "-o", binary, "./"+dir); err != nil {
		return "", err
	}
	r.built[key] = binary
	return binary, nil
}

// goTool runs the go command at the module's root.
func (r *runner) goTool(args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// forget deletes the binaries of a defect: each is tens of MB.
func (r *runner) forget(name string) error {
	var errs []error
	for key, binary := range r.built {
		if strings.HasSuffix(key, TagPrefix+name) {
			errs = append(errs, os.Remove(binary))
			delete(r.built, key)
		}
	}
	return errors.Join(errs...)
}

// tail is the end of an output.
func tail(s string) string {
	const most = 1500
	if len(s) > most {
		s = "..." + s[len(s)-most:]
	}
	return s
}
